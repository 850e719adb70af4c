/* SPDX-License-Identifier: ISC */
/*
 * That nothing bypasses shared.h (I1): a build of the frontend in which the compiler announces each
 * load and store (-fsanitize-coverage=trace-loads,trace-stores), and memcpy, memmove, memset and
 * memcmp are the ones here. An access to a page that is granted must be one that shared.h has just
 * told the observer of: of that kind, within those bytes, each of them once. Anything else ends the
 * program.
 *
 * Which pages are granted is seen at the platform: the frontend is given a table with four calls of
 * ours in it. Copies of whole structures that the compiler makes in place are not announced; the
 * build turns off what makes more of them than the source says.
 */
#include <blkfront/blkfront.h>
#include <blkfront/observe.h>
#include <blkfront/platform.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { PAGE = 4096, PLATFORMS = 64, ENTRIES = 1 << 16 };

/* ---- who is granted what ---- */

/* An open hash; an entry once used stays in its chain. */
struct granted {
    const void *owner; /* the platform's context */
    uintptr_t key;     /* a page's address; or a reference, made odd */
    uintptr_t value;   /* the page's count of grants; the reference's page */
};

static struct granted table[ENTRIES];

/* NULL owner: anybody's. NULL if there is none and none is to be made. */
static struct granted *entry_of(const void *owner, uintptr_t key, bool make)
{
    size_t at = (size_t)(key * UINT64_C(0x9e3779b97f4a7c15) >> 48);

    for (size_t i = 0; i < ENTRIES; i++, at = (at + 1) % ENTRIES) {
        if (table[at].key == key && (owner == NULL || table[at].owner == owner))
            return &table[at];
        if (table[at].key == 0) {
            if (!make)
                return NULL;
            table[at] = (struct granted){.owner = owner, .key = key};
            return &table[at];
        }
    }
    fputs("bypass: more pages than the table holds\n", stderr);
    abort();
}

static uintptr_t page_at(const volatile void *address)
{
    return (uintptr_t)address & ~(uintptr_t)(PAGE - 1);
}

static bool is_granted(const volatile void *address)
{
    const struct granted *page = entry_of(NULL, page_at(address), false);

    return page != NULL && page->value != 0;
}

static void mark(const void *owner, const void *address, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++) {
        struct granted *page = entry_of(NULL, page_at(address) + (uintptr_t)i * PAGE, true);

        page->owner = owner;
        page->value++;
    }
}

static void unmark(const void *address, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++)
        entry_of(NULL, page_at(address) + (uintptr_t)i * PAGE, true)->value--;
}

static uintptr_t key_of(uint32_t ref)
{
    return (uintptr_t)ref * 2 + 1;
}

/* ---- the platform in between ---- */

static struct front {
    struct blkfront *context; /* NULL: free */
    const struct blkfront_platform *real;
    struct blkfront_platform ours;
} fronts[PLATFORMS];

static const struct blkfront_platform *real_of(const void *context)
{
    for (unsigned i = 0; i < PLATFORMS; i++) {
        if (fronts[i].real != NULL && fronts[i].real->context == context)
            return fronts[i].real;
    }
    fputs("bypass: an unknown platform\n", stderr);
    abort();
}

static int share(void *context, uint16_t domid, uint32_t count, bool writable, void **address,
                 uint32_t *refs)
{
    int r = real_of(context)->share(context, domid, count, writable, address, refs);

    if (r == 0)
        mark(context, *address, count);
    return r;
}

static int unshare(void *context, void *address, uint32_t count)
{
    int r = real_of(context)->unshare(context, address, count);

    if (r == 0 || r == BLKFRONT_PLATFORM_DEFERRED)
        unmark(address, count);
    return r;
}

static int page_grant(void *context, uint16_t domid, const void *page, bool writable, uint32_t *ref)
{
    int r = real_of(context)->page_grant(context, domid, page, writable, ref);

    if (r == 0) {
        mark(context, page, 1);
        entry_of(context, key_of(*ref), true)->value = (uintptr_t)page;
    }
    return r;
}

static int page_revoke(void *context, uint32_t ref)
{
    int r = real_of(context)->page_revoke(context, ref);

    if (r == 0)
        unmark((const void *)entry_of(context, key_of(ref), true)->value, 1);
    return r;
}

/* A world that begins where another has been has granted nothing yet. */
static void forget(const void *owner)
{
    for (unsigned i = 0; i < PLATFORMS; i++) {
        if (fronts[i].context != NULL && fronts[i].real->context == owner)
            return;
    }
    for (size_t i = 0; i < ENTRIES; i++) {
        if (table[i].owner == owner)
            table[i].value = 0;
    }
}

int __real_blkfront_create(const struct blkfront_platform *platform, struct blkfront **context);
int __wrap_blkfront_create(const struct blkfront_platform *platform, struct blkfront **context);
void __real_blkfront_destroy(struct blkfront *context);
void __wrap_blkfront_destroy(struct blkfront *context);

int __wrap_blkfront_create(const struct blkfront_platform *platform, struct blkfront **context)
{
    struct front *front = fronts;
    int r;

    while (front < fronts + PLATFORMS && front->context != NULL)
        front++;
    if (front == fronts + PLATFORMS)
        abort();
    forget(platform->context);
    front->real = platform;
    front->ours = *platform;
    front->ours.share = share;
    front->ours.unshare = unshare;
    if (platform->page_grant != NULL) {
        front->ours.page_grant = page_grant;
        front->ours.page_revoke = page_revoke;
    }
    r = __real_blkfront_create(&front->ours, context);
    front->context = r == BLKFRONT_OK ? *context : NULL;
    return r;
}

void __wrap_blkfront_destroy(struct blkfront *context)
{
    __real_blkfront_destroy(context);
    for (unsigned i = 0; i < PLATFORMS; i++) {
        if (context != NULL && fronts[i].context == context)
            fronts[i].context = NULL;
    }
}

/* ---- what was announced and what is done ---- */

static struct {
    uintptr_t begin;
    size_t size;
    size_t done;
    enum blkfront_access access;
} announced;

/* The next bytes of what was announced: then they are accounted for. */
static bool is_next(const volatile void *address, size_t size, enum blkfront_access access)
{
    if (access != announced.access || (uintptr_t)address != announced.begin + announced.done ||
        size > announced.size - announced.done)
        return false;
    announced.done += size;
    return true;
}

static void check(const volatile void *address, size_t size, enum blkfront_access access,
                  const void *by)
{
    if (size == 0 ||
        !(is_granted(address) || is_granted((const volatile char *)address + size - 1)) ||
        is_next(address, size, access))
        return;
    fprintf(stderr,
            "bypass: a %s of %zu bytes at offset %#zx of a granted page, by the code at %p, was "
            "not announced\n",
            access == BLKFRONT_ACCESS_LOAD ? "load" : "store", size,
            (size_t)((uintptr_t)address % PAGE), by);
    abort();
}

/*
 * A copy of which one end was announced is shared.h's. Its other end is the application's memory,
 * which may be granted too, for another request that goes without a copy; nobody decides from it.
 */
static void check_copy(void *to, const void *from, size_t size, const void *by)
{
    if (is_next(from, size, BLKFRONT_ACCESS_LOAD) || is_next(to, size, BLKFRONT_ACCESS_STORE))
        return;
    check(from, size, BLKFRONT_ACCESS_LOAD, by);
    check(to, size, BLKFRONT_ACCESS_STORE, by);
}

void checked_observe(const volatile void *address, size_t size, enum blkfront_access access);

void checked_observe(const volatile void *address, size_t size, enum blkfront_access access)
{
    blkfront_observe(address, size, access);
    announced.begin = (uintptr_t)address;
    announced.size = size;
    announced.done = 0;
    announced.access = access;
}

#define CHECK(address, size, access) \
    check((address), (size), BLKFRONT_ACCESS_##access, __builtin_return_address(0))

/* clang's names. */
#define TRACED(bits, type)                           \
    void __sanitizer_cov_load##bits(type *address);  \
    void __sanitizer_cov_store##bits(type *address); \
    void __sanitizer_cov_load##bits(type *address)   \
    {                                                \
        CHECK(address, bits, LOAD);                  \
    }                                                \
    void __sanitizer_cov_store##bits(type *address)  \
    {                                                \
        CHECK(address, bits, STORE);                 \
    }

TRACED(1, uint8_t)
TRACED(2, uint16_t)
TRACED(4, uint32_t)
TRACED(8, uint64_t)
TRACED(16, void)

void *checked_memcpy(void *to, const void *from, size_t size);
void *checked_memmove(void *to, const void *from, size_t size);
void *checked_memset(void *to, int byte, size_t size);
int checked_memcmp(const void *one, const void *other, size_t size);

void *checked_memcpy(void *to, const void *from, size_t size)
{
    check_copy(to, from, size, __builtin_return_address(0));
    return memcpy(to, from, size);
}

void *checked_memmove(void *to, const void *from, size_t size)
{
    check_copy(to, from, size, __builtin_return_address(0));
    return memmove(to, from, size);
}

void *checked_memset(void *to, int byte, size_t size)
{
    CHECK(to, size, STORE);
    return memset(to, byte, size);
}

int checked_memcmp(const void *one, const void *other, size_t size)
{
    CHECK(one, size, LOAD);
    CHECK(other, size, LOAD);
    return memcmp(one, other, size);
}
