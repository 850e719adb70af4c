/* SPDX-License-Identifier: ISC */
/*
 * The kinds of events: how each is called, what its members mean, between whom it lies and who can
 * tell of it. One row a kind, in event.h's order; whoever treats kinds differently asks here.
 */
#include "internal.h"

enum {
    APPLICATION = SIMBACK_AT_APPLICATION,
    FRONTEND = SIMBACK_AT_FRONTEND,
    RING = SIMBACK_AT_RING,
    BACKEND = SIMBACK_AT_BACKEND,
    XENSTORE = SIMBACK_AT_XENSTORE,
    ACTOR = SIMBACK_AT_ACTOR,
    OTHER = SIMBACK_AT_OTHER,
};

enum {
    PATH = SIMBACK_SHOWS_PATH,
    VALUE = SIMBACK_SHOWS_VALUE,
    RESULT = SIMBACK_SHOWS_RESULT,
    OUTCOME = SIMBACK_SHOWS_OUTCOME,
    REQUEST = SIMBACK_SHOWS_REQUEST,
    RESPONSE = SIMBACK_SHOWS_RESPONSE,
    ID = SIMBACK_SHOWS_ID,
    OUTWARD = SIMBACK_OUTWARD,
    ACCESS = SIMBACK_ACCESS,
    UNHASHED = SIMBACK_UNHASHED,
};

/* Its name; names of peer, a, b, c; from, to; flags. */
const struct simback_event_form event_forms[SIMBACK_EVENT_KINDS] = {
    [SIMBACK_EVENT_NONE] = {"none", NULL, NULL, NULL, NULL, ACTOR, ACTOR, 0},

    /* grants */
    [SIMBACK_GRANT] = {"grant", "to", "ref", "page", "writable", ACTOR, ACTOR, RESULT | OUTWARD},
    [SIMBACK_GRANT_END] = {"grant-end", NULL, "ref", "page", NULL, ACTOR, ACTOR, RESULT | OUTWARD},
    [SIMBACK_MAP] = {"map", "of", "ref", "page", "writable", ACTOR, ACTOR, RESULT | OUTWARD},
    [SIMBACK_UNMAP] = {"unmap", "of", "ref", "page", NULL, ACTOR, ACTOR, RESULT | OUTWARD},
    [SIMBACK_PAGE_ALLOC] = {"page-alloc", NULL, "page", "count", NULL, ACTOR, ACTOR, RESULT},
    [SIMBACK_PAGE_FREE] = {"page-free", NULL, "page", "count", NULL, ACTOR, ACTOR, RESULT},

    /* event channels */
    [SIMBACK_PORT_ALLOC] = {"port-alloc", "for", "port", NULL, NULL, ACTOR, ACTOR,
                            RESULT | OUTWARD},
    [SIMBACK_PORT_BIND] = {"port-bind", "to", "port", "remote", NULL, ACTOR, ACTOR,
                           RESULT | OUTWARD},
    [SIMBACK_PORT_CLOSE] = {"port-close", NULL, "port", NULL, NULL, ACTOR, ACTOR, OUTWARD},
    [SIMBACK_NOTIFY] = {"notify", NULL, "port", "remote", NULL, ACTOR, OTHER, RESULT | OUTWARD},
    [SIMBACK_PORT_PENDING] = {"port-pending", NULL, "port", NULL, NULL, ACTOR, ACTOR, 0},
    [SIMBACK_PORT_UNMASK] = {"port-unmask", NULL, "port", NULL, NULL, ACTOR, ACTOR, 0},

    /* XenStore */
    [SIMBACK_STORE_READ] = {"store-read", NULL, "transaction", NULL, NULL, XENSTORE, ACTOR,
                            PATH | VALUE | RESULT},
    [SIMBACK_STORE_WRITE] = {"store-write", NULL, "transaction", NULL, NULL, ACTOR, XENSTORE,
                             PATH | VALUE | RESULT | OUTWARD},
    [SIMBACK_STORE_REMOVE] = {"store-remove", NULL, "transaction", NULL, NULL, ACTOR, XENSTORE,
                              PATH | RESULT | OUTWARD},
    [SIMBACK_STORE_LIST] = {"store-list", NULL, "transaction", NULL, NULL, XENSTORE, ACTOR,
                            PATH | VALUE | RESULT},
    [SIMBACK_TRANSACTION_START] = {"transaction", NULL, "transaction", NULL, NULL, ACTOR, XENSTORE,
                                   RESULT},
    [SIMBACK_TRANSACTION_END] = {"transaction-end", NULL, "transaction", "commit", NULL, ACTOR,
                                 XENSTORE, RESULT},
    [SIMBACK_WATCH] = {"watch", NULL, "token", NULL, NULL, ACTOR, XENSTORE,
                       PATH | RESULT | OUTWARD},
    [SIMBACK_UNWATCH] = {"unwatch", NULL, "token", NULL, NULL, ACTOR, XENSTORE,
                         PATH | RESULT | OUTWARD},
    [SIMBACK_WATCH_FIRED] = {"watch-fired", NULL, "token", NULL, NULL, XENSTORE, ACTOR, PATH},

    /* the ring */
    [SIMBACK_RING_ATTACH] = {"ring-attach", NULL, "ref", "order", NULL, ACTOR, RING, OUTWARD},
    [SIMBACK_RING_DETACH] = {"ring-detach", NULL, NULL, NULL, NULL, ACTOR, RING, OUTWARD},
    [SIMBACK_RING_INDEX] = {"ring-index", NULL, NULL, NULL, NULL, ACTOR, RING, OUTWARD},
    [SIMBACK_RING_REQUEST] = {"request", NULL, "index", NULL, NULL, ACTOR, RING, REQUEST | OUTWARD},
    [SIMBACK_RING_RESPONSE] = {"response", NULL, "index", NULL, NULL, ACTOR, RING,
                               RESPONSE | OUTWARD},

    /* the application and its frontend */
    [SIMBACK_CALL] = {"call", NULL, "argument", NULL, NULL, APPLICATION, FRONTEND, PATH},
    [SIMBACK_RETURN] = {"return", NULL, NULL, NULL, NULL, FRONTEND, APPLICATION, PATH | OUTCOME},
    [SIMBACK_SUBMIT] = {"submit", NULL, "request", "sector", "sectors", APPLICATION, FRONTEND, 0},
    [SIMBACK_REFUSED] = {"refused", NULL, "request", NULL, NULL, FRONTEND, APPLICATION, OUTCOME},
    [SIMBACK_COMPLETE] = {"complete", NULL, "request", NULL, NULL, FRONTEND, APPLICATION,
                          OUTCOME | OUTWARD},
    [SIMBACK_DEVICE] = {"device", NULL, NULL, NULL, NULL, FRONTEND, APPLICATION, OUTCOME | OUTWARD},

    /* the backend */
    [SIMBACK_BACK_STATE] = {"back-state", NULL, "state", "old", NULL, BACKEND, BACKEND, OUTWARD},
    [SIMBACK_BACK_LIFE] = {"back-life", NULL, NULL, NULL, NULL, BACKEND, BACKEND, PATH},
    [SIMBACK_FAULT] = {"fault", NULL, NULL, "rule", "n", BACKEND, BACKEND, PATH | ID},
    [SIMBACK_HARM] = {"harm", NULL, NULL, "first_512", "count_512", BACKEND, BACKEND, ID},

    /* the guest */
    [SIMBACK_RESUMED] = {"resumed", "as", NULL, NULL, NULL, ACTOR, ACTOR, OUTWARD},

    /* shared memory */
    [SIMBACK_LOAD] = {"load", NULL, "page", "offset", "size", RING, ACTOR,
                      PATH | ACCESS | UNHASHED},
    [SIMBACK_STORE] = {"store", NULL, "page", "offset", "size", ACTOR, RING,
                       PATH | ACCESS | UNHASHED},
    [SIMBACK_FENCE] = {"fence", NULL, NULL, NULL, NULL, ACTOR, ACTOR, ACCESS | UNHASHED},

    /* the program */
    [SIMBACK_STEP] = {"step", NULL, "step", "line", NULL, ACTOR, ACTOR, UNHASHED},
    [SIMBACK_LOG] = {"log", NULL, NULL, NULL, NULL, ACTOR, ACTOR, PATH | UNHASHED},
};

const struct simback_event_form *simback_event_form(enum simback_event_kind kind)
{
    return &event_forms[(unsigned)kind < SIMBACK_EVENT_KINDS ? kind : SIMBACK_EVENT_NONE];
}
