/* SPDX-License-Identifier: ISC */
/*
 * libblkfront as a frontend that drops the status of a response: whatever the backend answers, the
 * caller is told success. The README shows what the tool prints of it.
 */
#include "tool.h"

#include <string.h>

enum { KEPT = 64 };

static struct {
    struct blkfront_request *request;
    void (*complete)(struct blkfront_request *request, int result);
} kept[KEPT];

static struct scenario_subject subject;

static void on_complete(struct blkfront_request *request, int result)
{
    for (size_t i = 0; i < KEPT; i++) {
        if (kept[i].request == request) {
            kept[i].request = NULL;
            request->complete = kept[i].complete;
            request->complete(request, result == BLKFRONT_IO_ERROR ? BLKFRONT_OK : result);
            return;
        }
    }
}

/* More requests than are kept are served well. */
static int submit(void *device, uint32_t queue, struct blkfront_request *request)
{
    size_t i = 0;

    while (i < KEPT && kept[i].request != NULL)
        i++;
    if (i < KEPT) {
        kept[i].request = request;
        kept[i].complete = request->complete;
        request->complete = on_complete;
    }
    return scenario_subject_blkfront.submit(device, queue, request);
}

const struct scenario_subject *tool_subject(void)
{
    memcpy(&subject, &scenario_subject_blkfront, sizeof(subject));
    subject.name = "careless";
    subject.submit = submit;
    return &subject;
}
