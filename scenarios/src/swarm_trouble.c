/* SPDX-License-Identifier: ISC */
/*
 * What goes wrong in a swarm's program, and how the world moves in between: a table of kinds, of
 * which each seed has some. swarm.c brings all of it to its end.
 */
#include "swarm.h"

static uint64_t some(struct swarm *swarm, const unsigned *values, size_t count)
{
    return values[swarm_below(swarm, count)];
}

#define SOME(swarm, values) some(swarm, values, sizeof(values) / sizeof((values)[0]))

static uint64_t some_text(struct swarm *swarm, const char *const *values, size_t count)
{
    return swarm_text(swarm, values[swarm_below(swarm, count)]);
}

#define SOME_TEXT(swarm, values) some_text(swarm, values, sizeof(values) / sizeof((values)[0]))

/* ---- the world moves ---- */

static void do_run(struct swarm *swarm)
{
    struct scenario_step step = swarm_step(STEP_RUN);

    if (swarm->moved) /* it may be at rest already */
        return;
    /* Where grants or ports are short for good it would never come to rest. */
    if (swarm->failing || !swarm_one_in(swarm, 4))
        swarm_set(&step, FIELD_RUN_STEPS, 1 + swarm_below(swarm, 30));
    swarm_put(swarm, &step);
    swarm->moved = true;
}

static void do_time(struct swarm *swarm)
{
    struct scenario_step step = swarm_step(STEP_RUN);

    swarm_set(&step, FIELD_RUN_TIME, (1 + swarm_below(swarm, 3000)) * SWARM_MS);
    swarm_put(swarm, &step);
    swarm->moved = true;
}

/* ---- questions, which change nothing ---- */

static void do_ask(struct swarm *swarm)
{
    const bool moved = swarm->moved;

    swarm_put_plain(swarm, swarm_one_in(swarm, 2) ? STEP_INFO : STEP_STATS);
    swarm->moved = moved;
}

/* ---- what the backend does with requests ---- */

static struct scenario_step some_requests(struct swarm *swarm, uint64_t times)
{
    static const unsigned operations[] = {CHOICE_OPERATION_ANY, CHOICE_OPERATION_READ,
                                          CHOICE_OPERATION_WRITE, CHOICE_OPERATION_FLUSH,
                                          CHOICE_OPERATION_DISCARD};
    struct scenario_step step = swarm_step(STEP_FAULT);

    swarm_maybe(swarm, &step, 2, FIELD_FAULT_OP, SOME(swarm, operations));
    swarm_set(&step, FIELD_FAULT_TIMES, 1 + swarm_below(swarm, times));
    return step;
}

static void put_fault(struct swarm *swarm, unsigned action, uint64_t times)
{
    struct scenario_step step = some_requests(swarm, times);

    swarm_set(&step, FIELD_FAULT_ACTION, action);
    swarm_put(swarm, &step);
}

static void do_error(struct swarm *swarm)
{
    put_fault(swarm, swarm_one_in(swarm, 3) ? CHOICE_ACTION_EOPNOTSUPP : CHOICE_ACTION_ERROR, 6);
}

static void do_status(struct swarm *swarm)
{
    struct scenario_step step = some_requests(swarm, 3);

    swarm_set(&step, FIELD_FAULT_STATUS, 1 + swarm_below(swarm, 200));
    swarm_put(swarm, &step);
}

static void do_delay(struct swarm *swarm)
{
    struct scenario_step step = some_requests(swarm, 6);

    swarm_set(&step, FIELD_FAULT_DELAY, (1 + swarm_below(swarm, 50)) * SWARM_MS);
    swarm_put(swarm, &step);
}

static void do_reorder(struct swarm *swarm)
{
    put_fault(swarm, CHOICE_ACTION_REORDER, 6);
}

static void do_drop(struct swarm *swarm)
{
    put_fault(swarm, CHOICE_ACTION_DROP, 1);
    swarm->backend_changed = true; /* it never answers */
}

static void do_hold(struct swarm *swarm)
{
    put_fault(swarm, CHOICE_ACTION_HOLD, 6);
}

static void do_duplicate(struct swarm *swarm)
{
    put_fault(swarm, CHOICE_ACTION_DUPLICATE, 1);
    swarm->backend_changed = true;
}

static void do_harm(struct swarm *swarm)
{
    static const unsigned actions[] = {CHOICE_ACTION_CORRUPT, CHOICE_ACTION_TORN,
                                       CHOICE_ACTION_LOST, CHOICE_ACTION_SHORT,
                                       CHOICE_ACTION_MAPFAIL};

    put_fault(swarm, (unsigned)SOME(swarm, actions), 3);
}

static void do_misdirect(struct swarm *swarm)
{
    struct scenario_step step = some_requests(swarm, 2);

    swarm_set(&step, FIELD_FAULT_ACTION, CHOICE_ACTION_MISDIRECT);
    swarm_set(&step, FIELD_FAULT_OFFSET, 1 + swarm_below(swarm, 40));
    swarm_put(swarm, &step);
}

static void do_clear(struct swarm *swarm)
{
    swarm_put_plain(swarm, STEP_FAULT_CLEAR);
}

/* ---- the backend's life ---- */

static void change(struct swarm *swarm, enum scenario_opcode opcode)
{
    swarm_put_plain(swarm, opcode);
    swarm->backend_changed = true;
}

static void do_close(struct swarm *swarm)
{
    change(swarm, STEP_BACKEND_CLOSE);
}

static void do_crash(struct swarm *swarm)
{
    change(swarm, STEP_BACKEND_CRASH);
}

static void do_restart(struct swarm *swarm)
{
    struct scenario_step step = swarm_step(STEP_BACKEND_RESTART);

    swarm_maybe(swarm, &step, 4, FIELD_BACKEND_RESTART_QUEUES,
                1 + swarm_below(swarm, SWARM_QUEUES));
    swarm_maybe(swarm, &step, 4, FIELD_BACKEND_RESTART_ORDER, swarm_below(swarm, 3));
    swarm_maybe(swarm, &step, 4, FIELD_BACKEND_RESTART_SEGMENTS, swarm_below(swarm, 64));
    swarm_maybe(swarm, &step, 4, FIELD_BACKEND_RESTART_PERSISTENT, swarm_yes_or_no(swarm));
    swarm_maybe(swarm, &step, 4, FIELD_BACKEND_RESTART_FLUSH, swarm_yes_or_no(swarm));
    swarm_maybe(swarm, &step, 6, FIELD_BACKEND_RESTART_BACKEND_ID, 2 + swarm_below(swarm, 5));
    swarm_put(swarm, &step);
    swarm->backend_changed = true;
}

static void do_hang(struct swarm *swarm)
{
    change(swarm, swarm_one_in(swarm, 3) ? STEP_BACKEND_HANG : STEP_BACKEND_WAKE);
}

static void do_stall(struct swarm *swarm)
{
    struct scenario_step step = swarm_step(STEP_BACKEND_STALL);

    if (swarm_one_in(swarm, 2)) {
        change(swarm, STEP_BACKEND_GO);
        return;
    }
    swarm_set(&step, FIELD_BACKEND_STALL_STATE, 2 + 2 * swarm_below(swarm, 3));
    swarm_put(swarm, &step);
    swarm->backend_changed = true;
}

static void do_read_only(struct swarm *swarm)
{
    struct scenario_step step = swarm_step(STEP_BACKEND_READ_ONLY);

    swarm_maybe(swarm, &step, 2, FIELD_BACKEND_READ_ONLY_OFF, 1);
    swarm_put(swarm, &step);
    swarm->backend_changed = true;
}

static void do_resize(struct swarm *swarm)
{
    struct scenario_step step = swarm_step(STEP_BACKEND_RESIZE);

    swarm->size = swarm->size / 2 + swarm_below(swarm, swarm->size) + 64;
    swarm_set(&step, FIELD_BACKEND_RESIZE_SECTORS, swarm->size);
    swarm_put(swarm, &step);
}

static void do_rewrite(struct swarm *swarm)
{
    swarm_put_plain(swarm, STEP_BACKEND_REWRITE_NODES);
}

static void do_power_cut(struct swarm *swarm)
{
    change(swarm, STEP_BACKEND_POWER_CUT);
    if (swarm_one_in(swarm, 2))
        do_restart(swarm);
}

/* ---- events and grants ---- */

/* What was lost may be waited for. */
static void do_event(struct swarm *swarm)
{
    change(swarm, swarm_one_in(swarm, 2) ? STEP_EVENT_LOSE : STEP_EVENT_SPURIOUS);
}

static void do_storm(struct swarm *swarm)
{
    struct scenario_step step = swarm_step(STEP_EVENT_STORM);

    swarm_set(&step, FIELD_EVENT_STORM_STEPS, 1 + swarm_below(swarm, 60));
    if (swarm->queues > 1)
        swarm_set(&step, FIELD_EVENT_STORM_QUEUE, swarm_below(swarm, swarm->queues));
    swarm_put(swarm, &step);
}

static void do_keep(struct swarm *swarm)
{
    swarm->keeping = !swarm->keeping;
    swarm_put_plain(swarm, swarm->keeping ? STEP_GRANT_KEEP : STEP_GRANT_DROP);
}

/* ---- XenStore ---- */

static void do_state(struct swarm *swarm)
{
    static const char *const values[] = {"1", "2", "3", "4", "5", "6", "7", "8", "", "nine"};
    struct scenario_step step = swarm_step(STEP_STORE_WRITE);

    swarm_set(&step, FIELD_STORE_WRITE_PATH, swarm_text(swarm, "back/state"));
    swarm_set(&step, FIELD_STORE_WRITE_VALUE, SOME_TEXT(swarm, values));
    swarm_put(swarm, &step);
    swarm->backend_changed = true;
}

static void do_store_fail(struct swarm *swarm)
{
    static const char *const paths[] = {"back/state",     "front/state",
                                        "front/backend",  "front/backend-id",
                                        "back/sectors",   "back/feature-flush-cache",
                                        "front/ring-ref", "front/event-channel"};
    static const unsigned errors[] = {CHOICE_STORE_ERROR_NOENT, CHOICE_STORE_ERROR_ACCES,
                                      CHOICE_STORE_ERROR_IO, CHOICE_STORE_ERROR_NOSPC,
                                      CHOICE_STORE_ERROR_TOO_BIG};
    struct scenario_step step = swarm_step(STEP_STORE_FAIL);

    swarm_set(&step, FIELD_STORE_FAIL_PATH, SOME_TEXT(swarm, paths));
    swarm_set(&step, FIELD_STORE_FAIL_ERROR, SOME(swarm, errors));
    swarm_set(&step, FIELD_STORE_FAIL_NTH, 1 + swarm_below(swarm, 4));
    swarm_set(&step, FIELD_STORE_FAIL_TIMES, 1 + swarm_below(swarm, 3));
    swarm_put(swarm, &step);
    swarm->failing = true;
}

static void do_store_again(struct swarm *swarm)
{
    struct scenario_step step = swarm_step(STEP_STORE_AGAIN);

    swarm_set(&step, FIELD_STORE_AGAIN_TIMES, 1 + swarm_below(swarm, 70));
    swarm_put(swarm, &step);
    swarm->failing = true;
}

static void do_store_deny(struct swarm *swarm)
{
    static const char *const paths[] = {"back", "back/state", "front", "front/state",
                                        "front/ring-ref"};
    struct scenario_step step = swarm_step(STEP_STORE_DENY);

    swarm_set(&step, FIELD_STORE_DENY_PATH, SOME_TEXT(swarm, paths));
    swarm_put(swarm, &step);
    swarm->failing = true;
    swarm->backend_changed = true; /* unseen */
}

static void do_watch_fire(struct swarm *swarm)
{
    static const char *const paths[] = {"back/state", "front/backend", "front/backend-id"};
    struct scenario_step step = swarm_step(STEP_WATCH_FIRE);

    swarm_set(&step, FIELD_WATCH_FIRE_PATH, SOME_TEXT(swarm, paths));
    swarm_set(&step, FIELD_WATCH_FIRE_COUNT, 1 + swarm_below(swarm, 5));
    swarm_put(swarm, &step);
}

static void do_watch_lose(struct swarm *swarm)
{
    struct scenario_step step = swarm_step(STEP_WATCH_LOSE);

    swarm_set(&step, FIELD_WATCH_LOSE_COUNT, 1 + swarm_below(swarm, 3));
    swarm_put(swarm, &step);
    swarm->failing = true;
    swarm->backend_changed = true; /* unseen */
}

static void do_watch_merge(struct swarm *swarm)
{
    swarm_put_plain(swarm, STEP_WATCH_MERGE);
    swarm->failing = true;
}

static void do_watch_flood(struct swarm *swarm)
{
    struct scenario_step step = swarm_step(STEP_WATCH_FLOOD);

    swarm_set(&step, FIELD_WATCH_FLOOD_COUNT, 1 + swarm_below(swarm, 40));
    swarm_put(swarm, &step);
    swarm->failing = true;
}

static void do_watch_late(struct swarm *swarm)
{
    struct scenario_step step = swarm_step(STEP_WATCH_LATE);

    swarm_set(&step, FIELD_WATCH_LATE_DELAY, swarm_below(swarm, 20) * SWARM_MS);
    swarm_put(swarm, &step);
    swarm->failing = true;
}

/* ---- resources, and the guest itself ---- */

static void do_fail(struct swarm *swarm)
{
    static const unsigned resources[] = {CHOICE_RESOURCE_ALLOC, CHOICE_RESOURCE_GRANT,
                                         CHOICE_RESOURCE_PORT, CHOICE_RESOURCE_XENSTORE,
                                         CHOICE_RESOURCE_REVOKE};
    struct scenario_step step = swarm_step(STEP_FAIL);

    swarm_set(&step, FIELD_FAIL_RESOURCE, SOME(swarm, resources));
    swarm_set(&step, FIELD_FAIL_NTH, 1 + swarm_below(swarm, 20));
    swarm_maybe(swarm, &step, 6, FIELD_FAIL_FAILURES, CHOICE_FAILURES_FROM);
    swarm_put(swarm, &step);
    swarm->failing = true;
}

static void do_mend(struct swarm *swarm)
{
    swarm_put_plain(swarm, STEP_MEND);
    swarm->failing = false;
}

static void do_suspend(struct swarm *swarm)
{
    if (swarm->suspended) {
        swarm_resume(swarm);
        return;
    }
    swarm->suspended = true;
    change(swarm, STEP_SUSPEND);
}

void swarm_resume(struct swarm *swarm)
{
    struct scenario_step step = swarm_step(STEP_RESUME);

    swarm_maybe(swarm, &step, 4, FIELD_RESUME_DOMID, 2 + swarm_below(swarm, 6));
    swarm_put(swarm, &step);
    swarm->suspended = false;
    swarm->backend_changed = true;
}

const struct swarm_kind swarm_troubles[] = {
    {do_run, 40, 1},         {do_time, 6, 2},         {do_ask, 3, 4},
    {do_error, 6, 3},        {do_status, 3, 10},      {do_delay, 8, 3},
    {do_reorder, 8, 3},      {do_hold, 6, 3},         {do_drop, 2, 12},
    {do_duplicate, 1, 40},   {do_harm, 4, 8},         {do_misdirect, 2, 16},
    {do_clear, 4, 3},        {do_close, 3, 6},        {do_crash, 3, 6},
    {do_restart, 3, 5},      {do_hang, 3, 8},         {do_stall, 3, 16},
    {do_read_only, 3, 8},    {do_resize, 3, 8},       {do_rewrite, 3, 8},
    {do_power_cut, 3, 8},    {do_event, 3, 10},       {do_storm, 3, 12},
    {do_keep, 3, 16},        {do_state, 3, 12},       {do_store_fail, 3, 10},
    {do_store_again, 2, 12}, {do_store_deny, 1, 24},  {do_watch_fire, 3, 12},
    {do_watch_lose, 2, 16},  {do_watch_merge, 2, 16}, {do_watch_flood, 2, 16},
    {do_watch_late, 2, 16},  {do_fail, 4, 6},         {do_mend, 3, 4},
    {do_suspend, 4, 8},
};

const unsigned swarm_trouble_kinds = sizeof(swarm_troubles) / sizeof(swarm_troubles[0]);
