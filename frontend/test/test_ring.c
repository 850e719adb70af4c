/* SPDX-License-Identifier: ISC */
/*
 * The ring's indices: wrap (I18), the overflow test (I3), when to notify (I14), the final check and
 * what is never read back (I1).
 */
#include "ring.h"

#include "cunit_main.h"

enum { ENTRIES = 32 };

static const uint32_t starts[] = {
    0, 1, 31, UINT32_C(0x7fffffff), UINT32_C(0x80000000), UINT32_C(0xffffffe0), UINT32_MAX,
};

#define STARTS (sizeof(starts) / sizeof(starts[0]))

static void i18_a_ring_begins_at_any_index(void)
{
    for (size_t i = 0; i < STARTS; i++) {
        struct ring_words words = {1, 2, 3, 4};
        struct ring ring;

        ring_init(&ring, &words, ENTRIES, starts[i]);
        CU_ASSERT_EQUAL(words.req_prod, starts[i]);
        CU_ASSERT_EQUAL(words.rsp_prod, starts[i]);
        CU_ASSERT_EQUAL(words.req_event, (uint32_t)(starts[i] + 1));
        CU_ASSERT_EQUAL(words.rsp_event, (uint32_t)(starts[i] + 1));
        CU_ASSERT_EQUAL(ring_room(&ring), ENTRIES);
        CU_ASSERT_EQUAL(ring_outstanding(&ring), 0);
        CU_ASSERT_EQUAL(ring_responses(&ring), 0);
    }
}

static void i18_the_words_lie_where_the_wire_says(void)
{
    CU_ASSERT_EQUAL(offsetof(struct ring_words, req_prod), 0);
    CU_ASSERT_EQUAL(offsetof(struct ring_words, req_event), 4);
    CU_ASSERT_EQUAL(offsetof(struct ring_words, rsp_prod), 8);
    CU_ASSERT_EQUAL(offsetof(struct ring_words, rsp_event), 12);
}

/* Walks twice around the ring, so each start wraps. */
static void i18_filling_and_emptying_wraps(void)
{
    for (size_t i = 0; i < STARTS; i++) {
        struct ring_words words;
        struct ring ring;

        ring_init(&ring, &words, ENTRIES, starts[i]);
        for (uint32_t n = 0; n < 2 * ENTRIES; n++) {
            uint32_t index = starts[i] + n;

            CU_ASSERT_EQUAL(ring_slot(&ring, ring.req_prod), index % ENTRIES);
            ring.req_prod++;
            CU_ASSERT_EQUAL(ring_room(&ring), ENTRIES - 1);
            CU_ASSERT_EQUAL(ring_outstanding(&ring), 0);
            CU_ASSERT_TRUE(ring_publish(&ring));
            CU_ASSERT_EQUAL(words.req_prod, (uint32_t)(index + 1));
            CU_ASSERT_EQUAL(ring_outstanding(&ring), 1);
            words.req_event = index + 2;
            words.rsp_prod = index + 1;
            CU_ASSERT_EQUAL(ring_responses(&ring), 1);
            ring_consumed(&ring);
            CU_ASSERT_EQUAL(ring_arm(&ring), 0);
            CU_ASSERT_EQUAL(words.rsp_event, (uint32_t)(index + 2));
        }
    }
}

/* Against the definition, with 64-bit numbers that do not wrap. */
static void i14_a_notify_follows_if_req_event_lies_between(void)
{
    for (size_t i = 0; i < STARTS; i++) {
        for (uint32_t published = 0; published < 4; published++) {
            for (uint32_t more = 1; more < 5; more++) {
                for (int64_t event = -3; event < 12; event++) {
                    struct ring_words words;
                    struct ring ring;
                    bool wanted = event > published && event <= (int64_t)published + more;

                    ring_init(&ring, &words, ENTRIES, starts[i]);
                    ring.req_prod += published;
                    (void)ring_publish(&ring);
                    words.req_event = starts[i] + (uint32_t)event;
                    ring.req_prod += more;
                    CU_ASSERT_EQUAL(ring_publish(&ring), wanted);
                }
            }
        }
    }
}

static void i14_publishing_nothing_notifies_nobody(void)
{
    struct ring_words words;
    struct ring ring;

    ring_init(&ring, &words, ENTRIES, 5);
    words.req_event = 5;
    CU_ASSERT_FALSE(ring_publish(&ring));
    ring.req_prod++;
    words.req_event = 6;
    CU_ASSERT_TRUE(ring_publish(&ring));
    CU_ASSERT_FALSE(ring_publish(&ring));
}

static void i3_more_responses_than_outstanding_are_refused(void)
{
    for (size_t i = 0; i < STARTS; i++) {
        struct ring_words words;
        struct ring ring;

        ring_init(&ring, &words, ENTRIES, starts[i]);
        ring.req_prod += 3;
        (void)ring_publish(&ring);
        ring.req_prod += 2; /* put, but not published: the backend cannot know of them */
        for (uint32_t n = 0; n <= 3; n++) {
            words.rsp_prod = starts[i] + n;
            CU_ASSERT_EQUAL(ring_responses(&ring), (int32_t)n);
        }
        words.rsp_prod = starts[i] + 4;
        CU_ASSERT_EQUAL(ring_responses(&ring), RING_OVERFLOW);
        CU_ASSERT_EQUAL(ring_arm(&ring), RING_OVERFLOW);
        words.rsp_prod = starts[i] - 1;
        CU_ASSERT_EQUAL(ring_responses(&ring), RING_OVERFLOW);
        words.rsp_prod = starts[i] + UINT32_C(0x80000000);
        CU_ASSERT_EQUAL(ring_responses(&ring), RING_OVERFLOW);
    }
}

static void i14_the_final_check_sees_a_late_response(void)
{
    struct ring_words words;
    struct ring ring;

    ring_init(&ring, &words, ENTRIES, UINT32_MAX);
    ring.req_prod += 2;
    (void)ring_publish(&ring);
    words.rsp_prod++;
    CU_ASSERT_EQUAL(ring_responses(&ring), 1);
    ring_consumed(&ring);
    words.rsp_prod++; /* before rsp_event is stored: no event comes for it */
    CU_ASSERT_EQUAL(ring_arm(&ring), 1);
    CU_ASSERT_EQUAL(words.rsp_event, ring.rsp_cons + 1);
}

static void i1_own_words_are_not_believed_when_the_backend_changes_them(void)
{
    struct ring_words words;
    struct ring ring;

    ring_init(&ring, &words, ENTRIES, 0);
    ring.req_prod += 4;
    (void)ring_publish(&ring);
    words.req_prod = 77;
    words.rsp_event = 99;
    CU_ASSERT_EQUAL(ring_room(&ring), ENTRIES - 4);
    CU_ASSERT_EQUAL(ring_outstanding(&ring), 4);
    CU_ASSERT_EQUAL(ring.rsp_event, 1);
    ring.req_prod++;
    words.req_event = 5;
    CU_ASSERT_TRUE(ring_publish(&ring));
    CU_ASSERT_EQUAL(words.req_prod, 5);
}

static const struct unit_test tests[] = {
    UNIT_TEST(i18_a_ring_begins_at_any_index),
    UNIT_TEST(i18_the_words_lie_where_the_wire_says),
    UNIT_TEST(i18_filling_and_emptying_wraps),
    UNIT_TEST(i14_a_notify_follows_if_req_event_lies_between),
    UNIT_TEST(i14_publishing_nothing_notifies_nobody),
    UNIT_TEST(i3_more_responses_than_outstanding_are_refused),
    UNIT_TEST(i14_the_final_check_sees_a_late_response),
    UNIT_TEST(i1_own_words_are_not_believed_when_the_backend_changes_them),
};

UNIT_MAIN("ring", tests)
