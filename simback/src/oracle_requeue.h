/* SPDX-License-Identifier: ISC */
/*
 * Whose a ring request is, where its units do not tell (oracle_evidence.c), and what a request that
 * outlives its connection has got so far (oracle_requeue.c).
 */
#ifndef SIMBACK_ORACLE_REQUEUE_H
#define SIMBACK_ORACLE_REQUEUE_H

#include "oracle_internal.h"

/* I2: what the data of a ring request says of whether it is this request's; it asks for its units.
 */
enum evidence { EVIDENCE_AGAINST, EVIDENCE_NONE, EVIDENCE_PROOF };
enum evidence evidence_of(const struct oracle_put *put, const struct oracle_request *request);

static inline bool oracle_is_fua(const struct oracle_request *request)
{
    return request->operation == BLKFRONT_WRITE && (request->flags & BLKFRONT_FUA) != 0;
}

/* Another one might have been meant by one of its parts. */
static inline void oracle_make_ambiguous(struct oracle_device *device,
                                         struct oracle_request *request)
{
    device->ambiguous += !request->ambiguous;
    request->ambiguous = true;
}

/* I15 */
void requeue_answered(struct oracle *oracle, struct oracle_request *request,
                      const struct oracle_part *part);
/* Before the book says that it is on this connection. */
void requeue_put(const struct oracle_put *put, const struct oracle_request *request,
                 uint64_t count_512);
/* A write with FUA may repeat what it has got from a backend that is gone, and with it perhaps its
 * cache (I16). When there is another one: */
void requeue_connected(struct oracle *oracle, struct oracle_device *device);
/* How much of these units it may repeat. */
uint64_t requeue_may_repeat(const struct oracle_request *request, uint64_t first_512,
                            uint64_t count_512);
/* It does: what it repeats it has not got any more. */
void requeue_repeats(struct oracle *oracle, struct oracle_request *request, uint64_t first_512,
                     uint64_t count_512);
/* These units, or all that it has got, are lost if they were not durable. */
void requeue_cut(struct oracle *oracle, const struct oracle_device *device,
                 struct oracle_request *request, uint64_t first_512, uint64_t end_512);
void requeue_power_cut(struct oracle *oracle, const struct oracle_device *device,
                       struct oracle_request *request);
/* Before the book of the data has it as written. */
void requeue_succeeds(struct oracle *oracle, const struct oracle_device *device,
                      const struct oracle_request *request);
void requeue_end(struct oracle *oracle, struct oracle_request *request);

#endif
