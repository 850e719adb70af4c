/* SPDX-License-Identifier: ISC */
/*
 * The targets whose inputs are programs, as a table.
 */
#include "target.h"

#include <string.h>

#define ACTOR(name)        (UINT32_C(1) << SCENARIO_ACTOR_##name)
#define APPLICATION_ALONE  (ACTOR(CONTROL) | ACTOR(APPLICATION))
#define APPLICATION_SERVED (APPLICATION_ALONE | ACTOR(BACKEND))

/* A device that is connected stays what it is, as far as the program is concerned. Lists of opcodes
 * end with STEP_NONE. */
static const uint8_t answers[] = {STEP_FAULT, STEP_RELEASE, STEP_FAULT_CLEAR, STEP_NONE};
static const uint8_t lives[] = {STEP_CONNECT, STEP_DEVICES, STEP_DISCONNECT, STEP_PUT,
                                STEP_SUSPEND, STEP_RESUME,  STEP_NONE};
static const uint8_t load[] = {STEP_LOAD, STEP_NONE};

/* One of each kind of ring, request and backend. Small tables: there is less to come back to. */
#define SMALL "world end=rest grants=512 ports=16\n"

static const char *const connected[] = {
    SMALL "backend linux\nconnect pool=4",
    SMALL "backend linux discard=yes\nconnect pool=4 abi=x86_32",
    SMALL "backend linux\nconnect pool=4 order=1",
    SMALL "backend linux\nconnect pool=4 queues=2",
    SMALL "backend linux\nconnect pool=4 segments=32",
    SMALL "backend linux\nconnect pool=4 persistent=yes",
    SMALL "backend linux\nconnect pool=4 persistent=no",
    SMALL "backend linux\nconnect pool=4 page_buffers",
    SMALL "backend linux\nconnect pool=4 request_deadline=1s",
    SMALL "backend linux trusted=no\nconnect pool=4",
    SMALL "backend linux sectors=256 sector_size=4096\nconnect pool=4",
    SMALL "backend linux mode=r discard=yes\nconnect pool=4",
    SMALL "backend minimal\nconnect pool=4",
    SMALL "backend mirage\nconnect pool=4",
    SMALL "backend qemu\nconnect pool=4",
    SMALL "backend tapdisk\nconnect pool=4",
    SMALL "backend everything segments=32\nconnect pool=4 order=1 queues=2 segments=32",
    NULL,
};

static const struct row {
    const char *name;
    uint32_t takes, draws, seeds_with; /* a bit per enum scenario_actor: all of its steps */
    const uint8_t *draws_too, *draws_not, *seeds_with_too;
    const char *const *beginnings;
    size_t max_steps;
} rows[] = {
    {.name = "device", .takes = UINT32_MAX, .draws = UINT32_MAX, .max_steps = 24},
    {
        .name = "ring",
        .takes = APPLICATION_SERVED | ACTOR(HOSTILE),
        .draws = APPLICATION_ALONE | ACTOR(HOSTILE),
        .draws_too = answers,
        .draws_not = lives,
        .seeds_with = ACTOR(HOSTILE),
        .beginnings = connected,
        .max_steps = 20,
    },
    {
        .name = "store",
        .takes = APPLICATION_SERVED | ACTOR(STORE),
        .draws = APPLICATION_SERVED | ACTOR(STORE),
        .seeds_with = ACTOR(STORE),
        .max_steps = 24,
    },
    {
        .name = "loads",
        .takes = APPLICATION_SERVED | ACTOR(HOSTILE),
        .draws = APPLICATION_ALONE | ACTOR(HOSTILE),
        .draws_too = answers,
        .draws_not = lives,
        .seeds_with_too = load,
        .beginnings = connected,
        .max_steps = 24,
    },
    /* Nothing but calls: its bug has to be found from plain seeds. */
    {
        .name = "canary",
        .takes = APPLICATION_SERVED,
        .draws = APPLICATION_ALONE,
        .max_steps = 256,
    },
};

struct fuzz_shared fuzz_shared;

enum { TARGETS = sizeof(rows) / sizeof(rows[0]) };

static struct scenario_step_set set_of(uint32_t actors, const uint8_t *too, const uint8_t * not )
{
    struct scenario_step_set set = {{0}};

    for (unsigned actor = 0; actor <= SCENARIO_ACTOR_EXPECTATION; actor++) {
        if ((actors >> actor & 1) != 0) {
            scenario_step_set_add_actor(&set, (enum scenario_actor)actor);
        }
    }
    for (; too != NULL && *too != STEP_NONE; too++) {
        scenario_step_set_add(&set, *too);
    }
    for (; not != NULL && *not != STEP_NONE; not ++) {
        scenario_step_set_remove(&set, *not );
    }
    return set;
}

const struct fuzz_target *fuzz_target_find(const char *name)
{
    static struct fuzz_target targets[TARGETS];

    for (size_t i = 0; i < TARGETS; i++) {
        const struct row *row = &rows[i];

        if (strcmp(row->name, name) == 0) {
            targets[i] = (struct fuzz_target){
                .name = row->name,
                .takes = set_of(row->takes, NULL, NULL),
                .draws = set_of(row->draws, row->draws_too, row->draws_not),
                .seeds_with = set_of(row->seeds_with, row->seeds_with_too, NULL),
                .max_steps = row->max_steps,
                .beginnings = row->beginnings,
            };
            return &targets[i];
        }
    }
    return NULL;
}
