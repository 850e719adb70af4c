/* SPDX-License-Identifier: ISC */
/*
 * Every state of ours beside every state of the backend's: found at connect, met in use and at
 * disconnect. Each cell is a scenario, played and judged by all rules; what must come of it stands
 * in a table (I11, I4).
 */
#include "check_main.h"

#include <stdio.h>
#include <string.h>

#include "scenario/check.h"
#include "scenario/run.h"

enum { OWN = 9, OTHER = 10, ABSENT = 9, TEXT = 1024 };

/* One row a state of ours, one letter a state of the backend's, the last for its absence. */
typedef const char table[OWN][OTHER + 1];

static const char *word_of(char letter)
{
    switch (letter) {
    case 'o': return "ok";
    case 'd': return "disconnected";
    case 'w': return "pending";
    default: return "?";
    }
}

static void play(const char *text, const char *what, unsigned own, unsigned other)
{
    struct scenario_runner *runner = scenario_runner_create();
    struct scenario_program program;
    struct scenario_problems problems;
    struct scenario_run_options options;
    struct scenario_verdict verdict;

    ck_assert_ptr_nonnull(runner);
    scenario_program_init(&program);
    scenario_problems_init(&problems);
    ck_assert_msg(scenario_parse(&program, text, strlen(text), &problems) == SCENARIO_OK &&
                      scenario_check(&program, &problems) == SCENARIO_OK,
                  "line %u: %s\n%s", problems.list[0].position.line, problems.list[0].text, text);
    scenario_run_options_init(&options);
    options.subject = &scenario_subject_blkfront;
    options.strict = true;
    scenario_runner_run(runner, &program, &options, &verdict);
    ck_assert_msg(verdict.outcome == SCENARIO_PASSED, "%s, ours %u, the backend's %u: %s: %s\n%s",
                  what, own, other, scenario_outcome_name(verdict.outcome), verdict.reason, text);
    scenario_program_fini(&program);
    scenario_runner_destroy(runner);
}

/* Our directory and the backend's are as a predecessor left them; the backend lives. One in 6 that
 * finds us in 0 takes us for gone and looks no more. */
static table at_connect = {
    /* the backend: 012345678, absent */
    /* 0 */ "oooooowood",
    /* 1 */ "oooooooood",
    /* 2 */ "oooooooood",
    /* 3 */ "oooooooood",
    /* 4 */ "oooooooood",
    /* 5 */ "oooooooood",
    /* 6 */ "oooooooood",
    /* 7 */ "oooooooood",
    /* 8 */ "oooooooood",
};

START_TEST(i11_any_two_states_at_connect)
{
    for (unsigned other = 0; other < OTHER; other++) {
        char text[TEXT];

        snprintf(text, sizeof(text),
                 "backend linux state=%u\n"
                 "store write front/state \"%d\"\n"
                 "%s"
                 "connect -> %s\n"
                 "%s",
                 other == ABSENT ? 1 : other, _i,
                 other == ABSENT ? "store remove back/state\n" : "", word_of(at_connect[_i][other]),
                 at_connect[_i][other] != 'o' ? ""
                                              : "write 8 +8 fill=3 -> ok\nread 8 +8 -> ok data=3\n"
                                                "disconnect -> ok\nexpect front=6\n");
        play(text, "at connect", (unsigned)_i, other);
    }
}
END_TEST

/* Somebody writes both states while the device is in use. The frontend goes by the backend's state
 * alone; where that of its own directory ends the connection, it is the backend's doing. */
static table in_use = {
    /* the backend: 012345678, absent */
    /* 0 */ "dddddddddd",
    /* 1 */ "dddooddood",
    /* 2 */ "dddddddddd",
    /* 3 */ "dddooddood",
    /* 4 */ "dddooddood",
    /* 5 */ "dddddddddd",
    /* 6 */ "dddddddddd",
    /* 7 */ "dddddddddd",
    /* 8 */ "dddddddddd",
};

START_TEST(i11_any_two_states_in_use)
{
    for (unsigned other = 0; other < OTHER; other++) {
        char text[TEXT], back[64];

        snprintf(back, sizeof(back), "store write back/state \"%u\"\n", other);
        snprintf(text, sizeof(text),
                 "backend linux\n"
                 "connect -> ok\n"
                 "store write front/state \"%d\"\n"
                 "%s"
                 "run\n"
                 "read 0 +8 -> %s\n"
                 "disconnect -> ok\n",
                 _i, other == ABSENT ? "store remove back\n" : back, word_of(in_use[_i][other]));
        play(text, "in use", (unsigned)_i, other);
    }
}
END_TEST

/* How far the device has come when it is disconnected. A backend that hangs leaves us in 5 or 6. */
static const struct {
    const char *begin;
    unsigned own;
} ways[] = {
    {"backend stall state=2\nconnect async\nrun\n", 1},
    {"backend stall state=4\nconnect async\nrun\n", 3},
    {"connect -> ok\n", 4},
    {"connect -> ok\nbackend stall state=5\ndisconnect async\nrun until front=5\n", 5},
    {"connect -> ok\nbackend stall state=6\ndisconnect async\nrun until front=6\n", 6},
};

START_TEST(i11_any_two_states_at_disconnect)
{
    for (unsigned other = 0; other < OTHER; other++) {
        char text[TEXT], back[64];

        snprintf(back, sizeof(back), "store write back/state \"%u\"\n", other);
        snprintf(text, sizeof(text),
                 "backend linux\n"
                 "%s"
                 "expect front=%u\n"
                 "%s"
                 "disconnect -> ok\n"
                 "expect front=6 ports=0 watches=0 pending=0\n",
                 ways[_i].begin, ways[_i].own, other == ABSENT ? "store remove back\n" : back);
        play(text, "at disconnect", ways[_i].own, other);
    }
}
END_TEST

static Suite *states_suite(void)
{
    Suite *suite = suite_create("states_product");
    TCase *tests = tcase_create("states");

    tcase_add_loop_test(tests, i11_any_two_states_at_connect, 0, OWN);
    tcase_add_loop_test(tests, i11_any_two_states_in_use, 0, OWN);
    tcase_add_loop_test(tests, i11_any_two_states_at_disconnect, 0,
                        (int)(sizeof(ways) / sizeof(ways[0])));
    suite_add_tcase(suite, tests);
    return suite;
}

CHECK_MAIN(states_suite)
