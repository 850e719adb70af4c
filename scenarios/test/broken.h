/* SPDX-License-Identifier: ISC */
/*
 * A small naive frontend, sound by itself, with a switch for each way of breaking a rule: what the
 * tests judge the oracle and the runner by. One queue, bounced data, up to four pages a request.
 */
#ifndef TEST_BROKEN_H
#define TEST_BROKEN_H

#include <simback/world.h>

#include "scenario/subject.h"

enum broken_fault {
    SOUND,
    LOADS_A_SLOT_TWICE,         /* I1 */
    LOADS_RSP_PROD_TWICE,       /* I1 */
    COMPLETES_TWICE,            /* I2 */
    COMPLETES_UNASKED,          /* I2: success before the response */
    TAKES_ANY_ID,               /* I2 */
    NO_OVERFLOW_CHECK,          /* I3 */
    FORGETS_READS,              /* I4 */
    NEVER_RESTS,                /* I4 */
    LEAVES_GRANTS,              /* I5 */
    FREES_MAPPED_PAGES,         /* I5 */
    LEAVES_DATA_BEHIND,         /* I7: a read that is not copied */
    WRITES_BESIDE_THE_BUFFER,   /* I7 */
    IGNORES_STATUS,             /* I8 */
    WHOLE_PAGES_ALWAYS,         /* I9 */
    WRITES_STATE_2,             /* I11 */
    CONNECTS_TOO_EARLY,         /* I11 */
    ASKS_AFTER_CLOSING,         /* I11 */
    LEAVES_NODES,               /* I12 */
    LEAVES_THE_WATCH,           /* I12 */
    NEVER_NOTIFIES,             /* I14 */
    IGNORES_READ_ONLY,          /* I17 */
    COUNTS_WITHOUT_WRAP,        /* I18 */
    MAKES_THE_BACKEND_DISHONEST /* I19: not the frontend's doing, so the test's */
};

/* The naive frontend with this fault; one at a time in a process. `world` is for the faults that
 * reach behind the frontend. */
const struct scenario_subject *broken_subject(enum broken_fault fault, struct simback_world *world);

#endif
