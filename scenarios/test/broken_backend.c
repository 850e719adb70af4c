/* SPDX-License-Identifier: ISC */
/*
 * A dishonest backend: some time after a request a response that nobody asked for is there, in the
 * name of simback's backend, and nobody has said that this one is hostile.
 */
#include <simback/backend.h>
#include <simback/xen.h>

#include <string.h>

#include "broken_internal.h"

enum { RSP_PROD = 8, SOON_NS = 1000000 };

static simback_actor liar;

static bool lie(void *context)
{
    struct simback_backend *backend = simback_world_backend(broken_world, 0);
    const struct blkif_wire_response_64 response = {.id = 4711};
    unsigned char *page;
    void *mapped = NULL;
    uint32_t rsp_prod, port = 0;

    (void)context;
    if (backend == NULL || !simback_backend_ring_page(backend, 0, 0, &mapped)) {
        return false;
    }
    page = mapped;
    memcpy(&rsp_prod, page + RSP_PROD, sizeof(rsp_prod));
    memcpy(page + BLKIF_WIRE_RING_HEADER + (size_t)(rsp_prod % RING_SLOTS) * BLKIF_WIRE_SLOT_64,
           &response, sizeof(response));
    rsp_prod++;
    memcpy(page + RSP_PROD, &rsp_prod, sizeof(rsp_prod));
    if (simback_backend_port(backend, 0, &port)) {
        simback_event_spurious(broken_world, 0, port, 1);
    }
    return false;
}

void backend_prepare(void)
{
    if (broken_fault == MAKES_THE_BACKEND_DISHONEST) {
        liar = simback_actor_add(broken_world, "liar", 0, 0, lie, NULL);
    }
}

void backend_will_lie(void)
{
    simback_actor_at(broken_world, liar, simback_now(broken_world) + SOON_NS);
}
