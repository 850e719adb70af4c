/* SPDX-License-Identifier: ISC */
/*
 * I17: once the frontend has read `info` with bit 4 of a Connected backend, nothing that writes
 * reaches the ring. The toolstack's mode=r without the bit binds with SHOULD.
 */
#include "oracle_internal.h"

static bool changes_the_disk(const struct oracle_wire *wire)
{
    return oracle_writes(wire) || wire->inner == BLKIF_WIRE_DISCARD;
}

void read_only_put(struct oracle_put *put)
{
    const struct oracle_device *device = put->device;
    const bool by_mode = device->mode_read_only && !device->mode_misread;
    uint64_t number = put->part == NULL ? 0 : put->part->number;

    if (!device->read_only && !by_mode)
        return;
    oracle_checked(put->oracle, 17);
    if (!changes_the_disk(&put->wire))
        return;
    /* Put in the same step before it was read: no offence. */
    if (device->read_only && device->read_only_before)
        oracle_broken(put->oracle, 17, device, number,
                      "ring request %u is a %s of units %llu+%llu, but the frontend knows that the "
                      "disk is read-only (info has bit 4)",
                      put->index, oracle_operation_name(put->wire.inner),
                      (unsigned long long)put->wire.sector_512,
                      (unsigned long long)put->wire.count_512);
    else if (!device->read_only && by_mode)
        oracle_should(put->oracle, 17, device, number,
                      "ring request %u is a %s, but the toolstack's mode is r", put->index,
                      oracle_operation_name(put->wire.inner));
}

/* An attempt that the frontend has to refuse. */
void read_only_submit(struct oracle *oracle, const struct oracle_device *device,
                      const struct oracle_request *request)
{
    if (device->read_only && request->operation != BLKFRONT_READ &&
        request->operation != BLKFRONT_FLUSH)
        oracle_checked(oracle, 17);
}
