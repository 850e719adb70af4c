/* SPDX-License-Identifier: ISC */
/*
 * The guest of the live world: each call is made on the real platform and, when it has succeeded
 * there, entered in the world's tables, which tells it as an event. Pages that a real Xen shares
 * are moved to their place in the world, so that rules and observer find them.
 */
#include "live.h"

#include <string.h>
#include <sys/mman.h>

#define REAL(call, ...) live->platform->call(live->platform->context, __VA_ARGS__)

/* ---- grants ---- */

static size_t bytes_of(uint32_t count)
{
    return (size_t)count * WORLD_PAGE_SIZE;
}

/* Really, and then in the world's tables, which say where the pages have to lie. */
static int share_at_a_place(struct simback_live *live, uint16_t domid, uint32_t count,
                            bool writable, void **place, uint32_t *refs)
{
    void *pages = xengntshr_share_pages(live->grants, domid, (int)count, refs, writable);
    int result;

    if (pages == NULL)
        return BLKFRONT_PLATFORM_NO_MEMORY;
    result = grant_table_adopt(live->guest, domid, count, writable, place, refs);
    if (result == 0 && mremap(pages, bytes_of(count), bytes_of(count),
                              MREMAP_MAYMOVE | MREMAP_FIXED, *place) != *place) {
        grant_table_unshare(live->guest, *place, count);
        result = BLKFRONT_PLATFORM_IO;
    }
    if (result != 0)
        xengntshr_unshare(live->grants, pages, count);
    return result;
}

static int guest_share(void *context, uint16_t domid, uint32_t count, bool writable, void **address,
                       uint32_t *refs)
{
    struct simback_live *live = context;
    struct live_block *block;
    int result;

    if (count == 0 || count > INT32_MAX)
        return BLKFRONT_PLATFORM_INVALID;
    block = simback_allocate(live->world, sizeof(*block));
    if (block == NULL)
        return BLKFRONT_PLATFORM_NO_MEMORY;
    result = share_at_a_place(live, domid, count, writable, &block->address, refs);
    if (result != 0) {
        simback_free(live->world, block, sizeof(*block));
        return result;
    }
    block->count = count;
    block->next = live->blocks;
    live->blocks = block;
    *address = block->address;
    return 0;
}

/* The world's own memory is back where the pages were: that ends the sharing, as xengntshr_unshare
 * does, without a hole that somebody else could fall into. */
static bool give_place_back(void *address, uint32_t count)
{
    return mmap(address, bytes_of(count), PROT_READ | PROT_WRITE,
                MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_FIXED, -1, 0) == address;
}

static int guest_unshare(void *context, void *address, uint32_t count)
{
    struct simback_live *live = context;
    struct live_block **place = &live->blocks, *block;
    int result = grant_table_unshare(live->guest, address, count);

    if (result != 0)
        return result;
    while (*place != NULL && (*place)->address != address)
        place = &(*place)->next;
    block = *place;
    if (block == NULL || !give_place_back(address, count))
        return BLKFRONT_PLATFORM_IO;
    *place = block->next;
    simback_free(live->world, block, sizeof(*block));
    return 0;
}

/* ---- events ---- */

static struct live_set *set_of(struct simback_live *live, const struct blkfront_channel_set *set)
{
    for (unsigned i = 0; i < LIVE_SETS; i++) {
        if (live->sets[i].set == set)
            return &live->sets[i];
    }
    return NULL;
}

static int guest_channels_open(void *context, struct blkfront_channel_set **set)
{
    struct simback_live *live = context;
    struct live_set *entry = set_of(live, NULL);
    int result;

    if (entry == NULL)
        return BLKFRONT_PLATFORM_NO_MEMORY;
    result = REAL(channels_open, &entry->real);
    if (result != 0)
        return result;
    result = channels_open(live->guest, set);
    if (result != 0) {
        REAL(channels_close, entry->real);
        return result;
    }
    entry->set = *set;
    return 0;
}

static void guest_channels_close(void *context, struct blkfront_channel_set *set)
{
    struct simback_live *live = context;
    struct live_set *entry = set_of(live, set);

    REAL(channels_close, entry->real);
    *entry = (struct live_set){NULL, NULL};
    channels_close(live->guest, set);
}

static int guest_port_allocate(void *context, struct blkfront_channel_set *set, uint16_t domid,
                               uint32_t *port)
{
    struct simback_live *live = context;
    struct live_set *entry = set_of(live, set);
    int result = REAL(port_allocate, entry->real, domid, port);

    if (result != 0)
        return result;
    result = port_adopt(live->guest, set, domid, *port);
    if (result != 0)
        REAL(port_close, entry->real, *port);
    return result;
}

static void guest_port_close(void *context, struct blkfront_channel_set *set, uint32_t port)
{
    struct simback_live *live = context;

    REAL(port_close, set_of(live, set)->real, port);
    (void)port_close(live->guest, set, port);
}

static int guest_port_notify(void *context, struct blkfront_channel_set *set, uint32_t port)
{
    struct simback_live *live = context;
    int result = port_notify(live->guest, set, port);

    return result != 0 ? result : REAL(port_notify, set_of(live, set)->real, port);
}

static int guest_port_pending(void *context, struct blkfront_channel_set *set, uint32_t *port)
{
    struct simback_live *live = context;

    live_guest_take(live);
    return port_pending(live->guest, set, port);
}

static int guest_port_unmask(void *context, struct blkfront_channel_set *set, uint32_t port)
{
    struct simback_live *live = context;
    int result = port_unmask(live->guest, set, port);

    return result != 0 ? result : REAL(port_unmask, set_of(live, set)->real, port);
}

static void guest_channels_wake(void *context, struct blkfront_channel_set *set)
{
    (void)context;
    channels_wake(set);
}

/* A port stays masked there until the guest has unmasked it, so each is taken once. */
void live_guest_take(struct simback_live *live)
{
    uint32_t port;

    for (unsigned i = 0; i < LIVE_SETS; i++) {
        while (live->sets[i].set != NULL && REAL(port_pending, live->sets[i].real, &port) == 1) {
            port_fire(live->guest, port);
            live->happened = true;
        }
    }
}

/* ---- XenStore ---- */

static int guest_own_domid(void *context, uint16_t *domid)
{
    (void)context;
    *domid = LIVE_GUEST;
    return 0;
}

static struct live_transaction *transaction_of(struct simback_live *live, uint32_t number)
{
    for (unsigned i = 0; i < LIVE_TRANSACTIONS; i++) {
        if (live->transactions[i].number == number)
            return &live->transactions[i];
    }
    return NULL;
}

static uint32_t real_transaction(struct simback_live *live, uint32_t number)
{
    const struct live_transaction *entry = number == 0 ? NULL : transaction_of(live, number);

    return entry == NULL ? 0 : entry->real;
}

/* What is really there is first brought into the world, and then read in both. */
static int guest_store_read(void *context, blkfront_transaction transaction, const char *path,
                            char *buffer, size_t size, size_t *length)
{
    struct simback_live *live = context;
    char real[LIVE_PATH];

    live_real_path(live, path, real);
    if (transaction == 0)
        live_mirror_node(live, real);
    return xenstore_read(live->guest, transaction, path, buffer, size, length);
}

static int guest_store_list(void *context, blkfront_transaction transaction, const char *path,
                            char *buffer, size_t size, size_t *length)
{
    return xenstore_list(((struct simback_live *)context)->guest, transaction, path, buffer, size,
                         length);
}

static int guest_store_write(void *context, blkfront_transaction transaction, const char *path,
                             const char *value, size_t length)
{
    struct simback_live *live = context;
    char real[LIVE_PATH];
    int result;

    live_real_path(live, path, real);
    result = REAL(store_write, real_transaction(live, transaction), real, value, length);
    return result != 0 ? result : xenstore_write(live->guest, transaction, path, value, length);
}

static int guest_store_remove(void *context, blkfront_transaction transaction, const char *path)
{
    struct simback_live *live = context;
    char real[LIVE_PATH];
    int result;

    live_real_path(live, path, real);
    result = REAL(store_remove, real_transaction(live, transaction), real);
    if (result != 0 && result != BLKFRONT_PLATFORM_NO_ENTRY)
        return result;
    return xenstore_remove(live->guest, transaction, path);
}

static int guest_transaction_start(void *context, blkfront_transaction *transaction)
{
    struct simback_live *live = context;
    struct live_transaction *entry = transaction_of(live, 0);
    int result;

    if (entry == NULL)
        return BLKFRONT_PLATFORM_NO_MEMORY;
    result = REAL(transaction_start, &entry->real);
    if (result != 0)
        return result;
    result = store_transaction_start(live->guest, transaction);
    if (result != 0) {
        REAL(transaction_end, entry->real, false);
        return result;
    }
    entry->number = *transaction;
    return 0;
}

/* The real one decides. */
static int guest_transaction_end(void *context, blkfront_transaction transaction, bool commit)
{
    struct simback_live *live = context;
    struct live_transaction *entry = transaction_of(live, transaction);
    int result;

    if (entry == NULL)
        return BLKFRONT_PLATFORM_INVALID;
    result = REAL(transaction_end, entry->real, commit);
    *entry = (struct live_transaction){0, 0};
    if (result == BLKFRONT_PLATFORM_AGAIN)
        return store_transaction_refuse(live->guest, transaction);
    if (result != 0) {
        (void)store_transaction_end(live->guest, transaction, false);
        return result;
    }
    return store_transaction_end(live->guest, transaction, commit);
}

static int guest_watches_open(void *context, struct blkfront_watch_set **set)
{
    struct simback_live *live = context;

    return store_watches_open(live->guest, live->world->entered, true, SIMBACK_NO_ACTOR, set);
}

static void guest_watches_close(void *context, struct blkfront_watch_set *set)
{
    (void)context;
    store_watches_close(set);
}

static int guest_watch(void *context, struct blkfront_watch_set *set, const char *path,
                       uint32_t token)
{
    (void)context;
    return store_watch(set, path, token);
}

static int guest_unwatch(void *context, struct blkfront_watch_set *set, const char *path,
                         uint32_t token)
{
    (void)context;
    return store_unwatch(set, path, token);
}

static int guest_watch_fired(void *context, struct blkfront_watch_set *set, uint32_t *token)
{
    (void)context;
    return store_watch_fired(set, token);
}

static void guest_watches_wake(void *context, struct blkfront_watch_set *set)
{
    (void)context;
    store_watches_wake(set);
}

/* ---- time ---- */

static uint64_t guest_now(void *context)
{
    return simback_live_now(context);
}

/* The runner's application never blocks. */
static int guest_wait(void *context, uint64_t deadline_ns)
{
    return simback_live_wait(context, deadline_ns) ? 0 : BLKFRONT_PLATFORM_TIMED_OUT;
}

/* ---- host: the simulated guest's ---- */

static const struct blkfront_platform *simulated(const void *context)
{
    return ((const struct simback_live *)context)->guest->platform;
}

static void *guest_allocate(void *context, size_t size)
{
    const struct blkfront_platform *guest = simulated(context);

    return guest->allocate(guest->context, size);
}

static void guest_free(void *context, void *memory, size_t size)
{
    const struct blkfront_platform *guest = simulated(context);

    guest->free(guest->context, memory, size);
}

static void guest_log(void *context, const char *line)
{
    const struct blkfront_platform *guest = simulated(context);

    guest->log(guest->context, line);
}

static void guest_bug(void *context, const char *where)
{
    const struct blkfront_platform *guest = simulated(context);

    guest->bug(guest->context, where);
}

/* ---- begin, end ---- */

static const struct blkfront_platform calls = {
    .version = BLKFRONT_PLATFORM_VERSION,
    .size = sizeof(struct blkfront_platform),
    .share = guest_share,
    .unshare = guest_unshare,
    .channels_open = guest_channels_open,
    .channels_close = guest_channels_close,
    .port_allocate = guest_port_allocate,
    .port_close = guest_port_close,
    .port_notify = guest_port_notify,
    .port_pending = guest_port_pending,
    .port_unmask = guest_port_unmask,
    .channels_wake = guest_channels_wake,
    .own_domid = guest_own_domid,
    .store_read = guest_store_read,
    .store_write = guest_store_write,
    .store_remove = guest_store_remove,
    .store_list = guest_store_list,
    .transaction_start = guest_transaction_start,
    .transaction_end = guest_transaction_end,
    .watches_open = guest_watches_open,
    .watches_close = guest_watches_close,
    .watch = guest_watch,
    .unwatch = guest_unwatch,
    .watch_fired = guest_watch_fired,
    .watches_wake = guest_watches_wake,
    .now = guest_now,
    .wait = guest_wait,
    .allocate = guest_allocate,
    .free = guest_free,
    .log = guest_log,
    .bug = guest_bug,
};

void live_guest_begin(struct simback_live *live)
{
    live->calls = calls;
    live->calls.context = live;
    live->blocks = NULL;
    memset(live->sets, 0, sizeof(live->sets));
    memset(live->transactions, 0, sizeof(live->transactions));
}

void live_guest_end(struct simback_live *live)
{
    for (struct live_block *block = live->blocks; block != NULL; block = block->next)
        give_place_back(block->address, block->count);
    live->blocks = NULL;
    for (unsigned i = 0; i < LIVE_SETS; i++) {
        if (live->sets[i].set != NULL)
            REAL(channels_close, live->sets[i].real);
    }
    for (unsigned i = 0; i < LIVE_TRANSACTIONS; i++) {
        if (live->transactions[i].number != 0)
            (void)REAL(transaction_end, live->transactions[i].real, false);
    }
}
