/* SPDX-License-Identifier: ISC */
/*
 * The frontend in the threaded world by blocking calls, all from one thread but the backend's own;
 * and what of a backend stays when another one comes in its place. Many threads under load are
 * scenarios/test/soak_test.c's.
 */
#include "cunit_main.h"

#include <simback/threads.h>

#include <blkfront/blkfront.h>

enum { UNIT = 512, SECTORS = 2048 };

static struct simback_threads *threads;
static struct simback_backend_options options;
static struct blkfront *context;
static struct blkfront_device *device;

static void set_up(void)
{
    threads = simback_threads_create();
    CU_ASSERT_PTR_NOT_NULL_FATAL(threads);
    simback_backend_options_init(&options);
    options.sectors = SECTORS;
    CU_ASSERT_EQUAL_FATAL(simback_threads_start(threads, &options), 0);
    CU_ASSERT_EQUAL_FATAL(blkfront_create(simback_threads_platform(threads), &context),
                          BLKFRONT_OK);
}

/* Nothing is left (I5, I12). */
static void tear_down(void)
{
    struct simback_ledger ledger, nothing = {0};

    blkfront_destroy(context);
    simback_threads_get_ledger(threads, &ledger);
    CU_ASSERT_EQUAL(memcmp(&ledger, &nothing, sizeof(ledger)), 0);
    simback_threads_destroy(threads);
}

static void connect(void)
{
    CU_ASSERT_EQUAL_FATAL(blkfront_blocking_connect(context, "51712", NULL, &device), BLKFRONT_OK);
}

static void disconnect(void)
{
    blkfront_blocking_disconnect(device);
    CU_ASSERT_EQUAL(blkfront_device_state(device), BLKFRONT_CLOSED);
    blkfront_release(device);
}

static int write_sector(uint64_t sector, unsigned char mark)
{
    unsigned char data[UNIT];
    struct blkfront_buffer buffer = {.address = data, .size = sizeof(data)};

    memset(data, mark, sizeof(data));
    return blkfront_blocking_write(device, sector, &buffer, 1);
}

static int read_sector(uint64_t sector, unsigned char *mark)
{
    unsigned char data[UNIT];
    struct blkfront_buffer buffer = {.address = data, .size = sizeof(data)};
    const int result = blkfront_blocking_read(device, sector, &buffer, 1);

    *mark = data[0];
    return result;
}

/* ---- the tests ---- */

static void blocking_calls_wait_for_the_backends_thread(void)
{
    unsigned char written[3 * UNIT], read[3 * UNIT];
    struct blkfront_buffer buffer = {.size = sizeof(written)};

    connect();
    for (unsigned i = 0; i < 100; i++) {
        memset(written, (int)i + 1, sizeof(written));
        memset(read, 0, sizeof(read));
        buffer.address = written;
        CU_ASSERT_EQUAL(blkfront_blocking_write(device, i, &buffer, 1), BLKFRONT_OK);
        buffer.address = read;
        CU_ASSERT_EQUAL(blkfront_blocking_read(device, i, &buffer, 1), BLKFRONT_OK);
        CU_ASSERT_EQUAL(memcmp(written, read, sizeof(read)), 0);
    }
    CU_ASSERT_EQUAL(blkfront_blocking_flush(device), BLKFRONT_OK);
    disconnect();
}

static void add_rules(void *unused, struct simback_backend *backend)
{
    struct simback_fault fault = {.ops = SIMBACK_FAULT_READ,
                                  .first_512 = 100,
                                  .last_512 = 199,
                                  .nth = 2,
                                  .percent = 100,
                                  .action = SIMBACK_ANSWER_STATUS,
                                  .status = BLKIF_WIRE_ERROR};

    (void)unused;
    CU_ASSERT_EQUAL(simback_backend_add_fault(backend, &fault), 0);
    fault.first_512 = 200;
    fault.last_512 = 299;
    fault.nth = 0;
    fault.percent = 50;
    CU_ASSERT_EQUAL(simback_backend_add_fault(backend, &fault), 0);
}

static void a_rule_with_a_chance_acts_now_and_then(void)
{
    unsigned errors = 0;
    unsigned char mark;

    simback_threads_call(threads, add_rules, NULL);
    connect();
    for (unsigned i = 0; i < 100; i++)
        errors += read_sector(200, &mark) == BLKFRONT_IO_ERROR;
    CU_ASSERT(errors > 20 && errors < 80);
    disconnect();
}

static void crash(void *unused, struct simback_backend *backend)
{
    (void)unused;
    simback_backend_crash(backend);
}

/* What the rules have seen counts on: the second read of all fails. */
static void a_backend_that_comes_after_another_has_its_disk_and_its_rules(void)
{
    unsigned char mark = 0;

    simback_threads_call(threads, add_rules, NULL);
    connect();
    CU_ASSERT_EQUAL(write_sector(7, 77), BLKFRONT_OK);
    CU_ASSERT_EQUAL(read_sector(100, &mark), BLKFRONT_OK);
    CU_ASSERT_EQUAL(simback_threads_front_state(threads), BLKIF_WIRE_CONNECTED);
    simback_threads_call(threads, crash, NULL);
    CU_ASSERT_NOT_EQUAL(read_sector(7, &mark), BLKFRONT_OK);
    disconnect();
    options.sectors = 2 * SECTORS;
    CU_ASSERT_EQUAL_FATAL(simback_threads_restart(threads, &options), 0);
    connect();
    CU_ASSERT_EQUAL(read_sector(100, &mark), BLKFRONT_IO_ERROR);
    CU_ASSERT_EQUAL(read_sector(100, &mark), BLKFRONT_OK);
    CU_ASSERT_EQUAL(read_sector(7, &mark), BLKFRONT_OK);
    CU_ASSERT_EQUAL(mark, 77);
    CU_ASSERT_EQUAL(write_sector(2 * SECTORS - 1, 1), BLKFRONT_OK);
    disconnect();
}

static void without_a_backend_there_is_none_to_come_after(void)
{
    simback_threads_stop(threads);
    CU_ASSERT_EQUAL(simback_threads_restart(threads, &options), BLKFRONT_PLATFORM_INVALID);
    CU_ASSERT_EQUAL(simback_threads_front_state(threads), BLKIF_WIRE_UNKNOWN);
}

static const struct unit_test tests[] = {
    UNIT_TEST(blocking_calls_wait_for_the_backends_thread),
    UNIT_TEST(a_rule_with_a_chance_acts_now_and_then),
    UNIT_TEST(a_backend_that_comes_after_another_has_its_disk_and_its_rules),
    UNIT_TEST(without_a_backend_there_is_none_to_come_after),
};

UNIT_MAIN_WITH("threads", set_up, tear_down, tests)
