/* lab.conf, the file beside the library that says which laboratory this library belongs to. */
#ifndef SIMULATED_VDDK_LABORATORY_H
#define SIMULATED_VDDK_LABORATORY_H

#include <stdbool.h>
#include <stdint.h>

enum transport { TRANSPORT_FILE, TRANSPORT_SAN, TRANSPORT_HOTADD, TRANSPORT_NBDSSL, TRANSPORT_NBD, TRANSPORT_COUNT };

enum { MAXIMUM_FAULTS = 64, FAULT_LENGTH = 512 };

struct laboratory {
    bool found;
    char gate[128];
    int version_major;
    int version_minor;
    int version_update;
    bool strict_threads;
    bool strict_libraries;
    bool strict_loader;
    bool available[TRANSPORT_COUNT];
    uint64_t latency_microseconds[TRANSPORT_COUNT];
    uint64_t bytes_per_second[TRANSPORT_COUNT];
};

/* Absolute folder of this very shared object, as the client named it; without a trailing slash. */
const char *library_folder(void);

/* Reads lab.conf anew. What it does not say keeps the library's own default. */
void read_laboratory(void);

/* The values of the last reading; a copy, because another thread's ConnectEx may read it anew. */
struct laboratory current_laboratory(void);

/* The values of fault.N at the last reading; returns how many. */
int laboratory_faults(char faults[MAXIMUM_FAULTS][FAULT_LENGTH]);

/* Version as one number: 6.7 is 607, 8.0 is 800. */
int library_generation(void);
bool version_at_least(int major, int minor, int update);

const char *transport_name(enum transport transport);
/* -1 for a name that is no transport mode. */
int transport_by_name(const char *name, int length);

#endif
