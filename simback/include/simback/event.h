/* SPDX-License-Identifier: ISC */
/*
 * Everything that happens in a world is told as an event, once, in order: to the running hash, to
 * the last-events buffer, to the text trace when somebody wants it, and to the rules (oracle.h).
 * There is no second way to learn what happened.
 */
#ifndef SIMBACK_EVENT_H
#define SIMBACK_EVENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

struct simback_world;

/*
 * What the members mean for each kind. `domid` is who acts; `result` is what the call gave
 * (platform.h's codes). Members not named are 0. "hashed: no" is for events that only one build or
 * one observer sees.
 */
enum simback_event_kind {
    SIMBACK_EVENT_NONE,

    /* grants */
    SIMBACK_GRANT,      /* domid grants: peer=to whom, a=ref, b=page number, c=writable; result */
    SIMBACK_GRANT_END,  /* a=ref, b=page number; result 0, BUSY or DEFERRED */
    SIMBACK_MAP,        /* domid maps: peer=of whom, a=ref, b=page number, c=writable; result */
    SIMBACK_UNMAP,      /* peer=of whom, a=ref, b=page number */
    SIMBACK_PAGE_ALLOC, /* a=first page number, b=count (a domain's own page_allocate, share) */
    SIMBACK_PAGE_FREE,  /* a=first page number, b=count */

    /* event channels */
    SIMBACK_PORT_ALLOC,   /* peer=who may bind, a=port; result */
    SIMBACK_PORT_BIND,    /* peer, a=our port, b=their port; result */
    SIMBACK_PORT_CLOSE,   /* a=port */
    SIMBACK_NOTIFY,       /* a=our port, b=their port; result */
    SIMBACK_PORT_PENDING, /* a=port: delivered to its poller (masked by that) */
    SIMBACK_PORT_UNMASK,  /* a=port */

    /* XenStore: path; bytes,length=value */
    SIMBACK_STORE_READ,        /* a=transaction; result */
    SIMBACK_STORE_WRITE,       /* a=transaction; result */
    SIMBACK_STORE_REMOVE,      /* a=transaction; result */
    SIMBACK_STORE_LIST,        /* a=transaction; result */
    SIMBACK_TRANSACTION_START, /* a=transaction; result */
    SIMBACK_TRANSACTION_END,   /* a=transaction, b=commit; result 0 or AGAIN */
    SIMBACK_WATCH,             /* path, a=token; result */
    SIMBACK_UNWATCH,           /* path, a=token; result */
    SIMBACK_WATCH_FIRED,       /* a=token: delivered to its poller */

    /* the ring, at hand-over (monitor.c) */
    SIMBACK_RING_ATTACH,  /* a=first ring ref, b=ring order: the frontend has published this ring */
    SIMBACK_RING_DETACH,  /* its grants are gone or the frontend is closed */
    SIMBACK_RING_INDEX,   /* a=which (enum simback_ring_word), b=new value, c=old value */
    SIMBACK_RING_REQUEST, /* a=index; bytes,length=the slot */
    SIMBACK_RING_RESPONSE, /* a=index; bytes,length=the slot */

    /* the application and its frontend (app.h) */
    SIMBACK_CALL,     /* path=name of the call ("connect"), a=argument; a call begins */
    SIMBACK_RETURN,   /* path=name of the call; result=enum blkfront_error */
    SIMBACK_SUBMIT,   /* a=request number, b=sector, c=sectors, result=op; data with the oracle */
    SIMBACK_REFUSED,  /* a=request number; result: submit refused it */
    SIMBACK_COMPLETE, /* a=request number; result */
    SIMBACK_DEVICE,   /* a=enum blkfront_state: the device's state has changed; result=its error */

    /* the backend */
    SIMBACK_BACK_STATE, /* a=new xenbus state, b=old: the backend's own view, before it is written
                         */
    SIMBACK_BACK_LIFE,  /* path="crash", "hang", "close"…: somebody made it do so */
    SIMBACK_FAULT,      /* path=action; a=request id, b=rule number: a fault rule has fired */
    SIMBACK_HARM,       /* a=request id, b=first_512, c=count_512: what a fault rule does to the
                         * request leaves these units of the disk or of what is read wrong */

    /* the guest */
    SIMBACK_RESUMED, /* domid was suspended and goes on as peer, without grants and ports */

    /* shared memory, observed build only; hashed: no. Of a ring's page alone there is a device, and
     * path="req_prod" or another word of its head, "head", or "slot" with peer=which slot */
    SIMBACK_LOAD,  /* a=page number, b=offset, c=size */
    SIMBACK_STORE, /* a=page number, b=offset, c=size */
    SIMBACK_FENCE,

    /* the program; hashed: no */
    SIMBACK_STEP, /* a=step number, b=line: a step of the program begins */
    SIMBACK_LOG,  /* path=the line: somebody's log call */

    SIMBACK_EVENT_KINDS
};

enum simback_ring_word { SIMBACK_REQ_PROD, SIMBACK_REQ_EVENT, SIMBACK_RSP_PROD, SIMBACK_RSP_EVENT };

struct simback_event {
    enum simback_event_kind kind;
    int result;
    uint16_t domid;
    uint16_t peer;
    uint16_t device; /* number of the device, SIMBACK_NO_DEVICE if none */
    uint16_t queue;
    uint64_t a, b, c;
    const char *path;  /* NUL-terminated; valid during the call only */
    const void *bytes; /* valid during the call only */
    size_t length;
};

#define SIMBACK_NO_DEVICE UINT16_MAX

/* ---- what the kinds are like ---- */

/* Between whom an event lies. */
enum simback_party {
    SIMBACK_AT_APPLICATION,
    SIMBACK_AT_FRONTEND,
    SIMBACK_AT_RING,
    SIMBACK_AT_BACKEND,
    SIMBACK_AT_XENSTORE,
    SIMBACK_AT_ACTOR, /* frontend or backend: whose domain it is */
    SIMBACK_AT_OTHER  /* the one of these two that does not act */
};

enum simback_event_flag {
    SIMBACK_SHOWS_PATH = 1, /* in text */
    SIMBACK_SHOWS_VALUE = 2,
    SIMBACK_SHOWS_RESULT = 4,   /* of platform.h */
    SIMBACK_SHOWS_OUTCOME = 8,  /* of the application: enum blkfront_error */
    SIMBACK_SHOWS_REQUEST = 16, /* the value is a request's slot */
    SIMBACK_SHOWS_RESPONSE = 32,
    SIMBACK_SHOWS_ID = 64, /* a is the id of a request, written as in its slot */
    SIMBACK_OUTWARD = 128, /* the other side, or XenStore, can tell that it has happened */
    SIMBACK_ACCESS = 256,  /* to shared memory: in one build only, and far too many */
    SIMBACK_UNHASHED = 512 /* the other side sees nothing of it */
};

struct simback_event_form {
    const char *name;             /* "grant-end" */
    const char *peer, *a, *b, *c; /* what the members are called; NULL: they are not shown */
    uint8_t from, to;             /* enum simback_party; alike: it happens there */
    uint16_t flags;
};

/* Of any number: beyond the kinds that there are, SIMBACK_EVENT_NONE's. */
const struct simback_event_form *simback_event_form(enum simback_event_kind kind);

/* ---- telling and reading ---- */

/* Tells an event. Time and order are added here. */
void simback_emit(struct simback_world *world, const struct simback_event *event);

/* The running hash over everything that the other side can see (DESIGN section 4). Compared within
 * one build tree's commit only, never kept. */
uint64_t simback_trace_hash(const struct simback_world *world);
/* How many events the hash covers: with the hash off too, and the same in every build. */
uint64_t simback_event_count(const struct simback_world *world);

/* The text form of an event in fixed columns: time, who, kind, fields. Returns the length without
 * the NUL, cut to size. */
size_t simback_event_text(const struct simback_world *world, const struct simback_event *event,
                          uint64_t time_ns, char *buffer, size_t size);
/* The same without columns, time and who: the kind, then its fields, a space between two. `there`
 * bytes of the value can be read. */
size_t simback_event_words(const struct simback_event *event, size_t there, char *buffer,
                           size_t size);
/* Gives each event to `sink` as it happens; NULL: off. */
void simback_trace_to(struct simback_world *world,
                      void (*sink)(void *context, const struct simback_event *event,
                                   uint64_t time_ns),
                      void *context);
/* The last events, oldest first, as text lines: at most `lines`. For reports of failures. Works
 * after a crash too: reads only the world's own memory, allocates nothing. */
void simback_last_events(const struct simback_world *world, uint32_t lines,
                         void (*line)(void *context, const char *text), void *context);

#ifdef __cplusplus
}
#endif

#endif
