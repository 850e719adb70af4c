/* SPDX-License-Identifier: ISC */
/*
 * I19: simback itself. Unless it was told to break the protocol (then the device is marked as
 * hostile), its responses match requests, its padding is zero, it moves its own words alone, and it
 * touches the frontend's pages only while there is a connection.
 */
#include "oracle_internal.h"

/* A backend that its frontend has given up may carry out later what stands in the ring of then. The
 * references in it may be pages of the next ring, which it has not mapped and overwrites. */
static bool is_ring_by_now(const struct oracle *oracle, const struct oracle_device *device,
                           const struct simback_event *event)
{
    struct simback_grant grant;

    return (device->back_state == BLKIF_WIRE_CONNECTED ||
            device->back_state == BLKIF_WIRE_CLOSING) &&
           monitor_page_of(oracle->world->monitor, (uint32_t)event->b) != NULL &&
           simback_get_grant(oracle->world, event->peer, (uint32_t)event->a, &grant) &&
           grant.maps == 1;
}

/* Or of another device's: what its backend finds in the ring of a request that was over may be
 * mapped for that by now. Whatever is read or written there since is neither side's word. */
static void spoil_another(struct oracle *oracle, const struct oracle_device *device,
                          const struct simback_event *event)
{
    const struct monitor_page *page = monitor_page_of(oracle->world->monitor, (uint32_t)event->b);
    struct oracle_device *other;
    struct oracle_ring *ring;

    if (page == NULL || page->ring->device == device->number ||
        (other = oracle->devices[page->ring->device]) == NULL)
        return;
    other->hostile = true;
    ring = oracle_ring_get(other, page->ring->queue);
    if (ring != NULL)
        ring->req_prod_foreign = ring->rsp_event_foreign = true;
}

void honesty_event(struct oracle *oracle, const struct simback_event *event,
                   struct oracle_device *device)
{
    const struct monitor_device *who;

    if (event->kind != SIMBACK_MAP || event->result != 0 || device == NULL)
        return;
    spoil_another(oracle, device, event);
    if (device->hostile)
        return;
    who = oracle_who(oracle, device);
    oracle_checked(oracle, 19);
    if (!who->known || event->peer != who->front_domid || event->domid == who->front_domid)
        return;
    if (device->back_state == BLKIF_WIRE_CLOSED)
        oracle_broken(oracle, 19, device, 0, "the backend maps grant %llu after its own state 6",
                      (unsigned long long)event->a);
    else if ((device->front_read == BLKIF_WIRE_INITIALISING &&
              device->back_state != BLKIF_WIRE_CONNECTED) || /* in use a 1 means nothing to it */
             device->front_read == BLKIF_WIRE_CLOSED)
        oracle_broken(oracle, 19, device, 0,
                      "the backend maps grant %llu after it has read the frontend's state %u",
                      (unsigned long long)event->a, device->front_read);
    else if (is_ring_by_now(oracle, device, event))
        device->hostile = true;
}

/* What it has in hand it may finish until it knows. */
void honesty_front_read(struct oracle_device *device, const struct simback_event *event)
{
    uint64_t state;

    /* A path whose parents are gone is denied. */
    if (event->result == BLKFRONT_PLATFORM_NO_ENTRY || event->result == BLKFRONT_PLATFORM_DENIED)
        device->front_read = BLKIF_WIRE_UNKNOWN;
    else if (event->result == 0 && monitor_number(event->bytes, event->length, &state) &&
             state <= BLKIF_WIRE_RECONFIGURED)
        device->front_read = (uint8_t)state;
    device->front_ended |=
        device->front_read == BLKIF_WIRE_UNKNOWN || device->front_read == BLKIF_WIRE_CLOSED;
}

void honesty_response(struct oracle *oracle, struct oracle_device *device,
                      const struct oracle_ring *ring, struct oracle_part *part,
                      const struct oracle_response *response)
{
    const uint64_t number = part == NULL ? 0 : part->number;
    const bool again = part != NULL && part->answered;

    if (part != NULL)
        part->answered = true; /* until the frontend takes it, the request stays in the book */
    /* One that takes up a ring as it stands goes by rsp_prod: what was answered in another order
     * than it was put there it may answer again. */
    if (device->hostile || ring->untracked || ring->back_anew)
        return;
    oracle_checked(oracle, 19);
    if (part == NULL)
        oracle_broken(oracle, 19, device, 0,
                      "the backend answers id %#llx on queue %u, which is not in flight",
                      (unsigned long long)response->id, ring->view->queue);
    else if (again)
        oracle_broken(oracle, 19, device, number,
                      "the backend answers id %#llx on queue %u a second time",
                      (unsigned long long)response->id, ring->view->queue);
    else if (response->operation != part->operation && response->operation != part->inner)
        oracle_broken(oracle, 19, device, number, "the backend answers a %s with operation %u (%s)",
                      oracle_operation_name(part->operation), response->operation,
                      oracle_operation_name(response->operation));
    if (!response->padding_zero)
        oracle_broken(oracle, 19, device, number,
                      "the padding of the backend's response to id %#llx is not zero",
                      (unsigned long long)response->id);
}

void honesty_moved(struct oracle *oracle, struct oracle_device *device,
                   const struct oracle_ring *ring, enum simback_ring_word word, uint32_t value,
                   uint32_t old)
{
    static const char *const names[] = {"req_prod", "req_event", "rsp_prod", "rsp_event"};
    const struct monitor_ring *view = ring->view;

    if (device->hostile || oracle->world->monitor->front_acts)
        return;
    oracle_checked(oracle, 19);
    if (word == SIMBACK_REQ_PROD || word == SIMBACK_RSP_EVENT)
        oracle_broken(oracle, 19, device, 0, "the backend moved %s of queue %u from %#x to %#x",
                      names[word], view->queue, old, value);
    else if (word == SIMBACK_RSP_PROD && value != view->responses)
        oracle_broken(oracle, 19, device, 0,
                      "the backend moved rsp_prod of queue %u from %#x to %#x with req_prod %#x",
                      view->queue, old, value, view->requests);
    else if (device->back_state == BLKIF_WIRE_CLOSED && !device->front_ended)
        /* With a frontend that was Closed or gone it ends what it had in hand, as blkback does,
         * whatever is written there since. */
        oracle_broken(oracle, 19, device, 0, "the backend moved %s of queue %u after its state 6",
                      names[word], view->queue);
}
