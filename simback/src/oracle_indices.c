/* SPDX-License-Identifier: ISC */
/*
 * I3: an rsp_prod beyond what was asked is seen for what it is: the device fails, and no slot is
 * read (oracle_loads.c sees that). The frontend's own index must make sense too.
 * I18: all of this by differences modulo 2^32, wherever the indices begin.
 */
#include "oracle_internal.h"

/* So many steps of the frontend later its device has failed. Who has many queues, and the device
 * twice, polls them all before the device has its turn. */
enum { STEPS_TO_FAIL = 4 * MONITOR_QUEUES };

static bool crosses(uint32_t value, uint32_t old, uint32_t slots)
{
    return value - old <= slots && ((value ^ old) & UINT32_C(0x80000000)) != 0;
}

/* Just before or behind 2^31 or 2^32, on a ring that began elsewhere than at 0. */
static bool near_boundary(const struct oracle_ring *ring, uint32_t index)
{
    uint32_t low = index & UINT32_C(0x7fffffff), slots = ring->view->slots;

    return ring->began != 0 && (low <= slots || low >= UINT32_C(0x7fffffff) - slots);
}

/* Beyond what the ring holds, or back behind what was published. Where somebody else had moved it
 * to what the frontend published then, that was not seen: the frontend begins there. */
static void requests_moved(struct oracle *oracle, struct oracle_device *device,
                           struct oracle_ring *ring, uint32_t value, uint32_t stood)
{
    uint32_t slots = ring->view->slots, responses = ring->view->responses;
    uint32_t old = ring->req_prod_foreign && value - stood <= slots ? stood : ring->req_prod;

    oracle_checked(oracle, 3);
    ring->req_prod = value;
    if (value - responses <= slots && value - old <= slots)
        return;
    /* The same mistake, but one that begins where signs or carries do. */
    oracle_broken(oracle, near_boundary(ring, value) || near_boundary(ring, old) ? 18 : 3, device,
                  0,
                  "the frontend moved req_prod of queue %u from %#x to %#x while rsp_prod is %#x: "
                  "the ring holds %u requests",
                  ring->view->queue, old, value, responses, slots);
}

/* An rsp_prod, with so much asked. One that goes back to what was taken says nothing. */
static void responses_seen(struct oracle_ring *ring, uint32_t value, uint32_t asked)
{
    const struct monitor_ring *view = ring->view;

    if (ring->untracked) /* more than is told of, and no more than the ring holds */
        asked = view->slots;
    ring->overflow = value - ring->applied > view->responses - ring->applied + asked;
    if (!ring->overflow)
        return;
    ring->overflow_value = value;
    ring->overflow_asked = view->responses + asked;
    /* Certain wherever rsp_cons is, which lies at most a ring behind. */
    ring->overflow_must =
        value - view->responses > view->slots && view->responses - value > view->slots;
}

void indices_moved(struct oracle *oracle, struct oracle_device *device, struct oracle_ring *ring,
                   enum simback_ring_word word, uint32_t value, uint32_t old)
{
    if (word == SIMBACK_REQ_PROD && oracle->world->monitor->front_acts) {
        requests_moved(oracle, device, ring, value, old);
    } else if (word == SIMBACK_RSP_PROD) {
        oracle_checked(oracle, 3);
        responses_seen(ring, value, 0); /* what makes sense the monitor has taken already */
    }
    if (crosses(value, old, ring->view->slots))
        oracle_checked(oracle, 18);
}

/* ---- the device must fail ---- */

/* A load step may have written it in the middle of the frontend's step; what the frontend itself
 * has published in this step is not told yet either. */
void indices_loaded(const struct oracle *oracle, struct oracle_ring *ring, uint32_t rsp_prod)
{
    const struct monitor_ring *view = ring->view;
    uint32_t told = view->requests - view->responses;
    uint32_t now =
        monitor_front_word(oracle->world->monitor, view, SIMBACK_REQ_PROD) - view->responses;

    /* An event says no more than what is there when it is heard. */
    ring->announced = rsp_prod;
    responses_seen(ring, rsp_prod, now <= view->slots && now > told ? now : told);
    if (ring->overflow && rsp_prod == ring->overflow_value)
        ring->overflow_seen = true;
}

/* The frontend was woken for this ring; without an observer that is all there is to know. Before it
 * is Connected it need not look at the ring for that. */
void indices_seen(struct oracle *oracle, struct oracle_device *device, uint32_t port)
{
    for (uint16_t queue = 0; queue < oracle->world->monitor->queues[device->number]; queue++) {
        struct oracle_ring *ring = device->rings[queue];

        if (ring == NULL || !ring->attached || ring->view->port != port)
            continue;
        ring->event_lost = false;
        if (!ring->observed && ring->overflow && device->front_state == BLKIF_WIRE_CONNECTED)
            ring->overflow_seen = true;
    }
}

static bool still_trusts(const struct oracle_device *device)
{
    return device->app_known && !device->disconnect_called &&
           device->app_state == BLKFRONT_CONNECTED && device->front_state == BLKIF_WIRE_CONNECTED;
}

/* So it was no overflow when the frontend looked, maybe: without an observer nobody knows when. */
static bool was_asked_since(const struct oracle_ring *ring)
{
    return ring->overflow_value - ring->overflow_asked <=
           ring->view->requests - ring->overflow_asked;
}

static void judge(struct oracle *oracle, const struct oracle_device *device,
                  struct oracle_ring *ring, const char *when)
{
    if (!ring->observed && was_asked_since(ring))
        ring->overflow_seen = false;
    if (!ring->overflow_seen || !ring->attached || !still_trusts(device))
        return;
    ring->overflow_seen = false; /* say it once */
    if (ring->overflow_must)
        oracle_broken(
            oracle, 3, device, 0,
            "rsp_prod of queue %u was %#x with %#x answered and %#x asked, and the device "
            "is still connected %s",
            ring->view->queue, ring->overflow_value, ring->view->responses, ring->view->requests,
            when);
    else
        oracle_should(oracle, 3, device, 0,
                      "rsp_prod of queue %u was %#x with only %#x asked, and the device is still "
                      "connected %s",
                      ring->view->queue, ring->overflow_value, ring->view->requests, when);
}

void indices_step(struct oracle *oracle, const struct oracle_device *device,
                  struct oracle_ring *ring)
{
    if (!ring->overflow_seen)
        ring->overflow_steps = 0;
    else if (++ring->overflow_steps >= STEPS_TO_FAIL)
        judge(oracle, device, ring, "many steps later");
}

void indices_end(struct oracle *oracle, struct oracle_device *device)
{
    if (simback_ready_count(oracle->world) != 0)
        return;
    for (unsigned queue = 0; queue < MONITOR_QUEUES; queue++) {
        if (device->rings[queue] != NULL)
            judge(oracle, device, device->rings[queue], "at rest");
    }
}
