/* SPDX-License-Identifier: ISC */
/*
 * The targets whose inputs are programs, as a table.
 */
#include <string.h>

#include "target.h"

#define ACTOR(name)        (UINT32_C(1) << SCENARIO_ACTOR_##name)
#define APPLICATION_ALONE  (ACTOR(CONTROL) | ACTOR(APPLICATION))
#define APPLICATION_SERVED (APPLICATION_ALONE | ACTOR(BACKEND))

static const struct fuzz_target targets[] = {
    {.name = "device", .takes = UINT32_MAX, .draws = UINT32_MAX},
    {
        .name = "ring",
        .takes = APPLICATION_SERVED | ACTOR(HOSTILE),
        .draws = APPLICATION_ALONE | ACTOR(HOSTILE),
        .seeds_with = ACTOR(HOSTILE),
        .keeps_beginning = true,
    },
    {
        .name = "store",
        .takes = APPLICATION_SERVED | ACTOR(STORE),
        .draws = APPLICATION_SERVED | ACTOR(STORE),
        .seeds_with = ACTOR(STORE),
    },
    {
        .name = "loads",
        .takes = APPLICATION_SERVED | ACTOR(HOSTILE),
        .draws = APPLICATION_ALONE | ACTOR(HOSTILE),
        .seeds_with_step = STEP_LOAD,
        .keeps_beginning = true,
    },
    /* Nothing but calls: its bug has to be found from plain seeds. */
    {.name = "canary", .takes = APPLICATION_SERVED, .draws = APPLICATION_ALONE},
};

const struct fuzz_target *fuzz_target_find(const char *name)
{
    for (size_t i = 0; i < sizeof(targets) / sizeof(targets[0]); i++) {
        if (strcmp(targets[i].name, name) == 0) {
            return &targets[i];
        }
    }
    return NULL;
}

size_t fuzz_beginning(const struct scenario_program *program)
{
    for (size_t i = 0; i < program->step_count; i++) {
        if (program->steps[i].opcode == STEP_CONNECT) {
            return i + 1;
        }
    }
    return 0;
}
