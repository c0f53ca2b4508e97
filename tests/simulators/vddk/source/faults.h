/* Planned failures: the n-th call of a function fails, hangs, kills the process, or lies. */
#ifndef SIMULATED_VDDK_FAULTS_H
#define SIMULATED_VDDK_FAULTS_H

#include <stdbool.h>

#include "abi.h"
#include "gate.h"

struct fault {
    VixError error; /* returned instead of doing anything */
    bool half;      /* only the first half is transferred, then error 1 */
    bool lying;     /* success is returned, the second half is zero */
};

/* Takes over the rules of lab.conf, and of the gate when there is one. A rule seen before goes on counting. */
void refresh_faults(struct gate *gate);

/* Counts this call in every rule for it. Hangs, kills and aborts happen in here. `path` may be NULL. */
struct fault take_fault(const char *function, const char *path);

#endif
