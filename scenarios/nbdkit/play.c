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
    switch (step->opcode) {
    case STEP_FAULT:
    case STEP_FAULT_CLEAR:
    case STEP_RELEASE:
    case STEP_BACKEND_CLOSE:
    case STEP_BACKEND_CRASH:
    case STEP_BACKEND_HANG:
    case STEP_BACKEND_WAKE:
    case STEP_BACKEND_READ_ONLY:
    case STEP_BACKEND_STALL:
    case STEP_BACKEND_GO:
    case STEP_BACKEND_ONLINE:
    case STEP_BACKEND_RESTART:
    case STEP_BACKEND_RESIZE:
    case STEP_BACKEND_POWER_CUT:
    case STEP_BACKEND_REWRITE_NODES:
    case STEP_GRANT_KEEP:
    case STEP_GRANT_DROP: return true;
    default: return false;
    }
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
