/* SPDX-License-Identifier: ISC */
/*
 * Programs that repeat themselves: how often, where they stop, and what is still judged when
 * something has struck.
 */
#include "broken.h"
#include "check_main.h"
#include "language_help.h"
#include "rules_help.h"
#include "scenario/repeat.h"

static struct scenario_verdict repeat(const struct scenario_subject *subject, const char *text,
                                      uint64_t only)
{
    struct scenario_run_options options;
    struct scenario_verdict verdict;

    parse(text, strlen(text));
    scenario_run_options_init(&options);
    options.subject = subject;
    options.strict = true;
    scenario_repeat_run(runner, &the_program, &options, only, &verdict);
    return verdict;
}

static struct scenario_verdict ours(const char *text)
{
    return repeat(&scenario_subject_blkfront, text, 0);
}

START_TEST(without_such_a_line_it_is_one_run)
{
    struct scenario_verdict verdict = ours(CONNECTED "read 0 +8 -> ok\n");

    ck_assert_int_eq(verdict.outcome, SCENARIO_PASSED);
    ck_assert_uint_eq(verdict.repeats, 0);
}
END_TEST

/* Two calls, and the run in which none fails any more. */
START_TEST(each_call_fails_once_and_then_none)
{
    struct scenario_verdict verdict = ours("each nth=1.. of port\n" CONNECTED "read 0 +8 -> ok\n");

    ck_assert_msg(verdict.outcome == SCENARIO_PASSED, "%s", verdict.reason);
    ck_assert_uint_eq(verdict.repeats, 3);
    ck_assert(!verdict.struck);
}
END_TEST

START_TEST(each_request_is_answered_with_an_error)
{
    struct scenario_verdict verdict =
        ours("each nth=1.. of request\n" CONNECTED
             "read 0 +8 -> ok\nwrite 0 +8 -> ok\nread 0 +8 -> ok\ndisconnect -> ok\n");

    ck_assert_msg(verdict.outcome == SCENARIO_PASSED, "%s", verdict.reason);
    ck_assert_uint_eq(verdict.repeats, 4);
}
END_TEST

/* Another line is another round of runs. */
START_TEST(lines_add_up)
{
    struct scenario_verdict verdict =
        ours("each nth=1.. of request\neach nth=1.. of request from\n" CONNECTED
             "read 0 +8 -> ok\nwrite 0 +8 -> ok\nread 0 +8 -> ok\ndisconnect -> ok\n");

    ck_assert_msg(verdict.outcome == SCENARIO_PASSED, "%s", verdict.reason);
    ck_assert_uint_eq(verdict.repeats, 8);
}
END_TEST

START_TEST(a_step_strikes_at_every_moment)
{
    static const char text[] =
        "at every step: backend crash\n" CONNECTED
        "write 0 +8 fill=1 -> ok\nread 0 +8 -> ok data=1\ndisconnect -> ok\n";
    struct scenario_verdict verdict = ours(text), again = ours(text);

    ck_assert_msg(verdict.outcome == SCENARIO_PASSED, "%s", verdict.reason);
    ck_assert_uint_ge(verdict.repeats, 20);
    ck_assert_uint_eq(verdict.repeats, again.repeats);
    ck_assert_uint_eq(verdict.hash, again.hash);
    ck_assert_uint_ne(verdict.hash, repeat(&scenario_subject_blkfront, text, 5).hash);
}
END_TEST

/* What the program expects, it expects of the run in which nothing strikes. */
START_TEST(the_plain_run_comes_first)
{
    struct scenario_verdict verdict =
        ours("each nth=1.. of port\n" CONNECTED "read 0 +8 -> io-error\n");

    ck_assert_int_eq(verdict.outcome, SCENARIO_FAILED);
    ck_assert_uint_eq(verdict.repeats, 0);
    ck_assert_uint_eq(verdict.struck_at, 0);
}
END_TEST

/* A frontend that gives up a ring that the backend still has, when it has to close in a hurry. */
START_TEST(the_first_that_breaks_a_rule_is_told_with_its_place)
{
    static const char text[] =
        "at every step: backend hang\n" CONNECTED "write 0 +8 -> ok\ndisconnect -> ok\n";
    struct scenario_verdict sound = repeat(broken_subject(SOUND, NULL), text, 0);
    struct scenario_verdict verdict = repeat(broken_subject(IGNORES_THE_DEADLINE, NULL), text, 0);
    struct scenario_verdict alone =
        repeat(broken_subject(IGNORES_THE_DEADLINE, NULL), text, verdict.struck_at);

    ck_assert_msg(sound.outcome == SCENARIO_PASSED, "%s", sound.reason);
    ck_assert_int_eq(verdict.outcome, SCENARIO_NO_PROGRESS);
    ck_assert_uint_eq(verdict.rule, 4);
    ck_assert_uint_gt(verdict.struck_at, 1);
    ck_assert_ptr_nonnull(strstr(verdict.reason, "at moment "));
    ck_assert_ptr_nonnull(strstr(verdict.reason, ", backend hang: I4 "));
    ck_assert_int_eq(alone.outcome, SCENARIO_NO_PROGRESS);
    ck_assert_uint_eq(alone.struck_at, verdict.struck_at);
    ck_assert_str_eq(alone.reason, verdict.reason);
}
END_TEST

static void refused(const char *line, const char *message)
{
    char text[256];
    struct scenario_problems problems;

    snprintf(text, sizeof(text), "title \"x\"\nrule I4\nabout \"x\"\n%s\n" CONNECTED, line);
    parse_good(&the_program, text, strlen(text));
    scenario_problems_init(&problems);
    ck_assert_int_eq(scenario_check(&the_program, &problems), SCENARIO_INVALID);
    ck_assert_msg(strstr(problems.list[0].text, message) != NULL, "%s", problems.list[0].text);
}

START_TEST(not_every_step_can_strike)
{
    refused("at every step: read 0 +8", "'read' cannot strike at every step");
    refused("at every step: run", "'run' cannot strike at every step");
    refused("at every step: backend linux", "'backend' cannot strike at every step");
    refused("at every step: expect grants=0", "'expect' cannot strike at every step");
    refused("at every step: dialect mine", "'dialect' cannot strike at every step");
}
END_TEST

static Suite *make_suite(void)
{
    Suite *suite = suite_create("repeat");
    TCase *tests = tcase_create("repeat");

    tcase_add_checked_fixture(tests, set_up, tear_down);
    tcase_add_test(tests, without_such_a_line_it_is_one_run);
    tcase_add_test(tests, each_call_fails_once_and_then_none);
    tcase_add_test(tests, each_request_is_answered_with_an_error);
    tcase_add_test(tests, lines_add_up);
    tcase_add_test(tests, a_step_strikes_at_every_moment);
    tcase_add_test(tests, the_plain_run_comes_first);
    tcase_add_test(tests, the_first_that_breaks_a_rule_is_told_with_its_place);
    tcase_add_test(tests, not_every_step_can_strike);
    suite_add_tcase(suite, tests);
    return suite;
}

CHECK_MAIN(make_suite)
