/* SPDX-License-Identifier: ISC */
/*
 * One queue, and what the files of the data path call of each other:
 *
 *     queue.c     its life: memory, ring, pages, port, start and stop; statistics
 *     submit.c    requests come in
 *     poll.c      responses come in, requests are completed, what waits goes on
 *     requeue.c   what is unanswered when a connection is over, and how the next one takes it up
 *     handover.c  requests of queues that have no ring of their own
 *     requests.c  the lists that a request is on
 *     admit.c     what may be taken, and what may still go out
 *     discard.c   discards, rounded to whole extents
 *     part.c      a piece of a read or write to a ring request's segments, and back
 *     shortage.c  pages and grants that run short
 *     transfer.c  reads and writes to parts, and the answers to all
 *     flush.c     the ways to flush
 *
 * Everything here belongs to the queue's own thread while the queue is OPEN, RUNNING or STOPPING,
 * but for what is marked atomic.
 */
#ifndef BLKFRONT_SRC_QUEUE_H
#define BLKFRONT_SRC_QUEUE_H

#include "internal.h"
#include "pool.h"
#include "ring.h"
#include "slots.h"
#include "wire.h"

/* A request is unfinished from submit until it is on the list `done`: its completion is due. So
 * long it is one of both. */
enum request_state {
    REQUEST_WAITING, /* on the list `waiting`: something of it has yet to be put on the ring */
    REQUEST_ISSUED   /* all of it is on the ring */
};

enum request_stage {
    REQUEST_DATA,
    REQUEST_FLUSHING /* a flush, or what follows a write with FUA */
};

struct request_list {
    struct blkfront_request *first; /* linked by internal.next */
    struct blkfront_request *last;
};

/* A piece of a request that a connection has not answered. */
struct blkfront_range {
    struct blkfront_range *next; /* of its request, ascending; or of the free ones */
    uint64_t first_512;
    uint64_t bytes;
    size_t buffer_index;
    size_t buffer_offset;
    uint32_t home; /* the queue that it goes back to */
    bool refused;  /* nothing of it was lost: it was answered "not supported" */
};

struct blkfront_queue {
    struct blkfront_device *device;
    const struct blkfront_platform *platform;
    uint32_t index;

    uint32_t state;        /* enum queue_state; atomic */
    uint64_t connection;   /* the how-manieth of the device; atomic */
    int stop_result;       /* atomic */
    const char *violation; /* atomic; the first one */

    struct ring ring;
    unsigned char *ring_slots; /* the shared slots */
    const struct wire_layout *layout;
    struct slots slots;
    uint32_t sector_mask;  /* sector size - 1 */
    uint32_t sector_shift; /* sectors to units of 512 */

    struct grant_block *ring_block;
    struct pool pools[2]; /* the second only where flags are fixed at sharing */
    struct pool *pool_to_disk;
    struct pool *pool_from_disk;

    bool purge_wanted;                       /* another queue is short of grants; atomic */
    bool memory_wanted;                      /* this one is, and tells the device's poll; atomic */
    uint64_t short_since_ns, short_pause_ns; /* of grants: the pause is 0 while there are some */
    uint64_t short_until_ns;                 /* the next look is then; 0: none is to come */

    struct blkfront_channel_set *channels; /* kept until the queue is CLOSED */
    uint32_t port;
    bool has_port;

    struct request_list waiting;
    struct request_list done;
    struct blkfront_request *oldest; /* of the unfinished ones, in the order of submission */
    struct blkfront_request *newest;
    uint64_t oldest_sequence; /* atomic; that of `oldest`, or UINT64_MAX; it may lag behind */

    bool taken;    /* the caller has it: it polls it; atomic */
    bool polling;  /* inside queue_poll: completions may submit */
    bool watched;  /* polled without rest: no event is asked for */
    bool blocked;  /* the first waiting request could not go on; until a slot is free */
    bool pump_due; /* waiting requests have not been looked at since they could go */
    bool stop_done;
    bool flush_worked; /* on this connection; atomic */

    struct blkfront_request *inbox; /* atomic: a stack of requests that others hand over */
    uint32_t target;                /* while SHARING: whose ring it shares; else no queue */
    struct blkfront_range *free_ranges;
    uint32_t free_range_count;
    struct blkfront_range *returned_ranges; /* atomic: a stack of ours that others have done with */

    bool drain_begun;
    bool drain_waiting; /* atomic: another queue's progress is of interest */

    struct slot *slot_memory;
    struct slot_segment *segment_memory;
    uint32_t *pool_memory;
    struct blkfront_range *range_memory;
    struct blkfront_statistics statistics; /* members read by any thread */
};

static inline bool agreed_flag(const bool *live)
{
    return __atomic_load_n(live, __ATOMIC_RELAXED);
}

static inline uint32_t agreed_number(const uint32_t *live)
{
    return __atomic_load_n(live, __ATOMIC_RELAXED);
}

/* Sectors to units of 512 bytes. */
static inline uint32_t sector_shift(uint32_t sector_size)
{
    return (uint32_t)__builtin_ctz(sector_size / BLKIF_WIRE_UNIT);
}

/* Without overflow, whatever the numbers (I9). */
static inline bool on_disk(const struct agreed *agreed, uint32_t shift, uint64_t sector,
                           uint64_t sectors)
{
    uint64_t size = __atomic_load_n(&agreed->size_512, __ATOMIC_RELAXED) >> shift;

    return sector <= size && sectors <= size - sector;
}

static inline bool has_data(const struct blkfront_request *request)
{
    return request->operation == BLKFRONT_READ || request->operation == BLKFRONT_WRITE;
}

static inline void statistics_add(uint64_t *counter, uint64_t n)
{
    /* One writer: no locked instruction is needed, only no torn value for readers. */
    __atomic_store_n(counter, __atomic_load_n(counter, __ATOMIC_RELAXED) + n, __ATOMIC_RELAXED);
}

/* A slot for one request more, NULL when the ring is full: there are as many slots as a ring may
 * have entries at least, and what is on the ring has one. */
static inline struct slot *queue_take_slot(struct blkfront_queue *queue)
{
    return ring_room(&queue->ring) == 0 ? NULL : slots_take(&queue->slots);
}

/* ---- queue.c ---- */

/* The backend broke the protocol: nothing is read from the ring any more. */
void queue_fail(struct blkfront_queue *queue, const char *reason);
/* The backend cannot do what it had offered: off for all of the device, which tells the caller
 * (I8).
 */
void queue_withdraw(struct blkfront_queue *queue, bool *feature);
/* Takes notice of another sector size: before a request is taken or goes out. */
void queue_refresh(struct blkfront_queue *queue);
/* Puts a request for this slot on the ring, unpublished; fills in its id. */
void queue_put(struct blkfront_queue *queue, struct slot *slot, struct wire_request *wire);
/* Publishes what has been put and notifies if the backend wants that. */
void queue_publish(struct blkfront_queue *queue);
/* The answer in this entry of the ring is about to be taken: the grants that it will most likely
 * end are asked for while it comes over. */
void queue_expect_answer(const struct blkfront_queue *queue, uint32_t entry);
/* Gives up a slot with its pages, without looking at the data; `answered`, or the connection is
 * over.
 */
void queue_drop_slot(struct blkfront_queue *queue, struct slot *slot, bool answered);

/* ---- submit.c ---- */

/* Puts waiting requests on the ring, in order, as far as they go. `pump_due` stays if it only
 * stopped to keep the work of one call bounded. */
void queue_pump(struct blkfront_queue *queue);

/* ---- requests.c ---- */

/* What an `issue` function answers beside 0 and errors: the request has to wait. */
enum { ISSUE_BLOCKED = 1 };

/* A new request, the device's youngest: unfinished and waiting, on no queue. */
void requests_begin(struct blkfront_queue *queue, struct blkfront_request *request);
/* It is this queue's from now on, in the order of submission. */
void requests_add(struct blkfront_queue *queue, struct blkfront_request *request);
/* One that waits is this queue's no more. */
void requests_leave(struct blkfront_queue *queue, struct blkfront_request *request);
/* The slot is nobody's, but its pages are still the backend's. */
void requests_lose_slot(struct slot *slot);
/* It needs another ring request, before all that wait and are younger. */
void requests_again(struct blkfront_queue *queue, struct blkfront_request *request);
/* The first waiting request is on the ring altogether. */
void requests_issued(struct blkfront_queue *queue);
/* It is over, wherever it is; its completion comes with this poll or the next. */
void requests_finish(struct blkfront_queue *queue, struct blkfront_request *request, int result);
/* It needed nothing at all. */
void requests_finish_new(struct blkfront_queue *queue, struct blkfront_request *request);
/* It is over without an answer: its slots live on as abandoned ones. */
void requests_abandon(struct blkfront_queue *queue, struct blkfront_request *request, int result);
/* Every request loses its slots, none waits. */
void requests_cut(struct blkfront_queue *queue);
/* Calls the completions that are due now, not those that they make due. */
void requests_complete(struct blkfront_queue *queue);
/* The worse of two results (I8). */
int worse_result(int a, int b);
/* The lists, the order and the slots agree. */
bool queue_check(const struct blkfront_queue *queue);

/* ---- admit.c ---- */

/* Is it a request at all? Needs no connection. */
int transfer_arguments(const struct blkfront_queue *queue, const struct blkfront_request *request,
                       uint64_t *bytes);
/* All of its data. */
uint64_t transfer_bytes(const struct blkfront_request *request);
/* May it go out on this connection? */
int transfer_admit(const struct blkfront_queue *queue, const struct blkfront_request *request,
                   uint64_t bytes);
/* May it still, though the disk has changed since? */
int transfer_admit_again(const struct blkfront_queue *queue,
                         const struct blkfront_request *request);
/* The same for what is left of it on another connection, which may be any disk. */
int transfer_admit_anew(const struct blkfront_queue *queue, const struct blkfront_request *request);
/* May it wait for the next connection? What the disk permits is checked then. INVALID by the
 * sectors that there were, and OUT_OF_RANGE if no disk is so large. */
int transfer_admit_later(const struct blkfront_queue *queue, const struct blkfront_request *request,
                         uint64_t bytes);
/* What is to be done, in units of 512; after transfer_admit or transfer_admit_later. */
void transfer_begin(const struct blkfront_queue *queue, struct blkfront_request *request);

/* ---- discard.c ---- */

/* OK, READ_ONLY or UNIMPLEMENTED. */
int discard_permit(const struct blkfront_queue *queue, const struct blkfront_request *request);
/* Of what is to be done, the whole extents: maybe nothing. */
void discard_fit(const struct blkfront_queue *queue, struct blkfront_request *request);
/* Puts it on the ring: 0 or ISSUE_BLOCKED. */
int discard_issue(struct blkfront_queue *queue, struct blkfront_request *request);

/* ---- part.c ---- */

/* What part_issue answers when there is no page or no grant for even one segment. */
enum { PART_EMPTY = 2 };

/* Puts one ring request with what comes next of a read or write on the ring: 0, PART_EMPTY, or
 * ISSUE_BLOCKED where there is no room for it. */
int part_issue(struct blkfront_queue *queue, struct blkfront_request *request);
/* A read has succeeded: what was copied goes into the caller's buffers. */
void part_copy_in(struct blkfront_queue *queue, const struct slot *slot);

/* ---- shortage.c ---- */

/* Before the queue runs: a page for copies is granted and kept. */
void shortage_reserve(struct blkfront_queue *queue);
/* Grants are short: ends some that are kept and not needed. True if one is ended. */
bool shortage_relieve(struct blkfront_queue *queue);
/* No page or no grant for even one segment: 0 to try again at once, ISSUE_BLOCKED if something will
 * come, or NO_MEMORY. */
int shortage_wait(struct blkfront_queue *queue);
/* Is it time to look again? */
bool shortage_is_over(const struct blkfront_queue *queue);
/* A part of each poll: what other queues want, and what is kept too long. */
void shortage_poll(struct blkfront_queue *queue);

/* ---- requeue.c ---- */

/* Memory for so many ranges. */
void requeue_init(struct blkfront_queue *queue, struct blkfront_range *memory, uint32_t count);
/* The connection is over: what is on the ring leaves its ranges and waits. */
void requeue_keep(struct blkfront_queue *queue);
/* An indirect request was answered "not supported": what it was for is to be done again. */
void requeue_refused(struct blkfront_queue *queue, const struct slot *slot);
/* Could what is about to go out be kept, should the connection be lost? */
bool requeue_has_room(const struct blkfront_queue *queue);
/* Takes back ranges that others have done with; true if there were any. */
bool requeue_collect(struct blkfront_queue *queue);
/* May a request that was taken on another connection, or on none, go out on this one? OUT_OF_RANGE,
 * READ_ONLY or UNIMPLEMENTED if not. */
int requeue_admit(struct blkfront_queue *queue, struct blkfront_request *request);
/* Puts the ranges of the first waiting request on the ring: 0, ISSUE_BLOCKED or an error. */
int requeue_issue(struct blkfront_queue *queue, struct blkfront_request *request);
/* The ranges are not to be issued again. */
void requeue_drop(struct blkfront_queue *queue, struct blkfront_request *request);

/* ---- handover.c ---- */

/* Hands a request that is on no queue to the one whose ring this queue shares. Any queue's thread
 * may do so at any time until its own queue has come to rest. */
void handover_push(struct blkfront_queue *queue, struct blkfront_request *request);
/* All requests of a queue that shares. What waits is handed over once: what comes later does not
 * wait here. */
void handover_all(struct blkfront_queue *queue);
/* Takes what others have handed over. */
void handover_take(struct blkfront_queue *queue);
/* Is there a queue that may still hand something over to this one? */
bool handover_may_come(const struct blkfront_queue *queue);

/* ---- transfer.c ---- */

/* Puts one ring request with what comes next of a read, write or discard on the ring: 0,
 * ISSUE_BLOCKED or an error. */
int transfer_part(struct blkfront_queue *queue, struct blkfront_request *request);

/* Puts all parts of the first waiting request on the ring: 0, ISSUE_BLOCKED or an error. */
int transfer_issue(struct blkfront_queue *queue, struct blkfront_request *request);
/* A response to one part. */
void transfer_answered(struct blkfront_queue *queue, struct slot *slot, int status);

/* ---- flush.c ---- */

/* OK, READ_ONLY or UNIMPLEMENTED. */
int flush_admit(const struct blkfront_queue *queue);
int flush_issue(struct blkfront_queue *queue, struct blkfront_request *request);
void flush_answered(struct blkfront_queue *queue, struct blkfront_request *request,
                    uint8_t operation, int status);
/* The request that drains is over, or the queue stops. */
void drain_end(struct blkfront_queue *queue);
/* Tells other queues that wait for a drain how far this one has come. */
void drain_report(struct blkfront_queue *queue);
/* Other queues' drains may have something to see. */
void drain_look_again(struct blkfront_queue *queue);

#endif
