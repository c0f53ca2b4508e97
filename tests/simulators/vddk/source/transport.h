/* Ways to the data: which ones are possible here, and how fast they are. */
#ifndef SIMULATED_VDDK_TRANSPORT_H
#define SIMULATED_VDDK_TRANSPORT_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

#include "laboratory.h"

struct transport_choice {
    int count;
    enum transport modes[TRANSPORT_COUNT];
};

/* Goes through the client's list from left to right (NULL: the library's own list) and keeps what is possible here. */
struct transport_choice choose_transports(const char *list, bool local);

/* One NFC connection: a pipe of so many bytes a second behind so much latency. */
struct pace {
    pthread_mutex_t lock;
    uint64_t latency_nanoseconds;
    uint64_t bytes_per_second;
    uint64_t free_at; /* when the pipe has carried everything asked for so far */
};

void start_pace(struct pace *pace, enum transport transport);
/* The time at which a request of `bytes` made now is answered; requests share the pipe, their latencies overlap. */
uint64_t reserve_pace(struct pace *pace, uint64_t bytes);
void sleep_until(uint64_t nanoseconds);

#endif
