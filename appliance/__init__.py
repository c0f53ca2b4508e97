"""Keepline: backup and restore of VMware vSphere machines."""
