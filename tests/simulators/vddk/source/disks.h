/* Open disks, and the rule that a handle serves one call at a time. */
#ifndef SIMULATED_VDDK_DISKS_H
#define SIMULATED_VDDK_DISKS_H

#include <pthread.h>
#include <stdbool.h>

#include "abi.h"
#include "calls.h"
#include "connections.h"
#include "content.h"
#include "transport.h"

struct queue;

enum transfer_style { TRANSFER_UNDECIDED, TRANSFER_SYNCHRONOUS, TRANSFER_ASYNCHRONOUS };

struct disk {
    struct connection *connection;
    char path[CONTENT_PATH];
    char descriptor[CONTENT_PATH];
    char gate_handle[64];
    char uuid[128];
    uint32_t flags;
    enum transport transport;
    int adapter;
    int links;
    uint32_t sector_size;
    bool allocation_is_known;
    struct content content;
    struct pace pace;
    enum transfer_style style;
    struct queue *queue; /* NULL until the first asynchronous request */
    pthread_mutex_t lock;
    const char *busy_function;
    int busy_thread;
};

struct handle_call {
    struct call call;
    struct disk *disk;
};

/* begin_call, plus: the handle is live, and no other call uses it now. Dies otherwise. */
void begin_handle_call(struct handle_call *call, struct disk *disk, const char *function, unsigned rules);
void end_handle_call(struct handle_call *call);

/* Opens without the rules for a client's call: for Clone. The result is released by close_disk. */
VixError open_disk(struct connection *connection, const char *path, uint32_t flags, struct disk **disk);
void close_disk(struct disk *disk, const char *function);

bool is_writable(const struct disk *disk);

#endif
