"""How a machine is backed up, from snapshot to recovery point."""
