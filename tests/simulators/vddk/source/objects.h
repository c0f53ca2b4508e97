/*
 * Everything the client holds a pointer to, so that a pointer it should not hold any more ends the process.
 *
 * An object ends exactly at a page's end, before a page without rights: reading beyond a layout of an older version crashes.
 * A released object loses its rights and stays in quarantine, where its address is still known.
 */
#ifndef SIMULATED_VDDK_OBJECTS_H
#define SIMULATED_VDDK_OBJECTS_H

#include <stddef.h>

enum object_kind {
    OBJECT_CONNECTION,
    OBJECT_DISK,
    OBJECT_PARAMETERS,
    OBJECT_INFORMATION,
    OBJECT_ERROR_TEXT,
    OBJECT_BLOCK_LIST,
    OBJECT_KINDS
};

/* Zeroed; NULL without memory. */
void *allocate_object(enum object_kind kind, size_t size);

/* Dies unless `pointer` is a live object of that kind. */
void require_object(const void *pointer, enum object_kind kind, const char *function, const char *argument);

/* Dies unless live; afterwards any use dies too. */
void release_object(void *pointer, enum object_kind kind, const char *function);

int count_objects(enum object_kind kind);
const char *object_kind_name(enum object_kind kind);

#endif
