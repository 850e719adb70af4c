/* SPDX-License-Identifier: ISC */
/*
 * Steps of the backend in the threaded world. All but a restart are done in the backend's own
 * thread; each is one call of backend.h, as in the stepped world.
 */
#include "play.h"

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

static void add_fault(struct played *played, struct simback_backend *backend)
{
    const struct scenario_step *step = played->step;
    struct simback_fault fault;

    step_fault(step, played->options->sector_size / BLKIF_WIRE_UNIT, &fault);
    if (scenario_given(step, FIELD_FAULT_AS))
        fault.name = (uint32_t)scenario_value(step, FIELD_FAULT_AS) + 1;
    if (simback_backend_add_fault(backend, &fault) != 0)
        played->wrong = "a backend has at most 64 fault rules";
}

static void resize(struct played *played, struct simback_backend *backend)
{
    const struct scenario_step *step = played->step;
    const uint64_t sectors = scenario_value(step, FIELD_BACKEND_RESIZE_SECTORS);
    uint32_t sector_size = played->options->sector_size;

    if (scenario_given(step, FIELD_BACKEND_RESIZE_SECTOR_SIZE))
        sector_size = (uint32_t)scenario_value(step, FIELD_BACKEND_RESIZE_SECTOR_SIZE);
    if (simback_backend_resize(backend, sectors, sector_size) != 0) {
        played->wrong = "the disk cannot have this size";
        return;
    }
    played->options->sectors = sectors;
    played->options->sector_size = sector_size;
}

static void play_there(void *context, struct simback_backend *backend)
{
    struct played *played = context;
    const struct scenario_step *step = played->step;

    switch (step->opcode) {
    case STEP_FAULT: add_fault(played, backend); break;
    case STEP_FAULT_CLEAR: simback_backend_clear_faults(backend); break;
    case STEP_RELEASE:
        (void)simback_backend_release(backend,
                                      (uint32_t)scenario_value(step, FIELD_RELEASE_RULE) + 1);
        break;
    case STEP_BACKEND_CLOSE: simback_backend_close(backend); break;
    case STEP_BACKEND_CRASH: simback_backend_crash(backend); break;
    case STEP_BACKEND_HANG: simback_backend_hang(backend); break;
    case STEP_BACKEND_WAKE: simback_backend_wake(backend); break;
    case STEP_BACKEND_READ_ONLY:
        simback_backend_set_read_only(backend,
                                      scenario_value(step, FIELD_BACKEND_READ_ONLY_OFF) == 0);
        break;
    case STEP_BACKEND_STALL:
        simback_backend_stall(
            backend, (enum blkif_wire_state)scenario_value(step, FIELD_BACKEND_STALL_STATE));
        break;
    case STEP_BACKEND_GO: simback_backend_go(backend); break;
    case STEP_BACKEND_ONLINE:
        simback_backend_set_online(backend, scenario_value(step, FIELD_BACKEND_ONLINE_VALUE) != 0);
        break;
    case STEP_BACKEND_RESIZE: resize(played, backend); break;
    case STEP_BACKEND_POWER_CUT: simback_backend_power_cut(backend); break;
    case STEP_BACKEND_REWRITE_NODES: simback_backend_rewrite_nodes(backend); break;
    case STEP_GRANT_KEEP: simback_backend_keep_grants(backend, true); break;
    case STEP_GRANT_DROP: simback_backend_keep_grants(backend, false); break;
    default: played->wrong = "is no step of the backend"; break;
    }
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
