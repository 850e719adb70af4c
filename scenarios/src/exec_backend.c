/* SPDX-License-Identifier: ISC */
/*
 * Backends and their life: made with a disk and a dialect, closed, crashed, hung, stalled, with
 * another disk, and back.
 */
#include <stdio.h>
#include <string.h>

#include "runner.h"

struct simback_backend *backend_of(struct scenario_runner *runner, unsigned device)
{
    struct simback_backend *backend = simback_world_backend(runner->world, (uint16_t)device);

    if (backend == NULL) {
        run_bad_step(runner, "there is no backend for this device");
    }
    return backend;
}

/* ---- backend ---- */

static enum simback_choice choice(const struct scenario_step *step, unsigned field)
{
    if (!scenario_given(step, field)) {
        return SIMBACK_DEFAULT;
    }
    return scenario_value(step, field) == CHOICE_BOOLEAN_YES ? SIMBACK_YES : SIMBACK_NO;
}

static int32_t number_or_default(const struct scenario_step *step, unsigned field)
{
    return scenario_given(step, field) ? (int32_t)scenario_value(step, field) : -1;
}

static int64_t wide_or_default(const struct scenario_step *step, unsigned field)
{
    return scenario_given(step, field) ? (int64_t)scenario_value(step, field) : -1;
}

static void read_options(struct scenario_runner *runner, const struct scenario_step *step,
                         struct simback_backend_options *options)
{
    struct scenario_string params = scenario_string_of(step, FIELD_BACKEND_PARAMS);

    simback_backend_options_init(options);
    options->dialect = scenario_dialect_of(&runner->dialects, runner->program,
                                           scenario_value(step, FIELD_BACKEND_DIALECT));
    options->device = step->device;
    options->domid = (uint16_t)scenario_value(step, FIELD_BACKEND_BACKEND_ID);
    options->front_domid = simback_guest(runner->world);
    options->vdev = scenario_given(step, FIELD_BACKEND_VDEV)
                        ? (uint32_t)scenario_value(step, FIELD_BACKEND_VDEV)
                        : VDEV_OF_DISK(step->device);
    options->sectors = scenario_value(step, FIELD_BACKEND_SECTORS);
    options->sector_size = (uint32_t)scenario_value(step, FIELD_BACKEND_SECTOR_SIZE);
    options->physical_sector_size =
        (uint32_t)scenario_value(step, FIELD_BACKEND_PHYSICAL_SECTOR_SIZE);
    options->mode_read_only = scenario_value(step, FIELD_BACKEND_MODE) == CHOICE_MODE_R;
    options->info = number_or_default(step, FIELD_BACKEND_INFO);
    options->flush = choice(step, FIELD_BACKEND_FLUSH);
    options->barrier = choice(step, FIELD_BACKEND_BARRIER);
    options->discard = choice(step, FIELD_BACKEND_DISCARD);
    options->persistent = choice(step, FIELD_BACKEND_PERSISTENT);
    options->ring_order = number_or_default(step, FIELD_BACKEND_ORDER);
    options->queues = number_or_default(step, FIELD_BACKEND_QUEUES);
    options->segments = number_or_default(step, FIELD_BACKEND_SEGMENTS);
    options->discard_granularity = wide_or_default(step, FIELD_BACKEND_DISCARD_GRANULARITY);
    options->discard_alignment = wide_or_default(step, FIELD_BACKEND_DISCARD_ALIGNMENT);
    options->discard_secure = choice(step, FIELD_BACKEND_DISCARD_SECURE);
    options->discard_disabled =
        scenario_value(step, FIELD_BACKEND_DISCARD_ENABLE) == CHOICE_BOOLEAN_NO;
    options->floppy = scenario_value(step, FIELD_BACKEND_FLOPPY) != 0;
    options->trusted = scenario_value(step, FIELD_BACKEND_TRUSTED) == CHOICE_BOOLEAN_YES;
    options->removable = scenario_value(step, FIELD_BACKEND_REMOVABLE) != 0;
    options->cdrom = scenario_value(step, FIELD_BACKEND_CDROM) != 0;
    options->attach = scenario_value(step, FIELD_BACKEND_ATTACH) != 0;
    options->start_state = (int32_t)scenario_value(step, FIELD_BACKEND_STATE);
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

BACKEND_STEP(BACKEND_CLOSE, simback_backend_close(backend))
BACKEND_STEP(BACKEND_CRASH, simback_backend_crash(backend))
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

/* The same bytes in sectors of another size, if the step says only that. */
static uint64_t sectors_of(const struct simback_backend_options *options, uint32_t sector_size)
{
    uint64_t old_units = options->sector_size / BLKIF_WIRE_UNIT;
    uint64_t units = sector_size / BLKIF_WIRE_UNIT;

    if (units == 0 || old_units == 0 || options->sectors > UINT64_MAX / old_units) {
        return options->sectors;
    }
    return options->sectors * old_units / units;
}

void exec_BACKEND_RESIZE(struct scenario_runner *runner, const struct scenario_step *step)
{
    struct simback_backend *backend = backend_of(runner, step->device);
    struct simback_backend_options *options = &runner->backends[step->device];
    uint64_t sectors = scenario_value(step, FIELD_BACKEND_RESIZE_SECTORS);
    uint32_t sector_size = options->sector_size;

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

static void change_choice(const struct scenario_step *step, unsigned field,
                          enum simback_choice *value)
{
    if (scenario_given(step, field)) {
        *value = choice(step, field);
    }
}

static void change_number(const struct scenario_step *step, unsigned field, int32_t *value)
{
    if (scenario_given(step, field)) {
        *value = number_or_default(step, field);
    }
}

static void change_disk(const struct scenario_step *step, struct simback_backend_options *options)
{
    if (scenario_given(step, FIELD_BACKEND_RESTART_SECTOR_SIZE)) {
        uint32_t size = (uint32_t)scenario_value(step, FIELD_BACKEND_RESTART_SECTOR_SIZE);

        options->sectors = sectors_of(options, size);
        options->sector_size = size;
    }
    if (scenario_given(step, FIELD_BACKEND_RESTART_SECTORS)) {
        options->sectors = scenario_value(step, FIELD_BACKEND_RESTART_SECTORS);
    }
    if (scenario_given(step, FIELD_BACKEND_RESTART_MODE)) {
        options->mode_read_only = scenario_value(step, FIELD_BACKEND_RESTART_MODE) == CHOICE_MODE_R;
    }
}

static void change_options(struct scenario_runner *runner, const struct scenario_step *step,
                           struct simback_backend_options *options)
{
    if (scenario_given(step, FIELD_BACKEND_RESTART_DIALECT)) {
        options->dialect = scenario_dialect_of(&runner->dialects, runner->program,
                                               scenario_value(step, FIELD_BACKEND_RESTART_DIALECT));
    }
    if (scenario_given(step, FIELD_BACKEND_RESTART_BACKEND_ID)) {
        options->domid = (uint16_t)scenario_value(step, FIELD_BACKEND_RESTART_BACKEND_ID);
    }
    change_disk(step, options);
    change_choice(step, FIELD_BACKEND_RESTART_FLUSH, &options->flush);
    change_choice(step, FIELD_BACKEND_RESTART_BARRIER, &options->barrier);
    change_choice(step, FIELD_BACKEND_RESTART_DISCARD, &options->discard);
    change_choice(step, FIELD_BACKEND_RESTART_PERSISTENT, &options->persistent);
    change_number(step, FIELD_BACKEND_RESTART_ORDER, &options->ring_order);
    change_number(step, FIELD_BACKEND_RESTART_QUEUES, &options->queues);
    change_number(step, FIELD_BACKEND_RESTART_SEGMENTS, &options->segments);
    options->start_state = BLKIF_WIRE_INITIALISING;
}

void exec_BACKEND_RESTART(struct scenario_runner *runner, const struct scenario_step *step)
{
    struct simback_backend_options options = runner->backends[step->device];

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
