#include "transport.h"

#include <string.h>
#include <time.h>

#include "logging.h"
#include "siblings.h"

/* The header's order for a client that names none. */
static const char DEFAULT_LIST[] = "file:san:hotadd:nbd";

static bool is_possible(enum transport transport, bool local, const struct laboratory *laboratory)
{
    if (local != (transport == TRANSPORT_FILE))
        return false;
    if (local)
        return true;
    if ((transport == TRANSPORT_SAN || transport == TRANSPORT_HOTADD) && !advanced_transports_exist())
        return false;
    return laboratory->available[transport];
}

static bool is_chosen(const struct transport_choice *choice, enum transport transport)
{
    for (int index = 0; index < choice->count; index++)
        if (choice->modes[index] == transport)
            return true;
    return false;
}

static void consider(struct transport_choice *choice, const char *name, int length, bool local,
                     const struct laboratory *laboratory)
{
    int transport = transport_by_name(name, length);

    if (transport < 0)
        say(LEVEL_WARNING, "VixDiskLib: unknown transport mode '%.*s' skipped\n", length, name);
    else if (!is_possible((enum transport)transport, local, laboratory))
        say(LEVEL_INFO, "VixDiskLib: transport mode %.*s is not available\n", length, name);
    else if (!is_chosen(choice, (enum transport)transport))
        choice->modes[choice->count++] = (enum transport)transport;
}

struct transport_choice choose_transports(const char *list, bool local)
{
    struct transport_choice choice = {.count = 0};
    struct laboratory laboratory = current_laboratory();
    const char *name = list ? list : DEFAULT_LIST;

    if (local)
        name = "file";
    while (*name) {
        int length = (int)strcspn(name, ":");
        if (length)
            consider(&choice, name, length, local, &laboratory);
        name += length;
        name += *name == ':';
    }
    return choice;
}

static uint64_t now(void)
{
    struct timespec time;

    clock_gettime(CLOCK_MONOTONIC, &time);
    return (uint64_t)time.tv_sec * 1000000000u + (uint64_t)time.tv_nsec;
}

void start_pace(struct pace *pace, enum transport transport)
{
    struct laboratory laboratory = current_laboratory();

    pthread_mutex_init(&pace->lock, NULL);
    pace->latency_nanoseconds = laboratory.latency_microseconds[transport] * 1000;
    pace->bytes_per_second = laboratory.bytes_per_second[transport];
    pace->free_at = 0;
}

uint64_t reserve_pace(struct pace *pace, uint64_t bytes)
{
    if (!pace->latency_nanoseconds && !pace->bytes_per_second)
        return 0;
    pthread_mutex_lock(&pace->lock);
    uint64_t start = now();
    if (pace->free_at > start)
        start = pace->free_at;
    if (pace->bytes_per_second)
        start += (uint64_t)((double)bytes * 1e9 / (double)pace->bytes_per_second);
    pace->free_at = start;
    pthread_mutex_unlock(&pace->lock);
    return start + pace->latency_nanoseconds;
}

void sleep_until(uint64_t nanoseconds)
{
    struct timespec end = {.tv_sec = (time_t)(nanoseconds / 1000000000u), .tv_nsec = (long)(nanoseconds % 1000000000u)};

    while (nanoseconds && clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &end, NULL) != 0)
        ;
}
