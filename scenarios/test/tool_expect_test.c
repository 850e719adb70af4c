/* SPDX-License-Identifier: ISC */
/*
 * What simblk says of each expectation that does not hold, and of steps that cannot be played: the
 * words by which a user finds out what was so instead.
 */
#include "check_main.h"
#include "tool_help.h"

#include "scenario/table.h"

/* The state that the expectations below are wrong about. */
#define WORK                                                \
    "title \"a write, a read, a flush\"\n"                  \
    "rule I7\n"                                             \
    "backend linux params=\"/srv/a.img\" removable cdrom\n" \
    "connect -> ok\n"                                       \
    "write 0 +8 fill=3 -> ok\n"                             \
    "read 0 +8 -> ok data=3\n"                              \
    "flush -> ok\n"

/* Lines behind WORK, and what is said of the last one. */
static const struct {
    const char *lines;
    const char *reason;
} wrong[] = {
    /* results */
    {"read 0 +8 -> !ok", "the result is ok"},
    {"read 0 +8 -> io-error", "the result is ok"},
    {"read 2048 +8 -> ok", "the result is out-of-range"},
    {"read 0 +900000000 -> ok", "the result is out-of-range"},
    {"fault op=read hold\nread 0 +8",
     "still waits on the backend at rest, and '-> pending' is not said"},
    /* what comes with a result */
    {"read 0 +8 -> ok data=4", "the data are not that pattern"},
    {"read 2048 +8 -> detail=\"xx\"", "detail is \""},
    {"devices -> ok count=4", "count is 1"},
    {"info -> read_write=no", "read_write is yes"},
    {"info -> sector_size=1", "sector_size is 512"},
    {"info -> ok sectors!=2048", "sectors is 2048"},
    {"info -> physical_sector_size>512", "physical_sector_size is 512"},
    {"info -> flush=nothing", "flush is cache-flush"},
    {"info -> vdev<51712", "vdev is 51712"},
    {"info -> path=\"/1/51713\"", "path is \"/local/domain/0/backend/vbd/1/51712\""},
    {"info -> cdrom=yes removable=no", "removable is yes"},
    {"info -> removable=yes cdrom=no", "cdrom is yes"},
    {"info -> floppy=yes", "floppy is no"},
    {"info -> queues=9", "queues is 1"},
    {"info -> order=3", "order is 0"},
    {"info -> segments<=0", "segments is 11"},
    {"info -> persistent!=yes persistent!=no", "persistent is "},
    {"info -> discard=yes", "discard is no"},
    {"info -> discard_secure=yes", "discard_secure is no"},
    {"info -> discard_granularity=7", "discard_granularity is "},
    {"info -> discard_alignment=7", "discard_alignment is 0"},
    {"info -> barrier!=yes barrier!=no", "barrier is "},
    {"info -> backend_id=4", "backend_id is 0"},
    /* states */
    {"expect device=closed", "device is connected"},
    {"expect front=5", "front is 4"},
    {"expect back=1", "back is 4"},
    {"expect reason=\"xx\"", "reason is \"\""},
    /* counters */
    {"expect requests>3", "requests is 3"},
    {"expect requests.read>=2", "requests.read is 1"},
    {"expect requests.write<1", "requests.write is 1"},
    {"expect requests.flush<=0", "requests.flush is 1"},
    {"expect requests.barrier=7", "requests.barrier is 0"},
    {"expect requests.discard=7", "requests.discard is 0"},
    {"expect requests.indirect=7", "requests.indirect is 0"},
    {"expect requests.segments=99", "requests.segments is 2"},
    {"expect responses!=3", "responses is 3"},
    {"expect held=1", "held is 0"},
    {"expect complaints=1", "complaints is 0"},
    {"expect complaint=\"units\"", "complaint is \"\""},
    {"expect notifies=99", "notifies is "},
    {"expect events=99", "events is "},
    {"expect loaded=99", "loaded is 4096"},
    {"expect pending=1", "pending is 0"},
    {"expect grants=0", "grants is "},
    {"expect mapped=99", "mapped is "},
    {"expect ports=9", "ports is 1"},
    {"expect watches=9", "watches is 5"},
    {"expect allocations=0", "allocations is "},
    {"expect time=5ms", "time is 0"},
    {"stats -> direct=5", "direct is 0"},
    {"stats -> copied=0", "copied is 8192"},
    {"stats -> bounced=9", "bounced is 2"},
    {"stats -> indirect=9", "indirect is 0"},
    {"stats -> inner_op_tolerated=9", "inner_op_tolerated is 0"},
    {"stats -> grants.made=99", "grants.made is "},
    {"stats -> grants.reused=99", "grants.reused is "},
    {"stats -> reissued=9", "reissued is 0"},
    {"stats -> reconnects=9", "reconnects is 0"},
    {"stats -> quarantined=9", "quarantined is 0"},
    {"stats -> completed=9", "completed is 3"},
    {"stats -> told.requests=9", "told.requests is 3"},
    {"stats -> told.notifies=99", "told.notifies is "},
    {"stats -> told.events=99", "told.events is "},
    {"stats -> told.spurious=99", "told.spurious is "},
    {"stats -> told.changes=99", "told.changes is 0"},
    /* the rest of the world */
    {"expect not node front/state", "the node is \"4\""},
    {"expect node front/state 5", "the node is \"4\""},
    {"expect node front/nothing", "the node is not there"},
    {"expect not node /local/domain/0/backend/vbd/1/51712/params", "the node is \"/srv/a.img\""},
    {"store write front/mine \"\\x01\\xff\\\"\"\nexpect node front/mine 1",
     "the node is \"\\x01\\xff\\x22\""},
    {"expect log \"no such line\"", "there is no such line"},
    {"expect not quiet", "0 things happened"},
    {"read 16 +8 async as A\nexpect quiet", " things happened"},
    {"expect disk 0 +8 fill=4", "sector 0 does not"},
    {"expect disk 7 +2 fill=3", "sector 8 does not"},
    {"expect not disk 0 +8 fill=3", "it does"},
    {"expect disk 2047 +2", "sector 2048 of the disk cannot be read"},
    {"expect violation I7", "I7 was not broken"},
    {"expect not rules", "no rule was broken"},
};

enum { WRONG = sizeof(wrong) / sizeof(wrong[0]) };

static void put_wrong(void)
{
    for (size_t i = 0; i < WRONG; i++) {
        char name[16];
        char text[1024];

        snprintf(name, sizeof(name), "%03zu.scn", i);
        snprintf(text, sizeof(text), WORK "%s\n", wrong[i].lines);
        put_file(name, text);
    }
}

START_TEST(an_expectation_that_fails_says_what_is_so)
{
    struct outcome run;

    put_wrong();
    run = shell("$simblk run .");
    assert_status(run, 1);
    for (size_t i = 0; i < WRONG; i++) {
        char line[64];
        const char *found;
        char *reason;

        snprintf(line, sizeof(line), "FAIL ./%03zu: failed\n", i);
        found = strstr(run.out, line);
        ck_assert_msg(found != NULL, "'%s' did not fail:\n%.3000s", wrong[i].lines, run.out);
        reason = strndup(found + strlen(line), strcspn(found + strlen(line), "\n"));
        ck_assert_ptr_nonnull(reason);
        ck_assert_msg(strstr(reason, wrong[i].reason) != NULL, "of '%s' it is said: %s",
                      wrong[i].lines, reason);
        free(reason);
    }
}
END_TEST

START_TEST(each_condition_and_expectation_is_tried)
{
    for (int key = 0; key < CONDITION_COUNT_OF_ALL; key++) {
        const char *name = scenario_condition_row((enum scenario_condition_key)key)->name;
        bool tried = false;

        for (size_t j = 0; j < WRONG && !tried; j++) {
            const char *at = strstr(wrong[j].lines, name);

            tried = at != NULL && at > wrong[j].lines && at[-1] == ' ' &&
                    strchr("=!<>", at[strlen(name)]) != NULL;
        }
        ck_assert_msg(tried, "nothing is expected of %s", name);
    }
}
END_TEST

/* A failed expectation is what the inverse of it holds. */
START_TEST(what_holds_is_not_reported)
{
    struct outcome run;

    put_file("holds.scn",
             WORK "info -> ok sectors=2048 sectors!=1 sectors>=2048 sectors<=2048 sectors<2049 "
                  "sectors>2047 path=\"vbd/1/51712\"\n"
                  "expect device=connected front=4 back=4 requests=3 time=0s\n"
                  "expect node front/state 4\nexpect not node front/nothing\n"
                  "expect not log \"no such line\"\nexpect quiet\n"
                  "expect disk 0 +8 fill=3\nexpect not disk 0 +9 fill=3\nexpect rules\n"
                  "expect not violation I7\nread 2048 +1 -> !ok\n");
    run = shell("$simblk run holds.scn");
    assert_status(run, 0);
}
END_TEST

/* ---- steps that cannot be played ---- */

static const struct {
    const char *scenario; /* behind title and rule */
    const char *reason;
} unplayable[] = {
    {"backend linux sectors=1000000000000\nconnect -> ok\nread 0 +1000000000 -> ok\n",
     "a request has at most "},
    {"backend linux sectors=8192\nconnect -> ok\nread 0 +5000 sizes=1 -> ok\n",
     "a request has at most 4096 buffers"},
    {"backend linux\nconnect \"a\\x00b\" -> ok\n", "a name cannot hold a NUL byte"},
    {"backend linux\nconnect nothing -> no-device\npoll\n", "there is no device to poll"},
    {"backend linux sectors=0xffffffffffffffff\nconnect -> ok\n",
     "a disk has at most 2^55-1 units of 512 bytes"},
    {"world start=5\nbackend qemu\nconnect -> ok\n",
     "rings that begin at `start` need a backend with `attach`"},
    {"backend linux sector_size=0\nexpect disk 0 +1\n",
     "the disk has no sectors that can be looked at"},
    {"backend linux\nconnect -> ok\nread 4000 +8 async as A\nring respond like=A\nwait A -> ok\n",
     "that request has not been on the ring"},
    {"backend linux\nring index field=rsp_prod add=1\nconnect -> ok\n", "no ring is mapped"},
    {"backend linux\nring respond\nconnect -> ok\n", "no ring is mapped"},
    {"backend linux\nring poke bytes=\"x\"\nconnect -> ok\n",
     "no ring is mapped, or it ends before these bytes"},
    {"backend linux\nevent spurious\nconnect -> ok\n", "the backend has no event channel"},
    {"backend linux\nstore write \"a b\" x\nconnect -> ok\n",
     "XenStore does not take this path or value"},
    {"backend linux\nstore remove \"/a\\x00\"\nconnect -> ok\n",
     "XenStore does not take this path"},
    {"backend linux\nexpect node \"/a\\x00\"\n", "XenStore does not take this path"},
    {"backend linux\nconnect -> ok\nread 0 +8 async as A\nread 8 +8 again=A -> ok\n",
     "the request whose memory it is to have has none like that to give"},
    {"backend linux\nconnect -> ok\nread 0 +8 async as A\nrun\nread 8 +9 again=A -> ok\n",
     "the request whose memory it is to have has none like that to give"},
    {"backend linux\nconnect -> ok\nread 0 +8 async as A\nrun\nflush after=A -> pending\n",
     "the request that it is to follow has ended, or is none of this device"},
    {"backend linux\nconnect as A -> ok\nflush after=A -> pending\n",
     "the request that it is to follow has ended, or is none of this device"},
};

START_TEST(a_step_that_cannot_be_played_is_2_and_says_why)
{
    struct outcome run;
    char text[1024];

    snprintf(text, sizeof(text), "title \"t\"\nrule I7\n%s", unplayable[_i].scenario);
    put_file("bad.scn", text);
    run = shell("$simblk run bad.scn");
    assert_status(run, 2);
    assert_contains(run.out, "FAIL bad: bad scenario\n");
    assert_contains(run.out, unplayable[_i].reason);
}
END_TEST

static Suite *tool_expect_suite(void)
{
    Suite *suite = suite_create("expectations");
    TCase *expectations = tool_case("expectations");
    TCase *steps = tool_case("steps");

    tcase_add_test(expectations, an_expectation_that_fails_says_what_is_so);
    tcase_add_test(expectations, each_condition_and_expectation_is_tried);
    tcase_add_test(expectations, what_holds_is_not_reported);
    tcase_add_loop_test(steps, a_step_that_cannot_be_played_is_2_and_says_why, 0,
                        (int)(sizeof(unplayable) / sizeof(unplayable[0])));
    suite_add_tcase(suite, expectations);
    suite_add_tcase(suite, steps);
    return suite;
}

CHECK_MAIN(tool_expect_suite)
