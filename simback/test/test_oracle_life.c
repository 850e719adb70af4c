/* SPDX-License-Identifier: ISC */
/*
 * The rules over what happens to a backend and its disk: discards, other sizes, power cuts,
 * restarts, a guest that is resumed. What is right then must stay right, and nothing else.
 */
#include "cunit_main.h"
#include "puppet.h"

#include <simback/disk.h>

static struct puppet puppet;
static struct simback_backend_options options;
static uint8_t one[4096], zeros[4096], buffer[4096];
static uint64_t ids;

static void set_up(void)
{
    memset(&puppet, 0, sizeof(puppet));
    memset(one, 1, sizeof(one));
    memset(buffer, 0, sizeof(buffer));
    ids = 100;
    puppet_begin(&puppet);
    simback_backend_options_init(&options);
    options.discard = SIMBACK_YES;
    puppet.backend = simback_world_restart_backend(puppet.world, &options);
    puppet_connect(&puppet);
}

static void tear_down(void)
{
    puppet_end(&puppet);
}

static void run_and_take(void)
{
    puppet_run(&puppet);
    (void)puppet_take(&puppet);
}

static void complete(uint64_t number)
{
    run_and_take();
    puppet_complete(&puppet, number, 0);
    puppet_step(&puppet);
}

static void write_sector(uint64_t number, uint64_t sector, uint8_t *bytes)
{
    puppet_submit(&puppet, number, BLKFRONT_WRITE, sector, 1, bytes);
    memcpy(puppet.data[2], bytes, 512);
    puppet_send(&puppet, BLKIF_WIRE_WRITE, ids++, sector, 1, 2);
    complete(number);
}

static void submit_read(uint64_t number, uint64_t sector)
{
    puppet_submit(&puppet, number, BLKFRONT_READ, sector, 1, buffer);
    puppet_send(&puppet, BLKIF_WIRE_READ, ids++, sector, 1, 0);
}

static void read_returns(uint64_t number, const uint8_t *bytes)
{
    memcpy(buffer, bytes, 512);
    complete(number);
}

static void read_sector(uint64_t number, uint64_t sector, const uint8_t *bytes)
{
    submit_read(number, sector);
    read_returns(number, bytes);
}

static void put_discard(uint64_t first_512, uint64_t count_512)
{
    const struct blkif_wire_discard_64 slot = {
        .operation = BLKIF_WIRE_DISCARD,
        .id = ids++,
        .sector_512 = first_512,
        .count_512 = count_512,
    };

    puppet_put_slot(&puppet, &slot, sizeof(slot));
    puppet_push(&puppet);
    puppet_step(&puppet);
}

static void submit_discard(uint64_t number, uint64_t sector, uint64_t sectors)
{
    puppet_submit(&puppet, number, BLKFRONT_DISCARD, sector, sectors, NULL);
}

/* ---- I7: zeros that nobody wrote ---- */

static void i7_a_discard_may_leave_zeros_or_what_was_there(void)
{
    write_sector(1, 9, one);
    submit_discard(2, 8, 8);
    put_discard(8, 8);
    complete(2);
    read_sector(3, 9, zeros);
    read_sector(4, 9, one);
    puppet_expect_none(&puppet);
}

static void i7_zeros_beside_a_discard(void)
{
    write_sector(1, 16, one);
    submit_discard(2, 8, 8);
    put_discard(8, 8);
    complete(2);
    read_sector(3, 16, zeros);
    puppet_expect(&puppet, 7, false, "request 3: sector 16");
}

static void i7_zeros_where_was_written_after_the_discard(void)
{
    submit_discard(1, 8, 8);
    put_discard(8, 8);
    complete(1);
    write_sector(2, 9, one);
    read_sector(3, 9, zeros);
    puppet_expect(&puppet, 7, false, "request 3: sector 9");
}

static void i7_a_discard_and_a_write_at_once(void)
{
    submit_discard(1, 8, 8);
    write_sector(2, 9, one);
    put_discard(8, 8);
    complete(1);
    read_sector(3, 9, zeros);
    read_sector(4, 9, one);
    puppet_expect_none(&puppet);
}

static void i7_a_refused_discard_leaves_nothing(void)
{
    write_sector(1, 9, one);
    submit_discard(2, 8, 8);
    simback_app_refused(puppet.world, 2, BLKFRONT_UNIMPLEMENTED);
    read_sector(3, 9, zeros);
    puppet_expect(&puppet, 7, false, "request 3: sector 9");
}

static void i7_a_disk_that_shrinks_and_grows_again(void)
{
    write_sector(1, 9, one);
    write_sector(2, 1000, one);
    CU_ASSERT_EQUAL(simback_backend_resize(puppet.backend, 500, 512), 0);
    puppet_run(&puppet);
    CU_ASSERT_EQUAL(simback_backend_resize(puppet.backend, 2048, 512), 0);
    puppet_run(&puppet);
    (void)puppet_read_back(&puppet, "state");
    (void)puppet_read_back(&puppet, "sectors");
    read_sector(3, 1000, zeros);
    puppet_expect_none(&puppet);
    read_sector(4, 9, zeros);
    puppet_expect(&puppet, 7, false, "request 4: sector 9");
}

/* ---- I7: the power was cut ---- */

static void connect_again(void)
{
    puppet_write(&puppet, "state", "1");
    puppet_step(&puppet);
    puppet_close_port(&puppet);
    puppet_close_watches(&puppet);
    puppet_end_grants(&puppet);
    puppet.backend = simback_world_restart_backend(puppet.world, &options);
    puppet_connect(&puppet);
}

static void i7_what_a_power_cut_took_is_gone(void)
{
    write_sector(1, 9, one);
    simback_backend_power_cut(puppet.backend);
    CU_ASSERT_EQUAL(puppet_read_back(&puppet, "state"), -1);
    connect_again();
    read_sector(2, 9, zeros);
    puppet_expect_none(&puppet);
    read_sector(3, 9, one);
    puppet_expect(&puppet, 7, false, "request 3: sector 9");
}

static void i7_a_write_in_flight_may_come_after_the_power_cut(void)
{
    puppet_submit(&puppet, 1, BLKFRONT_WRITE, 9, 1, one);
    puppet_send(&puppet, BLKIF_WIRE_WRITE, ids++, 9, 1, 2);
    simback_backend_power_cut(puppet.backend);
    CU_ASSERT_EQUAL(puppet_read_back(&puppet, "state"), -1);
    connect_again();
    memcpy(puppet.data[2], one, 512);
    puppet_send(&puppet, BLKIF_WIRE_WRITE, ids++, 9, 1, 2);
    complete(1);
    read_sector(2, 9, one);
    puppet_expect_none(&puppet);
    read_sector(3, 9, zeros);
    puppet_expect(&puppet, 7, false, "request 3: sector 9");
}

/* Two sectors, of which the first is answered before: it is lost, and nobody writes it again. */
static void parts_around_a_power_cut(bool taken, uint64_t sector, const uint8_t *wrong)
{
    tear_down();
    set_up();
    puppet_submit(&puppet, 1, BLKFRONT_WRITE, 9, 2, one);
    memcpy(puppet.data[2], one, 512);
    puppet_send(&puppet, BLKIF_WIRE_WRITE, ids++, 9, 1, 2);
    puppet_run(&puppet);
    if (!taken)
        simback_backend_power_cut(puppet.backend);
    (void)puppet_take(&puppet);
    puppet_step(&puppet);
    if (taken)
        simback_backend_power_cut(puppet.backend);
    CU_ASSERT_EQUAL(puppet_read_back(&puppet, "state"), -1);
    connect_again();
    memcpy(puppet.data[2], one, 512);
    puppet_send(&puppet, BLKIF_WIRE_WRITE, ids++, 10, 1, 2);
    complete(1);
    read_sector(2, 9, zeros);
    read_sector(3, 10, one);
    puppet_expect_none(&puppet);
    read_sector(4, sector, wrong);
    puppet_expect(&puppet, 7, false, "request 4: sector");
}

static void i7_what_a_power_cut_took_of_a_write_is_gone(void)
{
    for (int taken = 0; taken < 2; taken++) {
        parts_around_a_power_cut(taken != 0, 9, one);
        parts_around_a_power_cut(taken != 0, 10, zeros);
    }
}

/* It was answered before; nobody can say any more what that was. */
static void i7_a_read_over_a_power_cut_is_not_judged(void)
{
    write_sector(1, 9, one);
    submit_read(2, 9);
    puppet_run(&puppet);
    simback_backend_power_cut(puppet.backend);
    (void)puppet_take(&puppet);
    memcpy(buffer, one, 512);
    puppet_complete(&puppet, 2, 0);
    puppet_step(&puppet);
    puppet_expect_none(&puppet);
}

/* ---- I7: other sectors ---- */

static void i7_sectors_of_another_size_begin_anew(void)
{
    static uint8_t old[512];

    memcpy(old, one, sizeof(old));
    write_sector(1, 9, one);
    puppet_submit(&puppet, 2, BLKFRONT_WRITE, 64, 1, old); /* still in flight */
    CU_ASSERT_EQUAL(simback_backend_resize(puppet.backend, 256, 4096), 0);
    puppet_run(&puppet);
    (void)puppet_read_back(&puppet, "state");
    (void)puppet_read_back(&puppet, "sector-size");
    (void)puppet_read_back(&puppet, "sectors");
    puppet.sector_size = 4096;
    puppet_submit(&puppet, 3, BLKFRONT_WRITE, 1, 1, one);
    memcpy(puppet.data[2], one, 4096);
    puppet_send(&puppet, BLKIF_WIRE_WRITE, ids++, 8, 8, 2);
    complete(3);
    puppet_submit(&puppet, 4, BLKFRONT_READ, 1, 1, buffer);
    puppet_send(&puppet, BLKIF_WIRE_READ, ids++, 8, 8, 0);
    memcpy(buffer, one, 4096);
    complete(4);
    puppet_expect_none(&puppet);
    /* Sector 1 is not what sector 1 was. */
    puppet_submit(&puppet, 5, BLKFRONT_READ, 1, 1, buffer);
    puppet_send(&puppet, BLKIF_WIRE_READ, ids++, 8, 8, 0);
    memset(buffer, 0, sizeof(buffer));
    complete(5);
    puppet_expect(&puppet, 7, false, "request 5: sector 1");
}

/* ---- I2, I9: whole extents ---- */

static void with_extents_of_eight_from_two_on(void)
{
    simback_backend_crash(puppet.backend);
    CU_ASSERT_EQUAL(puppet_read_back(&puppet, "state"), -1);
    options.discard_granularity = 4096;
    options.discard_alignment = 1024;
    connect_again();
    (void)puppet_read_back(&puppet, "discard-granularity");
    (void)puppet_read_back(&puppet, "discard-alignment");
}

static void i2_only_whole_extents_have_to_be_discarded(void)
{
    with_extents_of_eight_from_two_on();
    submit_discard(1, 0, 30); /* 2 to 25 */
    put_discard(2, 24);
    complete(1);
    submit_discard(2, 3, 12); /* none */
    puppet_complete(&puppet, 2, 0);
    puppet_step(&puppet);
    puppet_expect_none(&puppet);
}

static void i2_a_whole_extent_is_missing(void)
{
    with_extents_of_eight_from_two_on();
    submit_discard(1, 0, 30);
    put_discard(2, 16);
    complete(1);
    puppet_expect(&puppet, 2, false, "request 1: succeeds with 16 of 30 units");
}

static void i9_where_no_extent_begins(void)
{
    with_extents_of_eight_from_two_on();
    submit_discard(1, 0, 32);
    put_discard(8, 8);
    puppet_expect(&puppet, 9, false, "discards from unit 8 on, where no extent of 8 units begins");
}

static void i9_half_an_extent(void)
{
    with_extents_of_eight_from_two_on();
    submit_discard(1, 0, 32);
    put_discard(2, 12);
    puppet_expect(&puppet, 9, true, "discards 12 units, which is not whole extents of 8");
}

/* ---- I11 ---- */

static void i11_everything_begins_anew_with_another_backend(void)
{
    puppet.backend = simback_world_restart_backend(puppet.world, &options);
    puppet_write(&puppet, "state", "1");
    puppet_step(&puppet);
    puppet_expect_none(&puppet);
}

static void i11_but_not_with_the_same(void)
{
    puppet_write(&puppet, "state", "1");
    puppet_expect(&puppet, 11, false, "from state 4 to state 1");
}

/* One that took up the ring and said 4 is a backend to be closed as any other. */
static void i11_not_after_it_has_gone_on(void)
{
    puppet.backend = simback_world_restart_backend(puppet.world, &options);
    puppet_run(&puppet);
    CU_ASSERT_EQUAL(puppet_read_back(&puppet, "state"), 4);
    puppet_write(&puppet, "state", "1");
    puppet_expect(&puppet, 11, false, "from state 4 to state 1");
}

/* ---- I2: the last answers of a ring ---- */

/* It was published before the frontend went to 1: taken then, or issued again, both are right. */
static void i2_an_answer_taken_after_the_ring_was_given_up(void)
{
    puppet_submit(&puppet, 1, BLKFRONT_WRITE, 9, 1, one);
    memcpy(puppet.data[2], one, 512);
    puppet_send(&puppet, BLKIF_WIRE_WRITE, ids++, 9, 1, 2);
    puppet_run(&puppet);
    puppet.backend = simback_world_restart_backend(puppet.world, &options);
    puppet_write(&puppet, "state", "1");
    (void)puppet_take(&puppet);
    puppet_complete(&puppet, 1, 0);
    puppet_step(&puppet);
    puppet_expect_none(&puppet);
}

static void i2_an_answer_that_was_not_published_when_the_ring_was_given_up(void)
{
    puppet_submit(&puppet, 1, BLKFRONT_WRITE, 9, 1, one);
    puppet_send(&puppet, BLKIF_WIRE_WRITE, ids++, 9, 1, 2);
    puppet.backend = simback_world_restart_backend(puppet.world, &options);
    puppet_write(&puppet, "state", "1");
    puppet_complete(&puppet, 1, 0);
    puppet_expect(&puppet, 2, false, "request 1: succeeds with 0 of 1 units");
}

/* ---- I9: what was offered before is offered no more ---- */

static void i9_indirect_as_the_old_backend_offered_it(void)
{
    const struct blkif_wire_indirect_64 slot = {
        .operation = BLKIF_WIRE_INDIRECT,
        .indirect_operation = BLKIF_WIRE_READ,
        .segment_count = 1,
        .id = 77,
    };

    CU_ASSERT_EQUAL(puppet_read_back(&puppet, "feature-max-indirect-segments"), 256);
    simback_backend_crash(puppet.backend);
    CU_ASSERT_EQUAL(puppet_read_back(&puppet, "state"), -1);
    options.segments = 0;
    connect_again();
    CU_ASSERT_EQUAL(puppet_read_back(&puppet, "feature-max-indirect-segments"), -1);
    puppet_submit(&puppet, 1, BLKFRONT_READ, 0, 1, buffer);
    puppet_put_slot(&puppet, &slot, sizeof(slot));
    puppet_push(&puppet);
    puppet_step(&puppet);
    CU_ASSERT_TRUE(simback_violations(puppet.world, false) > 0);
    CU_ASSERT_TRUE(strstr(simback_violation(puppet.world, 0)->text, "has not offered") != NULL ||
                   strstr(simback_violation(puppet.world, 1)->text, "has not offered") != NULL);
}

/* ---- I4 ---- */

static void i4_a_recovering_device_waits_for_a_backend(void)
{
    puppet_submit(&puppet, 1, BLKFRONT_READ, 0, 1, buffer);
    simback_backend_crash(puppet.backend);
    CU_ASSERT_EQUAL(simback_who_owes(puppet.world, 0), SIMBACK_OWES_FRONTEND);
    puppet_app_state(&puppet, BLKFRONT_RECOVERING);
    CU_ASSERT_EQUAL(simback_who_owes(puppet.world, 0), SIMBACK_OWES_BACKEND);
    puppet.backend = simback_world_restart_backend(puppet.world, &options);
    puppet_write(&puppet, "state", "1");
    puppet_run(&puppet);
    CU_ASSERT_EQUAL(simback_who_owes(puppet.world, 0), SIMBACK_OWES_FRONTEND);
}

/* One that has a state node has not looked yet; one that has none is gone. */
static void i4_a_backend_in_state_0_is_waited_for_at_the_beginning(void)
{
    static const char state[] = "/local/domain/0/backend/vbd/1/51712/state";

    puppet_write(&puppet, "state", "1");
    CU_ASSERT_EQUAL(simback_store_write(puppet.world, state, "0", 1), 0);
    CU_ASSERT_EQUAL(simback_who_owes(puppet.world, 0), SIMBACK_OWES_BACKEND);
    CU_ASSERT_EQUAL(simback_store_remove(puppet.world, state), 0);
    CU_ASSERT_EQUAL(simback_who_owes(puppet.world, 0), SIMBACK_OWES_FRONTEND);
}

static void i4_nobody_goes_on_before_the_guest_is_resumed(void)
{
    puppet_submit(&puppet, 1, BLKFRONT_READ, 0, 1, buffer);
    CU_ASSERT_EQUAL(simback_who_owes(puppet.world, 0), SIMBACK_OWES_FRONTEND);
    simback_app_call(puppet.world, SIMBACK_NO_DEVICE, "suspend");
    CU_ASSERT_EQUAL(simback_who_owes(puppet.world, 0), SIMBACK_OWES_BACKEND);
    simback_app_call(puppet.world, SIMBACK_NO_DEVICE, "resume");
    CU_ASSERT_EQUAL(simback_who_owes(puppet.world, 0), SIMBACK_OWES_FRONTEND);
}

/* ---- I12: a backend in the frontend's own domain ---- */

/* Its watches and ports are not told from the frontend's: then neither are judged, whichever came
 * first. */
static void i12_a_backend_that_moves_into_the_frontends_domain(void)
{
    puppet_disconnect(&puppet);
    options.domid = SIMBACK_FRONT_DOMID;
    puppet.backend = simback_world_restart_backend(puppet.world, &options);
    puppet_run(&puppet);
    puppet_remove_nodes(&puppet);
    puppet_close_port(&puppet);
    puppet_end_grants(&puppet);
    puppet_released(&puppet); /* with its watches set */
    puppet_expect_none(&puppet);
}

/* ---- resumed ---- */

static void resume(uint16_t domid)
{
    simback_app_call(puppet.world, SIMBACK_NO_DEVICE, "suspend");
    CU_ASSERT_EQUAL(simback_world_resume(puppet.world, domid), 0);
    simback_app_call(puppet.world, SIMBACK_NO_DEVICE, "resume");
    puppet.backend = simback_world_backend(puppet.world, 0);
}

/* What was in flight goes on with the new backend; what is left is given back. */
static void a_resume_as_it_should_be(void)
{
    puppet_submit(&puppet, 1, BLKFRONT_WRITE, 9, 1, one);
    puppet_send(&puppet, BLKIF_WIRE_WRITE, ids++, 9, 1, 2);
    resume(1);
    puppet_close_port(&puppet);
    puppet_close_watches(&puppet);
    puppet_end_grants(&puppet);
    puppet_connect(&puppet);
    memcpy(puppet.data[2], one, 512);
    puppet_send(&puppet, BLKIF_WIRE_WRITE, ids++, 9, 1, 2);
    complete(1);
    read_sector(2, 9, one);
    puppet_close(&puppet);
    puppet_expect_none(&puppet);
}

/* Whoever closes at once acts by the state that it had; who looks, by what it finds. */
static void i11_a_state_that_somebody_else_writes_after_the_resume(void)
{
    static const char state[] = "/local/domain/1/device/vbd/51712/state";
    char value[8];
    size_t length;

    resume(1);
    CU_ASSERT_EQUAL(simback_store_write(puppet.world, state, "2", 1), 0);
    puppet_write(&puppet, "state", "5");
    puppet_expect_none(&puppet);
    resume(1);
    CU_ASSERT_EQUAL(simback_store_write(puppet.world, state, "2", 1), 0);
    CU_ASSERT_EQUAL(
        puppet.platform->store_read(puppet.context, 0, state, value, sizeof(value), &length), 0);
    puppet_write(&puppet, "state", "6");
    puppet_expect(&puppet, 11, false, "from state 2 to state 6");
}

/* It was connecting: another backend is to come, until it is told that none does. */
static void i4_a_backend_that_is_gone_after_the_resume(void)
{
    puppet_close(&puppet);
    simback_app_device(puppet.world, 0, BLKFRONT_CONNECTING, 0);
    resume(1);
    simback_backend_crash(puppet.backend);
    CU_ASSERT_EQUAL(simback_who_owes(puppet.world, 0), SIMBACK_OWES_BACKEND);
    simback_app_device(puppet.world, 0, BLKFRONT_DISCONNECTING, 0);
    CU_ASSERT_EQUAL(simback_who_owes(puppet.world, 0), SIMBACK_OWES_FRONTEND);
    simback_app_device(puppet.world, 0, BLKFRONT_CLOSED, 0);
    simback_app_device(puppet.world, 0, BLKFRONT_CONNECTING, 0);
    CU_ASSERT_EQUAL(simback_who_owes(puppet.world, 0), SIMBACK_OWES_FRONTEND);
}

static void i5_a_grant_of_before_the_resume(void)
{
    uint32_t old;

    resume(1);
    puppet_close_port(&puppet);
    puppet_close_watches(&puppet);
    old = puppet.refs[0];
    puppet_connect(&puppet);
    puppet.refs[0] = old;
    submit_read(1, 0);
    puppet_expect(&puppet, 5, false, "which is not granted to the backend");
}

/* Also under another number. */
static void i5_grants_of_before_the_resume_are_given_back(void)
{
    resume(9);
    puppet_close_port(&puppet);
    puppet_close_watches(&puppet);
    puppet_end_grants(&puppet);
    puppet_released(&puppet);
    puppet_expect_none(&puppet);
}

static void i5_a_grant_that_was_not_given_back(void)
{
    resume(1);
    puppet_close_port(&puppet);
    puppet_close_watches(&puppet);
    puppet_connect(&puppet);
    puppet_close(&puppet);
    /* The device's, the program's, and the pages of the latter. */
    CU_ASSERT_EQUAL(simback_violations(puppet.world, false), 3);
    CU_ASSERT_PTR_NOT_NULL(strstr(simback_violation(puppet.world, 0)->text,
                                  "but 5 grants are left that it has not tried to end"));
}

static const struct unit_test tests[] = {
    UNIT_TEST(i7_a_discard_may_leave_zeros_or_what_was_there),
    UNIT_TEST(i7_zeros_beside_a_discard),
    UNIT_TEST(i7_zeros_where_was_written_after_the_discard),
    UNIT_TEST(i7_a_discard_and_a_write_at_once),
    UNIT_TEST(i7_a_refused_discard_leaves_nothing),
    UNIT_TEST(i7_a_disk_that_shrinks_and_grows_again),
    UNIT_TEST(i7_what_a_power_cut_took_is_gone),
    UNIT_TEST(i7_what_a_power_cut_took_of_a_write_is_gone),
    UNIT_TEST(i7_a_write_in_flight_may_come_after_the_power_cut),
    UNIT_TEST(i7_a_read_over_a_power_cut_is_not_judged),
    UNIT_TEST(i7_sectors_of_another_size_begin_anew),
    UNIT_TEST(i2_only_whole_extents_have_to_be_discarded),
    UNIT_TEST(i2_a_whole_extent_is_missing),
    UNIT_TEST(i9_where_no_extent_begins),
    UNIT_TEST(i9_half_an_extent),
    UNIT_TEST(i11_everything_begins_anew_with_another_backend),
    UNIT_TEST(i11_but_not_with_the_same),
    UNIT_TEST(i11_not_after_it_has_gone_on),
    UNIT_TEST(i2_an_answer_taken_after_the_ring_was_given_up),
    UNIT_TEST(i2_an_answer_that_was_not_published_when_the_ring_was_given_up),
    UNIT_TEST(i9_indirect_as_the_old_backend_offered_it),
    UNIT_TEST(i4_a_recovering_device_waits_for_a_backend),
    UNIT_TEST(i4_a_backend_in_state_0_is_waited_for_at_the_beginning),
    UNIT_TEST(i4_nobody_goes_on_before_the_guest_is_resumed),
    UNIT_TEST(i12_a_backend_that_moves_into_the_frontends_domain),
    UNIT_TEST(a_resume_as_it_should_be),
    UNIT_TEST(i11_a_state_that_somebody_else_writes_after_the_resume),
    UNIT_TEST(i4_a_backend_that_is_gone_after_the_resume),
    UNIT_TEST(i5_a_grant_of_before_the_resume),
    UNIT_TEST(i5_grants_of_before_the_resume_are_given_back),
    UNIT_TEST(i5_a_grant_that_was_not_given_back),
};
UNIT_MAIN_WITH("oracle: life", set_up, tear_down, tests)
