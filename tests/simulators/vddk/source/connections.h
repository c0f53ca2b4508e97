/* Connections to a server, or to local files. */
#ifndef SIMULATED_VDDK_CONNECTIONS_H
#define SIMULATED_VDDK_CONNECTIONS_H

#include <stdbool.h>

#include "abi.h"
#include "gate.h"
#include "parameters.h"
#include "transport.h"

struct connection {
    struct connection *next;
    struct parameter_copy parameters;
    struct gate *gate; /* NULL for a local connection */
    bool read_only;
    bool thumbprint_is_valid;
    char actual_thumbprint[128];
    struct transport_choice transports;
    int open_disks;
};

/* Dies unless it is a live connection. */
void require_connection(const struct connection *connection, const char *function);
bool connection_is_local(const struct connection *connection);

/* True while a connection made with these parameters is open. */
bool connection_uses(const VixDiskLibConnectParams *params);

#endif
