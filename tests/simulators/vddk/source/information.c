/* GetInfo and FreeInfo. */
#include <stdlib.h>
#include <string.h>

#include "abi.h"
#include "diagnosis.h"
#include "disks.h"
#include "faults.h"
#include "gate.h"
#include "laboratory.h"
#include "objects.h"

enum { INFORMATION_BEFORE_7_0 = 56 };

static bool has_sector_sizes(void)
{
    return version_at_least(7, 0, 0);
}

/* What an LSI adapter presents; small disks have fewer heads, as in the descriptor's own geometry. */
static VixDiskLibGeometry geometry_of(uint64_t sectors)
{
    VixDiskLibGeometry geometry = {0, 255, 63};

    if (sectors < 2097152) {
        geometry.heads = 64;
        geometry.sectors = 32;
    }
    geometry.cylinders = (uint32_t)(sectors / (geometry.heads * geometry.sectors));
    return geometry;
}

/* The capacity may have grown since Open. */
static VixError refresh_capacity(struct disk *disk)
{
    struct message request = {NULL, 0}, answer = {NULL, 0};

    if (connection_is_local(disk->connection))
        return VIX_OK;
    add_field(&request, "handle", disk->gate_handle);
    VixError error = ask_gate(disk->connection->gate, "info", &request, &answer);
    if (!error)
        disk->content.capacity = number_of(&answer, "capacity", disk->content.capacity);
    free_message(&request);
    free_message(&answer);
    return error;
}

static VixError make_information(const struct disk *disk, VixDiskLibInfo **made)
{
    bool whole = has_sector_sizes();
    VixDiskLibInfo *info = allocate_object(OBJECT_INFORMATION, whole ? sizeof *info : INFORMATION_BEFORE_7_0);

    if (!info)
        return VIX_E_OUT_OF_MEMORY;
    info->capacity = disk->content.capacity / SECTOR_SIZE;
    info->biosGeo = geometry_of(info->capacity);
    info->physGeo = info->biosGeo;
    info->adapterType = disk->adapter;
    info->numLinks = disk->links;
    info->uuid = *disk->uuid ? strdup(disk->uuid) : NULL;
    if (whole) {
        info->logicalSectorSize = disk->sector_size;
        info->physicalSectorSize = disk->sector_size;
    }
    *made = info;
    return VIX_OK;
}

VixError VixDiskLib_GetInfo(VixDiskLibHandle handle, VixDiskLibInfo **info)
{
    struct handle_call call;

    begin_handle_call(&call, handle, "VixDiskLib_GetInfo", CALL_ANY_THREAD);
    require_not_null(info, "VixDiskLib_GetInfo", "info");
    *info = NULL;
    VixError error = take_fault("GetInfo", handle->path).error;
    if (!error)
        error = refresh_capacity(handle);
    if (!error)
        error = make_information(handle, info);
    end_handle_call(&call);
    return error;
}

void VixDiskLib_FreeInfo(VixDiskLibInfo *info)
{
    if (!info)
        return;
    require_object(info, OBJECT_INFORMATION, "VixDiskLib_FreeInfo", "info");
    if (info->uuid)
        memset(info->uuid, 0xDD, strlen(info->uuid));
    free(info->uuid);
    free(info->parentFileNameHint);
    release_object(info, OBJECT_INFORMATION, "VixDiskLib_FreeInfo");
}
