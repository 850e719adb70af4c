/* SPDX-License-Identifier: ISC */
/*
 * The rules I1 to I9, each broken by a naive frontend and just not broken: loads, correlation,
 * indices, progress, grants, data, statuses, units.
 */
#include "check_main.h"
#include "rules_help.h"

/* ---- I1 ---- */

static const char connect_alone[] = CONNECTED "disconnect -> ok\n";
static const char one_read[] = CONNECTED "read 0 +8 -> ok\ndisconnect -> ok\nput -> ok\n";

START_TEST(i1_a_response_is_loaded_twice)
{
    breaks_and_near_misses(LOADS_A_SLOT_TWICE, one_read,
                           rule(1, 3, "bytes 0 to 15 of response 0 on queue 0 are loaded a second"),
                           connect_alone);
}
END_TEST

/* What the second load could have seen is the reason for the rule. */
START_TEST(i1_the_backend_changes_a_response_between_two_loads)
{
    static const char text[] = CONNECTED "fault op=read nth=1 hold as R\n"
                                         "read 0 +8 async as A\n"
                                         "run\n"
                                         "release R\n"
                                         "run steps=1\n"
                                         "load n=3 offset=74 bytes=\"\\xff\\xff\"\n"
                                         "poll\n"
                                         "wait A -> ok\n";
    const struct broken broken = rule(1, 9, "of response 0 on queue 0 are loaded a second time");
    struct scenario_verdict verdict = play(LOADS_A_SLOT_TWICE, true, text);

    names(&verdict, &broken); /* and what it then told its caller is I2's */
    passes(SOUND, text);
}
END_TEST

START_TEST(i1_rsp_prod_is_loaded_twice)
{
    breaks_and_near_misses(
        LOADS_RSP_PROD_TWICE, one_read,
        rule(1, 3, "rsp_prod of queue 0 is loaded again (0x1, now 0x1) before the responses"),
        connect_alone);
}
END_TEST

START_TEST(i1_req_event_is_loaded_without_a_fence)
{
    breaks_and_near_misses(LOOKS_WITHOUT_A_FENCE, one_read,
                           rule(1, 3, "without a full fence in between"), connect_alone);
}
END_TEST

START_TEST(i1_a_node_is_read_twice)
{
    breaks_and_near_misses(READS_A_NODE_TWICE, one_read,
                           rule(1, 2, "the backend's node sectors is read twice in one step"),
                           "backend linux\nconnect xvdb -> no-device\n");
}
END_TEST

/* ---- I2 ---- */

START_TEST(i2_a_request_completes_twice)
{
    breaks_and_near_misses(
        COMPLETES_TWICE, one_read,
        rule(2, 3, "completes with 0 (ok) although it was completed with 0 (ok) before"),
        connect_alone);
}
END_TEST

START_TEST(i2_a_request_completes_without_an_answer)
{
    breaks_and_near_misses(COMPLETES_UNASKED, CONNECTED "write 0 +8 -> ok\ndisconnect -> ok\n",
                           rule(2, 3, "succeeds with 0 of 8 units answered OKAY by a matching"),
                           one_read);
}
END_TEST

START_TEST(i2_the_answer_to_another_id_is_taken)
{
    breaks(TAKES_ANY_ID,
           CONNECTED "fault op=read nth=1 hold as R\n"
                     "read 0 +8 async as A\n"
                     "run\n"
                     "ring respond id=999\n"
                     "wait A -> ok\n",
           rule(2, 7, "succeeds with 0 of 8 units answered OKAY by a matching response"));
    passes(SOUND, CONNECTED "fault op=read nth=1 hold as R\n"
                            "read 0 +8 async as A\n"
                            "run\n"
                            "ring respond id=999\n"
                            "wait A -> protocol-error\n"
                            "expect device!=connected\n");
    passes(TAKES_ANY_ID, one_read);
}
END_TEST

START_TEST(i2_a_request_is_forgotten_at_the_end)
{
    static const char held[] = CONNECTED "fault op=read nth=1 hold as R\n"
                                         "read 0 +8 async\n"
                                         "run\n"
                                         "disconnect -> ok\n"
                                         "put -> ok\n";

    breaks_and_near_misses(FORGETS_ITS_REQUESTS, held,
                           rule(2, 7, "request 1: has never completed (1 ring requests"), one_read);
}
END_TEST

/* ---- I3 ---- */

START_TEST(i3_an_index_beyond_the_ring_is_believed)
{
    breaks(NO_OVERFLOW_CHECK,
           CONNECTED "ring index add=1000\n"
                     "run\n"
                     "disconnect -> ok\n",
           rule(3, 5, "was 0x3e8 with 0 answered and 0 asked, and the device is still connected"));
    passes(SOUND, CONNECTED "ring index add=1000\n"
                            "run\n"
                            "expect device=failed reason=\"index\"\n");
    passes(NO_OVERFLOW_CHECK, one_read);
}
END_TEST

/* Inside the ring, but beyond what was asked: a frontend should see that too. */
START_TEST(i3_beyond_what_was_asked_is_a_should)
{
    static const char text[] = CONNECTED "ring index add=5\n"
                                         "run\n"
                                         "disconnect -> ok\n";
    const struct broken broken =
        rule(3, 5, "was 0x5 with only 0 asked, and the device is still connected");
    struct scenario_verdict verdict = play(NO_OVERFLOW_CHECK, false, text);

    ck_assert_msg(verdict.outcome == SCENARIO_PASSED, "%s", verdict.reason);
    ck_assert_uint_eq(verdict.violations, 0);
    ck_assert_uint_eq(verdict.violations_should, 1);
    verdict = play(NO_OVERFLOW_CHECK, true, text);
    names(&verdict, &broken);
    nothing_besides(broken.rule);
    ck_assert(verdict.should);
}
END_TEST

/* ---- I4 ---- */

START_TEST(i4_a_read_never_ends)
{
    breaks_and_near_misses(
        FORGETS_READS, one_read,
        no_progress(3, "I4 xvda request 1: read has not ended at rest: the next move is the "
                       "frontend's (its state is 4, the backend's 4)"),
        CONNECTED "write 0 +8 -> ok\ndisconnect -> ok\n");
}
END_TEST

/* A backend that owes the next move is waited for, where the scenario says so. */
START_TEST(i4_a_read_waits_for_its_backend)
{
    passes(SOUND, CONNECTED "fault op=read nth=1 hold as R\n"
                            "read 0 +8 async as A\n"
                            "wait A -> pending\n"
                            "release R\n"
                            "wait A -> ok\n"
                            "disconnect -> ok\n");
}
END_TEST

/* Where nothing is disconnected at the end, what has not ended by then is judged all the same. */
START_TEST(i4_a_read_has_not_ended_at_the_end)
{
    breaks_and_near_misses(
        FORGETS_READS, "world end=rest\n" CONNECTED "read 0 +8 async as A\n",
        no_progress(0, "I4 xvda request 1: read has not ended at rest: the next move is the "
                       "frontend's (its state is 4, the backend's 4)"),
        "world end=rest\n" CONNECTED "write 0 +8 async as A\n");
}
END_TEST

/* And what it has is not looked for. */
START_TEST(i5_the_end_at_rest_gives_nothing_back)
{
    passes(LEAVES_GRANTS, "world end=rest\n" CONNECTED "read 0 +8 -> ok\n");
    passes(LEAVES_MEMORY, "world end=rest\n" CONNECTED "read 0 +8 -> ok\n");
}
END_TEST

START_TEST(i4_the_frontend_never_rests)
{
    breaks_and_near_misses(
        NEVER_RESTS, "world max_steps=1000\n" CONNECTED "read 0 +8 -> ok\nrun\n",
        no_progress(5, "I4 no device: the world never comes to rest: something has"),
        "world max_steps=1000\n" CONNECTED "read 0 +8 -> ok\n"
        "disconnect -> ok\n");
}
END_TEST

START_TEST(i4_a_disconnect_goes_beyond_its_deadline)
{
    breaks_and_near_misses(
        IGNORES_THE_DEADLINE, CONNECTED "backend hang\ndisconnect deadline=1s -> ok\n",
        no_progress(4, "I4 xvda: disconnect has not ended at rest: its deadline has"),
        CONNECTED "disconnect deadline=1s -> ok\n");
}
END_TEST

/* ---- I5 ---- */

START_TEST(i5_grants_are_left)
{
    breaks_and_near_misses(LEAVES_GRANTS, one_read,
                           rule(5, 5, "the device was released, but 1 grants are left"),
                           connect_alone);
    /* Whoever releases nothing is asked when all is over. */
    breaks(LEAVES_GRANTS, CONNECTED "read 0 +8 -> ok\n", rule(5, 0, "but 1 grants are left"));
}
END_TEST

START_TEST(i5_a_page_is_freed_while_it_is_mapped)
{
    static const char kept[] = CONNECTED "grant keep\n"
                                         "read 0 +8 -> ok\n"
                                         "disconnect -> ok\n";

    breaks_and_near_misses(FREES_MAPPED_PAGES, kept, rule(5, 5, "and mapped 1 times"), one_read);
}
END_TEST

START_TEST(i5_a_page_is_granted_to_somebody_else)
{
    breaks(GRANTS_TO_NOBODY, one_read,
           rule(5, 3, "names grant 9, which is not granted to the backend"));
    passes(GRANTS_TO_NOBODY, connect_alone);
}
END_TEST

/* ---- I6 ---- */

START_TEST(i6_a_page_is_shown_with_something_in_it)
{
    breaks_and_near_misses(GRANTS_DIRTY_PAGES, one_read, rule(6, 3, "unit 0 of page"),
                           connect_alone);
}
END_TEST

START_TEST(i6_padding_is_shown)
{
    breaks_and_near_misses(LEAVES_THE_PADDING, one_read,
                           rule(6, 3, "of the slot of ring request 0 means nothing"),
                           connect_alone);
}
END_TEST

/* ---- I7 ---- */

static const char write_and_read[] = CONNECTED "write 0 +8 fill=1 -> ok\n"
                                               "write 8 +8 fill=2 -> ok\n"
                                               "read 0 +8 -> ok\n"
                                               "read 8 +8 -> ok\n"
                                               "disconnect -> ok\n";
static const char writes_alone[] = CONNECTED "write 0 +8 -> ok\nflush -> ok\ndisconnect -> ok\n";

START_TEST(i7_a_read_is_not_copied)
{
    breaks_and_near_misses(LEAVES_DATA_BEHIND, write_and_read,
                           wrong_data(5, "possible were: write 1 (acknowledged)"), writes_alone);
}
END_TEST

START_TEST(i7_a_read_returns_what_another_one_read)
{
    breaks_and_near_misses(COPIES_TOO_EARLY, write_and_read,
                           wrong_data(5,
                                      "request 3: sector 0 holds what write 2 wrote to sector 8; "
                                      "possible were: write 1 (acknowledged)"),
                           writes_alone);
}
END_TEST

START_TEST(i7_bytes_beside_the_buffer_are_written)
{
    breaks_and_near_misses(
        WRITES_BESIDE_THE_BUFFER, CONNECTED "read 0 +4 -> ok\ndisconnect -> ok\n",
        wrong_data(3, "I7 xvda request 1: bytes beside its buffer 0 were"), writes_alone);
}
END_TEST

/* ---- I8 ---- */

START_TEST(i8_an_error_is_not_told)
{
    static const char refused[] = CONNECTED "fault op=write nth=1 status=-1\n"
                                            "write 0 +8 fill=1\n"
                                            "disconnect -> ok\n";

    breaks_and_near_misses(
        IGNORES_STATUS, refused,
        rule(8, 4, "succeeds, but one of its 1 ring requests was answered with status -1"),
        one_read);
}
END_TEST

START_TEST(i8_what_is_not_supported_is_tried_again)
{
    breaks_and_near_misses(FLUSHES_FOR_EVER,
                           CONNECTED "fault op=flush eopnotsupp\n"
                                     "flush -> unimplemented\n"
                                     "flush -> unimplemented\n"
                                     "disconnect -> ok\n",
                           rule(8, 5, "is FLUSH_DISKCACHE again"), writes_alone);
}
END_TEST

/* ---- I9 ---- */

START_TEST(i9_a_request_is_longer_than_what_was_asked)
{
    breaks_and_near_misses(WHOLE_PAGES_ALWAYS, CONNECTED "read 3 +1 -> ok\ndisconnect -> ok\n",
                           rule(9, 3, "covers units 3+8, but only 1 of its 1 units are not on"),
                           one_read);
}
END_TEST

START_TEST(i9_a_request_goes_beyond_the_disk)
{
    breaks(GOES_BEYOND_THE_DISK, CONNECTED "read 2044 +8\n",
           rule(9, 3, "covers units 2044+8, but the disk has 2048"));
    passes(SOUND, CONNECTED "read 2044 +8 -> out-of-range\nexpect requests=0\n");
    passes(GOES_BEYOND_THE_DISK, CONNECTED "read 2040 +8 -> ok\ndisconnect -> ok\n");
}
END_TEST

/* ---- which run ---- */

/* A process that plays many may die in any of them: what it is told with is of that one. */
START_TEST(a_rule_that_was_broken_is_no_later_runs)
{
    static struct scenario_progress progress;
    struct scenario_run_options options;
    struct scenario_verdict verdict;

    parse(one_read, strlen(one_read));
    scenario_run_options_init(&options);
    options.progress = &progress;
    options.subject = broken_subject(FORGETS_READS, scenario_runner_world(runner));
    scenario_runner_run(runner, &the_program, &options, &verdict);
    ck_assert_msg(strstr(progress.broken, "read has not ended") != NULL, "%s", progress.broken);

    options.subject = broken_subject(SOUND, scenario_runner_world(runner));
    scenario_runner_run(runner, &the_program, &options, &verdict);
    ck_assert_int_eq(verdict.outcome, SCENARIO_PASSED);
    ck_assert_str_eq(progress.broken, "");
}
END_TEST

static Suite *rules_suite(void)
{
    Suite *suite = suite_create("rules on requests");
    TCase *rules = tcase_create("rules");

    tcase_add_checked_fixture(rules, set_up, tear_down);
    tcase_add_test(rules, i1_a_response_is_loaded_twice);
    tcase_add_test(rules, i1_the_backend_changes_a_response_between_two_loads);
    tcase_add_test(rules, i1_rsp_prod_is_loaded_twice);
    tcase_add_test(rules, i1_req_event_is_loaded_without_a_fence);
    tcase_add_test(rules, i1_a_node_is_read_twice);
    tcase_add_test(rules, i2_a_request_completes_twice);
    tcase_add_test(rules, i2_a_request_completes_without_an_answer);
    tcase_add_test(rules, i2_the_answer_to_another_id_is_taken);
    tcase_add_test(rules, i2_a_request_is_forgotten_at_the_end);
    tcase_add_test(rules, i3_an_index_beyond_the_ring_is_believed);
    tcase_add_test(rules, i3_beyond_what_was_asked_is_a_should);
    tcase_add_test(rules, i4_a_read_never_ends);
    tcase_add_test(rules, i4_a_read_waits_for_its_backend);
    tcase_add_test(rules, i4_a_read_has_not_ended_at_the_end);
    tcase_add_test(rules, i5_the_end_at_rest_gives_nothing_back);
    tcase_add_test(rules, i4_the_frontend_never_rests);
    tcase_add_test(rules, i4_a_disconnect_goes_beyond_its_deadline);
    tcase_add_test(rules, i5_grants_are_left);
    tcase_add_test(rules, i5_a_page_is_freed_while_it_is_mapped);
    tcase_add_test(rules, i5_a_page_is_granted_to_somebody_else);
    tcase_add_test(rules, i6_a_page_is_shown_with_something_in_it);
    tcase_add_test(rules, i6_padding_is_shown);
    tcase_add_test(rules, i7_a_read_is_not_copied);
    tcase_add_test(rules, i7_a_read_returns_what_another_one_read);
    tcase_add_test(rules, i7_bytes_beside_the_buffer_are_written);
    tcase_add_test(rules, i8_an_error_is_not_told);
    tcase_add_test(rules, i8_what_is_not_supported_is_tried_again);
    tcase_add_test(rules, i9_a_request_is_longer_than_what_was_asked);
    tcase_add_test(rules, i9_a_request_goes_beyond_the_disk);
    tcase_add_test(rules, a_rule_that_was_broken_is_no_later_runs);
    suite_add_tcase(suite, rules);
    return suite;
}

CHECK_MAIN(rules_suite)
