/* SPDX-License-Identifier: ISC */
/*
 * Names of devices: spellings of numbers, params values, and what is said when a name means nothing
 * or too much.
 */
#include "cunit_main.h"
#include "fake_store.h"
#include "name.h"

struct spelling {
    const char *name;
    uint32_t vdev;
};

/* Numbers from xen-vbd-interface(7). */
static const struct spelling good[] = {
    {"51712", 51712},
    {"0", 0},
    {"4294967295", 4294967295u},
    {"0xca00", 51712},
    {"0xCA00", 51712},
    {"0xffffffff", 4294967295u},
    {"xvda", 51712},
    {"/dev/xvda", 51712},
    {"xvda1", 51713},
    {"xvda15", 51727},
    {"xvdb", 51728},
    {"xvdp", 202 << 8 | 15 << 4},
    {"xvdq", 1 << 28 | 16 << 8},
    {"xvdz", 1 << 28 | 25 << 8},
    {"xvdaa", 1 << 28 | 26 << 8},
    {"xvdaa3", 1 << 28 | 26 << 8 | 3},
    {"xvda16", 1 << 28 | 16},
    {"xvda255", 1 << 28 | 255},
    {"xvdtq37", 1 << 28 | 536 << 8 | 37},
    {"d536p37", 1 << 28 | 536 << 8 | 37},
    {"d0", 51712},
    {"d0p0", 51712},
    {"d0p1", 51713},
    {"d1p2", 51730},
    {"d1048575", 1 << 28 | 1048575 << 8},
    {"hda", 3 << 8},
    {"hda63", 3 << 8 | 63},
    {"hdb", 3 << 8 | 64},
    {"hdc2", 22 << 8 | 2},
    {"hdd", 22 << 8 | 64},
    {"/dev/hda", 3 << 8},
    {"sda", 8 << 8},
    {"sda15", 8 << 8 | 15},
    {"sdp", 8 << 8 | 15 << 4},
};

static const char *const bad[] = {
    "",
    " 51712",
    "51712 ",
    "+51712",
    "-1",
    "051712",
    "4294967296",
    "99999999999999999999",
    "0x",
    "0xg",
    "0x-1",
    "0xca:0",
    "0x100000000",
    "xvd",
    "xvd1",
    "xvdA",
    "xvd{",
    "xvda0",
    "xvda01",
    "xvda256",
    "xvda4294967296",
    "xvda1 ",
    "xvda1p1",
    "xvda-1",
    "xvdzzzzzzzzzz",
    "xvdbghzzz",
    "/dev/",
    "/dev/51712x",
    "dev/xvda",
    "hde",
    "hdaa",
    "hda64",
    "sdq",
    "sdaa",
    "sda16",
    "d",
    "dp1",
    "d0p",
    "d0p256",
    "d0p4294967296",
    "d1048576",
    "d4294967296",
    "d00",
    "d0p01",
    "d0q1",
    "vda",
    "nvme0n1",
    "xvda\n",
};

static void a_spelling_means_its_number(void)
{
    for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
        uint32_t vdev = 1;

        CU_ASSERT_TRUE(name_parse(good[i].name, strlen(good[i].name), &vdev));
        CU_ASSERT_EQUAL(vdev, good[i].vdev);
    }
}

static void what_is_not_wholly_a_spelling_is_none(void)
{
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        uint32_t vdev = 1;

        if (name_parse(bad[i], strlen(bad[i]), &vdev))
            fprintf(stderr, "taken: '%s'\n", bad[i]);
        CU_ASSERT_FALSE(name_parse(bad[i], strlen(bad[i]), &vdev));
        CU_ASSERT_EQUAL(vdev, 1);
    }
}

static void a_number_prints_as_its_spelling(void)
{
    static const struct spelling printed[] = {
        {"51712 (xvda)", 51712},
        {"51713 (xvda1)", 51713},
        {"268441856 (xvdz)", 1 << 28 | 25 << 8},
        {"268442112 (xvdaa)", 1 << 28 | 26 << 8},
        {"268572709 (xvdtq37)", 1 << 28 | 536 << 8 | 37},
        {"768 (hda)", 3 << 8},
        {"831 (hda63)", 3 << 8 | 63},
        {"5698 (hdd2)", 22 << 8 | 66},
        {"2063 (sda15)", 8 << 8 | 15},
        {"1", 1},
        {"896", 3 << 8 | 128}, /* a third disk, which these majors have not */
        {"5760", 22 << 8 | 128},
        {"4294967295", 4294967295u},
    };

    for (size_t i = 0; i < sizeof(printed) / sizeof(printed[0]); i++) {
        char buffer[64];
        struct text text = text_begin(buffer, sizeof(buffer));

        name_print(&text, printed[i].vdev);
        CU_ASSERT_STRING_EQUAL(buffer, printed[i].name);
    }
}

/* ---- among the devices that there are ---- */

static struct fake fake;
static struct blkfront context;

static void add_device(uint32_t vdev, const char *params)
{
    char path[FAKE_PATH], backend[FAKE_PATH];

    snprintf(backend, sizeof(backend), "/local/domain/0/backend/vbd/3/%u", (unsigned)vdev);
    snprintf(path, sizeof(path), "/local/domain/3/device/vbd/%u/backend", (unsigned)vdev);
    fake_set(&fake, path, backend);
    if (params == NULL)
        return;
    strcat(backend, "/params");
    fake_set(&fake, backend, params);
}

static void set_up(void)
{
    fake_init(&fake);
    context = (struct blkfront){.platform = &fake.platform};
}

static void tear_down(void)
{
    CU_ASSERT_TRUE(fake_is_clean(&fake));
}

static int resolve(const char *name, uint32_t *vdev)
{
    memset(context.detail, 'x', sizeof(context.detail) - 1);
    return name_resolve(&context, 3, name, vdev);
}

static void expect(const char *name, uint32_t vdev)
{
    uint32_t found = 0;

    CU_ASSERT_EQUAL(resolve(name, &found), BLKFRONT_OK);
    CU_ASSERT_EQUAL(found, vdev);
    CU_ASSERT_STRING_EQUAL(context.detail, "");
}

static void expect_error(const char *name, int error, const char *detail)
{
    uint32_t found = 99;
    int result = resolve(name, &found);

    CU_ASSERT_EQUAL(result, error);
    CU_ASSERT_EQUAL(found, 99);
    CU_ASSERT_STRING_EQUAL(context.detail, detail);
}

static void a_name_finds_its_device(void)
{
    add_device(51712, "/disk/a");
    add_device(51713, "/disk/a1");
    add_device(268442112, "/disk/aa");
    expect("xvda", 51712);
    expect("51713", 51713);
    expect("xvda1", 51713);
    expect("d0p1", 51713);
    expect("/dev/xvdaa", 268442112);
}

static void params_find_their_device_whatever_prefixes_stand_before_them(void)
{
    add_device(51712, "tap2:aio:/disk/a.img");
    add_device(51728, "phy:/dev/vg/b");
    add_device(51744, "/disk/c");
    add_device(51760, NULL);
    expect("/disk/a.img", 51712);
    expect("file:/disk/a.img", 51712);
    expect("tapdisk:tap2:ioemu:aio:/disk/a.img", 51712);
    expect("/dev/vg/b", 51728);
    expect("tap:phy:/disk/c", 51744);
}

static void a_spelling_goes_before_params(void)
{
    add_device(51712, "/dev/xvdb");
    add_device(51728, "/dev/xvda");
    expect("/dev/xvda", 51712);
    expect("/dev/xvdb", 51728);
}

static void params_may_look_like_a_device_that_is_not_there(void)
{
    add_device(51712, "phy:/dev/sda1");
    expect("/dev/sda1", 51712);
}

static void an_absent_device_is_told_with_those_that_there_are(void)
{
    expect_error("xvda", BLKFRONT_NO_DEVICE,
                 "no device is called 'xvda'; there are no block devices");
    add_device(51728, "/b");
    add_device(51712, "/a");
    expect_error("xvdc", BLKFRONT_NO_DEVICE,
                 "no device is called 'xvdc'; there are 51712 (xvda), 51728 (xvdb)");
    /* The partitions in a disk are their reader's matter. */
    expect_error("xvda1", BLKFRONT_NO_DEVICE,
                 "no device is called 'xvda1'; there are 51712 (xvda), 51728 (xvdb)");
    expect_error("/no\n\x7f\xffsuch", BLKFRONT_NO_DEVICE,
                 "no device is called '/no???such'; there are 51712 (xvda), 51728 (xvdb)");
}

static void an_ambiguous_name_is_told_with_its_candidates(void)
{
    add_device(51744, "aio:/same");
    add_device(51728, "/other");
    add_device(51712, "phy:/same");
    expect_error("/same", BLKFRONT_AMBIGUOUS,
                 "'/same' is the params value of 51712 (xvda), 51744 (xvdc)");
}

static void a_prefix_alone_matches_no_empty_drive(void)
{
    add_device(51712, "");
    add_device(51728, "phy:");
    expect_error("phy:", BLKFRONT_NO_DEVICE,
                 "no device is called 'phy:'; there are 51712 (xvda), 51728 (xvdb)");
}

static void a_name_of_no_use_is_invalid(void)
{
    static char endless[5000];
    uint32_t vdev;

    memset(endless, 'a', sizeof(endless) - 1);
    CU_ASSERT_EQUAL(resolve("", &vdev), BLKFRONT_INVALID);
    CU_ASSERT_EQUAL(resolve(endless, &vdev), BLKFRONT_INVALID);
}

static void i20_odd_entries_among_the_devices_are_passed_over(void)
{
    static char endless[FAKE_VALUE];

    memset(endless, 'a', sizeof(endless) - 1);
    fake_set(&fake, "/local/domain/3/device/vbd/051712/backend", "/b");
    fake_set(&fake, "/local/domain/3/device/vbd/4294967296/backend", "/b");
    fake_set(&fake, "/local/domain/3/device/vbd/xvda/backend", "/b");
    fake_set(&fake, "/local/domain/3/device/vbd/1/backend", "no path");
    fake_set(&fake, "/local/domain/3/device/vbd/2/backend", endless);
    add_device(3, endless);
    fake_set(&fake, "/local/domain/3/device/vbd/4/state", "1");
    add_device(5, "/five");
    expect("/five", 5);
    expect_error("xvda", BLKFRONT_NO_DEVICE, "no device is called 'xvda'; there are 1, 2, 3, 4, 5");
}

static void a_long_answer_is_cut_not_overrun(void)
{
    uint32_t vdev;

    for (uint32_t i = 0; i < 60; i++)
        add_device(51712 + i, NULL);
    CU_ASSERT_EQUAL(resolve("sda", &vdev), BLKFRONT_NO_DEVICE);
    CU_ASSERT_EQUAL(strlen(context.detail), sizeof(context.detail) - 1);
    CU_ASSERT_STRING_EQUAL(context.detail + sizeof(context.detail) - 4, "...");
}

/* Only a name that has been cut shows as such. */
static void a_long_name_is_quoted_in_part(void)
{
    enum { SHOWN = 80 };
    char name[SHOWN + 2], detail[200];

    memset(name, 'a', sizeof(name));
    name[0] = '/';
    name[SHOWN + 1] = '\0';
    snprintf(detail, sizeof(detail), "no device is called '%.*s...'; there are no block devices",
             SHOWN, name);
    expect_error(name, BLKFRONT_NO_DEVICE, detail);
    name[SHOWN] = '\0';
    snprintf(detail, sizeof(detail), "no device is called '%s'; there are no block devices", name);
    expect_error(name, BLKFRONT_NO_DEVICE, detail);
}

static void a_store_that_fails_is_told_or_passed_over(void)
{
    static const struct {
        int of_platform, result;
    } errors[] = {{BLKFRONT_PLATFORM_IO, BLKFRONT_STORE},
                  {BLKFRONT_PLATFORM_NO_MEMORY, BLKFRONT_NO_MEMORY}};

    add_device(51712, "/a");
    add_device(51728, "/b");
    for (size_t i = 0; i < sizeof(errors) / sizeof(errors[0]); i++) {
        unsigned failures = 0;

        for (unsigned n = 1;; n++) {
            uint32_t vdev;
            int result;

            fake_fail(&fake, n, false, errors[i].of_platform);
            result = resolve("/b", &vdev);
            if (fake.failures == 0)
                break;
            failures++;
            CU_ASSERT_EQUAL(result, errors[i].result);
            CU_ASSERT_STRING_EQUAL(context.detail,
                                   "the devices in /local/domain/3/device/vbd cannot be read");
        }
        CU_ASSERT_EQUAL(failures, 5);
    }
    /* A device that we may not look at is not the one. */
    fake_fail(&fake, 2, false, BLKFRONT_PLATFORM_DENIED);
    expect("/b", 51728);
    fake_fail(&fake, 0, false, 0);
}

static const struct unit_test tests[] = {
    UNIT_TEST(a_spelling_means_its_number),
    UNIT_TEST(what_is_not_wholly_a_spelling_is_none),
    UNIT_TEST(a_number_prints_as_its_spelling),
    UNIT_TEST(a_name_finds_its_device),
    UNIT_TEST(params_find_their_device_whatever_prefixes_stand_before_them),
    UNIT_TEST(a_spelling_goes_before_params),
    UNIT_TEST(params_may_look_like_a_device_that_is_not_there),
    UNIT_TEST(an_absent_device_is_told_with_those_that_there_are),
    UNIT_TEST(an_ambiguous_name_is_told_with_its_candidates),
    UNIT_TEST(a_prefix_alone_matches_no_empty_drive),
    UNIT_TEST(a_name_of_no_use_is_invalid),
    UNIT_TEST(i20_odd_entries_among_the_devices_are_passed_over),
    UNIT_TEST(a_long_answer_is_cut_not_overrun),
    UNIT_TEST(a_long_name_is_quoted_in_part),
    UNIT_TEST(a_store_that_fails_is_told_or_passed_over),
};

UNIT_MAIN_WITH("name", set_up, tear_down, tests)
