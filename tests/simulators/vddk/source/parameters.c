#include "parameters.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/uio.h>
#include <unistd.h>

#include "connections.h"
#include "diagnosis.h"
#include "faults.h"
#include "laboratory.h"
#include "logging.h"
#include "objects.h"

/* What `state` of allocated parameters points at; a client that clears the structure, or made it itself, has not got it. */
static const char STATE_MAGIC[] = "parameters made by VixDiskLib_AllocateConnectParams";

static const char *const STRING_NAMES[PARAMETER_STRINGS] = {
    "vmxSpec", "serverName", "thumbPrint", "vimApiVer", "creds (1st)", "creds (2nd)", "creds (3rd)", "",
};

static bool has_state(void)
{
    return version_at_least(6, 7, 0);
}

VixDiskLibConnectParams *VixDiskLib_AllocateConnectParams(void)
{
    VixDiskLibConnectParams *params = allocate_object(OBJECT_PARAMETERS, sizeof *params);

    if (params)
        params->state = (void *)STATE_MAGIC;
    return params;
}

void VixDiskLib_FreeConnectParams(VixDiskLibConnectParams *params)
{
    struct parameter_copy *owned;

    if (!params)
        return;
    require_object(params, OBJECT_PARAMETERS, "VixDiskLib_FreeConnectParams", "params");
    require_parameters(params, "VixDiskLib_FreeConnectParams");
    if (connection_uses(params))
        die("VixDiskLib_FreeConnectParams: these parameters belong to a connection that is not disconnected yet");
    memcpy(&owned, params->reserved, sizeof owned);
    if (owned) {
        free_parameter_copy(owned);
        free(owned);
    }
    release_object(params, OBJECT_PARAMETERS, "VixDiskLib_FreeConnectParams");
}

void require_parameters(const VixDiskLibConnectParams *params, const char *function)
{
    require_not_null(params, function, "params");
    if (!has_state())
        return;
    require_object(params, OBJECT_PARAMETERS, function, "params (since 6.7 made by VixDiskLib_AllocateConnectParams)");
    if (params->state != STATE_MAGIC)
        die("%s: params->state was overwritten: the structure is not as the library made it", function);
}

bool parameters_are_local(const VixDiskLibConnectParams *params)
{
    return !params->serverName && !params->vmxSpec;
}

static VixError check_credentials(const VixDiskLibConnectParams *params, const char *function)
{
    switch (params->credType) {
    case CREDENTIALS_UID:
        require_not_null(params->creds.uid.userName, function, "creds.uid.userName");
        require_not_null(params->creds.uid.password, function, "creds.uid.password");
        return VIX_OK;
    case CREDENTIALS_SESSION:
        require_not_null(params->creds.sessionId.cookie, function, "creds.sessionId.cookie");
        return VIX_OK;
    case CREDENTIALS_TICKET:
    case CREDENTIALS_SSPI:
        return VIX_E_NOT_SUPPORTED;
    default:
        say(LEVEL_ERROR, "VixDiskLib: unknown credType %d\n", params->credType);
        return VIX_E_INVALID_ARG;
    }
}

static VixError check_kind(const VixDiskLibConnectParams *params)
{
    if (!has_state() || params->specType == SPEC_VMX)
        return VIX_OK;
    say(LEVEL_ERROR, "VixDiskLib: specType %d is not simulated\n", params->specType);
    if (params->specType == SPEC_STORAGE_OBJECT)
        return VIX_E_NOT_SUPPORTED;
    return params->specType == SPEC_DATASTORE && version_at_least(8, 0, 1) ? VIX_E_NOT_SUPPORTED : VIX_E_INVALID_ARG;
}

VixError check_parameters(const VixDiskLibConnectParams *params, bool needs_machine, const char *function)
{
    require_not_null(params->serverName, function, "params->serverName");
    VixError error = check_credentials(params, function);
    if (!error)
        error = check_kind(params);
    if (!error && needs_machine)
        require_not_null(params->vmxSpec, function, "params->vmxSpec");
    return error;
}

void add_parameters(struct message *request, const VixDiskLibConnectParams *params)
{
    bool by_session = params->credType == CREDENTIALS_SESSION;

    add_field(request, "server", params->serverName);
    add_number(request, "port", params->port ? params->port : 443);
    add_field(request, "user", by_session ? params->creds.sessionId.userName : params->creds.uid.userName);
    add_field(request, "password", by_session ? "" : params->creds.uid.password);
    add_field(request, "cookie", by_session ? params->creds.sessionId.cookie : "");
    add_field(request, "vmx", params->vmxSpec);
    add_field(request, "thumbprint", params->thumbPrint);
}

static void list_strings(const VixDiskLibConnectParams *params, const char *strings[PARAMETER_STRINGS])
{
    memset(strings, 0, PARAMETER_STRINGS * sizeof *strings);
    strings[0] = params->vmxSpec;
    strings[1] = params->serverName;
    strings[2] = params->thumbPrint;
    strings[3] = params->vimApiVer;
    if (params->credType == CREDENTIALS_UID || params->credType == CREDENTIALS_SESSION) {
        strings[4] = params->creds.uid.userName;
        strings[5] = params->creds.uid.password;
    }
    if (params->credType == CREDENTIALS_SESSION)
        strings[6] = params->creds.sessionId.key;
}

void copy_parameters(struct parameter_copy *copy, const VixDiskLibConnectParams *params)
{
    memset(copy, 0, sizeof *copy);
    copy->source = params;
    copy->credentials = params->credType;
    copy->port = params->port;
    copy->nfc_port = params->nfcHostPort;
    list_strings(params, copy->borrowed);
    for (int index = 0; index < PARAMETER_STRINGS; index++)
        if (copy->borrowed[index] && !(copy->copied[index] = strdup(copy->borrowed[index])))
            die("out of memory");
}

void free_parameter_copy(struct parameter_copy *copy)
{
    for (int index = 0; index < PARAMETER_STRINGS; index++)
        if (copy->copied[index]) {
            explicit_bzero(copy->copied[index], strlen(copy->copied[index]));
            free(copy->copied[index]);
        }
}

/* Looks through the kernel at memory that may be gone. True also where the kernel forbids such a look. */
static bool still_reads(const char *borrowed, const char *expected)
{
    size_t length = strlen(expected) + 1;
    char *seen = malloc(length);
    struct iovec local = {seen, length}, remote = {(void *)borrowed, length};

    if (!seen)
        die("out of memory");
    ssize_t copied = process_vm_readv(getpid(), &local, 1, &remote, 1, 0);
    bool same = copied < 0 ? errno != EFAULT : (size_t)copied == length && !memcmp(seen, expected, length);
    explicit_bzero(seen, length);
    free(seen);
    return same;
}

void require_unchanged(const struct parameter_copy *copy, const char *function)
{
    for (int index = 0; index < PARAMETER_STRINGS; index++)
        if (copy->copied[index] && !still_reads(copy->borrowed[index], copy->copied[index]))
            die("%s: params->%s was freed or changed while connected: the library only borrows it", function, STRING_NAMES[index]);
}

static void point_at(VixDiskLibConnectParams *params, char *const strings[PARAMETER_STRINGS])
{
    params->vmxSpec = strings[0];
    params->serverName = strings[1];
    params->thumbPrint = strings[2];
    params->vimApiVer = strings[3];
    params->creds.uid.userName = strings[4];
    params->creds.uid.password = strings[5];
    params->creds.sessionId.key = strings[6];
}

VixDiskLibConnectParams *parameters_from_copy(const struct parameter_copy *copy)
{
    VixDiskLibConnectParams *params = VixDiskLib_AllocateConnectParams();
    struct parameter_copy *owned = calloc(1, sizeof *owned);

    if (!params || !owned)
        die("out of memory");
    for (int index = 0; index < PARAMETER_STRINGS; index++)
        if (copy->copied[index] && !(owned->copied[index] = strdup(copy->copied[index])))
            die("out of memory");
    point_at(params, owned->copied);
    params->credType = copy->credentials;
    params->port = copy->port;
    params->nfcHostPort = copy->nfc_port;
    memcpy(params->reserved, &owned, sizeof owned);
    return params;
}
