/* SPDX-License-Identifier: ISC */
/*
 * The backend's side of the xenbus handshake: the states as a table, what dialects make of it, and
 * the moves. Nodes are written by publish.c, rings mapped by connect.c. One poll (backend.c) makes
 * at most one move: it writes the state that is due, or looks at the frontend's state and begins
 * the move that the table names.
 */
#include "backend_internal.h"

#include <blkfront/platform.h>

#include <inttypes.h>
#include <stdio.h>

enum move {
    STAY,
    OPEN,    /* publish the limits, go to InitWait */
    CONNECT, /* map the rings, publish the rest, go to Connected */
    CLOSING, /* go to Closing */
    CLOSED,  /* let go of the rings, go to Closed */
    REOPEN,  /* OPEN if online */
    ODD,     /* the frontend's state is none of a block device: go to Closing */
    REMOVE   /* the directory goes */
};

/*
 * Ours x the frontend's. What is left over from a former life in 3, 4 or 5 is closed by a frontend
 * that goes 5, 6 (I11); 0, 7 and 8 are left over by nobody and treated as 1.
 *
 * In Connected a rewritten 3 and a frontend's 1 are ignored, as blkback does; 2, 7 and 8 say
 * nothing in a frontend.
 */
static const enum move moves[9][9] = {
    /*                     absent  1       2     3        4        5        6       7     8 */
    [BLKIF_WIRE_UNKNOWN] = {CLOSED, OPEN, OPEN, OPEN, OPEN, CLOSING, CLOSED, OPEN, OPEN},
    [BLKIF_WIRE_INITIALISING] = {CLOSED, OPEN, OPEN, OPEN, OPEN, CLOSING, CLOSED, OPEN, OPEN},
    [BLKIF_WIRE_INIT_WAIT] = {CLOSED, STAY, STAY, CONNECT, CONNECT, CLOSING, CLOSED, STAY, STAY},
    [BLKIF_WIRE_INITIALISED] = {CLOSED, STAY, STAY, CONNECT, CONNECT, CLOSING, CLOSED, STAY, STAY},
    [BLKIF_WIRE_CONNECTED] = {CLOSED, STAY, STAY, STAY, STAY, CLOSING, CLOSED, STAY, STAY},
    [BLKIF_WIRE_CLOSING] = {CLOSED, STAY, STAY, STAY, STAY, STAY, CLOSED, STAY, STAY},
    [BLKIF_WIRE_CLOSED] = {STAY, REOPEN, STAY, REOPEN, REOPEN, STAY, STAY, STAY, STAY},
    [BLKIF_WIRE_RECONFIGURING] = {CLOSED, OPEN, OPEN, OPEN, OPEN, CLOSING, CLOSED, OPEN, OPEN},
    [BLKIF_WIRE_RECONFIGURED] = {CLOSED, OPEN, OPEN, OPEN, OPEN, CLOSING, CLOSED, OPEN, OPEN},
};

/* Something went wrong that the frontend should know of, as xenbus_dev_fatal says it. */
static void fail(struct simback_backend *backend)
{
    char path[BACKEND_PATH + 32], text[BACKEND_COMPLAINT + 8];
    int length;

    snprintf(path, sizeof(path), "/local/domain/%u/error/backend/%s/%u/%u/%s",
             backend->options.domid, backend->dialect->directory, backend->options.front_domid,
             backend->options.vdev, BLKIF_NODE_ERROR);
    length = snprintf(text, sizeof(text), "22 %s", backend->complaint); /* 22: EINVAL */
    (void)backend->host->store_write(backend->host->context, 0, path, text, (size_t)length);
    backend->writing = BLKIF_WIRE_CLOSING;
}

/* Publishes and goes on to the state; a conflict means: again. */
static void publish_and_go(struct simback_backend *backend, enum simback_phase phase,
                           enum blkif_wire_state state)
{
    int result = BLKFRONT_PLATFORM_AGAIN;

    for (int i = 0; i < BACKEND_TRIES && result == BLKFRONT_PLATFORM_AGAIN; i++)
        result = publish_nodes(backend, phase);
    if (result == 0) {
        backend->writing = state;
    } else if (result != BLKFRONT_PLATFORM_AGAIN) {
        backend_complain(backend, "%s: nodes cannot be written (%d)", backend->back, result);
        connect_drop(backend, false);
        fail(backend);
    }
}

/* Or it says so in a log of its own alone, and nothing happens until the frontend does something.
 */
static void refuse(struct simback_backend *backend)
{
    backend->refused++;
    if (backend->dialect->silent)
        backend->look = false;
    else
        fail(backend);
}

static void connect(struct simback_backend *backend)
{
    if (backend->lingers) {
        /* As blkback says it. Who does not answer any more waits until all has ended. */
        backend->look = false;
        if (backend->dialect->closing == SIMBACK_CLOSING_ANSWERS) {
            backend_complain(backend, "pending I/O of the last connection");
            refuse(backend);
        }
    } else if (!backend->queues[0].mapped && !connect_front(backend)) {
        refuse(backend);
    } else {
        publish_and_go(backend, SIMBACK_AT_CONNECTED, BLKIF_WIRE_CONNECTED);
    }
}

static bool online(struct simback_backend *backend)
{
    uint64_t value = 0;

    return node_read_number(backend, backend->back, BLKIF_NODE_ONLINE, 1, &value) == NODE_OK &&
           value == 1;
}

static void reopen(struct simback_backend *backend)
{
    if (!online(backend) || !backend->dialect->init_wait) {
        backend->look = false;
        return;
    }
    if (!backend->dialect->keeps_nodes)
        publish_forget(backend);
    publish_and_go(backend, SIMBACK_AT_INIT_WAIT, BLKIF_WIRE_INIT_WAIT);
}

/* With requests in flight: as the dialect has it. */
static void go_closed(struct simback_backend *backend)
{
    if (connect_in_flight(backend) == 0) {
        connect_drop(backend, false);
    } else if (backend->dialect->closing == SIMBACK_CLOSING_WAITS) {
        backend->drains = true; /* looks again when all are answered */
        backend->look = false;
        return;
    } else {
        connect_linger(backend);
    }
    backend->writing = BLKIF_WIRE_CLOSED;
}

/* The directory was taken away under us: there is no device any more. */
static void vanish(struct simback_backend *backend)
{
    connect_drop(backend, false);
    backend_unwatch(backend);
    backend->gone = true;
    backend->state = BLKIF_WIRE_UNKNOWN;
    backend->writing = BLKIF_WIRE_UNKNOWN;
}

static void make_move(struct simback_backend *backend, enum move move)
{
    switch (move) {
    case STAY: backend->look = false; break;
    case REOPEN: reopen(backend); break;
    case OPEN: publish_and_go(backend, SIMBACK_AT_INIT_WAIT, BLKIF_WIRE_INIT_WAIT); break;
    case CONNECT: connect(backend); break;
    case CLOSING: backend->writing = BLKIF_WIRE_CLOSING; break;
    case CLOSED: go_closed(backend); break;
    case ODD: fail(backend); break;
    case REMOVE:
        (void)backend->host->store_remove(backend->host->context, 0, backend->back);
        vanish(backend);
        break;
    }
}

static bool is_open(const struct simback_backend *backend)
{
    return backend->state >= BLKIF_WIRE_INIT_WAIT && backend->state <= BLKIF_WIRE_CONNECTED;
}

/* What the table says, and what dialects make of it. */
static enum move choose_move(struct simback_backend *backend, uint64_t front)
{
    const struct simback_dialect *dialect = backend->dialect;
    enum move move = moves[backend->state][front];

    if (front == BLKIF_WIRE_UNKNOWN && dialect->vanished == SIMBACK_VANISHED_REMOVES)
        return REMOVE;
    if (front == BLKIF_WIRE_UNKNOWN && dialect->vanished == SIMBACK_VANISHED_WAITS &&
        backend->state != BLKIF_WIRE_CONNECTED)
        return STAY;
    if (dialect->odd_fatal && is_open(backend) &&
        (front == BLKIF_WIRE_INIT_WAIT || front >= BLKIF_WIRE_RECONFIGURING)) {
        backend_complain(backend, "%s/%s: %" PRIu64 ", which no block frontend has", backend->front,
                         BLKIF_NODE_STATE, front);
        return ODD;
    }
    /* Without InitWait it connects from where it began. */
    if (move == OPEN && !dialect->init_wait)
        move = front == BLKIF_WIRE_INITIALISED || front == BLKIF_WIRE_CONNECTED ? CONNECT : STAY;
    if (move == CONNECT && front == BLKIF_WIRE_CONNECTED && !dialect->takes_connected)
        move = STAY;
    return move;
}

/* false: what stands there says nothing, so nothing is done. */
static bool read_front_state(struct simback_backend *backend, uint64_t *state)
{
    *state = BLKIF_WIRE_UNKNOWN;
    return node_read_number(backend, backend->front, BLKIF_NODE_STATE, BLKIF_WIRE_RECONFIGURED,
                            state) != NODE_BAD;
}

void handshake_look(struct simback_backend *backend)
{
    uint64_t front;

    backend->drains = false;
    if (backend->want_close) {
        backend->want_close = false;
        if (backend->state != BLKIF_WIRE_CLOSING && backend->state != BLKIF_WIRE_CLOSED) {
            backend->writing = BLKIF_WIRE_CLOSING;
            return;
        }
    }
    if (read_front_state(backend, &front))
        make_move(backend, choose_move(backend, front));
    else
        backend->look = false;
}

/* In Closed, with nothing in flight: some are there no more when nobody can come back. */
bool handshake_leaves(struct simback_backend *backend)
{
    const uint8_t vanished = backend->dialect->vanished;
    uint64_t front;

    if (backend->state != BLKIF_WIRE_CLOSED || backend->lingers ||
        (vanished != SIMBACK_VANISHED_UNREGISTERS && vanished != SIMBACK_VANISHED_REMOVES))
        return false;
    return (read_front_state(backend, &front) && front == BLKIF_WIRE_UNKNOWN) || !online(backend);
}

void handshake_leave(struct simback_backend *backend)
{
    if (backend->dialect->vanished == SIMBACK_VANISHED_REMOVES) {
        make_move(backend, REMOVE);
        return;
    }
    backend_unwatch(backend);
    backend->gone = true;
}

void handshake_answered(struct simback_backend *backend)
{
    if ((!backend->lingers && !backend->drains) || connect_in_flight(backend) != 0)
        return;
    if (backend->lingers)
        connect_drop(backend, false);
    backend_wake(backend, BACKEND_STORE);
}

bool handshake_write_state(struct simback_backend *backend)
{
    const enum blkif_wire_state state = backend->writing;
    int result;

    if (backend->stalls && backend->stall == state)
        return false;
    backend_tell(backend, SIMBACK_BACK_STATE, 0, (uint64_t)state, (uint64_t)backend->state, NULL);
    result = node_write_state(backend, state);
    if (result == BLKFRONT_PLATFORM_AGAIN)
        return true;
    if (result == BLKFRONT_PLATFORM_NO_ENTRY) {
        vanish(backend);
        return false;
    }
    if (result != 0)
        backend_complain(backend, "%s/%s: cannot be written (%d)", backend->back, BLKIF_NODE_STATE,
                         result);
    backend->state = state;
    backend->writing = BLKIF_WIRE_UNKNOWN;
    if (state == BLKIF_WIRE_CONNECTED) {
        backend->refused = 0;
        backend_wake_all(backend);
    }
    return true;
}
