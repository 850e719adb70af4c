/* SPDX-License-Identifier: ISC */
/*
 * What the files of the swarm share: a program that is being made, and chance. swarm.c has the
 * frame of a program, swarm_calls.c what the application does, swarm_trouble.c what goes wrong.
 */
#ifndef SCENARIO_SRC_SWARM_H
#define SCENARIO_SRC_SWARM_H

#include "scenario/swarm.h"

enum {
    SWARM_SECTORS = 512,  /* of the disk: few, so that requests meet */
    SWARM_QUEUES = 3,     /* at most */
    SWARM_LAST_FILL = 200 /* what the end writes; the trouble writes less */
};

#define SWARM_MS UINT64_C(1000000)
#define SWARM_S  (1000 * SWARM_MS)

struct swarm {
    struct scenario_program *program;
    uint64_t state;
    int error;
    unsigned queues;
    bool suspended;
    bool backend_changed; /* it may be closed, gone, hung or something else now */
    bool failing;         /* calls of the frontend may fail */
    bool keeping;         /* the backend unmaps nothing */
    bool moved;           /* the step before let the world run */
    uint64_t size;        /* of the disk, in its sectors */
    uint64_t first_size;  /* and what it was at first */
    uint64_t unit;        /* bytes of a sector by 512 */
};

/* One of the things that may happen. */
struct swarm_kind {
    void (*make)(struct swarm *swarm);
    unsigned weight; /* the most that it may have */
    unsigned odds;   /* one seed in so many has it; 1: each */
};

/* ---- swarm.c ---- */

uint64_t swarm_below(struct swarm *swarm, uint64_t bound);
bool swarm_one_in(struct swarm *swarm, uint64_t odds);
uint64_t swarm_yes_or_no(struct swarm *swarm);
struct scenario_step swarm_step(enum scenario_opcode opcode);
void swarm_set(struct scenario_step *step, unsigned field, uint64_t value);
/* In one of `odds` seeds or steps. */
void swarm_maybe(struct swarm *swarm, struct scenario_step *step, uint64_t odds, unsigned field,
                 uint64_t value);
/* Appends it. */
void swarm_put(struct swarm *swarm, struct scenario_step *step);
void swarm_put_plain(struct swarm *swarm, enum scenario_opcode opcode);
/* The text as a field's value. */
uint64_t swarm_text(struct swarm *swarm, const char *value);

/* ---- swarm_calls.c ---- */

/* The connect of the beginning, or another one with less of it. */
struct scenario_step swarm_connect(struct swarm *swarm);
extern const struct swarm_kind swarm_calls[];
extern const unsigned swarm_call_kinds;

/* ---- swarm_trouble.c ---- */

extern const struct swarm_kind swarm_troubles[];
extern const unsigned swarm_trouble_kinds;
void swarm_resume(struct swarm *swarm);

#endif
