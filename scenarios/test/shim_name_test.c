/* SPDX-License-Identifier: ISC */
/*
 * The names that simblk-shim knows, and those that only look like one.
 */
#include "check_main.h"
#include "shim_name.h"

static const struct {
    const char *name;
    uint32_t vdev;
} names[] = {
    {"xvda", 51712},      {"xvdp", 51952},          {"xvda1", 51713},           {"xvdb15", 51743},
    {"/dev/xvdc", 51744}, {"/dev/51712", 51712},    {"51712", 51712},           {"0", 0},
    {"768", 768},         {"268439552", 268439552}, {"4294967295", 4294967295},
};

START_TEST(a_name_is_a_device)
{
    uint32_t vdev = 1;

    ck_assert(shim_read_name(names[_i].name, &vdev));
    ck_assert_uint_eq(vdev, names[_i].vdev);
}
END_TEST

static const char *const others[] = {
    "",       "/dev/",  "xvd",     "xvdq",    "xvdA",       "xvda+5",
    "xvda 5", "xvda-1", "xvda\t1", "xvda0",   "xvda01",     "xvda16",
    "xvda1x", "xvda1 ", "xvdaa",   "xvda1.5", "+51712",     " 51712",
    "-1",     "51712 ", "0x200",   "051712",  "51712a",     "4294967296",
    "sda",    "hda",    "d0",      "xvda/b",  "/dev//xvda", "99999999999999999999999",
};

START_TEST(what_only_begins_like_a_name_is_none)
{
    uint32_t vdev = 0;

    ck_assert_msg(!shim_read_name(others[_i], &vdev), "'%s' is %u", others[_i], vdev);
}
END_TEST

static Suite *shim_name_suite(void)
{
    Suite *suite = suite_create("names of the shim");
    TCase *tests = tcase_create("names");

    tcase_add_loop_test(tests, a_name_is_a_device, 0, (int)(sizeof(names) / sizeof(names[0])));
    tcase_add_loop_test(tests, what_only_begins_like_a_name_is_none, 0,
                        (int)(sizeof(others) / sizeof(others[0])));
    suite_add_tcase(suite, tests);
    return suite;
}

CHECK_MAIN(shim_name_suite)
