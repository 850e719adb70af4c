/* SPDX-License-Identifier: ISC */
/*
 * Event channels: binding, delivery and masking, closing either end, who is woken, and events that
 * are lost or made up on purpose.
 */
#include "cunit_main.h"
#include "sim_world.h"

enum { INVALID = BLKFRONT_PLATFORM_INVALID };

static const struct blkfront_platform *guest;
static const struct simback_host *host;
static struct blkfront_channel_set *set;
static simback_actor back;
static unsigned woken[4];

static bool count(void *context)
{
    (*(unsigned *)context)++;
    return false;
}

static void set_up(void)
{
    sim_world_set_up();
    memset(woken, 0, sizeof(woken));
    back = simback_actor_add(world, "ring", SIMBACK_NO_DEVICE, 0, count, &woken[3]);
    host = simback_sim_host(world, 0, 0, SIMBACK_NO_ACTOR, &back, 1);
    guest = sim_guest();
    CU_ASSERT_EQUAL(guest->channels_open(guest->context, &set), 0);
}

static void run(void)
{
    while (simback_world_step(world, 0) == SIMBACK_STEP_RAN)
        continue;
}

static struct simback_ledger ledger(uint16_t domid)
{
    struct simback_ledger result;

    simback_get_ledger(world, domid, &result);
    return result;
}

/* A bound pair of ports; the first firing of the backend's is taken. */
static void pair(uint32_t *ours, uint32_t *theirs)
{
    CU_ASSERT_EQUAL(guest->port_allocate(guest->context, set, 0, ours), 0);
    CU_ASSERT_EQUAL(host->port_bind(host->context, SIMBACK_FRONT_DOMID, *ours, 0, theirs), 0);
    CU_ASSERT_EQUAL(host->port_fired(host->context, *theirs), 1);
}

static int pending(uint32_t *port)
{
    return guest->port_pending(guest->context, set, port);
}

static void ports_begin_at_1_and_the_lowest_free_one_is_taken(void)
{
    uint32_t a, b, c;

    guest->port_allocate(guest->context, set, 0, &a);
    guest->port_allocate(guest->context, set, 0, &b);
    CU_ASSERT_EQUAL(a, 1);
    CU_ASSERT_EQUAL(b, 2);
    guest->port_close(guest->context, set, a);
    guest->port_allocate(guest->context, set, 0, &c);
    CU_ASSERT_EQUAL(c, 1);
    guest->port_allocate(guest->context, set, 0, &c);
    CU_ASSERT_EQUAL(c, 3);
}

static void only_the_named_domain_binds_and_only_once(void)
{
    const struct simback_host *stranger = sim_host_of(7);
    uint32_t ours, theirs;

    CU_ASSERT_EQUAL(guest->port_allocate(guest->context, set, 0, &ours), 0);
    CU_ASSERT_EQUAL(stranger->port_bind(stranger->context, SIMBACK_FRONT_DOMID, ours, 0, &theirs),
                    BLKFRONT_PLATFORM_DENIED);
    CU_ASSERT_EQUAL(host->port_bind(host->context, SIMBACK_FRONT_DOMID, ours + 1, 0, &theirs),
                    INVALID);
    CU_ASSERT_EQUAL(host->port_bind(host->context, SIMBACK_FRONT_DOMID, UINT32_MAX, 0, &theirs),
                    INVALID);
    CU_ASSERT_EQUAL(host->port_bind(host->context, 99, ours, 0, &theirs), INVALID);
    CU_ASSERT_EQUAL(host->port_bind(host->context, SIMBACK_FRONT_DOMID, ours, 0, &theirs), 0);
    CU_ASSERT_EQUAL(host->port_bind(host->context, SIMBACK_FRONT_DOMID, ours, 0, &theirs), INVALID);
}

/* As Xen does it: what was notified before is not lost. */
static void a_bound_port_fires_once_at_once(void)
{
    uint32_t ours, theirs;

    CU_ASSERT_EQUAL(guest->port_allocate(guest->context, set, 0, &ours), 0);
    CU_ASSERT_EQUAL(guest->port_notify(guest->context, set, ours), 0); /* nobody hears */
    CU_ASSERT_EQUAL(host->port_bind(host->context, SIMBACK_FRONT_DOMID, ours, 0, &theirs), 0);
    run();
    CU_ASSERT_EQUAL(woken[3], 1);
    CU_ASSERT_EQUAL(host->port_fired(host->context, theirs), 1);
    CU_ASSERT_EQUAL(host->port_fired(host->context, theirs), 0);
}

static void a_port_is_delivered_once_and_masked_until_unmasked(void)
{
    uint32_t ours, theirs, port = 0;

    pair(&ours, &theirs);
    CU_ASSERT_EQUAL(pending(&port), 0);
    CU_ASSERT_EQUAL(host->port_notify(host->context, theirs), 0);
    CU_ASSERT_EQUAL(host->port_notify(host->context, theirs), 0); /* one bit */
    CU_ASSERT_EQUAL(pending(&port), 1);
    CU_ASSERT_EQUAL(port, ours);
    CU_ASSERT_EQUAL(pending(&port), 0);
    CU_ASSERT_EQUAL(host->port_notify(host->context, theirs), 0);
    CU_ASSERT_EQUAL(pending(&port), 0); /* masked */
    CU_ASSERT_EQUAL(guest->port_unmask(guest->context, set, ours), 0);
    CU_ASSERT_EQUAL(pending(&port), 1);
    CU_ASSERT_EQUAL(guest->port_unmask(guest->context, set, ours), 0);
    CU_ASSERT_EQUAL(pending(&port), 0);
}

static void ports_of_a_set_come_in_the_order_of_their_events(void)
{
    uint32_t ours[3], theirs[3], port;

    for (unsigned i = 0; i < 3; i++)
        pair(&ours[i], &theirs[i]);
    host->port_notify(host->context, theirs[2]);
    host->port_notify(host->context, theirs[0]);
    host->port_notify(host->context, theirs[1]);
    guest->port_close(guest->context, set, ours[0]); /* from the middle of the queue */
    CU_ASSERT_EQUAL(pending(&port), 1);
    CU_ASSERT_EQUAL(port, ours[2]);
    CU_ASSERT_EQUAL(pending(&port), 1);
    CU_ASSERT_EQUAL(port, ours[1]);
    CU_ASSERT_EQUAL(pending(&port), 0);
}

static void the_backend_hears_of_notifications(void)
{
    uint32_t ours, theirs;

    pair(&ours, &theirs);
    run();
    woken[3] = 0;
    CU_ASSERT_EQUAL(guest->port_notify(guest->context, set, ours), 0);
    run();
    CU_ASSERT_EQUAL(woken[3], 1);
    CU_ASSERT_EQUAL(host->port_fired(host->context, theirs), 1);
    CU_ASSERT_EQUAL(host->port_fired(host->context, theirs), 0);
    CU_ASSERT_EQUAL(host->port_fired(host->context, 999), 0);
}

static void sets_keep_to_their_own_ports(void)
{
    struct blkfront_channel_set *other;
    uint32_t ours, theirs, port;

    pair(&ours, &theirs);
    CU_ASSERT_EQUAL(guest->channels_open(guest->context, &other), 0);
    host->port_notify(host->context, theirs);
    CU_ASSERT_EQUAL(guest->port_pending(guest->context, other, &port), 0);
    CU_ASSERT_EQUAL(guest->port_notify(guest->context, other, ours), INVALID);
    CU_ASSERT_EQUAL(guest->port_unmask(guest->context, other, ours), INVALID);
    guest->port_close(guest->context, other, ours);
    CU_ASSERT_EQUAL(pending(&port), 1);
    guest->channels_close(guest->context, other);
}

static void notifying_a_closed_peer_is_harmless(void)
{
    uint32_t ours, theirs, port;

    pair(&ours, &theirs);
    host->port_close(host->context, theirs);
    CU_ASSERT_EQUAL(guest->port_notify(guest->context, set, ours), 0);
    CU_ASSERT_EQUAL(host->port_notify(host->context, theirs), INVALID);
    CU_ASSERT_EQUAL(pending(&port), 0);
    /* The end that stays can be bound again: a backend comes back. */
    CU_ASSERT_EQUAL(host->port_bind(host->context, SIMBACK_FRONT_DOMID, ours, 0, &theirs), 0);
    CU_ASSERT_EQUAL(host->port_notify(host->context, theirs), 0);
    CU_ASSERT_EQUAL(pending(&port), 1);
    guest->port_close(guest->context, set, ours);
    CU_ASSERT_EQUAL(host->port_notify(host->context, theirs), 0);
    CU_ASSERT_EQUAL(guest->port_notify(guest->context, set, ours), INVALID);
}

static void closing_a_set_closes_its_ports(void)
{
    uint32_t ours, theirs;

    for (unsigned i = 0; i < 100; i++)
        pair(&ours, &theirs);
    CU_ASSERT_EQUAL(ledger(SIMBACK_FRONT_DOMID).ports, 100);
    CU_ASSERT_EQUAL(ledger(SIMBACK_FRONT_DOMID).channel_sets, 1);
    guest->channels_close(guest->context, set);
    CU_ASSERT_EQUAL(ledger(SIMBACK_FRONT_DOMID).ports, 0);
    CU_ASSERT_EQUAL(ledger(SIMBACK_FRONT_DOMID).channel_sets, 0);
    CU_ASSERT_EQUAL(ledger(0).ports, 100);
    CU_ASSERT_EQUAL(host->port_notify(host->context, theirs), 0);
}

static void the_nth_set_of_a_device_wakes_the_actor_of_its_queue_n(void)
{
    struct blkfront_channel_set *second, *foreign;
    simback_actor queues[2], poll;
    uint32_t ours, theirs, port;

    simback_enter(world, 1);
    CU_ASSERT_EQUAL(guest->channels_open(guest->context, &foreign), 0);
    simback_enter(world, 0);
    CU_ASSERT_EQUAL(guest->channels_open(guest->context, &second), 0);
    CU_ASSERT_EQUAL(guest->port_allocate(guest->context, second, 0, &ours), 0);
    CU_ASSERT_EQUAL(host->port_bind(host->context, SIMBACK_FRONT_DOMID, ours, 0, &theirs), 0);

    poll = simback_actor_add(world, "front", SIMBACK_NO_DEVICE, 0, count, &woken[0]);
    queues[0] = simback_actor_add(world, "queue", SIMBACK_NO_DEVICE, 0, count, &woken[1]);
    queues[1] = simback_actor_add(world, "queue", SIMBACK_NO_DEVICE, 1, count, &woken[2]);
    simback_front_actors(world, 0, poll, queues, 2);
    run();
    CU_ASSERT_EQUAL(woken[0] + woken[1] + woken[2], 0);
    host->port_notify(host->context, theirs);
    run();
    CU_ASSERT_EQUAL(woken[1], 0);
    CU_ASSERT_EQUAL(woken[2], 1);
    guest->channels_wake(guest->context, set);
    run();
    CU_ASSERT_EQUAL(woken[1], 1);
    CU_ASSERT_EQUAL(woken[2], 1);
    guest->channels_wake(guest->context, foreign); /* nobody's */
    run();
    CU_ASSERT_EQUAL(woken[0] + woken[1] + woken[2], 2);

    /* A set that is opened anew takes the place of one that was closed. */
    guest->channels_close(guest->context, set);
    CU_ASSERT_EQUAL(guest->channels_open(guest->context, &set), 0);
    guest->channels_wake(guest->context, set);
    run();
    CU_ASSERT_EQUAL(woken[1], 2);
    CU_ASSERT_EQUAL(guest->port_pending(guest->context, second, &port), 1);
}

static void what_fired_before_there_were_actors_wakes_them(void)
{
    simback_actor poll = simback_actor_add(world, "front", SIMBACK_NO_DEVICE, 0, count, &woken[0]);
    simback_actor queue = simback_actor_add(world, "queue", SIMBACK_NO_DEVICE, 0, count, &woken[1]);
    uint32_t ours, theirs;

    pair(&ours, &theirs);
    host->port_notify(host->context, theirs);
    simback_front_actors(world, 0, poll, &queue, 1);
    run();
    CU_ASSERT_EQUAL(woken[1], 1);
}

static void lost_events_reach_nobody(void)
{
    uint32_t ours, theirs, port;

    pair(&ours, &theirs);
    CU_ASSERT_EQUAL(simback_event_lose(world, 0, theirs, 2), 0);
    for (unsigned i = 0; i < 2; i++) {
        CU_ASSERT_EQUAL(host->port_notify(host->context, theirs), 0);
        CU_ASSERT_EQUAL(pending(&port), 0);
    }
    CU_ASSERT_EQUAL(host->port_notify(host->context, theirs), 0);
    CU_ASSERT_EQUAL(pending(&port), 1);
    CU_ASSERT_EQUAL(simback_event_lose(world, 0, 999, 1), INVALID);
}

static void spurious_events_come_one_by_one(void)
{
    uint32_t ours, theirs, port, delivered = 0;

    pair(&ours, &theirs);
    CU_ASSERT_EQUAL(simback_event_spurious(world, 0, theirs, 3), 0);
    while (pending(&port) == 1) {
        delivered++;
        CU_ASSERT_EQUAL(guest->port_unmask(guest->context, set, port), 0);
    }
    CU_ASSERT_EQUAL(delivered, 3);
    CU_ASSERT_EQUAL(simback_event_spurious(world, 0, 999, 1), INVALID);
    CU_ASSERT_EQUAL(simback_event_spurious(world, 0, theirs, 0), 0);
    CU_ASSERT_EQUAL(pending(&port), 0);

    /* The other way round: the backend gets them. */
    CU_ASSERT_EQUAL(simback_event_spurious(world, SIMBACK_FRONT_DOMID, ours, 2), 0);
    CU_ASSERT_EQUAL(host->port_fired(host->context, theirs), 1);
    CU_ASSERT_EQUAL(host->port_fired(host->context, theirs), 1);
    CU_ASSERT_EQUAL(host->port_fired(host->context, theirs), 0);
}

static simback_actor add_queue(void)
{
    simback_actor poll = simback_actor_add(world, "front", SIMBACK_NO_DEVICE, 0, count, &woken[0]);
    simback_actor queue = simback_actor_add(world, "queue", SIMBACK_NO_DEVICE, 0, count, &woken[1]);

    simback_front_actors(world, 0, poll, &queue, 1);
    return queue;
}

/* Each step takes what is there, and the next one finds the next. */
static void a_storm_blows_before_each_step_and_ends_by_itself(void)
{
    uint32_t ours, theirs, port;
    unsigned delivered = 0;

    pair(&ours, &theirs);
    add_queue();
    run();
    woken[1] = 0;
    CU_ASSERT_EQUAL(simback_event_storm(world, 0, theirs, 5), 0);
    while (simback_world_step(world, 0) == SIMBACK_STEP_RAN) {
        CU_ASSERT_EQUAL(pending(&port), 1);
        CU_ASSERT_EQUAL(port, ours);
        CU_ASSERT_EQUAL(guest->port_unmask(guest->context, set, port), 0);
        delivered++;
    }
    CU_ASSERT_EQUAL(delivered, 5);
    CU_ASSERT_EQUAL(woken[1], 5);
    CU_ASSERT_EQUAL(simback_event_storm(world, 0, 999, 1), INVALID);
}

static void a_masked_port_feels_one_event_of_a_storm(void)
{
    simback_actor queue;
    uint32_t ours, theirs, port;

    pair(&ours, &theirs);
    queue = add_queue();
    CU_ASSERT_EQUAL(simback_event_storm(world, 0, theirs, 100), 0);
    CU_ASSERT_EQUAL(simback_world_step(world, 0), SIMBACK_STEP_RAN);
    CU_ASSERT_EQUAL(pending(&port), 1);
    for (unsigned i = 0; i < 200; i++) {
        simback_actor_ready(world, queue);
        CU_ASSERT_EQUAL(simback_world_step(world, 0), SIMBACK_STEP_RAN);
        CU_ASSERT_EQUAL(pending(&port), 0);
    }
    CU_ASSERT_EQUAL(guest->port_unmask(guest->context, set, ours), 0);
    CU_ASSERT_EQUAL(pending(&port), 1);
    CU_ASSERT_EQUAL(pending(&port), 0);
}

static void a_storm_ends_with_its_port_and_when_it_is_told_to(void)
{
    uint32_t ours[3], theirs[3], port;

    for (unsigned i = 0; i < 3; i++) {
        pair(&ours[i], &theirs[i]);
        CU_ASSERT_EQUAL(simback_event_storm(world, 0, theirs[i], 100), 0);
    }
    add_queue();
    host->port_close(host->context, theirs[1]);
    CU_ASSERT_EQUAL(simback_event_storm(world, 0, theirs[0], 0), 0);
    CU_ASSERT_EQUAL(simback_world_step(world, 0), SIMBACK_STEP_RAN);
    CU_ASSERT_EQUAL(pending(&port), 1);
    CU_ASSERT_EQUAL(port, ours[2]);
    CU_ASSERT_EQUAL(pending(&port), 0);
    guest->port_unmask(guest->context, set, port);
    simback_mend(world);
    run();
    CU_ASSERT_EQUAL(pending(&port), 0);
}

/* What a frontend cannot help is no reason to say that it makes no progress. */
static void steps_of_a_storm_are_not_counted(void)
{
    struct simback_world_options options;
    uint32_t ours, theirs, port;
    unsigned steps = 0;

    simback_world_options_init(&options);
    options.rules = false;
    options.max_steps = 10;
    simback_world_reset(world, &options);
    simback_enter(world, 0);
    guest = sim_guest();
    host = sim_host_of(0);
    CU_ASSERT_EQUAL(guest->channels_open(guest->context, &set), 0);
    CU_ASSERT_EQUAL(guest->port_allocate(guest->context, set, 0, &ours), 0);
    CU_ASSERT_EQUAL(host->port_bind(host->context, SIMBACK_FRONT_DOMID, ours, 0, &theirs), 0);
    add_queue();
    CU_ASSERT_EQUAL(simback_event_storm(world, 0, theirs, 100), 0);
    for (; simback_world_step(world, 0) == SIMBACK_STEP_RAN; steps++) {
        while (pending(&port) == 1)
            guest->port_unmask(guest->context, set, port);
    }
    CU_ASSERT_TRUE(steps >= 100);
    CU_ASSERT_EQUAL(simback_world_step(world, 0), SIMBACK_STEP_REST);
}

static void what_was_to_be_lost_arrives_when_failures_are_over(void)
{
    uint32_t ours, theirs, port;

    pair(&ours, &theirs);
    CU_ASSERT_EQUAL(simback_event_lose(world, 0, theirs, 2), 0);
    CU_ASSERT_EQUAL(simback_event_spurious(world, SIMBACK_FRONT_DOMID, ours, 10), 0);
    simback_mend(world);
    CU_ASSERT_EQUAL(host->port_notify(host->context, theirs), 0);
    CU_ASSERT_EQUAL(pending(&port), 1);
    CU_ASSERT_EQUAL(host->port_fired(host->context, theirs), 1);
    CU_ASSERT_EQUAL(host->port_fired(host->context, theirs), 0);
}

static void ports_run_out(void)
{
    struct simback_world_options options;
    uint32_t port;

    simback_world_options_init(&options);
    options.rules = false;
    options.port_limit = 70;
    simback_world_reset(world, &options);
    simback_enter(world, 0);
    guest = sim_guest();
    CU_ASSERT_EQUAL(guest->channels_open(guest->context, &set), 0);
    for (unsigned i = 0; i < 70; i++)
        CU_ASSERT_EQUAL(guest->port_allocate(guest->context, set, 0, &port), 0);
    CU_ASSERT_EQUAL(port, 70);
    CU_ASSERT_EQUAL(guest->port_allocate(guest->context, set, 0, &port),
                    BLKFRONT_PLATFORM_NO_MEMORY);
    guest->channels_close(guest->context, set);
    CU_ASSERT_EQUAL(ledger(SIMBACK_FRONT_DOMID).ports, 0);
}

static void the_nth_port_fails(void)
{
    struct blkfront_channel_set *other;
    uint32_t port;

    simback_fail_nth(world, SIMBACK_RESOURCE_PORT, 2, false);
    CU_ASSERT_EQUAL(guest->port_allocate(guest->context, set, 0, &port), 0);
    CU_ASSERT_EQUAL(guest->channels_open(guest->context, &other), BLKFRONT_PLATFORM_NO_MEMORY);
    CU_ASSERT_EQUAL(guest->port_allocate(guest->context, set, 0, &port), 0);
    simback_fail_nth(world, SIMBACK_RESOURCE_PORT, 1, false);
    CU_ASSERT_EQUAL(guest->port_allocate(guest->context, set, 0, &port),
                    BLKFRONT_PLATFORM_NO_MEMORY);
    CU_ASSERT_EQUAL(ledger(SIMBACK_FRONT_DOMID).ports, 2);
}

static const struct unit_test tests[] = {
    UNIT_TEST(ports_begin_at_1_and_the_lowest_free_one_is_taken),
    UNIT_TEST(only_the_named_domain_binds_and_only_once),
    UNIT_TEST(a_bound_port_fires_once_at_once),
    UNIT_TEST(a_port_is_delivered_once_and_masked_until_unmasked),
    UNIT_TEST(ports_of_a_set_come_in_the_order_of_their_events),
    UNIT_TEST(the_backend_hears_of_notifications),
    UNIT_TEST(sets_keep_to_their_own_ports),
    UNIT_TEST(notifying_a_closed_peer_is_harmless),
    UNIT_TEST(closing_a_set_closes_its_ports),
    UNIT_TEST(the_nth_set_of_a_device_wakes_the_actor_of_its_queue_n),
    UNIT_TEST(what_fired_before_there_were_actors_wakes_them),
    UNIT_TEST(lost_events_reach_nobody),
    UNIT_TEST(spurious_events_come_one_by_one),
    UNIT_TEST(a_storm_blows_before_each_step_and_ends_by_itself),
    UNIT_TEST(a_masked_port_feels_one_event_of_a_storm),
    UNIT_TEST(a_storm_ends_with_its_port_and_when_it_is_told_to),
    UNIT_TEST(steps_of_a_storm_are_not_counted),
    UNIT_TEST(what_was_to_be_lost_arrives_when_failures_are_over),
    UNIT_TEST(ports_run_out),
    UNIT_TEST(the_nth_port_fails),
};

UNIT_MAIN_WITH("event_channel", set_up, sim_world_tear_down, tests)
