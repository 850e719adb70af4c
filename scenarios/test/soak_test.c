/* SPDX-License-Identifier: ISC */
/*
 * The frontend in the threaded world under a short soak: connections that end in every way, faults,
 * delays, a backend that is gone while requests are held. And that a soak finds what is wrong:
 * wrong data, lost writes, a backend that answers twice.
 */
#include "cunit_main.h"
#include "soak.h"

#include <blkfront/blkif.h>

enum { REQUESTS = SOAK_REQUESTS, CONNECTION_MS = 25 };

#define NS_PER_MS UINT64_C(1000000)
#define NS_PER_US UINT64_C(1000)

static struct soak_result result;

static void is_well(const struct soak_options *options)
{
    const int rc = soak_run(options, &result);
    const struct soak_counts *counts = &result.counts;

    if (rc != 0)
        fprintf(stderr, "soak: %s\n", result.trouble);
    CU_ASSERT_EQUAL(rc, 0);
    CU_ASSERT(counts->reads + counts->writes + counts->flushes >= options->requests);
    CU_ASSERT(counts->reads > options->requests / 3);
    CU_ASSERT(counts->writes > options->requests / 3);
    CU_ASSERT(counts->flushes > options->requests / 256);
    CU_ASSERT_EQUAL(counts->wrong + counts->doubled + counts->failed + counts->lost, 0);
}

static uint64_t ends(void)
{
    uint64_t sum = 0;

    for (unsigned i = 0; i < SOAK_ENDS; i++)
        sum += result.ends[i];
    return sum;
}

/* Alone a request takes the way over sleep and event each time, many at once seldom. */
static void i14_alone_and_in_crowds_no_request_is_lost(void)
{
    static const uint32_t depths[] = {1, 2, 256};
    struct soak_options options;

    for (size_t i = 0; i < sizeof(depths) / sizeof(depths[0]); i++) {
        soak_options_init(&options);
        options.requests = REQUESTS / 4;
        options.queues = 2;
        options.depth = depths[i];
        options.seed = i;
        is_well(&options);
        CU_ASSERT_EQUAL(result.counts.errors + result.counts.cut + ends(), 0);
    }
}

/* Requests in flight are answered on the next connection (I15), or are cut; nothing is lost. */
static void i15_connections_that_end_in_every_way_lose_nothing(void)
{
    struct soak_options options;

    soak_options_init(&options);
    options.requests = REQUESTS;
    options.reconnect_ns = CONNECTION_MS * NS_PER_MS;
    while (ends() < SOAK_ENDS || options.seed == 0) {
        options.seed++;
        is_well(&options);
        if (result.trouble[0] != '\0' || options.seed > 20)
            break;
        options.requests *= 2; /* a quick machine: until each way was taken */
    }
    for (unsigned i = 0; i < SOAK_ENDS; i++)
        CU_ASSERT(result.ends[i] > 0);
}

static struct simback_fault fault(unsigned ops, enum simback_fault_action action)
{
    return (struct simback_fault){
        .ops = ops, .last_512 = UINT64_MAX, .percent = 100, .action = action};
}

/* I8: errors reach the caller, what is slow or out of order is what it was. */
static void i8_faults_delays_and_disorder_mix_up_nothing(void)
{
    struct simback_fault faults[] = {
        fault(SIMBACK_FAULT_READ, SIMBACK_ANSWER_STATUS),
        fault(SIMBACK_FAULT_WRITE, SIMBACK_ANSWER_STATUS),
        fault(SIMBACK_FAULT_ANY, SIMBACK_DELAY),
        fault(SIMBACK_FAULT_READ | SIMBACK_FAULT_WRITE, SIMBACK_REORDER),
        fault(SIMBACK_FAULT_WRITE, SIMBACK_MAPFAIL),
    };
    struct soak_options options;

    faults[0].every = 97;
    faults[0].status = BLKIF_WIRE_ERROR;
    faults[1].percent = 1;
    faults[1].status = BLKIF_WIRE_ERROR;
    faults[2].percent = 5;
    faults[2].delay_ns = 50 * NS_PER_US;
    faults[3].percent = 10;
    faults[4].every = 211;
    soak_options_init(&options);
    options.requests = REQUESTS / 2;
    options.faults = faults;
    options.fault_count = sizeof(faults) / sizeof(faults[0]);
    options.reconnect_ns = CONNECTION_MS * NS_PER_MS;
    is_well(&options);
    CU_ASSERT(result.counts.errors > 0);
}

/* What a backend has swallowed is issued again to the next one (I15). */
static void i15_what_is_never_answered_is_issued_again(void)
{
    struct simback_fault dropped = fault(SIMBACK_FAULT_ANY, SIMBACK_DROP);
    struct soak_options options;

    dropped.every = 500;
    dropped.times = 20;
    soak_options_init(&options);
    options.requests = REQUESTS / 4;
    options.faults = &dropped;
    options.fault_count = 1;
    options.reconnect_ns = CONNECTION_MS * NS_PER_MS;
    options.ends = 1u << SOAK_CRASHES;
    is_well(&options);
    CU_ASSERT(ends() > 0);
}

/* ---- a soak finds what is wrong ---- */

static void is_found(unsigned ops, enum simback_fault_action action)
{
    struct simback_fault rule = fault(ops, action);
    struct soak_options options;

    rule.every = 100; /* what is written over before it is read cannot be found */
    rule.offset_512 = 8;
    soak_options_init(&options);
    options.requests = REQUESTS;
    options.faults = &rule;
    options.fault_count = 1;
    CU_ASSERT_EQUAL(soak_run(&options, &result), -1);
    CU_ASSERT(result.trouble[0] != '\0');
}

static void i7_data_that_is_harmed_is_found(void)
{
    is_found(SIMBACK_FAULT_READ, SIMBACK_CORRUPT);
    CU_ASSERT(result.counts.wrong > 0);
    is_found(SIMBACK_FAULT_WRITE, SIMBACK_LOST);
    CU_ASSERT_PTR_NOT_NULL(strstr(result.trouble, "lost"));
    is_found(SIMBACK_FAULT_WRITE, SIMBACK_MISDIRECT);
    CU_ASSERT(result.counts.wrong > 0);
}

static void i2_a_second_answer_is_found(void)
{
    is_found(SIMBACK_FAULT_READ, SIMBACK_DUPLICATE);
    CU_ASSERT_PTR_NOT_NULL(strstr(result.trouble, "broke the block protocol"));
}

/* Whoever has had enough is obeyed, and all was well so far. */
static volatile sig_atomic_t stopped;

static void stop_soon(void *context, uint64_t requests)
{
    (void)context;
    stopped = requests > 0;
}

static void a_soak_can_be_interrupted(void)
{
    struct soak_options options;

    soak_options_init(&options);
    options.requests = UINT64_MAX / 2;
    options.interrupted = &stopped;
    options.told = stop_soon;
    CU_ASSERT_EQUAL(soak_run(&options, &result), 0);
    CU_ASSERT(result.counts.reads > 0);
}

static const struct unit_test tests[] = {
    UNIT_TEST(i14_alone_and_in_crowds_no_request_is_lost),
    UNIT_TEST(i15_connections_that_end_in_every_way_lose_nothing),
    UNIT_TEST(i8_faults_delays_and_disorder_mix_up_nothing),
    UNIT_TEST(i15_what_is_never_answered_is_issued_again),
    UNIT_TEST(i7_data_that_is_harmed_is_found),
    UNIT_TEST(i2_a_second_answer_is_found),
    UNIT_TEST(a_soak_can_be_interrupted),
};

UNIT_MAIN("soak", tests)
