/*
 * A client in C with the call pattern of nbdkit's vddk plugin: the library by dlopen, interface 6.5, one connection and one
 * worker thread for each open disk, asynchronous reads only, connect, open and close calls under one lock, on any thread.
 *
 * worker_client VDDK-FOLDER USER PASSWORD THUMBPRINT SNAPSHOT PATH CLIENTS: prints for each client a sum of the whole disk.
 */
#include <dlfcn.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../source/abi.h"

enum { REQUEST_SECTORS = 256, MAXIMUM_CLIENTS = 16 };

static struct {
    __typeof__(VixDiskLib_InitEx) *InitEx;
    __typeof__(VixDiskLib_Exit) *Exit;
    __typeof__(VixDiskLib_AllocateConnectParams) *AllocateConnectParams;
    __typeof__(VixDiskLib_FreeConnectParams) *FreeConnectParams;
    __typeof__(VixDiskLib_ConnectEx) *ConnectEx;
    __typeof__(VixDiskLib_Disconnect) *Disconnect;
    __typeof__(VixDiskLib_Open) *Open;
    __typeof__(VixDiskLib_Close) *Close;
    __typeof__(VixDiskLib_GetInfo) *GetInfo;
    __typeof__(VixDiskLib_FreeInfo) *FreeInfo;
    __typeof__(VixDiskLib_GetErrorText) *GetErrorText;
    __typeof__(VixDiskLib_FreeErrorText) *FreeErrorText;
    __typeof__(VixDiskLib_ReadAsync) *ReadAsync;
    __typeof__(VixDiskLib_Wait) *Wait;
    __typeof__(VixDiskLib_Flush) *Flush;
} vddk;

static char **values;
static pthread_mutex_t open_close_lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_mutex_t log_lock = PTHREAD_MUTEX_INITIALIZER;
static unsigned log_lines;

struct client {
    pthread_t thread;
    VixDiskLibConnectParams *params;
    VixDiskLibConnection connection;
    VixDiskLibHandle handle;
    uint64_t capacity;
    uint8_t *content;
    pthread_mutex_t lock;
    unsigned completed;
    unsigned failed;
};

static void check(VixError error, const char *function)
{
    if (error == VIX_OK)
        return;
    char *text = vddk.GetErrorText(error, NULL);
    fprintf(stderr, "%s: %s\n", function, text);
    vddk.FreeErrorText(text);
    exit(1);
}

static void count_line(const char *format, va_list arguments)
{
    char line[1024];

    vsnprintf(line, sizeof line, format, arguments);
    pthread_mutex_lock(&log_lock);
    log_lines++;
    pthread_mutex_unlock(&log_lock);
}

#define LOAD(name) \
    if (!(*(void **)&vddk.name = dlsym(library, "VixDiskLib_" #name))) { \
        fprintf(stderr, "no VixDiskLib_" #name "\n"); \
        exit(1); \
    }

static void load(const char *folder)
{
    char path[4096];

    snprintf(path, sizeof path, "%s/lib64/libvixDiskLib.so.8", folder);
    void *library = dlopen(path, RTLD_NOW);
    if (!library) {
        fprintf(stderr, "%s\n", dlerror());
        exit(1);
    }
    LOAD(InitEx) LOAD(Exit) LOAD(AllocateConnectParams) LOAD(FreeConnectParams) LOAD(ConnectEx) LOAD(Disconnect)
    LOAD(Open) LOAD(Close) LOAD(GetInfo) LOAD(FreeInfo) LOAD(GetErrorText) LOAD(FreeErrorText) LOAD(ReadAsync)
    LOAD(Wait) LOAD(Flush)
}

static void open_disk(struct client *client)
{
    VixDiskLibInfo *info;

    client->params = vddk.AllocateConnectParams();
    client->params->vmxSpec = "moref=vm-1";
    client->params->serverName = "127.0.0.1";
    client->params->credType = CREDENTIALS_UID;
    client->params->creds.uid.userName = values[2];
    client->params->creds.uid.password = values[3];
    client->params->thumbPrint = values[4];
    pthread_mutex_lock(&open_close_lock);
    check(vddk.ConnectEx(client->params, 1, values[5], NULL, &client->connection), "ConnectEx");
    check(vddk.Open(client->connection, values[6], OPEN_READ_ONLY, &client->handle), "Open");
    pthread_mutex_unlock(&open_close_lock);
    check(vddk.GetInfo(client->handle, &info), "GetInfo");
    client->capacity = info->capacity;
    vddk.FreeInfo(info);
}

static void close_disk(struct client *client)
{
    pthread_mutex_lock(&open_close_lock);
    check(vddk.Close(client->handle), "Close");
    check(vddk.Disconnect(client->connection), "Disconnect");
    pthread_mutex_unlock(&open_close_lock);
    vddk.FreeConnectParams(client->params);
}

static void complete(void *data, VixError result)
{
    struct client *client = data;

    pthread_mutex_lock(&client->lock);
    client->completed++;
    client->failed += result != VIX_OK;
    pthread_mutex_unlock(&client->lock);
}

static void *serve(void *argument)
{
    struct client *client = argument;
    unsigned queued = 0;

    open_disk(client);
    client->content = malloc(client->capacity * SECTOR_SIZE);
    for (uint64_t start = 0; start < client->capacity; start += REQUEST_SECTORS, queued++) {
        uint64_t left = client->capacity - start;
        VixError error = vddk.ReadAsync(client->handle, start, left < REQUEST_SECTORS ? left : REQUEST_SECTORS,
                                        client->content + start * SECTOR_SIZE, complete, client);
        if (error != VIX_ASYNC)
            check(error, "ReadAsync");
    }
    check(vddk.Wait(client->handle), "Wait");
    check(vddk.Flush(client->handle), "Flush");
    if (client->completed != queued || client->failed)
        exit(1);
    close_disk(client);
    return NULL;
}

/* FNV-1a, easy to compute on the other side of the test. */
static uint64_t sum_of(const struct client *client)
{
    uint64_t sum = 14695981039346656037u;

    for (uint64_t index = 0; index < client->capacity * SECTOR_SIZE; index++)
        sum = (sum ^ client->content[index]) * 1099511628211u;
    return sum;
}

int main(int count, char **arguments)
{
    static struct client clients[MAXIMUM_CLIENTS];

    if (count != 8)
        return 2;
    values = arguments;
    int number = atoi(arguments[7]);
    load(arguments[1]);
    check(vddk.InitEx(6, 5, count_line, count_line, count_line, arguments[1], NULL), "InitEx");
    for (int index = 0; index < number; index++) {
        pthread_mutex_init(&clients[index].lock, NULL);
        pthread_create(&clients[index].thread, NULL, serve, &clients[index]);
    }
    for (int index = 0; index < number; index++)
        pthread_join(clients[index].thread, NULL);
    vddk.Exit();
    for (int index = 0; index < number; index++) {
        printf("%016llx\n", (unsigned long long)sum_of(&clients[index]));
        free(clients[index].content);
    }
    return log_lines > 0 ? 0 : 1;
}
