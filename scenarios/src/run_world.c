/* SPDX-License-Identifier: ISC */
/*
 * Letting the world run: to rest, so far, or until something is so; and what it means when it never
 * comes to rest.
 */
#include "runner.h"

/* Refused connections. Our frontend makes an attempt every two seconds in the end. */
enum { PATIENCE = 2048, STEPS_BETWEEN_LOOKS = 1024 };

static bool any_backend_refuses(const struct scenario_runner *runner, uint64_t times)
{
    for (uint16_t number = 0; number < SCENARIO_DEVICES_MAX; number++) {
        const struct simback_backend *backend = simback_world_backend(runner->world, number);
        struct simback_backend_counters counters;

        if (backend == NULL) {
            continue;
        }
        simback_backend_get_counters(backend, &counters);
        if (counters.refused > times) {
            return true;
        }
    }
    return false;
}

/* A frontend that asks again and again waits longer each time, so it would be at it for days of
 * virtual time before it has made the steps that a world may have. */
static bool is_asked_in_vain(const struct scenario_runner *runner)
{
    const uint64_t patience = runner->options.patience != 0 ? runner->options.patience : PATIENCE;

    return (simback_is_short(runner->world) && simback_short_times(runner->world) > 2 * patience) ||
           any_backend_refuses(runner, patience);
}

/* Whoever has less patience looks more often, too: an attempt takes a dozen steps. */
static uint64_t steps_between_looks(const struct scenario_runner *runner)
{
    const uint64_t patience = runner->options.patience;

    return patience != 0 && patience < STEPS_BETWEEN_LOOKS ? patience : STEPS_BETWEEN_LOOKS;
}

/* What the scenario has set up to fail is over: the end is judged without it. */
void end_faults(struct scenario_runner *runner)
{
    for (int resource = 0; resource < SIMBACK_RESOURCES; resource++) {
        simback_fail_nth(runner->world, (enum simback_resource)resource, 0, false);
    }
}

/* What fails on and on ends, so that the program does: from then on it has to come to rest. */
static bool relent(struct scenario_runner *runner)
{
    if (!strike_has_struck(runner) || runner->relented) {
        return false;
    }
    runner->relented = true;
    end_faults(runner);
    simback_progress(runner->world);
    return true;
}

static void no_rest(struct scenario_runner *runner)
{
    const struct call *call = runner->pending;
    uint16_t number = call == NULL ? SIMBACK_NO_DEVICE : runner->fronts[call->front].number;

    if (simback_is_short(runner->world)) { /* nobody tells it when there is more: it has to try */
        run_stop(
            runner, SCENARIO_BAD, 0,
            "the world never comes to rest, since grants or ports are short: say for how long");
        return;
    }
    /* Once may be the end of it; twice, and who asks will ask again: who was told to recover for
     * ever does so. */
    if (any_backend_refuses(runner, 1)) {
        run_stop(runner, SCENARIO_BAD, 0,
                 "the world never comes to rest, since a backend takes no connection: say for how "
                 "long");
        return;
    }
    simback_violate(runner->world, 4, false, number, call == NULL ? 0 : call->number,
                    "the world never comes to rest: %s has not ended",
                    call == NULL ? "something" : call->text);
    run_judge_rules(runner);
    run_stop(runner, SCENARIO_NO_PROGRESS, 4, "I4 the world never comes to rest");
}

enum ran run_world(struct scenario_runner *runner, uint64_t until_ns, uint64_t steps,
                   bool (*done)(struct scenario_runner *runner, void *context), void *context)
{
    const uint64_t between = steps_between_looks(runner);

    calls_sweep(runner);
    for (uint64_t taken = 0;; taken++) {
        if (runner->stopped) {
            return RAN_STOPPED;
        }
        if (taken == steps || (done != NULL && done(runner, context))) {
            return RAN_DONE;
        }
        if (until_ns == SIMBACK_NEVER && taken % between == between - 1 &&
            is_asked_in_vain(runner) && !relent(runner)) {
            no_rest(runner);
            return RAN_STOPPED;
        }
        switch (runner->options.live != NULL ? live_step(runner, until_ns, done != NULL)
                                             : simback_world_step(runner->world, until_ns)) {
        case SIMBACK_STEP_RAN: break;
        case SIMBACK_STEP_REST: return RAN_REST;
        case SIMBACK_STEP_CUT:
            runner->stopped = true;
            runner->verdict->cut = true;
            return RAN_STOPPED;
        case SIMBACK_STEP_TOO_MANY:
            if (!relent(runner)) {
                no_rest(runner);
                return RAN_STOPPED;
            }
            break;
        }
        runner->progress->beats = runner->progress->beats + 1;
        run_judge_rules(runner);
        calls_sweep(runner);
        strike_moment(runner);
    }
}
