/* SPDX-License-Identifier: ISC */
/*
 * I3: an rsp_prod beyond what was asked is seen for what it is: the device fails, and no slot is
 * read (oracle_loads.c sees that). The frontend's own index must make sense too.
 * I18: all of this by differences modulo 2^32, wherever the indices begin.
 */
#include "oracle_internal.h"

/* So many steps of the frontend later its device has failed. */
enum { STEPS_TO_FAIL = 64 };

static bool crosses(uint32_t value, uint32_t old, uint32_t slots)
{
    return value - old <= slots && ((value ^ old) & UINT32_C(0x80000000)) != 0;
}

/* Just before or behind 2^31 or 2^32. */
static bool near_boundary(uint32_t index, uint32_t slots)
{
    uint32_t low = index & UINT32_C(0x7fffffff);

    return low <= slots || low >= UINT32_C(0x7fffffff) - slots;
}

static void requests_moved(struct oracle *oracle, struct oracle_device *device,
                           const struct oracle_ring *ring, uint32_t value, uint32_t old)
{
    uint32_t slots = ring->view->slots, responses = ring->view->responses;

    oracle_checked(oracle, 3);
    if (value - responses <= slots)
        return;
    /* The same mistake, but one that begins where signs or carries do. */
    oracle_broken(oracle, near_boundary(value, slots) || near_boundary(old, slots) ? 18 : 3, device,
                  0,
                  "the frontend moved req_prod of queue %u from %#x to %#x while rsp_prod is %#x: "
                  "the ring holds %u requests",
                  ring->view->queue, old, value, responses, slots);
}

static void responses_moved(struct oracle *oracle, struct oracle_ring *ring, uint32_t value)
{
    const struct monitor_ring *view = ring->view;

    oracle_checked(oracle, 3);
    if (value == view->responses) { /* the monitor has taken it */
        ring->overflow = false;
        return;
    }
    ring->overflow = true;
    ring->overflow_value = value;
    /* Certain wherever rsp_cons is, which lies at most a ring behind. */
    ring->overflow_must =
        value - view->responses > view->slots && view->responses - value > view->slots;
}

void indices_moved(struct oracle *oracle, struct oracle_device *device, struct oracle_ring *ring,
                   enum simback_ring_word word, uint32_t value, uint32_t old)
{
    if (word == SIMBACK_REQ_PROD && oracle->world->monitor->front_acts)
        requests_moved(oracle, device, ring, value, old);
    else if (word == SIMBACK_RSP_PROD)
        responses_moved(oracle, ring, value);
    if (crosses(value, old, ring->view->slots))
        oracle_checked(oracle, 18);
}

/* ---- the device must fail ---- */

void indices_loaded(struct oracle_ring *ring, uint32_t rsp_prod)
{
    if (ring->overflow && rsp_prod == ring->overflow_value)
        ring->overflow_seen = true;
}

/* The frontend was woken for this ring; without an observer that is all there is to know. */
void indices_seen(struct oracle *oracle, struct oracle_device *device, uint32_t port)
{
    for (uint16_t queue = 0; queue < oracle->world->monitor->queues[device->number]; queue++) {
        struct oracle_ring *ring = device->rings[queue];

        if (ring == NULL || !ring->attached || ring->view->port != port)
            continue;
        ring->event_lost = false;
        if (!ring->observed && ring->overflow)
            ring->overflow_seen = true;
    }
}

static bool still_trusts(const struct oracle_device *device)
{
    return device->app_known && !device->disconnect_called &&
           device->app_state == BLKFRONT_CONNECTED && device->front_state == BLKIF_WIRE_CONNECTED;
}

static void judge(struct oracle *oracle, const struct oracle_device *device,
                  struct oracle_ring *ring, const char *when)
{
    if (!ring->overflow_seen || !still_trusts(device))
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
