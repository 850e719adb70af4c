/* SPDX-License-Identifier: ISC */
/*
 * The ladder of a run: what simblk show --ladder draws, word for word where it is about a request,
 * and which rows a recorder keeps of more events than it has room for.
 */
#include "check_main.h"
#include "ladder.h"
#include "tool_help.h"

#include <simback/event.h>
#include <simback/oracle.h>

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* ---- simblk show --ladder ---- */

START_TEST(a_request_is_seen_from_submit_to_completion)
{
    struct outcome run;

    put_file("good.scn", GOOD);
    run = shell("$simblk show --ladder good.scn >all; echo $?; sed -n '1p; /^step 3/,/^step 4/p; "
                "$p' all");
    ck_assert_str_eq(
        run.out,
        "0\n"
        "               application frontend     ring      backend   XenStore\n"
        "step 3, line 6: read 0 +8 -> ok\n"
        "         0.000      |--------->|          |          |          |      call submit "
        "argument=0\n"
        "         0.000      |--------->|          |          |          |  #1  submit read "
        "request=1 sector=0 sectors=8\n"
        "         0.000      |          o          |          |          |      grant to=dom0 "
        "ref=9 page=3 writable=1 -> ok\n"
        "         0.000      |          |----------+--------->|          |      notify port=1 "
        "remote=1 -> ok\n"
        "         0.000      |<---------|          |          |          |      return submit -> "
        "ok\n"
        "         0.000      |          |-------->[0]         |          |  #1  request index=0 "
        "op=read segments=1 id=0 sector_512=0\n"
        "         0.000      |          |--------->|          |          |      ring-index "
        "req_prod=1 old=0\n"
        "         0.000      |          |          |          |<---------|      watch-fired "
        "/local/domain/1/device/vbd/51712/state token=1\n"
        "         0.000      |          |          |          |<---------|      store-read "
        "/local/domain/1/device/vbd/51712/state \"4\" transaction=0 -> ok\n"
        "         0.000      |          |          |          o          |      port-pending "
        "port=1\n"
        "         0.000      |          |          |          o          |      map of=dom1 ref=9 "
        "page=3 writable=1 -> ok\n"
        "         0.000      |          |          |          o          |      unmap of=dom1 "
        "ref=9 page=3 -> ok\n"
        "         0.000      |          |<---------+----------|          |      notify port=1 "
        "remote=1 -> ok\n"
        "         0.000      |          |         [0]<--------|          |  #1  response index=0 "
        "op=read status=0 id=0\n"
        "         0.000      |          |          |<---------|          |      ring-index "
        "rsp_prod=1 old=0\n"
        "         0.000      |          |          |<---------|          |      ring-index "
        "req_event=2 old=1\n"
        "         0.000      |--------->|          |          |          |      call queue_poll "
        "argument=0\n"
        "         0.000      |          o          |          |          |      port-pending "
        "port=1\n"
        "         0.000      |          o          |          |          |      grant-end ref=9 "
        "page=3 -> ok\n"
        "         0.000      |          o          |          |          |      port-unmask "
        "port=1\n"
        "         0.000      |<---------|          |          |          |  #1  complete "
        "request=1 -> ok\n"
        "         0.000      |<---------|          |          |          |      return "
        "queue_poll -> ok\n"
        "         0.000      |          |--------->|          |          |      ring-index "
        "rsp_event=2 old=1\n"
        "step 4, line 7: disconnect -> ok\n"
        "passed\n");
}
END_TEST

START_TEST(the_event_that_breaks_a_rule_is_marked)
{
    struct outcome run;

    put_file("twice.scn", TWICE);
    run = shell("$misbehaving show --ladder twice.scn >all; echo $?; grep '^!!' all; tail -n 1 "
                "all");
    ck_assert_str_eq(
        run.out,
        "1\n"
        "!!       0.000      |<---------|          |          |          |  #1  complete "
        "request=1 -> ok\n"
        "!! I2 xvda request 1: completes with 0 (ok) although it was completed with 0 (ok) "
        "before\n"
        "rule broken: I2 xvda request 1: completes with 0 (ok) although it was completed with 0 "
        "(ok) before\n");
}
END_TEST

/* The event before has nothing to do with it. */
START_TEST(of_what_is_looked_for_at_rest_or_at_the_end_the_step_is_marked)
{
    struct outcome run;

    put_file("ledger.scn", LEDGER);
    run = shell("$misbehaving show --ladder ledger.scn | grep '^!!'");
    ck_assert_str_eq(run.out, "!! the end: what is left is disconnected and released\n"
                              "!! I12 no device: the program is over, but 1 pieces of memory are "
                              "left\n");
    put_file("lost.scn", LOST);
    run = shell("$misbehaving show --ladder lost.scn | grep '^!!'");
    assert_contains(run.out, "!! step 3, line 6: read 105 +8 -> ok\n!! I4 xvda request 1: ");
}
END_TEST

START_TEST(what_is_left_is_disconnected_under_a_heading_of_its_own)
{
    struct outcome run;

    put_file("left.scn", "title \"t\"\nrule I12\n\nbackend linux\nconnect -> ok\n");
    run = shell("$simblk show --ladder left.scn | grep -A 1 '^the end'");
    ck_assert_str_eq(run.out, "the end: what is left is disconnected and released\n"
                              "         0.000      |--------->|          |          |          |  "
                              "    call disconnect argument=0\n");
}
END_TEST

START_TEST(the_step_that_is_not_met_is_marked)
{
    struct outcome run;

    put_file("fails.scn", FAILS);
    run = shell("$simblk show --ladder fails.scn >all; echo $?; grep '^!!' all");
    ck_assert_str_eq(run.out, "1\n"
                              "!! step 3, line 6: read 0 +8 -> out-of-range\n"
                              "!! read 0 +8 -> out-of-range: the result is ok\n");
}
END_TEST

/* The last row is the call that it did not come back from. */
START_TEST(what_a_frontend_did_before_it_died_is_drawn)
{
    struct outcome run;

    put_file("aborts.scn", ABORTS);
    run = shell("$misbehaving show --ladder aborts.scn >all; echo $?; tail -n 3 all");
    ck_assert_str_eq(
        run.out, "127\n"
                 "         0.000      |--------->|          |          |          |  #1  submit "
                 "read request=1 sector=101 sectors=8\n"
                 "!! crashed: Aborted\n"
                 "crashed: Aborted\n");
    run = shell("$misbehaving show --trace aborts.scn >all; echo $?; tail -n 2 all");
    assert_contains(run.out, "127\n");
    assert_contains(run.out, "submit          read request=1 sector=101 sectors=8\ncrashed: ");
}
END_TEST

/* Where all repetitions pass, the run without any stands for them. */
START_TEST(of_a_program_that_repeats_itself_the_failing_run_is_drawn)
{
    struct outcome run;

    put_file("each.scn", "title \"t\"\nrule I8\neach nth=1.. of request\n\nbackend linux\n"
                         "connect -> ok\nread 0 +8\nwrite 8 +8\n");
    run = shell("$simblk show --ladder each.scn >all; grep -c 'status=-1' all; tail -n 1 all");
    ck_assert_str_eq(run.out, "0\npassed\n");
    run = shell(TEST_CARELESS " show --ladder each.scn >all; grep -c 'status=-1' all; grep '^!!' "
                              "all");
    assert_contains(run.out, "1\n!!       0.000      |<---------|          |          |          "
                             "|  #1  complete request=1 -> ok\n"
                             "!! I8 xvda request 1: succeeds, but ");
}
END_TEST

START_TEST(two_runs_give_the_same_bytes)
{
    struct outcome run;

    put_file("good.scn", GOOD);
    run = shell("$simblk show --ladder good.scn >one; $simblk show --ladder good.scn >two; cmp one "
                "two");
    assert_status(run, 0);
}
END_TEST

/* ---- what is kept ---- */

static struct ladder_recorder *recorder;
static const struct scenario_listener *listener;
static struct ladder ladder;
static FILE *file;

static void record(size_t first, size_t last)
{
    recorder = ladder_recorder_create(first, last);
    ck_assert_ptr_nonnull(recorder);
    listener = ladder_recorder_listener(recorder);
    listener->begin(listener->context);
}

static void hear(const struct simback_event *event, uint64_t time_ns, uint64_t request)
{
    listener->event(listener->context, event, time_ns, true, request);
}

static void hear_port(uint64_t port)
{
    const struct simback_event event = {.kind = SIMBACK_PORT_PENDING, .a = port};

    hear(&event, port, 0);
}

static void read_back(bool struck)
{
    file = tmpfile();
    ck_assert_ptr_nonnull(file);
    ladder_init(&ladder);
    ladder_recorder_write(recorder, struck, fileno(file));
    ck_assert(ladder_read(&ladder, fileno(file)));
}

static void forget(void)
{
    ladder_fini(&ladder);
    fclose(file);
    ladder_recorder_destroy(recorder);
}

static struct ladder_row row_at(size_t index)
{
    struct ladder_row row;

    ck_assert_uint_lt(index, ladder.count);
    ck_assert(ladder_row(&ladder, index, &row));
    return row;
}

START_TEST(of_too_many_events_the_first_and_the_last_are_kept)
{
    static const struct {
        uint64_t events;
        const char *kept;
    } cases[] = {
        {0, ""},
        {1, "1"},
        {3, "1 2 3"},
        {6, "1 2 3 4 5 6"},
        {7, "1 2 +1 4 5 6 7"},
        {10, "1 2 +4 7 8 9 10"},
        {11, "1 2 +5 8 9 10 11"},
    };

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        char kept[64] = "";
        size_t length = 0;

        record(2, 4);
        for (uint64_t port = 1; port <= cases[i].events; port++)
            hear_port(port);
        read_back(false);
        for (size_t at = 0; at < ladder.count; at++) {
            struct ladder_row row = row_at(at);
            bool gap = row.kind == LADDER_LEFT_OUT;

            length += (size_t)snprintf(kept + length, sizeof(kept) - length, "%s%s%llu",
                                       at == 0 ? "" : " ", gap ? "+" : "",
                                       (unsigned long long)(gap ? row.left_out : row.time_ns));
        }
        ck_assert_str_eq(kept, cases[i].kept);
        forget();
    }
}
END_TEST

START_TEST(a_response_belongs_to_the_request_with_its_id_on_its_ring)
{
    uint8_t request[112] = {0}, response[16] = {0};
    struct simback_event event = {.kind = SIMBACK_RING_ATTACH, .b = 1};

    record(8, 8);
    hear(&event, 0, 0);
    request[8] = response[0] = 5;
    event = (struct simback_event){
        .kind = SIMBACK_RING_REQUEST, .a = 65, .bytes = request, .length = sizeof(request)};
    hear(&event, 1, 7);
    event = (struct simback_event){
        .kind = SIMBACK_RING_RESPONSE, .a = 65, .bytes = response, .length = sizeof(response)};
    event.queue = 1;
    hear(&event, 2, 0);
    event.queue = 0;
    hear(&event, 3, 0);
    hear(&event, 4, 0);
    read_back(false);
    ck_assert_uint_eq(row_at(1).request, 7);
    ck_assert_uint_eq(row_at(1).slot, 1); /* of 64 */
    ck_assert_uint_eq(row_at(2).request, 0);
    ck_assert_uint_eq(row_at(3).request, 7);
    ck_assert_uint_eq(row_at(4).request, 0); /* it was answered */
    forget();
}
END_TEST

START_TEST(long_paths_keep_their_end_and_long_values_their_beginning)
{
    char path[300], value[300];
    struct simback_event event = {.kind = SIMBACK_STORE_WRITE, .path = path, .bytes = value};
    struct ladder_row row;

    memset(path, 'p', sizeof(path) - 1);
    memcpy(path, "/begin", 6);
    memcpy(path + sizeof(path) - 5, "/end", 5);
    memset(value, 'v', sizeof(value));
    event.length = sizeof(value);
    record(1, 1);
    hear(&event, 0, 0);
    read_back(false);
    row = row_at(0);
    assert_contains(row.text, "store-write ...ppp");
    assert_contains(row.text, "ppp/end \"vvv");
    assert_contains(row.text, "v\"+260 transaction=0 -> ok");
    ck_assert_uint_eq(row.from, LADDER_FRONTEND);
    ck_assert_uint_eq(row.to, LADDER_STORE);
    forget();
}
END_TEST

START_TEST(of_several_runs_the_first_and_the_last_are_kept)
{
    record(4, 4);
    hear_port(1);
    listener->begin(listener->context);
    hear_port(2);
    listener->begin(listener->context);
    hear_port(3);
    read_back(false);
    ck_assert_uint_eq(ladder.count, 1);
    ck_assert_uint_eq(row_at(0).time_ns, 1);
    ladder_fini(&ladder);
    fclose(file);
    read_back(true);
    ck_assert_uint_eq(ladder.count, 1);
    ck_assert_uint_eq(row_at(0).time_ns, 3);
    forget();
}
END_TEST

static Suite *tool_ladder_suite(void)
{
    Suite *suite = suite_create("ladder");
    TCase *show = tool_case("show");
    TCase *kept = tool_case("kept");

    tcase_add_test(show, a_request_is_seen_from_submit_to_completion);
    tcase_add_test(show, the_event_that_breaks_a_rule_is_marked);
    tcase_add_test(show, of_what_is_looked_for_at_rest_or_at_the_end_the_step_is_marked);
    tcase_add_test(show, what_is_left_is_disconnected_under_a_heading_of_its_own);
    tcase_add_test(show, the_step_that_is_not_met_is_marked);
    tcase_add_test(show, of_a_program_that_repeats_itself_the_failing_run_is_drawn);
    tcase_add_test(show, what_a_frontend_did_before_it_died_is_drawn);
    tcase_add_test(show, two_runs_give_the_same_bytes);
    tcase_add_test(kept, of_too_many_events_the_first_and_the_last_are_kept);
    tcase_add_test(kept, a_response_belongs_to_the_request_with_its_id_on_its_ring);
    tcase_add_test(kept, long_paths_keep_their_end_and_long_values_their_beginning);
    tcase_add_test(kept, of_several_runs_the_first_and_the_last_are_kept);
    suite_add_tcase(suite, show);
    suite_add_tcase(suite, kept);
    return suite;
}

CHECK_MAIN(tool_ladder_suite)
