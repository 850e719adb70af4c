/* SPDX-License-Identifier: ISC */
/*
 * The whole tables of `simblk bench`, as text and for programs. Each row copies its 64 MiB, which
 * under a sanitizer takes minutes and finds what single rows find (tool_command_test.c).
 */
#include "check_main.h"
#include "tool_help.h"

#include <stdbool.h>

static const char *const rows[] = {"read 512 B direct",           "read 4 KiB direct",
                                   "read 4 KiB bounced",          "read 4 KiB persistent",
                                   "write 4 KiB direct",          "write 4 KiB bounced",
                                   "write 4 KiB persistent",      "read 4 KiB direct, depth 1",
                                   "read 4 KiB direct, 4 queues", "write 4 KiB direct, 4 queues",
                                   "read 64 KiB direct",          "read 64 KiB indirect",
                                   "write 64 KiB indirect",       "read 1 MiB indirect",
                                   "write 1 MiB indirect",        "read 4 KiB, 10 of 10 devices",
                                   "read 4 KiB of 2^40 sectors"};
/* Rules look at no more than 64 devices. */
static const char *const row_without_rules = "read 4 KiB, 10 of 1,000 devices";
enum { ROWS = sizeof(rows) / sizeof(rows[0]) };

/* One copy is the frontend's where the data does not go directly. */
static double copies_of(const char *row)
{
    return strstr(row, "bounced") != NULL || strstr(row, "persistent") != NULL ? 1.0 : 0.0;
}

/* The ratio is the quotient of both rates, the times are those of an empty round trip and a copy,
 * and a request takes no memory, where that is counted; the rules' books may grow
 * now and then where more writes overlap than ever before. */
static double check_row(const char *out, const char *name, const char *rules,
                        bool counts_allocations)
{
    char begin[64];
    const char *row;
    char allocations[16];
    double rate, yardstick, ratio, empty, times, notifications, copies, rounded;

    snprintf(begin, sizeof(begin), "\n%-31s %-5s ", name, rules);
    row = strstr(out, begin);
    ck_assert_msg(row != NULL, "no row '%s' in:\n%s", begin + 1, out);
    ck_assert_int_eq(sscanf(row + strlen(begin), "%lf %lf %lf %lf %lf %lf %15s %lf\n", &rate,
                            &yardstick, &ratio, &empty, &times, &notifications, allocations,
                            &copies),
                     8);
    ck_assert_double_gt(rate, 0);
    ck_assert_double_gt(empty, 0);
    /* Rates are told in whole requests, which a slow machine makes few of. */
    rounded = 0.5 / rate + 0.5 / yardstick;
    ck_assert_double_eq_tol(ratio, rate / yardstick, 0.001 + rounded * ratio);
    ck_assert_double_eq_tol(times, 1 / rate / (1 / empty + 1 / yardstick),
                            0.006 + (rounded + 0.5 / empty) * times);
    if (counts_allocations)
        ck_assert_double_le(strtod(allocations, NULL), strcmp(rules, "none") == 0 ? 0 : 0.5);
    else
        ck_assert_str_eq(allocations, "-");
    ck_assert_double_eq(copies, copies_of(name));
    return notifications;
}

/* Less than 2 MiB beside the rings and pools that the options ask for. */
static void check_memory(const char *out, const char *options, double rings, double pools)
{
    char begin[64];
    const char *row;
    double all, of_rings, of_pools, rest;

    snprintf(begin, sizeof(begin), "\n%-32s ", options);
    row = strstr(out, begin);
    ck_assert_msg(row != NULL, "no line '%s' in:\n%s", begin + 1, out);
    ck_assert_int_eq(
        sscanf(row + strlen(begin), "%lf %lf %lf %lf\n", &all, &of_rings, &of_pools, &rest), 4);
    ck_assert_double_eq(of_rings, rings);
    ck_assert_double_eq(of_pools, pools);
    ck_assert_double_eq_tol(all, of_rings + of_pools + rest, 0.11);
    ck_assert_double_gt(rest, 0);
    ck_assert_double_lt(rest, 2048);
}

static double growth_of(const char *out, const char *devices, const char *sectors,
                        const char *blocks)
{
    char begin[64];
    const char *row;
    double kib;

    snprintf(begin, sizeof(begin), "\n%7s %15s %9s ", devices, sectors, blocks);
    row = strstr(out, begin);
    ck_assert_msg(row != NULL, "no line '%s' in:\n%s", begin + 1, out);
    ck_assert_int_eq(sscanf(row + strlen(begin), "%lf\n", &kib), 1);
    return kib;
}

/* By devices and by blocks that are touched, of which each costs little more than its 4 KiB, and
 * hardly by where they lie. */
static void check_growth(const char *out)
{
    const double one = growth_of(out, "1", "131072", "0");
    const double small = growth_of(out, "1", "131072", "16000") - one;
    const double large = growth_of(out, "1", "1099511627776", "16000") - one;

    ck_assert_double_eq_tol(growth_of(out, "1000", "131072", "0") / one, 1000, 50);
    ck_assert_double_eq_tol(small / 4 / 16000, 1, 0.1);
    ck_assert_double_eq_tol(large / 4 / 16000, 1, 0.3);
}

/* Each row twice, with rules and without. Where the tool lies does not matter, if the other program
 * lies beside it. */
START_TEST(bench_sets_each_rate_beside_the_yardstick)
{
    struct outcome run = shell("mkdir \"it's\" && "
                               "cp $simblk ${simblk%%/*}/simblk-bench-plain \"it's\" && "
                               "\"it's/simblk\" bench --repeats 1 --time 1");

    assert_status(run, 0);
    ck_assert_str_eq(run.err, "");
    for (size_t i = 0; i < ROWS; i++) {
        ck_assert_double_gt(check_row(run.out, rows[i], "none", true), 0);
        ck_assert_double_gt(check_row(run.out, rows[i], "all", true), 0);
    }
    ck_assert_double_gt(check_row(run.out, row_without_rules, "none", true), 0);
    assert_contains(run.out, "\nyardstick: the same bytes, ");
    assert_contains(run.out, "the middle of 1 repeats of eight turns.\n");
    check_memory(run.out, "defaults", 4, 352 * 4);
    check_memory(run.out, "persistent", 4, 352 * 4);
    check_memory(run.out, "16 segments", 4, 352 * 4);
    check_memory(run.out, "256 segments", 4, 352 * 4);
    check_memory(run.out, "4 queues", 4 * 4, 4 * 352 * 4);
    check_memory(run.out, "4 queues, 16 pages, 256 segments", 4 * 16 * 4, 4 * 352 * 4);
    check_growth(run.out);
}
END_TEST

/* A document of this version has these keys in this order. */
static const char bench_keys[] =
    "(keys_unsorted == [\"format\", \"version\", \"repeats\", \"rows\", \"memory\","
    "  \"growth\"]) and"
    "(.rows | all(keys_unsorted == [\"row\", \"rules\", \"requests_per_second\","
    "  \"yardstick_per_second\", \"ratio\", \"empty_per_second\", \"times_empty_and_copy\","
    "  \"notifications\", \"allocations\", \"copies_per_byte\"])) and"
    "(.growth | all(keys_unsorted == [\"devices\", \"sectors\", \"blocks_touched\", \"bytes\"])) "
    "and"
    "(.memory | all(keys_unsorted == [\"options\", \"world_bytes\", \"device_bytes\","
    "  \"ring_bytes\", \"pool_bytes\"]))";

START_TEST(bench_tells_programs_the_same)
{
    struct outcome run =
        shell("command -v jq >/dev/null || exit 77;"
              "$simblk bench --json --repeats 1 --time 1 >bench.json && jq -e '%s and"
              ".format == \"simblk-bench\" and .version == 3 and .repeats == 1 and"
              "([.rows[].rules] == [range(%d) | \"none\"] + [range(%d) | \"all\"]) and"
              "(.rows | all(.ratio > 0 and .requests_per_second > 0)) and"
              "([.memory[].options] == [\"defaults\", \"persistent\", \"16 segments\","
              "  \"256 segments\", \"4 queues\","
              "  \"4 queues, 16 pages, 256 segments\"]) and"
              "(.memory | all(.world_bytes > 0 and"
              "  .device_bytes < .ring_bytes + .pool_bytes + 2097152))' bench.json",
              bench_keys, (int)ROWS + 1, (int)ROWS);

    if (run.status != 77)
        assert_status(run, 0);
}
END_TEST

/* No rules, no memory; every size at every depth, and each row has a rate and a yardstick. */
START_TEST(bench_measures_the_threaded_world)
{
    struct outcome run = shell("$simblk bench --world threads --repeats 1 --time 1");

    assert_status(run, 0);
    ck_assert_str_eq(run.err, "");
    /* How many notifications is a matter of time: a backend that is awake wants none. */
    (void)check_row(run.out, "read 4 KiB, depth 32", "none", false);
    (void)check_row(run.out, "read 512 B, depth 256", "none", false);
    (void)check_row(run.out, "write 4 KiB bounced", "none", false);
    (void)check_row(run.out, "read 4 KiB, 4 queues", "none", false);
    assert_lacks(run.out, " all ");
    assert_lacks(run.out, "memory of");
    run = shell("$simblk bench --world threads --json --repeats 1 --time 1 | "
                "jq -e '(.rows | length) >= 19 and ([.rows[] | .rules == \"none\" and "
                ".requests_per_second > 0 and .yardstick_per_second > 0] | all)'");
    assert_status(run, 0);
}
END_TEST

static Suite *tool_bench_suite(void)
{
    Suite *suite = suite_create("bench");
    TCase *bench = tool_case("bench");

    tcase_add_test(bench, bench_sets_each_rate_beside_the_yardstick);
    tcase_add_test(bench, bench_tells_programs_the_same);
    tcase_add_test(bench, bench_measures_the_threaded_world);
    suite_add_tcase(suite, bench);
    return suite;
}

CHECK_MAIN(tool_bench_suite)
