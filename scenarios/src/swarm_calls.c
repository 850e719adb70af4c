/* SPDX-License-Identifier: ISC */
/*
 * What the application of a swarm's program does. Each of these steps calls the frontend.
 */
#include "swarm.h"

enum {
    SHORT = 24, /* units of 512 bytes of most requests, at most */
    LONG = 300, /* of some */
    POOL = 32   /* pages; few, so that they run out */
};

struct scenario_step swarm_connect(struct swarm *swarm)
{
    struct scenario_step connect = swarm_step(STEP_CONNECT);

    swarm_set(&connect, FIELD_CONNECT_POOL,
              1 + swarm_below(swarm, swarm_one_in(swarm, 4) ? 8 : POOL));
    return connect;
}

/* ---- data ---- */

/* Where, how many, and in what memory; both operations have these fields in the same order. */
static void place(struct swarm *swarm, struct scenario_step *step, const unsigned fields[5])
{
    const uint64_t most = 1 + swarm_below(swarm, swarm_one_in(swarm, 24) ? LONG : SHORT);
    uint64_t length = 1 + swarm_below(swarm, most) / swarm->unit, sector;

    if (length > swarm->size)
        length = swarm->size;
    sector = swarm_below(swarm, swarm->size - length + 1);
    if (swarm_one_in(swarm, 40))
        sector = swarm->size - 1; /* and beyond */
    swarm_set(step, fields[0], sector);
    swarm_set(step, fields[1], length);
    swarm_maybe(swarm, step, 4, fields[2], 1 + swarm_below(swarm, 4));
    swarm_maybe(swarm, step, 3, fields[3],
                swarm_one_in(swarm, 2) ? CHOICE_MEMORY_LIBRARY : CHOICE_MEMORY_HEAP);
    if (swarm->queues > 1)
        swarm_set(step, fields[4], swarm_below(swarm, swarm->queues));
}

static void do_read(struct swarm *swarm)
{
    static const unsigned fields[] = {FIELD_READ_SECTOR, FIELD_READ_COUNT, FIELD_READ_BUFFERS,
                                      FIELD_READ_MEMORY, FIELD_READ_QUEUE};
    struct scenario_step step = swarm_step(STEP_READ);

    place(swarm, &step, fields);
    swarm_set(&step, FIELD_READ_ASYNC, 1);
    swarm_put(swarm, &step);
}

static void do_write(struct swarm *swarm)
{
    static const unsigned fields[] = {FIELD_WRITE_SECTOR, FIELD_WRITE_COUNT, FIELD_WRITE_BUFFERS,
                                      FIELD_WRITE_MEMORY, FIELD_WRITE_QUEUE};
    struct scenario_step step = swarm_step(STEP_WRITE);

    place(swarm, &step, fields);
    swarm_set(&step, FIELD_WRITE_FILL, swarm_below(swarm, SWARM_LAST_FILL));
    swarm_maybe(swarm, &step, 10, FIELD_WRITE_FUA, 1);
    swarm_maybe(swarm, &step, 30, FIELD_WRITE_BARRIER, 1);
    swarm_set(&step, FIELD_WRITE_ASYNC, 1);
    swarm_put(swarm, &step);
}

static void do_flush(struct swarm *swarm)
{
    struct scenario_step step = swarm_step(STEP_FLUSH);

    if (swarm->queues > 1)
        swarm_set(&step, FIELD_FLUSH_QUEUE, swarm_below(swarm, swarm->queues));
    swarm_set(&step, FIELD_FLUSH_ASYNC, 1);
    swarm_put(swarm, &step);
}

static void do_discard(struct swarm *swarm)
{
    struct scenario_step step = swarm_step(STEP_DISCARD);
    uint64_t sector = swarm_below(swarm, swarm->size);

    swarm_set(&step, FIELD_DISCARD_SECTOR, sector);
    swarm_set(&step, FIELD_DISCARD_COUNT, 1 + swarm_below(swarm, swarm->size - sector));
    swarm_maybe(swarm, &step, 6, FIELD_DISCARD_SECURE, 1);
    swarm_set(&step, FIELD_DISCARD_ASYNC, 1);
    swarm_put(swarm, &step);
}

/* ---- the rest ---- */

static void do_poll(struct swarm *swarm)
{
    swarm_put_plain(swarm, STEP_POLL);
}

/* Where calls may fail, connect may fail at once, and leave the application without a device: then
 * it tries again when nothing fails any more. */
static void do_connect(struct swarm *swarm)
{
    struct scenario_step step = swarm_connect(swarm);

    swarm_set(&step, FIELD_CONNECT_ASYNC, 1);
    swarm_maybe(swarm, &step, 2, FIELD_CONNECT_RECOVER, (1 + swarm_below(swarm, 10)) * SWARM_S);
    swarm_put(swarm, &step);
    if (!swarm->failing)
        return;
    swarm_put_plain(swarm, STEP_MEND);
    swarm->failing = false;
    swarm_put(swarm, &step);
}

static void do_disconnect(struct swarm *swarm)
{
    struct scenario_step step = swarm_step(STEP_DISCONNECT);

    swarm_set(&step, FIELD_DISCONNECT_ASYNC, 1);
    swarm_put(swarm, &step);
    if (!swarm_one_in(swarm, 4))
        do_connect(swarm);
}

const struct swarm_kind swarm_calls[] = {
    {do_read, 40, 1}, {do_write, 40, 1},  {do_flush, 10, 2},     {do_discard, 6, 3},
    {do_poll, 10, 2}, {do_connect, 2, 2}, {do_disconnect, 2, 4},
};

const unsigned swarm_call_kinds = sizeof(swarm_calls) / sizeof(swarm_calls[0]);
