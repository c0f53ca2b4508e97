#include "laboratory.h"

#include <dlfcn.h>
#include <limits.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "version.h"

static const char *const TRANSPORT_NAMES[TRANSPORT_COUNT] = {"file", "san", "hotadd", "nbdssl", "nbd"};

static pthread_mutex_t laboratory_lock = PTHREAD_MUTEX_INITIALIZER;
static struct laboratory laboratory;
static char fault_texts[MAXIMUM_FAULTS][FAULT_LENGTH];
static int fault_count;
static bool laboratory_was_read;
static char folder_as_loaded[PATH_MAX];
static char folder_of_file[PATH_MAX];

static void keep_folder_of(const char *file, char *folder)
{
    snprintf(folder, PATH_MAX, "%s", file);
    char *slash = strrchr(folder, '/');
    if (slash)
        *slash = '\0';
    else
        strcpy(folder, ".");
}

/* At load time: a client may change its working directory before it calls anything. */
__attribute__((constructor)) static void find_own_folder(void)
{
    Dl_info own;
    char absolute[PATH_MAX];

    if (!dladdr((void *)&find_own_folder, &own) || !own.dli_fname)
        return;
    char folder[PATH_MAX];
    keep_folder_of(own.dli_fname, folder);
    if (!realpath(folder, folder_as_loaded))
        snprintf(folder_as_loaded, sizeof folder_as_loaded, "%s", folder);
    if (realpath(own.dli_fname, absolute))
        keep_folder_of(absolute, folder_of_file);
}

const char *library_folder(void)
{
    return folder_as_loaded;
}

const char *transport_name(enum transport transport)
{
    return TRANSPORT_NAMES[transport];
}

int transport_by_name(const char *name, int length)
{
    for (int transport = 0; transport < TRANSPORT_COUNT; transport++)
        if ((int)strlen(TRANSPORT_NAMES[transport]) == length && !strncmp(TRANSPORT_NAMES[transport], name, (size_t)length))
            return transport;
    return -1;
}

static void set_defaults(struct laboratory *values)
{
    memset(values, 0, sizeof *values);
    values->version_major = DEFAULT_VERSION_MAJOR;
    values->version_minor = DEFAULT_VERSION_MINOR;
    values->version_update = DEFAULT_VERSION_UPDATE;
    values->available[TRANSPORT_FILE] = true;
    values->available[TRANSPORT_NBDSSL] = true;
    values->available[TRANSPORT_NBD] = true;
}

static void set_transports(struct laboratory *values, const char *list)
{
    memset(values->available, 0, sizeof values->available);
    while (*list) {
        int length = (int)strcspn(list, ":, ");
        int transport = transport_by_name(list, length);
        if (transport >= 0)
            values->available[transport] = true;
        list += length;
        list += strspn(list, ":, ");
    }
}

static bool set_transport_number(const char *key, const char *prefix, const char *value, uint64_t *numbers)
{
    size_t length = strlen(prefix);

    if (strncmp(key, prefix, length))
        return false;
    int transport = transport_by_name(key + length, (int)strlen(key + length));
    if (transport >= 0)
        numbers[transport] = strtoull(value, NULL, 10);
    return true;
}

static void set_version(struct laboratory *values, const char *text)
{
    int major = 0, minor = 0, update = 0;

    if (sscanf(text, "%d.%d.%d", &major, &minor, &update) >= 2) {
        values->version_major = major;
        values->version_minor = minor;
        values->version_update = update;
    }
}

static void add_fault(const char *text)
{
    if (fault_count < MAXIMUM_FAULTS)
        snprintf(fault_texts[fault_count++], FAULT_LENGTH, "%s", text);
}

static void set_key(struct laboratory *values, const char *key, const char *value)
{
    if (!strcmp(key, "gate"))
        snprintf(values->gate, sizeof values->gate, "%s", value);
    else if (!strcmp(key, "version"))
        set_version(values, value);
    else if (!strcmp(key, "strict_threads"))
        values->strict_threads = atoi(value) != 0;
    else if (!strcmp(key, "strict_libraries"))
        values->strict_libraries = atoi(value) != 0;
    else if (!strcmp(key, "strict_loader"))
        values->strict_loader = atoi(value) != 0;
    else if (!strcmp(key, "transports"))
        set_transports(values, value);
    else if (!strncmp(key, "fault.", 6))
        add_fault(value);
    else if (!set_transport_number(key, "latency_microseconds.", value, values->latency_microseconds))
        set_transport_number(key, "bytes_per_second.", value, values->bytes_per_second);
}

static char *trim(char *text)
{
    text += strspn(text, " \t");
    char *end = text + strlen(text);
    while (end > text && strchr(" \t\r\n", end[-1]))
        *--end = '\0';
    return text;
}

static void parse_line(struct laboratory *values, char *line)
{
    char *text = trim(line);
    char *equals = strchr(text, '=');

    if (*text == '#' || !equals)
        return;
    *equals = '\0';
    set_key(values, trim(text), trim(equals + 1));
}

static FILE *open_laboratory(void)
{
    char path[PATH_MAX + 16];

    snprintf(path, sizeof path, "%s/lab.conf", folder_as_loaded);
    FILE *file = fopen(path, "re");
    if (file)
        return file;
    snprintf(path, sizeof path, "%s/lab.conf", folder_of_file);
    return fopen(path, "re");
}

void read_laboratory(void)
{
    struct laboratory fresh;
    char line[1024];

    pthread_mutex_lock(&laboratory_lock);
    set_defaults(&fresh);
    fault_count = 0;
    FILE *file = open_laboratory();
    fresh.found = file != NULL;
    while (file && fgets(line, sizeof line, file))
        parse_line(&fresh, line);
    if (file)
        fclose(file);
    laboratory = fresh;
    laboratory_was_read = true;
    pthread_mutex_unlock(&laboratory_lock);
}

struct laboratory current_laboratory(void)
{
    pthread_mutex_lock(&laboratory_lock);
    bool read_before = laboratory_was_read;
    pthread_mutex_unlock(&laboratory_lock);
    if (!read_before)
        read_laboratory();
    pthread_mutex_lock(&laboratory_lock);
    struct laboratory copy = laboratory;
    pthread_mutex_unlock(&laboratory_lock);
    return copy;
}

int laboratory_faults(char faults[MAXIMUM_FAULTS][FAULT_LENGTH])
{
    pthread_mutex_lock(&laboratory_lock);
    int count = fault_count;
    memcpy(faults, fault_texts, sizeof fault_texts);
    pthread_mutex_unlock(&laboratory_lock);
    return count;
}

bool version_at_least(int major, int minor, int update)
{
    struct laboratory values = current_laboratory();
    int own = values.version_major * 10000 + values.version_minor * 100 + values.version_update;
    return own >= major * 10000 + minor * 100 + update;
}

int library_generation(void)
{
    struct laboratory values = current_laboratory();
    return values.version_major * 100 + values.version_minor;
}
