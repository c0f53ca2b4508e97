/* The simulated vCenter, asked over one loopback connection for each VDDK connection. */
#ifndef SIMULATED_VDDK_GATE_H
#define SIMULATED_VDDK_GATE_H

#include "abi.h"
#include "message.h"

struct gate;

/* Connects to the gate lab.conf names; 18000 when nobody listens there. */
VixError open_gate(struct gate **gate);

/* Sends `request` (its fields without `op`) and waits. The gate's error code is the result, its text goes to the log. */
VixError ask_gate(struct gate *gate, const char *operation, const struct message *request, struct message *answer);

void close_gate(struct gate *gate);

#endif
