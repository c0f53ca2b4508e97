"""Sizes. Bytes are the default unit everywhere and unnamed; whatever counts something else says so."""

SECTOR_SIZE = 512
KIB = 1024
MIB = 1024 * KIB
GIB = 1024 * MIB
TIB = 1024 * GIB
