/* SPDX-License-Identifier: ISC */
/*
 * What a ring costs by itself: requests that do nothing and their answers, over the header and the
 * slots of blkif.h. Nothing is granted, mapped, looked up or copied but slots; both sides look at
 * the indices without rest, so nobody is notified. Written for this alone, by the protocol and not
 * by either side's code, so that neither's faults hide in what it is set against.
 */
#include "bench.h"

#include <blkfront/blkif.h>

#include <pthread.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>

enum { PAGE = 4096, SLOTS_A_PAGE = 32, WORD = 4, PATIENCE = 4096 };

struct empty_ring {
    struct blkif_wire_ring_header *header;
    unsigned char *slots;
    uint32_t entries;
    uint32_t depth;
    uint64_t requests;
    char apart_1[64];
    uint32_t req_prod, rsp_cons; /* the front's */
    char apart_2[64];
    uint32_t req_cons; /* the back's */
    uint32_t began;    /* atomic: its thread runs */
};

static void copy_words(volatile void *to, const volatile void *from, size_t size)
{
    const volatile uint32_t *source = (const volatile uint32_t *)from;
    volatile uint32_t *target = (volatile uint32_t *)to;

    for (size_t i = 0; i < size / WORD; i++)
        __atomic_store_n(&target[i], __atomic_load_n(&source[i], __ATOMIC_RELAXED),
                         __ATOMIC_RELAXED);
}

static unsigned char *slot_of(const struct empty_ring *ring, uint32_t index)
{
    return ring->slots + (size_t)(index & (ring->entries - 1)) * BLKIF_WIRE_SLOT_64;
}

/* Somebody else may want the processor that the other side needs. */
static void be_patient(uint32_t *looks)
{
    if (++*looks % PATIENCE == 0)
        (void)sched_yield();
}

/* ---- the back ---- */

/* Answers all there is; how many. */
static uint32_t serve(struct empty_ring *ring)
{
    const uint32_t req_prod = __atomic_load_n(&ring->header->req_prod, __ATOMIC_ACQUIRE);
    const uint32_t count = req_prod - ring->req_cons;

    if (count == 0)
        return 0;
    while (ring->req_cons != req_prod) {
        struct blkif_wire_request_64 request;
        struct blkif_wire_response_64 response = {.status = BLKIF_WIRE_OKAY};

        copy_words(&request, slot_of(ring, ring->req_cons), sizeof(request));
        response.id = request.id;
        response.operation = request.operation;
        copy_words(slot_of(ring, ring->req_cons), &response, sizeof(response));
        ring->req_cons++;
    }
    __atomic_store_n(&ring->header->rsp_prod, ring->req_cons, __ATOMIC_SEQ_CST);
    (void)__atomic_load_n(&ring->header->rsp_event, __ATOMIC_SEQ_CST);
    __atomic_store_n(&ring->header->req_event, ring->req_cons + 1, __ATOMIC_SEQ_CST);
    return count;
}

static void *serve_all(void *context)
{
    struct empty_ring *ring = context;
    uint32_t looks = 0;

    __atomic_store_n(&ring->began, 1, __ATOMIC_RELEASE);
    for (uint64_t served = 0; served < ring->requests;) {
        const uint32_t count = serve(ring);

        served += count;
        if (count == 0)
            be_patient(&looks);
    }
    return NULL;
}

/* ---- the front ---- */

static void put(struct empty_ring *ring, uint32_t count)
{
    struct blkif_wire_request_64 request;

    memset(&request, 0, sizeof(request));
    request.operation = BLKIF_WIRE_READ;
    request.segment_count = 1;
    for (; count > 0; count--) {
        request.id = ring->req_prod;
        copy_words(slot_of(ring, ring->req_prod++), &request, sizeof(request));
    }
    __atomic_store_n(&ring->header->req_prod, ring->req_prod, __ATOMIC_SEQ_CST);
    (void)__atomic_load_n(&ring->header->req_event, __ATOMIC_SEQ_CST);
}

/* How many have been answered. */
static uint32_t collect(struct empty_ring *ring)
{
    const uint32_t rsp_prod = __atomic_load_n(&ring->header->rsp_prod, __ATOMIC_ACQUIRE);
    const uint32_t count = rsp_prod - ring->rsp_cons;

    if (count == 0)
        return 0;
    while (ring->rsp_cons != rsp_prod) {
        struct blkif_wire_response_64 response;

        copy_words(&response, slot_of(ring, ring->rsp_cons++), sizeof(response));
    }
    __atomic_store_n(&ring->header->rsp_event, ring->rsp_cons + 1, __ATOMIC_SEQ_CST);
    return count;
}

static void play(struct empty_ring *ring, bool alone)
{
    uint64_t left = ring->requests;
    uint32_t free = ring->depth, in_flight = 0, looks = 0;

    while (left > 0 || in_flight > 0) {
        const uint32_t more = left < free ? (uint32_t)left : free;
        uint32_t done;

        if (more > 0)
            put(ring, more);
        left -= more;
        in_flight += more;
        if (alone)
            (void)serve(ring);
        done = collect(ring);
        if (done == 0)
            be_patient(&looks);
        in_flight -= done;
        free = done;
    }
}

/* ---- both ---- */

static int begin_back(struct empty_ring *ring, pthread_t *back)
{
    const bool apart = bench_processors() >= 2;
    int result;

    if (apart)
        bench_stay(1);
    result = pthread_create(back, NULL, serve_all, ring);
    if (apart)
        bench_stay(0);
    return result;
}

static int play_beside(struct empty_ring *ring, double *seconds)
{
    pthread_t back;
    uint32_t looks = 0;
    double began;

    if (begin_back(ring, &back) != 0) {
        bench_roam();
        return -1;
    }
    while (__atomic_load_n(&ring->began, __ATOMIC_ACQUIRE) == 0)
        be_patient(&looks);
    began = bench_seconds();
    play(ring, false);
    *seconds = bench_seconds() - began;
    (void)pthread_join(back, NULL);
    bench_roam();
    return 0;
}

int bench_empty_ring(uint64_t requests, uint32_t depth, bool threads, double *seconds)
{
    struct empty_ring ring = {.entries = SLOTS_A_PAGE, .depth = depth, .requests = requests};
    size_t bytes;
    int result = 0;

    while (ring.entries < depth)
        ring.entries *= 2;
    bytes = (size_t)ring.entries / SLOTS_A_PAGE * PAGE;
    ring.header = aligned_alloc(PAGE, bytes);
    if (ring.header == NULL)
        return -1;
    memset(ring.header, 0, bytes);
    ring.slots = (unsigned char *)ring.header + BLKIF_WIRE_RING_HEADER;
    if (threads) {
        result = play_beside(&ring, seconds);
    } else {
        const double began = bench_seconds();

        play(&ring, true);
        *seconds = bench_seconds() - began;
    }
    free(ring.header);
    return result;
}
