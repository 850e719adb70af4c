/* SPDX-License-Identifier: ISC */
/*
 * Breaking the protocol on purpose: what exactly lands in the ring, and that the backend does not
 * blame the frontend for it.
 */
#include "cunit_main.h"
#include "fake_host.h"

static struct fake_device device;
static struct fake_ring *ring;

static void set_up(void)
{
    fake_device_init(&device);
    ring = &device.rings[0];
    fake_connect(&device);
}

static void tear_down(void)
{
    CU_ASSERT_EQUAL(device.host.wrong, 0);
    fake_device_fini(&device);
    CU_ASSERT_EQUAL(device.host.allocations, 0);
}

static void respond(const struct simback_bad_response *response)
{
    CU_ASSERT_EQUAL(simback_backend_respond(device.backend, response), 0);
}

static void a_second_response_to_the_last_request(void)
{
    const struct simback_bad_response again = {.count = 1};

    fake_put_request(&device, 1, 77, 0, 0, 1);
    CU_ASSERT_TRUE(fake_go(&device));
    CU_ASSERT_TRUE(fake_answered(&device, 77, 1, 0));
    CU_ASSERT_EQUAL(device.host.notified[3], 1);
    respond(&again);
    CU_ASSERT_EQUAL(device.host.notified[3], 2);
    CU_ASSERT_TRUE(fake_answered(&device, 77, 1, 0));
}

static void every_field_can_be_wrong(void)
{
    const struct simback_bad_response wrong = {.set_id = true,
                                               .id = UINT64_MAX,
                                               .set_op = true,
                                               .op = 200,
                                               .set_status = true,
                                               .status = -32768,
                                               .count = 2,
                                               .no_notify = true};

    respond(&wrong);
    CU_ASSERT_EQUAL(device.host.notified[3], 0);
    CU_ASSERT_EQUAL(fake_ring_word(ring, 2), 2);
    CU_ASSERT_TRUE(fake_answered(&device, UINT64_MAX, 200, -32768));
    CU_ASSERT_TRUE(fake_answered(&device, UINT64_MAX, 200, -32768));
}

static void written_but_not_published(void)
{
    const struct simback_bad_response quiet = {
        .set_id = true, .id = 5, .count = 1, .no_publish = true};
    const struct simback_bad_response slot = {
        .set_id = true, .id = 6, .count = 1, .set_slot = true, .slot = 3};

    respond(&quiet);
    respond(&slot);
    CU_ASSERT_EQUAL(fake_ring_word(ring, 2), 0);
    fake_set_ring_word(ring, 2, 4);
    CU_ASSERT_TRUE(fake_answered(&device, 5, 0, 0));
    CU_ASSERT_TRUE(fake_answered(&device, 0, 0, 0));
    CU_ASSERT_TRUE(fake_answered(&device, 0, 0, 0));
    CU_ASSERT_TRUE(fake_answered(&device, 6, 0, 0));
}

static void like_names_what_a_rule_caught(void)
{
    struct simback_fault fault = {.ops = SIMBACK_FAULT_WRITE,
                                  .last_512 = UINT64_MAX,
                                  .percent = 100,
                                  .action = SIMBACK_HOLD,
                                  .name = 3};
    const struct simback_bad_response early = {.like = 3, .count = 1};

    CU_ASSERT_EQUAL(simback_backend_add_fault(device.backend, &fault), 0);
    fake_put_request(&device, 1, 10, 0, 0, 1);
    fake_put_request(&device, 0, 11, 0, 0, 1);
    CU_ASSERT_TRUE(fake_go(&device));
    CU_ASSERT_TRUE(fake_answered(&device, 11, 0, 0));
    respond(&early);
    CU_ASSERT_TRUE(fake_answered(&device, 10, 1, 0));
    CU_ASSERT_EQUAL(simback_backend_release(device.backend, 3), 1);
    CU_ASSERT_TRUE(fake_serve(&device, 0));
    CU_ASSERT_TRUE(fake_answered(&device, 10, 1, 0));
    /* After the rules are gone the name still stands for that request. */
    simback_backend_clear_faults(device.backend);
    respond(&early);
    CU_ASSERT_TRUE(fake_answered(&device, 10, 1, 0));
}

static void the_frontend_is_not_blamed(void)
{
    const struct simback_bad_response many = {.count = 40};

    respond(&many);
    CU_ASSERT_EQUAL(fake_ring_word(ring, 2), 40);
    CU_ASSERT_TRUE(fake_serve(&device, 0));
    CU_ASSERT_EQUAL(simback_backend_move_index(device.backend, 0, 0, 1000, false, false), 0);
    CU_ASSERT_TRUE(fake_serve(&device, 0));
    CU_ASSERT_STRING_EQUAL(simback_backend_complaint(device.backend), "");
}

static void it_goes_on_after_a_response_too_many(void)
{
    const struct simback_bad_response again = {.count = 1};

    respond(&again);
    for (uint64_t i = 0; i < 32; i++)
        fake_put_request(&device, 0, i, 0, 0, 1);
    CU_ASSERT_TRUE(fake_go(&device));
    CU_ASSERT_EQUAL(fake_ring_word(ring, 2), 33);
}

static void indices_are_set_and_moved(void)
{
    for (unsigned word = 0; word < 4; word++) {
        CU_ASSERT_EQUAL(
            simback_backend_move_index(device.backend, 0, word, 1000 + word, false, true), 0);
        CU_ASSERT_EQUAL(fake_ring_word(ring, word), 1000 + word);
        CU_ASSERT_EQUAL(
            simback_backend_move_index(device.backend, 0, word, (uint32_t)-1, true, false), 0);
        CU_ASSERT_EQUAL(fake_ring_word(ring, word), 999 + word);
    }
    CU_ASSERT_EQUAL(device.host.notified[3], 4);
    CU_ASSERT_EQUAL(simback_backend_move_index(device.backend, 0, 4, 0, false, false), -1);
}

static void i19_it_is_said_before_it_happens(void)
{
    CU_ASSERT_EQUAL(simback_backend_poke(device.backend, 0, 4096, "a", 1), -1);
    CU_ASSERT_EQUAL(fake_told(&device.host, SIMBACK_BACK_LIFE, "hostile"), 0);
    CU_ASSERT_EQUAL(simback_backend_poke(device.backend, 0, 16, "a", 1), 0);
    CU_ASSERT_EQUAL(simback_backend_move_index(device.backend, 0, 3, 1, true, false), 0);
    CU_ASSERT_EQUAL(fake_told(&device.host, SIMBACK_BACK_LIFE, "hostile"), 1);
}

static void bytes_are_poked(void)
{
    CU_ASSERT_EQUAL(simback_backend_poke(device.backend, 0, 70, "abc", 3), 0);
    CU_ASSERT_EQUAL(memcmp(ring->pages[0] + 70, "abc", 3), 0);
    CU_ASSERT_EQUAL(simback_backend_poke(device.backend, 0, 4093, "abc", 3), 0);
    CU_ASSERT_EQUAL(simback_backend_poke(device.backend, 0, 4094, "abc", 3), -1);
    CU_ASSERT_EQUAL(simback_backend_poke(device.backend, 0, UINT32_MAX, "abc", 3), -1);
}

static void what_is_mapped_can_be_asked(void)
{
    uint32_t port;
    void *page;

    CU_ASSERT_TRUE(simback_backend_port(device.backend, 0, &port));
    CU_ASSERT_EQUAL(port, 103);
    CU_ASSERT_TRUE(simback_backend_ring_page(device.backend, 0, 0, &page));
    CU_ASSERT_PTR_EQUAL(page, ring->pages[0]);
    CU_ASSERT_FALSE(simback_backend_ring_page(device.backend, 0, 1, &page));
    CU_ASSERT_FALSE(simback_backend_port(device.backend, 1, &port));
}

static void without_a_ring_nothing_can_be_broken(void)
{
    const struct simback_bad_response response = {.count = 1};
    uint32_t port;
    void *page;

    simback_backend_crash(device.backend);
    CU_ASSERT_EQUAL(simback_backend_respond(device.backend, &response), -1);
    CU_ASSERT_EQUAL(simback_backend_move_index(device.backend, 0, 0, 0, false, true), -1);
    CU_ASSERT_EQUAL(simback_backend_poke(device.backend, 0, 0, "a", 1), -1);
    CU_ASSERT_FALSE(simback_backend_port(device.backend, 0, &port));
    CU_ASSERT_FALSE(simback_backend_ring_page(device.backend, 0, 0, &page));
}

static const struct unit_test tests[] = {
    UNIT_TEST(a_second_response_to_the_last_request),
    UNIT_TEST(every_field_can_be_wrong),
    UNIT_TEST(written_but_not_published),
    UNIT_TEST(like_names_what_a_rule_caught),
    UNIT_TEST(the_frontend_is_not_blamed),
    UNIT_TEST(it_goes_on_after_a_response_too_many),
    UNIT_TEST(indices_are_set_and_moved),
    UNIT_TEST(i19_it_is_said_before_it_happens),
    UNIT_TEST(bytes_are_poked),
    UNIT_TEST(what_is_mapped_can_be_asked),
    UNIT_TEST(without_a_ring_nothing_can_be_broken),
};

UNIT_MAIN_WITH("hostile", set_up, tear_down, tests)
