#include "objects.h"

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "diagnosis.h"

enum { BUCKETS = 1024, QUARANTINE = 1024 };

struct entry {
    struct entry *next;
    const void *pointer;
    enum object_kind kind;
    bool live;
    void *mapping;
    size_t mapped_bytes;
};

static const char *const KIND_NAMES[OBJECT_KINDS] = {
    "connection", "disk handle", "connect parameters", "disk information", "error text", "block list",
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct entry *buckets[BUCKETS];
static struct entry *quarantine[QUARANTINE];
static unsigned quarantined;
static int live_count[OBJECT_KINDS];

const char *object_kind_name(enum object_kind kind)
{
    return KIND_NAMES[kind];
}

static struct entry **bucket_of(const void *pointer)
{
    uintptr_t address = (uintptr_t)pointer;

    return &buckets[(address >> 12 ^ address >> 3) % BUCKETS];
}

static struct entry *find(const void *pointer)
{
    for (struct entry *entry = *bucket_of(pointer); entry; entry = entry->next)
        if (entry->pointer == pointer)
            return entry;
    return NULL;
}

static void *map_before_guard(size_t size, void **mapping, size_t *mapped_bytes)
{
    size_t page = (size_t)sysconf(_SC_PAGESIZE);
    size_t usable = (size + page - 1) / page * page;

    *mapped_bytes = usable + page;
    *mapping = mmap(NULL, *mapped_bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (*mapping == MAP_FAILED)
        return NULL;
    mprotect((char *)*mapping + usable, page, PROT_NONE);
    return (char *)*mapping + usable - size;
}

void *allocate_object(enum object_kind kind, size_t size)
{
    struct entry *entry = calloc(1, sizeof *entry);

    if (!entry)
        return NULL;
    entry->pointer = map_before_guard((size + 7) / 8 * 8, &entry->mapping, &entry->mapped_bytes);
    if (!entry->pointer) {
        free(entry);
        return NULL;
    }
    entry->kind = kind;
    entry->live = true;
    pthread_mutex_lock(&lock);
    struct entry **bucket = bucket_of(entry->pointer);
    entry->next = *bucket;
    *bucket = entry;
    live_count[kind]++;
    pthread_mutex_unlock(&lock);
    return (void *)entry->pointer;
}

/* A client that declares no result type for a pointer keeps its lower half. */
static bool is_cut_to_32_bits(const void *pointer)
{
    if ((uintptr_t)pointer >> 32 && (uintptr_t)pointer >> 31 != UINTPTR_MAX >> 31)
        return false;
    for (unsigned bucket = 0; bucket < BUCKETS; bucket++)
        for (struct entry *entry = buckets[bucket]; entry; entry = entry->next)
            if (entry->live && (uint32_t)(uintptr_t)entry->pointer == (uint32_t)(uintptr_t)pointer)
                return true;
    return false;
}

static void diagnose(const void *pointer, const struct entry *entry, enum object_kind kind, const char *function,
                     const char *argument)
{
    const char *expected = KIND_NAMES[kind];

    if (!pointer)
        die("%s: %s is NULL (the real library crashes)", function, argument);
    if (!entry && is_cut_to_32_bits(pointer))
        die("%s: %s %p is a pointer cut to 32 bits: the client declares no pointer type", function, argument, pointer);
    if (!entry)
        die("%s: %s %p is no %s of this library", function, argument, pointer, expected);
    if (!entry->live)
        die("%s: %s %p is a %s used after it was closed or freed", function, argument, pointer, KIND_NAMES[entry->kind]);
    if (entry->kind != kind)
        die("%s: %s %p is a %s, not a %s", function, argument, pointer, KIND_NAMES[entry->kind], expected);
}

void require_object(const void *pointer, enum object_kind kind, const char *function, const char *argument)
{
    pthread_mutex_lock(&lock);
    diagnose(pointer, find(pointer), kind, function, argument);
    pthread_mutex_unlock(&lock);
}

static void forget(struct entry *forgotten)
{
    for (struct entry **link = bucket_of(forgotten->pointer); *link; link = &(*link)->next)
        if (*link == forgotten) {
            *link = forgotten->next;
            break;
        }
    munmap(forgotten->mapping, forgotten->mapped_bytes);
    free(forgotten);
}

static void put_into_quarantine(struct entry *entry)
{
    struct entry **place = &quarantine[quarantined++ % QUARANTINE];

    if (*place)
        forget(*place);
    *place = entry;
    /* Gives the memory back as well: only addresses stay. */
    madvise(entry->mapping, entry->mapped_bytes, MADV_DONTNEED);
    mprotect(entry->mapping, entry->mapped_bytes, PROT_NONE);
}

void release_object(void *pointer, enum object_kind kind, const char *function)
{
    pthread_mutex_lock(&lock);
    struct entry *entry = find(pointer);
    diagnose(pointer, entry, kind, function, "the argument");
    entry->live = false;
    live_count[kind]--;
    put_into_quarantine(entry);
    pthread_mutex_unlock(&lock);
}

int count_objects(enum object_kind kind)
{
    pthread_mutex_lock(&lock);
    int count = live_count[kind];
    pthread_mutex_unlock(&lock);
    return count;
}
