/* SPDX-License-Identifier: ISC */
/*
 * What the data of a ring request says of whose it is, where several requests of the application
 * ask for its units: a page of the caller's own is proof, and a copy has the bytes of its caller.
 */
#include "oracle_requeue.h"

#include <string.h>

/* The request's bytes for this unit, and how many follow there; NULL: none. */
static const uint8_t *bytes_for(const struct oracle_request *request, uint64_t unit_512,
                                size_t *left)
{
    uint64_t offset = (unit_512 - request->first_512) * BLKIF_WIRE_UNIT;

    for (size_t i = 0; i < request->buffer_count; i++) {
        if (offset < request->buffers[i].size) {
            *left = request->buffers[i].size - (size_t)offset;
            return (const uint8_t *)request->buffers[i].address + offset;
        }
        offset -= request->buffers[i].size;
    }
    return NULL;
}

/* Where the first segment's data lies; NULL: there is none, or nobody can say. */
static const uint8_t *first_data(const struct oracle_put *put)
{
    struct blkif_wire_segment segment;
    struct simback_grant grant;

    if (put->wire.segment_count == 0 || !put->wire.readable ||
        !oracle_wire_segment(put->oracle, &put->wire, 0, &segment) ||
        segment.first_512 >= BLKIF_WIRE_UNITS_PER_PAGE ||
        !simback_get_grant(put->oracle->world, put->ring->view->front_domid, segment.grant_ref,
                           &grant))
        return NULL;
    return (const uint8_t *)simback_page_address(put->oracle->world, grant.page) +
           (size_t)segment.first_512 * BLKIF_WIRE_UNIT;
}

enum evidence evidence_of(const struct oracle_put *put, const struct oracle_request *request)
{
    const uint8_t *data, *own;
    size_t left = 0;

    if (!request->has_data)
        return EVIDENCE_NONE;
    data = first_data(put);
    own = bytes_for(request, put->wire.sector_512, &left);
    if (data == NULL || own == NULL)
        return EVIDENCE_NONE;
    if (data == own)
        return EVIDENCE_PROOF;
    if (oracle_writes(&put->wire) &&
        memcmp(data, own, left < BLKIF_WIRE_UNIT ? left : BLKIF_WIRE_UNIT) != 0)
        return EVIDENCE_AGAINST;
    return EVIDENCE_NONE;
}
