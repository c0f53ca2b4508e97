/* Clone into a local file, and the calls about disk chains and kinds that flat disks have no use for. */
#include <stdlib.h>
#include <unistd.h>

#include "abi.h"
#include "calls.h"
#include "connections.h"
#include "diagnosis.h"
#include "disks.h"
#include "faults.h"
#include "local_disks.h"

enum { COPY_BYTES = 1024 * 1024, DESCRIPTOR_BYTES = 65536 };

static VixError copy_bytes(struct disk *source, struct disk *target, VixDiskLibProgressFunc progress, void *data)
{
    uint64_t capacity = source->content.capacity;
    uint8_t *buffer = malloc(COPY_BYTES);
    VixError error = buffer ? VIX_OK : VIX_E_OUT_OF_MEMORY;

    for (uint64_t offset = 0; !error && offset < capacity; offset += COPY_BYTES) {
        uint64_t length = capacity - offset < COPY_BYTES ? capacity - offset : COPY_BYTES;
        error = read_content(&source->content, offset, length, buffer);
        if (!error)
            error = write_content(&target->content, offset, length, buffer);
        if (!error && !report_progress(progress, data, (int)((offset + length) * 100 / capacity)))
            error = VIX_E_CANCELLED;
    }
    free(buffer);
    return error;
}

static VixError make_target(const char *path, const struct disk *source, const VixDiskLibCreateParams *params, bool overwrite)
{
    VixDiskLibCreateParams target = {.diskType = params->diskType, .adapterType = params->adapterType,
                                     .hwVersion = params->hwVersion, .capacity = source->content.capacity / SECTOR_SIZE};

    if (overwrite && access(path, F_OK) == 0) {
        VixError error = remove_local_disk(path);
        if (error)
            return error;
    }
    return create_local_disk(path, &target);
}

static VixError copy_into(struct connection *connection, const char *path, struct disk *source,
                          VixDiskLibProgressFunc progress, void *data)
{
    struct disk *target = NULL;
    VixError error = open_disk(connection, path, 0, &target);

    if (error)
        return error;
    error = copy_bytes(source, target, progress, data);
    close_disk(target, "VixDiskLib_Clone");
    return error;
}

static VixError clone_disk(struct connection *target, const char *target_path, struct connection *source,
                           const char *source_path, const VixDiskLibCreateParams *params, VixDiskLibProgressFunc progress,
                           void *data, bool overwrite)
{
    struct disk *opened = NULL;

    if (!connection_is_local(target))
        return VIX_E_NOT_SUPPORTED_ON_REMOTE_OBJECT;
    VixError error = open_disk(source, source_path, OPEN_READ_ONLY, &opened);
    if (error)
        return error;
    error = make_target(target_path, opened, params, overwrite);
    if (!error)
        error = copy_into(target, target_path, opened, progress, data);
    close_disk(opened, "VixDiskLib_Clone");
    return error;
}

VixError VixDiskLib_Clone(VixDiskLibConnection target, const char *target_path, VixDiskLibConnection source,
                          const char *source_path, const VixDiskLibCreateParams *params, VixDiskLibProgressFunc progress,
                          void *data, VixBoolean overwrite)
{
    struct call call;

    begin_call(&call, "VixDiskLib_Clone", CALL_EXCLUSIVE | CALL_ON_DESIGNATED);
    require_connection(target, "VixDiskLib_Clone");
    require_connection(source, "VixDiskLib_Clone");
    require_not_null(target_path, "VixDiskLib_Clone", "dstPath");
    require_not_null(source_path, "VixDiskLib_Clone", "srcPath");
    require_not_null(params, "VixDiskLib_Clone", "vixCreateParams");
    VixError error = take_fault("Clone", source_path).error;
    if (!error)
        error = clone_disk(target, target_path, source, source_path, params, progress, data, overwrite != 0);
    end_call(&call);
    return error;
}

VixError VixDiskLib_SpaceNeededForClone(VixDiskLibHandle handle, int disk_type, uint64_t *bytes)
{
    struct handle_call call;

    begin_handle_call(&call, handle, "VixDiskLib_SpaceNeededForClone", CALL_ANY_THREAD);
    require_not_null(bytes, "VixDiskLib_SpaceNeededForClone", "spaceNeeded");
    VixError error = take_fault("SpaceNeededForClone", handle->path).error;
    if (!error && (disk_type < 1 || disk_type > DISK_VMFS_SPARSE))
        error = VIX_E_INVALID_ARG;
    if (!error)
        *bytes = handle->content.capacity + DESCRIPTOR_BYTES;
    end_handle_call(&call);
    return error;
}

static VixError refuse(struct disk *disk, const char *function)
{
    struct handle_call call;

    begin_handle_call(&call, disk, function, CALL_ANY_THREAD);
    VixError error = connection_is_local(disk->connection) ? VIX_E_NOT_SUPPORTED : VIX_E_NOT_SUPPORTED_ON_REMOTE_OBJECT;
    end_handle_call(&call);
    return error;
}

VixError VixDiskLib_CreateChild(VixDiskLibHandle handle, const char *path, int disk_type, VixDiskLibProgressFunc progress,
                                void *data)
{
    (void)disk_type, (void)progress, (void)data;
    require_not_null(path, "VixDiskLib_CreateChild", "childPath");
    return refuse(handle, "VixDiskLib_CreateChild");
}

VixError VixDiskLib_Shrink(VixDiskLibHandle handle, VixDiskLibProgressFunc progress, void *data)
{
    (void)progress, (void)data;
    return refuse(handle, "VixDiskLib_Shrink");
}

VixError VixDiskLib_Defragment(VixDiskLibHandle handle, VixDiskLibProgressFunc progress, void *data)
{
    (void)progress, (void)data;
    return refuse(handle, "VixDiskLib_Defragment");
}

VixError VixDiskLib_IsAttachPossible(VixDiskLibHandle parent, VixDiskLibHandle child)
{
    VixError error = refuse(child, "VixDiskLib_IsAttachPossible");

    return error == VIX_E_NOT_SUPPORTED ? refuse(parent, "VixDiskLib_IsAttachPossible") : error;
}

VixError VixDiskLib_Attach(VixDiskLibHandle parent, VixDiskLibHandle child)
{
    VixError error = refuse(child, "VixDiskLib_Attach");

    return error == VIX_E_NOT_SUPPORTED ? refuse(parent, "VixDiskLib_Attach") : error;
}
