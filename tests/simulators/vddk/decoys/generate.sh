#!/bin/sh
# Writes the assembly and the version script of one decoy: generate.sh SONAME FOLDER [forward]
#
# The names are those of the machine's own library of that name, since those are what a program of this machine can bind;
# on a machine without it, the few of decoys/minimum.txt.
set -eu
soname=$1 folder=$2 forward=${3:-}
here=$(dirname "$0")
library=$("${CC:-gcc}" -print-file-name="$soname")

list_symbols() {
    if [ -e "$library" ]; then
        nm -D --defined-only --with-symbol-versions "$library" | awk 'NF >= 2 { print $(NF - 1), $NF }'
    else
        awk -v soname="$soname" '$1 == soname { print "T", $2 }' "$here/minimum.txt"
    fi
}

list_symbols | awk -v soname="$soname" -v forward="$forward" -v script="$folder/$soname.map" '
    $1 == "A" { next }                              # the names of versions
    {
        symbol = $2; version = ""
        at = index(symbol, "@")
        if (at) {
            version = substr(symbol, at); symbol = substr(symbol, 1, at - 1)
            if (version !~ /^@@/) next              # not the default version
            version = substr(version, 3)
        }
        if (symbol in seen || symbol ~ /^_(init|fini|edata|end)$|^__bss_start$/) next
        seen[symbol] = 1
        members[version] = members[version] "        " symbol ";\n"
        if ($1 ~ /^[TtWwi]$/) functions[++count] = symbol; else objects[++object_count] = symbol
    }
    END {
        print "    .section .note.GNU-stack,\"\",@progbits"
        print "    .text"
        for (i = 1; i <= count; i++) {
            name = functions[i]
            printf "    .globl %s\n    .type %s, @gnu_indirect_function\n%s:\n", name, name, name
            printf "    lea .Lname%d(%%rip), %%rdi\n", i
            if (forward) printf "    lea .Ljump%d(%%rip), %%rsi\n", i; else print "    xor %esi, %esi"
            print "    jmp decoy_resolve"
            if (forward) printf ".Ljump%d:\n    jmp *(decoy_targets + %d)(%%rip)\n", i, 8 * (i - 1)
        }
        print "    .section .rodata"
        for (i = 1; i <= count; i++) printf ".Lname%d:\n    .asciz \"%s\"\n", i, functions[i]
        printf "    .globl decoy_name\ndecoy_name:\n    .asciz \"%s\"\n", soname
        printf "    .balign 4\n    .globl decoy_forwards\ndecoy_forwards:\n    .long %d\n", forward ? 1 : 0
        print "    .section .data.rel.ro,\"aw\"\n    .balign 8\n    .globl decoy_symbols\ndecoy_symbols:"
        for (i = 1; i <= count; i++) printf "    .quad .Lname%d\n", i
        print "    .quad 0\n    .data\n    .balign 8\n    .globl decoy_targets\ndecoy_targets:"
        for (i = 1; i <= count; i++) print "    .quad decoy_without_target"
        print "    .bss\n    .balign 16"
        for (i = 1; i <= object_count; i++)
            printf "    .globl %s\n    .type %s, @object\n    .size %s, 64\n%s:\n    .zero 64\n", objects[i], objects[i], objects[i], objects[i]
        print "    .hidden decoy_name, decoy_forwards, decoy_symbols, decoy_targets"
        local = "    local: *;\n"
        if ("" in members && length(members) == 1) {
            printf "{\n    global:\n%s%s};\n", members[""], local > script
        } else {
            if ("" in members) local = ""               # names without version stay so, outside every node
            for (version in members) if (version != "") {
                printf "%s {\n    global:\n%s%s};\n", version, members[version], local > script
                local = ""
            }
        }
    }
' > "$folder/$soname.s"
