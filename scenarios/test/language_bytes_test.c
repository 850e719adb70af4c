/* SPDX-License-Identifier: ISC */
/*
 * The byte form: frozen inputs, round trips of random programs, and no allocation once warm.
 */
#include "check_main.h"
#include "language_help.h"

#include <ftw.h>

#define FROZEN SIMBLK_SOURCE_DIR "/scenarios/test/frozen"

/* Byte programs decode to the same program for ever; the text beside each says which. */
static const char *const frozen[] = {"01-empty",         "02-implicit-read",  "03-explicit-nothing",
                                     "04-plain-run",     "05-read-only",      "06-async-and-names",
                                     "07-fault-rules",   "08-answered-twice", "09-ring-on-purpose",
                                     "10-between-loads", "11-store",          "12-resources",
                                     "13-backend-life",  "14-two-devices",    "15-every-byte",
                                     "16-world",         "17-no-steps",       "18-cut-off",
                                     "19-folded",        "20-mended",         "21-own-dialect"};

START_TEST(frozen_bytes_decode_to_the_same_text_for_ever)
{
    struct scenario_buffer file;
    struct scenario_buffer from_bytes;
    struct scenario_buffer from_text;
    struct scenario_program program;
    char path[512];

    scenario_buffer_init(&file);
    scenario_buffer_init(&from_bytes);
    scenario_buffer_init(&from_text);
    scenario_program_init(&program);
    snprintf(path, sizeof path, FROZEN "/%s.bin", frozen[_i]);
    read_file(path, &file);
    ck_assert_int_eq(scenario_decode(&program, file.data, file.length, NULL), 0);
    scenario_print(&program, &from_bytes);
    snprintf(path, sizeof path, FROZEN "/%s.scn", frozen[_i]);
    read_file(path, &file);
    reprint(file.data, file.length, &from_text);
    ck_assert_str_eq(from_bytes.data, from_text.data);
    scenario_buffer_fini(&file);
    scenario_buffer_fini(&from_bytes);
    scenario_buffer_fini(&from_text);
    scenario_program_fini(&program);
}
END_TEST

static void expect_decoded(const void *bytes, size_t size, const char *text)
{
    struct scenario_program program;
    struct scenario_buffer buffer;

    scenario_program_init(&program);
    scenario_buffer_init(&buffer);
    ck_assert_int_eq(scenario_decode(&program, bytes, size, NULL), 0);
    scenario_print(&program, &buffer);
    ck_assert_str_eq(buffer.data, text);
    scenario_buffer_fini(&buffer);
    scenario_program_fini(&program);
}

START_TEST(no_bytes_are_a_plain_valid_run)
{
    expect_decoded(NULL, 0,
                   "backend  linux\nconnect\nwrite    0 +8\nread     0 +8\nflush\ndisconnect\n"
                   "expect   rules\n");
}
END_TEST

START_TEST(rare_fields_need_their_mark)
{
    static const unsigned char plain[] = {1, 1, 0x20, 5, 0, 0x04, 1, 1, 1};
    static const unsigned char marked[] = {1, 1, 0x20, 5, 0, 0x04, 0xa5, 1, 1};

    expect_decoded(plain, sizeof plain, "backend  linux\nexpect   rules\n");
    expect_decoded(marked, sizeof marked, "backend  linux sector_size=1\nexpect   rules\n");
}
END_TEST

/* xvda has the number of xvdb; xvdc asks for it too, and xvdb is left without any. */
START_TEST(devices_have_numbers_of_their_own)
{
    static const unsigned char bytes[] = {
        2,    1, 0,                                        /* explicit */
        0x20, 8, 0,    0x80, 0x80, 2, 0xa5, 0x90, 0x94, 3, /* vdev=51728 */
        0x20, 8, 0xe2, 0x80, 0x80, 2, 0xa5, 0x90, 0x94, 3, /* the same */
        0x20, 2, 0xe1, 0,                                  /* of its own */
    };

    expect_decoded(bytes, sizeof bytes,
                   "backend  linux vdev=51728\nxvdc: backend  linux\nexpect   rules\n");
}
END_TEST

START_TEST(bytes_name_no_files)
{
    static const char text[] = "backend linux disk=/etc/passwd\nconnect -> ok\n";
    struct scenario_program program;
    struct scenario_buffer bytes;

    scenario_program_init(&program);
    scenario_buffer_init(&bytes);
    parse_good(&program, text, strlen(text));
    ck_assert_int_eq(scenario_encode(&program, &bytes), 0);
    expect_decoded(bytes.data, bytes.length, "backend  linux\nconnect\nexpect   rules\n");
    scenario_buffer_fini(&bytes);
    scenario_program_fini(&program);
}
END_TEST

START_TEST(metadata_notes_and_expectations_are_in_no_bytes)
{
    static const char text[] = "# a\ntitle \"t\"\n# b\nworld seed=3 # c\nbackend linux\n"
                               "connect -> ok\nexpect quiet\nread 0 +8 -> ok data=0\n# d\n";
    struct scenario_program program;
    struct scenario_buffer bytes;

    scenario_program_init(&program);
    scenario_buffer_init(&bytes);
    parse_good(&program, text, strlen(text));
    ck_assert_int_eq(scenario_encode(&program, &bytes), 0);
    expect_decoded(bytes.data, bytes.length,
                   "world    seed=3\nbackend  linux\nconnect\nread     0 +8\nexpect   rules\n");
    scenario_buffer_fini(&bytes);
    scenario_program_fini(&program);
}
END_TEST

START_TEST(a_decoder_can_be_limited)
{
    static const char text[] = "backend linux\nconnect\nring index value=1\nread 0 +8\nflush\n";
    struct scenario_decoder few = {.max_steps = 3};
    struct scenario_step_set calls = {{0}};
    struct scenario_decoder tame = {.takes = &calls};
    struct scenario_program program;
    struct scenario_buffer bytes;

    scenario_program_init(&program);
    scenario_buffer_init(&bytes);
    scenario_step_set_add(&calls, STEP_BACKEND);
    scenario_step_set_add_actor(&calls, SCENARIO_ACTOR_APPLICATION);
    parse_good(&program, text, strlen(text));
    ck_assert_int_eq(scenario_encode(&program, &bytes), 0);
    ck_assert_int_eq(scenario_decode(&program, bytes.data, bytes.length, &few), 0);
    ck_assert_uint_eq(program.step_count, 4);
    ck_assert_uint_eq(program.steps[2].opcode, STEP_RING_INDEX);
    ck_assert_int_eq(scenario_decode(&program, bytes.data, bytes.length, &tame), 0);
    ck_assert_uint_eq(program.step_count, 5);
    ck_assert_uint_eq(program.steps[2].opcode, STEP_READ);
    scenario_buffer_fini(&bytes);
    scenario_program_fini(&program);
}
END_TEST

START_TEST(the_largest_program_survives_and_one_step_more_is_refused)
{
    struct scenario_program program;
    struct scenario_step step;
    struct scenario_buffer bytes;

    scenario_program_init(&program);
    scenario_buffer_init(&bytes);
    scenario_step_init(&step, STEP_RUN);
    for (unsigned i = 0; i < SCENARIO_STEPS_MAX - 2; i++) {
        ck_assert_int_eq(scenario_program_insert(&program, i, NULL, &step), 0);
    }
    ck_assert_int_eq(scenario_encode(&program, &bytes), 0);
    ck_assert_int_eq(scenario_decode(&program, bytes.data, bytes.length, NULL), 0);
    ck_assert_uint_eq(program.step_count, SCENARIO_STEPS_MAX - 1);
    program.steps[SCENARIO_STEPS_MAX - 2] = step;
    scenario_buffer_clear(&bytes);
    ck_assert_int_eq(scenario_encode(&program, &bytes), SCENARIO_TOO_LARGE);
    /* Bytes for more steps than fit, and for more strings: what fits is taken. */
    scenario_buffer_clear(&bytes);
    scenario_buffer_add(&bytes, "\0", 1);
    for (unsigned i = 0; i < 2 * SCENARIO_STEPS_MAX; i++) {
        scenario_buffer_add(&bytes, "\x21\0", 2);
    }
    ck_assert_int_eq(scenario_decode(&program, bytes.data, bytes.length, NULL), 0);
    ck_assert_uint_eq(program.step_count, SCENARIO_STEPS_MAX);
    ck_assert(scenario_program_is_valid(&program));
    scenario_buffer_fini(&bytes);
    scenario_program_fini(&program);
}
END_TEST

START_TEST(strings_beyond_the_limit_end_the_program)
{
    struct scenario_program program;
    struct scenario_buffer bytes;
    static char value[4096];

    scenario_program_init(&program);
    scenario_buffer_init(&bytes);
    scenario_buffer_add(&bytes, "\x01\x01", 2);
    for (unsigned i = 0; i < 300; i++) { /* 300 times store write "" 4096 bytes */
        scenario_buffer_add(&bytes, "\x80\x84\x20\0\x02\x80\x20", 7);
        scenario_buffer_add(&bytes, value, sizeof value);
    }
    ck_assert_int_eq(scenario_decode(&program, bytes.data, bytes.length, NULL), 0);
    ck_assert_uint_eq(program.step_count, 256 + 1);
    ck_assert(scenario_program_is_valid(&program));
    scenario_buffer_fini(&bytes);
    scenario_program_fini(&program);
}
END_TEST

/* ---- random programs ---- */

/* Bytes that often make sense: real opcodes with short payloads; else noise. */
static size_t random_bytes(uint64_t *state, unsigned char *bytes, size_t room)
{
    size_t size = next_random(state) % room;
    bool structured = next_random(state) % 4 != 0;

    for (size_t i = 0; i < size; i++) {
        uint64_t noise = next_random(state);

        bytes[i] = (unsigned char)((noise >> 8) % 4 == 0   ? noise % 8
                                   : (noise >> 8) % 8 == 1 ? 0xa5
                                                           : noise);
    }
    if (structured && size > 2) {
        bytes[0] = 1;
        for (size_t i = 2; i + 18 < size; i += 2u + bytes[i + 1]) {
            size_t row = next_random(state) % scenario_row_count();

            bytes[i] = scenario_row_at(row)->opcode;
            bytes[i + 1] = (unsigned char)(next_random(state) % 16);
            if (i < 6) {
                bytes[i] = i == 2 ? STEP_BACKEND : STEP_CONNECT;
                bytes[i + 1] = 0;
            }
        }
    }
    return size;
}

/* Any bytes are a valid program; text and bytes convert it without loss. */
START_TEST(any_bytes_are_a_valid_program_in_all_three_spellings)
{
    struct scenario_program program;
    struct scenario_program again;
    struct scenario_problems problems;
    struct scenario_buffer text;
    struct scenario_buffer bytes;
    unsigned char input[512];
    uint64_t state = 0x5eed;
    bool seen[256] = {false};

    scenario_program_init(&program);
    scenario_program_init(&again);
    scenario_buffer_init(&text);
    scenario_buffer_init(&bytes);
    for (unsigned i = 0; i < 5000; i++) {
        size_t size = random_bytes(&state, input, sizeof input);

        ck_assert_int_eq(scenario_decode(&program, input, size, NULL), 0);
        scenario_problems_init(&problems);
        ck_assert(scenario_program_check(&program));
        ck_assert_msg(scenario_check(&program, &problems) == 0, "%s", problems.list[0].text);
        scenario_buffer_clear(&text);
        scenario_print(&program, &text);
        parse_good(&again, text.data, text.length);
        ck_assert(scenario_program_equal(&program, &again, true));
        scenario_buffer_clear(&bytes);
        ck_assert_int_eq(scenario_encode(&again, &bytes), 0);
        ck_assert_int_eq(scenario_decode(&again, bytes.data, bytes.length, NULL), 0);
        ck_assert_msg(scenario_program_equal(&program, &again, true), "%s", text.data);
        for (size_t step = 0; step < program.step_count; step++) {
            seen[program.steps[step].opcode] = true;
        }
    }
    for (size_t i = 1; i < scenario_row_count(); i++) {
        const struct scenario_row *row = scenario_row_at(i);
        bool in_bytes = (row->flags & SCENARIO_ROW_EXPECTS) == 0;

        ck_assert_msg(!in_bytes || seen[row->opcode], "'%s' was never decoded", row->name);
    }
    scenario_buffer_fini(&text);
    scenario_buffer_fini(&bytes);
    scenario_program_fini(&program);
    scenario_program_fini(&again);
}
END_TEST

/* The arrays stay where they are: a fuzz input costs no allocation. */
START_TEST(a_warm_program_allocates_nothing)
{
    struct scenario_program program;
    struct scenario_step *steps = NULL;
    char *strings = NULL;
    unsigned char input[512];

    scenario_program_init(&program);
    for (unsigned round = 0; round < 2; round++) {
        uint64_t state = 7;

        for (unsigned i = 0; i < 500; i++) {
            size_t size = random_bytes(&state, input, sizeof input);

            scenario_decode(&program, input, size, NULL);
            ck_assert(round == 0 || (program.steps == steps && program.strings == strings));
        }
        steps = program.steps;
        strings = program.strings;
    }
    scenario_program_fini(&program);
}
END_TEST

static unsigned scenarios_tried;

/* What remains of a scenario in bytes comes back from them, by way of the text, too. */
static int there_and_back(const char *path, const struct stat *status, int type, struct FTW *where)
{
    struct scenario_program program;
    struct scenario_buffer text;
    struct scenario_buffer bytes;
    struct scenario_buffer again;
    size_t length = strlen(path);

    (void)status;
    (void)where;
    if (type != FTW_F || length <= 4 || strcmp(path + length - 4, ".scn") != 0) {
        return 0;
    }
    scenario_program_init(&program);
    scenario_buffer_init(&text);
    scenario_buffer_init(&bytes);
    scenario_buffer_init(&again);
    read_file(path, &text);
    parse_good(&program, text.data, text.length);
    ck_assert_int_eq(scenario_encode(&program, &bytes), 0);
    ck_assert_int_eq(scenario_decode(&program, bytes.data, bytes.length, NULL), 0);
    scenario_buffer_clear(&text);
    scenario_print(&program, &text);
    parse_good(&program, text.data, text.length);
    ck_assert_int_eq(scenario_encode(&program, &again), 0);
    ck_assert_msg(bytes.length == again.length && memcmp(bytes.data, again.data, bytes.length) == 0,
                  "%s", path);
    scenarios_tried++;
    scenario_program_fini(&program);
    scenario_buffer_fini(&text);
    scenario_buffer_fini(&bytes);
    scenario_buffer_fini(&again);
    return 0;
}

START_TEST(every_scenario_survives_as_bytes)
{
    ck_assert_int_eq(nftw(SIMBLK_SOURCE_DIR "/scenarios/conformance", there_and_back, 16, FTW_PHYS),
                     0);
    ck_assert_uint_ge(scenarios_tried, 500);
}
END_TEST

static Suite *bytes_suite(void)
{
    Suite *suite = suite_create("language_bytes");
    TCase *tests = tcase_create("bytes");

    tcase_set_timeout(tests, 60);
    tcase_add_loop_test(tests, frozen_bytes_decode_to_the_same_text_for_ever, 0,
                        (int)(sizeof frozen / sizeof frozen[0]));
    tcase_add_test(tests, no_bytes_are_a_plain_valid_run);
    tcase_add_test(tests, rare_fields_need_their_mark);
    tcase_add_test(tests, devices_have_numbers_of_their_own);
    tcase_add_test(tests, bytes_name_no_files);
    tcase_add_test(tests, metadata_notes_and_expectations_are_in_no_bytes);
    tcase_add_test(tests, a_decoder_can_be_limited);
    tcase_add_test(tests, the_largest_program_survives_and_one_step_more_is_refused);
    tcase_add_test(tests, strings_beyond_the_limit_end_the_program);
    tcase_add_test(tests, any_bytes_are_a_valid_program_in_all_three_spellings);
    tcase_add_test(tests, a_warm_program_allocates_nothing);
    tcase_add_test(tests, every_scenario_survives_as_bytes);
    suite_add_tcase(suite, tests);
    return suite;
}

CHECK_MAIN(bytes_suite)
