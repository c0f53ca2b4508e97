/*
 * The bytes of one disk: the running ones in -flat, and for a snapshot the old cells saved beside it.
 *
 * The order of reading and writing is the contract of tests/simulators/README.md, "Reading a frozen disk".
 */
#ifndef SIMULATED_VDDK_CONTENT_H
#define SIMULATED_VDDK_CONTENT_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "abi.h"

enum { MAXIMUM_SAVED_COPIES = 32, CONTENT_PATH = 1024 };

/* The old cells of one snapshot. Files appear when the first cell is saved. */
struct saved_cells {
    char cow_path[CONTENT_PATH];
    char map_path[CONTENT_PATH];
    atomic_int cow;
    atomic_int map;
};

struct content {
    int flat;
    bool writable;
    bool frozen; /* read through saved[0] */
    uint64_t capacity;
    uint64_t cell;
    int saved_count;
    struct saved_cells saved[MAXIMUM_SAVED_COPIES];
};

/* Opens `flat`; 4 when it is not there, 13 when it may not be opened, 7 for anything else. */
VixError open_content(struct content *content, const char *flat, bool writable);
/* A snapshot's cells: what a read-only disk is read through, and where a writable one saves before it overwrites. */
void add_saved_cells(struct content *content, const char *cow, const char *map);
void close_content(struct content *content);

/* Both within capacity. 7 on an error of the file system, 8 when it is full. */
VixError read_content(struct content *content, uint64_t offset, uint64_t length, uint8_t *buffer);
VixError write_content(struct content *content, uint64_t offset, uint64_t length, const uint8_t *buffer);
VixError flush_content(struct content *content);

/* Descriptors of a snapshot's files, or -1 while nothing was saved. */
int cow_of(struct saved_cells *saved);
int map_of(struct saved_cells *saved);

/* Reads exactly `length` bytes; what lies behind the file's end is zero. False on an error. */
bool read_fully(int descriptor, void *buffer, uint64_t length, uint64_t offset);
bool write_fully(int descriptor, const void *buffer, uint64_t length, uint64_t offset);

#endif
