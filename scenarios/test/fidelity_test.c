/* SPDX-License-Identifier: ISC */
/*
 * What of a trace is compared between the worlds, and how; and simblk diff against a record.
 */
#include "check_main.h"
#include "fidelity.h"
#include "tool_help.h"

#include <string.h>

#define FRONT "/local/domain/1/device/vbd/51712/"
#define BACK  "/local/domain/0/backend/vbd/1/51712/"

static struct fidelity one, two;

static void set_up(void)
{
    fidelity_init(&one);
    fidelity_init(&two);
}

static void tear_down(void)
{
    fidelity_fini(&one);
    fidelity_fini(&two);
}

/* As a trace prints it, without the time. */
static void event(struct fidelity *fidelity, const char *text)
{
    char line[400];

    snprintf(line, sizeof(line), "     0.000  %s", text);
    fidelity_trace(fidelity, line);
}

static void holds(const struct fidelity *fidelity, enum fidelity_class class, size_t index,
                  const char *text)
{
    ck_assert_uint_lt(index, fidelity->list[class].count);
    ck_assert_str_eq(fidelity->list[class].line[index], text);
}

START_TEST(numbers_that_xen_gives_are_left_out)
{
    event(&one, "dom1  0/0  store-write  " FRONT "ring-ref \"8\" transaction=1 -> ok");
    event(&one, "dom1  0/0  store-write  " FRONT "queue-0/ring-ref1 \"9\" transaction=1 -> ok");
    event(&one, "dom1  0/0  store-write  " FRONT "event-channel \"16\" transaction=1 -> ok");
    event(&one, "dom1  0/0  store-write  " FRONT "protocol \"x86_64-abi\" transaction=1 -> ok");
    event(&one, "dom1  0/0  request  index=2 op=read segments=1 id=0x2 sector_512=8");
    event(&one, "dom0  0/0  response index=2 op=read status=0 id=0x2");
    ck_assert_uint_eq(one.list[FIDELITY_FRONT].count, 4);
    holds(&one, FIDELITY_FRONT, 0, "ring-ref #");
    holds(&one, FIDELITY_FRONT, 1, "queue-0/ring-ref1 #");
    holds(&one, FIDELITY_FRONT, 2, "event-channel #");
    holds(&one, FIDELITY_FRONT, 3, "protocol \"x86_64-abi\"");
    holds(&one, FIDELITY_RING, 0, "queue=0 op=read segments=1 sector_512=8");
    holds(&one, FIDELITY_ANSWERS, 0, "op=read status=0");
}
END_TEST

START_TEST(what_a_toolstack_writes_is_left_out)
{
    event(&one, "dom0  0/0  store-write  " BACK "mode \"w\" transaction=0 -> ok");
    event(&one, "dom0  0/0  store-write  " BACK "state \"1\" transaction=0 -> ok");
    event(&one, "dom0  0/0  store-write  " FRONT "backend-id \"0\" transaction=0 -> ok");
    event(&one, "dom0  -    store-write  /local/domain/1/error \"\" transaction=0 -> ok");
    event(&one, "dom0  0/0  store-write  " BACK "sectors \"64\" transaction=0 -> ok");
    ck_assert_uint_eq(one.list[FIDELITY_FRONT].count, 0);
    ck_assert_uint_eq(one.list[FIDELITY_BACK].count, 1);
    holds(&one, FIDELITY_BACK, 0, "sectors \"64\"");
}
END_TEST

/* It is read when it is heard of: 2 may be seen twice, and 4 again is an update. */
START_TEST(a_state_seen_twice_is_one)
{
    static const char *const states[] = {"2", "2", "4", "5", "4"};
    char text[200];

    for (size_t i = 0; i < 5; i++) {
        snprintf(text, sizeof(text),
                 "dom0 0/0 store-write " BACK "state \"%s\" transaction=0 -> ok", states[i]);
        event(&one, text);
    }
    ck_assert_uint_eq(one.list[FIDELITY_BACK].count, 4);
    holds(&one, FIDELITY_BACK, 3, "state \"4\"");
}
END_TEST

START_TEST(a_transaction_that_is_begun_anew_counts_once)
{
    event(&one, "dom1  0/0  store-write  " FRONT "state \"1\" transaction=0 -> ok");
    event(&one, "dom1  0/0  store-write  " FRONT "state \"5\" transaction=0 -> ok");
    event(&one, "dom1  0/0  transaction     transaction=1 -> ok");
    event(&one, "dom1  0/0  store-remove  " FRONT "protocol transaction=1 -> ok");
    event(&one, "dom1  0/0  transaction-end transaction=1 commit=1 -> again");
    event(&one, "dom1  0/0  transaction     transaction=2 -> ok");
    event(&one, "dom1  0/0  store-remove  " FRONT "protocol transaction=2 -> ok");
    event(&one, "dom1  0/0  store-remove  " FRONT "ring-ref1 transaction=2 -> no-entry");
    event(&one, "dom1  0/0  transaction-end transaction=2 commit=1 -> ok");
    ck_assert_uint_eq(one.list[FIDELITY_FRONT].count, 2);
    holds(&one, FIDELITY_FRONT, 0, "state \"5\"");
    holds(&one, FIDELITY_FRONT, 1, "remove protocol");
}
END_TEST

START_TEST(answers_and_results_have_no_order)
{
    event(&one, "dom0  0/0  response index=1 op=write status=0 id=0x1");
    event(&one, "dom0  0/0  response index=0 op=read status=-1 id=0x0");
    event(&one, "dom1  0/0  complete request=10 -> ok");
    event(&one, "dom1  0/0  complete request=9 -> io-error");
    event(&two, "dom0  0/0  response index=0 op=read status=-1 id=0x5");
    event(&two, "dom0  0/0  response index=1 op=write status=0 id=0x1");
    event(&two, "dom1  0/0  complete request=9 -> io-error");
    event(&two, "dom1  0/0  complete request=10 -> ok");
    event(&one, "dom1  0/0  device connected -> ok");
    event(&two, "dom1  0/0  device connected -> ok");
    fidelity_end(&one);
    fidelity_end(&two);
    ck_assert_uint_eq(fidelity_compare(&one, &two, stdout), 0);
    event(&two, "dom1  0/0  device closed -> ok");
    event(&one, "dom1  0/0  device failed -> protocol-error");
    ck_assert_uint_eq(fidelity_compare(&one, &two, stdout), 2);
}
END_TEST

START_TEST(what_was_written_is_read_again)
{
    FILE *file = tmpfile();

    ck_assert_ptr_nonnull(file);
    event(&one, "dom0  0/0  store-write  " BACK "sectors \"64\" transaction=0 -> ok");
    event(&one, "dom0  0/0  response index=1 op=write status=0 id=0x1");
    fputs("# a remark\n\n", file);
    fidelity_write(&one, file);
    rewind(file);
    ck_assert(fidelity_read(&two, file));
    ck_assert_uint_eq(fidelity_compare(&one, &two, stdout), 0);
    rewind(file);
    fputs("nonsense\n", file);
    rewind(file);
    ck_assert(!fidelity_read(&two, file));
    rewind(file);
    fputs("other class\n", file);
    rewind(file);
    ck_assert(!fidelity_read(&two, file));
    fclose(file);
}
END_TEST

/* The tool itself: nothing was recorded, so all that is simulated is a difference. */
START_TEST(diff_tells_what_differs)
{
    struct outcome run;

    put_file("one.scn", GOOD);
    put_file("empty.trace", "# none\n");
    run = shell("$simblk diff --recorded empty.trace one.scn");
    assert_status(run, 1);
    assert_contains(run.out, "- ring queue=0 op=read segments=1 sector_512=0\n");
    assert_contains(run.out, "- results request=1 -> ok\n");
    assert_contains(run.out, "differences between simulated (-) and real (+)");
    run = shell("$simblk diff --recorded empty.trace one.scn | sed -n 's/^- //p' >all.trace && "
                "$simblk diff --recorded all.trace one.scn");
    assert_status(run, 0);
    assert_contains(run.out, "one.scn: 0 differences");
}
END_TEST

/* A record is of one run. */
START_TEST(diff_takes_one_of_several_variants)
{
    struct outcome run;

    put_file("one.scn", "variants connect.pool=8,16\n" GOOD);
    put_file("empty.trace", "# none\n");
    run = shell("$simblk diff --recorded empty.trace one.scn");
    assert_status(run, 2);
    assert_contains(run.err, "one.scn has 2 variants, and a record is of one");
    run = shell("$simblk diff --variant 2 --recorded empty.trace one.scn");
    assert_status(run, 1);
    assert_contains(run.out, "one.scn[connect.pool=16]: ");
    run = shell("$simblk diff --variant 3 --recorded empty.trace one.scn");
    assert_status(run, 2);
    assert_contains(run.err, "one.scn has 2 variants");
}
END_TEST

START_TEST(diff_refuses_what_it_cannot_do)
{
    put_file("one.scn", GOOD);
    put_file("fails.scn", FAILS);
    put_file("empty.trace", "# none\n");
    assert_status(shell("$simblk diff"), 2);
    assert_status(shell("$simblk diff --recorded nowhere.trace one.scn"), 2);
    assert_status(shell("$simblk diff --recorded one.scn one.scn"), 2);
    assert_status(shell("$simblk diff nowhere.scn"), 2);
    assert_status(shell("$simblk run --world other one.scn"), 2);
    assert_contains(shell("$simblk diff --recorded empty.trace fails.scn").out,
                    "simulated: failed: ");
    /* This machine is no Xen domain, or the tool was built without Xen's libraries. */
    assert_status(shell("$simblk diff one.scn"), 2);
    assert_status(shell("$simblk run --world live one.scn"), 2);
}
END_TEST

static Suite *fidelity_suite(void)
{
    Suite *suite = suite_create("fidelity");
    TCase *tests = tcase_create("fidelity"), *tool = tool_case("diff");

    tcase_add_checked_fixture(tests, set_up, tear_down);
    tcase_add_test(tests, numbers_that_xen_gives_are_left_out);
    tcase_add_test(tests, what_a_toolstack_writes_is_left_out);
    tcase_add_test(tests, a_state_seen_twice_is_one);
    tcase_add_test(tests, a_transaction_that_is_begun_anew_counts_once);
    tcase_add_test(tests, answers_and_results_have_no_order);
    tcase_add_test(tests, what_was_written_is_read_again);
    suite_add_tcase(suite, tests);
    tcase_add_test(tool, diff_tells_what_differs);
    tcase_add_test(tool, diff_takes_one_of_several_variants);
    tcase_add_test(tool, diff_refuses_what_it_cannot_do);
    suite_add_tcase(suite, tool);
    return suite;
}

CHECK_MAIN(fidelity_suite)
