/* SPDX-License-Identifier: ISC */
/*
 * The blocking calls: they return when what they wait for has come or can no longer come, and never
 * leave a request of theirs behind.
 */
#include "fake_world.h"

static struct blkfront_device *blocking_connected(void)
{
    struct blkfront_device *device = NULL;

    CU_ASSERT_EQUAL_FATAL(blkfront_blocking_connect(context, "xvda", NULL, &device), BLKFRONT_OK);
    CU_ASSERT_EQUAL(blkfront_device_state(device), BLKFRONT_CONNECTED);
    return device;
}

static int blocking_connect_fails(const struct blkfront_options *options)
{
    struct blkfront_device *device = NULL;
    int error = blkfront_blocking_connect(context, "xvda", options, &device);

    CU_ASSERT_PTR_NULL(device);
    CU_ASSERT_EQUAL(fake.blocks, 1);
    CU_ASSERT_EQUAL(fake.sets_open, 0);
    left_as_found();
    return error;
}

static void a_connect_returns_when_connected_and_a_disconnect_when_closed(void)
{
    struct blkfront_device *device = blocking_connected();

    blkfront_blocking_disconnect(device);
    CU_ASSERT_EQUAL(blkfront_device_state(device), BLKFRONT_CLOSED);
    blkfront_blocking_disconnect(device);
    blkfront_release(device);
    CU_ASSERT_STRING_EQUAL(fake_history(&fake), "3 4 5 6");
    blkfront_blocking_disconnect(NULL);
}

static void a_device_that_is_connected_already_is_given_at_once(void)
{
    struct blkfront_device *first = blocking_connected();
    struct blkfront_device *second = blocking_connected();

    CU_ASSERT_PTR_EQUAL(first, second);
    blkfront_release(first);
    blkfront_blocking_disconnect(second);
    blkfront_release(second);
}

static void a_connect_that_fails_gives_no_device_and_says_why(void)
{
    backend_goes("2");
    fake_queues.open_fails = 1;
    CU_ASSERT_EQUAL(blocking_connect_fails(NULL), BLKFRONT_NO_MEMORY);
    CU_ASSERT_STRING_EQUAL(blkfront_detail(context), "cannot share a ring and its pages");
    fake_remove(&fake, BACK);
    CU_ASSERT_EQUAL(blocking_connect_fails(NULL), BLKFRONT_DISCONNECTED);
    CU_ASSERT_STRING_EQUAL(blkfront_detail(context), "the backend is gone: " BACK);
    CU_ASSERT_EQUAL(blkfront_blocking_connect(context, "xvda", NULL, NULL), BLKFRONT_INVALID);
    fake_remove(&fake, FRONT);
    CU_ASSERT_EQUAL(blocking_connect_fails(NULL), BLKFRONT_NO_DEVICE);
}

static void i4_a_connect_to_a_hung_backend_ends_at_its_deadlines(void)
{
    struct blkfront_options options;

    blkfront_options_init(&options);
    options.connect_deadline_ns = 2 * SECOND;
    backend.stays_at = 2;
    CU_ASSERT_EQUAL(blocking_connect_fails(&options), BLKFRONT_DEADLINE);
    /* We had published: the backend has its time to let go. */
    CU_ASSERT_EQUAL(fake.now_ns, 1000 + 32 * SECOND);
    CU_ASSERT_STRING_EQUAL(fake_history(&fake), "3 5 6");
}

/* A connect polls all queues that there may be, so all of them are its own from then on. */
static void i4_a_disconnect_polls_the_queues_that_the_backend_did_not_have(void)
{
    struct blkfront_device *device = NULL;
    struct blkfront_options options;
    uint64_t now_ns;

    blkfront_options_init(&options);
    options.queues = 2;
    CU_ASSERT_EQUAL_FATAL(blkfront_blocking_connect(context, "xvda", &options, &device),
                          BLKFRONT_OK);
    CU_ASSERT_EQUAL(blkfront_queue_count(device), 1);
    CU_ASSERT_EQUAL(queue_open(queue_at(device, 1)), 0); /* the next connection was to have it */
    now_ns = fake.now_ns;
    blkfront_blocking_disconnect(device);
    CU_ASSERT_EQUAL(queue_get_state(queue_at(device, 1)), QUEUE_CLOSED);
    CU_ASSERT_TRUE(fake.now_ns - now_ns < SECOND);
    blkfront_release(device);
}

static void i4_a_disconnect_from_a_hung_backend_ends_at_its_deadline(void)
{
    struct blkfront_device *device = blocking_connected();

    backend.hung = true;
    blkfront_blocking_disconnect(device);
    CU_ASSERT_EQUAL(blkfront_device_state(device), BLKFRONT_CLOSED);
    CU_ASSERT_EQUAL(fake.now_ns, 1000 + 30 * SECOND);
    blkfront_release(device);
}

static void reads_writes_and_flushes_return_with_their_completion(void)
{
    struct blkfront_device *device = blocking_connected();
    char bytes[512];
    const struct blkfront_buffer buffer = {.address = bytes, .size = sizeof(bytes)};

    CU_ASSERT_EQUAL(blkfront_blocking_read(device, 0, &buffer, 1), BLKFRONT_OK);
    CU_ASSERT_EQUAL(blkfront_blocking_write(device, 0, &buffer, 1), BLKFRONT_OK);
    CU_ASSERT_EQUAL(blkfront_blocking_write(device, 0, NULL, 0), BLKFRONT_OK);
    CU_ASSERT_EQUAL(blkfront_blocking_flush(device), BLKFRONT_OK);
    CU_ASSERT_EQUAL(blkfront_blocking_read(NULL, 0, &buffer, 1), BLKFRONT_INVALID);
    CU_ASSERT_EQUAL(blkfront_blocking_read(device, 0, NULL, 1), BLKFRONT_INVALID);
    blkfront_blocking_disconnect(device);
    CU_ASSERT_EQUAL(blkfront_blocking_read(device, 0, &buffer, 1), BLKFRONT_DISCONNECTED);
    blkfront_release(device);
}

/* The backend closes instead of answering. */
static bool closes(struct fake *unused)
{
    if (atoi(fake_get(&fake, BACK "/state")) == 4) {
        backend_goes("5");
        return true;
    }
    return backend_step(unused);
}

static void a_read_whose_backend_closes_is_disconnected(void)
{
    struct blkfront_device *device = blocking_connected();
    char bytes[512];
    const struct blkfront_buffer buffer = {.address = bytes, .size = sizeof(bytes)};

    fake.world = closes;
    fake_queues.unanswered = true;
    CU_ASSERT_EQUAL(blkfront_blocking_read(device, 0, &buffer, 1), BLKFRONT_DISCONNECTED);
    blkfront_blocking_disconnect(device);
    blkfront_release(device);
}

/* A request lies on the stack of its call: it may not return before the completion. */
static void a_platform_that_cannot_wait_ends_the_device_not_the_promise(void)
{
    struct blkfront_device *device = blocking_connected();
    char bytes[512];
    const struct blkfront_buffer buffer = {.address = bytes, .size = sizeof(bytes)};

    fake.wait_result = BLKFRONT_PLATFORM_IO;
    fake_queues.unanswered = true;
    CU_ASSERT_EQUAL(blkfront_blocking_read(device, 0, &buffer, 1), BLKFRONT_DISCONNECTED);
    blkfront_blocking_disconnect(device);
    CU_ASSERT_EQUAL(blkfront_device_state(device), BLKFRONT_CLOSED);
    blkfront_release(device);
    CU_ASSERT_EQUAL(blocking_connect_fails(NULL), BLKFRONT_STORE);
    CU_ASSERT_STRING_EQUAL(blkfront_detail(context), "the platform cannot wait");
}

static unsigned empty_waits;

static bool sluggish(struct fake *unused)
{
    return ++empty_waits % 3 == 0 ? backend_step(unused) : true;
}

static void a_wait_may_end_for_no_reason(void)
{
    struct blkfront_device *device;

    empty_waits = 0;
    fake.world = sluggish;
    backend_goes("4");
    device = blocking_connected();
    blkfront_blocking_disconnect(device);
    blkfront_release(device);
    CU_ASSERT_STRING_EQUAL(fake_history(&fake), "5 6 1 3 4 5 6");
    CU_ASSERT(empty_waits >= 12);
}

/* Who says that there is more is polled again before anybody waits. */
static void who_has_more_to_do_is_not_waited_for(void)
{
    struct blkfront_device *device;
    char bytes[512];
    const struct blkfront_buffer buffer = {.address = bytes, .size = sizeof(bytes)};

    fake_queues.more = 3;
    device = blocking_connected();
    CU_ASSERT_EQUAL(fake_queues.more, 0);
    fake.wait_result = BLKFRONT_PLATFORM_IO; /* nobody shall wait */
    fake_queues.more = 3;
    CU_ASSERT_EQUAL(blkfront_blocking_read(device, 0, &buffer, 1), BLKFRONT_OK);
    fake.wait_result = 0;
    fake_queues.more = 3;
    blkfront_blocking_disconnect(device);
    CU_ASSERT_EQUAL(blkfront_device_state(device), BLKFRONT_CLOSED);
    blkfront_release(device);
}

static uint64_t waited_until_ns;
static int (*wait_of_before)(void *context, uint64_t deadline_ns);

static int note_wait(void *unused, uint64_t deadline_ns)
{
    waited_until_ns = deadline_ns;
    return wait_of_before(unused, deadline_ns);
}

static void i4_a_wait_ends_when_something_is_due(void)
{
    struct blkfront_device *device;

    wait_of_before = fake.platform.wait;
    fake.platform.wait = note_wait;
    fake_queues.due_ns = 4711;
    device = blocking_connected();
    CU_ASSERT_EQUAL(waited_until_ns, 4711);
    fake_queues.due_ns = UINT64_MAX - 1; /* the deadline of the disconnect comes first */
    backend.hung = true;
    blkfront_blocking_disconnect(device);
    CU_ASSERT_EQUAL(waited_until_ns, fake.now_ns);
    CU_ASSERT_EQUAL(blkfront_device_state(device), BLKFRONT_CLOSED);
    blkfront_release(device);
}

/* Somebody else who has the device ends it. */
static bool gives_up(struct fake *unused)
{
    blkfront_disconnect(context->devices);
    return backend_step(unused);
}

static void a_connect_that_another_ends_is_disconnected(void)
{
    fake.world = gives_up;
    CU_ASSERT_EQUAL(blocking_connect_fails(NULL), BLKFRONT_DISCONNECTED);
}

static const struct unit_test tests[] = {
    UNIT_TEST(who_has_more_to_do_is_not_waited_for),
    UNIT_TEST(i4_a_wait_ends_when_something_is_due),
    UNIT_TEST(a_connect_that_another_ends_is_disconnected),
    UNIT_TEST(a_connect_returns_when_connected_and_a_disconnect_when_closed),
    UNIT_TEST(a_device_that_is_connected_already_is_given_at_once),
    UNIT_TEST(a_connect_that_fails_gives_no_device_and_says_why),
    UNIT_TEST(i4_a_connect_to_a_hung_backend_ends_at_its_deadlines),
    UNIT_TEST(i4_a_disconnect_polls_the_queues_that_the_backend_did_not_have),
    UNIT_TEST(i4_a_disconnect_from_a_hung_backend_ends_at_its_deadline),
    UNIT_TEST(reads_writes_and_flushes_return_with_their_completion),
    UNIT_TEST(a_read_whose_backend_closes_is_disconnected),
    UNIT_TEST(a_platform_that_cannot_wait_ends_the_device_not_the_promise),
    UNIT_TEST(a_wait_may_end_for_no_reason),
};

UNIT_MAIN_WITH("blocking", world_set_up, world_tear_down, tests)
