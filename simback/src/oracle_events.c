/* SPDX-License-Identifier: ISC */
/*
 * I14: if the req_event that the frontend loaded after a publish lies in what it published, (old,
 * new], a notification follows before its step ends; otherwise it should send none. With an
 * observer the value is the one that was loaded; without, the one that stood there at the beginning
 * and at the end of the step.
 *
 * Who asks for an event by rsp_event looks once more whether there is a response already, or sleeps
 * through it: with an observer that is seen.
 *
 * How much a frontend does in one step is bounded: so many words of the ring, so many watch events.
 * A lost wake-up of the frontend itself shows as a call that does not end (oracle_progress.c).
 */
#include "oracle_internal.h"

#include <string.h>

/* Watch events that a frontend may take in one step, before it lets others have their turn. */
enum { WATCHES_PER_STEP = 1024 };

/* Shared words that a frontend may touch in one step: a few for each slot, and data copies. */
enum { ACCESSES_PER_SLOT = 64, ACCESSES_BASE = 4096 };

static bool asks(uint32_t event, uint32_t value, uint32_t old)
{
    return value - event < value - old;
}

static void notification_wanted(struct oracle_ring *ring, uint32_t req_event, uint32_t value)
{
    ring->wanted++;
    ring->req_event_loaded = req_event;
    ring->due_from = ring->published_from;
    ring->due_to = value;
}

/* The observer: req_event is about to be loaded; req_prod stands in the ring. */
void events_loaded(const struct oracle *oracle, struct oracle_ring *ring, uint32_t req_event)
{
    uint32_t value = monitor_front_word(oracle->world->monitor, ring->view, SIMBACK_REQ_PROD);

    if (asks(req_event, value, ring->published_from)) {
        notification_wanted(ring, req_event, value);
        ring->notify_due = true;
    }
    ring->published_from = value;
}

/* At hand-over: what the frontend has published and nobody saw it compare with req_event. */
static void judge_unseen(struct oracle_ring *ring)
{
    uint32_t value = ring->view->requests, now = ring->view->seen[SIMBACK_REQ_EVENT];

    if (value != ring->published_from && value - ring->published_from <= ring->view->slots) {
        if (now != ring->req_event_before) { /* a notification may be right or not */
            ring->wanted++;
        } else if (asks(now, value, ring->published_from)) {
            notification_wanted(ring, now, value);
            if (ring->notified == 0 && !ring->notify_failed)
                ring->notify_due = true;
        }
    }
    ring->published_from = value;
}

/* rsp_event is stored: the final check may load rsp_prod, and has to. */
void events_armed(struct oracle_ring *ring)
{
    ring->rsp_prod_fresh = false;
    ring->armed = true;
    ring->armed_fenced = false;
}

/* A response that came before the backend could see what was asked for comes without an event. */
static void judge_final_check(struct oracle *oracle, const struct oracle_device *device,
                              struct oracle_ring *ring)
{
    uint32_t asked = ring->view->seen[SIMBACK_RSP_EVENT] - ring->rsp_cons;

    if (ring->armed && asked != 0 && asked <= ring->view->slots)
        oracle_broken(oracle, 14, device, 0,
                      "rsp_event of queue %u is stored as %#x, and rsp_prod is not looked at "
                      "again behind that and a full fence",
                      ring->view->queue, ring->view->seen[SIMBACK_RSP_EVENT]);
    ring->armed = false;
}

/* One that failed is sent by nobody, and who tried is not to blame. */
void events_notify(struct oracle *oracle, struct oracle_device *device,
                   const struct simback_event *event)
{
    for (uint16_t queue = 0; queue < oracle->world->monitor->queues[device->number]; queue++) {
        struct oracle_ring *ring = device->rings[queue];

        if (ring == NULL || !ring->attached || ring->view->port != event->a)
            continue;
        ring->notified += event->result == 0;
        ring->notify_failed = ring->notify_failed || event->result != 0;
        ring->notify_due = false;
    }
}

/* The backend's event says: look, at rsp_prod as it stands. */
void events_announced(struct oracle_ring *ring)
{
    ring->announced = monitor_ring_word(ring->view, SIMBACK_RSP_PROD);
    ring->event_lost = false;
}

/* Somebody else has moved rsp_prod: to where the frontend has asked for an event, and none came? */
void events_answered(struct oracle_ring *ring, uint32_t rsp_prod, uint32_t old)
{
    if (rsp_prod != ring->announced && asks(ring->view->seen[SIMBACK_RSP_EVENT], rsp_prod, old))
        ring->event_lost = true;
}

static void judge_notifications(struct oracle *oracle, const struct oracle_device *device,
                                const struct oracle_ring *ring)
{
    /* Where somebody else has moved req_prod, it does not tell what the frontend has published. Of
     * a guest it is not known when its step is over (served.c waits). */
    if (ring->req_prod_foreign || oracle->world->options.served)
        return;
    if (ring->notify_due && ring->view->port != 0)
        oracle_broken(oracle, 14, device, 0,
                      "no notification followed the publish of requests %#x to %#x on queue %u, "
                      "although req_event is %#x",
                      ring->due_from, ring->due_to, ring->view->queue, ring->req_event_loaded);
    else if (ring->notified > ring->wanted && device->front_state == BLKIF_WIRE_CONNECTED)
        oracle_should(oracle, 14, device, 0,
                      "%u notifications were sent for queue %u in one step, %u were asked for",
                      ring->notified, ring->view->queue, ring->wanted);
}

void events_step(struct oracle *oracle, struct oracle_device *device, struct oracle_ring *ring)
{
    judge_unseen(ring);
    if (ring->wanted != 0 || ring->notified != 0 || ring->accesses_now != 0)
        oracle_checked(oracle, 14);
    judge_notifications(oracle, device, ring);
    judge_final_check(oracle, device, ring);
    if (ring->accesses_now > ACCESSES_BASE + (uint64_t)ACCESSES_PER_SLOT * ring->view->slots)
        oracle_broken(oracle, 14, device, 0,
                      "the frontend touched the ring of queue %u %llu times in one step",
                      ring->view->queue, (unsigned long long)ring->accesses_now);
    ring->notify_due = ring->notify_failed = false;
    ring->wanted = ring->notified = 0;
    ring->accesses_now = 0;
}

/* ---- watches ---- */

/* Until it fires again the frontend cannot know what has changed there. */
void events_watch_lost(struct oracle_device *device, const struct simback_event *event)
{
    for (uint32_t i = 0; i < device->lost_count; i++) {
        if (device->lost[i] == event->a)
            return;
    }
    if (device->lost_count == ORACLE_LOST)
        device->lost_more = true;
    else
        device->lost[device->lost_count++] = event->a;
}

void events_watch_fired(struct oracle_device *device, const struct simback_event *event)
{
    uint64_t hash = hash_xxh64(event->path, strlen(event->path), 0);

    device->fired_now++;
    for (uint32_t i = 0; i < device->lost_count; i++) {
        if (device->lost[i] == hash)
            device->lost[i] = device->lost[--device->lost_count];
    }
}

void events_watches_step(struct oracle *oracle, struct oracle_device *device)
{
    if (device->fired_now != 0)
        oracle_checked(oracle, 14);
    if (device->fired_now > WATCHES_PER_STEP)
        oracle_broken(oracle, 14, device, 0, "the frontend took %u watch events in one step",
                      device->fired_now);
    device->fired_now = 0;
}
