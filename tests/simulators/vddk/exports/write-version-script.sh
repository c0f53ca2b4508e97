#!/bin/sh
# Writes the version script of a variant: what functions.txt says its version has, and nothing else.
set -eu
version=$1 list=$2
awk -v version="$version" '
    function number(text,  parts) { split(text, parts, "."); return parts[1] * 100 + (parts[2] == "x" ? 0 : parts[2]) }
    BEGIN { print "{\n    global:\n        simulated_vddk_is_loading_its_own;" }
    /^#/ || NF < 2 { next }
    number($2) <= number(version) { print "        " $1 ";" }
    END { print "    local: *;\n};" }
' "$list"
