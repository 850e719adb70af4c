/* SPDX-License-Identifier: ISC */
/*
 * What a platform is told of grants that are about to be ended (page_expect): each of them once
 * where answers come in order, and never one that is ended already. The fake counts that as a
 * mistake.
 */
#include "kept.h"

static void begin_without_keeping(void)
{
    begin(true);
    rig.device.agreed.keeps_grants = false;
}

static void each_grant_is_expected_before_it_ends(void)
{
    const size_t pages[] = {1, 7, 8, 9, 11, 40};

    for (size_t i = 0; i < sizeof(pages) / sizeof(pages[0]); i++) {
        begin_without_keeping();
        start();
        make_memory(64);
        (void)run(BLKFRONT_READ, direct(0, pages[i] * PAGE));
        CU_ASSERT_EQUAL(rig.fake.expects, pages[i]);
        /* So are pages for copies. */
        (void)run(BLKFRONT_WRITE, heap(pages[i] * PAGE));
        CU_ASSERT_EQUAL(rig.fake.expects, 2 * pages[i]);
        CU_ASSERT_EQUAL(rig.fake.mistakes, 0);
        finish();
    }
}

/* Both of one page: the first answer is guessed wrong, and by the second that is known. */
static void answers_in_another_order(void)
{
    struct blkfront_buffer buffers[2];
    struct rig_call calls[2];
    struct rig_request requests[2];

    begin_without_keeping();
    start();
    make_memory(2);
    for (size_t i = 0; i < 2; i++) {
        buffers[i] = direct(i * PAGE, PAGE);
        calls[i] = rig_call(BLKFRONT_READ, 0, &buffers[i], 1);
        CU_ASSERT_EQUAL_FATAL(rig_submit(&rig, &calls[i]), BLKFRONT_OK);
        requests[i] = rig_next(&rig);
    }
    rig_answer(&rig, &requests[1]);
    CU_ASSERT_EQUAL(calls[1].completions, 1);
    CU_ASSERT_EQUAL(calls[0].completions, 0);
    CU_ASSERT_EQUAL(rig.fake.expects, 1);
    rig_answer(&rig, &requests[0]);
    CU_ASSERT_EQUAL(calls[0].completions, 1);
    CU_ASSERT_EQUAL(rig.fake.expects, 1);
    CU_ASSERT_EQUAL(rig.fake.revokes, 2);
    CU_ASSERT_EQUAL(rig.fake.mistakes, 0);
    finish();
}

/* The slot of the first is free when the answer comes that is guessed to be its own. */
static void an_answer_in_the_place_of_one_that_is_over(void)
{
    struct blkfront_buffer buffer;
    struct rig_call first, second;
    struct rig_request one, other;

    begin_without_keeping();
    start();
    make_memory(1);
    buffer = direct(0, PAGE);
    first = rig_call(BLKFRONT_READ, 0, &buffer, 1);
    second = rig_call(BLKFRONT_FLUSH, 0, NULL, 0);
    rig.device.agreed.flush = rig.device.agreed.flush_offered = true;
    CU_ASSERT_EQUAL_FATAL(rig_submit(&rig, &second), BLKFRONT_OK);
    other = rig_next(&rig);
    CU_ASSERT_EQUAL_FATAL(rig_submit(&rig, &first), BLKFRONT_OK);
    one = rig_next(&rig);
    rig_answer(&rig, &one);
    rig_answer(&rig, &other);
    CU_ASSERT_EQUAL(first.completions, 1);
    CU_ASSERT_EQUAL(second.completions, 1);
    CU_ASSERT_EQUAL(rig.fake.revokes, 1);
    CU_ASSERT_EQUAL(rig.fake.mistakes, 0);
    finish();
}

static void what_is_kept_is_not_expected(void)
{
    start();
    make_memory(16);
    (void)run(BLKFRONT_READ, direct(0, 11 * PAGE));
    CU_ASSERT_EQUAL(rig.fake.expects, 0);
    finish();
}

static void shared_blocks_have_no_grants_of_pages(void)
{
    begin(false);
    rig.device.agreed.keeps_grants = false;
    start();
    (void)run(BLKFRONT_READ, heap(11 * PAGE));
    CU_ASSERT_EQUAL(rig.fake.expects, 0);
    finish();
}

static void a_platform_need_not_want_to_know(void)
{
    begin_without_keeping();
    rig.fake.platform.page_expect = NULL;
    start();
    make_memory(16);
    (void)run(BLKFRONT_READ, direct(0, 11 * PAGE));
    CU_ASSERT_EQUAL(rig.fake.revokes, 11);
    finish();
}

static const struct unit_test tests[] = {
    UNIT_TEST(each_grant_is_expected_before_it_ends),
    UNIT_TEST(answers_in_another_order),
    UNIT_TEST(an_answer_in_the_place_of_one_that_is_over),
    UNIT_TEST(what_is_kept_is_not_expected),
    UNIT_TEST(shared_blocks_have_no_grants_of_pages),
    UNIT_TEST(a_platform_need_not_want_to_know),
};

UNIT_MAIN_WITH("expected", set_up, NULL, tests)
