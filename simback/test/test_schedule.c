/* SPDX-License-Identifier: ISC */
/*
 * Who runs when: the order of ready actors, timers and the virtual clock, and the bound on steps
 * without progress (I4).
 */
#include "cunit_main.h"
#include "sim_world.h"

static char order[64];
static simback_actor self;
static unsigned again;

static bool note(void *context)
{
    size_t length = strlen(order);

    if (length + 1 < sizeof(order))
        order[length] = *(const char *)context;
    return false;
}

static bool note_again(void *context)
{
    note(context);
    return again-- > 1;
}

static bool remove_itself(void *context)
{
    note(context);
    simback_actor_remove(world, self);
    return true;
}

static bool for_ever(void *context)
{
    (void)context;
    return true;
}

static void set_up(void)
{
    sim_world_set_up();
    memset(order, 0, sizeof(order));
}

static char letters[] = "abcdefghijklmnopqrstuvwxyz";

static simback_actor add(unsigned letter)
{
    return simback_actor_add(world, "back", SIMBACK_NO_DEVICE, 0, note, &letters[letter]);
}

static void run(void)
{
    while (simback_world_step(world, SIMBACK_NEVER) == SIMBACK_STEP_RAN)
        continue;
}

static void run_until(uint64_t until_ns)
{
    while (simback_world_step(world, until_ns) == SIMBACK_STEP_RAN)
        continue;
}

static void ready_actors_run_in_the_order_in_which_they_became_so(void)
{
    simback_actor a = add(0), b = add(1), c = add(2);

    simback_actor_ready(world, c);
    simback_actor_ready(world, a);
    simback_actor_ready(world, c); /* said twice, run once */
    simback_actor_ready(world, b);
    CU_ASSERT_EQUAL(simback_ready_count(world), 3);
    run();
    CU_ASSERT_STRING_EQUAL(order, "cab");
    CU_ASSERT_EQUAL(simback_ready_count(world), 0);
    CU_ASSERT_EQUAL(simback_steps(world), 3);
}

static void an_actor_that_has_more_to_do_stands_at_the_end_again(void)
{
    simback_actor a = simback_actor_add(world, "back", SIMBACK_NO_DEVICE, 0, note_again, letters);

    again = 3;
    simback_actor_ready(world, a);
    simback_actor_ready(world, add(1));
    run();
    CU_ASSERT_STRING_EQUAL(order, "abaa");
}

static void many_actors_keep_their_order_while_the_table_grows(void)
{
    for (unsigned i = 0; i < 20; i++)
        simback_actor_ready(world, add(i));
    CU_ASSERT_EQUAL(simback_world_step(world, 0), SIMBACK_STEP_RAN);
    for (unsigned i = 20; i < 26; i++)
        simback_actor_ready(world, add(i));
    for (unsigned i = 0; i < 20; i++)
        simback_actor_ready(world, add(25));
    run();
    CU_ASSERT_STRING_EQUAL(order, "abcdefghijklmnopqrstuvwxyzzzzzzzzzzzzzzzzzzzzz");
}

static void timers_run_by_time_then_by_the_order_of_asking(void)
{
    simback_actor a = add(0), b = add(1), c = add(2), d = add(3);

    simback_actor_at(world, a, 300);
    simback_actor_at(world, b, 100);
    simback_actor_at(world, c, 300);
    simback_actor_at(world, d, 200);
    CU_ASSERT_EQUAL(simback_world_step(world, 99), SIMBACK_STEP_REST);
    CU_ASSERT_EQUAL(simback_now(world), 0);
    CU_ASSERT_EQUAL(simback_world_step(world, 100), SIMBACK_STEP_RAN);
    CU_ASSERT_EQUAL(simback_now(world), 100);
    run();
    CU_ASSERT_STRING_EQUAL(order, "bdac");
    CU_ASSERT_EQUAL(simback_now(world), 300);
}

static void a_new_time_replaces_the_old_one(void)
{
    simback_actor a = add(0), b = add(1), c = add(2);

    simback_actor_at(world, a, 100);
    simback_actor_at(world, b, 200);
    simback_actor_at(world, c, 250);
    simback_actor_at(world, a, 300);
    simback_actor_at(world, b, SIMBACK_NEVER);
    run();
    CU_ASSERT_STRING_EQUAL(order, "ca");
    simback_actor_at(world, b, 5); /* the past: at once */
    CU_ASSERT_EQUAL(simback_ready_count(world), 1);
}

static void nobody_waits_while_somebody_is_ready(void)
{
    simback_actor a = add(0), b = add(1);

    simback_actor_at(world, a, 100);
    simback_actor_ready(world, b);
    CU_ASSERT_EQUAL(simback_world_step(world, SIMBACK_NEVER), SIMBACK_STEP_RAN);
    CU_ASSERT_EQUAL(simback_now(world), 0);
    CU_ASSERT_STRING_EQUAL(order, "b");
}

static void advance_makes_due_timers_ready_and_never_goes_back(void)
{
    simback_actor_at(world, add(0), 300);
    simback_actor_at(world, add(1), 200);
    simback_advance(world, 400);
    CU_ASSERT_EQUAL(simback_ready_count(world), 2);
    simback_advance(world, 10);
    CU_ASSERT_EQUAL(simback_now(world), 400);
    run();
    CU_ASSERT_STRING_EQUAL(order, "ba");
}

static void a_removed_actor_runs_no_more(void)
{
    simback_actor a = add(0), b = add(1), c = add(2), d;

    simback_actor_ready(world, a);
    simback_actor_ready(world, b);
    simback_actor_ready(world, c);
    simback_actor_at(world, b, 100);
    simback_actor_remove(world, b);
    simback_actor_ready(world, b);
    d = add(3); /* takes its place, and nothing of it */
    CU_ASSERT_EQUAL(d, b);
    run();
    CU_ASSERT_STRING_EQUAL(order, "ac");
    simback_actor_remove(world, SIMBACK_NO_ACTOR);
}

static void an_actor_may_remove_itself(void)
{
    self = simback_actor_add(world, "back", SIMBACK_NO_DEVICE, 0, remove_itself, letters);
    simback_actor_ready(world, self);
    run();
    CU_ASSERT_STRING_EQUAL(order, "a");
}

static void run_with_seed(uint64_t seed, char *result)
{
    struct simback_world_options options;

    simback_world_options_init(&options);
    options.rules = false;
    options.random_order = true;
    options.seed = seed;
    simback_world_reset(world, &options);
    memset(order, 0, sizeof(order));
    for (unsigned i = 0; i < 26; i++)
        simback_actor_ready(world, add(i));
    run();
    memcpy(result, order, sizeof(order));
}

static void a_random_order_is_the_seeds(void)
{
    char first[64], second[64];
    unsigned different = 0;

    run_with_seed(1, first);
    run_with_seed(1, second);
    CU_ASSERT_STRING_EQUAL(first, second);
    CU_ASSERT_EQUAL(strlen(first), 26);
    for (int c = 'a'; c <= 'z'; c++)
        CU_ASSERT_PTR_NOT_NULL(strchr(first, c));
    for (uint64_t seed = 2; seed < 6; seed++) {
        run_with_seed(seed, second);
        different += strcmp(first, second) != 0;
    }
    CU_ASSERT_EQUAL(different, 4);
}

static void i4_too_many_steps_without_progress(void)
{
    struct simback_world_options options;
    unsigned steps = 0;

    simback_world_options_init(&options);
    options.rules = false;
    options.max_steps = 100;
    simback_world_reset(world, &options);
    simback_actor_ready(world,
                        simback_actor_add(world, "back", SIMBACK_NO_DEVICE, 0, for_ever, NULL));
    while (simback_world_step(world, SIMBACK_NEVER) == SIMBACK_STEP_RAN) {
        if (++steps == 60)
            simback_progress(world);
        CU_ASSERT_FATAL(steps < 1000);
    }
    CU_ASSERT_EQUAL(steps, 160);
    CU_ASSERT_EQUAL(simback_world_step(world, SIMBACK_NEVER), SIMBACK_STEP_TOO_MANY);
}

/* ---- housekeeping ---- */

static void housekeeping_keeps_nobody_from_rest(void)
{
    simback_actor_idle_at(world, add(0), 100);
    run();
    CU_ASSERT_STRING_EQUAL(order, "");
    CU_ASSERT_EQUAL(simback_now(world), 0);
    run_until(99);
    CU_ASSERT_STRING_EQUAL(order, "");
    run_until(100);
    CU_ASSERT_STRING_EQUAL(order, "a");
    CU_ASSERT_EQUAL(simback_now(world), 100);
    run_until(1000);
    CU_ASSERT_STRING_EQUAL(order, "a"); /* once */
}

static void housekeeping_is_done_when_time_goes_by_anyhow(void)
{
    simback_actor a = add(0), b = add(1), c = add(2), d = add(3);

    simback_actor_idle_at(world, a, 300);
    simback_actor_idle_at(world, b, 100);
    simback_actor_idle_at(world, c, 500);
    simback_actor_at(world, d, 400);
    run();
    CU_ASSERT_STRING_EQUAL(order, "bad");
    CU_ASSERT_EQUAL(simback_now(world), 400);
}

static void housekeeping_can_be_put_off_and_forgotten(void)
{
    simback_actor a = add(0), b = add(1);

    simback_actor_idle_at(world, a, 100);
    simback_actor_idle_at(world, a, 200);
    simback_actor_idle_at(world, b, 50);
    simback_actor_idle_at(world, b, SIMBACK_NEVER);
    run_until(150);
    CU_ASSERT_STRING_EQUAL(order, "");
    simback_actor_idle_at(world, b, 120);
    simback_actor_remove(world, b);
    simback_actor_idle_at(world, b, 130);
    run_until(250);
    CU_ASSERT_STRING_EQUAL(order, "a");
    simback_actor_idle_at(world, SIMBACK_NO_ACTOR, 1);
    simback_actor_idle_at(world, a, 100); /* the past: as soon as time matters */
    run_until(260);
    CU_ASSERT_STRING_EQUAL(order, "aa");
    CU_ASSERT_EQUAL(simback_now(world), 200);
}

static const struct unit_test tests[] = {
    UNIT_TEST(ready_actors_run_in_the_order_in_which_they_became_so),
    UNIT_TEST(an_actor_that_has_more_to_do_stands_at_the_end_again),
    UNIT_TEST(many_actors_keep_their_order_while_the_table_grows),
    UNIT_TEST(timers_run_by_time_then_by_the_order_of_asking),
    UNIT_TEST(a_new_time_replaces_the_old_one),
    UNIT_TEST(nobody_waits_while_somebody_is_ready),
    UNIT_TEST(advance_makes_due_timers_ready_and_never_goes_back),
    UNIT_TEST(a_removed_actor_runs_no_more),
    UNIT_TEST(an_actor_may_remove_itself),
    UNIT_TEST(a_random_order_is_the_seeds),
    UNIT_TEST(i4_too_many_steps_without_progress),
    UNIT_TEST(housekeeping_keeps_nobody_from_rest),
    UNIT_TEST(housekeeping_is_done_when_time_goes_by_anyhow),
    UNIT_TEST(housekeeping_can_be_put_off_and_forgotten),
};

UNIT_MAIN_WITH("schedule", set_up, sim_world_tear_down, tests)
