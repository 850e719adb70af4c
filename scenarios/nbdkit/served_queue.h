/* SPDX-License-Identifier: ISC */
/*
 * One queue of a served disk (served_queue.c), for the one who looks after the device (served.c).
 */
#ifndef SCENARIO_NBDKIT_SERVED_QUEUE_H
#define SCENARIO_NBDKIT_SERVED_QUEUE_H

#include <simback/threads.h>

#include <blkfront/blkfront.h>

#include <pthread.h>

/* What a sector of the disk is just now. The device's poll may change it, under the lock; who makes
 * sectors of bytes has the lock until the library has taken the request. */
struct served_unit {
    pthread_mutex_t lock;
    uint32_t bytes;
};

/* In the memory of the thread that waits for it. */
struct served_call {
    struct blkfront_request request;
    struct blkfront_buffer buffer; /* of `size` bytes, or not used */
    uint64_t offset, size;         /* in bytes */
    struct served_queue *queue;
    struct served_call *next;
    int result;
    bool done;
    pthread_cond_t is_done;
};

struct served_queue {
    struct simback_threads *threads;
    struct served_unit *unit; /* the device's */
    struct blkfront_queue *queue;
    uint32_t index;
    pthread_t thread;
    pthread_mutex_t lock;              /* of all below, and of done of the calls */
    struct served_call *first, **last; /* not submitted yet */
    bool open;                         /* takes calls */
    bool over;                         /* the device is closed: the thread ends */
};

bool served_queue_init(struct served_queue *queue, struct simback_threads *threads,
                       struct served_unit *unit, uint32_t index);
void served_queue_fini(struct served_queue *queue);
/* On a device that is connected; false: no thread can be made. */
bool served_queue_begin(struct served_queue *queue, struct blkfront_device *device);
/* From now on it takes no more calls. */
void served_queue_shut(struct served_queue *queue);
/* The device is closed: what is left fails, and the thread ends. */
void served_queue_end(struct served_queue *queue);
/* Hands a call over and waits for it; its result. */
int served_queue_call(struct served_queue *queue, struct served_call *call);

#endif
