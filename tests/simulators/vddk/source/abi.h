/*
 * The binary interface of libvixDiskLib on x86-64 Linux, written from its published facts: names, argument types, layouts.
 *
 * Client code of the real library needs nothing but these layouts; the assertions at the end hold them in place.
 */
#ifndef SIMULATED_VDDK_ABI_H
#define SIMULATED_VDDK_ABI_H

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#define EXPORTED __attribute__((visibility("default")))

typedef uint64_t VixError;
typedef char VixBoolean;

enum {
    VIX_OK = 0,
    VIX_E_FAIL = 1,
    VIX_E_OUT_OF_MEMORY = 2,
    VIX_E_INVALID_ARG = 3,
    VIX_E_FILE_NOT_FOUND = 4,
    VIX_E_OBJECT_IS_BUSY = 5,
    VIX_E_NOT_SUPPORTED = 6,
    VIX_E_FILE_ERROR = 7,
    VIX_E_DISK_FULL = 8,
    VIX_E_INCORRECT_FILE_TYPE = 9,
    VIX_E_CANCELLED = 10,
    VIX_E_FILE_READ_ONLY = 11,
    VIX_E_FILE_ALREADY_EXISTS = 12,
    VIX_E_FILE_ACCESS_ERROR = 13,
    VIX_E_FILE_ALREADY_LOCKED = 15,
    VIX_E_NOT_SUPPORTED_ON_REMOTE_OBJECT = 20,
    VIX_E_FILE_NAME_INVALID = 22,
    VIX_E_BUFFER_TOOSMALL = 24,
    VIX_E_HOST_CONNECTION_LOST = 36,
    VIX_E_HOST_TCP_CONN_LOST = 14011,
    VIX_E_DISK_INVAL = 16000,
    VIX_E_DISK_NEEDSREPAIR = 16006,
    VIX_E_DISK_OUTOFRANGE = 16007,
    VIX_E_DISK_KEY_NOTFOUND = 16052,
    VIX_E_DISK_SUBSYSTEM_INIT_FAIL = 16053,
    VIX_E_CANNOT_CONNECT_TO_HOST = 18000,
    VIX_ASYNC = 25000,
    VIX_E_ASYNC_MIXEDMODE_UNSUPPORTED = 26000,
};

enum { SECTOR_SIZE = 512, MINIMUM_CHUNK_SECTORS = 128, MAXIMUM_CHUNKS_PER_QUERY = 512 * 1024 };

enum { CREDENTIALS_UID = 1, CREDENTIALS_SESSION = 2, CREDENTIALS_TICKET = 3, CREDENTIALS_SSPI = 4 };
enum { SPEC_VMX = 0, SPEC_STORAGE_OBJECT = 1, SPEC_DATASTORE = 2 };

enum {
    OPEN_UNBUFFERED = 1,
    OPEN_SINGLE_LINK = 2,
    OPEN_READ_ONLY = 4,
    OPEN_COMPRESSION_ZLIB = 16,
    OPEN_COMPRESSION_FASTLZ = 32,
    OPEN_COMPRESSION_SKIPZ = 64,
    OPEN_COMPRESSION_MASK = 1008,
};

enum { DISK_MONOLITHIC_FLAT = 2, DISK_STREAM_OPTIMIZED = 6, DISK_VMFS_SPARSE = 8 };
enum { ADAPTER_IDE = 1, ADAPTER_BUSLOGIC = 2, ADAPTER_LSILOGIC = 3, ADAPTER_UNKNOWN = 256 };

typedef void VixDiskLibGenericLogFunc(const char *format, va_list arguments);
typedef void (*VixDiskLibCompletionCB)(void *data, VixError result);
typedef VixBoolean (*VixDiskLibProgressFunc)(void *data, int percent);

typedef struct {
    char *cookie;
    char *userName;
    char *key;
} VixDiskLibSessionIdCreds;

typedef union {
    struct {
        char *userName;
        char *password;
    } uid;
    VixDiskLibSessionIdCreds sessionId;
    void *ticketId;
} VixDiskLibCreds;

typedef union {
    struct {
        char *id;
        char *datastoreMoRef;
        char *ssId;
    } vStorageObjSpec;
    struct {
        char *datastoreMoRef;
        char *diskFolder;
    } dsSpec;
} VixDiskLibSpec;

/* Up to vimApiVer (80 bytes) before 6.7; whole since AllocateConnectParams exists. */
typedef struct {
    char *vmxSpec;
    char *serverName;
    char *thumbPrint;
    long privateUse;
    int credType;
    VixDiskLibCreds creds;
    uint32_t port;
    uint32_t nfcHostPort;
    char *vimApiVer;
    char reserved[8];
    void *state;
    VixDiskLibSpec spec;
    int specType;
} VixDiskLibConnectParams;

typedef struct {
    uint32_t cylinders;
    uint32_t heads;
    uint32_t sectors;
} VixDiskLibGeometry;

/* The two sector sizes exist since 7.0; before that the structure ends at 56 bytes. */
typedef struct {
    VixDiskLibGeometry biosGeo;
    VixDiskLibGeometry physGeo;
    uint64_t capacity;
    int adapterType;
    int numLinks;
    char *parentFileNameHint;
    char *uuid;
    uint32_t logicalSectorSize;
    uint32_t physicalSectorSize;
} VixDiskLibInfo;

typedef struct {
    uint64_t offset;
    uint64_t length;
} VixDiskLibBlock;

typedef struct {
    uint32_t numBlocks;
    VixDiskLibBlock blocks[];
} VixDiskLibBlockList;

/* The two sector sizes exist since 7.0; before that the structure ends at 24 bytes. */
typedef struct {
    int diskType;
    int adapterType;
    uint16_t hwVersion;
    uint64_t capacity;
    uint32_t logicalSectorSize;
    uint32_t physicalSectorSize;
} VixDiskLibCreateParams;

typedef struct connection *VixDiskLibConnection;
typedef struct disk *VixDiskLibHandle;

EXPORTED VixError VixDiskLib_Init(uint32_t major, uint32_t minor, VixDiskLibGenericLogFunc *log,
                                  VixDiskLibGenericLogFunc *warn, VixDiskLibGenericLogFunc *panic, const char *library_folder);
EXPORTED VixError VixDiskLib_InitEx(uint32_t major, uint32_t minor, VixDiskLibGenericLogFunc *log,
                                    VixDiskLibGenericLogFunc *warn, VixDiskLibGenericLogFunc *panic,
                                    const char *library_folder, const char *options_file);
EXPORTED void VixDiskLib_Exit(void);
EXPORTED const char *VixDiskLib_ListTransportModes(void);
EXPORTED char *VixDiskLib_GetErrorText(VixError error, const char *locale);
EXPORTED void VixDiskLib_FreeErrorText(char *text);

EXPORTED VixDiskLibConnectParams *VixDiskLib_AllocateConnectParams(void);
EXPORTED void VixDiskLib_FreeConnectParams(VixDiskLibConnectParams *params);
EXPORTED VixError VixDiskLib_GetConnectParams(VixDiskLibConnection connection, VixDiskLibConnectParams **params);
EXPORTED VixError VixDiskLib_Connect(const VixDiskLibConnectParams *params, VixDiskLibConnection *connection);
EXPORTED VixError VixDiskLib_ConnectEx(const VixDiskLibConnectParams *params, VixBoolean read_only, const char *snapshot,
                                       const char *modes, VixDiskLibConnection *connection);
EXPORTED VixError VixDiskLib_Disconnect(VixDiskLibConnection connection);
EXPORTED VixError VixDiskLib_PrepareForAccess(const VixDiskLibConnectParams *params, const char *identity);
EXPORTED VixError VixDiskLib_EndAccess(const VixDiskLibConnectParams *params, const char *identity);
EXPORTED VixError VixDiskLib_Cleanup(const VixDiskLibConnectParams *params, uint32_t *cleaned, uint32_t *remaining);

EXPORTED VixError VixDiskLib_Open(VixDiskLibConnection connection, const char *path, uint32_t flags, VixDiskLibHandle *handle);
EXPORTED VixError VixDiskLib_Close(VixDiskLibHandle handle);
EXPORTED const char *VixDiskLib_GetTransportMode(VixDiskLibHandle handle);
EXPORTED VixError VixDiskLib_GetInfo(VixDiskLibHandle handle, VixDiskLibInfo **info);
EXPORTED void VixDiskLib_FreeInfo(VixDiskLibInfo *info);

EXPORTED VixError VixDiskLib_Read(VixDiskLibHandle handle, uint64_t start, uint64_t count, uint8_t *buffer);
EXPORTED VixError VixDiskLib_Write(VixDiskLibHandle handle, uint64_t start, uint64_t count, const uint8_t *buffer);
EXPORTED VixError VixDiskLib_ReadAsync(VixDiskLibHandle handle, uint64_t start, uint64_t count, uint8_t *buffer,
                                       VixDiskLibCompletionCB callback, void *data);
EXPORTED VixError VixDiskLib_WriteAsync(VixDiskLibHandle handle, uint64_t start, uint64_t count, const uint8_t *buffer,
                                        VixDiskLibCompletionCB callback, void *data);
EXPORTED VixError VixDiskLib_Flush(VixDiskLibHandle handle);
EXPORTED VixError VixDiskLib_Wait(VixDiskLibHandle handle);
EXPORTED VixError VixDiskLib_QueryAllocatedBlocks(VixDiskLibHandle handle, uint64_t start, uint64_t count, uint64_t chunk,
                                                  VixDiskLibBlockList **blocks);
EXPORTED VixError VixDiskLib_FreeBlockList(VixDiskLibBlockList *blocks);

EXPORTED VixError VixDiskLib_ReadMetadata(VixDiskLibHandle handle, const char *key, char *buffer, size_t length,
                                          size_t *required);
EXPORTED VixError VixDiskLib_WriteMetadata(VixDiskLibHandle handle, const char *key, const char *value);
EXPORTED VixError VixDiskLib_GetMetadataKeys(VixDiskLibHandle handle, char *keys, size_t length, size_t *required);

EXPORTED VixError VixDiskLib_Create(VixDiskLibConnection connection, const char *path, const VixDiskLibCreateParams *params,
                                    VixDiskLibProgressFunc progress, void *data);
EXPORTED VixError VixDiskLib_CreateChild(VixDiskLibHandle handle, const char *path, int disk_type,
                                         VixDiskLibProgressFunc progress, void *data);
EXPORTED VixError VixDiskLib_Clone(VixDiskLibConnection target, const char *target_path, VixDiskLibConnection source,
                                   const char *source_path, const VixDiskLibCreateParams *params,
                                   VixDiskLibProgressFunc progress, void *data, VixBoolean overwrite);
EXPORTED VixError VixDiskLib_Grow(VixDiskLibConnection connection, const char *path, uint64_t capacity,
                                  VixBoolean update_geometry, VixDiskLibProgressFunc progress, void *data);
EXPORTED VixError VixDiskLib_Shrink(VixDiskLibHandle handle, VixDiskLibProgressFunc progress, void *data);
EXPORTED VixError VixDiskLib_Defragment(VixDiskLibHandle handle, VixDiskLibProgressFunc progress, void *data);
EXPORTED VixError VixDiskLib_Rename(const char *source, const char *target);
EXPORTED VixError VixDiskLib_Unlink(VixDiskLibConnection connection, const char *path);
EXPORTED VixError VixDiskLib_IsAttachPossible(VixDiskLibHandle parent, VixDiskLibHandle child);
EXPORTED VixError VixDiskLib_Attach(VixDiskLibHandle parent, VixDiskLibHandle child);
EXPORTED VixError VixDiskLib_SpaceNeededForClone(VixDiskLibHandle handle, int disk_type, uint64_t *bytes);
EXPORTED VixError VixDiskLib_CheckRepair(VixDiskLibConnection connection, const char *path, VixBoolean repair);

_Static_assert(sizeof(VixDiskLibConnectParams) == 128, "connect parameters");
_Static_assert(offsetof(VixDiskLibConnectParams, reserved) == 80, "connect parameters before 6.7");
_Static_assert(offsetof(VixDiskLibConnectParams, state) == 88, "state of connect parameters");
_Static_assert(offsetof(VixDiskLibConnectParams, specType) == 120, "kind of connect parameters");
_Static_assert(sizeof(VixDiskLibInfo) == 64, "disk information");
_Static_assert(offsetof(VixDiskLibInfo, logicalSectorSize) == 56, "disk information before 7.0");
_Static_assert(sizeof(VixDiskLibBlock) == 16, "block");
_Static_assert(offsetof(VixDiskLibBlockList, blocks) == 8, "block list");
_Static_assert(sizeof(VixDiskLibCreateParams) == 32, "create parameters");
_Static_assert(offsetof(VixDiskLibCreateParams, logicalSectorSize) == 24, "create parameters before 7.0");

#endif
