#include "connections.h"

#include <pthread.h>
#include <stdio.h>
#include <string.h>

#include "calls.h"
#include "client_options.h"
#include "diagnosis.h"
#include "faults.h"
#include "laboratory.h"
#include "logging.h"
#include "objects.h"

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct connection *connections;

void require_connection(const struct connection *connection, const char *function)
{
    require_object(connection, OBJECT_CONNECTION, function, "connection");
}

bool connection_is_local(const struct connection *connection)
{
    return connection->gate == NULL;
}

bool connection_uses(const VixDiskLibConnectParams *params)
{
    bool found = false;

    pthread_mutex_lock(&lock);
    for (struct connection *connection = connections; connection; connection = connection->next)
        found = found || connection->parameters.source == params;
    pthread_mutex_unlock(&lock);
    return found;
}

static void remember(struct connection *connection)
{
    pthread_mutex_lock(&lock);
    connection->next = connections;
    connections = connection;
    pthread_mutex_unlock(&lock);
}

static void forget(struct connection *connection)
{
    pthread_mutex_lock(&lock);
    for (struct connection **link = &connections; *link; link = &(*link)->next)
        if (*link == connection) {
            *link = connection->next;
            break;
        }
    pthread_mutex_unlock(&lock);
}

static void keep_answer(struct connection *connection, const struct message *answer)
{
    const char *thumbprint = field_of(answer, "thumbprint");

    connection->thumbprint_is_valid = number_of(answer, "thumbprint_valid", 1) != 0;
    snprintf(connection->actual_thumbprint, sizeof connection->actual_thumbprint, "%s", thumbprint ? thumbprint : "unknown");
}

/* Log-in, machine and snapshot are the server's to judge. */
static VixError log_in(struct connection *connection, const VixDiskLibConnectParams *params, const char *snapshot,
                       const char *modes)
{
    struct message request = {NULL, 0}, answer = {NULL, 0};

    add_parameters(&request, params);
    add_field(&request, "snapshot", snapshot);
    add_number(&request, "read_only", connection->read_only);
    add_field(&request, "modes", modes);
    add_field(&request, "client", client_options()->temporary_folder);
    VixError error = ask_gate(connection->gate, "connect", &request, &answer);
    if (!error)
        keep_answer(connection, &answer);
    free_message(&request);
    free_message(&answer);
    return error;
}

static VixError connect_to_server(struct connection *connection, const VixDiskLibConnectParams *params, const char *snapshot,
                                  const char *modes)
{
    VixError error = check_parameters(params, true, "VixDiskLib_ConnectEx");

    if (!error)
        error = open_gate(&connection->gate);
    if (error)
        return error;
    refresh_faults(connection->gate);
    error = take_fault("ConnectEx", NULL).error;
    if (!error)
        error = log_in(connection, params, snapshot, modes);
    if (error) {
        close_gate(connection->gate);
        connection->gate = NULL;
    }
    return error;
}

static VixError connect_to_files(void)
{
    refresh_faults(NULL);
    return take_fault("ConnectEx", NULL).error;
}

static VixError make_connection(const VixDiskLibConnectParams *params, bool read_only, const char *snapshot, const char *modes,
                                VixDiskLibConnection *made)
{
    struct connection *connection = allocate_object(OBJECT_CONNECTION, sizeof *connection);

    if (!connection)
        return VIX_E_OUT_OF_MEMORY;
    connection->read_only = read_only;
    bool local = parameters_are_local(params);
    VixError error = local ? connect_to_files() : connect_to_server(connection, params, snapshot, modes);
    if (error) {
        release_object(connection, OBJECT_CONNECTION, "VixDiskLib_ConnectEx");
        return error;
    }
    connection->transports = choose_transports(modes, local);
    copy_parameters(&connection->parameters, params);
    remember(connection);
    *made = connection;
    return VIX_OK;
}

static VixError connect_checked(const char *function, const VixDiskLibConnectParams *params, bool read_only,
                                const char *snapshot, const char *modes, VixDiskLibConnection *connection)
{
    struct call call;

    begin_call(&call, function, CALL_EXCLUSIVE | CALL_ON_DESIGNATED);
    require_not_null(connection, function, "connection");
    require_parameters(params, function);
    read_laboratory();
    *connection = NULL;
    VixError error = make_connection(params, read_only, snapshot, modes, connection);
    say(LEVEL_AUDIT, "VixDiskLib: %s: %s%s, read-only %d, result %llu\n", function,
        params->vmxSpec ? params->vmxSpec : "local files", snapshot ? " with a snapshot" : "", read_only,
        (unsigned long long)error);
    end_call(&call);
    return error;
}

VixError VixDiskLib_ConnectEx(const VixDiskLibConnectParams *params, VixBoolean read_only, const char *snapshot,
                              const char *modes, VixDiskLibConnection *connection)
{
    return connect_checked("VixDiskLib_ConnectEx", params, read_only != 0, snapshot, modes, connection);
}

/* The older call: read and write, no snapshot, over the network. */
VixError VixDiskLib_Connect(const VixDiskLibConnectParams *params, VixDiskLibConnection *connection)
{
    return connect_checked("VixDiskLib_Connect", params, false, NULL, "nbdssl:nbd", connection);
}

static void end_connection(struct connection *connection)
{
    forget(connection);
    close_gate(connection->gate);
    free_parameter_copy(&connection->parameters);
    release_object(connection, OBJECT_CONNECTION, "VixDiskLib_Disconnect");
}

VixError VixDiskLib_Disconnect(VixDiskLibConnection connection)
{
    struct call call;

    begin_call(&call, "VixDiskLib_Disconnect", CALL_EXCLUSIVE | CALL_ON_DESIGNATED);
    require_connection(connection, "VixDiskLib_Disconnect");
    if (connection->open_disks)
        die("VixDiskLib_Disconnect: %d disk(s) of this connection are still open", connection->open_disks);
    require_unchanged(&connection->parameters, "VixDiskLib_Disconnect");
    VixError error = take_fault("Disconnect", NULL).error;
    if (!error)
        end_connection(connection);
    end_call(&call);
    return error;
}

VixError VixDiskLib_GetConnectParams(VixDiskLibConnection connection, VixDiskLibConnectParams **params)
{
    struct call call;

    begin_call(&call, "VixDiskLib_GetConnectParams", CALL_ANY_THREAD);
    require_connection(connection, "VixDiskLib_GetConnectParams");
    require_not_null(params, "VixDiskLib_GetConnectParams", "params");
    require_unchanged(&connection->parameters, "VixDiskLib_GetConnectParams");
    *params = parameters_from_copy(&connection->parameters);
    end_call(&call);
    return VIX_OK;
}
