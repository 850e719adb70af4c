/* SPDX-License-Identifier: ISC */
/*
 * The table of the xenbus handshake (I11): purpose x own state x state of the backend. Own moves
 * that it makes: 1→3 (publish), 3→4, {1,3,4}→5, 5→6, {1,3,4}→6, 6→1, the same again, and any→1
 * after a resume or where a predecessor left a state that a frontend never has. Never to 2, 7, 8
 * or 0.
 *
 * Decisions that the protocol leaves open:
 *   - A backend whose state node is not there is gone, also at the start: the toolstack makes both
 *     sides' nodes in one transaction, so there is nothing to wait for. A node that says 0 is a
 * backend that has not looked yet: at the start it is waited for, later it is gone.
 *   - At the start a state of ours other than 1 is a dead predecessor's: 5, 6, then 1, whatever the
 *     backend's state, so that no backend takes its ring for ours.
 *   - 7 and 8 mean nothing here and are ignored. So is a backend that goes to 3 while we are in 3
 * (it skipped InitWait) or 4.
 *   - A backend in 1 or 2 while we are in 4 has lost our ring: the connection is over. While we are
 * in 3 it has not looked yet.
 *   - After our 6 a backend in 1 may have seen that and go to 6 itself before it sees our 1: it is
 *     waited for until it is in 2 or beyond.
 *   - When a device recovers, a backend that is not there, or has not looked, is waited for. Ours
 *     is 6 then, but after a resume in a XenStore that kept our nodes it may be 3 or 4: a backend
 *     in 1 or 2 knows nothing of those, so we go to 1; every other is met as at a start.
 *   - Closing from 5 waits for the backend's 5 or 6 before 6; from 6 it waits for 6 or absence. A
 *     backend in 1 has never looked at us: it is not waited for.
 */
#include "handshake.h"

/* One letter a cell. */
#define WAIT             '.'
#define BEGIN            'o'
#define INITIALISE       'i'
#define REINITIALISE     'r'
#define RESET            'x'
#define CLOSING          '5'
#define CLOSED           '6'
#define PUBLISH          'p'
#define PUBLISH_DEFAULTS 'd'
#define CONNECT          'c'
#define UPDATE           'u'
#define PEER_CLOSES      'b'
#define PEER_GONE        'g'
#define PEER_RESTARTED   's'
#define FINISHED         'f'
#define NEVER            '!'

typedef char own_row[HANDSHAKE_OTHER_STATES + 1];

static const own_row table[HANDSHAKE_PURPOSES][HANDSHAKE_OWN_STATES] = {
    /* the backend: 012345678, absent */
    [HANDSHAKE_START] = {
        /* 0 */ "iiiiiii..g",
        /* 1 */ ".ooxxxr..g",
        /* 2 */ "iiiiiii..g",
        /* 3 */ "xxxxxx6..g",
        /* 4 */ "xxxxxx6..g",
        /* 5 */ "6666666..g",
        /* 6 */ "rrr...r..g",
        /* 7 */ "iiiiiii..g",
        /* 8 */ "iiiiiii..g",
    },
    [HANDSHAKE_REOPEN] = {
        /* 0 */ "!!!!!!!!!!",
        /* 1 */ "..ooxb...g",
        /* 2 */ "!!!!!!!!!!",
        /* 3 */ "!!!!!!!!!!",
        /* 4 */ "!!!!!!!!!!",
        /* 5 */ "!!!!!!!!!!",
        /* 6 */ "!!!!!!!!!!",
        /* 7 */ "!!!!!!!!!!",
        /* 8 */ "!!!!!!!!!!",
    },
    [HANDSHAKE_OPEN] = {
        /* 0 */ "!!!!!!!!!!",
        /* 1 */ "g.pdxbg..g",
        /* 2 */ "!!!!!!!!!!",
        /* 3 */ "g...cbg..g",
        /* 4 */ "gss.ubg..g",
        /* 5 */ "!!!!!!!!!!",
        /* 6 */ "!!!!!!!!!!",
        /* 7 */ "!!!!!!!!!!",
        /* 8 */ "!!!!!!!!!!",
    },
    [HANDSHAKE_CLOSE] = {
        /* 0 */ "ffffffffff",
        /* 1 */ "6655556556",
        /* 2 */ "ffffffffff",
        /* 3 */ "6555556556",
        /* 4 */ "6555556556",
        /* 5 */ "66...66..6",
        /* 6 */ "ff....f..f",
        /* 7 */ "ffffffffff",
        /* 8 */ "ffffffffff",
    },
    [HANDSHAKE_RECOVER] = {
        /* 0 */ "iiiiiii...",
        /* 1 */ ".ooxxxr...",
        /* 2 */ "iiiiiii...",
        /* 3 */ ".rrxxx6...",
        /* 4 */ ".rrxxx6...",
        /* 5 */ "6666666...",
        /* 6 */ ".rr...r...",
        /* 7 */ "iiiiiii...",
        /* 8 */ "iiiiiii...",
    },
};

static enum handshake_action action_of(char letter)
{
    switch (letter) {
    case WAIT: return HANDSHAKE_WAIT;
    case BEGIN: return HANDSHAKE_BEGIN;
    case INITIALISE: return HANDSHAKE_INITIALISE;
    case REINITIALISE: return HANDSHAKE_REINITIALISE;
    case RESET: return HANDSHAKE_RESET;
    case CLOSING: return HANDSHAKE_CLOSING;
    case CLOSED: return HANDSHAKE_CLOSED;
    case PUBLISH: return HANDSHAKE_PUBLISH;
    case PUBLISH_DEFAULTS: return HANDSHAKE_PUBLISH_DEFAULTS;
    case CONNECT: return HANDSHAKE_CONNECT;
    case UPDATE: return HANDSHAKE_UPDATE;
    case PEER_CLOSES: return HANDSHAKE_PEER_CLOSES;
    case PEER_GONE: return HANDSHAKE_PEER_GONE;
    case PEER_RESTARTED: return HANDSHAKE_PEER_RESTARTED;
    case FINISHED: return HANDSHAKE_FINISHED;
    default: return HANDSHAKE_NEVER;
    }
}

enum handshake_action handshake_action(enum handshake_purpose purpose, unsigned own, unsigned other)
{
    return action_of(table[purpose][own][other]);
}
