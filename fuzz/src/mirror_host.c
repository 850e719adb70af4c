/* SPDX-License-Identifier: ISC */
/*
 * The backend's host, watched. While the backend acts, our pages can be reached as it has mapped
 * them and in no other way: what it touches beyond that ends the process there and then (I19). What
 * it maps must be what we have granted, with no more rights; what it unmaps, what it has mapped.
 */
#define _DEFAULT_SOURCE

#include <inttypes.h>
#include <stdlib.h>
#include <sys/mman.h>

#include "mirror_internal.h"

/* The host's calls come with the simulated Xen's context. */
static struct mirror *watched;

/* ---- out of reach ---- */

static void protect(const struct mirror *mirror, uint32_t page, uint32_t count, int rights)
{
    uint8_t *address = mirror->memory + (size_t)page * BLKIF_WIRE_PAGE_SIZE;

    if (mirror->guards && mprotect(address, (size_t)count * BLKIF_WIRE_PAGE_SIZE, rights) != 0) {
        abort();
    }
}

static int rights_of(const struct mirror_page *page)
{
    return page->writable_maps != 0 ? PROT_READ | PROT_WRITE
           : page->maps != 0        ? PROT_READ
                                    : PROT_NONE;
}

/* Neighbours with the same rights in one call. */
static void protect_as_mapped(const struct mirror *mirror, uint32_t first, uint32_t count)
{
    const uint32_t end = first + count;
    uint32_t begin = first;

    for (uint32_t page = first; page < end; page++) {
        const int rights = rights_of(&mirror->pages[page]);

        if (page + 1 == end || rights_of(&mirror->pages[page + 1]) != rights) {
            protect(mirror, begin, page + 1 - begin, rights);
            begin = page + 1;
        }
    }
}

/* The world looks at rings after each step; the rest of what is published stays out of reach for as
 * long as the backend runs. Where anything may be published, nothing does. */
static uint32_t pages_of_steps(const struct mirror *mirror)
{
    return mirror->rest_is_kept ? (uint32_t)MIRROR_RINGS : (uint32_t)MIRROR_PAGES;
}

static void keep_rest(const struct mirror *mirror)
{
    if (mirror->rest_is_kept) {
        protect_as_mapped(mirror, MIRROR_RINGS, MIRROR_PAGES - MIRROR_RINGS);
    }
}

static void give_rest(const struct mirror *mirror)
{
    if (mirror->rest_is_kept) {
        protect(mirror, MIRROR_RINGS, MIRROR_PAGES - MIRROR_RINGS, PROT_READ | PROT_WRITE);
    }
}

void mirror_host_begin(struct mirror *mirror)
{
    mirror->rest_is_kept = mirror->fair;
    keep_rest(mirror);
}

void mirror_host_end(struct mirror *mirror)
{
    give_rest(mirror);
    mirror->rest_is_kept = false;
}

void mirror_host_enter(struct mirror *mirror)
{
    for (uint32_t i = 0; i < MIRROR_RINGS; i++) {
        mirror->pages[i].pass = ++mirror->passes;
    }
    protect_as_mapped(mirror, 0, pages_of_steps(mirror));
    mirror->acts = true;
}

void mirror_host_leave(struct mirror *mirror)
{
    mirror->acts = false;
    protect(mirror, 0, pages_of_steps(mirror), PROT_READ | PROT_WRITE);
}

/* ---- grants ---- */

/* MIRROR_PAGES: it is none of ours. */
static uint32_t page_at(const struct mirror *mirror, const volatile void *address)
{
    const uintptr_t at = (uintptr_t)address, first = (uintptr_t)mirror->memory;

    return at < first || at >= first + (uintptr_t)MIRROR_PAGES * BLKIF_WIRE_PAGE_SIZE
               ? MIRROR_PAGES
               : (uint32_t)((at - first) / BLKIF_WIRE_PAGE_SIZE);
}

static void note_map(struct mirror *mirror, uint32_t ref, bool writable, const void *address)
{
    const uint32_t page = page_at(mirror, address);
    struct mirror_page *info = &mirror->pages[page % MIRROR_PAGES];

    if (page == MIRROR_PAGES || !info->granted || info->ref != ref ||
        (writable && !info->writable)) {
        mirror_wrong(mirror, "grant %" PRIu32 " is mapped%s, which was not granted so", ref,
                     writable ? " for writing" : "");
        return;
    }
    info->maps++;
    info->writable_maps += writable;
    info->pass = ++mirror->passes;
}

/* Some pages are mapped or unmapped while the backend acts. */
static void protect_anew(const struct mirror *mirror, void *const *pages, uint32_t count)
{
    uint32_t first = MIRROR_PAGES, last = 0;

    for (uint32_t i = 0; i < count; i++) {
        const uint32_t page = page_at(mirror, pages[i]);

        if (page < MIRROR_PAGES) {
            first = page < first ? page : first;
            last = page > last ? page : last;
        }
    }
    if (mirror->acts && first < MIRROR_PAGES) {
        protect_as_mapped(mirror, first, last - first + 1);
    }
}

static int watch_map(void *context, uint16_t domid, const uint32_t *refs, uint32_t count,
                     bool writable, void **pages)
{
    struct mirror *mirror = watched;
    const int result = mirror->inner->map(context, domid, refs, count, writable, pages);

    for (uint32_t i = 0; result == 0 && i < count; i++) {
        note_map(mirror, refs[i], writable, pages[i]);
    }
    if (result == 0) {
        protect_anew(mirror, pages, count);
    }
    return result;
}

/* Which of its maps goes is not said: those with the rights to write go last. */
static int watch_unmap(void *context, uint16_t domid, const uint32_t *refs, uint32_t count,
                       void **pages)
{
    struct mirror *mirror = watched;

    for (uint32_t i = 0; i < count; i++) {
        const uint32_t page = page_at(mirror, pages[i]);
        struct mirror_page *info = &mirror->pages[page % MIRROR_PAGES];

        if (page == MIRROR_PAGES || info->ref != refs[i] || info->maps == 0) {
            mirror_wrong(mirror, "grant %" PRIu32 " is unmapped, which was not mapped", refs[i]);
            continue;
        }
        info->maps--;
        if (info->writable_maps > info->maps) {
            info->writable_maps = info->maps;
        }
    }
    protect_anew(mirror, pages, count);
    return mirror->inner->unmap(context, domid, refs, count, pages);
}

uint32_t mirror_mapped(const struct mirror *mirror)
{
    uint32_t count = 0;

    for (uint32_t i = 0; i < MIRROR_PAGES; i++) {
        count += mirror->pages[i].maps;
    }
    return count;
}

/* ---- loads ---- */

/* A word of a slot is loaded once each time that the ring is served, one of an indirect page once
 * for each time that it is mapped: else a check could have seen something else than the use did
 * (XSA-155). Pages that lie there twice, as a ring or as what else, are read twice. */
static void count_load(struct mirror *mirror, uint32_t page, uint32_t word)
{
    struct mirror_page *info = &mirror->pages[page];
    const bool header = page < MIRROR_RINGS && page % MIRROR_RING_PAGES == 0 && word < 4;

    if (!mirror->fair || info->maps != 1 || header) {
        return;
    }
    if (info->loaded[word] == info->pass) {
        mirror_wrong(mirror, "word %" PRIu32 " of page %" PRIu32 " is loaded twice", word, page);
    }
    info->loaded[word] = info->pass;
}

static void before_load(void *context, const volatile void *address, size_t size)
{
    struct mirror *mirror = watched;
    const uint32_t page = page_at(mirror, address);
    const uint32_t word = (uint32_t)((uintptr_t)address % BLKIF_WIRE_PAGE_SIZE / 4);

    (void)context;
    if (page == MIRROR_PAGES || mirror->pages[page].maps == 0 || size != 4) {
        mirror_wrong(mirror, "a load of %zu bytes that are not mapped", size);
        return;
    }
    mirror->result->loads++;
    count_load(mirror, page, word);
    if (mirror->strike == 0 || --mirror->strike != 0) {
        return;
    }
    mirror->result->strikes++;
    mirror->acts = false;
    protect(mirror, 0, MIRROR_PAGES, PROT_READ | PROT_WRITE);
    mirror_strike(mirror);
    protect_as_mapped(mirror, 0, MIRROR_PAGES);
    mirror->acts = true;
}

void mirror_watch_host(struct mirror *mirror)
{
    watched = mirror;
    mirror->host = *mirror->inner;
    mirror->host.map = watch_map;
    mirror->host.unmap = watch_unmap;
    mirror->host.before_load = before_load;
}
