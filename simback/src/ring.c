/* SPDX-License-Identifier: ISC */
/*
 * The backend's side of a shared ring: indices, slots in pages that need not be neighbours, publish
 * and final check. All access to ring memory by the backend is in this file.
 *
 * Ordering. A request's bytes are loaded after req_prod was loaded with acquire; a response's bytes
 * are stored before rsp_prod is. Between our store of an index and the load of the other side's
 * event field (and between req_event and req_prod) both accesses are sequentially consistent: that
 * orders them against the other side's full fence, on every processor and in the C11 model, and a
 * race detector understands it, which it does not with fences.
 */
#include "backend_internal.h"

#include <stdatomic.h>
#include <string.h>

static volatile uint32_t *word_at(const struct ring *ring, uint32_t offset)
{
    uint8_t *page = ring->pages[offset / BLKIF_WIRE_PAGE_SIZE];

    return (volatile uint32_t *)(void *)(page + offset % BLKIF_WIRE_PAGE_SIZE);
}

static volatile uint32_t *header_word(const struct ring *ring, enum ring_word word)
{
    return word_at(ring, (uint32_t)word * (uint32_t)sizeof(uint32_t));
}

/* With the order that the strictest of those who load the header needs. */
static uint32_t load_header(const struct ring *ring, enum ring_word word)
{
    volatile uint32_t *const address = header_word(ring, word);

    ring_tell_load(ring->host, address, sizeof(*address));
    return __atomic_load_n(address, __ATOMIC_SEQ_CST);
}

static uint32_t slot_offset(const struct ring *ring, uint32_t index)
{
    return (uint32_t)BLKIF_WIRE_RING_HEADER + (index & (ring->size - 1)) * ring->slot_size;
}

void ring_init(struct ring *ring, enum slot_abi abi)
{
    uint32_t fit;

    ring->slot_size = slot_size(abi);
    fit = (ring->page_count * BLKIF_WIRE_PAGE_SIZE - BLKIF_WIRE_RING_HEADER) / ring->slot_size;
    for (ring->size = 1; ring->size * 2 <= fit;)
        ring->size *= 2;
    ring->req_cons = 0;
    ring->rsp_prod = 0;
    ring->rsp_published = 0;
    ring->tampered = false;
}

bool ring_attach(struct ring *ring)
{
    const uint32_t req_prod = ring_load_req_prod(ring);
    const uint32_t rsp_prod = ring_load(ring, RING_RSP_PROD);

    if (req_prod - rsp_prod > ring->size)
        return false;
    ring->req_cons = rsp_prod;
    ring->rsp_prod = rsp_prod;
    ring->rsp_published = rsp_prod;
    return true;
}

void ring_expect(const struct ring *ring)
{
    const uint32_t slot = slot_offset(ring, ring->req_cons);

    __builtin_prefetch((const void *)(uintptr_t)header_word(ring, RING_REQ_PROD));
    __builtin_prefetch((const void *)(uintptr_t)word_at(ring, slot));
    __builtin_prefetch((const void *)(uintptr_t)word_at(ring, slot + SLOT_HEAD - 4));
}

uint32_t ring_load_req_prod(const struct ring *ring)
{
    volatile uint32_t *const address = header_word(ring, RING_REQ_PROD);

    ring_tell_load(ring->host, address, sizeof(*address));
    return __atomic_load_n(address, __ATOMIC_ACQUIRE);
}

/* So many of the bytes from here on lie in the page that the first does. Slots and pages are
 * multiples of 4 bytes, so no word lies in two pages. */
static uint32_t split_of(uint32_t offset, uint32_t length)
{
    const uint32_t there = BLKIF_WIRE_PAGE_SIZE - offset % BLKIF_WIRE_PAGE_SIZE;

    return there < length ? there : length;
}

static bool is_long(const volatile void *address, uint32_t length)
{
    return ((uintptr_t)address | length) % sizeof(uintptr_t) == 0;
}

/* Of one page; each word is loaded once. Machine words where all are whole ones; but who wants to
 * hear of each load hears of the words that all slots are made of. */
static void copy_words(const struct ring *ring, uint32_t offset, uint32_t length, uint8_t *to)
{
    const struct simback_host *const host = ring->host;
    const volatile uint32_t *words = word_at(ring, offset);
    const bool told = host->before_load != NULL;
    const uint8_t *const end = to + length;

    if (!told && is_long(words, length)) {
        const volatile uintptr_t *from = (const volatile uintptr_t *)(uintptr_t)words;

        for (; to != end; to += sizeof(*from), from++) {
            const uintptr_t word = __atomic_load_n(from, __ATOMIC_RELAXED);

            memcpy(to, &word, sizeof(word));
        }
        return;
    }
    for (; to != end; to += sizeof(*words), words++) {
        uint32_t word;

        if (told)
            ring_tell_load(host, words, sizeof(word));
        word = __atomic_load_n(words, __ATOMIC_RELAXED);
        memcpy(to, &word, sizeof(word));
    }
}

static void store_words(const struct ring *ring, uint32_t offset, uint32_t length,
                        const uint8_t *from)
{
    volatile uint32_t *words = word_at(ring, offset);

    for (const uint8_t *end = from + length; from != end; from += sizeof(*words), words++) {
        uint32_t word;

        memcpy(&word, from, sizeof(word));
        __atomic_store_n(words, word, __ATOMIC_RELAXED);
    }
}

void ring_copy_request(const struct ring *ring, uint32_t index, uint32_t from, uint32_t to,
                       uint8_t *slot)
{
    const uint32_t begin = slot_offset(ring, index) + from;
    const uint32_t split = split_of(begin, to - from);

    copy_words(ring, begin, split, slot + from);
    if (split < to - from)
        copy_words(ring, begin + split, to - from - split, slot + from + split);
}

void ring_write_response(struct ring *ring, uint32_t index, const uint8_t *bytes, size_t length)
{
    const uint32_t begin = slot_offset(ring, index);
    const uint32_t split = split_of(begin, (uint32_t)length);

    store_words(ring, begin, split, bytes);
    if (split < length)
        store_words(ring, begin + split, (uint32_t)length - split, bytes + split);
}

bool ring_publish(struct ring *ring)
{
    const uint32_t old = ring->rsp_published;
    const uint32_t new = ring->rsp_prod;
    uint32_t event;

    ring->rsp_published = new;
    if (ring->host->before_publish != NULL)
        ring->host->before_publish(ring->host->context, ring->pages[0], new);
    __atomic_store_n(header_word(ring, RING_RSP_PROD), new, __ATOMIC_SEQ_CST);
    event = load_header(ring, RING_RSP_EVENT);
    return new - event < new - old; /* event lies in (old, new] (I14) */
}

bool ring_final_check(struct ring *ring)
{
    __atomic_store_n(header_word(ring, RING_REQ_EVENT), ring->req_cons + 1, __ATOMIC_SEQ_CST);
    return load_header(ring, RING_REQ_PROD) != ring->req_cons;
}

uint32_t ring_load(const struct ring *ring, enum ring_word word)
{
    return load_header(ring, word);
}

void ring_store(struct ring *ring, enum ring_word word, uint32_t value)
{
    __atomic_store_n(header_word(ring, word), value, __ATOMIC_SEQ_CST);
}

bool ring_fits(const struct ring *ring, uint32_t offset, size_t length)
{
    const size_t end = (size_t)ring->page_count * BLKIF_WIRE_PAGE_SIZE;

    return offset <= end && length <= end - offset;
}

void ring_poke(struct ring *ring, uint32_t offset, const void *bytes, size_t length)
{
    const uint8_t *from = bytes;

    for (size_t i = 0; i < length; i++) {
        uint8_t *page = ring->pages[(offset + i) / BLKIF_WIRE_PAGE_SIZE];

        __atomic_store_n(page + (offset + i) % BLKIF_WIRE_PAGE_SIZE, from[i], __ATOMIC_RELAXED);
    }
}
