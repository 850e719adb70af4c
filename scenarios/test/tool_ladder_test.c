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

#include <blkfront/blkif.h>

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* ---- simblk show --ladder ---- */

START_TEST(a_request_is_seen_from_submit_to_completion)
{
    struct outcome run;

    put_file("good.scn", "title \"t\"\nrule I7\n\nbackend linux\nconnect -> ok\nrun\n"
                         "read 0 +8 -> ok\ndisconnect -> ok\n");
    run = shell("$simblk show --ladder good.scn >all; echo $?; sed -n '1p; /^step 4/,/^step 5/p; "
                "$p' all");
    ck_assert_str_eq(
        run.out,
        "0\n"
        "               application frontend     ring      backend   XenStore\n"
        "step 4, line 7: read 0 +8 -> ok\n"
        "         0.000      |--------->|          |          |          |      call submit "
        "argument=0\n"
        "         0.000      |--------->|          |          |          |  #1  submit read "
        "request=1 sector=0 sectors=8\n"
        "         0.000      |          o          |          |          |  #1  grant "
        "to=dom0 ref=9 page=3 writable=1 -> ok\n"
        "         0.000      |          |-------->[0]         |          |  #1  store slot=0 "
        "page=1 offset=64 size=112\n"
        "         0.000      |          |--------->|          |          |  #1  store "
        "req_prod page=1 offset=0 size=4\n"
        "         0.000      |          |<---------|          |          |      load "
        "req_event page=1 offset=4 size=4\n"
        "         0.000      |          |----------+--------->|          |  #1  notify "
        "port=1 remote=1 -> ok\n"
        "         0.000      |<---------|          |          |          |      return "
        "submit -> ok\n"
        "         0.000      |          |-------->[0]         |          |  #1  request "
        "index=0 op=read segments=1 id=0 sector_512=0\n"
        "         0.000      |          |--------->|          |          |  #1  ring-index "
        "req_prod=1 old=0\n"
        "         0.000      |          |          |          o          |      port-pending "
        "port=1\n"
        "         0.000      |          |          |          o          |  #1  map of=dom1 "
        "ref=9 page=3 writable=1 -> ok\n"
        "         0.000      |          |          |          o          |  #1  unmap "
        "of=dom1 ref=9 page=3 -> ok\n"
        "         0.000      |          |<---------+----------|          |  #1  notify "
        "port=1 remote=1 -> ok\n"
        "         0.000      |          |         [0]<--------|          |  #1  response "
        "index=0 op=read status=0 id=0\n"
        "         0.000      |          |          |<---------|          |  #1  ring-index "
        "rsp_prod=1 old=0\n"
        "         0.000      |          |          |<---------|          |      ring-index "
        "req_event=2 old=1\n"
        "         0.000      |--------->|          |          |          |      call "
        "queue_poll argument=0\n"
        "         0.000      |          o          |          |          |      port-pending "
        "port=1\n"
        "         0.000      |          |<---------|          |          |      load "
        "rsp_prod page=1 offset=8 size=4\n"
        "         0.000      |          |<--------[0]         |          |  #1  load slot=0 "
        "page=1 offset=64 size=12\n"
        "         0.000      |          o          |          |          |  #1  grant-end "
        "ref=9 page=3 -> ok\n"
        "         0.000      |          |--------->|          |          |      store "
        "rsp_event page=1 offset=12 size=4\n"
        "         0.000      |          |<---------|          |          |      load "
        "rsp_prod page=1 offset=8 size=4\n"
        "         0.000      |          o          |          |          |      port-unmask "
        "port=1\n"
        "         0.000      |<---------|          |          |          |  #1  complete "
        "request=1 -> ok\n"
        "         0.000      |<---------|          |          |          |      return "
        "queue_poll -> ok\n"
        "         0.000      |          |--------->|          |          |      ring-index "
        "rsp_event=2 old=1\n"
        "step 5, line 8: disconnect -> ok\n"
        "passed\n");
}
END_TEST

START_TEST(what_belongs_to_several_requests_names_them)
{
    struct outcome run;

    put_file("many.scn", "title \"t\"\nrule I7\n\nbackend linux\nconnect -> ok\n"
                         "read 0 +8 async as A\nread 8 +8 async as B\nread 16 +8 async as C\n"
                         "wait A -> ok\n");
    run = shell("$simblk show --ladder many.scn | sed -n '/rsp_prod=/p'");
    ck_assert_str_eq(run.out, "         0.000      |          |          |<---------|          |  "
                              "#1-3 ring-index rsp_prod=3 old=0\n");
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

/* ---- whose rows they are ---- */

enum { SLOT = BLKIF_WIRE_SLOT_64 };

/* A write of one page that was granted as `ref`, on the ring at this index. */
static void hear_request(uint32_t index, uint64_t ref, uint64_t request)
{
    uint8_t slot[SLOT] = {BLKIF_WIRE_WRITE, 1, 0, 0, 0, 0, 0, 0, (uint8_t)(index + 1)};
    struct simback_event event = {
        .kind = SIMBACK_RING_REQUEST, .a = index, .bytes = slot, .length = sizeof(slot)};

    slot[24] = (uint8_t)ref;
    listener->event(listener->context, &event, 0, true, request);
}

static void hear_response(uint32_t index)
{
    uint8_t slot[16] = {(uint8_t)(index + 1)};
    struct simback_event event = {
        .kind = SIMBACK_RING_RESPONSE, .a = index, .bytes = slot, .length = sizeof(slot)};

    listener->event(listener->context, &event, 0, false, 0);
}

static void hear_kind(enum simback_event_kind kind, bool guest, uint64_t a, uint64_t b, uint64_t c)
{
    struct simback_event event = {.kind = kind, .a = a, .b = b, .c = c};

    listener->event(listener->context, &event, 0, guest, 0);
}

static void hear_access(enum simback_event_kind kind, const char *what, uint16_t slot)
{
    struct simback_event event = {.kind = kind, .path = what, .peer = slot};

    listener->event(listener->context, &event, 0, true, 0);
}

/* "1 -- 2": the requests of each row. */
static const char *requests_of_rows(void)
{
    static char text[256];
    size_t length = 0;

    text[0] = '\0';
    for (size_t at = 0; at < ladder.count; at++) {
        struct ladder_row row = row_at(at);

        length += (size_t)snprintf(text + length, sizeof(text) - length, "%s%s", at == 0 ? "" : " ",
                                   row.request == 0 && row.mark_count == 0 ? "-" : "");
        if (row.request != 0)
            length += (size_t)snprintf(text + length, sizeof(text) - length, "%llu",
                                       (unsigned long long)row.request);
        for (size_t i = 0; row.request == 0 && i < row.mark_count; i++)
            length += (size_t)snprintf(text + length, sizeof(text) - length, "%s%llu",
                                       i == 0 ? "" : "+", (unsigned long long)row.marks[i].request);
    }
    return text;
}

/* Stores are heard of: who was written before a notification is told by it. */
START_TEST(a_notification_belongs_to_what_was_published_since_the_one_before)
{
    record(64, 64);
    hear_kind(SIMBACK_RING_ATTACH, true, 0, 0, 0);
    hear_access(SIMBACK_STORE, "slot", 0);
    hear_access(SIMBACK_STORE, "slot", 1);
    hear_access(SIMBACK_STORE, "req_prod", 0);
    hear_kind(SIMBACK_NOTIFY, true, 0, 0, 0);
    hear_access(SIMBACK_STORE, "slot", 2);
    hear_access(SIMBACK_STORE, "req_prod", 0);
    hear_request(0, 20, 7);
    hear_request(1, 21, 8);
    hear_request(2, 22, 9);
    hear_kind(SIMBACK_RING_INDEX, true, SIMBACK_REQ_PROD, 3, 0);
    hear_kind(SIMBACK_NOTIFY, true, 0, 0, 0);
    hear_kind(SIMBACK_NOTIFY, false, 0, 0, 0);
    hear_response(0);
    hear_response(1);
    hear_kind(SIMBACK_RING_INDEX, false, SIMBACK_RSP_PROD, 2, 0);
    hear_access(SIMBACK_LOAD, "rsp_prod", 0);
    hear_access(SIMBACK_LOAD, "slot", 1);
    hear_access(SIMBACK_LOAD, "slot", 5);
    read_back(false);
    ck_assert_str_eq(requests_of_rows(), "- 7 8 7+8 7+8 9 9 7 8 9 7+8+9 9 7+8 7 8 7+8 - 8 -");
    forget();
}
END_TEST

/* Nothing is heard of stores: one notification is that of what is seen then; of two nobody can
 * tell. Who is answered waits for none. */
START_TEST(without_stores_only_what_is_certain_is_told)
{
    record(64, 64);
    hear_kind(SIMBACK_NOTIFY, true, 0, 0, 0);
    hear_request(0, 20, 1);
    hear_kind(SIMBACK_RING_INDEX, true, SIMBACK_REQ_PROD, 1, 0);
    hear_request(1, 21, 2);
    hear_request(2, 22, 3);
    hear_kind(SIMBACK_RING_INDEX, true, SIMBACK_REQ_PROD, 3, 1);
    hear_response(1);
    hear_kind(SIMBACK_NOTIFY, true, 0, 0, 0);
    hear_kind(SIMBACK_NOTIFY, true, 0, 0, 0);
    hear_request(3, 23, 4);
    hear_kind(SIMBACK_RING_INDEX, true, SIMBACK_REQ_PROD, 4, 3);
    read_back(false);
    ck_assert_str_eq(requests_of_rows(), "1 1 1 2 3 2+3 2 3 - 4 4");
    forget();
}
END_TEST

/* The grant of a page that is used again belongs to each of them; what the backend maps while a
 * request is in flight, and the end of the grant, to the one that had it. */
START_TEST(a_grant_belongs_to_the_requests_whose_segments_have_it)
{
    record(64, 64);
    hear_kind(SIMBACK_GRANT, true, 20, 0, 0);
    hear_kind(SIMBACK_GRANT, true, 21, 0, 0);
    hear_request(0, 20, 1);
    hear_kind(SIMBACK_MAP, false, 20, 0, 0);
    hear_kind(SIMBACK_MAP, false, 21, 0, 0);
    hear_response(0);
    hear_kind(SIMBACK_UNMAP, false, 20, 0, 0);
    hear_request(1, 20, 2);
    hear_response(1);
    hear_kind(SIMBACK_GRANT_END, true, 20, 0, 0);
    hear_kind(SIMBACK_GRANT, true, 20, 0, 0);
    read_back(false);
    ck_assert_str_eq(requests_of_rows(), "1+2 - 1 1 - 1 - 2 2 2 -");
    forget();
}
END_TEST

/* Behind a gap nobody knows what was stored or granted before it. */
START_TEST(nothing_is_told_across_what_was_left_out)
{
    record(2, 2);
    hear_kind(SIMBACK_GRANT, true, 20, 0, 0);
    hear_access(SIMBACK_STORE, "slot", 0);
    hear_port(1);
    hear_port(2);
    hear_request(0, 20, 1);
    read_back(false);
    ck_assert_str_eq(requests_of_rows(), "- - - - 1");
    forget();
}
END_TEST

START_TEST(pages_of_data_are_no_rows)
{
    struct simback_event event = {.kind = SIMBACK_STORE, .device = SIMBACK_NO_DEVICE};

    record(4, 4);
    hear(&event, 0, 0);
    event.kind = SIMBACK_FENCE;
    hear(&event, 0, 0);
    read_back(false);
    ck_assert_uint_eq(ladder.count, 0);
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
    tcase_add_test(show, what_belongs_to_several_requests_names_them);
    tcase_add_test(show, the_event_that_breaks_a_rule_is_marked);
    tcase_add_test(show, of_what_is_looked_for_at_rest_or_at_the_end_the_step_is_marked);
    tcase_add_test(show, what_is_left_is_disconnected_under_a_heading_of_its_own);
    tcase_add_test(show, the_step_that_is_not_met_is_marked);
    tcase_add_test(show, of_a_program_that_repeats_itself_the_failing_run_is_drawn);
    tcase_add_test(show, what_a_frontend_did_before_it_died_is_drawn);
    tcase_add_test(show, two_runs_give_the_same_bytes);
    tcase_add_test(kept, of_too_many_events_the_first_and_the_last_are_kept);
    tcase_add_test(kept, a_response_belongs_to_the_request_with_its_id_on_its_ring);
    tcase_add_test(kept, a_notification_belongs_to_what_was_published_since_the_one_before);
    tcase_add_test(kept, without_stores_only_what_is_certain_is_told);
    tcase_add_test(kept, a_grant_belongs_to_the_requests_whose_segments_have_it);
    tcase_add_test(kept, nothing_is_told_across_what_was_left_out);
    tcase_add_test(kept, pages_of_data_are_no_rows);
    tcase_add_test(kept, long_paths_keep_their_end_and_long_values_their_beginning);
    tcase_add_test(kept, of_several_runs_the_first_and_the_last_are_kept);
    suite_add_tcase(suite, show);
    suite_add_tcase(suite, kept);
    return suite;
}

CHECK_MAIN(tool_ladder_suite)
