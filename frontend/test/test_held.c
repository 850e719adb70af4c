/* SPDX-License-Identifier: ISC */
/*
 * A queue between two connections: its pages (I5), its deadlines (I4), and the device that changes
 * its mind.
 */
#include "lost.h"

/* ---- pages ---- */

/* I5: what the old backend does not let go is not used again, and the request goes out as a copy.
 */
static void i5_a_page_that_the_old_backend_holds_is_copied(void)
{
    struct blkfront_memory *memory = NULL;
    void *address = NULL;
    struct blkfront_buffer buffer;
    struct rig_call call;
    struct rig_request first, second;

    start();
    CU_ASSERT_EQUAL_FATAL(
        blkfront_memory_create(&rig.device, 1, BLKFRONT_MEMORY_TO_DISK, &memory, &address),
        BLKFRONT_OK);
    memset(address, 0x5a, PAGE);
    buffer = (struct blkfront_buffer){.address = address, .size = PAGE, .memory = memory};
    call = rig_call(BLKFRONT_WRITE, 0, &buffer, 1);
    submit(&call);
    first = rig_next(&rig);
    fake_hold(&rig.fake, first.segments[0].grant_ref, true);
    rig_lose(&rig);
    CU_ASSERT_EQUAL(rig.fake.refs_used, 1);
    reconnect();
    second = rig_next(&rig);
    CU_ASSERT_NOT_EQUAL(second.segments[0].grant_ref, first.segments[0].grant_ref);
    CU_ASSERT_EQUAL(rig_statistics(&rig).bounced, 1);
    fake_hold(&rig.fake, first.segments[0].grant_ref, false);
    memories_poll(&rig.device);
    rig_answer(&rig, &second);
    check_result(&call, BLKFRONT_OK);
    CU_ASSERT_EQUAL(rig.disk[4095], 0x5a);
    blkfront_memory_destroy(memory);
    finish();
}

/* Where flags are fixed at sharing, each connection has pools of its own. */
static void i5_shared_pools_end_with_their_connection(void)
{
    struct rig_call calls[2] = {page_write(0), rig_call(BLKFRONT_READ, 0, &one_page, 1)};

    rig_init(&rig, false);
    start();
    submit(&calls[0]);
    submit(&calls[1]);
    rig.fake.all_busy = true;
    rig_lose(&rig);
    CU_ASSERT_EQUAL(quarantine_retry(&rig.context), 65); /* the ring and both pools */
    rig.fake.all_busy = false;
    reconnect();
    rig_settle(&rig);
    check_result(&calls[0], BLKFRONT_OK);
    check_result(&calls[1], BLKFRONT_OK);
    CU_ASSERT_EQUAL(quarantine_retry(&rig.context), 0);
    finish();
}

/* A resume makes the references of shared memory void: it is copied from then on. */
static void memory_whose_references_are_void_is_copied(void)
{
    for (int any_page = 0; any_page < 2; any_page++) {
        struct blkfront_memory *memory = NULL;
        void *address = NULL;
        struct blkfront_buffer buffer;
        struct rig_call call;

        rig_init(&rig, any_page != 0);
        start();
        CU_ASSERT_EQUAL_FATAL(
            blkfront_memory_create(&rig.device, 1, BLKFRONT_MEMORY_TO_DISK, &memory, &address),
            BLKFRONT_OK);
        buffer = (struct blkfront_buffer){.address = address, .size = PAGE, .memory = memory};
        call = rig_call(BLKFRONT_WRITE, 0, &buffer, 1);
        submit(&call);
        rig_settle(&rig);
        CU_ASSERT_EQUAL(rig_statistics(&rig).direct, 1);
        memories_void(&rig.device);
        submit(&call);
        rig_settle(&rig);
        CU_ASSERT_EQUAL(rig_statistics(&rig).direct, any_page != 0 ? 2 : 1);
        blkfront_memory_destroy(memory);
        finish();
    }
}

/* ---- while it waits ---- */

static void i4_a_deadline_passes_while_nothing_is_connected(void)
{
    const struct blkfront_buffer all = {.address = data, .size = 33 * PAGE};
    struct rig_call kept = rig_call(BLKFRONT_WRITE, 0, &all, 1), waiting = page_write(0);

    rig.device.options.request_deadline_ns = 1000;
    start();
    submit(&kept);
    queue_pause(rig.queue);
    rig_poll(&rig);
    queue_keep(rig.queue);
    rig_poll(&rig);
    CU_ASSERT_EQUAL(queue_get_state(rig.queue), QUEUE_KEPT); /* not closed yet */
    rig.fake.now = 500;
    submit(&waiting);
    CU_ASSERT_EQUAL(blkfront_queue_poll_at(rig.queue), 1000);
    rig.fake.now = 1000;
    rig_poll(&rig);
    check_result(&kept, BLKFRONT_DEADLINE);
    CU_ASSERT_EQUAL(queue_close(rig.queue), 0);
    CU_ASSERT_EQUAL(blkfront_queue_poll_at(rig.queue), 1500);
    rig.fake.now = 1500;
    rig_poll(&rig);
    check_result(&waiting, BLKFRONT_DEADLINE);
    CU_ASSERT_TRUE(queue_check(rig.queue));
    reconnect();
    CU_ASSERT_EQUAL(rig_waiting_requests(&rig), 0);
    finish();
}

static void i2_what_is_kept_ends_when_no_connection_comes(void)
{
    const struct blkfront_buffer all = {.address = data, .size = 33 * PAGE};
    struct rig_call calls[3] = {rig_call(BLKFRONT_WRITE, 0, &all, 1), page_write(0),
                                rig_call(BLKFRONT_FLUSH, 0, NULL, 0)};

    /* From each of the states on the way. */
    for (unsigned when = 0; when < 5; when++) {
        set_up();
        start();
        for (unsigned i = 0; i < 3; i++) {
            calls[i].completions = 0;
            submit(&calls[i]);
        }
        queue_pause(rig.queue);
        if (when > 0)
            rig_poll(&rig);
        if (when > 1)
            queue_keep(rig.queue);
        if (when > 2)
            rig_poll(&rig);
        if (when > 3)
            CU_ASSERT_EQUAL(queue_close(rig.queue), 0);
        rig_close(&rig, BLKFRONT_DISCONNECTED);
        for (unsigned i = 0; i < 3; i++)
            check_result(&calls[i], BLKFRONT_DISCONNECTED);
        CU_ASSERT_EQUAL(rig_left(&rig), 0);
    }
}

/* The device changes its mind between two polls of the queue, and in the middle of one. */
static void a_stop_overtakes_a_pause_and_a_keep(void)
{
    struct rig_call call = page_write(0);

    start();
    submit(&call);
    queue_pause(rig.queue);
    queue_keep(rig.queue);
    queue_keep(rig.queue);
    queue_pause(rig.queue); /* is no way back */
    CU_ASSERT_EQUAL(queue_get_state(rig.queue), QUEUE_KEEPING);
    queue_stop(rig.queue, BLKFRONT_PROTOCOL);
    queue_keep(rig.queue);
    CU_ASSERT_EQUAL(queue_get_state(rig.queue), QUEUE_STOPPING);
    rig_poll(&rig);
    check_result(&call, BLKFRONT_PROTOCOL);
    CU_ASSERT_EQUAL(queue_get_state(rig.queue), QUEUE_STOPPED);
    finish();
}

static void stop_now(struct rig_call *call)
{
    (void)call;
    rig.takes = false;
    queue_stop(rig.queue, BLKFRONT_DISCONNECTED);
}

static void a_completion_that_stops_what_is_being_paused_is_heard(void)
{
    struct rig_call calls[2] = {page_write(0), page_write(8)};
    struct rig_request request;

    start();
    calls[0].then = stop_now;
    submit(&calls[0]);
    submit(&calls[1]);
    request = rig_next(&rig);
    queue_pause(rig.queue);
    rig_answer(&rig, &request);
    check_result(&calls[0], BLKFRONT_OK);
    CU_ASSERT_EQUAL(queue_get_state(rig.queue), QUEUE_STOPPING);
    rig_poll(&rig);
    check_result(&calls[1], BLKFRONT_DISCONNECTED);
    finish();
}

static void i3_a_violation_in_the_last_look_is_seen(void)
{
    struct rig_call call = page_write(0);

    start();
    submit(&call);
    rig_words(&rig, 0)->rsp_prod = 5;
    queue_pause(rig.queue);
    queue_keep(rig.queue);
    rig_poll(&rig);
    CU_ASSERT_PTR_NOT_NULL(queue_violation(rig.queue));
    CU_ASSERT_EQUAL(queue_get_state(rig.queue), QUEUE_KEPT);
    CU_ASSERT_EQUAL(call.completions, 0); /* that is the device's to say */
    rig_close(&rig, BLKFRONT_PROTOCOL);
    check_result(&call, BLKFRONT_PROTOCOL);
    CU_ASSERT_EQUAL(rig_left(&rig), 0);
}

/* A queue whose connection never became one has nothing to look for on its ring. */
static void i11_a_ring_that_was_never_used_is_not_looked_at(void)
{
    struct rig_call call = page_write(0);

    start();
    submit(&call);
    lose();
    CU_ASSERT_EQUAL(queue_open(rig.queue), 0);
    rig.req_cons[0] = rig.rsp_prod[0] = 0;
    rig_words(&rig, 0)->rsp_prod = 77;
    lose();
    CU_ASSERT_PTR_NULL(queue_violation(rig.queue));
    reconnect();
    rig_settle(&rig);
    check_result(&call, BLKFRONT_OK);
    finish();
}

static const struct unit_test tests[] = {
    UNIT_TEST(i5_a_page_that_the_old_backend_holds_is_copied),
    UNIT_TEST(i5_shared_pools_end_with_their_connection),
    UNIT_TEST(memory_whose_references_are_void_is_copied),
    UNIT_TEST(i4_a_deadline_passes_while_nothing_is_connected),
    UNIT_TEST(i2_what_is_kept_ends_when_no_connection_comes),
    UNIT_TEST(a_stop_overtakes_a_pause_and_a_keep),
    UNIT_TEST(a_completion_that_stops_what_is_being_paused_is_heard),
    UNIT_TEST(i3_a_violation_in_the_last_look_is_seen),
    UNIT_TEST(i11_a_ring_that_was_never_used_is_not_looked_at),
};

UNIT_MAIN_WITH("held", set_up, NULL, tests)
