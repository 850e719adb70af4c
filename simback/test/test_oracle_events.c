/* SPDX-License-Identifier: ISC */
/*
 * I14: when a notification has to follow a publish and when none should, for a frontend whose loads
 * are seen and for one of which the hand-over alone is known; and bounded work in a step.
 */
#include "cunit_main.h"
#include "puppet.h"

enum { REQ_PROD = 0, REQ_EVENT = 1 }; /* words of the header */

static struct puppet puppet;
static uint8_t bytes[4096];
static uint64_t numbers;

static void begin(bool observed, uint32_t start)
{
    memset(&puppet, 0, sizeof(puppet));
    numbers = 0;
    puppet.observed = observed;
    puppet.start = start;
    puppet_begin(&puppet);
    puppet_connect(&puppet);
}

static void set_up(void)
{
    begin(false, 0);
}

static void tear_down(void)
{
    puppet_end(&puppet);
}

static void again(bool observed)
{
    puppet_end(&puppet);
    begin(observed, 0);
}

/* The same with both kinds of frontends. */
static void with_and_without_observer(void (*story)(void))
{
    story();
    again(true);
    story();
}

static void put(void)
{
    numbers++;
    puppet_submit(&puppet, numbers, BLKFRONT_READ, 8, 8, bytes);
    puppet_put(&puppet, &(struct puppet_request){
                            .op = BLKIF_WIRE_READ, .id = numbers, .sector_512 = 8, .last = 7});
}

/* From now on, as a backend that wants to hear of a later request. */
static void ask_for(uint32_t req_event)
{
    CU_ASSERT_EQUAL(
        simback_backend_move_index(puppet.backend, 0, REQ_EVENT, req_event, false, false), 0);
}

/* ---- asked for ---- */

static void asked_and_notified(void)
{
    put();
    puppet_push(&puppet);
    puppet_step(&puppet);
    puppet_expect_none(&puppet);
    CU_ASSERT_TRUE(simback_rule_checks(puppet.world, 14) > 0);
}

static void i14_a_notification_that_is_asked_for(void)
{
    with_and_without_observer(asked_and_notified);
}

static void asked_and_silent(void)
{
    put();
    puppet_push_quietly(&puppet);
    puppet_expect_none(&puppet); /* it may still come in this step */
    puppet_step(&puppet);
    puppet_expect(&puppet, 14, false,
                  "no notification followed the publish of requests 0 to 0x1 on queue 0, although "
                  "req_event is 0x1");
    puppet_step(&puppet);
    puppet_expect(&puppet, 14, false, "no notification"); /* said once */
}

static void i14_no_notification_although_it_is_asked_for(void)
{
    with_and_without_observer(asked_and_silent);
}

static void asked_of_several(void)
{
    ask_for(3);
    put();
    put();
    put();
    puppet_push_quietly(&puppet);
    puppet_step(&puppet);
    puppet_expect(&puppet, 14, false, "publish of requests 0 to 0x3 on queue 0");
}

static void i14_any_of_the_published_may_be_asked_for(void)
{
    with_and_without_observer(asked_of_several);
}

/* req_event is the index after the request: (old, new]. */
static void beyond_the_published(void)
{
    ask_for(4);
    put();
    put();
    put();
    puppet_push_quietly(&puppet);
    puppet_step(&puppet);
    ask_for(3); /* published already */
    put();
    puppet_push_quietly(&puppet);
    puppet_step(&puppet);
    puppet_expect_none(&puppet);
}

static void i14_what_is_published_before_or_later_is_not_asked_for(void)
{
    with_and_without_observer(beyond_the_published);
}

static void over_the_wrap(void)
{
    bool observed = puppet.observed;

    puppet_end(&puppet);
    begin(observed, 0xfffffffe);
    ask_for(1);
    for (int i = 0; i < 2; i++) {
        put();
        puppet_push_quietly(&puppet);
        puppet_step(&puppet);
    }
    puppet_expect_none(&puppet);
    put();
    puppet_push_quietly(&puppet);
    puppet_step(&puppet);
    puppet_expect(&puppet, 14, false, "requests 0 to 0x1 on queue 0");
}

static void i14_over_the_wrap(void)
{
    with_and_without_observer(over_the_wrap);
}

/* ---- too many ---- */

static void not_asked(void)
{
    ask_for(100);
    put();
    puppet_push_quietly(&puppet);
    puppet_notify(&puppet);
    puppet_step(&puppet);
    puppet_expect(&puppet, 14, true,
                  "1 notifications were sent for queue 0 in one step, 0 were asked for");
}

static void i14_a_notification_that_nobody_asked_for(void)
{
    with_and_without_observer(not_asked);
}

static void twice(void)
{
    put();
    puppet_push(&puppet);
    puppet_notify(&puppet);
    puppet_step(&puppet);
    puppet_expect(&puppet, 14, true, "2 notifications were sent for queue 0 in one step, 1 were");
}

/* Whoever has tried is not to blame; in a later step he may be. */
static void asked_and_in_vain(void)
{
    put();
    puppet_push_quietly(&puppet);
    simback_fail_nth(puppet.world, SIMBACK_RESOURCE_EVENT, 1, false);
    CU_ASSERT_EQUAL(puppet.platform->port_notify(puppet.context, puppet.channels, puppet.port),
                    BLKFRONT_PLATFORM_IO);
    puppet_step(&puppet);
    puppet_expect_none(&puppet);
    ask_for(2);
    put();
    puppet_push_quietly(&puppet);
    puppet_step(&puppet);
    puppet_expect(&puppet, 14, false, "publish of requests 0x1 to 0x2 on queue 0");
}

static void i14_a_notification_that_fails_on_purpose(void)
{
    with_and_without_observer(asked_and_in_vain);
}

static void i14_two_notifications_for_one_publish(void)
{
    with_and_without_observer(twice);
}

static void i14_before_connected_one_more_does_no_harm(void)
{
    puppet_end(&puppet);
    puppet_begin(&puppet);
    puppet_run(&puppet);
    puppet_open(&puppet);
    CU_ASSERT_EQUAL(puppet_read_back(&puppet, "state"), 2);
    puppet_publish(&puppet, "3");
    puppet_notify(&puppet);
    puppet_step(&puppet);
    puppet_expect_none(&puppet);
}

static void i14_another_port_is_none_of_the_rings(void)
{
    const struct blkfront_platform *platform = puppet.platform;
    uint32_t other;

    CU_ASSERT_EQUAL(platform->port_allocate(puppet.context, puppet.channels, 0, &other), 0);
    put();
    puppet_push_quietly(&puppet);
    CU_ASSERT_EQUAL(platform->port_notify(puppet.context, puppet.channels, other), 0);
    puppet_step(&puppet);
    puppet_expect(&puppet, 14, false, "no notification followed");
}

/* ---- what only an observer sees ---- */

static void i14_a_notification_before_the_publish_does_not_count(void)
{
    again(true);
    put();
    puppet_notify(&puppet);
    puppet_push_quietly(&puppet);
    puppet_step(&puppet);
    puppet_expect(&puppet, 14, false, "no notification followed");
}

static void i14_the_value_that_was_loaded_counts(void)
{
    const uint32_t later = 2;

    again(true);
    CU_ASSERT_EQUAL(simback_before_load(puppet.world, 0, 0, 1, 4, &later, sizeof(later)), 0);
    put();
    puppet_push_quietly(&puppet); /* 2 is loaded, where 1 was before */
    puppet_step(&puppet);
    puppet_expect_none(&puppet);
}

static void i14_one_notification_for_two_publishes(void)
{
    again(true);
    put();
    puppet_push_quietly(&puppet);
    put();
    puppet_push_quietly(&puppet);
    puppet_notify(&puppet);
    puppet_step(&puppet);
    puppet_expect_none(&puppet);
}

/* The second one never looks at req_event. */
static void i14_a_publish_without_a_look(void)
{
    again(true);
    ask_for(2);
    put();
    puppet_push_quietly(&puppet);
    put();
    puppet_set_word(&puppet, REQ_PROD, puppet.req_prod);
    puppet_step(&puppet);
    puppet_expect(&puppet, 14, false, "publish of requests 0x1 to 0x2 on queue 0");
}

static void i14_a_publish_without_a_look_that_nobody_asked_for(void)
{
    again(true);
    ask_for(1);
    put();
    puppet_push(&puppet);
    put();
    puppet_set_word(&puppet, REQ_PROD, puppet.req_prod);
    puppet_step(&puppet);
    puppet_expect_none(&puppet);
}

/* ---- what without an observer is not certain ---- */

static void i14_req_event_that_moves_meanwhile_proves_nothing(void)
{
    const uint32_t later = 100;

    put();
    puppet_push_quietly(&puppet);
    memcpy(puppet.ring + 4, &later, sizeof(later));
    puppet_step(&puppet);
    puppet_expect_none(&puppet);
    again(false);
    put();
    puppet_push(&puppet);
    memcpy(puppet.ring + 4, &later, sizeof(later));
    puppet_step(&puppet);
    puppet_expect_none(&puppet);
}

static void i14_an_index_that_makes_no_sense_asks_for_nothing(void)
{
    puppet_set_word(&puppet, REQ_PROD, 1000);
    puppet_step(&puppet);
    puppet_expect(&puppet, 3, false, "from 0 to 0x3e8");
}

static void i14_req_prod_is_somebody_elses(void)
{
    CU_ASSERT_EQUAL(simback_backend_move_index(puppet.backend, 0, 0, 1, true, false), 0);
    for (int i = 0; i < 2; i++) {
        put();
        puppet_push_quietly(&puppet);
        puppet_step(&puppet);
    }
    puppet_expect_none(&puppet);
}

static void i14_without_a_port_nobody_can_be_notified(void)
{
    simback_store_remove(puppet.world, "/local/domain/1/device/vbd/51712/event-channel");
    puppet_write(&puppet, "state", "4"); /* published anew */
    put();
    puppet_push_quietly(&puppet);
    puppet_step(&puppet);
    puppet_expect_none(&puppet);
}

/* ---- bounded work ---- */

static void i14_a_step_touches_the_ring_a_bounded_number_of_times(void)
{
    enum { MOST = 4096 + 64 * 32 };

    for (int i = 0; i < MOST; i++)
        blkfront_observe(puppet_slot(&puppet, 0), 8, BLKFRONT_ACCESS_STORE);
    puppet_step(&puppet);
    puppet_expect_none(&puppet);
    for (int i = 0; i < MOST + 1; i++)
        blkfront_observe(puppet_slot(&puppet, 0), 8, BLKFRONT_ACCESS_STORE);
    puppet_step(&puppet);
    puppet_expect(&puppet, 14, false, "touched the ring of queue 0 6145 times in one step");
}

/* ---- the final check ---- */

enum { RSP_EVENT = 3 };

static void look_at_rsp_prod(void)
{
    (void)puppet_load32(&puppet, puppet.ring + 8);
}

static void i14_rsp_event_and_no_look_at_rsp_prod(void)
{
    again(true);
    look_at_rsp_prod();
    puppet_set_word(&puppet, RSP_EVENT, 1);
    puppet_expect_none(&puppet); /* it may still come in this step */
    puppet_step(&puppet);
    puppet_expect(&puppet, 14, false,
                  "rsp_event of queue 0 is stored as 0x1, and rsp_prod is not looked at again");
}

static void i14_a_look_without_a_fence_is_none(void)
{
    again(true);
    blkfront_observe(NULL, 0, BLKFRONT_ACCESS_FENCE);
    puppet_set_word(&puppet, RSP_EVENT, 1);
    look_at_rsp_prod();
    puppet_step(&puppet);
    puppet_expect(&puppet, 14, false, "behind that and a full fence");
}

static void i14_the_final_check(void)
{
    again(true);
    puppet_set_word(&puppet, RSP_EVENT, 1);
    blkfront_observe(NULL, 0, BLKFRONT_ACCESS_FENCE);
    look_at_rsp_prod();
    puppet_step(&puppet);
    puppet_expect_none(&puppet);
}

static void i14_who_asks_for_no_event_need_not_look(void)
{
    again(true);
    puppet_set_word(&puppet, RSP_EVENT, 0);
    puppet_step(&puppet);
    puppet_set_word(&puppet, RSP_EVENT, 33);
    puppet_step(&puppet);
    puppet_expect_none(&puppet);
}

static const struct unit_test tests[] = {
    UNIT_TEST(i14_rsp_event_and_no_look_at_rsp_prod),
    UNIT_TEST(i14_a_look_without_a_fence_is_none),
    UNIT_TEST(i14_the_final_check),
    UNIT_TEST(i14_who_asks_for_no_event_need_not_look),
    UNIT_TEST(i14_a_notification_that_is_asked_for),
    UNIT_TEST(i14_no_notification_although_it_is_asked_for),
    UNIT_TEST(i14_any_of_the_published_may_be_asked_for),
    UNIT_TEST(i14_what_is_published_before_or_later_is_not_asked_for),
    UNIT_TEST(i14_over_the_wrap),
    UNIT_TEST(i14_a_notification_that_nobody_asked_for),
    UNIT_TEST(i14_a_notification_that_fails_on_purpose),
    UNIT_TEST(i14_two_notifications_for_one_publish),
    UNIT_TEST(i14_before_connected_one_more_does_no_harm),
    UNIT_TEST(i14_another_port_is_none_of_the_rings),
    UNIT_TEST(i14_a_notification_before_the_publish_does_not_count),
    UNIT_TEST(i14_the_value_that_was_loaded_counts),
    UNIT_TEST(i14_one_notification_for_two_publishes),
    UNIT_TEST(i14_a_publish_without_a_look),
    UNIT_TEST(i14_a_publish_without_a_look_that_nobody_asked_for),
    UNIT_TEST(i14_req_event_that_moves_meanwhile_proves_nothing),
    UNIT_TEST(i14_an_index_that_makes_no_sense_asks_for_nothing),
    UNIT_TEST(i14_req_prod_is_somebody_elses),
    UNIT_TEST(i14_without_a_port_nobody_can_be_notified),
    UNIT_TEST(i14_a_step_touches_the_ring_a_bounded_number_of_times),
};
UNIT_MAIN_WITH("oracle: events", set_up, tear_down, tests)
