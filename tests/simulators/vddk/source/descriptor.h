/* The text half of a virtual disk: its extent, its capacity, and the metadata kept as ddb.KEY = "VALUE". */
#ifndef SIMULATED_VDDK_DESCRIPTOR_H
#define SIMULATED_VDDK_DESCRIPTOR_H

#include <stdbool.h>

#include "abi.h"
#include "content.h"

struct descriptor {
    char extent[CONTENT_PATH]; /* absolute or beside the descriptor */
    uint64_t capacity_sectors;
    char adapter[32];
    char uuid[128];
};

/* A disk of one flat extent. 4 when there is no such file, 6 for another kind of disk, 16000 for no disk at all. */
VixError read_descriptor(struct descriptor *descriptor, const char *path);

/* A new descriptor for `extent`, which lies beside it. */
VixError write_descriptor(const char *path, const char *extent, uint64_t capacity_sectors, int adapter, unsigned hardware);

/* Heap text of the whole file, or NULL with errno. */
char *read_text(const char *path);
/* Replaces the file as a whole, so that a reader sees the old text or the new one. */
bool replace_text(const char *path, const char *text);

/* If the line is ddb.KEY = "VALUE", gives where key and value lie in it. */
struct metadata_line {
    const char *key;
    int key_length;
    const char *value;
    int value_length;
};
bool parse_metadata_line(const char *line, struct metadata_line *parsed);

#endif
