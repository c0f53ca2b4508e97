/*
 * QueryAllocatedBlocks: which chunks hold data.
 *
 * A cell that was saved for the snapshot counts by the file with the old cells: a hole there means that the disk had nothing
 * at that place when the snapshot was made, and reading it gives zeros. Any other cell counts by -flat.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "abi.h"
#include "diagnosis.h"
#include "disks.h"
#include "faults.h"
#include "logging.h"
#include "objects.h"

struct area {
    struct content *content;
    uint64_t start; /* bytes */
    uint64_t length;
    uint64_t chunk;
    uint8_t *allocated; /* one byte a chunk */
};

static void mark(struct area *area, uint64_t start, uint64_t end)
{
    uint64_t area_end = area->start + area->length;

    if (start < area->start)
        start = area->start;
    if (end > area_end)
        end = area_end;
    if (start >= end)
        return;
    uint64_t first = (start - area->start) / area->chunk, last = (end - 1 - area->start) / area->chunk;
    memset(area->allocated + first, 1, last - first + 1);
}

/* A file system without holes says that everything is data, which is true as well. */
static bool next_data(int descriptor, uint64_t position, uint64_t end, uint64_t *data, uint64_t *hole)
{
    off_t found = lseek(descriptor, (off_t)position, SEEK_DATA);

    if (found < 0 && errno == ENXIO)
        return false;
    *data = found < 0 ? position : (uint64_t)found;
    if (*data >= end)
        return false;
    found = found < 0 ? -1 : lseek(descriptor, found, SEEK_HOLE);
    *hole = found < 0 || (uint64_t)found > end ? end : (uint64_t)found;
    return true;
}

static void mark_data(struct area *area, int descriptor, uint64_t start, uint64_t end)
{
    uint64_t data, hole;

    while (start < end && next_data(descriptor, start, end, &data, &hole)) {
        mark(area, data, hole);
        start = hole;
    }
}

struct extent {
    uint64_t start;
    uint64_t end;
};

struct extents {
    struct extent *items;
    size_t count;
    size_t room;
};

static void add_extent(struct extents *extents, uint64_t start, uint64_t end)
{
    if (extents->count == extents->room) {
        extents->room = extents->room ? 2 * extents->room : 64;
        extents->items = realloc(extents->items, extents->room * sizeof *extents->items);
        if (!extents->items)
            die("out of memory");
    }
    extents->items[extents->count++] = (struct extent){start, end};
}

/* Before the map is looked at, for the same reason as in reading. */
static struct extents data_of(int descriptor, uint64_t start, uint64_t end)
{
    struct extents extents = {NULL, 0, 0};
    uint64_t data, hole;

    while (start < end && next_data(descriptor, start, end, &data, &hole)) {
        add_extent(&extents, data, hole);
        start = hole;
    }
    return extents;
}

/* Marks what lies in cells that were not saved. */
static void mark_unsaved(struct area *area, const struct extent *extent, const uint8_t *map, uint64_t first)
{
    uint64_t cell = area->content->cell;
    uint64_t position = extent->start;

    while (position < extent->end) {
        uint64_t end = (position / cell + 1) * cell;
        if (end > extent->end)
            end = extent->end;
        if (!map[position / cell - first])
            mark(area, position, end);
        position = end;
    }
}

static void mark_saved(struct area *area, const uint8_t *map, uint64_t first, uint64_t count)
{
    uint64_t cell = area->content->cell;
    int cow = cow_of(&area->content->saved[0]);

    for (uint64_t index = 0; index < count; index++)
        if (map[index] && cow < 0)
            mark(area, (first + index) * cell, (first + index + 1) * cell);
        else if (map[index])
            mark_data(area, cow, (first + index) * cell, (first + index + 1) * cell);
}

static VixError mark_frozen(struct area *area)
{
    uint64_t cell = area->content->cell;
    uint64_t first = area->start / cell;
    uint64_t count = (area->start + area->length - 1) / cell - first + 1;
    struct extents extents = data_of(area->content->flat, area->start, area->start + area->length);
    uint8_t *map = calloc(1, count);
    int descriptor = map_of(&area->content->saved[0]);

    if (!map)
        die("out of memory");
    bool done = descriptor < 0 ? errno == ENOENT : read_fully(descriptor, map, count, first);
    for (size_t index = 0; done && index < extents.count; index++)
        mark_unsaved(area, &extents.items[index], map, first);
    if (done)
        mark_saved(area, map, first, count);
    free(map);
    free(extents.items);
    return done ? VIX_OK : VIX_E_FILE_ERROR;
}

static VixError mark_allocated(struct area *area)
{
    if (area->content->frozen)
        return mark_frozen(area);
    mark_data(area, area->content->flat, area->start, area->start + area->length);
    return VIX_OK;
}

static uint64_t count_runs(const uint8_t *allocated, uint64_t chunks)
{
    uint64_t runs = 0;

    for (uint64_t index = 0; index < chunks; index++)
        runs += allocated[index] && (!index || !allocated[index - 1]);
    return runs;
}

static VixError make_list(const struct area *area, uint64_t chunks, VixDiskLibBlockList **made)
{
    uint64_t runs = count_runs(area->allocated, chunks);
    VixDiskLibBlockList *list = allocate_object(OBJECT_BLOCK_LIST, sizeof *list + runs * sizeof list->blocks[0]);
    uint64_t run = 0;

    if (!list)
        return VIX_E_OUT_OF_MEMORY;
    for (uint64_t index = 0; index < chunks; index++) {
        if (!area->allocated[index])
            continue;
        if (index && area->allocated[index - 1]) {
            list->blocks[run - 1].length += area->chunk / SECTOR_SIZE;
        } else {
            list->blocks[run].offset = (area->start + index * area->chunk) / SECTOR_SIZE;
            list->blocks[run++].length = area->chunk / SECTOR_SIZE;
        }
    }
    list->numBlocks = (uint32_t)run;
    *made = list;
    return VIX_OK;
}

/* Programming guide and nbdkit: at least 128 sectors a chunk, whole chunks, at most 524288 of them a call. */
static VixError check_query(const struct disk *disk, uint64_t start, uint64_t count, uint64_t chunk)
{
    uint64_t sectors = disk->content.capacity / SECTOR_SIZE;

    if (chunk < MINIMUM_CHUNK_SECTORS || !count || start % chunk || count % chunk || count / chunk > MAXIMUM_CHUNKS_PER_QUERY)
        return VIX_E_INVALID_ARG;
    if (start > sectors || count > sectors - start)
        return VIX_E_DISK_OUTOFRANGE;
    if (disk->allocation_is_known)
        return VIX_OK;
    say(LEVEL_WARNING, "VixDiskLib: %s: this datastore does not tell allocated blocks\n", disk->path);
    return VIX_E_NOT_SUPPORTED;
}

static VixError query(struct disk *disk, uint64_t start, uint64_t count, uint64_t chunk, VixDiskLibBlockList **list)
{
    VixError error = check_query(disk, start, count, chunk);
    struct area area = {&disk->content, start * SECTOR_SIZE, count * SECTOR_SIZE, chunk * SECTOR_SIZE, NULL};

    if (error)
        return error;
    area.allocated = calloc(1, count / chunk);
    if (!area.allocated)
        return VIX_E_OUT_OF_MEMORY;
    error = mark_allocated(&area);
    if (!error)
        error = make_list(&area, count / chunk, list);
    free(area.allocated);
    sleep_until(reserve_pace(&disk->pace, 0));
    return error;
}

VixError VixDiskLib_QueryAllocatedBlocks(VixDiskLibHandle handle, uint64_t start, uint64_t count, uint64_t chunk,
                                         VixDiskLibBlockList **blocks)
{
    struct handle_call call;

    begin_handle_call(&call, handle, "VixDiskLib_QueryAllocatedBlocks", CALL_ON_DESIGNATED);
    require_not_null(blocks, "VixDiskLib_QueryAllocatedBlocks", "blockList");
    *blocks = NULL;
    VixError error = take_fault("QueryAllocatedBlocks", handle->path).error;
    if (!error)
        error = query(handle, start, count, chunk, blocks);
    end_handle_call(&call);
    return error;
}

VixError VixDiskLib_FreeBlockList(VixDiskLibBlockList *blocks)
{
    if (blocks)
        release_object(blocks, OBJECT_BLOCK_LIST, "VixDiskLib_FreeBlockList");
    return VIX_OK;
}
