/* SPDX-License-Identifier: ISC */
/*
 * How often the backend loads what the frontend can change meanwhile: each word of a slot and of an
 * indirect page once, so that what was checked is what is used (XSA-155).
 */
#include "cunit_main.h"
#include "fake_host.h"

enum { WORDS = 4096 / 4 };

static struct fake_device device;
static unsigned ring_loads[WORDS], indirect_loads[WORDS];
static bool spoils; /* each word becomes rubbish as soon as it has been loaded */
static uint8_t *spoilt;

static uint32_t word_of(const uint8_t *page, const volatile void *address)
{
    const uintptr_t at = (uintptr_t)address - (uintptr_t)page;

    return at < 4096 ? (uint32_t)at / 4 : WORDS;
}

static void before_load(void *context, const volatile void *address, size_t size)
{
    uint8_t *ring = device.rings[0].pages[0];
    const uint32_t in_ring = word_of(ring, address), indirect = word_of(device.data[0], address);

    (void)context;
    CU_ASSERT_EQUAL(size, 4);
    if (spoilt != NULL)
        memset(spoilt, 0xff, 4);
    spoilt = NULL;
    if (in_ring < WORDS)
        ring_loads[in_ring]++;
    if (in_ring >= BLKIF_WIRE_RING_HEADER / 4 && in_ring < WORDS && spoils)
        spoilt = ring + (size_t)in_ring * 4;
    if (indirect < WORDS)
        indirect_loads[indirect]++;
    if (indirect < WORDS && spoils)
        spoilt = device.data[0] + (size_t)indirect * 4;
}

static void set_up(void)
{
    fake_device_init(&device);
    memset(ring_loads, 0, sizeof(ring_loads));
    memset(indirect_loads, 0, sizeof(indirect_loads));
    spoils = false;
    spoilt = NULL;
    device.host.calls.before_load = before_load;
}

static void tear_down(void)
{
    CU_ASSERT_EQUAL(device.host.wrong, 0);
    fake_device_fini(&device);
    CU_ASSERT_EQUAL(device.host.allocations, 0);
}

static void put_indirect(uint32_t segments)
{
    struct blkif_wire_indirect_64 request = {.operation = 6,
                                             .indirect_operation = 1,
                                             .segment_count = (uint16_t)segments,
                                             .handle = 51712,
                                             .id = 9};

    for (uint32_t i = 0; i < segments; i++) {
        const struct blkif_wire_segment segment = {.grant_ref = device.data_refs[1 + i]};

        memcpy(device.data[0] + (size_t)i * sizeof(segment), &segment, sizeof(segment));
    }
    request.page_grant_refs[0] = device.data_refs[0];
    fake_put_slot(&device.rings[0], BLKIF_WIRE_SLOT_64, &request, sizeof(request));
}

/* And those behind what the slot says not at all: direct requests of two segments, what nobody
 * knows (4, 7), a discard (5), an indirect one (6). */
static void i19_each_word_of_a_slot_is_loaded_once(void)
{
    static const uint32_t lengths[2][8] = {{40, 40, 40, 40, 112, 32, 112, 112},
                                           {36, 36, 36, 36, 108, 32, 108, 108}};
    const uint32_t slot_words = (device.abi_32 ? 108u : 112u) / 4;

    fake_connect(&device);
    for (uint32_t i = 0; i < 8; i++)
        fake_put_request(&device, (uint8_t)i, i, 8, 0, 2); /* what is no operation too */
    CU_ASSERT_TRUE(fake_go(&device));
    CU_ASSERT_EQUAL(fake_ring_word(&device.rings[0], 2), 8);
    for (uint32_t i = 16; i < WORDS; i++) {
        const uint32_t slot = (i - 16) / slot_words, at = (i - 16) % slot_words * 4;

        CU_ASSERT_EQUAL(ring_loads[i], slot < 8 && at < lengths[device.abi_32][slot]);
    }
}

static void i19_the_same_with_32_bits(void)
{
    device.abi_32 = true;
    i19_each_word_of_a_slot_is_loaded_once();
}

static void i19_each_word_of_an_indirect_page_is_loaded_once(void)
{
    fake_connect(&device);
    put_indirect(40);
    CU_ASSERT_TRUE(fake_go(&device));
    CU_ASSERT_TRUE(fake_answered(&device, 9, 1, 0));
    for (uint32_t i = 0; i < WORDS; i++)
        CU_ASSERT_EQUAL(indirect_loads[i], i < 80);
}

static void i19_what_changes_after_its_load_is_not_seen(void)
{
    uint8_t unit[512];

    fake_connect(&device);
    spoils = true;
    memset(device.data[1], 7, 4096);
    fake_put_request(&device, 1, 3, 8, 1, 1);
    put_indirect(2);
    CU_ASSERT_TRUE(fake_go(&device));
    CU_ASSERT_TRUE(fake_answered(&device, 3, 1, 0));
    CU_ASSERT_TRUE(fake_answered(&device, 9, 1, 0));
    CU_ASSERT_EQUAL(simback_disk_read(device.disk, 15, 1, unit), 0);
    CU_ASSERT_EQUAL(unit[0], 7);
    CU_ASSERT_STRING_EQUAL(simback_backend_complaint(device.backend), "");
}

static const struct unit_test tests[] = {
    UNIT_TEST(i19_each_word_of_a_slot_is_loaded_once),
    UNIT_TEST(i19_the_same_with_32_bits),
    UNIT_TEST(i19_each_word_of_an_indirect_page_is_loaded_once),
    UNIT_TEST(i19_what_changes_after_its_load_is_not_seen),
};

UNIT_MAIN_WITH("loads", set_up, tear_down, tests)
