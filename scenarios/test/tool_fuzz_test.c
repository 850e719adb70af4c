/* SPDX-License-Identifier: ISC */
/*
 * `simblk fuzz` as its users meet it. In libFuzzer's place stands a script that says what libFuzzer
 * would; what it finds is played by the canary's own replay program.
 */
#include "check_main.h"
#include "tool_help.h"

/* Falls into the canary's bug, with more round it than that needs. */
static const char found[] = "backend  linux\n"
                            "connect\n"
                            "info\n"
                            "write    0 +8 buffers=2\n"
                            "flush\n"
                            "read     0 +8\n"
                            "disconnect\n"
                            "expect   rules\n";

/* A folder `programs` with a target `canary` that does this. */
static void put_script(const char *script)
{
    put_file("script", script);
    assert_status(shell("mkdir -p programs && ln -sf " FUZZ_CANARY_REPLAY
                        " programs/fuzz_canary_replay && cp script programs/fuzz_canary && "
                        "chmod +x programs/fuzz_canary"),
                  0);
}

/* Figures as libFuzzer writes them, and a find where it was told to put it. */
#define FINDS                                                                                    \
    "#!/bin/sh\n"                                                                                \
    "for word in \"$@\"; do case $word in -artifact_prefix=*) at=${word#*=} ;; esac; done\n"     \
    "echo '#5\tNEW    cov: 120 ft: 340 corp: 5/60b lim: 4096 exec/s: 70 rss: 50Mb L: 9/9' >&2\n" \
    "echo 'no progress: I4 xvda request 3: it is lost' >&2\n"                                    \
    "cp found.bytes \"${at}crash-1\"\n"                                                          \
    "echo \"artifact_prefix='$at'; Test unit written to ${at}crash-1\" >&2\n"                    \
    "echo 'stat::number_of_executed_units: 77' >&2\n"                                            \
    "exit 77\n"

static void put_find_by(const char *script)
{
    put_file("found.scn", found);
    assert_status(shell("$simblk encode --output found.bytes found.scn"), 0);
    put_script(script);
}

static void put_find(void)
{
    put_find_by(FINDS);
}

START_TEST(figures_are_summed_up)
{
    struct outcome run;

    put_script("#!/bin/sh\n"
               "echo '#9\tDONE   cov: 120 ft: 340 corp: 5/60b lim: 4096 exec/s: 70 rss: 50Mb' >&2\n"
               "echo 'stat::number_of_executed_units: 1000' >&2\n");
    run = shell("$simblk fuzz canary --programs programs --jobs 3");
    assert_status(run, 0);
    assert_contains(run.out, "fuzz_canary: 3000 inputs in ");
    assert_contains(run.out, "120 edges, 340 features, corpus of 5, 0 found");
}
END_TEST

START_TEST(a_find_becomes_a_small_scenario)
{
    struct outcome run;
    char *kept;

    put_find();
    assert_status(shell("mkdir -p scenarios/regression"), 0);
    run = shell("$simblk fuzz canary --programs programs --keep --junit finds.xml");
    assert_status(run, 1);
    assert_contains(run.out, "FOUND programs/finds/canary/crash-1\n      no progress: I4 ");
    assert_contains(run.out, "      kept: scenarios/regression/new-");
    assert_contains(run.out, "77 inputs in ");
    assert_contains(run.out, "1 found");
    assert_lacks(run.out, "info");
    assert_status(shell("cat scenarios/regression/new-*.scn >kept.scn"), 0);
    kept = get_file("kept.scn");
    assert_contains(kept, "title    \"no progress: I4 ");
    assert_contains(kept, "\nrule     I4\n");
    assert_contains(kept, "\nflush\n");
    assert_contains(kept, "expect   rules\n");
    /* A frontend without the bug passes: it is a scenario like others. */
    assert_status(shell("$simblk run kept.scn"), 0);
    assert_contains(get_file("finds.xml"), "failures=\"1\"");
    assert_contains(get_file("finds.xml"), "<failure message=\"no progress: I4 ");
}
END_TEST

START_TEST(without_keep_nothing_is_written_to_the_tree)
{
    struct outcome run;

    put_find();
    assert_status(shell("mkdir -p scenarios/regression"), 0);
    run = shell("$simblk fuzz canary --programs programs");
    assert_status(run, 1);
    assert_contains(run.out, "the scenario:\ntitle ");
    assert_status(shell("test -z \"$(ls scenarios/regression)\""), 0);
    assert_status(shell("test -s programs/finds/canary/crash-1"), 0);
}
END_TEST

/* What does not happen again is told as such, with the input. */
START_TEST(a_find_that_does_not_happen_again_is_kept_as_it_is)
{
    struct outcome run;

    put_find();
    put_file("harmless.scn", "backend  linux\nconnect\nexpect   rules\n");
    assert_status(shell("$simblk encode --output found.bytes harmless.scn"), 0);
    run = shell("$simblk fuzz canary --programs programs");
    assert_status(run, 1);
    assert_contains(run.out, "does not happen again");
    assert_contains(run.out, "what fuzz_canary said last:\nno progress: I4 xvda request 3");
}
END_TEST

/* A replay program in the canary's place. */
static void put_replay(const char *script)
{
    put_find();
    put_file("replay", script);
    assert_status(shell("rm programs/fuzz_canary_replay && cp replay programs/fuzz_canary_replay "
                        "&& chmod +x programs/fuzz_canary_replay"),
                  0);
}

START_TEST(a_find_that_cannot_be_played_is_told)
{
    struct outcome run;

    put_replay("#!/bin/sh\necho no memory for a world >&2\nexit 2\n");
    run = shell("$simblk fuzz canary --programs programs");
    assert_status(run, 1);
    assert_contains(run.out, "it could not be played again: it says: no memory for a world\n");
    assert_contains(run.out, "said last:\nno progress: I4 xvda request 3");
    put_replay("#!/bin/sh\nkill -INT $$\n");
    run = shell("$simblk fuzz canary --programs programs");
    assert_status(run, 1);
    assert_contains(run.out, "it could not be played again: it was ended by signal 2\n");
}
END_TEST

/* It has a text each time, and would be made smaller by many attempts. */
START_TEST(an_interrupted_find_is_made_no_smaller)
{
    struct outcome run;

    put_replay("#!/bin/sh\n"
               "if [ \"$1\" = --text ]; then cat found.scn; exit; fi\n"
               "echo played >>plays\n"
               "if [ $(wc -l <plays) -eq 4 ]; then kill -TERM $PPID; fi\n"
               "echo 'failed: as it was'\n"
               "exit 1\n");
    run = shell("$simblk fuzz canary --programs programs");
    assert_status(run, 1);
    assert_contains(run.out, "the scenario, as small as it was when interrupted:\n");
    assert_contains(run.out, "title    \"failed: as it was\"");
    assert_status(shell("test $(wc -l <plays) -eq 4"), 0);
}
END_TEST

START_TEST(a_find_that_is_no_program_is_told_with_how_to_play_it)
{
    struct outcome run;

    put_replay("#!/bin/sh\n"
               "if [ \"$1\" = --text ]; then exit 1; fi\n"
               "echo 'rule broken: I19 a grant'\n"
               "kill -ABRT $$\n");
    run = shell("$simblk fuzz canary --programs programs");
    assert_status(run, 1);
    assert_contains(run.out, "played again: rule broken: I19 a grant\n");
    assert_contains(run.out, "play it: programs/fuzz_canary_replay programs/finds/canary/crash-1");
}
END_TEST

START_TEST(a_find_that_is_not_on_the_disk_is_an_error)
{
    static const char *const left[] = {"", ": >programs/finds/canary/crash-2\n"};

    for (size_t i = 0; i < sizeof(left) / sizeof(left[0]); i++) {
        char script[512];
        struct outcome run;

        snprintf(script, sizeof(script),
                 "#!/bin/sh\n%s"
                 "echo 'wrong data: I7 xvda' >&2\n"
                 "echo 'Test unit written to programs/finds/canary/crash-2' >&2\n"
                 "echo 'Base64: AgEAIACC' >&2\n"
                 "exit 77\n",
                 left[i]);
        assert_status(shell("rm -rf programs"), 0);
        put_script(script);
        run = shell("$simblk fuzz canary --programs programs");
        assert_status(run, 2);
        assert_contains(run.err, "crash-2 could not be saved (is the disk full?)");
        assert_contains(run.out, "said last:\nwrong data: I7 xvda\n");
        assert_contains(run.out, "Base64: AgEAIACC\n");
    }
}
END_TEST

START_TEST(a_program_that_cannot_work_is_an_error)
{
    struct outcome run;

    put_script("#!/bin/sh\nprintf 'no memory for a world' >&2\nexit 2\n");
    run = shell("$simblk fuzz canary --programs programs");
    assert_status(run, 2);
    assert_contains(run.err, "has ended and found nothing; its last words: no memory for a world");
}
END_TEST

START_TEST(what_is_missing_is_told)
{
    struct outcome run;

    put_script("#!/bin/sh\n");
    put_file("programs/fuzz_others_test", "");
    assert_status(shell("chmod +x programs/fuzz_others_test"), 0);
    run = shell("$simblk fuzz ring --programs programs");
    assert_status(run, 2);
    assert_contains(run.err, "no program fuzz_ring in programs. Build it, with clang:");
    assert_contains(run.err, "There are:\n  canary\n");
    assert_lacks(run.err, "others");
    run = shell("$simblk fuzz canary --programs programs");
    assert_status(run, 0);
    assert_contains(run.err, "there are no seeds in programs; it begins with nothing");
    run = shell("mkdir none; $simblk fuzz ring --programs none");
    assert_status(run, 2);
    assert_lacks(run.err, "There are");
    put_file("file", "");
    refused("file is no folder that can be written",
            "fuzz canary --programs programs --corpus file");
    refused("/dev/full is no folder that can be written",
            "fuzz canary --programs programs --finds /dev/full");
    refused("--keep needs the folder scenarios/regression here",
            "fuzz canary --programs programs --keep");
    refused("standard output cannot be written", "fuzz canary --programs programs >/dev/full");
    run = shell("$simblk fuzz canary --programs programs --junit /dev/full");
    assert_status(run, 2);
    assert_contains(run.err, "/dev/full cannot be written");
}
END_TEST

START_TEST(words_have_to_mean_something)
{
    static const char *const wrong[] = {"",
                                        "a b",
                                        "canary --time 0",
                                        "canary --jobs 0",
                                        "canary --jobs 65",
                                        "../canary",
                                        "canary --seed 0",
                                        "canary --seed 4294967296",
                                        "canary --seed 4294967295 --jobs 2"};

    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        refused("simblk: fuzz: ", "fuzz %s", wrong[i]);
    }
}
END_TEST

static Suite *fuzz_suite(void)
{
    Suite *suite = suite_create("tool_fuzz");
    TCase *tests = tool_case("fuzz");

    tcase_add_test(tests, figures_are_summed_up);
    tcase_add_test(tests, a_find_becomes_a_small_scenario);
    tcase_add_test(tests, without_keep_nothing_is_written_to_the_tree);
    tcase_add_test(tests, a_find_that_does_not_happen_again_is_kept_as_it_is);
    tcase_add_test(tests, a_find_that_cannot_be_played_is_told);
    tcase_add_test(tests, an_interrupted_find_is_made_no_smaller);
    tcase_add_test(tests, a_find_that_is_no_program_is_told_with_how_to_play_it);
    tcase_add_test(tests, a_find_that_is_not_on_the_disk_is_an_error);
    tcase_add_test(tests, a_program_that_cannot_work_is_an_error);
    tcase_add_test(tests, what_is_missing_is_told);
    tcase_add_test(tests, words_have_to_mean_something);
    suite_add_tcase(suite, tests);
    return suite;
}

CHECK_MAIN(fuzz_suite)
