/*
 * What VDDK does with disks in local files: create, grow, rename, delete and check disks of one flat extent.
 *
 * Everything that needs another kind of disk (sparse, a chain of children) answers "not supported".
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "abi.h"
#include "calls.h"
#include "connections.h"
#include "descriptor.h"
#include "diagnosis.h"
#include "disks.h"
#include "faults.h"
#include "local_disks.h"
#include "logging.h"
#include "objects.h"

bool report_progress(VixDiskLibProgressFunc progress, void *data, int percent)
{
    if (!progress)
        return true;
    enter_callback();
    VixBoolean goes_on = progress(data, percent);
    leave_callback();
    return goes_on != 0;
}

static VixError error_of_system(void)
{
    switch (errno) {
    case ENOENT:
        return VIX_E_FILE_NOT_FOUND;
    case EEXIST:
        return VIX_E_FILE_ALREADY_EXISTS;
    case EACCES:
        return VIX_E_FILE_ACCESS_ERROR;
    case ENOSPC:
    case EFBIG:
        return VIX_E_DISK_FULL;
    default:
        return VIX_E_FILE_ERROR;
    }
}

/* disk.vmdk has its bytes in disk-flat.vmdk. */
static bool name_extent(const char *path, char *extent, size_t size)
{
    size_t length = strlen(path);

    if (length < 6 || length >= CONTENT_PATH - 8 || strcmp(path + length - 5, ".vmdk"))
        return false;
    snprintf(extent, size, "%.*s-flat.vmdk", (int)(length - 5), path);
    return true;
}

static const char *base_name(const char *path)
{
    const char *slash = strrchr(path, '/');

    return slash ? slash + 1 : path;
}

static VixError make_extent(const char *extent, uint64_t bytes)
{
    int descriptor = open(extent, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0644);

    if (descriptor < 0)
        return error_of_system();
    VixError error = ftruncate(descriptor, (off_t)bytes) == 0 ? VIX_OK : error_of_system();
    close(descriptor);
    if (error)
        unlink(extent);
    return error;
}

VixError create_local_disk(const char *path, const VixDiskLibCreateParams *params)
{
    char extent[CONTENT_PATH];

    if (params->diskType != DISK_MONOLITHIC_FLAT)
        return params->diskType < 1 || params->diskType > DISK_VMFS_SPARSE ? VIX_E_INVALID_ARG : VIX_E_NOT_SUPPORTED;
    if (!params->capacity || params->capacity > (uint64_t)1 << 40)
        return VIX_E_INVALID_ARG;
    if (!name_extent(path, extent, sizeof extent))
        return VIX_E_FILE_NAME_INVALID;
    if (access(path, F_OK) == 0)
        return VIX_E_FILE_ALREADY_EXISTS;
    VixError error = make_extent(extent, params->capacity * SECTOR_SIZE);
    if (error)
        return error;
    return write_descriptor(path, base_name(extent), params->capacity, params->adapterType, params->hwVersion);
}

VixError VixDiskLib_Create(VixDiskLibConnection connection, const char *path, const VixDiskLibCreateParams *params,
                           VixDiskLibProgressFunc progress, void *data)
{
    struct call call;

    begin_call(&call, "VixDiskLib_Create", CALL_EXCLUSIVE | CALL_ON_DESIGNATED);
    require_connection(connection, "VixDiskLib_Create");
    require_not_null(path, "VixDiskLib_Create", "path");
    require_not_null(params, "VixDiskLib_Create", "createParams");
    VixError error = take_fault("Create", path).error;
    if (!error && !connection_is_local(connection))
        error = VIX_E_NOT_SUPPORTED_ON_REMOTE_OBJECT;
    if (!error && !report_progress(progress, data, 0))
        error = VIX_E_CANCELLED;
    if (!error)
        error = create_local_disk(path, params);
    if (!error)
        report_progress(progress, data, 100);
    end_call(&call);
    return error;
}

VixError remove_local_disk(const char *path)
{
    struct descriptor descriptor;
    VixError error = read_descriptor(&descriptor, path);

    if (error)
        return error;
    if (unlink(descriptor.extent) != 0 && errno != ENOENT)
        return error_of_system();
    return unlink(path) == 0 ? VIX_OK : error_of_system();
}

VixError VixDiskLib_Unlink(VixDiskLibConnection connection, const char *path)
{
    struct call call;

    begin_call(&call, "VixDiskLib_Unlink", CALL_EXCLUSIVE | CALL_ON_DESIGNATED);
    require_connection(connection, "VixDiskLib_Unlink");
    require_not_null(path, "VixDiskLib_Unlink", "path");
    VixError error = take_fault("Unlink", path).error;
    if (!error)
        error = connection_is_local(connection) ? remove_local_disk(path) : VIX_E_NOT_SUPPORTED_ON_REMOTE_OBJECT;
    end_call(&call);
    return error;
}

/* The extent line and, where asked for, the cylinders are what changes in the text. */
static VixError rewrite_descriptor(const char *path, const char *extent, uint64_t sectors, bool update_geometry)
{
    char *text = read_text(path);
    char *changed = text ? calloc(1, strlen(text) + CONTENT_PATH + 64) : NULL;
    char *out = changed;

    if (!changed) {
        free(text);
        return VIX_E_FILE_ERROR;
    }
    for (const char *line = text; *line;) {
        size_t length = strcspn(line, "\n");
        if (!strncmp(line, "RW ", 3))
            out += sprintf(out, "RW %llu FLAT \"%s\" 0\n", (unsigned long long)sectors, extent);
        else if (update_geometry && !strncmp(line, "ddb.geometry.cylinders", 22))
            out += sprintf(out, "ddb.geometry.cylinders = \"%llu\"\n", (unsigned long long)sectors / (255 * 63));
        else
            out += sprintf(out, "%.*s\n", (int)length, line);
        line += length;
        line += *line == '\n';
    }
    VixError error = replace_text(path, changed) ? VIX_OK : error_of_system();
    free(changed);
    free(text);
    return error;
}

static VixError grow(const char *path, uint64_t sectors, bool update_geometry)
{
    struct descriptor descriptor;
    VixError error = read_descriptor(&descriptor, path);

    if (error)
        return error;
    if (sectors < descriptor.capacity_sectors)
        return VIX_E_INVALID_ARG;
    if (truncate(descriptor.extent, (off_t)(sectors * SECTOR_SIZE)) != 0)
        return error_of_system();
    return rewrite_descriptor(path, base_name(descriptor.extent), sectors, update_geometry);
}

VixError VixDiskLib_Grow(VixDiskLibConnection connection, const char *path, uint64_t capacity, VixBoolean update_geometry,
                         VixDiskLibProgressFunc progress, void *data)
{
    struct call call;

    begin_call(&call, "VixDiskLib_Grow", CALL_EXCLUSIVE | CALL_ON_DESIGNATED);
    require_connection(connection, "VixDiskLib_Grow");
    require_not_null(path, "VixDiskLib_Grow", "path");
    VixError error = take_fault("Grow", path).error;
    if (!error)
        error = connection_is_local(connection) ? grow(path, capacity, update_geometry != 0)
                                                : VIX_E_NOT_SUPPORTED_ON_REMOTE_OBJECT;
    if (!error)
        report_progress(progress, data, 100);
    end_call(&call);
    return error;
}

static VixError rename_disk(const char *source, const char *target)
{
    struct descriptor descriptor;
    char extent[CONTENT_PATH];
    VixError error = read_descriptor(&descriptor, source);

    if (error)
        return error;
    if (!name_extent(target, extent, sizeof extent))
        return VIX_E_FILE_NAME_INVALID;
    if (access(target, F_OK) == 0 || access(extent, F_OK) == 0)
        return VIX_E_FILE_ALREADY_EXISTS;
    if (rename(descriptor.extent, extent) != 0)
        return error_of_system();
    error = rewrite_descriptor(source, base_name(extent), descriptor.capacity_sectors, false);
    if (error)
        return error;
    return rename(source, target) == 0 ? VIX_OK : error_of_system();
}

VixError VixDiskLib_Rename(const char *source, const char *target)
{
    struct call call;

    begin_call(&call, "VixDiskLib_Rename", CALL_EXCLUSIVE | CALL_ON_DESIGNATED);
    require_not_null(source, "VixDiskLib_Rename", "srcFileName");
    require_not_null(target, "VixDiskLib_Rename", "dstFileName");
    VixError error = take_fault("Rename", source).error;
    if (!error)
        error = rename_disk(source, target);
    end_call(&call);
    return error;
}

static VixError check(const char *path, bool repair)
{
    struct descriptor descriptor;
    struct stat extent;
    VixError error = read_descriptor(&descriptor, path);

    if (error)
        return error;
    uint64_t expected = descriptor.capacity_sectors * SECTOR_SIZE;
    if (stat(descriptor.extent, &extent) != 0)
        return error_of_system();
    if ((uint64_t)extent.st_size == expected)
        return VIX_OK;
    say(LEVEL_WARNING, "VixDiskLib: %s has %lld bytes instead of %llu\n", descriptor.extent, (long long)extent.st_size,
        (unsigned long long)expected);
    if (!repair)
        return VIX_E_DISK_NEEDSREPAIR;
    return truncate(descriptor.extent, (off_t)expected) == 0 ? VIX_OK : error_of_system();
}

VixError VixDiskLib_CheckRepair(VixDiskLibConnection connection, const char *path, VixBoolean repair)
{
    struct call call;

    begin_call(&call, "VixDiskLib_CheckRepair", CALL_EXCLUSIVE | CALL_ON_DESIGNATED);
    require_connection(connection, "VixDiskLib_CheckRepair");
    require_not_null(path, "VixDiskLib_CheckRepair", "filename");
    VixError error = take_fault("CheckRepair", path).error;
    if (!error)
        error = connection_is_local(connection) ? check(path, repair != 0) : VIX_E_NOT_SUPPORTED_ON_REMOTE_OBJECT;
    end_call(&call);
    return error;
}
