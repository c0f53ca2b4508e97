/* The configuration file a client hands to InitEx. */
#ifndef SIMULATED_VDDK_CLIENT_OPTIONS_H
#define SIMULATED_VDDK_CLIENT_OPTIONS_H

#include <stdbool.h>

#include "abi.h"

struct client_options {
    char temporary_folder[512];
    unsigned long asynchronous_buffer_64k;
    unsigned long asynchronous_buffer_count;
};

/* NULL for a client without such a file. Says what it does not know, as warnings. */
VixError read_client_options(const char *path);

const struct client_options *client_options(void);

/* Memory of one NFC session is limited to 16 MiB since 7.0.3; Open fails beyond (release notes). */
bool session_memory_is_allowed(void);

#endif
