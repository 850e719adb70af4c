/* SPDX-License-Identifier: ISC */
/*
 * Dialects as the tool's users meet them: listed, printed, changed in a file, taken from it, and
 * what a mistake gets.
 */
#include "check_main.h"
#include "tool_help.h"

/* A backend of nobody's, and a scenario that needs it. */
#define MINE                                            \
    "dialect mine like=minimal about=\"one of ours\"\n" \
    "dialect offers flush=yes\n"                        \
    "node    hotplug-status at=start value=connected\n"

#define ON_MINE                                     \
    "title    \"a backend of ours\"\n"              \
    "rule     I8\n"                                 \
    "\n"                                            \
    "backend  mine\n"                               \
    "connect                             -> ok\n"   \
    "flush                               -> ok\n"   \
    "expect   requests.flush=1\n"                   \
    "expect   node back/hotplug-status connected\n" \
    "disconnect                          -> ok\n"

START_TEST(all_of_them_are_listed)
{
    static const char *const names[] = {"linux",  "qemu",    "tapdisk",
                                        "mirage", "minimal", "everything"};
    struct outcome run = shell("$simblk dialects");
    const char *at = run.out;

    assert_status(run, 0);
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        ck_assert_msg(strncmp(at, names[i], strlen(names[i])) == 0, "%s in:\n%s", names[i], at);
        at = strchr(at, '\n');
        ck_assert_ptr_nonnull(at);
        at++;
    }
    ck_assert_str_eq(at, "");
    put_file("mine", MINE);
    run = shell("$simblk dialects --dialects mine");
    assert_status(run, 0);
    assert_contains(run.out, "\nmine         one of ours\n");
}
END_TEST

START_TEST(one_is_printed_as_it_can_be_loaded)
{
    struct outcome run;

    run = shell("$simblk dialects linux >linux && $simblk fmt --check linux && "
                "$simblk dialects --dialects linux linux | cmp - linux");
    assert_status(run, 0);
    run = shell("sed 's/^dialect  linux/dialect  mine/' linux >mine && "
                "$simblk dialects --dialects mine mine | cmp - mine");
    assert_status(run, 0);
    assert_contains(get_file("linux"), "node     feature-persistent\n");
    assert_contains(get_file("linux"), "dialect  grants maps_writable=yes most=1056 percent=5 "
                                       "interval=100ms unused=60s\n");
}
END_TEST

START_TEST(backends_are_of_a_files_dialects)
{
    struct outcome run;

    put_file("mine", MINE);
    put_file("on-mine.scn", ON_MINE);
    run = shell("$simblk run --dialects mine on-mine.scn");
    assert_status(run, 0);
    run = shell("$simblk show --dialects mine --trace on-mine.scn");
    assert_status(run, 0);
    assert_contains(run.out, "hotplug-status");
    run = shell("$simblk run on-mine.scn");
    assert_status(run, 2);
    ck_assert_str_eq(run.err, "on-mine.scn:4:10: found 'mine', expected the name of a dialect\n");
}
END_TEST

START_TEST(a_failure_is_repeated_with_the_file)
{
    struct outcome run;

    put_file("mine", "dialect mine like=minimal");
    put_file("on-mine.scn", ON_MINE);
    run = shell("$simblk run --dialects mine on-mine.scn");
    assert_status(run, 1);
    assert_contains(run.out, "again: simblk run --dialects mine on-mine.scn\n");
}
END_TEST

START_TEST(the_matrix_has_a_column_for_all_others)
{
    struct outcome run;

    put_file("mine", MINE);
    put_file("on-mine.scn", ON_MINE);
    run = shell("$simblk run --matrix --dialects mine on-mine.scn");
    assert_status(run, 0);
    assert_contains(run.out, "| everything | own        |\n");
    assert_contains(run.out, "|            | 1          |\n");
}
END_TEST

static const struct {
    const char *line, *error;
} mistakes[] = {
    {"dialects liunx", "simblk: dialects: unknown dialect 'liunx'; did you mean 'linux'? (simblk "
                       "dialects lists all)\n"},
    {"dialects linux qemu", "simblk: dialects: at most one name\n"},
    {"dialects --dialects none", "simblk: none: No such file or directory\n"},
    {"run --dialects none good.scn", "simblk: none: No such file or directory\n"},
    {"dialects --dialects good.scn",
     "good.scn:4:1: found 'backend', expected only 'dialect' and what belongs to it\n"},
    {"run --dialects bad good.scn", "bad:2:6: name: found 'sektors', expected one of "},
    {"show --dialects bad good.scn", "bad:2:6: name: found 'sektors', expected one of "},
};

START_TEST(mistakes_are_told_and_end_it)
{
    put_file("good.scn", GOOD);
    put_file("bad", "dialect bad\nnode sektors\n");
    refused(mistakes[_i].error, "%s", mistakes[_i].line);
}
END_TEST

static Suite *dialects_suite(void)
{
    Suite *suite = suite_create("dialects of the tool");
    TCase *tests = tool_case("dialects");

    tcase_add_test(tests, all_of_them_are_listed);
    tcase_add_test(tests, one_is_printed_as_it_can_be_loaded);
    tcase_add_test(tests, backends_are_of_a_files_dialects);
    tcase_add_test(tests, a_failure_is_repeated_with_the_file);
    tcase_add_test(tests, the_matrix_has_a_column_for_all_others);
    tcase_add_loop_test(tests, mistakes_are_told_and_end_it, 0,
                        (int)(sizeof(mistakes) / sizeof(mistakes[0])));
    suite_add_tcase(suite, tests);
    return suite;
}

CHECK_MAIN(dialects_suite)
