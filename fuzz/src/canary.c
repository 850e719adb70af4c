/* SPDX-License-Identifier: ISC */
/*
 * The bug: what follows a write in several buffers and a flush, with nothing in between, is
 * accepted and forgotten. No seed does that; who is led by coverage gets there a request at a time.
 */
#include "canary.h"

static unsigned passed; /* of the requests that have to come first */

static int create(const struct blkfront_platform *platform, void **context)
{
    passed = 0;
    return scenario_subject_blkfront.create(platform, context);
}

/* Each case is an edge of its own: that is what a fuzzer sees of its progress. */
static bool goes_on(const struct blkfront_request *request)
{
    switch (passed) {
    case 0: return request->operation == BLKFRONT_WRITE && request->buffer_count > 1;
    case 1: return request->operation == BLKFRONT_FLUSH;
    default: return false;
    }
}

static int submit(void *device, uint32_t queue, struct blkfront_request *request)
{
    if (passed == 2) {
        return BLKFRONT_OK; /* here it is lost */
    }
    passed = goes_on(request) ? passed + 1 : 0;
    return scenario_subject_blkfront.submit(device, queue, request);
}

const struct scenario_subject *canary_subject(void)
{
    static struct scenario_subject subject;

    subject = scenario_subject_blkfront;
    subject.name = "canary";
    subject.create = create;
    subject.submit = submit;
    return &subject;
}
