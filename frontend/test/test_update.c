/* SPDX-License-Identifier: ISC */
/*
 * What a backend changes while it is connected, what the caller is told of it, and what kinds of
 * disks there are.
 */
#include "fake_world.h"

/* What `changed` was called for. */
static unsigned changes;
static struct blkfront_info seen;
static void (*on_change)(struct blkfront_device *device);

static void changed(void *given, struct blkfront_device *device)
{
    CU_ASSERT_PTR_EQUAL(given, &changes);
    changes++;
    CU_ASSERT_EQUAL(blkfront_get_info(device, &seen), BLKFRONT_OK);
    if (on_change != NULL)
        on_change(device);
}

static struct blkfront_device *told(uint64_t recover_deadline_ns)
{
    struct blkfront_options options;
    struct blkfront_device *device;

    changes = 0;
    on_change = NULL;
    blkfront_options_init(&options);
    options.changed = changed;
    options.changed_context = &changes;
    options.recover_deadline_ns = recover_deadline_ns;
    device = begin(&options);
    settle(device);
    CU_ASSERT_EQUAL(blkfront_device_state(device), BLKFRONT_CONNECTED);
    CU_ASSERT_EQUAL(changes, 0); /* of what it is at first nobody needs to be told */
    return device;
}

static void back(const char *node, const char *value)
{
    char path[FAKE_PATH];

    snprintf(path, sizeof(path), "%s/%s", BACK, node);
    if (value != NULL)
        fake_set(&fake, path, value);
    else
        fake_remove(&fake, path);
}

/* The backend has written its nodes and writes its state again. */
static struct blkfront_info after_update(struct blkfront_device *device)
{
    struct blkfront_info info = {.sector_size = 0};

    backend_goes("4");
    settle(device);
    CU_ASSERT_EQUAL(blkfront_device_state(device), BLKFRONT_CONNECTED);
    CU_ASSERT_STRING_EQUAL(blkfront_device_detail(device), "");
    CU_ASSERT_EQUAL(blkfront_get_info(device, &info), BLKFRONT_OK);
    return info;
}

/* ---- sizes ---- */

static void sizes_change_together_or_not_at_all(void)
{
    static const struct {
        const char *sectors, *sector_size, *physical;
        uint64_t size_512;
        uint32_t bytes, physical_bytes;
    } rows[] = {
        {"4096", "512", NULL, 4096, 512, 512},                           /* up */
        {"8", "512", NULL, 8, 512, 512},                                 /* down */
        {"0", "512", NULL, 0, 512, 512},                                 /* no medium */
        {"36028797018963967", "512", NULL, 36028797018963967, 512, 512}, /* 2^55 - 1 */
        {"4096", "4096", "4096", 4096, 4096, 4096},
        {"4100", "4096", NULL, 4100, 4096, 4096}, /* a part of a sector is none */
        {"lots", "512", NULL, 4100, 4096, 4096},  /* from here on no sense: as it was */
        {"36028797018963968", "512", NULL, 4100, 4096, 4096},
        {"18446744073709551616", "512", NULL, 4100, 4096, 4096},
        {NULL, "512", NULL, 4100, 4096, 4096},
        {"2048", "0", NULL, 4100, 4096, 4096},
        {"2048", "513", NULL, 4100, 4096, 4096},
        {"2048", "8192", NULL, 4100, 4096, 4096},
        {"2048", "1024", "3072", 2048, 1024, 3072},
        {"2048", "2048", "1024", 2048, 2048, 2048}, /* no multiple: the default */
        {"2048", NULL, NULL, 2048, 512, 512},
    };
    struct blkfront_device *device = connected();

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct blkfront_info info;

        back("sectors", rows[i].sectors);
        back("sector-size", rows[i].sector_size);
        back("physical-sector-size", rows[i].physical);
        info = after_update(device);
        CU_ASSERT_EQUAL(info.sector_size, rows[i].bytes);
        CU_ASSERT_EQUAL(info.physical_sector_size, rows[i].physical_bytes);
        CU_ASSERT_EQUAL(info.size_sectors, rows[i].size_512 / (rows[i].bytes / 512));
        CU_ASSERT_EQUAL(device->agreed.size_512, rows[i].size_512);
        CU_ASSERT_EQUAL(device->agreed.sector_size, rows[i].bytes);
    }
    blkfront_release(device);
}

/* ---- what kind of disk it is ---- */

static void i17_a_disk_turns_read_only_and_back(void)
{
    struct blkfront_device *device = connected();

    back("info", "4");
    CU_ASSERT_FALSE(after_update(device).read_write);
    CU_ASSERT_TRUE(device->agreed.read_only);
    back("info", "0");
    CU_ASSERT_TRUE(after_update(device).read_write);
    back("mode", "r");
    CU_ASSERT_FALSE(after_update(device).read_write);
    back("mode", "w");
    CU_ASSERT_TRUE(after_update(device).read_write);
    blkfront_release(device);
}

/* Once the bit has been read no write goes out, whatever cannot be read behind it. */
static void i17_a_disk_turns_read_only_although_the_store_fails(void)
{
    enum { INFO = 4 }; /* the call that reads it, behind three of the size */

    for (unsigned n = 1; n <= INFO + 2; n++) {
        struct blkfront_device *device = connected();
        struct blkfront_info info;

        fake_set(&fake, BACK "/info", "4");
        fake_fail(&fake, n, true, BLKFRONT_PLATFORM_IO);
        update_properties(device);
        CU_ASSERT_EQUAL(blkfront_get_info(device, &info), BLKFRONT_OK);
        CU_ASSERT_EQUAL(info.read_write, n <= INFO);
        CU_ASSERT_EQUAL(device->agreed.read_only, n > INFO);
        fake_fail(&fake, 0, false, 0);
        fake_set(&fake, BACK "/info", "0");
        blkfront_release(device);
    }
}

static void i4_every_kind_of_drive_connects_and_is_reported(void)
{
    static const struct {
        const char *type, *info, *sectors;
        bool cdrom, removable, floppy, read_write;
    } rows[] = {
        {NULL, "0", "2048", false, false, false, true},
        {"disk", "0", "2048", false, false, false, true},
        {"cdrom", "1", "2048", true, false, false, true},
        {"cdrom", "7", "0", true, true, false, false}, /* bug 126: an empty drive */
        {"floppy", "2", "2880", false, true, true, true},
        {"floppy", "2", "0", false, true, true, true},
        {"something that nobody has heard of", "0", "2048", false, false, false, true},
    };

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct blkfront_device *device;
        struct blkfront_info info;

        world_anew();
        if (rows[i].type != NULL)
            fake_set(&fake, FRONT "/device-type", rows[i].type);
        backend.sectors = rows[i].sectors;
        device = connected();
        back("info", rows[i].info);
        info = after_update(device);
        CU_ASSERT_EQUAL(info.cdrom, rows[i].cdrom);
        CU_ASSERT_EQUAL(info.removable, rows[i].removable);
        CU_ASSERT_EQUAL(info.floppy, rows[i].floppy);
        CU_ASSERT_EQUAL(info.read_write, rows[i].read_write);
        CU_ASSERT_EQUAL(info.size_sectors, strtoull(rows[i].sectors, NULL, 10));
        blkfront_release(device);
    }
}

static void a_medium_is_taken_out_and_put_in(void)
{
    struct blkfront_device *device = told(0);

    back("sectors", "0");
    CU_ASSERT_EQUAL(after_update(device).size_sectors, 0);
    CU_ASSERT_EQUAL(changes, 1);
    CU_ASSERT_EQUAL(seen.size_sectors, 0);
    back("sectors", "1440");
    CU_ASSERT_EQUAL(after_update(device).size_sectors, 1440);
    CU_ASSERT_EQUAL(changes, 2);
    blkfront_release(device);
}

/* ---- features ---- */

static void i8_a_feature_is_taken_back_but_never_offered_anew(void)
{
    struct blkfront_device *device;
    struct blkfront_info info;

    back("feature-flush-cache", "1");
    back("feature-barrier", "1");
    back("feature-discard", "1");
    back("discard-secure", "1");
    back("discard-granularity", "4096");
    device = connected();
    back("feature-flush-cache", "yes"); /* says nothing */
    back("discard-granularity", "8192");
    info = after_update(device);
    CU_ASSERT_EQUAL(info.flush, BLKFRONT_FLUSH_CACHE);
    CU_ASSERT_EQUAL(info.discard_granularity, 8192);
    back("feature-flush-cache", "0");
    back("discard-secure", NULL);
    info = after_update(device);
    CU_ASSERT_EQUAL(info.flush, BLKFRONT_FLUSH_BARRIER);
    CU_ASSERT_TRUE(info.discard);
    CU_ASSERT_FALSE(info.discard_secure);
    back("feature-barrier", NULL);
    back("feature-discard", "0");
    info = after_update(device);
    CU_ASSERT_EQUAL(info.flush, BLKFRONT_FLUSH_NONE); /* no drain: one of both was there (I8) */
    CU_ASSERT_FALSE(info.barrier);
    CU_ASSERT_FALSE(info.discard);
    back("feature-flush-cache", "1");
    back("feature-barrier", "1");
    back("feature-discard", "1");
    back("discard-secure", "1");
    info = after_update(device);
    CU_ASSERT_EQUAL(info.flush, BLKFRONT_FLUSH_NONE);
    CU_ASSERT_FALSE(info.discard);
    blkfront_release(device);
}

/* Without a new state. */
static void i8_a_way_to_flush_goes_with_its_node(void)
{
    struct blkfront_device *device;

    back("feature-flush-cache", "1");
    back("feature-barrier", "1");
    device = told(0);
    CU_ASSERT_EQUAL(fake_watch_count(&fake), 5);
    back("feature-flush-cache", "1"); /* nothing new */
    settle(device);
    CU_ASSERT_EQUAL(changes, 0);
    back("feature-flush-cache", "0");
    settle(device);
    CU_ASSERT_EQUAL(changes, 1);
    CU_ASSERT_EQUAL(seen.flush, BLKFRONT_FLUSH_BARRIER);
    back("feature-barrier", NULL);
    settle(device);
    CU_ASSERT_EQUAL(changes, 2);
    CU_ASSERT_EQUAL(seen.flush, BLKFRONT_FLUSH_NONE);
    back("feature-flush-cache", "1");
    settle(device);
    CU_ASSERT_EQUAL(changes, 2);
    blkfront_release(device);
}

static int (*watch_really)(void *context, struct blkfront_watch_set *set, const char *path,
                           uint32_t token);

static int watch_no_flush(void *given, struct blkfront_watch_set *set, const char *path,
                          uint32_t token)
{
    return token == LIFE_WATCH_FLUSH ? BLKFRONT_PLATFORM_NO_MEMORY
                                     : watch_really(given, set, path, token);
}

/* An answer says the same. */
static void i8_a_way_to_flush_works_without_a_watch(void)
{
    struct blkfront_device *device;

    watch_really = fake.platform.watch;
    fake.platform.watch = watch_no_flush;
    back("feature-flush-cache", "1");
    back("feature-barrier", "1");
    device = told(0);
    CU_ASSERT_EQUAL(fake_watch_count(&fake), 3);
    CU_ASSERT_STRING_EQUAL(blkfront_device_detail(device), "");
    back("feature-flush-cache", "0");
    settle(device);
    CU_ASSERT_EQUAL(changes, 0);
    (void)after_update(device);
    CU_ASSERT_EQUAL(seen.flush, BLKFRONT_FLUSH_BARRIER);
    blkfront_release(device);
}

static int watch_eight(void *given, struct blkfront_watch_set *set, const char *path,
                       uint32_t token)
{
    return fake_watch_count(&fake) >= 8 ? BLKFRONT_PLATFORM_NO_MEMORY
                                        : watch_really(given, set, path, token);
}

static int connect_another(const char *name, const char *number, struct blkfront_device **device)
{
    char front[FAKE_PATH], other[FAKE_PATH];

    snprintf(front, sizeof(front), "/local/domain/3/device/vbd/%s", number);
    snprintf(other, sizeof(other), "/local/domain/0/backend/vbd/3/%s", number);
    add_device_at(front, other, "0");
    return blkfront_connect(context, name, NULL, device);
}

/* What one device can do without is not missing to another. */
static void i4_watches_that_are_not_needed_give_way(void)
{
    struct blkfront_device *first, *second, *third;

    watch_really = fake.platform.watch;
    fake.platform.watch = watch_eight;
    back("feature-flush-cache", "1");
    back("feature-barrier", "1");
    first = told(0);
    CU_ASSERT_EQUAL(connect_another("xvdb", "51728", &second), BLKFRONT_OK);
    CU_ASSERT_EQUAL(fake_watch_count(&fake), 8); /* five and three */
    CU_ASSERT_EQUAL(connect_another("xvdc", "51744", &third), BLKFRONT_NO_MEMORY);
    CU_ASSERT_EQUAL(fake_watch_count(&fake), 6); /* three and three */
    CU_ASSERT_EQUAL(blkfront_device_state(first), BLKFRONT_CONNECTED);
    blkfront_release(second);
    blkfront_release(first);
}

static int watch_is_there(void *given, struct blkfront_watch_set *set, const char *path,
                          uint32_t token)
{
    int result = watch_really(given, set, path, token);

    return result == 0 ? BLKFRONT_PLATFORM_EXISTS : result;
}

/* Since it could not be removed before. */
static void i12_a_watch_that_is_there_already_is_removed_at_the_end(void)
{
    struct blkfront_device *device;

    watch_really = fake.platform.watch;
    fake.platform.watch = watch_is_there;
    back("feature-flush-cache", "1");
    device = told(0);
    CU_ASSERT_EQUAL(fake_watch_count(&fake), 4);
    blkfront_disconnect(device);
    settle_in_time(device);
    CU_ASSERT_EQUAL(fake_watch_count(&fake), 0);
    blkfront_release(device);
}

static void i8_a_way_to_flush_that_is_not_offered_is_not_watched(void)
{
    struct blkfront_device *device = connected();

    CU_ASSERT_EQUAL(fake_watch_count(&fake), 3);
    blkfront_release(device);
}

/* The next backend's is another matter. */
static void i20_what_a_backend_takes_back_as_it_goes_is_not_the_next_ones(void)
{
    struct blkfront_device *device;

    back("feature-flush-cache", "1");
    device = told(SECOND);
    back("feature-flush-cache", "0");
    backend_goes("5");
    CU_ASSERT_EQUAL(blkfront_poll(device), 0);
    CU_ASSERT_EQUAL(blkfront_device_state(device), BLKFRONT_RECOVERING);
    back("feature-flush-cache", "1");
    settle(device);
    CU_ASSERT_EQUAL(blkfront_device_state(device), BLKFRONT_CONNECTED);
    CU_ASSERT_EQUAL(changes, 0);
    blkfront_release(device);
}

/* A store that fails during an update changes nothing and ends nothing. */
static void i20_an_update_that_cannot_be_read_leaves_things_as_they_are(void)
{
    back("feature-flush-cache", "1");
    for (unsigned n = 1; n < 40; n++) {
        struct blkfront_device *device = connected();
        struct blkfront_info info;

        back("sectors", "16");
        fake_set(&fake, BACK "/info", "4");
        back("feature-flush-cache", "0");
        backend.hung = true;
        fake_fail(&fake, n, true, BLKFRONT_PLATFORM_IO);
        update_properties(device);
        CU_ASSERT_EQUAL(blkfront_get_info(device, &info), BLKFRONT_OK);
        CU_ASSERT_TRUE(info.size_sectors == 2048 || info.size_sectors == 16);
        CU_ASSERT_STRING_EQUAL(blkfront_device_detail(device), "");
        if (fake.failures == 0) {
            CU_ASSERT_EQUAL(info.size_sectors, 16);
            CU_ASSERT_FALSE(info.read_write);
            CU_ASSERT_EQUAL(info.flush, BLKFRONT_FLUSH_NONE);
            fake_fail(&fake, 0, false, 0);
            blkfront_release(device);
            CU_ASSERT_TRUE(n > 5);
            return;
        }
        CU_ASSERT_EQUAL(info.flush, BLKFRONT_FLUSH_CACHE);
        fake_fail(&fake, 0, false, 0);
        blkfront_release(device);
        back("feature-flush-cache", "1");
        backend.hung = false;
    }
    CU_FAIL("it never comes to an end");
}

/* ---- telling ---- */

static void whatever_get_info_says_else_is_told_once(void)
{
    static const struct {
        const char *node, *value;
    } rows[] = {
        {"sectors", "4096"},
        {"sector-size", "1024"},
        {"physical-sector-size", "4096"},
        {"info", "4"},
        {"info", "1"},
        {"info", "2"},
        {"feature-flush-cache", "0"},
        {"feature-barrier", "0"},
        {"discard-secure", "0"},
        {"discard-granularity", "4096"},
        {"discard-alignment", "1024"},
        {"feature-discard", "0"},
    };
    struct blkfront_device *device;
    unsigned expected = 0;

    back("feature-flush-cache", "1");
    back("feature-barrier", "1");
    back("feature-discard", "1");
    back("discard-secure", "1");
    device = told(0);
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        back(rows[i].node, rows[i].value);
        (void)after_update(device);
        CU_ASSERT_EQUAL(changes, ++expected);
        (void)after_update(device); /* nothing new */
        CU_ASSERT_EQUAL(changes, expected);
    }
    /* Also what a queue has found out (I8). */
    device->agreed.keeps_grants = true;
    device_wake(device);
    settle(device);
    CU_ASSERT_EQUAL(changes, expected + 1);
    CU_ASSERT_TRUE(seen.persistent);
    blkfront_release(device);
}

static void another_backend_is_told_of_if_it_is_another(void)
{
    struct blkfront_device *device = told(SECOND);

    backend_goes("5");
    settle(device);
    CU_ASSERT_EQUAL(blkfront_device_state(device), BLKFRONT_CONNECTED);
    CU_ASSERT_EQUAL(changes, 0); /* the same as before */
    backend.sectors = "99";
    backend_goes("5");
    settle(device);
    CU_ASSERT_EQUAL(changes, 1);
    CU_ASSERT_EQUAL(seen.size_sectors, 99);
    fake_set(&fake, FRONT "/backend-id", "4");
    settle(device);
    CU_ASSERT_EQUAL(changes, 2);
    CU_ASSERT_EQUAL(seen.backend_id, 4);
    fake_set(&fake, "/b/2/state", "1");
    fake_set(&fake, FRONT "/backend", "/b/2");
    settle(device);
    backend.back = "/b/2";
    settle(device);
    CU_ASSERT_EQUAL(changes, 3);
    CU_ASSERT_STRING_EQUAL(seen.backend_path, "/b/2");
    blkfront_release(device);
}

static void poll_again(struct blkfront_device *device)
{
    (void)blkfront_poll(device);
}

static void end_it(struct blkfront_device *device)
{
    blkfront_disconnect(device);
}

static void give_it_back(struct blkfront_device *device)
{
    blkfront_release(device);
}

static void whoever_is_told_may_do_anything(void)
{
    static void (*const doings[])(struct blkfront_device *) = {poll_again, end_it, give_it_back};

    for (unsigned i = 0; i < 3; i++) {
        struct blkfront_device *device;

        world_anew();
        device = told(0);
        on_change = doings[i];
        back("sectors", "7");
        backend_goes("4");
        if (doings[i] == give_it_back) {
            (void)blkfront_poll(device);
            CU_ASSERT_EQUAL(fake.blocks, 1);
        } else {
            settle_in_time(device);
            CU_ASSERT_EQUAL(blkfront_device_state(device),
                            doings[i] == end_it ? BLKFRONT_CLOSED : BLKFRONT_CONNECTED);
            blkfront_release(device);
        }
        CU_ASSERT_EQUAL(changes, 1);
    }
}

static const struct unit_test tests[] = {
    UNIT_TEST(sizes_change_together_or_not_at_all),
    UNIT_TEST(i17_a_disk_turns_read_only_and_back),
    UNIT_TEST(i17_a_disk_turns_read_only_although_the_store_fails),
    UNIT_TEST(i4_every_kind_of_drive_connects_and_is_reported),
    UNIT_TEST(a_medium_is_taken_out_and_put_in),
    UNIT_TEST(i8_a_feature_is_taken_back_but_never_offered_anew),
    UNIT_TEST(i8_a_way_to_flush_goes_with_its_node),
    UNIT_TEST(i8_a_way_to_flush_works_without_a_watch),
    UNIT_TEST(i8_a_way_to_flush_that_is_not_offered_is_not_watched),
    UNIT_TEST(i4_watches_that_are_not_needed_give_way),
    UNIT_TEST(i12_a_watch_that_is_there_already_is_removed_at_the_end),
    UNIT_TEST(i20_what_a_backend_takes_back_as_it_goes_is_not_the_next_ones),
    UNIT_TEST(i20_an_update_that_cannot_be_read_leaves_things_as_they_are),
    UNIT_TEST(whatever_get_info_says_else_is_told_once),
    UNIT_TEST(another_backend_is_told_of_if_it_is_another),
    UNIT_TEST(whoever_is_told_may_do_anything),
};

UNIT_MAIN_WITH("update", world_set_up, world_tear_down, tests)
