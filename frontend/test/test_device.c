/* SPDX-License-Identifier: ISC */
/*
 * Connecting from every start, who is given which device, and what may change while it is
 * connected.
 */
#include "fake_world.h"

/* ---- connecting ---- */

static void a_device_connects_and_disconnects(void)
{
    struct blkfront_device *device = connected();

    CU_ASSERT_STRING_EQUAL(fake_history(&fake), "3 4");
    CU_ASSERT_EQUAL(fake_queues.started, 1);
    CU_ASSERT_EQUAL(blkfront_poll_at(device), UINT64_MAX);
    CU_ASSERT_EQUAL(blkfront_device_error(device), BLKFRONT_OK);
    blkfront_disconnect(device);
    blkfront_disconnect(device);
    CU_ASSERT_EQUAL(blkfront_device_state(device), BLKFRONT_DISCONNECTING);
    CU_ASSERT_EQUAL(fake_queues.stop_result, BLKFRONT_DISCONNECTED);
    ends(device, BLKFRONT_CLOSED, BLKFRONT_OK, "");
    CU_ASSERT_STRING_EQUAL(fake_history(&fake), "3 4 5 6");
    CU_ASSERT_EQUAL(fake_queues.memories_closed, 1);
    left_as_found();
}

static void i11_every_start_of_both_sides_connects_or_fails_cleanly(void)
{
    static const char *const states[] = {"0", "1", "2", "3", "4", "5", "6", "7", "8", NULL};

    for (unsigned own = 0; own < 10; own++) {
        for (unsigned other = 0; other < 10; other++) {
            struct blkfront_device *device;

            world_anew();
            if (states[own] != NULL)
                fake_set(&fake, FRONT "/state", states[own]);
            else
                fake_remove(&fake, FRONT "/state");
            if (states[other] != NULL)
                backend_goes(states[other]);
            else
                fake_remove(&fake, BACK "/state");
            device = begin(NULL);
            settle(device);
            if (other == 9) {
                ends(device, BLKFRONT_FAILED, BLKFRONT_DISCONNECTED, "the backend is gone: " BACK);
                continue;
            }
            if (other == 0 || other >= 7) { /* it has not looked yet, or says nothing: wait */
                CU_ASSERT_EQUAL(blkfront_device_state(device), BLKFRONT_CONNECTING);
                backend_goes("2");
                settle(device);
            }
            CU_ASSERT_EQUAL(blkfront_device_state(device), BLKFRONT_CONNECTED);
            blkfront_disconnect(device);
            ends(device, BLKFRONT_CLOSED, BLKFRONT_OK, "");
            left_as_found();
        }
    }
}

static void i20_a_state_of_ours_that_is_none_is_no_hindrance(void)
{
    fake_set(&fake, FRONT "/state", "connected");
    blkfront_release(connected());
    CU_ASSERT_STRING_EQUAL(fake_history(&fake), "1 3 4 5 6");
}

static void i11_a_start_beside_a_connected_backend_makes_it_begin_anew(void)
{
    struct blkfront_device *device;

    backend_goes("4");
    device = connected();
    CU_ASSERT_STRING_EQUAL(fake_history(&fake), "5 6 1 3 4");
    blkfront_release(device);
}

static void a_backend_that_skips_init_wait_gets_defaults_only(void)
{
    struct blkfront_options options;
    struct blkfront_device *device;
    struct blkfront_info info;

    blkfront_options_init(&options);
    options.ring_order = 2;
    fake_set(&fake, BACK "/max-ring-page-order", "4");
    backend.skips_init_wait = true;
    device = begin(&options);
    settle(device);
    CU_ASSERT_EQUAL(blkfront_get_info(device, &info), BLKFRONT_OK);
    CU_ASSERT_EQUAL(info.ring_order, 0);
    CU_ASSERT_STRING_EQUAL(fake_history(&fake), "3 4");
    CU_ASSERT_PTR_NOT_NULL(fake_get(&fake, FRONT "/ring-ref"));
    blkfront_release(device);
}

static void a_ring_that_finds_no_grants_is_made_smaller(void)
{
    struct blkfront_options options;
    struct blkfront_device *device;
    struct blkfront_info info;

    blkfront_options_init(&options);
    options.ring_order = 3;
    fake_queues.open_fails = 2;
    device = begin(&options);
    settle(device);
    CU_ASSERT_EQUAL(blkfront_get_info(device, &info), BLKFRONT_OK);
    CU_ASSERT_EQUAL(info.ring_order, 1);
    CU_ASSERT_STRING_EQUAL(fake_get(&fake, FRONT "/ring-page-order"), "1");
    blkfront_release(device);
}

static void queues_that_find_no_grants_are_left_out(void)
{
    struct blkfront_options options;
    struct blkfront_device *device;
    struct blkfront_statistics statistics;
    struct blkfront_info info;

    blkfront_options_init(&options);
    options.queues = 4;
    fake_set(&fake, BACK "/multi-queue-max-queues", "8");
    fake_queues.open_limit = 2;
    device = begin(&options);
    settle(device);
    CU_ASSERT_EQUAL(blkfront_get_info(device, &info), BLKFRONT_OK);
    CU_ASSERT_EQUAL(info.queues, 2);
    CU_ASSERT_STRING_EQUAL(fake_get(&fake, FRONT "/multi-queue-num-queues"), "2");
    blkfront_get_statistics(device, &statistics);
    CU_ASSERT_EQUAL(statistics.requests, 1 + 2 + 3 + 4);
    blkfront_release(device);
}

static void a_device_without_any_ring_fails(void)
{
    struct blkfront_device *device;

    fake_queues.open_fails = 1;
    device = begin(NULL);
    ends(device, BLKFRONT_FAILED, BLKFRONT_NO_MEMORY, "cannot share a ring and its pages");
    CU_ASSERT_STRING_EQUAL(fake_get(&fake, ERROR_AT),
                           "no-memory: cannot share a ring and its pages");
    CU_ASSERT_STRING_EQUAL(fake_history(&fake), "5 6");
    left_as_found();
    /* The next one works, and the error is history. */
    device = connected();
    CU_ASSERT_PTR_NULL(fake_get(&fake, ERROR_AT));
    blkfront_release(device);
}

static void i20_properties_that_make_no_sense_fail_the_device(void)
{
    struct blkfront_device *device = begin(NULL);

    backend.stays_at = 2;
    settle(device);
    fake_set(&fake, BACK "/sectors", "many");
    backend_goes("4");
    ends(device, BLKFRONT_FAILED, BLKFRONT_STORE,
         "not a size of at most 2^55-1 units of 512 bytes: " BACK "/sectors");
    CU_ASSERT_STRING_EQUAL(fake_history(&fake), "3 5 6");
    left_as_found();
}

static void i20_a_state_that_is_none_fails_the_device(void)
{
    static const char *const bad[] = {"", "9", "four", "4 ", "-1", "4294967300", "44"};

    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        struct blkfront_device *device;

        world_anew();
        device = connected();
        fake_set(&fake, BACK "/state", bad[i]);
        settle(device);
        backend_goes("5");
        ends(device, BLKFRONT_FAILED, BLKFRONT_STORE, "not a xenbus state: " BACK "/state");
    }
}

/* So many characters more than a path may have. */
static const char *make_long_path(size_t more)
{
    static char path[BLKFRONT_PATH_MAX + 16];

    memset(path, 'a', sizeof(path));
    path[0] = '/';
    path[BLKFRONT_PATH_MAX - 1 + more] = '\0';
    return path;
}

static void i20_our_own_nodes_are_checked_before_anything_is_made(void)
{
    const char *long_path = make_long_path(1);
    const struct {
        const char *path, *value, *detail;
    } bad[] = {
        {FRONT "/backend", "", "not a path: " FRONT "/backend"},
        {FRONT "/backend", "backend", "not a path: " FRONT "/backend"},
        {FRONT "/backend", "/a/", "not a path: " FRONT "/backend"},
        {FRONT "/backend", long_path, "not a path: " FRONT "/backend"},
        {FRONT "/backend", NULL, "cannot read " FRONT "/backend"},
        {FRONT "/backend-id", "-1", "not a domain: " FRONT "/backend-id"},
        {FRONT "/backend-id", "32752", "not a domain: " FRONT "/backend-id"},
        {FRONT "/backend-id", NULL, "cannot read " FRONT "/backend-id"},
    };

    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        struct blkfront_device *device = NULL;

        add_device();
        if (bad[i].value != NULL)
            fake_set(&fake, bad[i].path, bad[i].value);
        else
            fake_remove(&fake, bad[i].path);
        CU_ASSERT_EQUAL(blkfront_connect(context, "xvda", NULL, &device), BLKFRONT_STORE);
        CU_ASSERT_STRING_EQUAL(blkfront_detail(context), bad[i].detail);
        CU_ASSERT_PTR_NULL(device);
        CU_ASSERT_EQUAL(fake.blocks, 1);
        CU_ASSERT_EQUAL(fake.sets_open, 0);
    }
}

static void a_backend_path_that_becomes_too_long_is_another(void)
{
    for (size_t more = 1; more < 3; more++) {
        struct blkfront_device *device;

        world_anew();
        device = connected();
        fake_set(&fake, FRONT "/backend", make_long_path(more));
        ends(device, BLKFRONT_CLOSED, BLKFRONT_DISCONNECTED,
             "another backend now: " FRONT "/backend");
    }
}

/* I6: absent means trusted, nonsense does not. */
static void i6_only_who_is_said_to_be_trusted_is(void)
{
    static const struct {
        const char *value;
        bool trusted;
    } cases[] = {{NULL, true}, {"1", true}, {"0", false}, {"yes", false}, {"2", false}};

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct blkfront_device *device;

        world_anew();
        if (cases[i].value != NULL)
            fake_set(&fake, FRONT "/trusted", cases[i].value);
        device = connected();
        CU_ASSERT_EQUAL(device->agreed.trusted, cases[i].trusted);
        blkfront_release(device);
    }
}

static int fail_to_remove(void *unused, blkfront_transaction transaction, const char *path)
{
    (void)unused, (void)transaction, (void)path;
    return BLKFRONT_PLATFORM_IO;
}

/* I10: what a predecessor left goes, or nothing is published. */
static void i10_a_stale_node_that_stays_fails_the_connect(void)
{
    int (*remove_of_before)(void *, blkfront_transaction, const char *) =
        fake.platform.store_remove;
    struct blkfront_device *device = begin(NULL);

    fake_set(&fake, FRONT "/ring-ref7", "77");
    fake_set(&fake, FRONT "/event-channel", "7");
    fake.platform.store_remove = fail_to_remove;
    settle(device);
    fake.platform.store_remove = remove_of_before;
    CU_ASSERT_PTR_NULL(fake_get(&fake, FRONT "/ring-ref"));
    CU_ASSERT_STRING_EQUAL(fake_get(&fake, FRONT "/event-channel"), "7");
    ends(device, BLKFRONT_FAILED, BLKFRONT_STORE, "cannot publish in " FRONT);
    blkfront_release(connected());
    left_as_found();
}

static void the_connect_deadline_ends_a_wait(void)
{
    struct blkfront_options options;
    struct blkfront_device *device;

    blkfront_options_init(&options);
    options.connect_deadline_ns = 5 * SECOND;
    backend.hung = true;
    device = begin(&options);
    settle(device);
    CU_ASSERT_EQUAL(blkfront_device_state(device), BLKFRONT_CONNECTING);
    CU_ASSERT_EQUAL(blkfront_poll_at(device), 1000 + 5 * SECOND);
    ends(device, BLKFRONT_FAILED, BLKFRONT_DEADLINE, "not connected in time: " BACK);
    /* The backend never looked at us: there was nobody to wait for. */
    CU_ASSERT_EQUAL(fake.now_ns, 1000 + 5 * SECOND);
    CU_ASSERT_STRING_EQUAL(fake_history(&fake), "6");
    left_as_found();
    backend.hung = false;
    blkfront_release(connected());
}

/* ---- who is given what ---- */

static void the_same_device_is_given_again_and_counted(void)
{
    struct blkfront_device *first = connected();
    struct blkfront_device *second = NULL;

    CU_ASSERT_EQUAL(blkfront_connect(context, "51712", NULL, &second), BLKFRONT_OK);
    CU_ASSERT_PTR_EQUAL(first, second);
    blkfront_release(second);
    settle(first);
    CU_ASSERT_EQUAL(blkfront_device_state(first), BLKFRONT_CONNECTED);
    blkfront_disconnect(first);
    ends(first, BLKFRONT_CLOSED, BLKFRONT_OK, "");
}

static void a_final_device_does_not_stand_in_the_way_of_a_new_one(void)
{
    struct blkfront_device *old = connected();
    struct blkfront_device *next;

    blkfront_disconnect(old);
    settle_in_time(old);
    CU_ASSERT_EQUAL(blkfront_device_state(old), BLKFRONT_CLOSED);
    next = connected();
    CU_ASSERT_PTR_NOT_EQUAL(old, next);
    CU_ASSERT_EQUAL(blkfront_device_state(old), BLKFRONT_CLOSED);
    blkfront_release(old);
    settle(next);
    CU_ASSERT_EQUAL(blkfront_device_state(next), BLKFRONT_CONNECTED);
    blkfront_disconnect(next);
    ends(next, BLKFRONT_CLOSED, BLKFRONT_OK, "");
    CU_ASSERT_STRING_EQUAL(fake_history(&fake), "3 4 5 6 1 3 4 5 6");
}

static void bad_arguments_are_invalid_and_change_nothing(void)
{
    struct blkfront_device *device = NULL;
    struct blkfront_options options;
    struct blkfront *none = NULL;
    struct blkfront_platform odd = fake.platform;
    uint32_t vdev;
    size_t count;

    CU_ASSERT_EQUAL(blkfront_connect(NULL, "xvda", NULL, &device), BLKFRONT_INVALID);
    CU_ASSERT_EQUAL(blkfront_connect(context, NULL, NULL, &device), BLKFRONT_INVALID);
    CU_ASSERT_EQUAL(blkfront_connect(context, "xvda", NULL, NULL), BLKFRONT_INVALID);
    CU_ASSERT_EQUAL(blkfront_connect(context, "", NULL, &device), BLKFRONT_INVALID);
    CU_ASSERT_EQUAL(blkfront_connect(context, "xvdb", NULL, &device), BLKFRONT_NO_DEVICE);
    blkfront_options_init(&options);
    options.queues = 0;
    CU_ASSERT_EQUAL(blkfront_connect(context, "xvda", &options, &device), BLKFRONT_INVALID);
    blkfront_options_init(&options);
    options.segments = 0;
    CU_ASSERT_EQUAL(blkfront_connect(context, "xvda", &options, &device), BLKFRONT_INVALID);
    blkfront_options_init(&options);
    options.pool_pages = 0;
    CU_ASSERT_EQUAL(blkfront_connect(context, "xvda", &options, &device), BLKFRONT_INVALID);
    blkfront_options_init(&options);
    options.abi = (enum blkfront_abi)2;
    CU_ASSERT_EQUAL(blkfront_connect(context, "xvda", &options, &device), BLKFRONT_INVALID);
    CU_ASSERT(blkfront_detail(context)[0] != '\0');
    CU_ASSERT_PTR_NULL(device);
    CU_ASSERT_EQUAL(blkfront_enumerate(context, NULL, 1, &count), BLKFRONT_INVALID);
    CU_ASSERT_EQUAL(blkfront_enumerate(context, &vdev, 1, NULL), BLKFRONT_INVALID);
    CU_ASSERT_EQUAL(blkfront_create(NULL, &none), BLKFRONT_INVALID);
    CU_ASSERT_EQUAL(blkfront_create(&odd, NULL), BLKFRONT_INVALID);
    odd.version = 2;
    CU_ASSERT_EQUAL(blkfront_create(&odd, &none), BLKFRONT_INVALID);
    odd = fake.platform;
    odd.size--;
    CU_ASSERT_EQUAL(blkfront_create(&odd, &none), BLKFRONT_INVALID);
    odd = fake.platform;
    odd.watch = NULL;
    CU_ASSERT_EQUAL(blkfront_create(&odd, &none), BLKFRONT_INVALID);
    odd = fake.platform;
    odd.capabilities = BLKFRONT_PLATFORM_GRANTS_ANY_PAGE;
    CU_ASSERT_EQUAL(blkfront_create(&odd, &none), BLKFRONT_INVALID);
    CU_ASSERT_PTR_NULL(none);
    CU_ASSERT_EQUAL(fake.blocks, 1);
    blkfront_release(NULL);
    blkfront_disconnect(NULL);
    blkfront_destroy(NULL);
    CU_ASSERT_EQUAL(blkfront_poll(NULL), 0);
    CU_ASSERT_EQUAL(blkfront_poll_at(NULL), UINT64_MAX);
    CU_ASSERT_EQUAL(blkfront_get_info(NULL, NULL), BLKFRONT_INVALID);
}

static void options_beyond_what_we_can_do_are_lowered(void)
{
    struct blkfront_options given, options;

    blkfront_options_init(&given);
    given.queues = given.ring_order = given.segments = given.pool_pages = UINT32_MAX;
    CU_ASSERT_EQUAL(options_check(&given, &options), BLKFRONT_OK);
    CU_ASSERT_EQUAL(options.queues, 64);
    CU_ASSERT_EQUAL(options.ring_order, 4);
    CU_ASSERT_EQUAL(options.segments, 4096);
    CU_ASSERT_EQUAL(options.pool_pages, 65536);
    CU_ASSERT_EQUAL(options_check(NULL, &options), BLKFRONT_OK);
    CU_ASSERT_EQUAL(options.disconnect_deadline_ns, 30 * SECOND);
    CU_ASSERT_EQUAL(options.pool_pages, 352);
}

static void devices_are_enumerated_in_order(void)
{
    uint32_t vdevs[3] = {0, 0, 77};
    size_t count = 0;

    fake_set(&fake, "/local/domain/3/device/vbd/768/backend", "/b");
    fake_set(&fake, "/local/domain/3/device/vbd/51728/backend", "/b");
    fake_set(&fake, "/local/domain/3/device/vbd/junk/backend", "/b");
    CU_ASSERT_EQUAL(blkfront_enumerate(context, vdevs, 2, &count), BLKFRONT_OK);
    CU_ASSERT_EQUAL(count, 3);
    CU_ASSERT_EQUAL(vdevs[0], 768);
    CU_ASSERT_EQUAL(vdevs[1], 51712);
    CU_ASSERT_EQUAL(vdevs[2], 77);
    fake_remove(&fake, "/local/domain/3/device");
    CU_ASSERT_EQUAL(blkfront_enumerate(context, NULL, 0, &count), BLKFRONT_OK);
    CU_ASSERT_EQUAL(count, 0);
    fake_fail(&fake, 2, false, BLKFRONT_PLATFORM_IO);
    CU_ASSERT_EQUAL(blkfront_enumerate(context, NULL, 0, &count), BLKFRONT_STORE);
    CU_ASSERT_STRING_EQUAL(blkfront_detail(context), "cannot list /local/domain/3/device/vbd");
    fake_fail(&fake, 1, false, BLKFRONT_PLATFORM_IO);
    CU_ASSERT_EQUAL(blkfront_enumerate(context, NULL, 0, &count), BLKFRONT_STORE);
    fake_fail(&fake, 0, false, 0);
}

static void info_is_there_only_while_connected(void)
{
    struct blkfront_device *device = begin(NULL);
    struct blkfront_info info;

    CU_ASSERT_EQUAL(blkfront_get_info(device, &info), BLKFRONT_DISCONNECTED);
    settle(device);
    CU_ASSERT_EQUAL(blkfront_get_info(device, &info), BLKFRONT_OK);
    CU_ASSERT_TRUE(info.read_write);
    CU_ASSERT_EQUAL(info.sector_size, 512);
    CU_ASSERT_EQUAL(info.size_sectors, 2048);
    CU_ASSERT_EQUAL(info.vdev, 51712);
    CU_ASSERT_EQUAL(info.flush, BLKFRONT_FLUSH_DRAIN);
    CU_ASSERT_STRING_EQUAL(info.backend_path, BACK);
    blkfront_disconnect(device);
    CU_ASSERT_EQUAL(blkfront_get_info(device, &info), BLKFRONT_DISCONNECTED);
    blkfront_release(device);
}

static void what_a_flush_is_worth_depends_on_the_offer(void)
{
    static const struct {
        const char *flush, *barrier;
        enum blkfront_flush_worth worth;
    } rows[] = {{"1", "1", BLKFRONT_FLUSH_CACHE},
                {"1", "0", BLKFRONT_FLUSH_CACHE},
                {"0", "1", BLKFRONT_FLUSH_BARRIER},
                {"0", "0", BLKFRONT_FLUSH_DRAIN}};

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct blkfront_device *device;
        struct blkfront_info info;

        world_anew();
        fake_set(&fake, BACK "/feature-flush-cache", rows[i].flush);
        fake_set(&fake, BACK "/feature-barrier", rows[i].barrier);
        device = connected();
        CU_ASSERT_EQUAL(blkfront_get_info(device, &info), BLKFRONT_OK);
        CU_ASSERT_EQUAL(info.flush, rows[i].worth);
        /* Both were tried and failed: no drain instead (I8). */
        device->agreed.flush = false;
        device->agreed.barrier = false;
        CU_ASSERT_EQUAL(blkfront_get_info(device, &info), BLKFRONT_OK);
        CU_ASSERT_EQUAL(info.flush, i == 3 ? BLKFRONT_FLUSH_DRAIN : BLKFRONT_FLUSH_NONE);
        blkfront_release(device);
    }
}

static void a_context_needs_memory(void)
{
    struct blkfront *none = NULL;

    fake_fail(&fake, 1, false, 0);
    CU_ASSERT_EQUAL(blkfront_create(&fake.platform, &none), BLKFRONT_NO_MEMORY);
    CU_ASSERT_PTR_NULL(none);
}

static void nothing_is_asked_of_no_device(void)
{
    struct blkfront_statistics statistics = {.requests = 7};

    blkfront_get_statistics(NULL, NULL);
    blkfront_get_statistics(NULL, &statistics);
    CU_ASSERT_EQUAL(statistics.requests, 0);
    CU_ASSERT_EQUAL(blkfront_device_state(NULL), BLKFRONT_CLOSED);
    CU_ASSERT_EQUAL(blkfront_device_error(NULL), BLKFRONT_INVALID);
    CU_ASSERT_STRING_EQUAL(blkfront_device_detail(NULL), "");
    CU_ASSERT_STRING_EQUAL(blkfront_detail(NULL), "");
    CU_ASSERT_EQUAL(blkfront_quarantined(NULL), 0);
    blkfront_options_init(NULL);
}

/* ---- changes while connected ---- */

static void states_that_mean_nothing_are_ignored_while_connected(void)
{
    struct blkfront_device *device = connected();

    backend.stays_at = 7;
    backend_goes("7");
    settle(device);
    backend.stays_at = 8;
    backend_goes("8");
    settle(device);
    CU_ASSERT_EQUAL(blkfront_device_state(device), BLKFRONT_CONNECTED);
    blkfront_release(device);
}

static void i21_a_flood_of_watches_is_taken_in_pieces(void)
{
    struct blkfront_device *device = connected();
    unsigned polls = 0;

    for (unsigned i = 0; i < 1000; i++)
        backend_goes("4");
    fake_fail(&fake, 0, false, 0);
    while (blkfront_poll(device) == 1)
        polls++;
    CU_ASSERT(polls >= 10 && polls <= 20);
    /* One look a poll, whatever the number of events: state, three sizes, info, mode. */
    CU_ASSERT(fake.calls <= 6 * (polls + 2));
    CU_ASSERT_EQUAL(blkfront_device_state(device), BLKFRONT_CONNECTED);
    blkfront_release(device);
}

static const struct unit_test tests[] = {
    UNIT_TEST(i20_a_state_of_ours_that_is_none_is_no_hindrance),
    UNIT_TEST(a_backend_path_that_becomes_too_long_is_another),
    UNIT_TEST(i6_only_who_is_said_to_be_trusted_is),
    UNIT_TEST(i10_a_stale_node_that_stays_fails_the_connect),
    UNIT_TEST(a_device_connects_and_disconnects),
    UNIT_TEST(i11_every_start_of_both_sides_connects_or_fails_cleanly),
    UNIT_TEST(i11_a_start_beside_a_connected_backend_makes_it_begin_anew),
    UNIT_TEST(a_backend_that_skips_init_wait_gets_defaults_only),
    UNIT_TEST(a_ring_that_finds_no_grants_is_made_smaller),
    UNIT_TEST(queues_that_find_no_grants_are_left_out),
    UNIT_TEST(a_device_without_any_ring_fails),
    UNIT_TEST(i20_properties_that_make_no_sense_fail_the_device),
    UNIT_TEST(i20_a_state_that_is_none_fails_the_device),
    UNIT_TEST(i20_our_own_nodes_are_checked_before_anything_is_made),
    UNIT_TEST(the_connect_deadline_ends_a_wait),
    UNIT_TEST(the_same_device_is_given_again_and_counted),
    UNIT_TEST(a_final_device_does_not_stand_in_the_way_of_a_new_one),
    UNIT_TEST(bad_arguments_are_invalid_and_change_nothing),
    UNIT_TEST(options_beyond_what_we_can_do_are_lowered),
    UNIT_TEST(devices_are_enumerated_in_order),
    UNIT_TEST(info_is_there_only_while_connected),
    UNIT_TEST(what_a_flush_is_worth_depends_on_the_offer),
    UNIT_TEST(a_context_needs_memory),
    UNIT_TEST(nothing_is_asked_of_no_device),
    UNIT_TEST(states_that_mean_nothing_are_ignored_while_connected),
    UNIT_TEST(i21_a_flood_of_watches_is_taken_in_pieces),
};

UNIT_MAIN_WITH("device", world_set_up, world_tear_down, tests)
