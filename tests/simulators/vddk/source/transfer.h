/* One request for sectors, and everything that is checked before it and simulated around it. */
#ifndef SIMULATED_VDDK_TRANSFER_H
#define SIMULATED_VDDK_TRANSFER_H

#include "disks.h"
#include "faults.h"

struct transfer {
    struct disk *disk;
    bool writes;
    uint64_t start;
    uint64_t count;
    uint8_t *buffer;
    struct fault fault;
};

/* 3 for no sectors or a misaligned buffer or sector, 16007 beyond the end, 11 for writing a read-only disk, 26000 for the other style. */
VixError check_transfer(const struct transfer *transfer, enum transfer_style style);

/* Moves the bytes at the simulated speed. */
VixError perform_transfer(const struct transfer *transfer);

#endif
