/* PrepareForAccess, EndAccess and Cleanup: what is asked of the server without a connection of the client's. */
#include <string.h>

#include "abi.h"
#include "calls.h"
#include "client_options.h"
#include "diagnosis.h"
#include "faults.h"
#include "gate.h"
#include "laboratory.h"
#include "logging.h"
#include "objects.h"
#include "parameters.h"

enum { MAXIMUM_IDENTITY = 50 };

/* One request over a connection of its own. */
static VixError ask_once(const char *function, const char *operation, const struct message *request, struct message *answer)
{
    struct gate *gate = NULL;
    VixError error = open_gate(&gate);

    if (error)
        return error;
    refresh_faults(gate);
    error = take_fault(function, NULL).error;
    if (!error)
        error = ask_gate(gate, operation, request, answer);
    close_gate(gate);
    return error;
}

static VixError ask_for_access(const char *function, const char *operation, const VixDiskLibConnectParams *params,
                               const char *identity)
{
    struct message request = {NULL, 0};
    VixError error = check_parameters(params, true, function);

    if (error)
        return error;
    if (!*identity || strlen(identity) > MAXIMUM_IDENTITY) {
        say(LEVEL_ERROR, "VixDiskLib: identity must have 1 to %d characters\n", MAXIMUM_IDENTITY);
        return VIX_E_INVALID_ARG;
    }
    add_field(&request, "identity", identity);
    add_parameters(&request, params);
    error = ask_once(function + strlen("VixDiskLib_"), operation, &request, NULL);
    free_message(&request);
    return error;
}

static VixError access_call(const char *function, const char *operation, const VixDiskLibConnectParams *params,
                            const char *identity)
{
    struct call call;

    begin_call(&call, function, CALL_EXCLUSIVE | CALL_ON_DESIGNATED);
    require_parameters(params, function);
    require_not_null(identity, function, "identity");
    read_laboratory();
    VixError error = ask_for_access(function, operation, params, identity);
    end_call(&call);
    return error;
}

VixError VixDiskLib_PrepareForAccess(const VixDiskLibConnectParams *params, const char *identity)
{
    return access_call("VixDiskLib_PrepareForAccess", "prepare", params, identity);
}

VixError VixDiskLib_EndAccess(const VixDiskLibConnectParams *params, const char *identity)
{
    return access_call("VixDiskLib_EndAccess", "end", params, identity);
}

static VixError clean_up(const VixDiskLibConnectParams *params, uint32_t *cleaned, uint32_t *remaining)
{
    struct message request = {NULL, 0}, answer = {NULL, 0};
    VixError error = check_parameters(params, false, "VixDiskLib_Cleanup");

    if (error)
        return error;
    if (params->vmxSpec) {
        say(LEVEL_ERROR, "VixDiskLib: Cleanup wants vmxSpec NULL, got '%s'\n", params->vmxSpec);
        return VIX_E_INVALID_ARG;
    }
    if (count_objects(OBJECT_DISK))
        return VIX_E_OBJECT_IS_BUSY;
    add_parameters(&request, params);
    add_field(&request, "client", client_options()->temporary_folder);
    error = ask_once("Cleanup", "cleanup", &request, &answer);
    *cleaned = (uint32_t)number_of(&answer, "cleaned", 0);
    *remaining = (uint32_t)number_of(&answer, "remaining", 0);
    free_message(&request);
    free_message(&answer);
    return error;
}

VixError VixDiskLib_Cleanup(const VixDiskLibConnectParams *params, uint32_t *cleaned, uint32_t *remaining)
{
    struct call call;

    begin_call(&call, "VixDiskLib_Cleanup", CALL_EXCLUSIVE | CALL_ON_DESIGNATED);
    require_parameters(params, "VixDiskLib_Cleanup");
    require_not_null(cleaned, "VixDiskLib_Cleanup", "numCleanedUp");
    require_not_null(remaining, "VixDiskLib_Cleanup", "numRemaining");
    read_laboratory();
    VixError error = clean_up(params, cleaned, remaining);
    end_call(&call);
    return error;
}
