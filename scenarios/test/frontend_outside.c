/* SPDX-License-Identifier: ISC */
/*
 * The misbehaving frontend as a shared object. Of its table and of how it is loaded the environment
 * can make something else: SIMBLK_TEST_OUTSIDE names what.
 */
#include "tool.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static bool wanted(const char *what)
{
    const char *said = getenv("SIMBLK_TEST_OUTSIDE");

    return said != NULL && strcmp(said, what) == 0;
}

__attribute__((constructor)) static void construct(void)
{
    if (wanted("constructor-aborts"))
        abort();
    if (wanted("constructor-exits"))
        exit(3);
    while (wanted("constructor-hangs"))
        sleep(1);
    /* Once it is played: the probe has loaded it before. */
    if (wanted("second-load-aborts") && access("loaded", F_OK) == 0)
        abort();
    if (wanted("second-load-aborts"))
        fclose(fopen("loaded", "wb"));
}

__attribute__((destructor)) static void destruct(void)
{
    while (wanted("destructor-hangs"))
        sleep(1);
}

static int refuse(void *device, uint32_t queue, struct blkfront_request *request)
{
    (void)device;
    (void)queue;
    (void)request;
    return BLKFRONT_INVALID;
}

/* Another request, another piece of memory that nobody knows of. */
static int leak_and_submit(void *device, uint32_t queue, struct blkfront_request *request)
{
    char *volatile lost = malloc(300);

    if (lost != NULL)
        lost[0] = 1;
    lost = NULL;
    return tool_subject()->submit(device, queue, request);
}

const struct scenario_subject *simblk_frontend(void)
{
    static struct scenario_subject subject;

    subject = *tool_subject();
    if (wanted("no-table"))
        return NULL;
    if (wanted("other-version"))
        subject.version = 2;
    if (wanted("short-table"))
        subject.size = 64;
    if (wanted("newer-table"))
        subject.size += 64;
    if (wanted("no-submit"))
        subject.submit = NULL;
    if (wanted("refuses-all"))
        subject.submit = refuse;
    if (wanted("leaks"))
        subject.submit = leak_and_submit;
    if (wanted("claims-memory"))
        subject.memory_create = NULL;
    if (wanted("lacks-much"))
        subject.capabilities = 0;
    if (wanted("older-table")) {
        subject.size = offsetof(struct scenario_subject, quarantined);
        subject.capabilities &= ~(uint64_t)SCENARIO_SUBJECT_SUSPEND;
    }
    return &subject;
}
