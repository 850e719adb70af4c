/* SPDX-License-Identifier: ISC */
/*
 * The live world of the tool: libblkfront's platform on a real Xen below simback's live world. One
 * of each a process, opened when it is first asked for.
 */
#include "live.h"

#include <blkfront/libxen.h>
#include <blkfront/platform.h>
#include <simback/backend.h>
#include <simback/live.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *const disks[] = {
    [SIMBACK_LIVE_RAM] = "ram",
    [SIMBACK_LIVE_LOOP] = "loop",
    [SIMBACK_LIVE_NULL] = "null",
    [SIMBACK_LIVE_QDISK] = "qdisk",
};

enum { DISKS = SIMBACK_LIVE_QDISK + 1 };

static struct {
    struct blkfront_libxen *xen;
    struct simback_live *live;
    struct scenario_live table;
} opened;

static enum scenario_live_result result_of(enum simback_live_result result)
{
    if (result == SIMBACK_LIVE_OK)
        return SCENARIO_LIVE_OK;
    return result == SIMBACK_LIVE_CANNOT ? SCENARIO_LIVE_CANNOT : SCENARIO_LIVE_FAILED;
}

static const struct blkfront_platform *begin(void *context, struct simback_world *world)
{
    return simback_live_begin(context, world);
}

/* Taken for this process first: another simblk may be at it. */
static enum scenario_live_result backend(void *context,
                                         const struct simback_backend_options *options, char *text)
{
    if (blkfront_libxen_claim(opened.xen, options->vdev, text) != 0)
        return SCENARIO_LIVE_FAILED;
    return result_of(simback_live_add_backend(context, options, text));
}

static enum scenario_live_result detach(void *context, uint16_t device, char *text)
{
    return result_of(simback_live_change(context, device, SIMBACK_LIVE_DETACH, 0, text));
}

static enum scenario_live_result resize(void *context, uint16_t device, uint64_t size_512,
                                        char *text)
{
    return result_of(simback_live_change(context, device, SIMBACK_LIVE_RESIZE, size_512, text));
}

static enum scenario_live_result crash(void *context, uint16_t device, char *text)
{
    return result_of(simback_live_change(context, device, SIMBACK_LIVE_CRASH, 0, text));
}

static enum scenario_live_result restart(void *context, uint16_t device, char *text)
{
    return result_of(simback_live_change(context, device, SIMBACK_LIVE_RESTART, 0, text));
}

static int disk_read(void *context, uint16_t device, uint64_t sector_512, uint32_t count_512,
                     void *to)
{
    return simback_live_disk_read(context, device, sector_512, count_512, to);
}

static uint64_t now(void *context)
{
    return simback_live_now(context);
}

static bool wait_for(void *context, uint64_t until_ns)
{
    return simback_live_wait(context, until_ns);
}

static void end(void *context)
{
    simback_live_end(context);
}

static void close_all(void)
{
    simback_live_close(opened.live);
    blkfront_libxen_close(opened.xen);
}

static int disk_of(const char *name)
{
    for (int i = 0; i < DISKS; i++) {
        if (strcmp(disks[i], name) == 0)
            return i;
    }
    return -1;
}

bool live_disk_is_known(const char *disk)
{
    return disk_of(disk) >= 0;
}

const struct scenario_live *live_table(const char *disk, char *text)
{
    const char *directory = getenv("TMPDIR");
    struct simback_live_options options = {.directory = directory == NULL ? "/tmp" : directory};

    if (opened.live != NULL)
        return &opened.table;
    options.disk = (enum simback_live_disk)disk_of(disk);
    if (blkfront_libxen_open(NULL, &opened.xen, text) != 0)
        return NULL;
    if (simback_live_open(blkfront_libxen_platform(opened.xen), &options, &opened.live, text) !=
        SIMBACK_LIVE_OK) {
        blkfront_libxen_close(opened.xen);
        return NULL;
    }
    atexit(close_all);
    opened.table = (struct scenario_live){
        .context = opened.live,
        .begin = begin,
        .backend = backend,
        .detach = detach,
        .resize = resize,
        .crash = crash,
        .restart = restart,
        .disk_read = disk_read,
        .now = now,
        .wait = wait_for,
        .end = end,
    };
    return &opened.table;
}
