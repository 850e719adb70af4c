/* SPDX-License-Identifier: ISC */
/*
 * Text to tree and back: the canonical form, every kind of value, every kind of error with its
 * place.
 */
#include "check_main.h"
#include "language_help.h"

/* Reads bad text: its first problem must stand at line:column and contain `part`. */
static void expect_problem(const char *text, unsigned line, unsigned column, const char *part)
{
    struct scenario_program program;
    struct scenario_problems problems;

    scenario_program_init(&program);
    scenario_problems_init(&problems);
    ck_assert_int_eq(scenario_parse(&program, text, strlen(text), &problems), SCENARIO_INVALID);
    ck_assert_uint_ge(problems.count, 1);
    ck_assert_msg(problems.list[0].position.line == line &&
                      problems.list[0].position.column == column,
                  "at %u:%u: %s", problems.list[0].position.line, problems.list[0].position.column,
                  problems.list[0].text);
    ck_assert_msg(strstr(problems.list[0].text, part) != NULL, "'%s' is not in '%s'", part,
                  problems.list[0].text);
    ck_assert(scenario_program_check(&program));
    scenario_program_fini(&program);
}

static void expect_print(const char *text, const char *canonical)
{
    struct scenario_buffer buffer;

    scenario_buffer_init(&buffer);
    reprint(text, strlen(text), &buffer);
    ck_assert_str_eq(buffer.data, canonical);
    scenario_buffer_fini(&buffer);
}

static const char canonical_text[] =
    "# head\n"
    "\n"
    "simblk   1\n"
    "title    \"a \\\"b\\\" \\x01 \xc3\xa9\"          # c\n"
    "rule     I2 should\n"
    "about    it's \"about x=1 a#4        # d\n"
    "tag      slow\n"
    "\n"
    "world    seed=4 start=4294967295\n"
    "# first\n"
    "backend  linux mode=r\n"
    "xvdb: backend  minimal\n"
    "connect  \"async\"                    -> ok\n"
    "info                                -> read_write=no sectors>=3\n"
    "read     0 +8 sizes=1,2 async as A\n"
    "fault    op=read sectors=3 nth=1 hold delay=1500us as R\n"
    "ring     respond like=R id=0x11     # e\n"
    "wait     A                          -> !ok data!=7  # f\n"
    "expect   device!=failed reason=\"a b\" time<10ms\n"
    "expect   not node front/x\n"
    "store    write front/x \"\\n\\x00\\xff\"\n"
    "disconnect                          -> ok\n"
    "\n"
    "# end\n";

START_TEST(careless_text_becomes_canonical)
{
    expect_print("\n\n# head  \n\n\n\nsimblk 1\r\ntitle \"a \\\"b\\\" \\x01 \xc3\xa9\" # c\r\n"
                 "rule  I2\tshould\nabout  it's \"about x=1 a#4 # d\ntag slow\n \n"
                 "world start=0xffffffff seed=4 ports=256\n   # first\n"
                 "backend linux  sectors=2048 mode=r\nxvdb: backend minimal mode=w\n"
                 "connect \"async\" -> ok\ninfo -> read_write=no sectors>=3\n"
                 "read 0 +8 as A async sizes=1,2\n"
                 "fault op=read nth=1 hold as R sectors=3-3 delay=1500000ns\n"
                 "ring respond id=17 like=R # e\nwait A -> !ok data!=7 # f\n"
                 "expect device!=failed reason=\"a b\" time<10000us\nexpect not node \"front/x\"\n"
                 "store write front/x \"\\x0a\\x00\xff\"\nxvda: disconnect deadline=30s -> ok\n\n\n"
                 "# end\n\n",
                 canonical_text);
}
END_TEST

START_TEST(canonical_text_is_a_fixed_point)
{
    expect_print(canonical_text, canonical_text);
}
END_TEST

START_TEST(defaults_are_not_printed)
{
    expect_print("write 0 +8 async buffers=1 as A fill=1 align=0\n", "write    0 +8 async as A\n");
    expect_print("xvda: fault hold percent=100 nth=0x10 op=any\n", "fault    nth=16 hold\n");
    expect_print("disconnect deadline=30000ms\n", "disconnect\n");
    expect_print("connect recover=ever\n", "connect  recover=ever\n");
    expect_print("connect recover=0s\n", "connect\n");
    expect_print("ring poke bytes=\"\" offset=0\n", "ring     poke\n");
    expect_print("world\n", "world\n");
}
END_TEST

START_TEST(times_are_printed_in_the_largest_exact_unit)
{
    expect_print("run time=0s\nrun time=60s\nrun time=1001ms\nrun time=1500us\nrun time=7ns\n",
                 "run      time=0ns\nrun      time=60s\nrun      time=1001ms\n"
                 "run      time=1500us\nrun      time=7ns\n");
}
END_TEST

/* What looks like a word of the step keeps its quotes. */
START_TEST(strings_are_bare_only_where_they_stay_strings)
{
    expect_print("connect \"as\"\nconnect \"xvda\"\nconnect \"\"\nconnect \"a=b\"\n"
                 "connect \"->\"\nconnect \"pool\"\nconnect \"#x\"\n",
                 "connect  \"as\"\nconnect  xvda\nconnect  \"\"\nconnect  \"a=b\"\n"
                 "connect  \"->\"\nconnect  \"pool\"\nconnect  \"#x\"\n");
}
END_TEST

START_TEST(values_reach_the_tree)
{
    static const char text[] =
        "xvdc: write 9 +3 fill=2 sizes=1,2,255 as B12\n"
        "ring index add=-1\nfault sectors=2-5 status=-32768 error\nwait B12 -> !io-error data=4\n";
    struct scenario_program program;
    const struct scenario_step *step;

    scenario_program_init(&program);
    parse_good(&program, text, strlen(text));
    step = &program.steps[0];
    ck_assert_uint_eq(step->device, 2);
    ck_assert_uint_eq(scenario_value(step, FIELD_WRITE_SECTOR), 9);
    ck_assert_uint_eq(scenario_value(step, FIELD_WRITE_COUNT), 3);
    ck_assert_uint_eq(scenario_value(step, FIELD_WRITE_FILL), 2);
    ck_assert_uint_eq(scenario_value(step, FIELD_WRITE_BUFFERS), 1);
    ck_assert(!scenario_given(step, FIELD_WRITE_BUFFERS));
    ck_assert_uint_eq(scenario_list_at(scenario_value(step, FIELD_WRITE_SIZES), 2), 255);
    ck_assert_uint_eq(scenario_list_at(scenario_value(step, FIELD_WRITE_SIZES), 3), 0);
    ck_assert_uint_eq(scenario_value(step, FIELD_WRITE_AS), 1 + 26 * 12);
    ck_assert_int_eq(scenario_signed(&program.steps[1], FIELD_RING_INDEX_ADD), -1);
    ck_assert_uint_eq(scenario_value(&program.steps[2], FIELD_FAULT_SECTORS), 2);
    ck_assert_uint_eq(scenario_value(&program.steps[2], FIELD_FAULT_SECTORS_LAST), 5);
    ck_assert_int_eq(scenario_signed(&program.steps[2], FIELD_FAULT_STATUS), -32768);
    step = &program.steps[3];
    ck_assert_uint_eq(step->result, CHOICE_RESULT_IO_ERROR);
    ck_assert(step->result_negated);
    ck_assert_uint_eq(step->position.line, 4);
    ck_assert_uint_eq(step->result_position.column, 13);
    ck_assert_uint_eq(step->condition_count, 1);
    ck_assert_uint_eq(program.conditions[step->first_condition].key, CONDITION_DATA);
    ck_assert_uint_eq(program.conditions[step->first_condition].value, 4);
    scenario_program_fini(&program);
}
END_TEST

START_TEST(metadata_can_be_asked_for)
{
    static const char text[] = "title \"a title\"\nrule I1 I21\nrule I3 should\ntag slow big\n";
    struct scenario_program program;
    struct scenario_string title;
    bool should;

    scenario_program_init(&program);
    parse_good(&program, text, strlen(text));
    title = scenario_meta_first(&program, SCENARIO_META_TITLE);
    ck_assert_uint_eq(title.length, 7);
    ck_assert_int_eq(memcmp(scenario_text(&program, title), "a title", 7), 0);
    ck_assert_uint_eq(scenario_rules(&program, &should), 1u << 1 | 1u << 3 | 1u << 21);
    ck_assert(should);
    ck_assert(scenario_has_tag(&program, "big"));
    ck_assert(!scenario_has_tag(&program, "bi"));
    ck_assert_uint_eq(scenario_meta_first(&program, SCENARIO_META_ABOUT).length, 0);
    scenario_program_fini(&program);
}
END_TEST

static const struct {
    const char *text;
    unsigned line, column;
    const char *part;
} problems[] = {
    {"raed 0 +8", 1, 1, "found 'raed', expected a step; did you mean 'read'?"},
    {"\n\nxvdb: raed 0 +8", 3, 7, "did you mean 'read'?"},
    {"titel \"x\"", 1, 1, "did you mean 'title'?"},
    {"run untill front=1", 1, 1, "did you mean 'run until'?"},
    {"ring foo", 1, 1, "expected ring respond, ring index, ring poke"},
    {"backend \"liunx\"", 1, 9, "expected one of linux minimal"},
    {"read 0 8", 1, 8, "count: found '8', expected + and a number"},
    {"read +8 0", 1, 6, "sector: found '+8'"},
    {"read 0", 1, 1, "'read' has no count"},
    {"read 0 +8 sector=1", 1, 11, "by its position"},
    {"read 0 +8 9", 1, 11, "a field of 'read' (simblk explain 'read' lists them)"},
    {"read 0 +8 asinc", 1, 11, "did you mean 'async'?"},
    {"read 0 +8 bufers=2", 1, 11, "did you mean 'buffers'?"},
    {"read 0 +8 buffers=0", 1, 11, "expected a number from 1 to 64"},
    {"read 0 +8 buffers=2 buffers=2", 1, 21, "a second time"},
    {"read 0 +8 buffers>2", 1, 11, "expected 'buffers='"},
    {"read 18446744073709551616 +8", 1, 6, "expected a number"},
    {"read 0 +8 sizes=1,,2", 1, 11, "at most 8 sizes"},
    {"read 0 +8 sizes=1,2,3,4,5,6,7,8,9", 1, 11, "at most 8 sizes"},
    {"read 0 +8 as", 1, 11, "nothing behind 'as'"},
    {"read 0 +8 as A0", 1, 14, "expected a name"},
    {"read 0 +8 as A100", 1, 14, "expected a name"},
    {"poll as A", 1, 6, "cannot have a name"},
    {"fault delay=10 error", 1, 7, "expected a time such as 10ms"},
    {"fault delay=ever error", 1, 7, "expected a time such as 10ms"},
    {"connect recover=never", 1, 9, "expected a time such as 10ms (ns, us, ms, s), or ever"},
    {"fault delay=1000000000s error", 1, 7, "a time such as 10ms (ns, us, ms, s), at most "},
    {"fault status=32768", 1, 7, "expected a number from -32768 to 32767"},
    {"fault sectors=5-4 error", 1, 7, "expected sectors such as 0-7"},
    {"fault op=raed error", 1, 7, "did you mean 'read'?"},
    {"info -> okk", 1, 9, "did you mean 'ok'?"},
    {"info ->", 1, 6, "nothing behind '->'"},
    {"info -> ok sector=3", 1, 12, "did you mean 'sectors'?"},
    {"info -> ok data=3", 1, 12, "that 'info' knows; did you mean 'path'?"},
    {"read 0 +8 -> ok xyz=3", 1, 17, "that 'read' knows: data or detail"},
    {"expect xyz=3", 1, 8, "that 'expect' knows (simblk explain 'expect' lists them)"},
    {"info -> ok read_write>yes", 1, 12, "expected = or !="},
    {"run -> ok", 1, 5, "'run' has no result"},
    {"expect", 1, 1, "no condition"},
    {"expect device", 1, 8, "a condition"},
    {"expect devise=failed", 1, 8, "did you mean 'device'?"},
    {"expect not device=failed", 1, 1, "expected a step"},
    {"not expect quiet", 1, 1, "behind 'expect'"},
    {"xvdq: info", 1, 1, "from xvda: to xvdp:"},
    {"xvdb:", 1, 1, "expected a step"},
    {"xvdb: run", 1, 1, "'run' has none"},
    {"store write a \"b", 1, 15, "without end"},
    {"store write a \"b\\q\"", 1, 15, "bad escape"},
    {"store write a \"b\"c\"\"", 1, 15, "bad escape or quote"},
    {"read 0 \x01", 1, 8, "control character"},
    {"info\ntitle \"x\"", 2, 1, "before all steps"},
    {"title x y", 1, 1, "single string"},
    {"rule I22", 1, 6, "expected a rule from I1 to I21"},
    {"rule should", 1, 1, "names none"},
    {"tag", 1, 1, "no word"},
    {"simblk 2", 1, 1, "expected 'simblk 1'"},
    {"tag a\nsimblk 1", 2, 1, "expected it first"},
    {"info\nworld", 2, 1, "before all steps"},
    {"world\nworld", 2, 1, "a second 'world'"},
    {"each nth=2.. of alloc", 1, 1, "expected 'each nth=1.."},
    {"at every step raed", 1, 1, "expected 'at every step: STEP'"},
    {"at every step: raed", 1, 16, "did you mean 'read'?"},
};

START_TEST(each_error_tells_place_finding_and_expectation)
{
    expect_problem(problems[_i].text, problems[_i].line, problems[_i].column, problems[_i].part);
}
END_TEST

START_TEST(reading_goes_on_after_an_error)
{
    static const char text[] = "raed\nconnect\nwirte 0 +8\nread 0 +8 fill=1 align=9999\n";
    struct scenario_problems found;
    struct scenario_program program;

    scenario_program_init(&program);
    scenario_problems_init(&found);
    ck_assert_int_eq(scenario_parse(&program, text, strlen(text), &found), SCENARIO_INVALID);
    ck_assert_uint_eq(found.count, 4);
    ck_assert_uint_eq(found.list[1].position.line, 3);
    ck_assert_uint_eq(found.list[3].position.line, 4);
    ck_assert_uint_eq(program.step_count, 1);
    scenario_program_fini(&program);
}
END_TEST

START_TEST(problems_are_kept_in_order_and_counted_beyond_the_list)
{
    struct scenario_problems found;

    scenario_problems_init(&found);
    for (unsigned i = 40; i > 0; i--) {
        scenario_problems_add(&found, (struct scenario_position){i, 1}, "line %u", i);
    }
    ck_assert_uint_eq(found.total, 40);
    ck_assert_uint_eq(found.count, SCENARIO_PROBLEMS_MAX);
    for (unsigned i = 0; i < SCENARIO_PROBLEMS_MAX; i++) {
        ck_assert_uint_eq(found.list[i].position.line, i + 1);
    }
}
END_TEST

START_TEST(limits_are_errors)
{
    struct scenario_buffer text;

    scenario_buffer_init(&text);
    for (unsigned i = 0; i < SCENARIO_STEPS_MAX + 1; i++) {
        scenario_buffer_text(&text, "run\n");
    }
    expect_problem(text.data, SCENARIO_STEPS_MAX + 1, 1, "expected at most 4096 steps");
    scenario_buffer_clear(&text);
    for (unsigned i = 0; i < SCENARIO_METAS_MAX + 1; i++) {
        scenario_buffer_text(&text, "tag x\n");
    }
    expect_problem(text.data, SCENARIO_METAS_MAX + 1, 1, "256 lines of metadata");
    scenario_buffer_clear(&text);
    scenario_buffer_text(&text, "tag");
    for (unsigned i = 0; i < 256; i++) {
        scenario_buffer_text(&text, " x");
    }
    expect_problem(text.data, 1, 4 + 255 * 2 + 1, "too many words");
    scenario_buffer_clear(&text);
    for (unsigned i = 0; i < 70000; i++) {
        scenario_buffer_text(&text, "#");
    }
    expect_problem(text.data, 1, 1, "at most 65535 bytes");
    for (unsigned i = 0; i < SCENARIO_FILE_MAX; i++) {
        scenario_buffer_text(&text, "\n");
    }
    expect_problem(text.data, 1, 1, "expected at most 1048576");
    scenario_buffer_fini(&text);
}
END_TEST

START_TEST(a_single_step_can_be_read)
{
    struct scenario_problems found;
    struct scenario_program program;
    struct scenario_buffer buffer;

    scenario_program_init(&program);
    scenario_problems_init(&found);
    scenario_buffer_init(&buffer);
    ck_assert_int_eq(scenario_parse_step(&program, "read 0 +8 -> ok", 15, &found), 0);
    ck_assert_int_eq(scenario_parse_step(&program, "xvdb: backend stall", 19, &found), 0);
    ck_assert_uint_eq(program.step_count, 2);
    ck_assert_int_eq(scenario_print_step(&program, &program.steps[0], &buffer), 0);
    ck_assert_str_eq(buffer.data, "read 0 +8 -> ok");
    ck_assert_int_eq(scenario_parse_step(&program, "# x", 3, &found), SCENARIO_INVALID);
    ck_assert_int_eq(scenario_parse_step(&program, "tag x", 5, &found), SCENARIO_INVALID);
    scenario_buffer_fini(&buffer);
    scenario_program_fini(&program);
}
END_TEST

/* Whatever the file is: an answer, and a consistent tree whose print is a fixed point. */
START_TEST(any_text_gets_an_answer)
{
    static const char *const pieces[] = {
        "read",  " ",     "0",        "+8",       "\n",       "->",      "ok",      "\"",
        "\\",    "#",     "as",       "A",        "=",        "xvdb:",   "!",       "expect",
        "not",   "fault", "hold",     "world",    "title",    "rule",    "I1",      "store",
        "write", "\x01",  "\xff",     "variants", "seed=1,2", "device=", "async",   "1,2",
        "10ms",  "-",     "sectors=", "info",     "\t",       "\r\n",    "backend", "linux"};
    struct scenario_problems found;
    struct scenario_program program;
    struct scenario_buffer text;
    struct scenario_buffer once;
    struct scenario_buffer twice;
    uint64_t state = 42;

    scenario_program_init(&program);
    scenario_buffer_init(&text);
    scenario_buffer_init(&once);
    scenario_buffer_init(&twice);
    for (unsigned i = 0; i < 5000; i++) {
        scenario_buffer_clear(&text);
        for (uint64_t n = next_random(&state) % 40; n > 0; n--) {
            scenario_buffer_text(&text,
                                 pieces[next_random(&state) % (sizeof pieces / sizeof pieces[0])]);
            scenario_buffer_text(&text, next_random(&state) % 2 ? " " : "");
        }
        scenario_problems_init(&found);
        scenario_parse(&program, text.data, text.length, &found);
        ck_assert(scenario_program_check(&program));
        scenario_check(&program, &found);
        scenario_buffer_clear(&once);
        scenario_print(&program, &once);
        reprint(once.data == NULL ? "" : once.data, once.length, &twice);
        ck_assert_uint_eq(once.length, twice.length);
        ck_assert(once.length == 0 || memcmp(once.data, twice.data, once.length) == 0);
    }
    scenario_buffer_fini(&text);
    scenario_buffer_fini(&once);
    scenario_buffer_fini(&twice);
    scenario_program_fini(&program);
}
END_TEST

static Suite *text_suite(void)
{
    Suite *suite = suite_create("language_text");
    TCase *tests = tcase_create("text");

    tcase_add_test(tests, careless_text_becomes_canonical);
    tcase_add_test(tests, canonical_text_is_a_fixed_point);
    tcase_add_test(tests, defaults_are_not_printed);
    tcase_add_test(tests, times_are_printed_in_the_largest_exact_unit);
    tcase_add_test(tests, strings_are_bare_only_where_they_stay_strings);
    tcase_add_test(tests, values_reach_the_tree);
    tcase_add_test(tests, metadata_can_be_asked_for);
    tcase_add_loop_test(tests, each_error_tells_place_finding_and_expectation, 0,
                        (int)(sizeof problems / sizeof problems[0]));
    tcase_add_test(tests, reading_goes_on_after_an_error);
    tcase_add_test(tests, problems_are_kept_in_order_and_counted_beyond_the_list);
    tcase_add_test(tests, limits_are_errors);
    tcase_add_test(tests, a_single_step_can_be_read);
    tcase_add_test(tests, any_text_gets_an_answer);
    suite_add_tcase(suite, tests);
    return suite;
}

CHECK_MAIN(text_suite)
