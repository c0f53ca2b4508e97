#include "content.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#include "diagnosis.h"
#include "logging.h"

bool read_fully(int descriptor, void *buffer, uint64_t length, uint64_t offset)
{
    uint8_t *next = buffer;

    while (length) {
        ssize_t got = pread(descriptor, next, length, (off_t)offset);
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            return false;
        if (got == 0) {
            memset(next, 0, length);
            return true;
        }
        next += got;
        offset += (uint64_t)got;
        length -= (uint64_t)got;
    }
    return true;
}

bool write_fully(int descriptor, const void *buffer, uint64_t length, uint64_t offset)
{
    const uint8_t *next = buffer;

    while (length) {
        ssize_t put = pwrite(descriptor, next, length, (off_t)offset);
        if (put < 0 && errno == EINTR)
            continue;
        if (put <= 0)
            return false;
        next += put;
        offset += (uint64_t)put;
        length -= (uint64_t)put;
    }
    return true;
}

static VixError error_of_system(void)
{
    switch (errno) {
    case ENOENT:
        return VIX_E_FILE_NOT_FOUND;
    case EACCES:
    case EPERM:
        return VIX_E_FILE_ACCESS_ERROR;
    case ENOSPC:
    case EDQUOT:
        return VIX_E_DISK_FULL;
    default:
        return VIX_E_FILE_ERROR;
    }
}

VixError open_content(struct content *content, const char *flat, bool writable)
{
    memset(content, 0, sizeof *content);
    content->writable = writable;
    content->flat = open(flat, (writable ? O_RDWR : O_RDONLY) | O_CLOEXEC);
    if (content->flat >= 0)
        return VIX_OK;
    VixError error = error_of_system();
    say(LEVEL_ERROR, "VixDiskLib: cannot open %s: error %d\n", flat, errno);
    return error;
}

void add_saved_cells(struct content *content, const char *cow, const char *map)
{
    struct saved_cells *saved = &content->saved[content->saved_count];

    if (!cow || !map || !*cow || !*map)
        return;
    if (content->saved_count == MAXIMUM_SAVED_COPIES)
        die("more than %d snapshots of one disk", MAXIMUM_SAVED_COPIES);
    snprintf(saved->cow_path, sizeof saved->cow_path, "%s", cow);
    snprintf(saved->map_path, sizeof saved->map_path, "%s", map);
    saved->cow = -1;
    saved->map = -1;
    content->saved_count++;
    content->frozen = !content->writable;
}

static void close_once(atomic_int *descriptor)
{
    int open_descriptor = atomic_exchange(descriptor, -1);

    if (open_descriptor >= 0)
        close(open_descriptor);
}

void close_content(struct content *content)
{
    for (int index = 0; index < content->saved_count; index++) {
        close_once(&content->saved[index].cow);
        close_once(&content->saved[index].map);
    }
    if (content->flat >= 0)
        close(content->flat);
    content->flat = -1;
}

/* Several asynchronous reads may open it at once: the first one's descriptor stays. */
static int open_late(atomic_int *descriptor, const char *path, int flags)
{
    int known = atomic_load(descriptor);
    if (known >= 0)
        return known;
    int opened = open(path, flags | O_CLOEXEC, 0644);
    if (opened < 0)
        return -1;
    int expected = -1;
    if (atomic_compare_exchange_strong(descriptor, &expected, opened))
        return opened;
    close(opened);
    return expected;
}

int cow_of(struct saved_cells *saved)
{
    return open_late(&saved->cow, saved->cow_path, O_RDONLY);
}

int map_of(struct saved_cells *saved)
{
    return open_late(&saved->map, saved->map_path, O_RDONLY);
}

/* The part of [offset, offset + length) that lies in cells first..end-1. */
static bool overlay_run(const struct content *content, int cow, uint64_t first, uint64_t end, uint64_t offset,
                        uint64_t length, uint8_t *buffer)
{
    uint64_t start = first * content->cell, stop = end * content->cell;

    if (start < offset)
        start = offset;
    if (stop > offset + length)
        stop = offset + length;
    return read_fully(cow, buffer + (start - offset), stop - start, start);
}

static bool overlay_cells(struct content *content, const uint8_t *map, uint64_t first, uint64_t count, uint64_t offset,
                          uint64_t length, uint8_t *buffer)
{
    for (uint64_t index = 0; index < count;) {
        if (!map[index]) {
            index++;
            continue;
        }
        uint64_t run = index;
        while (run < count && map[run])
            run++;
        int cow = cow_of(&content->saved[0]);
        if (cow < 0 || !overlay_run(content, cow, first + index, first + run, offset, length, buffer))
            return false;
        index = run;
    }
    return true;
}

/* After -flat, never before: a cell overwritten meanwhile is marked by now. */
static bool overlay_saved_cells(struct content *content, uint64_t offset, uint64_t length, uint8_t *buffer)
{
    uint64_t first = offset / content->cell;
    uint64_t count = (offset + length - 1) / content->cell - first + 1;
    uint8_t small[512];
    int map = map_of(&content->saved[0]);

    if (map < 0)
        return errno == ENOENT;
    uint8_t *cells = count <= sizeof small ? small : malloc(count);
    if (!cells)
        return false;
    bool done = read_fully(map, cells, count, first);
    if (done && memchr(cells, 1, count))
        done = overlay_cells(content, cells, first, count, offset, length, buffer);
    if (cells != small)
        free(cells);
    return done;
}

VixError read_content(struct content *content, uint64_t offset, uint64_t length, uint8_t *buffer)
{
    if (!length)
        return VIX_OK;
    if (!read_fully(content->flat, buffer, length, offset))
        return error_of_system();
    if (content->frozen && !overlay_saved_cells(content, offset, length, buffer))
        return error_of_system();
    return VIX_OK;
}

static bool copy_cell(const struct content *content, int cow, uint64_t cell)
{
    uint64_t offset = cell * content->cell;
    uint64_t length = content->cell;
    uint8_t *old = malloc(length);

    if (!old)
        return false;
    bool done = read_fully(content->flat, old, length, offset) && write_fully(cow, old, length, offset);
    free(old);
    return done;
}

static bool save_cells(const struct content *content, int cow, int map, uint64_t first, uint64_t count)
{
    const uint8_t one = 1;

    for (uint64_t cell = first; cell < first + count; cell++) {
        uint8_t saved = 0;
        if (!read_fully(map, &saved, 1, cell))
            return false;
        if (saved)
            continue;
        if (!copy_cell(content, cow, cell) || !write_fully(map, &one, 1, cell))
            return false;
    }
    return true;
}

/* The map's lock keeps two writers of different processes from saving one cell twice, the second time too late. */
static bool save_before_write(struct content *content, struct saved_cells *saved, uint64_t offset, uint64_t length)
{
    uint64_t first = offset / content->cell;
    uint64_t count = (offset + length - 1) / content->cell - first + 1;
    int cow = open_late(&saved->cow, saved->cow_path, O_RDWR | O_CREAT);
    int map = open_late(&saved->map, saved->map_path, O_RDWR | O_CREAT);

    if (cow < 0 || map < 0)
        return false;
    while (flock(map, LOCK_EX) != 0)
        if (errno != EINTR)
            return false;
    bool done = save_cells(content, cow, map, first, count);
    flock(map, LOCK_UN);
    return done;
}

VixError write_content(struct content *content, uint64_t offset, uint64_t length, const uint8_t *buffer)
{
    if (!length)
        return VIX_OK;
    for (int index = 0; index < content->saved_count; index++)
        if (!save_before_write(content, &content->saved[index], offset, length))
            return error_of_system();
    return write_fully(content->flat, buffer, length, offset) ? VIX_OK : error_of_system();
}

VixError flush_content(struct content *content)
{
    return fsync(content->flat) == 0 ? VIX_OK : error_of_system();
}
