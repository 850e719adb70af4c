/* SPDX-License-Identifier: ISC */
/*
 * Breaking the protocol on purpose, from the backend's end of the ring: responses made by hand,
 * indices moved, bytes poked. From then on the ring counts as tampered with, and what the frontend
 * does there is no reason for a complaint.
 */
#include "backend_internal.h"

static struct backend_queue *mapped_queue(struct simback_backend *backend, uint16_t index)
{
    if (index >= backend->queue_count || !backend->queues[index].mapped)
        return NULL;
    return &backend->queues[index];
}

void hostile_tamper(struct backend_queue *queue)
{
    if (!queue->ring.tampered)
        backend_tell(queue->backend, SIMBACK_BACK_LIFE, queue->index, 0, 0, "hostile");
    queue->ring.tampered = true;
}

static void send_event(struct backend_queue *queue, bool really)
{
    const struct simback_host *host = queue->backend->host;

    if (!really) { /* the frontend cannot know what has changed */
        backend_tell(queue->backend, SIMBACK_FAULT, queue->index, 0, 0, "event lose");
        return;
    }
    if (!queue->bound)
        return;
    (void)host->port_notify(host->context, queue->port);
    queue->counters.notified++;
}

static void touched(struct simback_backend *backend)
{
    if (backend->touched != NULL)
        backend->touched(backend->runner);
}

int simback_backend_respond(struct simback_backend *backend,
                            const struct simback_bad_response *response)
{
    const uint32_t count = response->count == 0 ? 1 : response->count;
    struct backend_queue *queue = mapped_queue(backend, response->queue);
    const struct backend_name *like = fault_named(backend, response->like);
    uint32_t at;
    uint8_t bytes[SLOT_RESPONSE_MAX];
    size_t length;
    uint64_t id;
    uint8_t op;

    if (queue == NULL)
        return -1;
    hostile_tamper(queue);
    id = like != NULL ? like->id : queue->seen ? queue->seen_id : 0;
    op = like != NULL ? like->op : queue->seen ? queue->seen_op : 0;
    length = slot_encode_response(backend->abi, response->set_id ? response->id : id,
                                  response->set_op ? response->op : op,
                                  response->set_status ? response->status : BLKIF_WIRE_OKAY, bytes);
    at = response->set_slot ? response->slot : queue->ring.rsp_prod;
    /* More copies than slots would only write the same bytes into them again. */
    for (uint32_t i = 0; i < count && i < queue->ring.size; i++)
        ring_write_response(&queue->ring, at + i, bytes, length);
    if (!response->set_slot && !response->no_publish) {
        queue->ring.rsp_prod += count;
        (void)ring_publish(&queue->ring);
    }
    touched(backend);
    send_event(queue, !response->no_notify);
    return 0;
}

int simback_backend_move_index(struct simback_backend *backend, uint16_t queue, unsigned word,
                               uint32_t value, bool add, bool notify)
{
    struct backend_queue *broken = mapped_queue(backend, queue);

    if (broken == NULL || word > RING_RSP_EVENT)
        return -1;
    hostile_tamper(broken);
    if (add)
        value += ring_load(&broken->ring, (enum ring_word)word);
    ring_store(&broken->ring, (enum ring_word)word, value);
    touched(backend);
    send_event(broken, notify);
    return 0;
}

int simback_backend_poke(struct simback_backend *backend, uint16_t queue, uint32_t offset,
                         const void *bytes, size_t length)
{
    struct backend_queue *broken = mapped_queue(backend, queue);

    if (broken == NULL || !ring_fits(&broken->ring, offset, length))
        return -1;
    hostile_tamper(broken);
    ring_poke(&broken->ring, offset, bytes, length);
    touched(backend);
    return 0;
}

bool simback_backend_port(const struct simback_backend *backend, uint16_t queue, uint32_t *port)
{
    if (queue >= backend->queue_count || !backend->queues[queue].bound)
        return false;
    *port = backend->queues[queue].port;
    return true;
}

bool simback_backend_ring_page(const struct simback_backend *backend, uint16_t queue,
                               uint32_t index, void **page)
{
    if (queue >= backend->queue_count || !backend->queues[queue].mapped ||
        index >= backend->queues[queue].ring.page_count)
        return false;
    *page = backend->queues[queue].ring.pages[index];
    return true;
}
