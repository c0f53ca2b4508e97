#!/bin/sh
# Turns a copy of the library into one for another machine: wrong-architecture.sh LIBRARY COPY
set -eu
cp -f "$1" "$2"
# e_machine of the ELF header, two bytes at 18: 183 is AArch64.
printf '\267\000' | dd of="$2" bs=1 seek=18 conv=notrunc status=none
