#include "disks.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "async.h"
#include "client_options.h"
#include "descriptor.h"
#include "diagnosis.h"
#include "faults.h"
#include "logging.h"
#include "objects.h"

enum { KNOWN_FLAGS = OPEN_UNBUFFERED | OPEN_SINGLE_LINK | OPEN_READ_ONLY | OPEN_COMPRESSION_MASK };

void begin_handle_call(struct handle_call *call, struct disk *disk, const char *function, unsigned rules)
{
    begin_call(&call->call, function, rules);
    require_object(disk, OBJECT_DISK, function, "diskHandle");
    call->disk = disk;
    pthread_mutex_lock(&disk->lock);
    if (disk->busy_function)
        die("%s on thread %d overlaps %s on thread %d on one disk handle", function, current_thread(), disk->busy_function,
            disk->busy_thread);
    disk->busy_function = function;
    disk->busy_thread = current_thread();
    pthread_mutex_unlock(&disk->lock);
}

void end_handle_call(struct handle_call *call)
{
    pthread_mutex_lock(&call->disk->lock);
    call->disk->busy_function = NULL;
    pthread_mutex_unlock(&call->disk->lock);
    end_call(&call->call);
}

bool is_writable(const struct disk *disk)
{
    return !(disk->flags & OPEN_READ_ONLY);
}

static bool is_network(enum transport transport)
{
    return transport == TRANSPORT_NBD || transport == TRANSPORT_NBDSSL;
}

static VixError check_compression(uint32_t flags, enum transport transport)
{
    uint32_t compression = flags & OPEN_COMPRESSION_MASK;

    if (!compression)
        return VIX_OK;
    if (compression != OPEN_COMPRESSION_ZLIB && compression != OPEN_COMPRESSION_FASTLZ && compression != OPEN_COMPRESSION_SKIPZ)
        return VIX_E_INVALID_ARG;
    if (is_network(transport))
        return VIX_OK;
    say(LEVEL_ERROR, "VixDiskLib: compression needs nbd or nbdssl, not %s\n", transport_name(transport));
    return VIX_E_INVALID_ARG;
}

static VixError check_session(const struct connection *connection, enum transport transport)
{
    if (!connection->thumbprint_is_valid) {
        const char *expected = connection->parameters.copied[PARAMETER_THUMBPRINT];
        say(LEVEL_ERROR, "VixDiskLib: Failed to verify SSL certificate: actual thumbprint=%s expected=%s\n",
            connection->actual_thumbprint, expected ? expected : "(null)");
        return VIX_E_FAIL;
    }
    if (is_network(transport) && version_at_least(7, 0, 3) && !session_memory_is_allowed()) {
        say(LEVEL_ERROR, "VixDiskLib: nfcAio session buffers exceed 16 MB\n");
        return VIX_E_INVALID_ARG;
    }
    return VIX_OK;
}

static int adapter_by_name(const char *name)
{
    if (!name)
        return ADAPTER_UNKNOWN;
    if (!strcmp(name, "ide"))
        return ADAPTER_IDE;
    if (!strcmp(name, "buslogic"))
        return ADAPTER_BUSLOGIC;
    if (strstr(name, "lsi") || strstr(name, "scsi"))
        return ADAPTER_LSILOGIC;
    return ADAPTER_UNKNOWN;
}

static void copy_text(char *text, size_t size, const char *value)
{
    snprintf(text, size, "%s", value ? value : "");
}

static void keep_properties(struct disk *disk, const struct message *answer)
{
    copy_text(disk->gate_handle, sizeof disk->gate_handle, field_of(answer, "handle"));
    copy_text(disk->uuid, sizeof disk->uuid, field_of(answer, "uuid"));
    copy_text(disk->descriptor, sizeof disk->descriptor, field_of(answer, "descriptor"));
    disk->adapter = adapter_by_name(field_of(answer, "adapter"));
    disk->links = (int)number_of(answer, "links", 1);
    disk->sector_size = (uint32_t)number_of(answer, "sector_size", SECTOR_SIZE);
    disk->allocation_is_known = number_of(answer, "allocated", 1) != 0;
}

/* Of a running disk that is written: every open snapshot's cells, as save.N.cow and save.N.map. */
static void add_other_snapshots(struct content *content, const struct message *answer)
{
    char key[32];

    for (int number = 0; number < MAXIMUM_SAVED_COPIES; number++) {
        snprintf(key, sizeof key, "save.%d.cow", number);
        const char *cow = field_of(answer, key);
        snprintf(key, sizeof key, "save.%d.map", number);
        add_saved_cells(content, cow, field_of(answer, key));
    }
}

static VixError open_files(struct disk *disk, const struct message *answer)
{
    const char *flat = field_of(answer, "flat");
    VixError error = open_content(&disk->content, flat ? flat : "", is_writable(disk));

    if (error)
        return error;
    disk->content.capacity = number_of(answer, "capacity", 0);
    disk->content.cell = number_of(answer, "cell", 65536);
    add_saved_cells(&disk->content, field_of(answer, "cow"), field_of(answer, "map"));
    if (is_writable(disk))
        add_other_snapshots(&disk->content, answer);
    return VIX_OK;
}

static void release_gate_handle(struct disk *disk)
{
    struct message request = {NULL, 0};

    add_field(&request, "handle", disk->gate_handle);
    ask_gate(disk->connection->gate, "close", &request, NULL);
    free_message(&request);
}

static VixError open_by_gate(struct disk *disk, enum transport transport)
{
    struct message request = {NULL, 0}, answer = {NULL, 0};

    add_field(&request, "path", disk->path);
    add_number(&request, "flags", disk->flags);
    add_field(&request, "mode", transport_name(transport));
    VixError error = ask_gate(disk->connection->gate, "open", &request, &answer);
    if (!error) {
        keep_properties(disk, &answer);
        error = open_files(disk, &answer);
        if (error)
            release_gate_handle(disk);
    }
    free_message(&request);
    free_message(&answer);
    return error;
}

static VixError open_local(struct disk *disk)
{
    struct descriptor descriptor;
    VixError error = read_descriptor(&descriptor, disk->path);

    if (error)
        return error;
    error = open_content(&disk->content, descriptor.extent, is_writable(disk));
    if (error)
        return error;
    disk->content.capacity = descriptor.capacity_sectors * SECTOR_SIZE;
    disk->content.cell = 65536;
    copy_text(disk->descriptor, sizeof disk->descriptor, disk->path);
    copy_text(disk->uuid, sizeof disk->uuid, descriptor.uuid);
    disk->adapter = adapter_by_name(descriptor.adapter);
    disk->links = 1;
    disk->sector_size = SECTOR_SIZE;
    disk->allocation_is_known = true;
    return VIX_OK;
}

static VixError open_by(struct disk *disk, enum transport transport)
{
    VixError error = check_compression(disk->flags, transport);

    if (error)
        return error;
    disk->transport = transport;
    if (connection_is_local(disk->connection))
        return open_local(disk);
    error = check_session(disk->connection, transport);
    return error ? error : open_by_gate(disk, transport);
}

/* A mode the server cannot serve this disk by (6) makes room for the next one; any other error is the answer. */
static VixError open_by_first_possible(struct disk *disk)
{
    const struct transport_choice *choice = &disk->connection->transports;

    for (int index = 0; index < choice->count; index++) {
        VixError error = open_by(disk, choice->modes[index]);
        if (error != VIX_E_NOT_SUPPORTED)
            return error;
    }
    say(LEVEL_ERROR, "VixDiskLib: none of the requested transport modes is available for %s\n", disk->path);
    return VIX_E_FILE_ACCESS_ERROR;
}

static VixError check_open(const struct connection *connection, const char *path, uint32_t flags)
{
    if (flags & ~(uint32_t)KNOWN_FLAGS || !*path || strlen(path) >= CONTENT_PATH)
        return VIX_E_INVALID_ARG;
    if (connection->read_only && !(flags & OPEN_READ_ONLY)) {
        say(LEVEL_ERROR, "VixDiskLib: %s: the connection is read-only\n", path);
        return VIX_E_FILE_ACCESS_ERROR;
    }
    return VIX_OK;
}

VixError open_disk(struct connection *connection, const char *path, uint32_t flags, struct disk **opened)
{
    VixError error = check_open(connection, path, flags);

    if (error)
        return error;
    struct disk *disk = allocate_object(OBJECT_DISK, sizeof *disk);
    if (!disk)
        return VIX_E_OUT_OF_MEMORY;
    disk->connection = connection;
    disk->flags = flags;
    copy_text(disk->path, sizeof disk->path, path);
    pthread_mutex_init(&disk->lock, NULL);
    error = open_by_first_possible(disk);
    if (error) {
        release_object(disk, OBJECT_DISK, "VixDiskLib_Open");
        return error;
    }
    start_pace(&disk->pace, disk->transport);
    connection->open_disks++;
    *opened = disk;
    return VIX_OK;
}

void close_disk(struct disk *disk, const char *function)
{
    end_queue(disk);
    if (!connection_is_local(disk->connection))
        release_gate_handle(disk);
    close_content(&disk->content);
    disk->connection->open_disks--;
    release_object(disk, OBJECT_DISK, function);
}

static VixError open_for_client(VixDiskLibConnection connection, const char *path, uint32_t flags, VixDiskLibHandle *handle)
{
    if (!connection_is_local(connection))
        refresh_faults(connection->gate);
    VixError error = take_fault("Open", path).error;
    if (!error)
        error = open_disk(connection, path, flags, handle);
    say(LEVEL_AUDIT, "VixDiskLib: VixDiskLib_Open: %s, flags %#x, result %llu\n", path, flags, (unsigned long long)error);
    if (!error)
        say_in_background("session opened", path);
    return error;
}

VixError VixDiskLib_Open(VixDiskLibConnection connection, const char *path, uint32_t flags, VixDiskLibHandle *handle)
{
    struct call call;

    begin_call(&call, "VixDiskLib_Open", CALL_EXCLUSIVE | CALL_ON_DESIGNATED);
    require_connection(connection, "VixDiskLib_Open");
    require_not_null(path, "VixDiskLib_Open", "path");
    require_not_null(handle, "VixDiskLib_Open", "diskHandle");
    require_unchanged(&connection->parameters, "VixDiskLib_Open");
    *handle = NULL;
    VixError error = open_for_client(connection, path, flags, handle);
    end_call(&call);
    return error;
}

VixError VixDiskLib_Close(VixDiskLibHandle handle)
{
    struct handle_call call;

    begin_handle_call(&call, handle, "VixDiskLib_Close", CALL_EXCLUSIVE | CALL_ON_DESIGNATED);
    unsigned outstanding = outstanding_requests(handle);
    if (outstanding)
        die("VixDiskLib_Close: %u asynchronous request(s) are outstanding: call VixDiskLib_Wait first", outstanding);
    VixError error = take_fault("Close", handle->path).error;
    if (error) {
        end_handle_call(&call);
        return error;
    }
    close_disk(handle, "VixDiskLib_Close");
    end_call(&call.call);
    return VIX_OK;
}

const char *VixDiskLib_GetTransportMode(VixDiskLibHandle handle)
{
    struct call call;

    begin_call(&call, "VixDiskLib_GetTransportMode", CALL_ANY_THREAD);
    require_object(handle, OBJECT_DISK, "VixDiskLib_GetTransportMode", "diskHandle");
    const char *name = transport_name(handle->transport);
    end_call(&call);
    return name;
}
