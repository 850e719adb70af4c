/* SPDX-License-Identifier: ISC */
/*
 * What a toolstack does before a device exists: both directories with their nodes and rights, with
 * dom0's rights. What the drivers add is theirs.
 */
#include "dialect.h"

#include <simback/backend.h>
#include <simback/xen.h>

#include <blkfront/blkif.h>
#include <blkfront/platform.h>

#include <stdio.h>
#include <string.h>

enum { PATH_SIZE = 192 };

struct toolstack {
    struct simback_world *world;
    const char *directory;
    int result; /* the first failure; nothing is written after it */
};

static void put(struct toolstack *toolstack, const char *name, const char *value)
{
    char path[PATH_SIZE + 64];

    if (toolstack->result != 0)
        return;
    snprintf(path, sizeof(path), "%s/%s", toolstack->directory, name);
    toolstack->result = simback_store_write(toolstack->world, path, value, strlen(value));
}

static void put_number(struct toolstack *toolstack, const char *name, uint32_t value)
{
    char text[16];

    snprintf(text, sizeof(text), "%u", value);
    put(toolstack, name, text);
}

/* The name that a person would give the device: xvda for 51712; a number where there is none. */
static void device_name(uint32_t vdev, char *name, size_t size)
{
    const uint32_t extended = UINT32_C(1) << 28;
    uint32_t disk = (vdev >> 4) & 15, partition = vdev & 15;

    if ((vdev & ~UINT32_C(0xfffff)) == extended) {
        disk = (vdev >> 8) & 0xfff;
        partition = vdev & 0xff;
    } else if (vdev >> 8 != 202) {
        snprintf(name, size, "%u", vdev);
        return;
    }
    if (disk >= 26)
        snprintf(name, size, "xvd%c%c", (int)('a' + disk / 26 - 1) & 0x7f, (int)('a' + disk % 26));
    else
        snprintf(name, size, "xvd%c", (int)('a' + disk));
    if (partition != 0)
        snprintf(name + strlen(name), size - strlen(name), "%u", partition);
}

/* What a domain may see of its own directory, which is dom0's, and where it may write its errors.
 */
static int permit_domain(struct simback_world *world, uint16_t domid)
{
    char path[PATH_SIZE];
    int result;

    snprintf(path, sizeof(path), "/local/domain/%u", domid);
    result = simback_store_permit(world, path, SIMBACK_DOM0, domid);
    snprintf(path, sizeof(path), "/local/domain/%u/error", domid);
    return result != 0 ? result : simback_store_permit(world, path, domid, domid);
}

static const char *device_type(const struct simback_backend_options *options)
{
    if (options->floppy)
        return "floppy";
    return options->cdrom ? "cdrom" : "disk";
}

static int create_back(struct simback_world *world, const struct simback_backend_options *options,
                       const char *back, const char *front)
{
    struct toolstack toolstack = {.world = world, .directory = back};
    char name[16];

    device_name(options->vdev, name, sizeof(name));
    toolstack.result = simback_store_permit(world, back, options->domid, options->front_domid);
    put(&toolstack, BLKIF_NODE_FRONTEND, front);
    put_number(&toolstack, BLKIF_NODE_FRONTEND_ID, options->front_domid);
    put(&toolstack, BLKIF_NODE_ONLINE, "1");
    put(&toolstack, BLKIF_NODE_REMOVABLE, options->removable ? "1" : "0");
    put(&toolstack, "bootable", "1");
    put(&toolstack, BLKIF_NODE_DEV, name);
    put(&toolstack, BLKIF_NODE_TYPE, "phy");
    put(&toolstack, BLKIF_NODE_MODE, options->mode_read_only ? "r" : "w");
    put(&toolstack, BLKIF_NODE_DEVICE_TYPE, device_type(options));
    put(&toolstack, BLKIF_NODE_DISCARD_ENABLE, options->discard_disabled ? "0" : "1");
    if (options->params != NULL)
        put(&toolstack, BLKIF_NODE_PARAMS, options->params);
    put_number(&toolstack, BLKIF_NODE_STATE, (uint32_t)options->start_state);
    return toolstack.result;
}

static int create_front(struct simback_world *world, const struct simback_backend_options *options,
                        const char *back, const char *front)
{
    struct toolstack toolstack = {.world = world, .directory = front};

    toolstack.result = simback_store_permit(world, front, options->front_domid, options->domid);
    put(&toolstack, BLKIF_NODE_BACKEND, back);
    put_number(&toolstack, BLKIF_NODE_BACKEND_ID, options->domid);
    put_number(&toolstack, BLKIF_NODE_VIRTUAL_DEVICE, options->vdev);
    put(&toolstack, BLKIF_NODE_DEVICE_TYPE, device_type(options));
    put(&toolstack, BLKIF_NODE_TRUSTED, options->trusted ? "1" : "0");
    put_number(&toolstack, BLKIF_NODE_STATE, BLKIF_WIRE_INITIALISING);
    return toolstack.result;
}

int simback_toolstack_create(struct simback_world *world,
                             const struct simback_backend_options *options)
{
    char back[PATH_SIZE], front[PATH_SIZE];
    int result;

    simback_paths(options, back, sizeof(back), front, sizeof(front));
    result = permit_domain(world, options->domid);
    if (result == 0)
        result = permit_domain(world, options->front_domid);
    if (result == 0)
        result = create_back(world, options, back, front);
    if (result == 0)
        result = create_front(world, options, back, front);
    return result;
}

/* The frontend's directory is owned as before and read by the new backend's domain. */
static int point_elsewhere(struct simback_world *world,
                           const struct simback_backend_options *options, const char *back,
                           const char *front)
{
    struct toolstack toolstack = {.world = world, .directory = front};

    toolstack.result =
        simback_store_permit_below(world, front, options->front_domid, options->domid);
    put_number(&toolstack, BLKIF_NODE_BACKEND_ID, options->domid);
    put(&toolstack, BLKIF_NODE_BACKEND, back);
    return toolstack.result;
}

int simback_toolstack_replace_back(struct simback_world *world,
                                   const struct simback_backend_options *old,
                                   const struct simback_backend_options *options)
{
    char back[PATH_SIZE], front[PATH_SIZE], old_back[PATH_SIZE];
    size_t length;
    int result;

    simback_paths(old, old_back, sizeof(old_back), front, sizeof(front));
    simback_paths(options, back, sizeof(back), front, sizeof(front));
    (void)simback_store_remove(world, old_back);
    if (simback_store_read(world, front, NULL, 0, &length) == BLKFRONT_PLATFORM_NO_ENTRY)
        return simback_toolstack_create(world, options);
    result = permit_domain(world, options->domid);
    if (result == 0)
        result = create_back(world, options, back, front);
    if (result == 0 && strcmp(back, old_back) != 0)
        result = point_elsewhere(world, options, back, front);
    return result;
}

void simback_toolstack_remove(struct simback_world *world,
                              const struct simback_backend_options *options)
{
    char back[PATH_SIZE], front[PATH_SIZE];

    simback_paths(options, back, sizeof(back), front, sizeof(front));
    (void)simback_store_remove(world, front);
    (void)simback_store_remove(world, back);
}
