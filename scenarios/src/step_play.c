/* SPDX-License-Identifier: ISC */
/*
 * Steps of the backend on a backend that runs by itself: each is one call of backend.h.
 */
#include "step_play.h"

#include "step_values.h"

#include <blkfront/blkif.h>

static const char *add_fault(const struct scenario_step *step,
                             const struct simback_backend_options *options,
                             struct simback_backend *backend)
{
    struct simback_fault fault;

    step_fault(step, options->sector_size / BLKIF_WIRE_UNIT, &fault);
    if (scenario_given(step, FIELD_FAULT_AS))
        fault.name = (uint32_t)scenario_value(step, FIELD_FAULT_AS) + 1;
    return simback_backend_add_fault(backend, &fault) == 0 ? NULL
                                                           : "a backend has at most 64 fault rules";
}

static const char *resize(const struct scenario_step *step, struct simback_backend_options *options,
                          struct simback_backend *backend)
{
    const uint64_t sectors = scenario_value(step, FIELD_BACKEND_RESIZE_SECTORS);
    uint32_t sector_size = options->sector_size;

    if (scenario_given(step, FIELD_BACKEND_RESIZE_SECTOR_SIZE))
        sector_size = (uint32_t)scenario_value(step, FIELD_BACKEND_RESIZE_SECTOR_SIZE);
    if (simback_backend_resize(backend, sectors, sector_size) != 0)
        return "the disk cannot have this size";
    options->sectors = sectors;
    options->sector_size = sector_size;
    return NULL;
}

static const char *hostile(int result)
{
    return result == 0 ? NULL : "no ring is mapped, or it ends before that";
}

/* `like` is what a rule has held: requests have no names here. */
static const char *respond(const struct scenario_step *step, struct simback_backend *backend)
{
    struct simback_bad_response response = {0};

    if (scenario_given(step, FIELD_RING_RESPOND_LIKE))
        response.like = (uint32_t)scenario_value(step, FIELD_RING_RESPOND_LIKE) + 1;
    step_response(step, &response);
    return hostile(simback_backend_respond(backend, &response));
}

static const char *move_index(const struct scenario_step *step, struct simback_backend *backend)
{
    unsigned word;
    uint32_t value;
    const bool add = step_index(step, &word, &value);

    return hostile(simback_backend_move_index(
        backend, (uint16_t)scenario_value(step, FIELD_RING_INDEX_QUEUE), word, value, add,
        scenario_value(step, FIELD_RING_INDEX_NO_NOTIFY) == 0));
}

const char *step_play_hostile(const struct scenario_program *program,
                              const struct scenario_step *step, struct simback_backend *backend)
{
    struct scenario_string bytes;

    switch (step->opcode) {
    case STEP_RING_RESPOND: return respond(step, backend);
    case STEP_RING_INDEX: return move_index(step, backend);
    case STEP_RING_POKE:
        bytes = scenario_string_of(step, FIELD_RING_POKE_BYTES);
        return hostile(simback_backend_poke(backend,
                                            (uint16_t)scenario_value(step, FIELD_RING_POKE_QUEUE),
                                            (uint32_t)scenario_value(step, FIELD_RING_POKE_OFFSET),
                                            scenario_text(program, bytes), bytes.length));
    default: return "is no hostile step";
    }
}

bool step_play_knows(const struct scenario_step *step)
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
    case STEP_BACKEND_RESIZE:
    case STEP_BACKEND_POWER_CUT:
    case STEP_BACKEND_REWRITE_NODES:
    case STEP_GRANT_KEEP:
    case STEP_GRANT_DROP: return true;
    default: return false;
    }
}

const char *step_play(const struct scenario_step *step, struct simback_backend_options *options,
                      struct simback_backend *backend)
{
    switch (step->opcode) {
    case STEP_FAULT: return add_fault(step, options, backend);
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
    case STEP_BACKEND_RESIZE: return resize(step, options, backend);
    case STEP_BACKEND_POWER_CUT: simback_backend_power_cut(backend); break;
    case STEP_BACKEND_REWRITE_NODES: simback_backend_rewrite_nodes(backend); break;
    case STEP_GRANT_KEEP: simback_backend_keep_grants(backend, true); break;
    case STEP_GRANT_DROP: simback_backend_keep_grants(backend, false); break;
    default: return "is no step of the backend";
    }
    return NULL;
}
