/* SPDX-License-Identifier: ISC */
/*
 * The fake platform of the data path's unit tests: see the header. XenStore is not part of it.
 */
#include "fake_platform.h"

#include <stdlib.h>
#include <string.h>

struct blkfront_channel_set {
    int nothing;
};

static struct blkfront_channel_set the_set;
enum { THE_PORT = 7 };

static bool fails(struct fake_platform *fake)
{
    fake->calls++;
    if (fake->fail_at == 0 || fake->calls < fake->fail_at ||
        (fake->calls > fake->fail_at && !fake->fail_on))
        return false;
    fake->failed++;
    return true;
}

/* ---- grants ---- */

static int new_ref(struct fake_platform *fake, unsigned char *page, uint16_t domid, bool writable,
                   bool by_share, uint32_t *ref)
{
    uint32_t limit = fake->refs_limit == 0 ? FAKE_REFS - 8 : fake->refs_limit;

    if (fake->refs_used == limit)
        return BLKFRONT_PLATFORM_NO_MEMORY;
    /* The first eight are reserved, as in a real grant table: 0 is never a reference. */
    do
        fake->first_ref = fake->first_ref + 1 < FAKE_REFS ? fake->first_ref + 1 : 8;
    while (fake->refs[fake->first_ref].page != NULL);
    fake->refs[fake->first_ref] =
        (struct fake_ref){.page = page, .domid = domid, .writable = writable, .by_share = by_share};
    fake->refs_used++;
    *ref = fake->first_ref;
    return 0;
}

static void end_ref(struct fake_platform *fake, uint32_t ref)
{
    fake->refs[ref] = (struct fake_ref){0};
    fake->refs_used--;
}

static struct fake_block *find_block(struct fake_platform *fake, const void *address)
{
    for (int i = 0; i < FAKE_BLOCKS; i++) {
        if (fake->blocks[i].address == address)
            return &fake->blocks[i];
    }
    fake->mistakes++;
    return NULL;
}

static unsigned char *new_block(struct fake_platform *fake, uint32_t pages, bool shared)
{
    struct fake_block *block = find_block(fake, NULL);

    block->address = aligned_alloc(FAKE_PAGE, (size_t)pages * FAKE_PAGE);
    memset(block->address, 0, (size_t)pages * FAKE_PAGE);
    block->pages = pages;
    block->shared = shared;
    fake->pages_live += pages;
    return block->address;
}

static void end_block(struct fake_platform *fake, struct fake_block *block)
{
    fake->pages_live -= block->pages;
    free(block->address);
    *block = (struct fake_block){0};
}

static bool lies_in(const struct fake_block *block, const unsigned char *page)
{
    return page >= block->address && page < block->address + (size_t)block->pages * FAKE_PAGE;
}

static int fake_share(void *context, uint16_t domid, uint32_t count, bool writable, void **address,
                      uint32_t *refs)
{
    struct fake_platform *fake = context;
    unsigned char *pages;

    fake->shares++;
    if (fails(fake))
        return BLKFRONT_PLATFORM_NO_MEMORY;
    pages = new_block(fake, count, true);
    for (uint32_t i = 0; i < count; i++) {
        if (new_ref(fake, pages + (size_t)i * FAKE_PAGE, domid, writable, true, &refs[i]) != 0) {
            while (i-- > 0)
                end_ref(fake, refs[i]);
            end_block(fake, find_block(fake, pages));
            return BLKFRONT_PLATFORM_NO_MEMORY;
        }
    }
    *address = pages;
    return 0;
}

static int fake_unshare(void *context, void *address, uint32_t count)
{
    struct fake_platform *fake = context;
    struct fake_block *block = find_block(fake, address);

    if (block == NULL || !block->shared || block->pages != count) {
        fake->mistakes++;
        return BLKFRONT_PLATFORM_INVALID;
    }
    for (uint32_t i = 0; i < FAKE_REFS; i++) {
        if (fake->refs[i].page != NULL && lies_in(block, fake->refs[i].page) &&
            (fake->refs[i].busy || fake->all_busy))
            return BLKFRONT_PLATFORM_BUSY;
    }
    for (uint32_t i = 0; i < FAKE_REFS; i++) {
        if (fake->refs[i].page != NULL && lies_in(block, fake->refs[i].page))
            end_ref(fake, i);
    }
    end_block(fake, block);
    return fake->deferred ? BLKFRONT_PLATFORM_DEFERRED : 0;
}

static int fake_page_allocate(void *context, uint32_t count, void **address)
{
    struct fake_platform *fake = context;

    if (fails(fake))
        return BLKFRONT_PLATFORM_NO_MEMORY;
    *address = new_block(fake, count, false);
    return 0;
}

static void fake_page_free(void *context, void *address, uint32_t count)
{
    struct fake_platform *fake = context;
    struct fake_block *block = find_block(fake, address);

    if (block == NULL || block->shared || block->pages != count) {
        fake->mistakes++;
        return;
    }
    for (uint32_t i = 0; i < FAKE_REFS; i++) {
        if (fake->refs[i].page != NULL && lies_in(block, fake->refs[i].page))
            fake->mistakes++; /* I5: freed while granted */
    }
    end_block(fake, block);
}

static int fake_page_grant(void *context, uint16_t domid, const void *page, bool writable,
                           uint32_t *ref)
{
    struct fake_platform *fake = context;

    fake->grants++;
    if (((uintptr_t)page & (FAKE_PAGE - 1)) != 0)
        fake->mistakes++;
    if (fails(fake))
        return BLKFRONT_PLATFORM_NO_MEMORY;
    return new_ref(fake, (unsigned char *)(uintptr_t)page, domid, writable, false, ref);
}

static int fake_page_revoke(void *context, uint32_t ref)
{
    struct fake_platform *fake = context;

    fake->revokes++;
    if (ref >= FAKE_REFS || fake->refs[ref].page == NULL || fake->refs[ref].by_share) {
        fake->mistakes++;
        return BLKFRONT_PLATFORM_INVALID;
    }
    if (fake->refs[ref].busy || fake->all_busy)
        return BLKFRONT_PLATFORM_BUSY;
    end_ref(fake, ref);
    return 0;
}

static void fake_page_expect(void *context, uint32_t ref)
{
    struct fake_platform *fake = context;

    fake->expects++;
    if (ref >= FAKE_REFS || fake->refs[ref].page == NULL || fake->refs[ref].by_share)
        fake->mistakes++;
}

/* ---- events ---- */

static int fake_channels_open(void *context, struct blkfront_channel_set **set)
{
    struct fake_platform *fake = context;

    if (fails(fake))
        return BLKFRONT_PLATFORM_NO_MEMORY;
    fake->sets++;
    *set = &the_set;
    return 0;
}

static void fake_channels_close(void *context, struct blkfront_channel_set *set)
{
    struct fake_platform *fake = context;

    fake->mistakes += set != &the_set || fake->sets == 0;
    fake->sets--;
}

static int fake_port_allocate(void *context, struct blkfront_channel_set *set, uint16_t domid,
                              uint32_t *port)
{
    struct fake_platform *fake = context;

    (void)set, (void)domid;
    if (fails(fake))
        return BLKFRONT_PLATFORM_NO_MEMORY;
    fake->ports++;
    fake->pending = false;
    fake->masked = false;
    *port = THE_PORT;
    return 0;
}

static void check_port(struct fake_platform *fake, const struct blkfront_channel_set *set,
                       uint32_t port)
{
    fake->mistakes += set != &the_set || port != THE_PORT || fake->ports == 0;
}

static void fake_port_close(void *context, struct blkfront_channel_set *set, uint32_t port)
{
    struct fake_platform *fake = context;

    check_port(fake, set, port);
    fake->ports--;
}

static int fake_port_notify(void *context, struct blkfront_channel_set *set, uint32_t port)
{
    struct fake_platform *fake = context;

    check_port(fake, set, port);
    if (fails(fake))
        return BLKFRONT_PLATFORM_IO;
    fake->notifies++;
    return 0;
}

static int fake_port_pending(void *context, struct blkfront_channel_set *set, uint32_t *port)
{
    struct fake_platform *fake = context;

    check_port(fake, set, THE_PORT);
    if (!fake->pending || fake->masked)
        return 0;
    if (fails(fake))
        return BLKFRONT_PLATFORM_IO;
    fake->pending = false;
    fake->masked = true;
    *port = THE_PORT;
    return 1;
}

static int fake_port_unmask(void *context, struct blkfront_channel_set *set, uint32_t port)
{
    struct fake_platform *fake = context;

    check_port(fake, set, port);
    if (fails(fake))
        return BLKFRONT_PLATFORM_IO;
    fake->unmasks++;
    fake->masked = false;
    return 0;
}

static void fake_channels_wake(void *context, struct blkfront_channel_set *set)
{
    struct fake_platform *fake = context;

    fake->mistakes += set != &the_set || fake->sets == 0;
    fake->wakes++;
}

/* ---- the rest ---- */

static uint64_t fake_now(void *context)
{
    const struct fake_platform *fake = context;

    return fake->now;
}

static void *fake_allocate(void *context, size_t size)
{
    struct fake_platform *fake = context;

    if (fails(fake))
        return NULL;
    fake->allocated += (long)size;
    fake->allocations++;
    return calloc(1, size);
}

static void fake_free(void *context, void *memory, size_t size)
{
    struct fake_platform *fake = context;

    fake->allocated -= (long)size;
    fake->allocations--;
    free(memory);
}

static void fake_bug(void *context, const char *where)
{
    (void)context, (void)where;
    abort();
}

void fake_platform_init(struct fake_platform *fake, uint32_t capabilities)
{
    *fake = (struct fake_platform){
        .platform =
            {
                .version = BLKFRONT_PLATFORM_VERSION,
                .size = sizeof(struct blkfront_platform),
                .capabilities = capabilities,
                .context = fake,
                .share = fake_share,
                .unshare = fake_unshare,
                .channels_open = fake_channels_open,
                .channels_close = fake_channels_close,
                .port_allocate = fake_port_allocate,
                .port_close = fake_port_close,
                .port_notify = fake_port_notify,
                .port_pending = fake_port_pending,
                .port_unmask = fake_port_unmask,
                .channels_wake = fake_channels_wake,
                .now = fake_now,
                .allocate = fake_allocate,
                .free = fake_free,
                .bug = fake_bug,
            },
        .first_ref = 8,
    };
    if ((capabilities & BLKFRONT_PLATFORM_GRANTS_ANY_PAGE) != 0) {
        fake->platform.page_allocate = fake_page_allocate;
        fake->platform.page_free = fake_page_free;
        fake->platform.page_grant = fake_page_grant;
        fake->platform.page_revoke = fake_page_revoke;
        fake->platform.page_expect = fake_page_expect;
    }
}

void fake_fail(struct fake_platform *fake, unsigned nth, bool on)
{
    fake->calls = 0;
    fake->failed = 0;
    fake->fail_at = nth;
    fake->fail_on = on;
}

long fake_left(const struct fake_platform *fake)
{
    return fake->pages_live + (long)fake->refs_used + fake->sets + fake->ports + fake->allocations +
           fake->allocated;
}

unsigned char *fake_map(struct fake_platform *fake, uint32_t ref, bool write)
{
    if (ref >= FAKE_REFS || fake->refs[ref].page == NULL || (write && !fake->refs[ref].writable))
        return NULL;
    return fake->refs[ref].page;
}

void fake_hold(struct fake_platform *fake, uint32_t ref, bool busy)
{
    fake->refs[ref].busy = busy;
}
