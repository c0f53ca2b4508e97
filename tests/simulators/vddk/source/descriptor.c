#include "descriptor.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { MAXIMUM_TEXT = 1024 * 1024 };

char *read_text(const char *path)
{
    FILE *file = fopen(path, "re");

    if (!file)
        return NULL;
    char *text = calloc(1, MAXIMUM_TEXT + 1);
    size_t length = text ? fread(text, 1, MAXIMUM_TEXT, file) : 0;
    fclose(file);
    if (text)
        text[length] = '\0';
    return text;
}

static bool write_text(const char *path, const char *text, mode_t mode)
{
    FILE *file = fopen(path, "we");

    if (!file)
        return false;
    bool written = fputs(text, file) >= 0 && fflush(file) == 0 && fchmod(fileno(file), mode) == 0 && fsync(fileno(file)) == 0;
    return fclose(file) == 0 && written;
}

bool replace_text(const char *path, const char *text)
{
    char temporary[CONTENT_PATH + 32];
    struct stat before;
    mode_t mode = stat(path, &before) == 0 ? before.st_mode & 07777 : 0644;

    snprintf(temporary, sizeof temporary, "%s.%d~", path, (int)getpid());
    if (write_text(temporary, text, mode) && rename(temporary, path) == 0)
        return true;
    unlink(temporary);
    return false;
}

bool parse_metadata_line(const char *line, struct metadata_line *parsed)
{
    static const char PREFIX[] = "ddb.";

    line += strspn(line, " \t");
    if (strncmp(line, PREFIX, sizeof PREFIX - 1))
        return false;
    parsed->key = line + sizeof PREFIX - 1;
    parsed->key_length = (int)strcspn(parsed->key, " \t=\r\n");
    const char *value = parsed->key + parsed->key_length;
    value += strspn(value, " \t");
    if (*value != '=')
        return false;
    value++;
    value += strspn(value, " \t\"");
    parsed->value = value;
    parsed->value_length = (int)strcspn(value, "\"\r\n");
    return true;
}

static void copy_beside(char *path, const char *descriptor_path, const char *name)
{
    const char *slash = strrchr(descriptor_path, '/');
    int folder = slash && *name != '/' ? (int)(slash - descriptor_path) + 1 : 0;

    snprintf(path, CONTENT_PATH, "%.*s%s", folder, descriptor_path, name);
}

/* RW 20480 FLAT "disk-flat.vmdk" 0 */
static bool parse_extent(const char *line, struct descriptor *descriptor, const char *path)
{
    unsigned long long sectors;
    char access[16], kind[16], name[CONTENT_PATH];

    if (sscanf(line, "%15s %llu %15s \"%1023[^\"]\"", access, &sectors, kind, name) != 4 || strcmp(access, "RW"))
        return false;
    if (strcmp(kind, "FLAT") && strcmp(kind, "VMFS"))
        return false;
    descriptor->capacity_sectors = sectors;
    copy_beside(descriptor->extent, path, name);
    return true;
}

static void keep_metadata(struct descriptor *descriptor, const struct metadata_line *line)
{
    if (line->key_length == 11 && !strncmp(line->key, "adapterType", 11))
        snprintf(descriptor->adapter, sizeof descriptor->adapter, "%.*s", line->value_length, line->value);
    if (line->key_length == 4 && !strncmp(line->key, "uuid", 4))
        snprintf(descriptor->uuid, sizeof descriptor->uuid, "%.*s", line->value_length, line->value);
}

static VixError parse_descriptor(struct descriptor *descriptor, const char *path, const char *text)
{
    struct metadata_line metadata;
    int extents = 0, other_extents = 0;

    if (!strstr(text, "# Disk DescriptorFile"))
        return VIX_E_DISK_INVAL;
    for (const char *line = text; *line; line += strcspn(line, "\n"), line += *line == '\n') {
        if (parse_extent(line, descriptor, path))
            extents++;
        else if (!strncmp(line, "RW ", 3))
            other_extents++;
        else if (parse_metadata_line(line, &metadata))
            keep_metadata(descriptor, &metadata);
    }
    return extents == 1 && !other_extents ? VIX_OK : VIX_E_NOT_SUPPORTED;
}

VixError read_descriptor(struct descriptor *descriptor, const char *path)
{
    char *text = read_text(path);

    memset(descriptor, 0, sizeof *descriptor);
    if (!text)
        return errno == ENOENT ? VIX_E_FILE_NOT_FOUND : VIX_E_FILE_ACCESS_ERROR;
    VixError error = parse_descriptor(descriptor, path, text);
    free(text);
    return error;
}

static const char *adapter_name(int adapter)
{
    switch (adapter) {
    case ADAPTER_IDE:
        return "ide";
    case ADAPTER_BUSLOGIC:
        return "buslogic";
    default:
        return "lsilogic";
    }
}

VixError write_descriptor(const char *path, const char *extent, uint64_t capacity_sectors, int adapter, unsigned hardware)
{
    char text[2048];
    unsigned long long sectors = capacity_sectors;

    snprintf(text, sizeof text,
             "# Disk DescriptorFile\nversion=1\nencoding=\"UTF-8\"\nCID=fffffffe\nparentCID=ffffffff\n"
             "createType=\"monolithicFlat\"\n\n# Extent description\nRW %llu FLAT \"%s\" 0\n\n# The Disk Data Base\n#DDB\n\n"
             "ddb.adapterType = \"%s\"\nddb.geometry.cylinders = \"%llu\"\nddb.geometry.heads = \"255\"\n"
             "ddb.geometry.sectors = \"63\"\nddb.virtualHWVersion = \"%u\"\n",
             sectors, extent, adapter_name(adapter), sectors / (255 * 63), hardware ? hardware : 8);
    return replace_text(path, text) ? VIX_OK : VIX_E_FILE_ERROR;
}
