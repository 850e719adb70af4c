/* SPDX-License-Identifier: ISC */
/*
 * Real devices for the live world, set up, changed and removed as a toolstack does it.
 */
#include "live.h"

#include <simback/backend.h>
#include <simback/dialect.h>

#include <blkfront/blkif.h>

#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#define REAL(call, ...) live->platform->call(live->platform->context, __VA_ARGS__)

/* So long a real backend has for what it does by itself. */
#define PATIENCE_NS UINT64_C(20000000000)
#define LOOK_NS     UINT64_C(50000000)

/* ---- what a real backend over such a disk is ---- */

struct abilities {
    const char *dialect, *type; /* who it is, and its directory */
    bool flush, barrier, discard, secure, persistent;
    int32_t order, segments;
    uint32_t physical;   /* physical-sector-size; 0: the sector's */
    int64_t granularity; /* of discards, where there are any; -1: not known beforehand */
};

static const struct abilities abilities[] = {
    [SIMBACK_LIVE_RAM] = {"linux", "vbd", false, false, false, false, true, 4, 256, 4096, -1},
    [SIMBACK_LIVE_LOOP] = {"linux", "vbd", true, true, true, false, true, 4, 256, 0, 4096},
    [SIMBACK_LIVE_NULL] = {"linux", "vbd", false, false, false, false, true, 4, 256, 0, -1},
    [SIMBACK_LIVE_QDISK] = {"qemu", "qdisk", true, false, true, false, false, 4, 0, 0, 512},
};

static bool agrees(enum simback_choice asked, bool really)
{
    return asked == SIMBACK_DEFAULT || (asked == SIMBACK_YES) == really;
}

/* As many as the module's parameter says; QEMU has one. */
static int32_t queues_of(const struct simback_live *live)
{
    FILE *file = fopen("/sys/module/xen_blkback/parameters/max_queues", "re");
    int queues = 1;

    if (file == NULL)
        return 1;
    if (live->options.disk == SIMBACK_LIVE_QDISK || fscanf(file, "%d", &queues) != 1)
        queues = 1;
    fclose(file);
    return queues;
}

/* What the options ask for, beside the size of the disk, has to be what there is. */
static enum simback_live_result can_be(const struct simback_live *live,
                                       const struct simback_backend_options *options, char *text)
{
    const struct abilities *is = &abilities[live->options.disk];
    const char *what = NULL;

    if (options->dialect == NULL || strcmp(options->dialect->name, is->dialect) != 0)
        what = "another backend";
    else if (options->domid != SIMBACK_DOM0)
        what = "a backend elsewhere";
    else if (options->device >= WORLD_DEVICES || options->vdev >> 8 != 202)
        what = "another kind of device";
    else if (!agrees(options->flush, is->flush) || !agrees(options->barrier, is->barrier) ||
             !agrees(options->discard, is->discard) ||
             !agrees(options->discard_secure, is->secure) ||
             !agrees(options->persistent, is->persistent))
        what = "other features";
    else if ((options->ring_order != -1 && options->ring_order != is->order) ||
             (options->segments != -1 && options->segments != is->segments) ||
             (options->queues != -1 && options->queues != queues_of(live)) || options->info != -1)
        what = "other limits";
    else if ((options->discard_granularity != -1 &&
              options->discard_granularity != is->granularity) ||
             options->discard_alignment != -1 ||
             (options->physical_sector_size != 0 && options->physical_sector_size != is->physical))
        what = "another layout of the disk";
    else if (options->floppy || options->cdrom || options->removable || options->attach ||
             options->start_state != BLKIF_WIRE_INITIALISING || options->params != NULL)
        what = "another kind of disk";
    /* QEMU 7.2 fails to realize one, and has no device of that number any more. */
    else if (live->options.disk == SIMBACK_LIVE_QDISK && options->mode_read_only)
        what = "a read-only disk of QEMU's";
    if (what == NULL)
        return SIMBACK_LIVE_OK;
    return live_fail(text, SIMBACK_LIVE_CANNOT, "a real backend: the scenario wants %s", what);
}

/* ---- nodes ---- */

/* What is written before anybody watches is brought into the world at once: an emulated xenstored
 * takes milliseconds for each event. */
static int put(struct simback_live *live, const char *directory, const char *name,
               const char *value)
{
    char path[LIVE_PATH + 64];
    int result;

    snprintf(path, sizeof(path), "%s/%s", directory, name);
    result = REAL(store_write, 0, path, value, strlen(value));
    if (result == 0)
        live_mirror_written(live, path, value);
    return result;
}

static int put_number(struct simback_live *live, const char *directory, const char *name,
                      uint32_t value)
{
    char text[16];

    snprintf(text, sizeof(text), "%u", (unsigned)value);
    return put(live, directory, name, text);
}

/* As xl writes it for each kind. */
static int create_back(struct simback_live *live, const struct live_device *device)
{
    char name[8], disk[LIVE_PATH + 8];
    struct stat about;
    int result = 0;

    snprintf(name, sizeof(name), "xvd%c", 'a' + (int)(device->vdev >> 4 & 15));
    result |= put(live, device->back, BLKIF_NODE_FRONTEND, device->front);
    result |= put_number(live, device->back, BLKIF_NODE_FRONTEND_ID, live->domid);
    result |= put(live, device->back, BLKIF_NODE_ONLINE, "1");
    result |= put(live, device->back, BLKIF_NODE_REMOVABLE, "0");
    result |= put(live, device->back, "bootable", "1");
    result |= put(live, device->back, BLKIF_NODE_DEV, name);
    result |= put(live, device->back, BLKIF_NODE_TYPE, "phy");
    result |= put(live, device->back, BLKIF_NODE_MODE, device->mode_read_only ? "r" : "w");
    result |= put(live, device->back, BLKIF_NODE_DEVICE_TYPE, "disk");
    result |=
        put(live, device->back, BLKIF_NODE_DISCARD_ENABLE, device->discard_disabled ? "0" : "1");
    if (live->options.disk == SIMBACK_LIVE_QDISK) {
        snprintf(disk, sizeof(disk), "aio:%s", device->disk.file);
        result |= put(live, device->back, BLKIF_NODE_PARAMS, disk);
    } else {
        if (stat(device->disk.device, &about) != 0)
            return -1;
        snprintf(disk, sizeof(disk), "%x:%x", major(about.st_rdev), minor(about.st_rdev));
        result |= put(live, device->back, "physical-device", disk);
    }
    return result;
}

static bool wait_for_node(struct simback_live *live, const char *directory, const char *name)
{
    const uint64_t end = simback_live_now(live) + PATIENCE_NS;
    char path[LIVE_PATH], real[LIVE_PATH + 64];
    size_t length;

    snprintf(real, sizeof(real), "%s/%s", directory, name);
    live_world_path(live, real, path);
    while (simback_store_read(live->world, path, NULL, 0, &length) != 0) {
        if (!simback_live_wait(live, end))
            return false;
    }
    return true;
}

/* The last, which wakes the driver; it is there when the world knows of it. */
static bool begin_back(struct simback_live *live, const struct live_device *device)
{
    return put(live, device->back, BLKIF_NODE_STATE, "1") == 0 &&
           wait_for_node(live, device->back, BLKIF_NODE_STATE);
}

static int create_front(struct simback_live *live, const struct live_device *device,
                        const struct simback_backend_options *options)
{
    int result = 0;

    result |= put_number(live, device->front, BLKIF_NODE_BACKEND_ID, 0);
    result |= put_number(live, device->front, BLKIF_NODE_VIRTUAL_DEVICE, device->vdev);
    result |= put(live, device->front, BLKIF_NODE_DEVICE_TYPE, "disk");
    result |= put(live, device->front, BLKIF_NODE_TRUSTED, options->trusted ? "1" : "0");
    result |= put(live, device->front, BLKIF_NODE_STATE, "1");
    return result | put(live, device->front, BLKIF_NODE_BACKEND, device->back);
}

static bool is_there(const struct simback_live *live, const char *path)
{
    char value[1];
    size_t length;

    return REAL(store_read, 0, path, value, sizeof(value), &length) != BLKFRONT_PLATFORM_NO_ENTRY;
}

/* Runs the mirror until the node is in the world. */
/* The guest may read its own home, as if dom0 had made it. */
static void permit(struct simback_live *live, const struct live_device *device)
{
    char path[LIVE_PATH];

    (void)simback_store_permit(live->world, "/local/domain/1/error", LIVE_GUEST, LIVE_GUEST);
    live_world_path(live, device->front, path);
    (void)simback_store_permit(live->world, path, LIVE_GUEST, SIMBACK_DOM0);
    live_world_path(live, device->back, path);
    (void)simback_store_permit(live->world, path, SIMBACK_DOM0, LIVE_GUEST);
}

static void forget(struct simback_live *live, struct live_device *device)
{
    live_mirror_unwatch(live, device);
    (void)REAL(store_remove, 0, device->front);
    (void)REAL(store_remove, 0, device->back);
    live_disk_remove(&device->disk);
    device->used = false;
}

enum simback_live_result simback_live_add_backend(struct simback_live *live,
                                                  const struct simback_backend_options *options,
                                                  char *text)
{
    enum simback_live_result result = can_be(live, options, text);
    struct live_device *device;

    if (result != SIMBACK_LIVE_OK)
        return result;
    device = &live->devices[options->device];
    if (device->used)
        return live_fail(text, SIMBACK_LIVE_CANNOT, "a real backend is set up once in a run");
    *device = (struct live_device){.number = options->device,
                                   .vdev = options->vdev,
                                   .mode_read_only = options->mode_read_only,
                                   .discard_disabled = options->discard_disabled};
    snprintf(device->front, sizeof(device->front), "/local/domain/%u/device/vbd/%u",
             (unsigned)live->domid, (unsigned)device->vdev);
    snprintf(device->back, sizeof(device->back), "/local/domain/0/backend/%s/%u/%u",
             abilities[live->options.disk].type, (unsigned)live->domid, (unsigned)device->vdev);
    if (is_there(live, device->front))
        return live_fail(text, SIMBACK_LIVE_FAILED,
                         "%s is there already: somebody uses this device, or a run was cut off "
                         "(then: xenstore-rm it, and its backend's directory)",
                         device->front);
    result = live_disk_make(live, &device->disk, options, text);
    if (result != SIMBACK_LIVE_OK) {
        live_disk_remove(&device->disk);
        return result;
    }
    device->used = true;
    permit(live, device);
    /* The kernel makes no device of a backend whose frontend's directory is not there yet. */
    if (create_front(live, device, options) != 0 || create_back(live, device) != 0 ||
        !live_mirror_watch(live, device) || !begin_back(live, device)) {
        forget(live, device);
        return live_fail(text, SIMBACK_LIVE_FAILED, "the nodes of the device cannot be written");
    }
    return SIMBACK_LIVE_OK;
}

struct live_device *live_device_find(struct simback_live *live, uint16_t number)
{
    struct live_device *device = number < WORLD_DEVICES ? &live->devices[number] : NULL;

    return device == NULL || !device->used ? NULL : device;
}

/* ---- changes ---- */

/* Until the kernel's own device of it is gone, the same number cannot be set up anew. */
static void wait_until_gone(struct simback_live *live, const struct live_device *device)
{
    const uint64_t end = live->platform->now(live->platform->context) + PATIENCE_NS;
    char path[LIVE_PATH];

    snprintf(path, sizeof(path), "/sys/bus/xen-backend/devices/%s-%u-%u",
             abilities[live->options.disk].type, (unsigned)live->domid, (unsigned)device->vdev);
    while (access(path, F_OK) == 0 && live->platform->now(live->platform->context) < end)
        usleep(5000);
}

static void tell_life(struct simback_live *live, const struct live_device *device, const char *what)
{
    simback_emit(live->world, &(struct simback_event){.kind = SIMBACK_BACK_LIFE,
                                                      .domid = SIMBACK_DOM0,
                                                      .peer = LIVE_GUEST,
                                                      .device = device->number,
                                                      .path = what});
}

/* The kernel ends a backend whose directory is gone. QEMU does so, too, and takes the frontend's
 * directory with it, so that there is nobody left who could find a successor. */
static enum simback_live_result crash(struct simback_live *live, struct live_device *device,
                                      char *text)
{
    if (live->options.disk == SIMBACK_LIVE_QDISK)
        return live_fail(text, SIMBACK_LIVE_CANNOT,
                         "QEMU's backend takes its frontend's nodes with it");
    if (REAL(store_remove, 0, device->back) != 0)
        return live_fail(text, SIMBACK_LIVE_FAILED, "%s cannot be removed", device->back);
    wait_until_gone(live, device);
    device->back_state = BLKIF_WIRE_UNKNOWN;
    tell_life(live, device, "crash");
    live_mirror_take(live);
    return SIMBACK_LIVE_OK;
}

static enum simback_live_result restart(struct simback_live *live, struct live_device *device,
                                        char *text)
{
    live_mirror_take(live);
    permit(live, device);
    if (create_back(live, device) != 0 || !begin_back(live, device))
        return live_fail(text, SIMBACK_LIVE_FAILED, "the nodes of the device cannot be written");
    tell_life(live, device, "restart");
    return SIMBACK_LIVE_OK;
}

enum simback_live_result simback_live_change(struct simback_live *live, uint16_t number,
                                             enum simback_live_change change, uint64_t value,
                                             char *text)
{
    struct live_device *device = live_device_find(live, number);

    if (device == NULL)
        return live_fail(text, SIMBACK_LIVE_FAILED, "there is no backend for this device");
    switch (change) {
    case SIMBACK_LIVE_RESIZE: return live_disk_resize(live, &device->disk, value, text);
    case SIMBACK_LIVE_CRASH: return crash(live, device, text);
    case SIMBACK_LIVE_RESTART: return restart(live, device, text);
    case SIMBACK_LIVE_DETACH: break;
    }
    if (put(live, device->back, BLKIF_NODE_ONLINE, "0") != 0 ||
        put(live, device->back, BLKIF_NODE_STATE, "5") != 0)
        return live_fail(text, SIMBACK_LIVE_FAILED, "the backend's state cannot be written");
    return SIMBACK_LIVE_OK;
}

/* ---- the end ---- */

/* QEMU removes the nodes itself when it is told that the device goes, and would remove those of the
 * next one of this number if that came before. */
static void wait_for_qemu(struct simback_live *live, const struct live_device *device)
{
    const uint64_t end = live->platform->now(live->platform->context) + PATIENCE_NS;
    char path[LIVE_PATH + 64], value[8];
    uint32_t token;
    size_t length;

    (void)put(live, device->back, BLKIF_NODE_ONLINE, "0");
    (void)put(live, device->back, BLKIF_NODE_STATE, "5");
    snprintf(path, sizeof(path), "%s/%s", device->back, BLKIF_NODE_FRONTEND);
    /* The directory is watched; what else wakes us is of no interest any more. */
    while (REAL(store_read, 0, path, value, sizeof(value), &length) != BLKFRONT_PLATFORM_NO_ENTRY &&
           live->platform->now(live->platform->context) < end) {
        (void)REAL(wait, live->platform->now(live->platform->context) + LOOK_NS);
        while (REAL(watch_fired, live->wake, &token) == 1)
            continue;
    }
}

void simback_live_end(struct simback_live *live)
{
    if (live->world == NULL)
        return;
    live_guest_end(live);
    live_mirror_forget(live);
    for (unsigned i = 0; i < WORLD_DEVICES; i++) {
        struct live_device *device = &live->devices[i];
        struct live_disk disk;

        if (!device->used)
            continue;
        if (live->options.disk == SIMBACK_LIVE_QDISK)
            wait_for_qemu(live, device);
        disk = device->disk; /* the backend has it open until it is gone */
        device->disk = (struct live_disk){.loop = -1};
        forget(live, device);
        wait_until_gone(live, device);
        live_disk_remove(&disk);
    }
    live->world = NULL;
}
