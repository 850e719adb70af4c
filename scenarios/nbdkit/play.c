/* SPDX-License-Identifier: ISC */
/*
 * Steps of the backend in the threaded world. All but a restart are done in the backend's own
 * thread; each is one call of backend.h, as in the stepped world.
 */
#include "play.h"

#include "step_play.h"
#include "step_values.h"

struct played {
    const struct scenario_step *step;
    struct simback_backend_options *options;
    const char *wrong;
};

bool play_knows(const struct scenario_step *step)
{
    return step->opcode == STEP_BACKEND_RESTART || step_play_knows(step);
}

static void play_there(void *context, struct simback_backend *backend)
{
    struct played *played = context;

    played->wrong = step_play(played->step, played->options, backend);
}

static const char *restart(struct served *served, const struct scenario_program *program,
                           const struct scenario_dialects *dialects,
                           const struct scenario_step *step,
                           struct simback_backend_options *backend)
{
    step_restart(step, backend);
    if (scenario_given(step, FIELD_BACKEND_RESTART_DIALECT))
        backend->dialect = scenario_dialect_of(dialects, program,
                                               scenario_value(step, FIELD_BACKEND_RESTART_DIALECT));
    if (backend->dialect == NULL)
        return "there is no dialect of this name";
    return served_restart(served, backend) ? NULL : "no other backend can be made";
}

const char *play_step(struct served *served, const struct scenario_program *program,
                      const struct scenario_dialects *dialects, const struct scenario_step *step,
                      struct simback_backend_options *backend)
{
    struct played played = {.step = step, .options = backend};

    if (step->opcode == STEP_BACKEND_RESTART) {
        struct simback_backend_options changed = *backend;
        const char *wrong = restart(served, program, dialects, step, &changed);

        if (wrong == NULL)
            *backend = changed;
        return wrong;
    }
    served_call(served, play_there, &played);
    return played.wrong;
}
