/* SPDX-License-Identifier: ISC */
/*
 * Backends and their life: made with a disk and a dialect, closed, crashed, hung, stalled, with
 * another disk, and back.
 */
#include <stdio.h>
#include <string.h>

#include "runner.h"
#include "step_values.h"

struct simback_backend *backend_of(struct scenario_runner *runner, unsigned device)
{
    struct simback_backend *backend = simback_world_backend(runner->world, (uint16_t)device);

    if (backend == NULL) {
        run_bad_step(runner, "there is no backend for this device");
    }
    return backend;
}

/* ---- backend ---- */

static void read_options(struct scenario_runner *runner, const struct scenario_step *step,
                         struct simback_backend_options *options)
{
    struct scenario_string params = scenario_string_of(step, FIELD_BACKEND_PARAMS);

    step_backend(step, options);
    options->dialect = scenario_dialect_of(&runner->dialects, runner->program,
                                           scenario_value(step, FIELD_BACKEND_DIALECT));
    options->front_domid = simback_guest(runner->world);
    if (scenario_given(step, FIELD_BACKEND_PARAMS)) {
        char *text = runner->params[step->device];

        memcpy(text, scenario_text(runner->program, params), params.length);
        text[params.length] = '\0';
        options->params = text;
    }
}

/* The path of an image; NULL: memory. */
static const char *image_of(struct scenario_runner *runner, const struct scenario_step *step)
{
    struct scenario_string text = scenario_string_of(step, FIELD_BACKEND_DISK);
    const char *directory = runner->options.directory;
    const char *path = scenario_text(runner->program, text);

    if (!scenario_given(step, FIELD_BACKEND_DISK)) {
        return step->device == 0 ? runner->options.disk : NULL;
    }
    snprintf(runner->path, sizeof(runner->path), "%s%s%.*s",
             directory == NULL || path[0] == '/' ? "" : directory,
             directory == NULL || path[0] == '/' ? "" : "/", (int)text.length, path);
    return runner->path;
}

/* NULL: the run is stopped, or the step is left out. */
static struct simback_disk *make_disk(struct scenario_runner *runner,
                                      const struct scenario_step *step,
                                      struct simback_backend_options *options)
{
    uint64_t units = options->sector_size / BLKIF_WIRE_UNIT;
    const char *image = image_of(runner, step);
    struct simback_disk *disk;
    char error[200] = "";

    units = units == 0 ? 1 : units;
    if (image != NULL && runner->options.may_open_files) {
        disk =
            simback_disk_file(runner->world, image, options->mode_read_only, error, sizeof(error));
        if (disk == NULL) {
            run_bad_step(runner, "%s", error);
        } else if (!scenario_given(step, FIELD_BACKEND_SECTORS)) {
            options->sectors = simback_disk_size(disk) / units;
        }
        return disk;
    }
    if (options->sectors > SIMBACK_DISK_MAX_512 / units) {
        run_bad_step(runner, "a disk has at most 2^55-1 units of 512 bytes");
        return NULL;
    }
    disk = simback_disk_memory(runner->world, options->sectors * units);
    if (disk == NULL) {
        run_bad_step(runner, "the world has no memory for this disk");
    }
    return disk;
}

/* Its dialect has to be there, its domain another than the guest's, and it has to find rings that
 * do not begin at 0. */
static bool can_begin(struct scenario_runner *runner, struct simback_backend_options *options)
{
    if (options->dialect == NULL) {
        run_bad_step(runner, "there is no dialect of this name");
        return false;
    }
    if (options->domid == simback_guest(runner->world)) {
        run_bad_step(runner, "the frontends are in the domain of this number");
        return false;
    }
    if (!options->attach && !options->dialect->attach &&
        scenario_value(&runner->program->world, FIELD_WORLD_START) != 0) {
        run_bad_step(runner, "rings that begin at `start` need a backend with `attach`");
        options->attach = true;
    }
    return !runner->stopped;
}

void exec_BACKEND(struct scenario_runner *runner, const struct scenario_step *step)
{
    struct simback_backend_options options;

    read_options(runner, step, &options);
    if (!can_begin(runner, &options)) {
        return;
    }
    if (runner->options.live != NULL) {
        if (live_backend(runner, &options)) {
            runner->backends[step->device] = options;
            runner->has_backend[step->device] = true;
        }
        return;
    }
    options.disk = make_disk(runner, step, &options);
    if (options.disk == NULL) {
        return;
    }
    if (simback_world_add_backend(runner->world, &options) == NULL) {
        run_bad_step(runner, "the world has no memory for this backend");
        return;
    }
    runner->backends[step->device] = options;
    runner->has_backend[step->device] = true;
    strike_backend(runner, simback_world_backend(runner->world, (uint16_t)step->device));
}

/* ---- life ---- */

/* Each of these is one call on the backend; what comes of it happens when the world runs. */
#define BACKEND_STEP(step_, call)                                                       \
    void exec_##step_(struct scenario_runner *runner, const struct scenario_step *step) \
    {                                                                                   \
        struct simback_backend *backend = backend_of(runner, step->device);             \
                                                                                        \
        if (backend != NULL) {                                                          \
            call;                                                                       \
            simback_handover(runner->world, step->device, false);                       \
        }                                                                               \
    }

BACKEND_STEP(BACKEND_HANG, simback_backend_hang(backend))
BACKEND_STEP(BACKEND_WAKE, simback_backend_wake(backend))
BACKEND_STEP(BACKEND_READ_ONLY,
             simback_backend_set_read_only(backend,
                                           scenario_value(step, FIELD_BACKEND_READ_ONLY_OFF) == 0))
BACKEND_STEP(BACKEND_POWER_CUT, simback_backend_power_cut(backend))
BACKEND_STEP(BACKEND_REWRITE_NODES, simback_backend_rewrite_nodes(backend))
BACKEND_STEP(BACKEND_GO, simback_backend_go(backend))
BACKEND_STEP(BACKEND_STALL, simback_backend_stall(backend, (enum blkif_wire_state)scenario_value(
                                                               step, FIELD_BACKEND_STALL_STATE)))
BACKEND_STEP(BACKEND_ONLINE,
             simback_backend_set_online(backend,
                                        scenario_value(step, FIELD_BACKEND_ONLINE_VALUE) != 0))
BACKEND_STEP(GRANT_KEEP, simback_backend_keep_grants(backend, true))
BACKEND_STEP(GRANT_DROP, simback_backend_keep_grants(backend, false))

void exec_BACKEND_CRASH(struct scenario_runner *runner, const struct scenario_step *step)
{
    struct simback_backend *backend;

    if (runner->options.live != NULL) {
        live_crash(runner, step->device);
        return;
    }
    backend = backend_of(runner, step->device);
    if (backend != NULL) {
        simback_backend_crash(backend);
        simback_handover(runner->world, step->device, false);
    }
}

void exec_BACKEND_CLOSE(struct scenario_runner *runner, const struct scenario_step *step)
{
    struct simback_backend *backend;

    if (runner->options.live != NULL) {
        live_detach(runner, step->device);
        return;
    }
    backend = backend_of(runner, step->device);
    if (backend != NULL) {
        simback_backend_close(backend);
        simback_handover(runner->world, step->device, false);
    }
}

void exec_BACKEND_RESIZE(struct scenario_runner *runner, const struct scenario_step *step)
{
    struct simback_backend_options *options = &runner->backends[step->device];
    uint64_t sectors = scenario_value(step, FIELD_BACKEND_RESIZE_SECTORS);
    uint32_t sector_size = options->sector_size;
    struct simback_backend *backend;

    if (runner->options.live != NULL) {
        if (live_resize(runner, step->device, sectors * (sector_size / BLKIF_WIRE_UNIT))) {
            options->sectors = sectors;
        }
        return;
    }
    backend = backend_of(runner, step->device);
    if (backend == NULL) {
        return;
    }
    if (scenario_given(step, FIELD_BACKEND_RESIZE_SECTOR_SIZE)) {
        sector_size = (uint32_t)scenario_value(step, FIELD_BACKEND_RESIZE_SECTOR_SIZE);
    }
    if (simback_backend_resize(backend, sectors, sector_size) != 0) {
        run_bad_step(runner, "the disk cannot have this size");
        return;
    }
    options->sectors = sectors;
    options->sector_size = sector_size;
    simback_handover(runner->world, step->device, false);
}

/* ---- restart ---- */

static void change_options(struct scenario_runner *runner, const struct scenario_step *step,
                           struct simback_backend_options *options)
{
    step_restart(step, options);
    if (scenario_given(step, FIELD_BACKEND_RESTART_DIALECT)) {
        options->dialect = scenario_dialect_of(&runner->dialects, runner->program,
                                               scenario_value(step, FIELD_BACKEND_RESTART_DIALECT));
    }
}

void exec_BACKEND_RESTART(struct scenario_runner *runner, const struct scenario_step *step)
{
    struct simback_backend_options options = runner->backends[step->device];

    if (runner->options.live != NULL) {
        live_restart(runner, step->device);
        return;
    }
    if (backend_of(runner, step->device) == NULL) {
        return;
    }
    change_options(runner, step, &options);
    if (!can_begin(runner, &options)) {
        return;
    }
    if (simback_world_restart_backend(runner->world, &options) == NULL) {
        run_bad_step(runner, "the world has no memory for this backend");
        return;
    }
    runner->backends[step->device] = options;
    simback_handover(runner->world, step->device, false);
}
