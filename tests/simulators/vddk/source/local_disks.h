/* Disks in local files, for Create and Clone. */
#ifndef SIMULATED_VDDK_LOCAL_DISKS_H
#define SIMULATED_VDDK_LOCAL_DISKS_H

#include <stdbool.h>

#include "abi.h"

/* 12 when it exists, 22 for a name without .vmdk, 6 for any kind but one flat extent, 3 for a kind or size that is none. */
VixError create_local_disk(const char *path, const VixDiskLibCreateParams *params);
VixError remove_local_disk(const char *path);

/* False when the client wants the operation to end. */
bool report_progress(VixDiskLibProgressFunc progress, void *data, int percent);

#endif
