/* SPDX-License-Identifier: ISC */
/*
 * What somebody makes a backend do on purpose: close, crash, hang, stall, go read-only. Most of it
 * only leaves a wish for the next poll (backend.c); a crash happens at once.
 */
#include "backend_internal.h"

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

void simback_backend_go_read_only(struct simback_backend *backend)
{
    life(backend, "read-only");
    backend->want_read_only = true;
    backend_wake(backend, BACKEND_STORE);
}

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
    const struct simback_host *host = backend->host;

    life(backend, keep ? "keep" : "drop");
    backend->keep = keep;
    if (!keep)
        connect_drop_kept(backend);
    else if (backend->kept == NULL)
        backend->kept = host->allocate(host->context, sizeof(*backend->kept) * BACKEND_KEPT);
}
