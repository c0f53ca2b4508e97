"""The way of blocks between disks and segments, without which neither knows the other."""
