/* ReadMetadata, WriteMetadata, GetMetadataKeys: the ddb.* lines of the disk's descriptor, without their prefix. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "abi.h"
#include "descriptor.h"
#include "diagnosis.h"
#include "disks.h"
#include "faults.h"

static const char *next_line(const char *line)
{
    line += strcspn(line, "\n");
    return *line ? line + 1 : line;
}

static bool has_key(const struct metadata_line *line, const char *key)
{
    return (int)strlen(key) == line->key_length && !strncmp(line->key, key, (size_t)line->key_length);
}

/* First call without room tells how much is needed, second call fills it. */
static VixError hand_over(const char *bytes, size_t length, char *buffer, size_t room, size_t *required)
{
    if (required)
        *required = length;
    if (!buffer || room < length)
        return VIX_E_BUFFER_TOOSMALL;
    memcpy(buffer, bytes, length);
    return VIX_OK;
}

static VixError read_value(const struct disk *disk, const char *key, char *buffer, size_t room, size_t *required)
{
    struct metadata_line line;
    VixError error = VIX_E_DISK_KEY_NOTFOUND;
    char *text = read_text(disk->descriptor);

    if (!text)
        return VIX_E_FILE_NOT_FOUND;
    for (char *at = text; *at; at = (char *)next_line(at))
        if (parse_metadata_line(at, &line) && has_key(&line, key)) {
            text[line.value - text + line.value_length] = '\0';
            error = hand_over(line.value, (size_t)line.value_length + 1, buffer, room, required);
            break;
        }
    free(text);
    return error;
}

VixError VixDiskLib_ReadMetadata(VixDiskLibHandle handle, const char *key, char *buffer, size_t length, size_t *required)
{
    struct handle_call call;

    begin_handle_call(&call, handle, "VixDiskLib_ReadMetadata", CALL_ANY_THREAD);
    require_not_null(key, "VixDiskLib_ReadMetadata", "key");
    VixError error = take_fault("ReadMetadata", handle->path).error;
    if (!error)
        error = read_value(handle, key, buffer, length, required);
    end_handle_call(&call);
    return error;
}

/* Each name with its NUL, then one more. */
static char *list_keys(const char *text, size_t *length)
{
    struct metadata_line line;
    char *keys = calloc(1, strlen(text) + 2);

    *length = 0;
    if (!keys)
        die("out of memory");
    for (; *text; text = next_line(text))
        if (parse_metadata_line(text, &line)) {
            memcpy(keys + *length, line.key, (size_t)line.key_length);
            *length += (size_t)line.key_length + 1;
        }
    ++*length;
    return keys;
}

VixError VixDiskLib_GetMetadataKeys(VixDiskLibHandle handle, char *keys, size_t length, size_t *required)
{
    struct handle_call call;

    begin_handle_call(&call, handle, "VixDiskLib_GetMetadataKeys", CALL_ANY_THREAD);
    VixError error = take_fault("GetMetadataKeys", handle->path).error;
    char *text = error ? NULL : read_text(handle->descriptor);
    if (!error && !text)
        error = VIX_E_FILE_NOT_FOUND;
    if (text) {
        size_t needed;
        char *list = list_keys(text, &needed);
        error = hand_over(list, needed, keys, length, required);
        free(list);
        free(text);
    }
    end_handle_call(&call);
    return error;
}

/* The text with the key's line replaced, or added at the end. */
static char *with_value(const char *text, const char *key, const char *value)
{
    struct metadata_line line;
    char *changed = calloc(1, strlen(text) + strlen(key) + strlen(value) + 32);
    char *out = changed;
    bool replaced = false;

    if (!changed)
        die("out of memory");
    for (const char *at = text, *next; *at; at = next) {
        next = next_line(at);
        if (!replaced && parse_metadata_line(at, &line) && has_key(&line, key)) {
            out += sprintf(out, "ddb.%s = \"%s\"\n", key, value);
            replaced = true;
        } else {
            memcpy(out, at, (size_t)(next - at));
            out += next - at;
        }
    }
    if (!replaced)
        sprintf(out, "%sddb.%s = \"%s\"\n", out > changed && out[-1] != '\n' ? "\n" : "", key, value);
    return changed;
}

static VixError write_value(const struct disk *disk, const char *key, const char *value)
{
    if (!is_writable(disk))
        return VIX_E_FILE_READ_ONLY;
    if (!*key || strpbrk(key, " \t=\"\n") || strpbrk(value, "\"\n"))
        return VIX_E_INVALID_ARG;
    char *text = read_text(disk->descriptor);
    if (!text)
        return VIX_E_FILE_NOT_FOUND;
    char *changed = with_value(text, key, value);
    VixError error = replace_text(disk->descriptor, changed) ? VIX_OK : VIX_E_FILE_ERROR;
    free(changed);
    free(text);
    return error;
}

VixError VixDiskLib_WriteMetadata(VixDiskLibHandle handle, const char *key, const char *value)
{
    struct handle_call call;

    begin_handle_call(&call, handle, "VixDiskLib_WriteMetadata", CALL_ANY_THREAD);
    require_not_null(key, "VixDiskLib_WriteMetadata", "key");
    require_not_null(value, "VixDiskLib_WriteMetadata", "val");
    VixError error = take_fault("WriteMetadata", handle->path).error;
    if (!error)
        error = write_value(handle, key, value);
    end_handle_call(&call);
    return error;
}
