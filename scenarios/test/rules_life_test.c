/* SPDX-License-Identifier: ISC */
/*
 * The rules I10 to I19, each broken by a naive frontend and just not broken: nodes, states,
 * teardown, events, read-only disks, wrapping indices, an honest backend; and what the runner makes
 * of it.
 */
#include "check_main.h"
#include "language_help.h"
#include "rules_help.h"
#include "scenario/variants.h"

#include <simback/oracle.h>

#include <ftw.h>

static const char connect_alone[] = CONNECTED "disconnect -> ok\n";
static const char one_read[] = CONNECTED "read 0 +8 -> ok\ndisconnect -> ok\nput -> ok\n";
static const char write_and_read[] = CONNECTED "write 0 +8 fill=1 -> ok\n"
                                               "write 8 +8 fill=2 -> ok\n"
                                               "read 0 +8 -> ok\n"
                                               "read 8 +8 -> ok\n"
                                               "disconnect -> ok\n";
static const char writes_alone[] = CONNECTED "write 0 +8 -> ok\nflush -> ok\ndisconnect -> ok\n";

/* ---- I10 ---- */

START_TEST(i10_a_ring_in_the_wrong_spelling)
{
    breaks_and_near_misses(SPELLS_A_RING_OF_ONE_PAGE_AS_SEVERAL, one_read,
                           rule(10, 2, "51712/ring-ref0 is not there"),
                           "backend linux\nconnect xvdb -> no-device\n");
}
END_TEST

START_TEST(i10_nodes_of_a_predecessor)
{
    breaks_and_near_misses(LEAVES_STALE_NODES,
                           "backend linux\nstore write front/ring-page-order 0\nconnect -> ok\n"
                           "read 0 +8 -> ok\n",
                           rule(10, 3, "51712/ring-ref0 is not there"), one_read);
}
END_TEST

/* Held against it with --strict alone. */
static void is_a_should(enum broken_fault fault, unsigned number, const char *reason)
{
    struct scenario_verdict verdict = play(fault, true, one_read);

    ck_assert_int_eq(verdict.outcome, SCENARIO_RULE_BROKEN);
    ck_assert_uint_eq(verdict.rule, number);
    ck_assert(verdict.should);
    ck_assert_msg(strstr(verdict.reason, reason) != NULL, "%s", verdict.reason);
    verdict = play(fault, false, one_read);
    ck_assert_int_eq(verdict.outcome, SCENARIO_PASSED);
}

START_TEST(i10_without_a_transaction)
{
    is_a_should(PUBLISHES_IN_PIECES, 10, "were not written in one transaction");
}
END_TEST

START_TEST(i10_without_a_protocol)
{
    is_a_should(PUBLISHES_NO_PROTOCOL, 10, "no protocol is published");
}
END_TEST

/* ---- I11 ---- */

START_TEST(i11_a_state_that_is_not_the_frontends)
{
    breaks_and_near_misses(WRITES_STATE_2, one_read,
                           rule(11, 2, "the frontend went from state 1 to state 2"),
                           "backend linux\nconnect xvdb -> no-device\n");
}
END_TEST

START_TEST(i11_connected_before_the_backend)
{
    breaks_and_near_misses(
        CONNECTS_TOO_EARLY, one_read,
        rule(11, 2, "went from 3 to 4 before it had read 4 of the backend (it had read 2)"),
        "backend linux\nbackend hang\nconnect -> pending\ndisconnect deadline=1s -> ok\n");
}
END_TEST

START_TEST(i11_a_request_after_state_5)
{
    breaks_and_near_misses(ASKS_AFTER_CLOSING,
                           CONNECTED "disconnect async as D\n"
                                     "read 0 +8 async\n"
                                     "wait D -> ok\n",
                           rule(11, 4, "was put with the frontend in state 5"), one_read);
}
END_TEST

/* ---- I12 ---- */

static const char never_connected[] = "backend linux\n"
                                      "backend stall state=2\n"
                                      "connect -> pending\n"
                                      "disconnect deadline=1s -> ok\n"
                                      "put -> ok\n";

START_TEST(i12_nodes_are_left)
{
    breaks_and_near_misses(LEAVES_NODES, one_read,
                           rule(12, 5, "the frontend's node ring-ref is still there"),
                           never_connected);
}
END_TEST

START_TEST(i12_the_watch_is_left)
{
    breaks_and_near_misses(LEAVES_THE_WATCH, one_read,
                           rule(12, 4, "the disconnect has ended with 1 watches set"),
                           "backend linux\nconnect xvdb -> no-device\n");
}
END_TEST

START_TEST(i12_the_port_is_left)
{
    breaks_and_near_misses(LEAVES_THE_PORT, one_read,
                           rule(12, 4, "the disconnect has ended with 1 ports open"),
                           never_connected);
}
END_TEST

START_TEST(i12_memory_is_left)
{
    breaks_and_near_misses(LEAVES_MEMORY, one_read,
                           rule(12, 0, "the program is over, but 1 pieces of memory are left"),
                           "backend linux\nexpect rules\n"); /* nothing is released there */
}
END_TEST

/* ---- I14 ---- */

START_TEST(i14_no_notification)
{
    breaks_and_near_misses(NEVER_NOTIFIES, one_read,
                           rule(14, 3, "no notification followed the publish of requests 0 to 0x1"),
                           CONNECTED "run\n"
                                     "ring index field=req_event value=100\n"
                                     "read 0 +8 -> pending\n"
                                     "disconnect -> ok\n");
}
END_TEST

START_TEST(i14_too_many_notifications_are_a_should)
{
    static const char text[] = CONNECTED "ring index field=req_event value=100\n"
                                         "read 0 +8\n"
                                         "disconnect -> ok\n";
    const struct broken broken =
        rule(14, 4, "1 notifications were sent for queue 0 in one step, 0 were asked for");
    struct scenario_verdict verdict = play(NOTIFIES_ALWAYS, true, text);

    names(&verdict, &broken);
    nothing_besides(broken.rule);
    ck_assert(verdict.should);
    passes(NOTIFIES_ALWAYS, one_read); /* it was asked for */
}
END_TEST

START_TEST(i14_no_final_check)
{
    breaks_and_near_misses(
        SLEEPS_WITHOUT_A_LOOK, one_read,
        rule(14, 3, "rsp_event of queue 0 is stored as 0x2, and rsp_prod is not"),
        CONNECTED "disconnect -> ok\n");
}
END_TEST

START_TEST(i14_all_watch_events_are_taken_at_once)
{
    breaks_and_near_misses(TAKES_ALL_WATCH_EVENTS,
                           CONNECTED "watch fire back/state count=1025\nrun\ndisconnect -> ok\n",
                           rule(14, 4, "took 1025 watch events in one step"),
                           CONNECTED "watch fire back/state count=1024\nrun\ndisconnect -> ok\n");
}
END_TEST

/* ---- I16 ---- */

/* The next life begins with what the power cut left. */
#define LOSE_POWER "backend power-cut\nbackend restart\ndisconnect -> ok\n"

START_TEST(i16_a_write_with_fua_that_nobody_flushed)
{
    struct broken lost =
        wrong_data(4, "sector 0 holds what sector 0 of the disk held at first after "
                      "the power cut");

    lost.rule = 16;
    breaks(IGNORES_FUA, CONNECTED "write 0 +8 fua -> ok\n" LOSE_POWER, lost);
    passes(IGNORES_FUA, CONNECTED "write 0 +8 -> ok\nflush -> ok\nwrite 8 +8 -> ok\n" LOSE_POWER);
}
END_TEST

/* ---- I17 ---- */

START_TEST(i17_a_read_only_disk_is_written)
{
    breaks_and_near_misses(IGNORES_READ_ONLY,
                           "backend linux mode=r\n"
                           "connect -> ok\n"
                           "write 0 +8\n"
                           "disconnect -> ok\n",
                           rule(17, 3,
                                "is a WRITE of units 0+8, but the frontend knows that the "
                                "disk is read-only"),
                           writes_alone);
}
END_TEST

/* ---- I18 ---- */

/* More reads than a ring holds, none of which is answered before all are there. */
#define FOUR_READS "read 0 +8 async\nread 8 +8 async\nread 16 +8 async\nread 24 +8 async\n"
#define FORTY_READS                                                                         \
    FOUR_READS FOUR_READS FOUR_READS FOUR_READS FOUR_READS FOUR_READS FOUR_READS FOUR_READS \
        FOUR_READS FOUR_READS
#define MORE_THAN_A_RING                                                 \
    "backend linux attach\nconnect -> ok\nfault hold as R\n" FORTY_READS \
    "run\nfault clear\nrun\nexpect pending=0 requests=40\ndisconnect -> ok\n"

START_TEST(i18_the_ring_overflows_at_the_wrap)
{
    /* Lines 5 to 44 are reads; the indices wrap with the sixth of them, and fill the ring with the
     * thirty-second. */
    breaks_and_near_misses(
        COUNTS_WITHOUT_WRAP, "world start=4294967291\n" MORE_THAN_A_RING,
        rule(18, 37,
             "the frontend moved req_prod of queue 0 from 0x1b to 0x1c while rsp_prod is "
             "0xfffffffb: the ring holds 32 requests"),
        "world\n" MORE_THAN_A_RING);
}
END_TEST

/* ---- I19 ---- */

START_TEST(i19_the_backend_is_dishonest)
{
    static const char held[] = CONNECTED "fault op=read nth=1 hold as R\n"
                                         "read 0 +8 async as A\n"
                                         "run\n"
                                         "release R\n"
                                         "wait A -> ok\n";

    breaks(MAKES_THE_BACKEND_DISHONEST, held,
           rule(19, 5, "the backend answers id 0x1267 on queue 0, which is not in flight"));
    passes(SOUND, held);
    /* Whoever was told to break the protocol may. */
    passes(MAKES_THE_BACKEND_DISHONEST, CONNECTED "fault op=read nth=1 hold as R\n"
                                                  "ring poke offset=4000 bytes=x\n"
                                                  "read 0 +8 async as A\n"
                                                  "wait A -> protocol-error\n");
}
END_TEST

/* ---- the runner's part ---- */

START_TEST(a_violation_that_is_expected_is_not_held_against_the_subject)
{
    passes(SOUND, CONNECTED "read 0 +8 -> ok\nexpect not violation I2\n");
    for (int strict = 0; strict < 2; strict++) {
        struct scenario_verdict verdict =
            play(COMPLETES_TWICE, strict != 0, CONNECTED "read 0 +8 -> ok\nexpect violation I2\n");

        ck_assert_msg(verdict.outcome == SCENARIO_PASSED, "%s", verdict.reason);
        ck_assert_uint_eq(verdict.violations, 1);
    }
}
END_TEST

START_TEST(a_verdict_knows_which_rules_were_put_to_a_test)
{
    struct scenario_verdict verdict = play(SOUND, true, connect_alone);

    ck_assert_uint_eq(verdict.rules_checked & 1u << 7, 0);
    verdict = play(SOUND, true, write_and_read);
    for (unsigned number = 1; number <= SIMBACK_RULES; number++) {
        static const unsigned asked = 1u << 1 | 1u << 2 | 1u << 3 | 1u << 5 | 1u << 7 | 1u << 8 |
                                      1u << 9 | 1u << 11 | 1u << 12 | 1u << 14 | 1u << 19;

        ck_assert_msg((verdict.rules_checked & asked & 1u << number) == (asked & 1u << number),
                      "I%u", number);
    }
}
END_TEST

START_TEST(every_outcome_has_its_exit_code)
{
    static const struct {
        enum scenario_outcome outcome;
        int code;
    } codes[] = {
        {SCENARIO_PASSED, 0},        {SCENARIO_FAILED, 1},       {SCENARIO_RULE_BROKEN, 1},
        {SCENARIO_NO_PROGRESS, 128}, {SCENARIO_WRONG_DATA, 129}, {SCENARIO_CRASHED, 127},
        {SCENARIO_UNSUPPORTED, 77},  {SCENARIO_BAD, 2},
    };

    for (size_t i = 0; i < sizeof(codes) / sizeof(codes[0]); i++) {
        ck_assert_int_eq(scenario_exit_code(codes[i].outcome), codes[i].code);
    }
}
END_TEST

/* ---- I20 ---- */

START_TEST(i20_a_sector_size_that_is_not_read)
{
    breaks_and_near_misses(IGNORES_THE_SECTOR_SIZE,
                           "backend linux sector_size=4096\nconnect\ninfo\ndisconnect -> ok\n",
                           rule(20, 2, "a sector has 512 bytes, but sector-size was read as 4096"),
                           connect_alone);
}
END_TEST

START_TEST(i20_a_size_that_nobody_has_told)
{
    breaks_and_near_misses(INVENTS_A_SIZE,
                           "backend linux\nconnect async as C\nrun until back=4\n"
                           "store write back/sectors many\nwait C\ninfo\ndisconnect -> ok\n",
                           rule(20, 5, "no number of sectors was ever read"), connect_alone);
}
END_TEST

/* ---- the sound one in all scenarios ---- */

static unsigned runs_passed, runs_beyond_it;

/* What it does when its own resources or its calls of XenStore fail it does not promise. */
static bool is_for_it(const struct scenario_program *variant)
{
    for (size_t i = 0; i < variant->step_count; i++) {
        switch (variant->steps[i].opcode) {
        case STEP_FAIL:
        case STEP_STORE_FAIL:
        case STEP_STORE_AGAIN:
        case STEP_STORE_DENY: return false;
        default: break;
        }
    }
    return true;
}

/* It may be unable to do what a scenario wants; it never breaks a rule. */
static void play_file(const char *path)
{
    struct scenario_program variant;
    struct scenario_buffer text;

    scenario_buffer_init(&text);
    read_file(path, &text);
    parse(text.data, text.length);
    scenario_program_init(&variant);
    for (size_t i = 0; i < scenario_variant_count(&the_program); i++) {
        struct scenario_verdict verdict;

        ck_assert_int_eq(scenario_variant(&variant, &the_program, i, NULL), SCENARIO_OK);
        if (!is_for_it(&variant)) {
            continue;
        }
        verdict = play_program(SOUND, true, &variant);
        ck_assert_msg(verdict.rule == 0, "%s, variant %zu, line %u: %s", path, i,
                      (unsigned)verdict.line, verdict.reason);
        runs_passed += verdict.outcome == SCENARIO_PASSED;
        runs_beyond_it += verdict.outcome != SCENARIO_PASSED;
    }
    scenario_program_fini(&variant);
    scenario_buffer_fini(&text);
}

static int visit(const char *path, const struct stat *status, int type, struct FTW *where)
{
    size_t length = strlen(path);

    (void)status;
    (void)where;
    if (type == FTW_F && length > 4 && strcmp(path + length - 4, ".scn") == 0) {
        play_file(path);
    }
    return 0;
}

START_TEST(the_sound_one_breaks_no_rule_in_any_scenario)
{
    ck_assert_int_eq(nftw(SIMBLK_SOURCE_DIR "/scenarios/conformance", visit, 16, FTW_PHYS), 0);
    printf("the naive frontend passes %u runs, %u want more of it\n", runs_passed, runs_beyond_it);
    ck_assert_uint_ge(runs_passed, 150);
}
END_TEST

static Suite *rules_suite(void)
{
    Suite *suite = suite_create("rules on a life");
    TCase *rules = tcase_create("rules");

    tcase_add_checked_fixture(rules, set_up, tear_down);
    tcase_add_test(rules, i10_a_ring_in_the_wrong_spelling);
    tcase_add_test(rules, i10_nodes_of_a_predecessor);
    tcase_add_test(rules, i10_without_a_transaction);
    tcase_add_test(rules, i10_without_a_protocol);
    tcase_add_test(rules, i11_a_state_that_is_not_the_frontends);
    tcase_add_test(rules, i11_connected_before_the_backend);
    tcase_add_test(rules, i11_a_request_after_state_5);
    tcase_add_test(rules, i12_nodes_are_left);
    tcase_add_test(rules, i12_the_watch_is_left);
    tcase_add_test(rules, i12_the_port_is_left);
    tcase_add_test(rules, i12_memory_is_left);
    tcase_add_test(rules, i14_no_notification);
    tcase_add_test(rules, i14_too_many_notifications_are_a_should);
    tcase_add_test(rules, i14_no_final_check);
    tcase_add_test(rules, i14_all_watch_events_are_taken_at_once);
    tcase_add_test(rules, i16_a_write_with_fua_that_nobody_flushed);
    tcase_add_test(rules, i17_a_read_only_disk_is_written);
    tcase_add_test(rules, i18_the_ring_overflows_at_the_wrap);
    tcase_add_test(rules, i19_the_backend_is_dishonest);
    tcase_add_test(rules, i20_a_sector_size_that_is_not_read);
    tcase_add_test(rules, i20_a_size_that_nobody_has_told);
    tcase_add_test(rules, a_violation_that_is_expected_is_not_held_against_the_subject);
    tcase_add_test(rules, a_verdict_knows_which_rules_were_put_to_a_test);
    tcase_add_test(rules, every_outcome_has_its_exit_code);
    tcase_add_test(rules, the_sound_one_breaks_no_rule_in_any_scenario);
    suite_add_tcase(suite, rules);
    return suite;
}

CHECK_MAIN(rules_suite)
