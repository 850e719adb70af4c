/* SPDX-License-Identifier: ISC */
/*
 * The backend's half of the threaded world: host.h filled. XenStore and memory are asked of the
 * stepped world's host, under the lock; there is nobody who is told.
 */
#include "threads.h"

/* ---- grants, events ---- */

static int host_map(void *context, uint16_t domid, const uint32_t *refs, uint32_t count,
                    bool writable, void **pages)
{
    return thread_map(context, domid, refs, count, writable, pages);
}

static int host_unmap(void *context, uint16_t domid, const uint32_t *refs, uint32_t count,
                      void **pages)
{
    return thread_unmap(context, domid, refs, count, pages);
}

static void host_expect(void *context, uint16_t domid, uint32_t ref)
{
    if (domid == SIMBACK_FRONT_DOMID)
        thread_expect(context, ref);
}

/* One thread looks after all ports, so it need not be known whose queue a port is. */
static int host_port_bind(void *context, uint16_t domid, uint32_t remote_port, uint16_t tag,
                          uint32_t *port)
{
    (void)tag;
    return thread_back_bind(context, domid, remote_port, port);
}

static void host_port_close(void *context, uint32_t port)
{
    thread_back_close(context, port);
}

static int host_port_notify(void *context, uint32_t port)
{
    return thread_back_notify(context, port);
}

static int host_port_fired(void *context, uint32_t port)
{
    return thread_back_fired(context, port);
}

/* ---- XenStore ---- */

/* One call of the stepped world's host, under the lock. */
#define LOCKED(call, ...)                                              \
    struct simback_threads *threads = context;                         \
    int result;                                                        \
                                                                       \
    threads_enter(threads);                                            \
    result = threads->dom0->call(threads->dom0->context, __VA_ARGS__); \
    threads_leave(threads);                                            \
    return result

static int host_store_read(void *context, uint32_t transaction, const char *path, char *buffer,
                           size_t size, size_t *length)
{
    LOCKED(store_read, transaction, path, buffer, size, length);
}

static int host_store_write(void *context, uint32_t transaction, const char *path,
                            const char *value, size_t length)
{
    LOCKED(store_write, transaction, path, value, length);
}

static int host_store_remove(void *context, uint32_t transaction, const char *path)
{
    LOCKED(store_remove, transaction, path);
}

static int host_transaction_start(void *context, uint32_t *transaction)
{
    LOCKED(transaction_start, transaction);
}

static int host_transaction_end(void *context, uint32_t transaction, bool commit)
{
    LOCKED(transaction_end, transaction, commit);
}

static int host_watch(void *context, const char *path, uint32_t token)
{
    LOCKED(watch, path, token);
}

static int host_unwatch(void *context, const char *path, uint32_t token)
{
    LOCKED(unwatch, path, token);
}

/* Asked in each round of the backend, so that the lock is taken only when one has fired. */
static int host_watch_fired(void *context, uint32_t *token)
{
    struct simback_threads *threads = context;
    int result;

    if (__atomic_load_n(&threads->back_fired, __ATOMIC_SEQ_CST) == 0)
        return 0;
    threads_enter(threads);
    result = threads->dom0->watch_fired(threads->dom0->context, token);
    if (result == 0)
        __atomic_store_n(&threads->back_fired, 0, __ATOMIC_SEQ_CST);
    threads_leave(threads);
    return result;
}

/* ---- time and memory ---- */

static uint64_t host_now(void *context)
{
    (void)context;
    return doorbell_now();
}

static void *host_allocate(void *context, size_t size)
{
    struct simback_threads *threads = context;
    void *memory;

    threads_enter(threads);
    memory = simback_allocate(threads->world, size);
    threads_leave(threads);
    return memory;
}

static void host_free(void *context, void *memory, size_t size)
{
    struct simback_threads *threads = context;

    threads_enter(threads);
    simback_free(threads->world, memory, size);
    threads_leave(threads);
}

/* For fault rules with a chance. Only the backend's thread uses the world of its disk. */
static uint64_t host_random(void *context)
{
    return simback_random(((struct simback_threads *)context)->back.disk_world);
}

static const struct simback_host calls = {
    .map = host_map,
    .unmap = host_unmap,
    .expect = host_expect,
    .port_bind = host_port_bind,
    .port_close = host_port_close,
    .port_notify = host_port_notify,
    .port_fired = host_port_fired,
    .store_read = host_store_read,
    .store_write = host_store_write,
    .store_remove = host_store_remove,
    .transaction_start = host_transaction_start,
    .transaction_end = host_transaction_end,
    .watch = host_watch,
    .unwatch = host_unwatch,
    .watch_fired = host_watch_fired,
    .now = host_now,
    .allocate = host_allocate,
    .free = host_free,
    .random = host_random,
};

void thread_host_init(struct simback_threads *threads)
{
    threads->host = calls;
    threads->host.context = threads;
}
