/* SPDX-License-Identifier: ISC */
/*
 * A small naive frontend, sound by itself, with a switch for each way of breaking a rule: what the
 * tests judge the oracle and the runner by. One device at a time with one queue, bounced data, up
 * to eleven pages a request; it splits nothing and recovers nothing.
 */
#ifndef TEST_BROKEN_H
#define TEST_BROKEN_H

#include <simback/world.h>

#include "scenario/subject.h"

enum broken_fault {
    SOUND,
    LOADS_A_SLOT_TWICE,                   /* I1 */
    LOADS_RSP_PROD_TWICE,                 /* I1 */
    LOOKS_WITHOUT_A_FENCE,                /* I1: at req_event */
    READS_A_NODE_TWICE,                   /* I1 */
    COMPLETES_TWICE,                      /* I2 */
    COMPLETES_UNASKED,                    /* I2: success before the response, of writes */
    TAKES_ANY_ID,                         /* I2 */
    FORGETS_ITS_REQUESTS,                 /* I2: at the end */
    NO_OVERFLOW_CHECK,                    /* I3 */
    FORGETS_READS,                        /* I4 */
    NEVER_RESTS,                          /* I4 */
    IGNORES_THE_DEADLINE,                 /* I4: of its disconnect */
    LEAVES_GRANTS,                        /* I5 */
    FREES_MAPPED_PAGES,                   /* I5 */
    GRANTS_TO_NOBODY,                     /* I5: to a domain that is not the backend's */
    GRANTS_DIRTY_PAGES,                   /* I6 */
    LEAVES_THE_PADDING,                   /* I6 */
    LEAVES_DATA_BEHIND,                   /* I7: a read that is not copied */
    COPIES_TOO_EARLY,                     /* I7: a read whose data are those of before */
    WRITES_BESIDE_THE_BUFFER,             /* I7 */
    IGNORES_STATUS,                       /* I8 */
    FLUSHES_FOR_EVER,                     /* I8: although it is not supported */
    WHOLE_PAGES_ALWAYS,                   /* I9 */
    GOES_BEYOND_THE_DISK,                 /* I9 */
    SPELLS_A_RING_OF_ONE_PAGE_AS_SEVERAL, /* I10 */
    LEAVES_STALE_NODES,                   /* I10 */
    PUBLISHES_IN_PIECES,                  /* I10, should */
    PUBLISHES_NO_PROTOCOL,                /* I10, should */
    WRITES_STATE_2,                       /* I11 */
    CONNECTS_TOO_EARLY,                   /* I11 */
    ASKS_AFTER_CLOSING,                   /* I11 */
    LEAVES_NODES,                         /* I12 */
    LEAVES_THE_WATCH,                     /* I12 */
    LEAVES_THE_PORT,                      /* I12 */
    LEAVES_MEMORY,                        /* I12: of itself, when it is gone */
    NEVER_NOTIFIES,                       /* I14 */
    NOTIFIES_ALWAYS,                      /* I14, a SHOULD */
    SLEEPS_WITHOUT_A_LOOK,                /* I14: rsp_event, and no more of rsp_prod */
    TAKES_ALL_WATCH_EVENTS,               /* I14: however many there are */
    IGNORES_FUA,                          /* I16 */
    IGNORES_READ_ONLY,                    /* I17 */
    COUNTS_WITHOUT_WRAP,                  /* I18 */
    MAKES_THE_BACKEND_DISHONEST,          /* I19: not the frontend's doing, so the test's */
    IGNORES_THE_SECTOR_SIZE,              /* I20 */
    INVENTS_A_SIZE                        /* I20: where there is none */
};

/* The naive frontend with this fault; one at a time in a process. `world` is for the fault that
 * reaches behind the frontend. */
const struct scenario_subject *broken_subject(enum broken_fault fault, struct simback_world *world);

#endif
