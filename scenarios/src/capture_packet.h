/* SPDX-License-Identifier: ISC */
/*
 * What is in a packet (docs/trace-pcapng.md), for the two processes that write some. The numbers of
 * kinds are those of the file's format: they stay when an event is put between two others, and new
 * ones get new numbers.
 */
#ifndef SCENARIO_CAPTURE_PACKET_H
#define SCENARIO_CAPTURE_PACKET_H

#include <simback/event.h>

#include "pcapng.h"

enum { CAPTURE_VERSION = 1 };

/* Who acts where simblk itself speaks. */
enum { CAPTURE_NOBODY = UINT16_MAX };

enum capture_kind {
    CAPTURE_NONE,
    CAPTURE_BEGIN,
    CAPTURE_VERDICT,
    CAPTURE_BROKEN,
    CAPTURE_STEP,
    CAPTURE_LOG,
    CAPTURE_GRANT = 16,
    CAPTURE_GRANT_END,
    CAPTURE_MAP,
    CAPTURE_UNMAP,
    CAPTURE_PAGE_ALLOC,
    CAPTURE_PAGE_FREE,
    CAPTURE_PORT_ALLOC = 32,
    CAPTURE_PORT_BIND,
    CAPTURE_PORT_CLOSE,
    CAPTURE_NOTIFY,
    CAPTURE_PORT_PENDING,
    CAPTURE_PORT_UNMASK,
    CAPTURE_STORE_READ = 48,
    CAPTURE_STORE_WRITE,
    CAPTURE_STORE_REMOVE,
    CAPTURE_STORE_LIST,
    CAPTURE_TRANSACTION_START,
    CAPTURE_TRANSACTION_END,
    CAPTURE_WATCH,
    CAPTURE_UNWATCH,
    CAPTURE_WATCH_FIRED,
    CAPTURE_RING_ATTACH = 64,
    CAPTURE_RING_DETACH,
    CAPTURE_RING_INDEX,
    CAPTURE_RING_REQUEST,
    CAPTURE_RING_RESPONSE,
    CAPTURE_CALL = 80,
    CAPTURE_RETURN,
    CAPTURE_SUBMIT,
    CAPTURE_REFUSED,
    CAPTURE_COMPLETE,
    CAPTURE_DEVICE,
    CAPTURE_BACK_STATE = 96,
    CAPTURE_BACK_LIFE,
    CAPTURE_FAULT,
    CAPTURE_HARM,
    CAPTURE_RESUMED
};

/* CAPTURE_NONE: it gets no packet. */
enum capture_kind capture_kind(enum simback_event_kind kind);
/* The event's packet instead of what is in the buffer. */
void capture_payload(struct scenario_buffer *payload, enum capture_kind kind,
                     const struct simback_event *event);
/* The section of a case, and its interface 0, for what belongs to no device. */
void capture_section(struct scenario_buffer *block, const char *id, const char *title);

#endif
