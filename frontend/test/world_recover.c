/* SPDX-License-Identifier: ISC */
/*
 * What the tests of recovery and of suspend have in common.
 */
#include "fake_world.h"

struct blkfront_options recover_options;
unsigned completions;
int last_result;

void recover_set_up(void)
{
    world_set_up();
    blkfront_options_init(&recover_options);
    recover_options.recover_deadline_ns = 100 * SECOND;
    completions = 0;
}

void recover_anew(void)
{
    world_tear_down();
    recover_set_up();
}

struct blkfront_device *recoverable(void)
{
    struct blkfront_device *device = begin(&recover_options);

    settle(device);
    CU_ASSERT_EQUAL_FATAL(blkfront_device_state(device), BLKFRONT_CONNECTED);
    return device;
}

void is_recovering(struct blkfront_device *device)
{
    struct blkfront_info info;

    settle(device);
    CU_ASSERT_EQUAL(blkfront_device_state(device), BLKFRONT_RECOVERING);
    CU_ASSERT_EQUAL(blkfront_get_info(device, &info), BLKFRONT_DISCONNECTED);
    CU_ASSERT_TRUE(device_takes_requests(device));
}

void has_recovered(struct blkfront_device *device, unsigned reconnects)
{
    struct blkfront_statistics statistics;

    settle_in_time(device);
    CU_ASSERT_EQUAL(blkfront_device_state(device), BLKFRONT_CONNECTED);
    CU_ASSERT_EQUAL(blkfront_device_error(device), BLKFRONT_OK);
    CU_ASSERT_STRING_EQUAL(blkfront_device_detail(device), "");
    CU_ASSERT_EQUAL(blkfront_poll_at(device), UINT64_MAX);
    CU_ASSERT_EQUAL(fake_watch_count(&fake), 3);
    CU_ASSERT_EQUAL(fake_queues.open, 1);
    blkfront_get_statistics(device, &statistics);
    CU_ASSERT_EQUAL(statistics.reconnects, reconnects);
}

void disconnects(struct blkfront_device *device)
{
    blkfront_disconnect(device);
    ends(device, BLKFRONT_CLOSED, BLKFRONT_OK, "");
}

void on_complete(struct blkfront_request *request, int result)
{
    (void)request;
    completions++;
    last_result = result;
}

bool go_some_steps(struct blkfront_device *device, unsigned steps)
{
    for (unsigned i = 0; i < steps; i++) {
        if (i % 2 == 0)
            (void)blkfront_poll(device);
        else
            (void)blkfront_queue_poll(queue_at(device, 0));
        (void)backend_step(&fake);
    }
    return blkfront_device_state(device) == BLKFRONT_RECOVERING;
}

static bool ended(struct blkfront_device *device)
{
    return blkfront_device_state(device) == BLKFRONT_CLOSED ||
           blkfront_device_state(device) == BLKFRONT_FAILED;
}

static void fail_each_call_with(void (*lose)(void), bool ever_after, int result)
{
    for (unsigned n = 1; n < 500; n++) {
        struct blkfront_device *device;
        unsigned failures;

        recover_anew();
        device = recoverable();
        fake_fail(&fake, n, ever_after, result);
        lose();
        settle_in_time(device);
        failures = fake.failures;
        fake_fail(&fake, 0, false, 0);
        settle_in_time(device);
        CU_ASSERT_TRUE(ended(device) || blkfront_device_state(device) == BLKFRONT_CONNECTED);
        CU_ASSERT_EQUAL(ended(device), blkfront_device_detail(device)[0] != '\0');
        CU_ASSERT_EQUAL(fake_queues.open, ended(device) ? 0 : 1);
        blkfront_disconnect(device);
        settle_in_time(device);
        blkfront_release(device);
        CU_ASSERT_EQUAL(fake.blocks, 1);
        CU_ASSERT_EQUAL(fake.sets_open, 0);
        CU_ASSERT_FALSE(fake.in_transaction);
        disconnects(connected());
        left_as_found();
        if (failures == 0) {
            CU_ASSERT(n > 30);
            return;
        }
    }
    CU_FAIL("the calls never end");
}

void fail_each_call_after(void (*lose)(void), bool ever_after)
{
    fail_each_call_with(lose, ever_after, BLKFRONT_PLATFORM_IO);
    fail_each_call_with(lose, ever_after, BLKFRONT_PLATFORM_NO_MEMORY);
    fail_each_call_with(lose, ever_after, BLKFRONT_PLATFORM_AGAIN);
    fail_each_call_with(lose, ever_after, BLKFRONT_PLATFORM_DENIED);
}
