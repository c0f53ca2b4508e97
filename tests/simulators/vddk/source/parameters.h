/* Connect parameters: where they came from, what they must contain, and that they stay as they are. */
#ifndef SIMULATED_VDDK_PARAMETERS_H
#define SIMULATED_VDDK_PARAMETERS_H

#include <stdbool.h>

#include "abi.h"
#include "message.h"

enum { PARAMETER_THUMBPRINT = 2, PARAMETER_STRINGS = 8 };

/* The client's strings as they were at ConnectEx, and where they lay: the real library may look at them again. */
struct parameter_copy {
    const VixDiskLibConnectParams *source;
    int credentials;
    uint32_t port;
    uint32_t nfc_port;
    const char *borrowed[PARAMETER_STRINGS];
    char *copied[PARAMETER_STRINGS];
};

/* Dies unless made by AllocateConnectParams (since 6.7) with its state untouched. */
void require_parameters(const VixDiskLibConnectParams *params, const char *function);

/* True for a connection to local files: neither a server nor a machine is named. */
bool parameters_are_local(const VixDiskLibConnectParams *params);

/* Dies on strings that are needed and NULL; 3 or 6 for a kind of credentials or of disk this library has not. */
VixError check_parameters(const VixDiskLibConnectParams *params, bool needs_machine, const char *function);

/* The fields the gate's `connect` asks for, as the client gave them. */
void add_parameters(struct message *request, const VixDiskLibConnectParams *params);

void copy_parameters(struct parameter_copy *copy, const VixDiskLibConnectParams *params);
/* Dies when a borrowed string was freed or changed since. */
void require_unchanged(const struct parameter_copy *copy, const char *function);
void free_parameter_copy(struct parameter_copy *copy);

/* A new set of parameters, all of whose strings belong to the library. */
VixDiskLibConnectParams *parameters_from_copy(const struct parameter_copy *copy);

#endif
