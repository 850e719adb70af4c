/* SPDX-License-Identifier: ISC */
/*
 * The search: a stack of choices, and the set of states at which one had to be made.
 */
#include "scenario/explore.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Open addressing; 0 stands for an empty place. */
struct states {
    uint64_t *place;
    size_t room, count;
};

struct search {
    struct scenario_exploration *exploration;
    struct scenario_schedule *schedule;
    struct states states;
};

/* ---- states ---- */

static size_t place_of(const struct states *states, uint64_t digest)
{
    size_t at = (size_t)(digest >> 20) & (states->room - 1);

    while (states->place[at] != 0 && states->place[at] != digest) {
        at = (at + 1) & (states->room - 1);
    }
    return at;
}

static bool grow(struct states *states)
{
    struct states larger = {.room = states->room == 0 ? 1024 : states->room * 2};

    larger.place = calloc(larger.room, sizeof(larger.place[0]));
    if (larger.place == NULL) {
        return false;
    }
    for (size_t i = 0; i < states->room; i++) {
        if (states->place[i] != 0) {
            larger.place[place_of(&larger, states->place[i])] = states->place[i];
        }
    }
    larger.count = states->count;
    free(states->place);
    *states = larger;
    return true;
}

/* 1: it was not there before; 0: it was; -1: no memory. */
static int add(struct states *states, uint64_t digest)
{
    size_t at;

    digest += digest == 0;
    if (states->count >= states->room / 2 && !grow(states)) {
        return -1;
    }
    at = place_of(states, digest);
    if (states->place[at] == digest) {
        return 0;
    }
    states->place[at] = digest;
    states->count++;
    return 1;
}

/* ---- choices ---- */

static uint32_t choose(void *context, uint64_t digest, uint32_t count)
{
    struct search *search = context;
    struct scenario_exploration *exploration = search->exploration;
    uint32_t depth = exploration->depth++;
    int r = 1;

    if (depth < search->schedule->length) {
        return search->schedule->choice[depth];
    }
    if (exploration->play == NULL) {
        r = add(&search->states, digest);
    }
    exploration->known = r == 0;
    exploration->failed = r < 0 || depth == SCENARIO_SCHEDULE_MAX || count > UINT8_MAX;
    if (exploration->known || exploration->failed) {
        return count;
    }
    exploration->counts[depth] = (uint8_t)count;
    search->schedule->choice[depth] = 0;
    search->schedule->length = depth + 1;
    return 0;
}

/* The next schedule in order; false: there is none. */
static bool advance(const struct search *search)
{
    const uint8_t *counts = search->exploration->counts;
    struct scenario_schedule *schedule = search->schedule;

    while (schedule->length > 0 &&
           schedule->choice[schedule->length - 1] + 1 == counts[schedule->length - 1]) {
        schedule->length--;
    }
    if (schedule->length == 0) {
        return false;
    }
    schedule->choice[schedule->length - 1]++;
    return true;
}

/* ---- the search ---- */

static bool play_one(struct scenario_runner *runner, const struct scenario_program *program,
                     const struct scenario_run_options *options,
                     struct scenario_exploration *exploration, struct scenario_verdict *verdict)
{
    exploration->depth = 0;
    exploration->known = false;
    if (exploration->play != NULL) {
        return exploration->play(exploration->play_context, program, options, verdict);
    }
    scenario_runner_run(runner, program, options, verdict);
    return true;
}

bool scenario_explore(struct scenario_runner *runner, const struct scenario_program *program,
                      const struct scenario_run_options *options,
                      struct scenario_exploration *exploration, struct scenario_schedule *schedule,
                      struct scenario_verdict *verdict)
{
    struct search search = {.exploration = exploration, .schedule = schedule};
    struct scenario_run_options chosen = *options;
    bool more = true, played = true;

    chosen.choose = choose;
    chosen.choose_context = &search;
    schedule->length = 0;
    exploration->schedules = exploration->cut = exploration->longest = 0;
    exploration->failed = false;
    while (
        more && !exploration->failed &&
        (exploration->max_schedules == 0 || exploration->schedules < exploration->max_schedules)) {
        played = play_one(runner, program, &chosen, exploration, verdict);
        exploration->schedules++;
        exploration->cut += exploration->known;
        if (exploration->depth > exploration->longest) {
            exploration->longest = exploration->depth;
        }
        if (!played || verdict->outcome != SCENARIO_PASSED) {
            break;
        }
        more = advance(&search);
    }
    exploration->states = search.states.count;
    exploration->failed = exploration->failed || !played;
    exploration->whole = !more && !exploration->failed;
    free(search.states.place);
    if (exploration->failed) {
        verdict->outcome = SCENARIO_BAD;
        verdict->exit_code = scenario_exit_code(SCENARIO_BAD);
        snprintf(verdict->reason, sizeof(verdict->reason),
                 "no memory for so many states, no process, or more than %d choices in a schedule",
                 (int)SCENARIO_SCHEDULE_MAX);
    }
    return !exploration->failed;
}

struct replay {
    const struct scenario_schedule *schedule;
    uint32_t depth;
};

static uint32_t follow(void *context, uint64_t digest, uint32_t count)
{
    struct replay *replay = context;
    uint32_t depth = replay->depth++;
    uint32_t choice = depth < replay->schedule->length ? replay->schedule->choice[depth] : 0;

    (void)digest;
    return choice < count ? choice : count - 1;
}

void scenario_play_schedule(struct scenario_runner *runner, const struct scenario_program *program,
                            const struct scenario_run_options *options,
                            const struct scenario_schedule *schedule,
                            struct scenario_verdict *verdict)
{
    struct replay replay = {schedule, 0};
    struct scenario_run_options chosen = *options;

    chosen.choose = follow;
    chosen.choose_context = &replay;
    scenario_runner_run(runner, program, &chosen, verdict);
}
