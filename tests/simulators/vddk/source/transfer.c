#include "transfer.h"

#include <stdlib.h>
#include <string.h>

#include "async.h"
#include "diagnosis.h"
#include "logging.h"

static VixError check_style(struct disk *disk, enum transfer_style style)
{
    if (disk->style == TRANSFER_UNDECIDED)
        disk->style = style;
    if (disk->style == style)
        return VIX_OK;
    say(LEVEL_ERROR, "VixDiskLib: %s: synchronous and asynchronous requests on one handle\n", disk->path);
    return VIX_E_ASYNC_MIXEDMODE_UNSUPPORTED;
}

static VixError check_range(const struct transfer *transfer)
{
    uint64_t sectors = transfer->disk->content.capacity / SECTOR_SIZE;

    if (!transfer->count)
        return VIX_E_INVALID_ARG;
    if (transfer->start > sectors || transfer->count > sectors - transfer->start)
        return VIX_E_DISK_OUTOFRANGE;
    return VIX_OK;
}

static VixError check_alignment(const struct transfer *transfer)
{
    uint64_t sectors_in_block = transfer->disk->sector_size / SECTOR_SIZE;

    if (sectors_in_block > 1 && (transfer->start % sectors_in_block || transfer->count % sectors_in_block)) {
        say(LEVEL_ERROR, "VixDiskLib: request is not aligned to %u bytes\n", transfer->disk->sector_size);
        return VIX_E_INVALID_ARG;
    }
    if (transfer->disk->transport == TRANSPORT_SAN && (uintptr_t)transfer->buffer % SECTOR_SIZE) {
        say(LEVEL_ERROR, "VixDiskLib: san needs buffers aligned to %d bytes\n", SECTOR_SIZE);
        return VIX_E_INVALID_ARG;
    }
    return VIX_OK;
}

VixError check_transfer(const struct transfer *transfer, enum transfer_style style)
{
    VixError error = check_style(transfer->disk, style);

    if (!error && transfer->writes && !is_writable(transfer->disk))
        error = VIX_E_FILE_READ_ONLY;
    if (!error)
        error = check_range(transfer);
    if (!error)
        error = check_alignment(transfer);
    return error;
}

/* A lie: the second half becomes zero, here or on the disk, and success is reported. */
static VixError move_half(const struct transfer *transfer, uint64_t offset, uint64_t length)
{
    uint64_t half = length / 2;
    struct content *content = &transfer->disk->content;

    if (!transfer->writes) {
        VixError error = read_content(content, offset, half, transfer->buffer);
        if (!error && transfer->fault.lying)
            memset(transfer->buffer + half, 0, length - half);
        return error;
    }
    VixError error = write_content(content, offset, half, transfer->buffer);
    if (error || !transfer->fault.lying)
        return error;
    uint8_t *zeros = calloc(1, length - half);
    if (!zeros)
        return VIX_E_OUT_OF_MEMORY;
    error = write_content(content, offset + half, length - half, zeros);
    free(zeros);
    return error;
}

VixError perform_transfer(const struct transfer *transfer)
{
    uint64_t offset = transfer->start * SECTOR_SIZE, length = transfer->count * SECTOR_SIZE;
    struct content *content = &transfer->disk->content;
    uint64_t answered_at = reserve_pace(&transfer->disk->pace, length);
    VixError error = transfer->fault.error;

    if (!error && (transfer->fault.half || transfer->fault.lying)) {
        error = move_half(transfer, offset, length);
        if (!error && transfer->fault.half)
            error = VIX_E_FAIL;
    } else if (!error && transfer->writes) {
        error = write_content(content, offset, length, transfer->buffer);
    } else if (!error) {
        error = read_content(content, offset, length, transfer->buffer);
    }
    sleep_until(answered_at);
    return error;
}

static VixError transfer_now(const char *function, struct transfer transfer)
{
    struct handle_call call;

    begin_handle_call(&call, transfer.disk, function, CALL_ANY_THREAD);
    require_not_null(transfer.buffer, function, "buffer");
    VixError error = check_transfer(&transfer, TRANSFER_SYNCHRONOUS);
    if (!error) {
        transfer.fault = take_fault(function + strlen("VixDiskLib_"), transfer.disk->path);
        error = perform_transfer(&transfer);
    }
    end_handle_call(&call);
    return error;
}

VixError VixDiskLib_Read(VixDiskLibHandle handle, uint64_t start, uint64_t count, uint8_t *buffer)
{
    struct transfer transfer = {.disk = handle, .writes = false, .start = start, .count = count, .buffer = buffer};

    return transfer_now("VixDiskLib_Read", transfer);
}

VixError VixDiskLib_Write(VixDiskLibHandle handle, uint64_t start, uint64_t count, const uint8_t *buffer)
{
    struct transfer transfer = {.disk = handle, .writes = true, .start = start, .count = count, .buffer = (uint8_t *)buffer};

    return transfer_now("VixDiskLib_Write", transfer);
}

/* A real fsync, as nbdkit's authors saw the real library do it. */
VixError VixDiskLib_Flush(VixDiskLibHandle handle)
{
    struct handle_call call;

    begin_handle_call(&call, handle, "VixDiskLib_Flush", CALL_ANY_THREAD);
    unsigned outstanding = outstanding_requests(handle);
    if (outstanding)
        die("VixDiskLib_Flush: %u asynchronous request(s) are outstanding: call VixDiskLib_Wait first", outstanding);
    VixError error = take_fault("Flush", handle->path).error;
    if (!error && is_writable(handle))
        error = flush_content(&handle->content);
    end_handle_call(&call);
    return error;
}
