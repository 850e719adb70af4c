/* SPDX-License-Identifier: ISC */
/*
 * I1, with the observed library: each byte of a response slot is loaded at most once, rsp_prod once
 * a pass and once after each store of rsp_event, req_event once a publish after the fence; and what
 * the backend changes between two loads is not believed twice. Links blkfront_observed only.
 */
#include "rig.h"

#include "cunit_main.h"

enum { PAGE = 4096 };

static struct rig rig;
static unsigned char data[PAGE];
static const struct blkfront_buffer one_page = {.address = data, .size = PAGE};

/* What happened to the ring's page since forget(). */
static unsigned loads[PAGE];
static unsigned fences, stores_of_req_prod, stores_of_rsp_event;
static const char *wrong;
static enum { NOTHING, REQ_PROD, REQ_PROD_FENCE, RSP_EVENT, RSP_EVENT_FENCE } last;
static unsigned nth_load, poke_at_load;
static void (*poke)(void);

static void saw_fence(void)
{
    fences++;
    if (last != REQ_PROD && last != RSP_EVENT)
        wrong = "a fence without a store before it";
    last = last == REQ_PROD ? REQ_PROD_FENCE : RSP_EVENT_FENCE;
}

static void saw_word(size_t offset, enum blkfront_access access)
{
    if (access == BLKFRONT_ACCESS_STORE) {
        stores_of_req_prod += offset == 0;
        stores_of_rsp_event += offset == 12;
        last = offset == 0 ? REQ_PROD : offset == 12 ? RSP_EVENT : NOTHING;
        return;
    }
    if (offset == 4 && last != REQ_PROD_FENCE)
        wrong = "req_event was loaded without store and fence before it";
    if (offset == 8 && last == RSP_EVENT)
        wrong = "rsp_prod was loaded between rsp_event and the fence";
    last = NOTHING;
}

static void observe(const volatile void *address, size_t size, enum blkfront_access access)
{
    const volatile unsigned char *page = rig.queue->ring_block->address;
    size_t offset = (size_t)((const volatile unsigned char *)address - page);

    if (access == BLKFRONT_ACCESS_FENCE) {
        saw_fence();
        return;
    }
    if ((uintptr_t)address < (uintptr_t)page || offset >= PAGE)
        return;
    if (access == BLKFRONT_ACCESS_LOAD && ++nth_load == poke_at_load)
        poke();
    for (size_t i = offset; access == BLKFRONT_ACCESS_LOAD && i < offset + size; i++)
        loads[i]++;
    if (offset < 16)
        saw_word(offset, access);
}

static void forget(void)
{
    memset(loads, 0, sizeof(loads));
    fences = stores_of_req_prod = stores_of_rsp_event = nth_load = 0;
    wrong = NULL;
    last = NOTHING;
}

static void start(void)
{
    rig_init(&rig, true);
    CU_ASSERT_EQUAL_FATAL(rig_open(&rig), 0);
    poke_at_load = 0;
    forget();
    rig_observer = observe;
}

static void finish(void)
{
    rig_observer = NULL;
    CU_ASSERT_TRUE(queue_check(rig.queue));
    rig_close(&rig, BLKFRONT_PROTOCOL);
    CU_ASSERT_EQUAL(rig_left(&rig), 0);
}

static struct rig_call page_read(void)
{
    return rig_call(BLKFRONT_READ, 0, &one_page, 1);
}

static void i1_submit_loads_req_event_once(void)
{
    struct rig_call calls[3];

    start();
    for (int i = 0; i < 3; i++) {
        calls[i] = page_read();
        forget();
        CU_ASSERT_EQUAL(rig_submit(&rig, &calls[i]), BLKFRONT_OK);
        CU_ASSERT_EQUAL(stores_of_req_prod, 1);
        CU_ASSERT_EQUAL(fences, 1);
        for (size_t byte = 0; byte < PAGE; byte++)
            CU_ASSERT_EQUAL(loads[byte], byte >= 4 && byte < 8 ? 1 : 0);
        CU_ASSERT_PTR_NULL(wrong);
    }
    rig_settle(&rig);
    finish();
}

static void i1_each_byte_of_a_response_is_loaded_once(void)
{
    enum { COUNT = 5 };
    struct rig_call calls[COUNT];

    start();
    for (int i = 0; i < COUNT; i++) {
        calls[i] = page_read();
        CU_ASSERT_EQUAL(rig_submit(&rig, &calls[i]), BLKFRONT_OK);
    }
    (void)rig_serve(&rig);
    forget();
    (void)blkfront_queue_poll(rig.queue);
    CU_ASSERT_EQUAL(calls[COUNT - 1].completions, 1);
    for (size_t byte = BLKIF_WIRE_RING_HEADER; byte < PAGE; byte++) {
        size_t in_slot = (byte - BLKIF_WIRE_RING_HEADER) % BLKIF_WIRE_SLOT_64;
        bool answered = (byte - BLKIF_WIRE_RING_HEADER) / BLKIF_WIRE_SLOT_64 < COUNT;

        CU_ASSERT_EQUAL(loads[byte], answered && in_slot < WIRE_RESPONSE_BYTES ? 1 : 0);
    }
    /* rsp_prod: for the pass, and after rsp_event. */
    CU_ASSERT_EQUAL(stores_of_rsp_event, 1);
    for (size_t byte = 0; byte < 16; byte++)
        CU_ASSERT_EQUAL(loads[byte], byte >= 8 && byte < 12 ? 2 : 0);
    CU_ASSERT_EQUAL(fences, 1);
    CU_ASSERT_PTR_NULL(wrong);
    finish();
}

static void i1_a_poll_without_responses_loads_rsp_prod_once(void)
{
    start();
    (void)blkfront_queue_poll(rig.queue);
    for (size_t byte = 0; byte < PAGE; byte++)
        CU_ASSERT_EQUAL(loads[byte], byte >= 8 && byte < 12 ? 1 : 0);
    CU_ASSERT_EQUAL(fences, 0);
    CU_ASSERT_EQUAL(stores_of_rsp_event, 0);
    finish();
}

/* At the final check: too late for an event. */
static void late_response(void)
{
    (void)rig_serve(&rig);
    rig.fake.pending = false;
}

static void i14_a_response_before_the_final_check_is_taken_in_the_same_poll(void)
{
    struct rig_call first = page_read(), second = page_read();
    struct rig_request request;

    start();
    CU_ASSERT_EQUAL(rig_submit(&rig, &first), BLKFRONT_OK);
    CU_ASSERT_EQUAL(rig_submit(&rig, &second), BLKFRONT_OK);
    CU_ASSERT_TRUE(rig_take(&rig, &request));
    rig_respond(&rig, request.id, request.operation, BLKIF_WIRE_OKAY);
    forget();
    poke = late_response;
    poke_at_load = 3; /* rsp_prod, the slot, and again rsp_prod */
    (void)blkfront_queue_poll(rig.queue);
    CU_ASSERT_EQUAL(first.completions, 1);
    CU_ASSERT_EQUAL(second.completions, 1);
    /* Two passes, and a check after each. */
    CU_ASSERT_EQUAL(stores_of_rsp_event, 2);
    CU_ASSERT_EQUAL(loads[8], 3);
    CU_ASSERT_PTR_NULL(wrong);
    finish();
}

/* A violation that shows at the final check. */
static void run_ahead(void)
{
    rig_words(&rig, 0)->rsp_prod += 100;
}

static void i3_no_slot_is_read_after_a_producer_out_of_range(void)
{
    struct rig_call call = page_read();

    start();
    CU_ASSERT_EQUAL(rig_submit(&rig, &call), BLKFRONT_OK);
    forget();
    poke = run_ahead;
    poke_at_load = 1;
    (void)blkfront_queue_poll(rig.queue);
    CU_ASSERT_PTR_NOT_NULL(queue_violation(rig.queue));
    forget();
    rig_event(&rig);
    (void)blkfront_queue_poll(rig.queue);
    for (size_t byte = 0; byte < PAGE; byte++)
        CU_ASSERT_EQUAL(loads[byte], 0);
    finish();
}

/* After the response has been loaded. */
static void spoil_the_slot(void)
{
    unsigned char *slot = rig.queue->ring_slots;

    memset(slot, 0xff, WIRE_RESPONSE_BYTES);
}

static void i1_a_slot_that_changes_after_its_load_is_not_believed(void)
{
    struct rig_call call = page_read();

    start();
    CU_ASSERT_EQUAL(rig_submit(&rig, &call), BLKFRONT_OK);
    (void)rig_serve(&rig);
    forget();
    poke = spoil_the_slot;
    poke_at_load = 3; /* rsp_prod, the slot, and again rsp_prod */
    rig_poll(&rig);
    CU_ASSERT_EQUAL(nth_load, 3);
    CU_ASSERT_EQUAL(call.result, BLKFRONT_OK);
    CU_ASSERT_PTR_NULL(queue_violation(rig.queue));
    finish();
}

static void i11_a_stopped_queue_touches_nothing(void)
{
    struct rig_call call = page_read();

    start();
    CU_ASSERT_EQUAL(rig_submit(&rig, &call), BLKFRONT_OK);
    forget();
    rig.takes = false;
    queue_stop(rig.queue, BLKFRONT_DISCONNECTED);
    rig_poll(&rig);
    rig_poll(&rig);
    CU_ASSERT_EQUAL(call.completions, 1);
    CU_ASSERT_EQUAL(nth_load + fences + stores_of_req_prod + stores_of_rsp_event, 0);
    finish();
}

static const struct unit_test tests[] = {
    UNIT_TEST(i1_submit_loads_req_event_once),
    UNIT_TEST(i1_each_byte_of_a_response_is_loaded_once),
    UNIT_TEST(i1_a_poll_without_responses_loads_rsp_prod_once),
    UNIT_TEST(i14_a_response_before_the_final_check_is_taken_in_the_same_poll),
    UNIT_TEST(i3_no_slot_is_read_after_a_producer_out_of_range),
    UNIT_TEST(i1_a_slot_that_changes_after_its_load_is_not_believed),
    UNIT_TEST(i11_a_stopped_queue_touches_nothing),
};

UNIT_MAIN("observed", tests)
