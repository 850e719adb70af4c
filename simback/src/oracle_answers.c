/* SPDX-License-Identifier: ISC */
/*
 * Responses between their publishing and the moment when the frontend takes them. What counts for
 * the caller is what the frontend has read, and a hostile backend may change a slot after it was
 * published: so a response is booked when the frontend loads its status, or, where nobody observes
 * that, when something shows that the frontend has gone on: a completion, that it asks for the next
 * event, or a new request, which does not show whether it has come past an answer of nobody.
 */
#include "oracle_internal.h"

static struct oracle_response *answer_at(const struct oracle_ring *ring, uint32_t index)
{
    return &ring->answers[index & (ring->room - 1)];
}

static void read_slot(const struct oracle_ring *ring, uint32_t index)
{
    uint8_t slot[sizeof(struct blkif_wire_response_64)];

    monitor_ring_copy(ring->view, monitor_slot_offset(ring->view, index), slot, sizeof(slot));
    oracle_wire_response(ring, slot, sizeof(slot), answer_at(ring, index));
}

void answers_attach(struct oracle_ring *ring)
{
    ring->applied = ring->view->responses;
}

void answers_told(struct oracle_ring *ring, uint32_t index, const struct oracle_response *response)
{
    if (ring->room != 0)
        *answer_at(ring, index) = *response;
}

/* The backend's step is over: slots that nobody has taken may have been changed in it. */
void answers_changed(struct oracle_ring *ring)
{
    uint32_t count = ring->view->responses - ring->applied;

    for (uint32_t i = 0; count <= ring->room && i < count; i++)
        read_slot(ring, ring->applied + i);
}

/* As they lie there now: a load step may have changed them in the frontend's last step. */
void answers_late(struct oracle *oracle, struct oracle_device *device, struct oracle_ring *ring)
{
    const uint32_t count = ring->view->responses - ring->applied;

    if (device->hostile)
        answers_changed(ring);
    for (uint32_t i = 0; count <= ring->room && i < count; i++)
        correlation_late(oracle, device, ring, answer_at(ring, ring->applied + i));
}

static void apply_up_to(struct oracle *oracle, struct oracle_device *device,
                        struct oracle_ring *ring, uint32_t end)
{
    if (end - ring->applied > ring->room) /* a load step has led it ahead of what is told */
        return;
    while (ring->applied != end) {
        correlation_response(oracle, device, ring, answer_at(ring, ring->applied));
        ring->applied++;
    }
}

/* Of a response's bytes, those that say which request it answers, and how. */
static bool is_whole(const struct oracle_slot *book)
{
    const uint64_t id = UINT64_C(0xff), status = UINT64_C(3)
                                                 << offsetof(struct blkif_wire_response_64, status);

    return (book->loaded[0] & (id | status)) == (id | status);
}

/* What the frontend has loaded; what it has not yet as it is now. */
static void read_loaded(const struct oracle_ring *ring, const struct oracle_slot *book,
                        uint32_t index)
{
    uint8_t slot[sizeof(struct blkif_wire_response_64)];

    monitor_ring_copy(ring->view, monitor_slot_offset(ring->view, index), slot, sizeof(slot));
    for (size_t i = 0; i < sizeof(slot); i++) {
        if ((book->loaded[0] >> i & 1) != 0)
            slot[i] = book->answer[i];
    }
    oracle_wire_response(ring, slot, sizeof(slot), answer_at(ring, index));
}

/* Bytes `first` to `first + count - 1` of the slot are about to be loaded: at once, or a word after
 * the other. */
void answers_loaded(struct oracle *oracle, struct oracle_device *device, struct oracle_ring *ring,
                    uint32_t index, uint32_t first, uint32_t count)
{
    struct oracle_slot *book = &ring->slots[index & (ring->view->slots - 1)];
    /* What a load step has published is not told yet, but it is what the frontend sees. */
    uint32_t published = ring->rsp_prod_loaded - ring->applied;
    bool was_whole = is_whole(book);

    if (first >= sizeof(book->answer))
        return;
    if (count > sizeof(book->answer) - first)
        count = (uint32_t)sizeof(book->answer) - first;
    monitor_ring_copy(ring->view, monitor_slot_offset(ring->view, index) + first,
                      book->answer + first, count);
    book->loaded[0] |= ((UINT64_C(1) << count) - 1) << first;
    if (was_whole || !is_whole(book) || published > ring->room ||
        index - ring->applied >= published)
        return;
    read_loaded(ring, book, index);
    apply_up_to(oracle, device, ring, index + 1);
}

void answers_passed(struct oracle *oracle, struct oracle_device *device)
{
    for (uint16_t queue = 0; queue < oracle->world->monitor->queues[device->number]; queue++) {
        struct oracle_ring *ring = device->rings[queue];
        uint32_t end;

        if (ring == NULL || !ring->attached || ring->observed ||
            ring->view->responses - ring->applied > ring->room)
            continue;
        end = ring->applied;
        while (end != ring->view->responses && correlation_answers(ring, answer_at(ring, end)))
            end++;
        apply_up_to(oracle, device, ring, end);
    }
}

void answers_taken(struct oracle *oracle, struct oracle_device *device)
{
    for (uint16_t queue = 0; queue < oracle->world->monitor->queues[device->number]; queue++) {
        struct oracle_ring *ring = device->rings[queue];

        if (ring != NULL && ring->attached && !ring->observed)
            apply_up_to(oracle, device, ring, ring->view->responses);
    }
}

/* It asks for an event at the response after those that it has taken. */
void answers_event_moved(struct oracle *oracle, struct oracle_device *device,
                         struct oracle_ring *ring, uint32_t rsp_event)
{
    uint32_t end = rsp_event - 1;

    if (!ring->observed && end - ring->applied <= ring->view->responses - ring->applied)
        apply_up_to(oracle, device, ring, end);
}
