/* SPDX-License-Identifier: ISC */
/*
 * XenStore helpers: strict numbers, paths, bounded retries, transactions.
 */
#include "cunit_main.h"
#include "fake_store.h"
#include "store.h"

static struct fake fake;
static struct store store;

static void set_up(void)
{
    fake_init(&fake);
    store = (struct store){.platform = &fake.platform, .transaction = 0};
}

static void tear_down(void)
{
    CU_ASSERT_TRUE(fake_is_clean(&fake));
}

static bool parses(const char *string, uint64_t max, uint64_t *value)
{
    return store_parse_number(string, strlen(string), max, value);
}

static void i20_a_number_is_digits_alone(void)
{
    static const char *const bad[] = {"",    " 1",  "1 ",   "+1",  "-1",   "01",
                                      "00",  "1_0", "0x2",  "1.0", "1e3",  "one",
                                      "1\n", "\t1", "\xc2", "1,0", "4096K"};
    uint64_t value = 77;

    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        CU_ASSERT_FALSE(parses(bad[i], UINT64_MAX, &value));
    CU_ASSERT_FALSE(store_parse_number("1\0", 2, UINT64_MAX, &value));
    CU_ASSERT_EQUAL(value, 77);
    CU_ASSERT_TRUE(parses("0", UINT64_MAX, &value));
    CU_ASSERT_EQUAL(value, 0);
    CU_ASSERT_TRUE(parses("51712", UINT64_MAX, &value));
    CU_ASSERT_EQUAL(value, 51712);
}

static void i20_a_number_stays_within_its_limit(void)
{
    uint64_t value = 77;

    CU_ASSERT_TRUE(parses("18446744073709551615", UINT64_MAX, &value));
    CU_ASSERT_EQUAL(value, UINT64_MAX);
    CU_ASSERT_FALSE(parses("18446744073709551616", UINT64_MAX, &value));
    CU_ASSERT_FALSE(parses("99999999999999999999", UINT64_MAX, &value));
    CU_ASSERT_FALSE(parses("184467440737095516150", UINT64_MAX, &value));
    CU_ASSERT_TRUE(parses("8", 8, &value));
    CU_ASSERT_FALSE(parses("9", 8, &value));
    CU_ASSERT_EQUAL(value, 8);
}

static void a_path_is_absolute_and_of_xenstores_characters(void)
{
    static const char *const good[] = {"/a", "/local/domain/0/backend/vbd/3/51712", "/A-z_0@9"};
    static const char *const bad[] = {"",     "/",    "a",  "a/b", "/a/", "//a", "/a//b",
                                      "/a b", "/a\n", "/.", "/%s", "/~",  "/a{"};

    for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++)
        CU_ASSERT_TRUE(store_path_check(good[i], strlen(good[i])));
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        CU_ASSERT_FALSE(store_path_check(bad[i], strlen(bad[i])));
}

static void values_go_out_and_come_back(void)
{
    char buffer[8];
    size_t length = 0;
    uint64_t value = 0;

    CU_ASSERT_EQUAL(store_put_state(&store, "/d", BLKIF_WIRE_CLOSED), 0);
    CU_ASSERT_STRING_EQUAL(fake_get(&fake, "/d/state"), "6");
    CU_ASSERT_EQUAL(store_put(&store, "/d", "n", "18446744073709551615"), 0);
    CU_ASSERT_EQUAL(store_get_number(&store, "/d", "n", UINT64_MAX, &value), 0);
    CU_ASSERT_EQUAL(value, UINT64_MAX);
    CU_ASSERT_EQUAL(store_put(&store, "/d", "s", "12345678"), 0);
    CU_ASSERT_EQUAL(store_get(&store, "/d", "s", buffer, sizeof(buffer), &length), 0);
    CU_ASSERT_EQUAL(length, 8);
    CU_ASSERT_EQUAL(store_get(&store, "/d", "s", buffer, 7, &length), BLKFRONT_PLATFORM_TOO_LONG);
    CU_ASSERT_EQUAL(store_get(&store, "/d", "x", buffer, 7, &length), BLKFRONT_PLATFORM_NO_ENTRY);
    CU_ASSERT_EQUAL(store_delete(&store, "/d", "s"), 0);
    CU_ASSERT_EQUAL(store_delete(&store, "/d", "s"), 0);
    CU_ASSERT_PTR_NULL(fake_get(&fake, "/d/s"));
}

static void i20_a_value_that_is_no_number_is_told_from_an_absent_one(void)
{
    uint64_t value = 5;

    fake_set(&fake, "/d/n", "123456789012345678901");
    CU_ASSERT_EQUAL(store_get_number(&store, "/d", "n", UINT64_MAX, &value),
                    BLKFRONT_PLATFORM_INVALID);
    fake_set(&fake, "/d/n", "12x");
    CU_ASSERT_EQUAL(store_get_number(&store, "/d", "n", UINT64_MAX, &value),
                    BLKFRONT_PLATFORM_INVALID);
    CU_ASSERT_EQUAL(store_get_number(&store, "/d", "m", UINT64_MAX, &value),
                    BLKFRONT_PLATFORM_NO_ENTRY);
    CU_ASSERT_EQUAL(value, 5);
}

static void a_path_that_is_too_long_is_refused_not_cut(void)
{
    char directory[STORE_PATH_MAX];
    uint64_t value;

    memset(directory, 'a', sizeof(directory));
    directory[0] = '/';
    directory[sizeof(directory) - 1] = '\0';
    CU_ASSERT_EQUAL(store_get_number(&store, directory, "n", 1, &value), BLKFRONT_PLATFORM_INVALID);
    CU_ASSERT_EQUAL(store_put(&store, directory, "n", "1"), BLKFRONT_PLATFORM_INVALID);
    CU_ASSERT_EQUAL(store_delete(&store, directory, "n"), BLKFRONT_PLATFORM_INVALID);
    CU_ASSERT_EQUAL(fake.calls, 0);
}

static void i4_again_is_asked_again_but_not_for_ever(void)
{
    char list[16];
    size_t length;
    uint64_t value;

    fake_set(&fake, "/d/n", "1");
    fake_fail(&fake, 1, false, BLKFRONT_PLATFORM_AGAIN);
    CU_ASSERT_EQUAL(store_get_number(&store, "/d", "n", 1, &value), 0);
    CU_ASSERT_EQUAL(fake.calls, 2);
    fake_fail(&fake, 1, true, BLKFRONT_PLATFORM_AGAIN);
    CU_ASSERT_EQUAL(store_get_number(&store, "/d", "n", 1, &value), BLKFRONT_PLATFORM_AGAIN);
    CU_ASSERT_EQUAL(fake.calls, STORE_TRIES);
    fake_fail(&fake, 1, true, BLKFRONT_PLATFORM_AGAIN);
    CU_ASSERT_EQUAL(store_put(&store, "/d", "n", "2"), BLKFRONT_PLATFORM_AGAIN);
    CU_ASSERT_EQUAL(store_delete(&store, "/d", "n"), BLKFRONT_PLATFORM_AGAIN);
    CU_ASSERT_EQUAL(store_children(&store, "/d", list, sizeof(list), &length),
                    BLKFRONT_PLATFORM_AGAIN);
    CU_ASSERT_EQUAL(fake.calls, 3 * STORE_TRIES);
}

static unsigned runs;

static int write_two(void *context, const struct store *in)
{
    int *result = context;
    int error;

    runs++;
    error = store_put(in, "/t", "a", "1");
    if (error == 0)
        error = store_put(in, "/t", "b", "2");
    return error != 0 ? error : *result;
}

static void a_transaction_is_run_anew_until_it_holds(void)
{
    int result = 0;

    runs = 0;
    fake.again = 3;
    CU_ASSERT_EQUAL(store_transact(&fake.platform, write_two, &result), 0);
    CU_ASSERT_EQUAL(runs, 4);
    CU_ASSERT_EQUAL(fake.commits, 1);
    CU_ASSERT_STRING_EQUAL(fake_get(&fake, "/t/b"), "2");

    runs = 0;
    fake.again = 1000;
    CU_ASSERT_EQUAL(store_transact(&fake.platform, write_two, &result), BLKFRONT_PLATFORM_AGAIN);
    CU_ASSERT_EQUAL(runs, STORE_TRIES);
}

static void a_transaction_whose_body_fails_changes_nothing(void)
{
    int result = BLKFRONT_PLATFORM_NO_MEMORY;

    runs = 0;
    CU_ASSERT_EQUAL(store_transact(&fake.platform, write_two, &result),
                    BLKFRONT_PLATFORM_NO_MEMORY);
    CU_ASSERT_EQUAL(runs, 1);
    CU_ASSERT_EQUAL(fake.commits, 0);
    CU_ASSERT_PTR_NULL(fake_get(&fake, "/t/a"));
}

static void every_call_of_a_transaction_may_fail_and_nothing_is_left_open(void)
{
    for (unsigned n = 1;; n++) {
        int result = 0;
        int error;

        fake_fail(&fake, n, false, BLKFRONT_PLATFORM_IO);
        error = store_transact(&fake.platform, write_two, &result);
        CU_ASSERT_FALSE(fake.in_transaction);
        if (fake.failures == 0) {
            CU_ASSERT_EQUAL(error, 0);
            CU_ASSERT_EQUAL(n, 5);
            break;
        }
        CU_ASSERT_EQUAL(error, BLKFRONT_PLATFORM_IO);
    }
    /* AGAIN in the middle begins anew, too. */
    for (unsigned n = 1; n <= 4; n++) {
        int result = 0;

        fake_fail(&fake, n, false, BLKFRONT_PLATFORM_AGAIN);
        CU_ASSERT_EQUAL(store_transact(&fake.platform, write_two, &result), 0);
    }
}

static void platform_errors_become_the_librarys(void)
{
    CU_ASSERT_EQUAL(store_result(BLKFRONT_PLATFORM_NO_MEMORY), BLKFRONT_NO_MEMORY);
    for (int r = BLKFRONT_PLATFORM_NO_ENTRY; r >= BLKFRONT_PLATFORM_TIMED_OUT; r--)
        CU_ASSERT_EQUAL(store_result(r), BLKFRONT_STORE);
}

static void text_is_cut_at_its_end_and_says_so(void)
{
    char buffer[8];
    struct text text = text_begin(buffer, sizeof(buffer));

    text_add(&text, "1234567");
    CU_ASSERT_STRING_EQUAL(buffer, "1234567");
    CU_ASSERT_FALSE(text.cut);
    text_add_u64(&text, 8);
    CU_ASSERT_STRING_EQUAL(buffer, "1234...");
    CU_ASSERT_TRUE(text.cut);
    text_add(&text, "9");
    CU_ASSERT_STRING_EQUAL(buffer, "1234...");
}

static void every_error_has_a_name_and_a_text(void)
{
    static const char *const names[] = {
        "ok",          "unimplemented", "disconnected", "read-only", "io-error",       "invalid",
        "no-device",   "ambiguous",     "out-of-range", "no-memory", "protocol-error", "deadline",
        "store-error",
    };

    for (int i = 0; i < (int)(sizeof(names) / sizeof(names[0])); i++) {
        CU_ASSERT_STRING_EQUAL(blkfront_error_name(-i), names[i]);
        CU_ASSERT(strlen(blkfront_error_text(-i)) > 5);
    }
    CU_ASSERT_STRING_EQUAL(blkfront_error_name(BLKFRONT_STORE), "store-error");
    CU_ASSERT_STRING_EQUAL(blkfront_error_name(1), "?");
    CU_ASSERT_STRING_EQUAL(blkfront_error_name(-13), "?");
    CU_ASSERT_STRING_EQUAL(blkfront_error_name(INT32_MIN), "?");
    CU_ASSERT_STRING_EQUAL(blkfront_error_name(INT32_MAX), "?");
}

static const struct unit_test tests[] = {
    UNIT_TEST(i20_a_number_is_digits_alone),
    UNIT_TEST(i20_a_number_stays_within_its_limit),
    UNIT_TEST(a_path_is_absolute_and_of_xenstores_characters),
    UNIT_TEST(values_go_out_and_come_back),
    UNIT_TEST(i20_a_value_that_is_no_number_is_told_from_an_absent_one),
    UNIT_TEST(a_path_that_is_too_long_is_refused_not_cut),
    UNIT_TEST(i4_again_is_asked_again_but_not_for_ever),
    UNIT_TEST(a_transaction_is_run_anew_until_it_holds),
    UNIT_TEST(a_transaction_whose_body_fails_changes_nothing),
    UNIT_TEST(every_call_of_a_transaction_may_fail_and_nothing_is_left_open),
    UNIT_TEST(platform_errors_become_the_librarys),
    UNIT_TEST(text_is_cut_at_its_end_and_says_so),
    UNIT_TEST(every_error_has_a_name_and_a_text),
};

UNIT_MAIN_WITH("store", set_up, tear_down, tests)
