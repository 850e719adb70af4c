/* SPDX-License-Identifier: ISC */
/*
 * The xenbus handshake as data: for every own state and every state of the backend, what is to be
 * done. Doing it is device.c's.
 */
#ifndef BLKFRONT_SRC_HANDSHAKE_H
#define BLKFRONT_SRC_HANDSHAKE_H

#include "names.h"

#include <blkfront/blkif.h>

/* What a device is up to: each has a table of its own. */
enum handshake_purpose {
    HANDSHAKE_START,  /* find both sides in any state, bring both to Initialising */
    HANDSHAKE_REOPEN, /* ours is Initialising; the backend may still be Closed from before */
    HANDSHAKE_OPEN,   /* connect, and be connected */
    HANDSHAKE_CLOSE,  /* disconnect */
    HANDSHAKE_RECOVER /* like START, with a backend that may not be there yet */
};

enum {
    HANDSHAKE_OWN_STATES = 9,    /* enum blkif_wire_state */
    HANDSHAKE_ABSENT = 9,        /* of the backend: its state node is not there */
    HANDSHAKE_OTHER_STATES = 10, /* enum blkif_wire_state, and absent */
    HANDSHAKE_PURPOSES = 5
};

/* What to do in a cell. "Again" means: look at the table anew after it. */
enum handshake_action {
    HANDSHAKE_WAIT,             /* nothing, until the backend moves */
    HANDSHAKE_BEGIN,            /* purpose becomes OPEN; again */
    HANDSHAKE_INITIALISE,       /* write 1; again */
    HANDSHAKE_REINITIALISE,     /* write 1, purpose becomes REOPEN; again */
    HANDSHAKE_RESET,            /* write 5, then 6, purpose becomes START or RECOVER; again */
    HANDSHAKE_CLOSING,          /* write 5; again */
    HANDSHAKE_CLOSED,           /* write 6; again */
    HANDSHAKE_PUBLISH,          /* read the transport limits, publish, write 3; again */
    HANDSHAKE_PUBLISH_DEFAULTS, /* the same without limits: the backend skipped InitWait */
    HANDSHAKE_CONNECT,          /* read the device's properties, write 4, start the queues */
    HANDSHAKE_UPDATE,           /* the backend may have rewritten its properties */
    HANDSHAKE_PEER_CLOSES,      /* the backend closes: so do we */
    HANDSHAKE_PEER_GONE,        /* the backend has closed or vanished without a word */
    HANDSHAKE_PEER_RESTARTED,   /* the backend begins anew without having closed */
    HANDSHAKE_FINISHED,         /* both sides are closed */
    HANDSHAKE_NEVER             /* our own mistake: this purpose never has this own state */
};

/* `own` below HANDSHAKE_OWN_STATES, `other` below HANDSHAKE_OTHER_STATES. */
enum handshake_action handshake_action(enum handshake_purpose purpose, unsigned own,
                                       unsigned other);

#endif
