/* SPDX-License-Identifier: ISC */
/*
 * What somebody makes a backend do on purpose: close, crash, hang, stall, change its disk. Most of
 * it only leaves a wish for the next poll (backend.c); a crash happens at once. Its coming back is
 * sim_backend.c's.
 */
#include "backend_internal.h"

#include <blkfront/platform.h>

static void life(struct simback_backend *backend, const char *what)
{
    backend_tell(backend, SIMBACK_BACK_LIFE, 0, 0, 0, what);
}

void simback_backend_close(struct simback_backend *backend)
{
    life(backend, "close");
    backend->want_close = true;
    backend_wake(backend, BACKEND_STORE);
}

void simback_backend_crash(struct simback_backend *backend)
{
    life(backend, "crash");
    if (backend->gone)
        return;
    connect_drop(backend, true);
    backend_unwatch(backend);
    (void)backend->host->store_remove(backend->host->context, 0, backend->back);
    backend->gone = true;
    backend->state = BLKIF_WIRE_UNKNOWN;
    backend->writing = BLKIF_WIRE_UNKNOWN;
}

void simback_backend_hang(struct simback_backend *backend)
{
    life(backend, "hang");
    backend->hung = true;
}

void simback_backend_wake(struct simback_backend *backend)
{
    life(backend, "wake");
    backend->hung = false;
    backend_wake_all(backend);
}

void simback_backend_power_cut(struct simback_backend *backend)
{
    simback_disk_power_cut(backend->disk);
    life(backend, "power-cut");
    simback_backend_crash(backend);
}

/* ---- changes while in use ---- */

static void want_update(struct simback_backend *backend, enum update update)
{
    backend->updates |= (unsigned)update;
    backend_wake(backend, BACKEND_STORE);
}

void simback_backend_set_read_only(struct simback_backend *backend, bool read_only)
{
    life(backend, read_only ? "read-only" : "read-write");
    backend->set_read_only = read_only ? SIMBACK_YES : SIMBACK_NO;
    want_update(backend, UPDATE_INFO);
}

int simback_backend_resize(struct simback_backend *backend, uint64_t sectors, uint32_t sector_size)
{
    struct simback_backend_options *options = &backend->options;
    const struct simback_backend_options old = *options;
    uint64_t size;

    options->sectors = sectors;
    options->sector_size = sector_size;
    size = publish_sectors_512(options);
    if (size > SIMBACK_DISK_MAX_512 || simback_disk_resize(backend->disk, size) != 0) {
        *options = old;
        return -1;
    }
    backend_tell(backend, SIMBACK_BACK_LIFE, 0, size, publish_sectors_512(&old), "resize");
    backend_settle_options(backend);
    /* Who does not resize tells it at the next connection. */
    if (backend->dialect->resizes)
        want_update(backend, old.sector_size == sector_size ? UPDATE_SIZE
                                                            : UPDATE_SIZE | UPDATE_SECTOR_SIZE);
    return 0;
}

void simback_backend_rewrite_nodes(struct simback_backend *backend)
{
    life(backend, "rewrite-nodes");
    want_update(backend, UPDATE_ALL);
}

/* The nodes, then the state that it has: the frontend reads again. What changes before it is
 * Connected is published with the rest. */
bool life_update(struct simback_backend *backend)
{
    const unsigned updates = backend->updates;
    const bool due = backend->state == BLKIF_WIRE_CONNECTED ||
                     ((updates & UPDATE_ALL) != 0 && backend->state >= BLKIF_WIRE_INIT_WAIT);
    int result = 0;

    if ((updates & UPDATE_INFO) != 0)
        backend_settle_options(backend);
    if (due)
        result = publish_updates(backend, updates);
    if (result == BLKFRONT_PLATFORM_AGAIN)
        return true;
    if (result != 0)
        backend_complain(backend, "%s: nodes cannot be written again (%d)", backend->back, result);
    backend->updates = 0;
    if (due)
        backend->writing = backend->state;
    return true;
}

/* ---- standing still ---- */

void simback_backend_stall(struct simback_backend *backend, enum blkif_wire_state state)
{
    life(backend, "stall");
    backend->stalls = true;
    backend->stall = state;
}

void simback_backend_go(struct simback_backend *backend)
{
    life(backend, "go");
    backend->stalls = false;
    backend_wake(backend, BACKEND_STORE);
}

void simback_backend_set_online(struct simback_backend *backend, bool online)
{
    life(backend, online ? "online" : "offline");
    if (!backend->gone)
        (void)node_write_number(backend, 0, BLKIF_NODE_ONLINE, online);
    backend_wake(backend, BACKEND_STORE);
}

void simback_backend_keep_grants(struct simback_backend *backend, bool keep)
{
    life(backend, keep ? "keep" : "drop");
    backend->keep = keep;
    if (!keep)
        connect_drop_kept(backend);
}
