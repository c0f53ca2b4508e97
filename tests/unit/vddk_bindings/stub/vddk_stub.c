/* A few functions of VDDK's ABI over memory, just enough for a round trip through every ctypes prototype.
 * Not a simulator: it has no rules of its own. Without STUB_OLD it is VDDK 8, with it something before 6.7. */
#define _GNU_SOURCE
#include <pthread.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define SECTOR 512u
#define CAPACITY_SECTORS 4196u /* 32 chunks of 128 and 100 sectors more */
#define BLOCKING_SECTOR 4000u
#define FAILING_SECTOR 4001u
#define VIX_ASYNC 25000u

typedef uint64_t VixError;
typedef void LogFunction(const char *format, va_list arguments);
typedef void Completion(void *data, VixError result);

typedef struct { char *cookie, *user, *key; } SessionCredentials;
typedef struct { char *user, *password; } PasswordCredentials;
typedef struct {
   char *vmxSpec, *serverName, *thumbPrint;
   long privateUse;
   int credType;
   union { PasswordCredentials uid; SessionCredentials session; void *ticket; } creds;
   uint32_t port, nfcHostPort;
   char *vimApiVer, reserved[8];
   void *state;
   struct { char *id, *datastore, *snapshot; } spec;
   int specType;
} ConnectParams;
typedef struct { uint32_t cylinders, heads, sectors; } Geometry;
typedef struct {
   Geometry bios, physical;
   uint64_t capacity;
   int adapter, links;
   char *parentHint, *uuid;
#ifndef STUB_OLD
   uint32_t logicalSectorSize, physicalSectorSize;
#endif
} Info;
typedef struct { uint64_t offset, length; } Block;
typedef struct { uint32_t count; Block blocks[]; } BlockList;

static uint8_t content[CAPACITY_SECTORS * SECTOR];
static char connected[1024], metadata[256];
static long live_allocations;
static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t changed = PTHREAD_COND_INITIALIZER;
static int reading, released, transfers, async_running, async_held, ends;
static pid_t designated[64];
static int designated_count;

static void *allocate(size_t size) { __atomic_add_fetch(&live_allocations, 1, __ATOMIC_SEQ_CST); return calloc(1, size); }
static void give_back(void *memory) { if (memory) { __atomic_sub_fetch(&live_allocations, 1, __ATOMIC_SEQ_CST); free(memory); } }
static void note_thread(void) { if (designated_count < 64) designated[designated_count++] = gettid(); }

/* A fresh process finds sector n full of the byte n % 251 + 1. */
__attribute__((constructor)) static void fill(void) {
   for (uint32_t n = 0; n < CAPACITY_SECTORS; n++) memset(content + n * SECTOR, n % 251 + 1, SECTOR);
}

/* What a test asks the stub about. */
void stub_reset(void) {
   live_allocations = designated_count = reading = released = transfers = async_held = ends = 0;
   memset(content, 0, sizeof content);
   connected[0] = 0;
}
long stub_live_allocations(void) { return live_allocations; }
const char *stub_connected(void) { return connected; }
int stub_ends(void) { return ends; }
int stub_transfers(void) { return transfers; }
int stub_open_close_threads(void) {
   int distinct = 0;
   for (int i = 0; i < designated_count; i++) {
      int seen = 0;
      for (int j = 0; j < i; j++) seen |= designated[j] == designated[i];
      distinct += !seen;
   }
   return distinct;
}
int stub_open_close_calls(void) { return designated_count; }
void stub_wait_until_reading(void) {
   pthread_mutex_lock(&mutex);
   while (!reading) pthread_cond_wait(&changed, &mutex);
   pthread_mutex_unlock(&mutex);
}
void stub_release(void) {
   pthread_mutex_lock(&mutex);
   released = 1;
   pthread_cond_broadcast(&changed);
   pthread_mutex_unlock(&mutex);
}
void stub_hold_async(int held) {
   pthread_mutex_lock(&mutex);
   async_held = held;
   pthread_cond_broadcast(&changed);
   pthread_mutex_unlock(&mutex);
}

static void say(LogFunction *log, const char *format, ...) {
   va_list arguments;
   va_start(arguments, format);
   log(format, arguments);
   va_end(arguments);
}

VixError VixDiskLib_InitEx(uint32_t major, uint32_t minor, LogFunction *log, LogFunction *warn, LogFunction *panic,
                           const char *libDir, const char *configFile) {
   if (major > 8) return 6;
   say(log, "VDDK %u.%u in %s with %s\n", major, minor, libDir, configFile ? configFile : "no file");
   say(warn, "disk %s capacity %llu at %d%% of %.2f", "x.vmdk", 12345678901ull, 42, 1.5);
   if (configFile && strstr(configFile, "panic")) say(panic, "out of %s", "luck");
   return 0;
}
void VixDiskLib_Exit(void) { ends++; }

char *VixDiskLib_GetErrorText(VixError error, const char *locale) {
   if ((error & 0xffff) == 5) return NULL;
   char *text = allocate(64);
   snprintf(text, 64, "stub error %u", (unsigned)(error & 0xffff));
   return text;
}
void VixDiskLib_FreeErrorText(char *text) { give_back(text); }

#ifndef STUB_OLD
ConnectParams *VixDiskLib_AllocateConnectParams(void) { return allocate(sizeof(ConnectParams)); }
#endif
void VixDiskLib_FreeConnectParams(ConnectParams *params) {
   if (params->vmxSpec || params->serverName || params->thumbPrint || params->creds.session.cookie ||
       params->creds.session.user || params->creds.session.key)
      abort(); /* would free memory of Python's */
   give_back(params);
}
static void remember(const char *what, const ConnectParams *p, const char *rest) {
   const char *first = p->credType == 2 ? p->creds.session.cookie : p->creds.uid.user;
   const char *second = p->credType == 2 ? p->creds.session.user : p->creds.uid.password;
   const char *third = p->credType == 2 ? p->creds.session.key : "-";
   snprintf(connected, sizeof connected, "%s|%s|%s|%s|%d|%s|%s|%s|%u|%u|%d|%s", what, p->vmxSpec ? p->vmxSpec : "-",
            p->serverName, p->thumbPrint ? p->thumbPrint : "-", p->credType, first, second, third, p->port,
            p->nfcHostPort, p->specType, rest);
}
VixError VixDiskLib_ConnectEx(const ConnectParams *params, char readOnly, const char *snapshot, const char *modes,
                              void **connection) {
   char rest[256];
   note_thread();
   if (strcmp(params->serverName, "nowhere") == 0) return 0x1200000000ull + 18000;
   snprintf(rest, sizeof rest, "%d|%s|%s", readOnly, snapshot ? snapshot : "-", modes ? modes : "-");
   remember("connect", params, rest);
   *connection = allocate(1);
   return 0;
}
VixError VixDiskLib_Disconnect(void *connection) { note_thread(); give_back(connection); return 0; }
VixError VixDiskLib_PrepareForAccess(const ConnectParams *params, const char *identity) {
   note_thread();
   remember("prepare", params, identity);
   return 0;
}
VixError VixDiskLib_EndAccess(const ConnectParams *params, const char *identity) {
   note_thread();
   remember("end", params, identity);
   return 0;
}
VixError VixDiskLib_Cleanup(const ConnectParams *params, uint32_t *cleaned, uint32_t *remaining) {
   note_thread();
   remember("cleanup", params, "");
   *cleaned = 3;
   *remaining = 1;
   return 0;
}
const char *VixDiskLib_ListTransportModes(void) { return "file:san:hotadd:nbdssl:nbd"; }

VixError VixDiskLib_Open(void *connection, const char *path, uint32_t flags, void **handle) {
   note_thread();
   if (strstr(path, "missing")) return 4;
   if (strstr(path, "untrusted")) return 0xabcd00000001ull;
   if (strstr(path, "busy")) return 5;
   uint32_t *opened = allocate(sizeof *opened);
   *opened = flags | (strstr(path, "stuck") ? 0x80000000u : 0);
   *handle = opened;
   return 0;
}
VixError VixDiskLib_Close(void *handle) {
   note_thread();
   if (*(uint32_t *)handle & 0x80000000u) return 36;
   give_back(handle);
   return 0;
}
const char *VixDiskLib_GetTransportMode(void *handle) { return *(uint32_t *)handle & 4 ? "nbdssl" : "hotadd"; }
VixError VixDiskLib_GetInfo(void *handle, Info **info) {
   *info = allocate(sizeof **info);
   (*info)->bios = (Geometry){ 1024, 255, 63 };
   (*info)->physical = (Geometry){ 5, 16, 62 };
   (*info)->capacity = CAPACITY_SECTORS;
   (*info)->adapter = 3;
   (*info)->links = 2;
   (*info)->uuid = "60 00 C2 9a";
#ifndef STUB_OLD
   (*info)->logicalSectorSize = 512;
   (*info)->physicalSectorSize = 4096;
#endif
   return 0;
}
void VixDiskLib_FreeInfo(Info *info) { give_back(info); }

static VixError check(uint64_t start, uint64_t count) {
   if (start == FAILING_SECTOR) return 0x7700000000ull + 14011;
   return start + count > CAPACITY_SECTORS ? 16007 : 0;
}
VixError VixDiskLib_Read(void *handle, uint64_t start, uint64_t count, uint8_t *buffer) {
   if (start == BLOCKING_SECTOR) {
      pthread_mutex_lock(&mutex);
      reading = 1;
      pthread_cond_broadcast(&changed);
      while (!released) pthread_cond_wait(&changed, &mutex);
      pthread_mutex_unlock(&mutex);
   }
   VixError error = check(start, count);
   if (!error) memcpy(buffer, content + start * SECTOR, count * SECTOR);
   transfers++;
   return error;
}
VixError VixDiskLib_Write(void *handle, uint64_t start, uint64_t count, const uint8_t *buffer) {
   VixError error = check(start, count);
   if (!error) memcpy(content + start * SECTOR, buffer, count * SECTOR);
   transfers++;
   return error;
}

#ifndef STUB_OLD
struct request { void *handle; uint64_t start, count; uint8_t *buffer; Completion *callback; void *data; int writes; };
static void *run(void *argument) {
   struct request *request = argument;
   pthread_mutex_lock(&mutex);
   while (async_held) pthread_cond_wait(&changed, &mutex);
   pthread_mutex_unlock(&mutex);
   VixError error = request->writes ? VixDiskLib_Write(request->handle, request->start, request->count, request->buffer)
                                    : VixDiskLib_Read(request->handle, request->start, request->count, request->buffer);
   request->callback(request->data, error);
   free(request);
   pthread_mutex_lock(&mutex);
   async_running--;
   pthread_cond_broadcast(&changed);
   pthread_mutex_unlock(&mutex);
   return NULL;
}
static VixError queue(struct request request) {
   if (request.start > CAPACITY_SECTORS) return 16007;
   struct request *copy = malloc(sizeof *copy);
   *copy = request;
   pthread_mutex_lock(&mutex);
   async_running++;
   pthread_mutex_unlock(&mutex);
   pthread_t thread;
   pthread_create(&thread, NULL, run, copy);
   pthread_detach(thread);
   return VIX_ASYNC;
}
VixError VixDiskLib_ReadAsync(void *h, uint64_t start, uint64_t count, uint8_t *buffer, Completion *callback, void *data) {
   return queue((struct request){ h, start, count, buffer, callback, data, 0 });
}
VixError VixDiskLib_WriteAsync(void *h, uint64_t start, uint64_t count, const uint8_t *buffer, Completion *callback,
                               void *data) {
   return queue((struct request){ h, start, count, (uint8_t *)buffer, callback, data, 1 });
}
VixError VixDiskLib_Wait(void *handle) {
   pthread_mutex_lock(&mutex);
   while (async_running) pthread_cond_wait(&changed, &mutex);
   pthread_mutex_unlock(&mutex);
   return 0;
}
VixError VixDiskLib_Flush(void *handle) { return 0; }

/* Chunk n is allocated unless n % 3 == 0. */
VixError VixDiskLib_QueryAllocatedBlocks(void *handle, uint64_t start, uint64_t count, uint64_t chunk, BlockList **list) {
   note_thread();
   if (start + count > CAPACITY_SECTORS) return 16007;
   *list = allocate(sizeof(BlockList) + (count / chunk) * sizeof(Block));
   for (uint64_t n = start / chunk; n < (start + count) / chunk; n++)
      if (n % 3) (*list)->blocks[(*list)->count++] = (Block){ n * chunk, chunk };
   return 0;
}
VixError VixDiskLib_FreeBlockList(BlockList *list) { give_back(list); return 0; }
#endif

static VixError answer(const char *value, size_t size, char *buffer, size_t length, size_t *required) {
   if (required) *required = size;
   if (length < size) return 24;
   memcpy(buffer, value, size);
   return 0;
}
VixError VixDiskLib_ReadMetadata(void *handle, const char *key, char *buffer, size_t length, size_t *required) {
   if (strcmp(key, "uuid") == 0) return answer("60 00 C2 9a", 12, buffer, length, required);
   if (strcmp(key, "note") == 0) return answer(metadata, strlen(metadata) + 1, buffer, length, required);
   return 16052;
}
VixError VixDiskLib_WriteMetadata(void *handle, const char *key, const char *value) {
   if (strcmp(key, "note") != 0) return 3;
   snprintf(metadata, sizeof metadata, "%s", value);
   return 0;
}
VixError VixDiskLib_GetMetadataKeys(void *handle, char *keys, size_t length, size_t *required) {
   return answer("adapterType\0uuid\0", 18, keys, length, required);
}
