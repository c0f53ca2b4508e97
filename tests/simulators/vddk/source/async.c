#include "async.h"

#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "diagnosis.h"
#include "disks.h"
#include "logging.h"
#include "transfer.h"

enum { THREADS = 4 };

struct request {
    struct request *next;
    struct transfer transfer;
    VixDiskLibCompletionCB callback;
    void *data;
};

struct queue {
    pthread_mutex_t lock;
    pthread_cond_t changed;
    struct request *waiting;
    unsigned waiting_count;
    unsigned outstanding;
    unsigned random;
    bool must_end;
    pthread_t threads[THREADS];
};

/* Any of those that wait, not the oldest: a client that relies on order learns it here. */
static struct request *take_any(struct queue *queue)
{
    struct request **link = &queue->waiting;

    queue->random = queue->random * 1664525u + 1013904223u;
    for (unsigned skip = (queue->random >> 16) % queue->waiting_count; skip; skip--)
        link = &(*link)->next;
    struct request *taken = *link;
    *link = taken->next;
    queue->waiting_count--;
    return taken;
}

static struct request *next_request(struct queue *queue)
{
    struct request *request = NULL;

    pthread_mutex_lock(&queue->lock);
    while (!queue->waiting && !queue->must_end)
        pthread_cond_wait(&queue->changed, &queue->lock);
    if (queue->waiting)
        request = take_any(queue);
    pthread_mutex_unlock(&queue->lock);
    return request;
}

static void complete(struct queue *queue, struct request *request)
{
    VixError result = perform_transfer(&request->transfer);

    enter_callback();
    request->callback(request->data, result);
    leave_callback();
    free(request);
    pthread_mutex_lock(&queue->lock);
    queue->outstanding--;
    pthread_cond_broadcast(&queue->changed);
    pthread_mutex_unlock(&queue->lock);
}

static void *serve(void *argument)
{
    struct queue *queue = argument;

    for (struct request *request; (request = next_request(queue));)
        complete(queue, request);
    return NULL;
}

static struct queue *start_queue(void)
{
    struct queue *queue = calloc(1, sizeof *queue);
    sigset_t all, before;

    if (!queue)
        die("out of memory");
    pthread_mutex_init(&queue->lock, NULL);
    pthread_cond_init(&queue->changed, NULL);
    queue->random = (unsigned)(uintptr_t)queue;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    for (int index = 0; index < THREADS; index++)
        if (pthread_create(&queue->threads[index], NULL, serve, queue) != 0)
            die("cannot start a thread for asynchronous requests");
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    return queue;
}

unsigned outstanding_requests(struct disk *disk)
{
    if (!disk->queue)
        return 0;
    pthread_mutex_lock(&disk->queue->lock);
    unsigned outstanding = disk->queue->outstanding;
    pthread_mutex_unlock(&disk->queue->lock);
    return outstanding;
}

void end_queue(struct disk *disk)
{
    struct queue *queue = disk->queue;

    if (!queue)
        return;
    pthread_mutex_lock(&queue->lock);
    queue->must_end = true;
    pthread_cond_broadcast(&queue->changed);
    pthread_mutex_unlock(&queue->lock);
    for (int index = 0; index < THREADS; index++)
        pthread_join(queue->threads[index], NULL);
    pthread_cond_destroy(&queue->changed);
    pthread_mutex_destroy(&queue->lock);
    free(queue);
    disk->queue = NULL;
}

static void enqueue(struct disk *disk, const struct transfer *transfer, VixDiskLibCompletionCB callback, void *data)
{
    struct request *request = calloc(1, sizeof *request);

    if (!request)
        die("out of memory");
    *request = (struct request){.transfer = *transfer, .callback = callback, .data = data};
    if (!disk->queue)
        disk->queue = start_queue();
    struct queue *queue = disk->queue;
    pthread_mutex_lock(&queue->lock);
    request->next = queue->waiting;
    queue->waiting = request;
    queue->waiting_count++;
    queue->outstanding++;
    pthread_cond_broadcast(&queue->changed);
    pthread_mutex_unlock(&queue->lock);
}

/* An error found here comes back at once and without a callback; one of the transfer itself by the callback. */
static VixError transfer_later(const char *function, struct transfer transfer, VixDiskLibCompletionCB callback, void *data)
{
    struct handle_call call;

    begin_handle_call(&call, transfer.disk, function, CALL_ANY_THREAD);
    require_not_null(transfer.buffer, function, "buffer");
    require_not_null((const void *)callback, function, "callback");
    VixError error = check_transfer(&transfer, TRANSFER_ASYNCHRONOUS);
    if (!error) {
        transfer.fault = take_fault(function + strlen("VixDiskLib_"), transfer.disk->path);
        enqueue(transfer.disk, &transfer, callback, data);
        error = VIX_ASYNC;
    }
    end_handle_call(&call);
    return error;
}

VixError VixDiskLib_ReadAsync(VixDiskLibHandle handle, uint64_t start, uint64_t count, uint8_t *buffer,
                              VixDiskLibCompletionCB callback, void *data)
{
    struct transfer transfer = {.disk = handle, .writes = false, .start = start, .count = count, .buffer = buffer};

    return transfer_later("VixDiskLib_ReadAsync", transfer, callback, data);
}

VixError VixDiskLib_WriteAsync(VixDiskLibHandle handle, uint64_t start, uint64_t count, const uint8_t *buffer,
                               VixDiskLibCompletionCB callback, void *data)
{
    struct transfer transfer = {.disk = handle, .writes = true, .start = start, .count = count, .buffer = (uint8_t *)buffer};

    return transfer_later("VixDiskLib_WriteAsync", transfer, callback, data);
}

VixError VixDiskLib_Wait(VixDiskLibHandle handle)
{
    struct handle_call call;

    begin_handle_call(&call, handle, "VixDiskLib_Wait", CALL_ANY_THREAD);
    VixError error = take_fault("Wait", handle->path).error;
    struct queue *queue = handle->queue;
    if (queue) {
        pthread_mutex_lock(&queue->lock);
        while (queue->outstanding)
            pthread_cond_wait(&queue->changed, &queue->lock);
        pthread_mutex_unlock(&queue->lock);
    }
    end_handle_call(&call);
    return error;
}
