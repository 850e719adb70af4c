/* SPDX-License-Identifier: ISC */
/*
 * Each call of the platform that can fail fails in turn: the nth allocation, grant, port or
 * XenStore call of connecting, working, disconnecting and connecting again, n = 1, 2, 3 until
 * nothing fires, once and from then on. Whatever the application does then ends, with success or an
 * error; when the failures are over it can connect again and its data is right; nothing is left in
 * the ledgers and no rule is broken.
 */
#include "check_main.h"
#include "device_world.h"

#include <inttypes.h>
#include <string.h>

enum { SECTORS = 2048, UNIT = 512, PAGE = 4096, BYTES = 60 << 10, MOST = 2000 };

static uint8_t wrote[BYTES], got[BYTES];

/* ---- what an application does; nothing of it may fail in another way than by its result ---- */

static void is_result(int result)
{
    ck_assert_int_le(result, BLKFRONT_OK);
    ck_assert_str_ne(blkfront_error_name(result), "?");
}

static void bounced(struct device_world *own)
{
    is_result(device_world_do(own, BLKFRONT_WRITE, 8, wrote, BYTES, NULL));
    is_result(device_world_do(own, BLKFRONT_FLUSH, 0, NULL, 0, NULL));
    is_result(device_world_do(own, BLKFRONT_READ, 8, got, BYTES, NULL));
}

static void library_memory(struct device_world *own)
{
    struct blkfront_memory *memory = NULL;
    void *address = NULL;
    int result = device_world_memory(own, 4, BLKFRONT_MEMORY_TO_DISK | BLKFRONT_MEMORY_FROM_DISK,
                                     &memory, &address);

    is_result(result);
    if (result != BLKFRONT_OK) {
        return;
    }
    memset(address, 3, 4 * (size_t)PAGE);
    is_result(device_world_do(own, BLKFRONT_WRITE, 1000, address, 4 * (size_t)PAGE, memory));
    is_result(device_world_do(own, BLKFRONT_READ, 1000, address, 4 * (size_t)PAGE, memory));
    device_world_forget(own, memory);
}

/* Registered and not released: the backend may keep them as long as the connection lasts. */
static unsigned registered;

static void release(void *context, void *address)
{
    const struct device_world *own = context;

    registered--;
    simback_pages_free(own->world, address, 3);
}

static void registered_memory(struct device_world *own)
{
    struct blkfront_memory *memory = NULL;
    void *pages = simback_pages_allocate(own->world, 3);
    int result;

    ck_assert_ptr_nonnull(pages);
    memset(pages, 4, 3 * (size_t)PAGE);
    registered++;
    result = device_world_register(own, pages, 3, BLKFRONT_MEMORY_TO_DISK, release, own, &memory);
    is_result(result);
    if (result != BLKFRONT_OK) {
        release(own, pages);
        return;
    }
    is_result(device_world_do(own, BLKFRONT_WRITE, 1100, pages, 3 * (size_t)PAGE, memory));
    device_world_forget(own, memory);
}

static struct blkfront_options connect_options;

static void connect_device(struct device_world *own)
{
    is_result(device_world_connect(own, &connect_options));
}

static void work(struct device_world *own)
{
    if (own->device != NULL) {
        bounced(own);
    }
    if (own->device != NULL) {
        library_memory(own);
    }
    if (own->device != NULL) {
        registered_memory(own);
    }
}

static void connect_and_work(struct device_world *own)
{
    connect_device(own);
    work(own);
}

static void connect_and_disconnect(struct device_world *own)
{
    connect_device(own);
    device_world_disconnect(own);
}

static void connect_again(struct device_world *own)
{
    device_world_disconnect(own);
    connect_device(own);
    work(own);
}

/* The backend asks the frontend to close. */
static void backend_closes(struct device_world *own)
{
    simback_backend_close(own->backend);
    while (device_world_step(own)) {}
    device_world_disconnect(own);
}

/* The backend and its nodes are gone. */
static void backend_crashes(struct device_world *own)
{
    simback_backend_crash(own->backend);
    while (device_world_step(own)) {}
    device_world_disconnect(own);
}

/* Another backend in its place: a device that may recover goes on with it. */
static void backend_restarts(struct device_world *own)
{
    struct simback_backend_options backend;

    device_world_backend(&backend, SECTORS);
    own->backend = simback_world_restart_backend(own->world, &backend);
    ck_assert_ptr_nonnull(own->backend);
    while (device_world_step(own)) {}
    work(own);
}

static void another_context(struct device_world *own)
{
    struct blkfront *context = NULL;
    uint32_t vdevs[4];
    size_t count;
    int result = blkfront_create(simback_platform(own->world, SIMBACK_FRONT_DOMID), &context);

    is_result(result);
    if (result == BLKFRONT_OK) {
        is_result(blkfront_enumerate(context, vdevs, 4, &count));
        blkfront_destroy(context);
    }
}

static void nothing(struct device_world *own)
{
    (void)own;
}

static const struct story {
    const char *name;
    void (*before)(struct device_world *own); /* without failures */
    void (*act)(struct device_world *own);
} stories[] = {
    {"a context", nothing, another_context},
    {"connect", nothing, connect_device},
    {"connect, work", nothing, connect_and_work},
    {"connect, disconnect", nothing, connect_and_disconnect},
    {"work", connect_device, work},
    {"disconnect", connect_device, device_world_disconnect},
    {"connect again", connect_and_work, connect_again},
    {"cut off", connect_and_work, device_world_release},
    {"the backend closes", connect_device, backend_closes},
    {"the backend crashes", connect_device, backend_crashes},
    {"the backend restarts", connect_and_work, backend_restarts},
};

/* What the device is asked to do, on which platform: all of them for each story. */
static const struct kind {
    const char *name;
    bool share_only, persistent;
    uint32_t segments;
    uint64_t recover_deadline_ns;
} kinds[] = {
    {"plain", false, false, 11, 0},
    {"plain, share only", true, false, 11, 0},
    {"persistent", false, true, 11, 0},
    {"persistent, share only", true, true, 11, 0},
    {"indirect", false, false, 64, 0},
    {"indirect, share only", true, false, 64, 0},
    {"recovers", false, true, 64, 1000000000},
    {"recovers, share only", true, true, 64, 1000000000},
};

enum { KINDS = sizeof(kinds) / sizeof(kinds[0]), STORIES = sizeof(stories) / sizeof(stories[0]) };

static const char *const resources[SIMBACK_RESOURCES] = {"alloc", "grant", "port", "xenstore",
                                                         "revoke"};

/* ---- one run ---- */

/* What it was about when something is wrong. */
static char about[160];

static void ledger_is_clean(const struct device_world *own)
{
    struct simback_ledger ledger;

    simback_get_ledger(own->world, SIMBACK_FRONT_DOMID, &ledger);
    ck_assert_msg(ledger.grants == 0 && ledger.mapped == 0 && ledger.deferred == 0,
                  "%s: grants are left", about);
    ck_assert_msg(ledger.ports == 0 && ledger.channel_sets == 0, "%s: ports are left", about);
    ck_assert_msg(ledger.watches == 0 && ledger.watch_sets == 0, "%s: watches are left", about);
    ck_assert_msg(ledger.transactions == 0, "%s: transactions are left", about);
    ck_assert_msg(ledger.pages == 0, "%s: pages are left", about);
    ck_assert_msg(ledger.allocations == 0, "%s: allocations are left", about);
    ck_assert_msg(registered == 0, "%s: registered memory was not released", about);
}

static void no_rule_is_broken(const struct device_world *own)
{
    ck_assert_msg(device_world_broken(own) == NULL, "%s: %s", about, device_world_broken(own));
}

/* A new backend where the story has ended the first one. */
static void works_again(struct device_world *own)
{
    struct simback_backend_options backend;

    if (simback_backend_state(own->backend) != BLKIF_WIRE_INIT_WAIT &&
        simback_backend_state(own->backend) != BLKIF_WIRE_INITIALISING &&
        simback_backend_state(own->backend) != BLKIF_WIRE_CONNECTED) {
        device_world_backend(&backend, SECTORS);
        own->backend = simback_world_add_backend(own->world, &backend);
        ck_assert_ptr_nonnull(own->backend);
    }
    ck_assert_msg(device_world_connect(own, &connect_options) == BLKFRONT_OK,
                  "%s: not connected again: %s", about, blkfront_detail(own->context));
    memset(got, 0, sizeof(got));
    ck_assert_int_eq(device_world_do(own, BLKFRONT_WRITE, 100, wrote, BYTES, NULL), BLKFRONT_OK);
    ck_assert_int_eq(device_world_do(own, BLKFRONT_READ, 100, got, BYTES, NULL), BLKFRONT_OK);
    ck_assert_msg(memcmp(wrote, got, BYTES) == 0, "%s: wrong data", about);
    device_world_disconnect(own);
}

/* How many calls were failed. The world is made anew. */
static uint64_t run(struct simback_world *world, const struct story *story, const struct kind *kind,
                    enum simback_resource resource, uint64_t nth, bool from_then_on)
{
    struct simback_backend_options backend;
    struct simback_world_options options;
    struct device_world own;
    uint64_t failed;

    snprintf(about, sizeof(about), "%s (%s), %s call %" PRIu64 " fails%s", story->name, kind->name,
             resources[resource], nth, from_then_on ? " and all later ones" : "");
    device_world_backend(&backend, SECTORS);
    simback_world_options_init(&options);
    options.share_only = kind->share_only;
    blkfront_options_init(&connect_options);
    connect_options.persistent = kind->persistent;
    connect_options.segments = kind->segments;
    connect_options.recover_deadline_ns = kind->recover_deadline_ns;
    simback_world_reset(world, &options);
    ck_assert(device_world_begin_in(&own, world, true, &backend));
    story->before(&own);
    simback_fail_nth(own.world, resource, nth, from_then_on);
    story->act(&own);
    failed = simback_resource_failed(own.world, resource);
    simback_fail_nth(own.world, resource, 0, false);
    no_rule_is_broken(&own);
    device_world_disconnect(&own);
    works_again(&own);
    device_world_end_context(&own);
    no_rule_is_broken(&own);
    ledger_is_clean(&own);
    return failed;
}

START_TEST(each_call_fails_in_turn)
{
    const struct story *story = &stories[_i / KINDS];
    const struct kind *kind = &kinds[_i % KINDS];
    uint64_t most[SIMBACK_RESOURCES] = {0};
    struct simback_world *world = simback_world_create(NULL);

    ck_assert_ptr_nonnull(world);
    for (unsigned resource = 0; resource < SIMBACK_RESOURCES; resource++) {
        for (int from_then_on = 0; from_then_on < 2; from_then_on++) {
            uint64_t nth = 1;

            while (run(world, story, kind, (enum simback_resource)resource, nth,
                       from_then_on != 0) != 0) {
                ck_assert_uint_lt(nth++, MOST);
            }
            most[resource] = nth - 1;
        }
    }
    printf("%-20s %-22s", story->name, kind->name);
    for (unsigned resource = 0; resource < SIMBACK_RESOURCES; resource++) {
        printf(" %s %" PRIu64, resources[resource], most[resource]);
    }
    printf("\n");
    fflush(stdout);
    simback_world_destroy(world);
}
END_TEST

static void set_up(void)
{
    for (size_t i = 0; i < BYTES; i++) {
        wrote[i] = (uint8_t)(i * 7 + i / 251);
    }
}

static Suite *failing_suite(void)
{
    Suite *suite = suite_create("failing_resources");
    TCase *tests = tcase_create("nth");

    tcase_add_checked_fixture(tests, set_up, NULL);
    tcase_set_timeout(tests, 60);
    tcase_add_loop_test(tests, each_call_fails_in_turn, 0, STORIES * KINDS);
    suite_add_tcase(suite, tests);
    return suite;
}

CHECK_MAIN(failing_suite)
