/* SPDX-License-Identifier: ISC */
/*
 * The guest of the threaded world as its frontend meets it: platform.h filled. XenStore and memory
 * are asked of the stepped world's platform, under the lock; what a queue's own thread calls takes
 * none.
 */
#include "threads.h"

#include <stdio.h>
#include <stdlib.h>

/* ---- grants ---- */

static int front_share(void *context, uint16_t domid, uint32_t count, bool writable, void **address,
                       uint32_t *refs)
{
    return thread_share(context, domid, count, writable, address, refs);
}

static int front_unshare(void *context, void *address, uint32_t count)
{
    return thread_unshare(context, address, count);
}

static int front_page_allocate(void *context, uint32_t count, void **address)
{
    return thread_page_allocate(context, count, address);
}

static void front_page_free(void *context, void *address, uint32_t count)
{
    thread_page_free(context, address, count);
}

static int front_page_grant(void *context, uint16_t domid, const void *page, bool writable,
                            uint32_t *ref)
{
    return thread_page_grant(context, domid, page, writable, ref);
}

static void front_page_expect(void *context, uint32_t ref)
{
    thread_expect(context, ref);
}

static int front_page_revoke(void *context, uint32_t ref)
{
    return thread_page_revoke(context, ref);
}

/* ---- events ---- */

/* platform.h leaves the struct to us, and ours is a thread_set. */
static struct thread_set *set_of(struct blkfront_channel_set *set)
{
    return (struct thread_set *)(void *)set;
}

static int front_channels_open(void *context, struct blkfront_channel_set **set)
{
    struct thread_set *opened;
    const int result = thread_channels_open(context, &opened);

    if (result == 0)
        *set = (struct blkfront_channel_set *)(void *)opened;
    return result;
}

static void front_channels_close(void *context, struct blkfront_channel_set *set)
{
    thread_channels_close(context, set_of(set));
}

static int front_port_allocate(void *context, struct blkfront_channel_set *set, uint16_t domid,
                               uint32_t *port)
{
    return thread_port_allocate(context, set_of(set), domid, port);
}

static void front_port_close(void *context, struct blkfront_channel_set *set, uint32_t port)
{
    (void)thread_port_close(context, set_of(set), port);
}

static int front_port_notify(void *context, struct blkfront_channel_set *set, uint32_t port)
{
    return thread_port_notify(context, set_of(set), port);
}

static int front_port_pending(void *context, struct blkfront_channel_set *set, uint32_t *port)
{
    return thread_port_pending(context, set_of(set), port);
}

static int front_port_unmask(void *context, struct blkfront_channel_set *set, uint32_t port)
{
    return thread_port_unmask(context, set_of(set), port);
}

static void front_channels_wake(void *context, struct blkfront_channel_set *set)
{
    thread_channels_wake(context, set_of(set));
}

/* ---- XenStore ---- */

/* One call of the stepped world's platform, under the lock. */
#define LOCKED(call, ...)                                                \
    struct simback_threads *threads = context;                           \
    int result;                                                          \
                                                                         \
    threads_enter(threads);                                              \
    result = threads->guest->call(threads->guest->context, __VA_ARGS__); \
    threads_leave(threads);                                              \
    return result

static int front_own_domid(void *context, uint16_t *domid)
{
    LOCKED(own_domid, domid);
}

static int front_store_read(void *context, blkfront_transaction transaction, const char *path,
                            char *buffer, size_t size, size_t *length)
{
    LOCKED(store_read, transaction, path, buffer, size, length);
}

static int front_store_write(void *context, blkfront_transaction transaction, const char *path,
                             const char *value, size_t length)
{
    LOCKED(store_write, transaction, path, value, length);
}

static int front_store_remove(void *context, blkfront_transaction transaction, const char *path)
{
    LOCKED(store_remove, transaction, path);
}

static int front_store_list(void *context, blkfront_transaction transaction, const char *path,
                            char *buffer, size_t size, size_t *length)
{
    LOCKED(store_list, transaction, path, buffer, size, length);
}

static int front_transaction_start(void *context, blkfront_transaction *transaction)
{
    LOCKED(transaction_start, transaction);
}

static int front_transaction_end(void *context, blkfront_transaction transaction, bool commit)
{
    LOCKED(transaction_end, transaction, commit);
}

static int front_watches_open(void *context, struct blkfront_watch_set **set)
{
    LOCKED(watches_open, set);
}

static void front_watches_close(void *context, struct blkfront_watch_set *set)
{
    struct simback_threads *threads = context;

    threads_enter(threads);
    threads->guest->watches_close(threads->guest->context, set);
    threads_leave(threads);
}

static int front_watch(void *context, struct blkfront_watch_set *set, const char *path,
                       uint32_t token)
{
    LOCKED(watch, set, path, token);
}

static int front_unwatch(void *context, struct blkfront_watch_set *set, const char *path,
                         uint32_t token)
{
    LOCKED(unwatch, set, path, token);
}

/* None is left: nor is a reason to look again, unless another one fires. */
static int front_watch_fired(void *context, struct blkfront_watch_set *set, uint32_t *token)
{
    struct simback_threads *threads = context;
    int result;

    threads_enter(threads);
    result = threads->guest->watch_fired(threads->guest->context, set, token);
    if (result == 0)
        __atomic_store_n(&threads->device_fired, 0, __ATOMIC_SEQ_CST);
    threads_leave(threads);
    return result;
}

/* May come from any thread, so without the lock; there is one poller for all watch sets. */
static void front_watches_wake(void *context, struct blkfront_watch_set *set)
{
    struct simback_threads *threads = context;

    (void)set;
    thread_device_fire(threads, &threads->device_woken);
}

/* ---- time ---- */

static uint64_t front_now(void *context)
{
    (void)context;
    return doorbell_now();
}

static int front_wait(void *context, uint64_t deadline_ns)
{
    return thread_wait_any(context, deadline_ns);
}

/* ---- host ---- */

static void *front_allocate(void *context, size_t size)
{
    struct simback_threads *threads = context;
    void *memory;

    threads_enter(threads);
    memory = threads->guest->allocate(threads->guest->context, size);
    threads_leave(threads);
    return memory;
}

static void front_free(void *context, void *memory, size_t size)
{
    struct simback_threads *threads = context;

    threads_enter(threads);
    threads->guest->free(threads->guest->context, memory, size);
    threads_leave(threads);
}

/* I13: a mistake of the frontend ends this process. */
static void front_bug(void *context, const char *where)
{
    (void)context;
    fprintf(stderr, "blkfront: bug: %s\n", where);
    abort();
}

static const struct blkfront_platform calls = {
    .version = BLKFRONT_PLATFORM_VERSION,
    .size = sizeof(struct blkfront_platform),
    .capabilities = BLKFRONT_PLATFORM_GRANTS_ANY_PAGE | BLKFRONT_PLATFORM_REPORTS_BUSY,
    .share = front_share,
    .unshare = front_unshare,
    .page_allocate = front_page_allocate,
    .page_free = front_page_free,
    .page_grant = front_page_grant,
    .page_revoke = front_page_revoke,
    .channels_open = front_channels_open,
    .channels_close = front_channels_close,
    .port_allocate = front_port_allocate,
    .port_close = front_port_close,
    .port_notify = front_port_notify,
    .port_pending = front_port_pending,
    .port_unmask = front_port_unmask,
    .channels_wake = front_channels_wake,
    .own_domid = front_own_domid,
    .store_read = front_store_read,
    .store_write = front_store_write,
    .store_remove = front_store_remove,
    .store_list = front_store_list,
    .transaction_start = front_transaction_start,
    .transaction_end = front_transaction_end,
    .watches_open = front_watches_open,
    .watches_close = front_watches_close,
    .watch = front_watch,
    .unwatch = front_unwatch,
    .watch_fired = front_watch_fired,
    .watches_wake = front_watches_wake,
    .now = front_now,
    .wait = front_wait,
    .allocate = front_allocate,
    .free = front_free,
    .bug = front_bug,
    .page_expect = front_page_expect,
};

void thread_platform_init(struct simback_threads *threads)
{
    threads->platform = calls;
    threads->platform.context = threads;
}
