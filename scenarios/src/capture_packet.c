/* SPDX-License-Identifier: ISC */
/*
 * An event as a packet: a head of fixed size, the path, the value; all numbers little-endian.
 */
#include "capture_packet.h"

#include <stdlib.h>
#include <string.h>

/* CAPTURE_NONE: no packet. Loads, stores and fences are not in every build and far too many. */
static const uint8_t kinds[SIMBACK_EVENT_KINDS] = {
    [SIMBACK_GRANT] = CAPTURE_GRANT,
    [SIMBACK_GRANT_END] = CAPTURE_GRANT_END,
    [SIMBACK_MAP] = CAPTURE_MAP,
    [SIMBACK_UNMAP] = CAPTURE_UNMAP,
    [SIMBACK_PAGE_ALLOC] = CAPTURE_PAGE_ALLOC,
    [SIMBACK_PAGE_FREE] = CAPTURE_PAGE_FREE,
    [SIMBACK_PORT_ALLOC] = CAPTURE_PORT_ALLOC,
    [SIMBACK_PORT_BIND] = CAPTURE_PORT_BIND,
    [SIMBACK_PORT_CLOSE] = CAPTURE_PORT_CLOSE,
    [SIMBACK_NOTIFY] = CAPTURE_NOTIFY,
    [SIMBACK_PORT_PENDING] = CAPTURE_PORT_PENDING,
    [SIMBACK_PORT_UNMASK] = CAPTURE_PORT_UNMASK,
    [SIMBACK_STORE_READ] = CAPTURE_STORE_READ,
    [SIMBACK_STORE_WRITE] = CAPTURE_STORE_WRITE,
    [SIMBACK_STORE_REMOVE] = CAPTURE_STORE_REMOVE,
    [SIMBACK_STORE_LIST] = CAPTURE_STORE_LIST,
    [SIMBACK_TRANSACTION_START] = CAPTURE_TRANSACTION_START,
    [SIMBACK_TRANSACTION_END] = CAPTURE_TRANSACTION_END,
    [SIMBACK_WATCH] = CAPTURE_WATCH,
    [SIMBACK_UNWATCH] = CAPTURE_UNWATCH,
    [SIMBACK_WATCH_FIRED] = CAPTURE_WATCH_FIRED,
    [SIMBACK_RING_ATTACH] = CAPTURE_RING_ATTACH,
    [SIMBACK_RING_DETACH] = CAPTURE_RING_DETACH,
    [SIMBACK_RING_INDEX] = CAPTURE_RING_INDEX,
    [SIMBACK_RING_REQUEST] = CAPTURE_RING_REQUEST,
    [SIMBACK_RING_RESPONSE] = CAPTURE_RING_RESPONSE,
    [SIMBACK_CALL] = CAPTURE_CALL,
    [SIMBACK_RETURN] = CAPTURE_RETURN,
    [SIMBACK_SUBMIT] = CAPTURE_SUBMIT,
    [SIMBACK_REFUSED] = CAPTURE_REFUSED,
    [SIMBACK_COMPLETE] = CAPTURE_COMPLETE,
    [SIMBACK_DEVICE] = CAPTURE_DEVICE,
    [SIMBACK_BACK_STATE] = CAPTURE_BACK_STATE,
    [SIMBACK_BACK_LIFE] = CAPTURE_BACK_LIFE,
    [SIMBACK_FAULT] = CAPTURE_FAULT,
    [SIMBACK_HARM] = CAPTURE_HARM,
    [SIMBACK_RESUMED] = CAPTURE_RESUMED,
    [SIMBACK_STEP] = CAPTURE_STEP,
    [SIMBACK_LOG] = CAPTURE_LOG,
};

enum capture_kind capture_kind(enum simback_event_kind kind)
{
    return (enum capture_kind)kinds[kind];
}

void capture_payload(struct scenario_buffer *payload, enum capture_kind kind,
                     const struct simback_event *event)
{
    size_t path_length = event->path == NULL ? 0 : strlen(event->path);
    size_t length = event->bytes == NULL ? 0 : event->length;

    scenario_buffer_clear(payload);
    pcapng_number(payload, CAPTURE_VERSION, 1);
    pcapng_number(payload, (uint64_t)kind, 1);
    pcapng_number(payload, event->domid, 2);
    pcapng_number(payload, event->peer, 2);
    pcapng_number(payload, event->device, 2);
    pcapng_number(payload, event->queue, 2);
    pcapng_number(payload, 0, 2);
    pcapng_number(payload, (uint32_t)event->result, 4);
    pcapng_number(payload, event->a, 8);
    pcapng_number(payload, event->b, 8);
    pcapng_number(payload, event->c, 8);
    pcapng_number(payload, path_length, 4);
    pcapng_number(payload, length, 4);
    if (path_length != 0)
        scenario_buffer_add(payload, event->path, path_length);
    if (length != 0)
        scenario_buffer_add(payload, event->bytes, length);
}

void capture_section(struct scenario_buffer *block, const char *id, const char *title)
{
    struct scenario_buffer comment;

    scenario_buffer_init(&comment);
    scenario_buffer_format(&comment, "%s: %s", id, title);
    pcapng_section(block, "simblk " SIMBLK_VERSION, comment.failed ? id : comment.data);
    block->failed |= comment.failed;
    scenario_buffer_fini(&comment);
    pcapng_interface(block, "xen");
}
