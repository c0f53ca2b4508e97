"""How blocks get from a disk into segments and back.

Exports nothing by itself: movers import module by module, because one of them (`stream_vmdk_target`) needs
zlib, of which VDDK brings its own.
"""
