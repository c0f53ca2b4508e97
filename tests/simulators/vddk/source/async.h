/* Asynchronous requests of one disk: performed by threads of its own, answered in any order. */
#ifndef SIMULATED_VDDK_ASYNC_H
#define SIMULATED_VDDK_ASYNC_H

struct disk;

/* Queued, in progress, or inside the client's callback. */
unsigned outstanding_requests(struct disk *disk);

/* Ends the threads of a disk without outstanding requests. */
void end_queue(struct disk *disk);

#endif
