/* SPDX-License-Identifier: ISC */
/*
 * The oracle runs out of memory: its nth allocation fails, once or from then on, and the world goes
 * on. What it could keep no book of it does not judge, so nobody is blamed. Linked with --wrap, so
 * that the calls come by here.
 */
#include "cunit_main.h"
#include "puppet.h"

#include "internal.h"

static unsigned inside;    /* calls of the oracle */
static uint64_t countdown; /* 0: nothing fails */
static bool from_then_on, fired;

/* The names are the linker's. NOLINTBEGIN(bugprone-reserved-identifier) */
void *__real_simback_allocate(struct simback_world *world, size_t size);
void *__wrap_simback_allocate(struct simback_world *world, size_t size);
struct oracle *__real_oracle_create(struct simback_world *world);
struct oracle *__wrap_oracle_create(struct simback_world *world);
void __real_oracle_event(struct simback_world *world, const struct simback_event *event,
                         uint64_t time_ns);
void __wrap_oracle_event(struct simback_world *world, const struct simback_event *event,
                         uint64_t time_ns);
void __real_simback_app_call(struct simback_world *world, uint16_t device, const char *name);
void __wrap_simback_app_call(struct simback_world *world, uint16_t device, const char *name);
void __real_simback_app_submit(struct simback_world *world, uint16_t device, uint16_t queue,
                               uint64_t request, enum blkfront_operation operation, unsigned flags,
                               uint32_t sector_size, uint64_t sector, uint64_t sectors,
                               const struct blkfront_buffer *buffers, size_t buffer_count);
void __wrap_simback_app_submit(struct simback_world *world, uint16_t device, uint16_t queue,
                               uint64_t request, enum blkfront_operation operation, unsigned flags,
                               uint32_t sector_size, uint64_t sector, uint64_t sectors,
                               const struct blkfront_buffer *buffers, size_t buffer_count);
void __real_simback_app_complete(struct simback_world *world, uint64_t request, int result);
void __wrap_simback_app_complete(struct simback_world *world, uint64_t request, int result);

void *__wrap_simback_allocate(struct simback_world *world, size_t size)
{
    if (inside == 0 || countdown == 0 || --countdown != 0)
        return __real_simback_allocate(world, size);
    fired = true;
    countdown = from_then_on;
    return NULL;
}

struct oracle *__wrap_oracle_create(struct simback_world *world)
{
    struct oracle *oracle;

    inside++;
    oracle = __real_oracle_create(world);
    inside--;
    return oracle;
}

void __wrap_oracle_event(struct simback_world *world, const struct simback_event *event,
                         uint64_t time_ns)
{
    inside++;
    __real_oracle_event(world, event, time_ns);
    inside--;
}

void __wrap_simback_app_call(struct simback_world *world, uint16_t device, const char *name)
{
    inside++;
    __real_simback_app_call(world, device, name);
    inside--;
}

void __wrap_simback_app_submit(struct simback_world *world, uint16_t device, uint16_t queue,
                               uint64_t request, enum blkfront_operation operation, unsigned flags,
                               uint32_t sector_size, uint64_t sector, uint64_t sectors,
                               const struct blkfront_buffer *buffers, size_t buffer_count)
{
    inside++;
    __real_simback_app_submit(world, device, queue, request, operation, flags, sector_size, sector,
                              sectors, buffers, buffer_count);
    inside--;
}

void __wrap_simback_app_complete(struct simback_world *world, uint64_t request, int result)
{
    inside++;
    __real_simback_app_complete(world, request, result);
    inside--;
}
/* NOLINTEND(bugprone-reserved-identifier) */

static struct puppet puppet;
static uint8_t data[2][4096], buffer[4096];

static void set_up(void)
{
    memset(data[0], 1, sizeof(data[0]));
    memset(data[1], 2, sizeof(data[1]));
}

static void nothing(void)
{
}

/* The nth allocation of the oracle from now on. */
static void fail(uint64_t nth, bool all_later)
{
    fired = false;
    countdown = nth;
    from_then_on = all_later;
}

/* ---- a run as it should be ---- */

static void send(uint64_t number, uint8_t op, uint64_t sector)
{
    puppet_send(&puppet, op, number, sector, 1, op == BLKIF_WIRE_READ ? 0 : 2);
    puppet_run(&puppet);
    (void)puppet_take(&puppet);
}

/* Two writes of one sector overlap, with a read that may see either. */
static void overlapping(uint64_t number, uint64_t sector)
{
    puppet_submit(&puppet, number, BLKFRONT_WRITE, sector, 1, data[0]);
    send(number, BLKIF_WIRE_WRITE, sector);
    puppet_complete(&puppet, number, 0);
    puppet_submit(&puppet, number + 1, BLKFRONT_WRITE, sector, 1, data[1]);
    puppet_submit(&puppet, number + 2, BLKFRONT_READ, sector, 1, buffer);
    send(number + 1, BLKIF_WIRE_WRITE, sector);
    puppet_complete(&puppet, number + 1, 0);
    send(number + 2, BLKIF_WIRE_READ, sector);
    memcpy(buffer, data[0], 512);
    puppet_complete(&puppet, number + 2, 0);
    puppet_step(&puppet);
}

static void many_sectors(uint64_t number)
{
    for (uint64_t i = 1; i <= 300; i++) {
        puppet_submit(&puppet, number + i, BLKFRONT_WRITE, 64 * i, 1, data[0]);
        puppet_complete(&puppet, number + i, BLKFRONT_OUT_OF_RANGE);
    }
}

static void many_requests(uint64_t number)
{
    for (uint64_t i = 1; i <= 300; i++)
        puppet_submit(&puppet, number + i, BLKFRONT_WRITE, 9, 1, data[i % 2]);
    for (uint64_t i = 1; i <= 300; i++)
        puppet_complete(&puppet, number + i, BLKFRONT_DISCONNECTED);
    puppet_step(&puppet);
}

static void many_discards(uint64_t number)
{
    for (uint64_t i = 1; i <= 40; i++)
        puppet_submit(&puppet, number + i, BLKFRONT_DISCARD, i, 1, NULL);
    for (uint64_t i = 1; i <= 40; i++)
        puppet_complete(&puppet, number + i, BLKFRONT_DISCONNECTED);
}

/* What is answered of a request is remembered until it is over (I15). */
static void in_parts(uint64_t number)
{
    puppet_submit(&puppet, number, BLKFRONT_READ, 100, 2, buffer);
    send(number, BLKIF_WIRE_READ, 101);
    send(number + 1, BLKIF_WIRE_READ, 100);
    puppet_complete(&puppet, number, 0);
    puppet_step(&puppet);
}

static void connection(uint64_t number)
{
    puppet_connect(&puppet);
    memset(buffer, 0, sizeof(buffer));
    in_parts(number + 6);
    overlapping(number, 9);
    puppet_submit(&puppet, number + 5, BLKFRONT_FLUSH, 0, 0, NULL);
    puppet_send(&puppet, BLKIF_WIRE_FLUSH_DISKCACHE, number + 5, 0, 0, 0);
    puppet_run(&puppet);
    (void)puppet_take(&puppet);
    puppet_complete(&puppet, number + 5, 0);
    puppet_step(&puppet);
}

static void story(bool observed, uint64_t nth, bool all_later)
{
    memset(&puppet, 0, sizeof(puppet));
    puppet.observed = observed;
    puppet_begin(&puppet);
    fail(nth, all_later);
    connection(1000);
    many_requests(2000);
    many_sectors(3000);
    many_discards(3500);
    for (uint32_t i = 0; i < 17; i++) {
        puppet_close(&puppet);
        puppet.order = i % 2; /* rings of another size need other books */
        puppet_write(&puppet, "state", "1");
        connection(4000 + 10 * (uint64_t)i);
    }
    puppet_close(&puppet);
    countdown = 0;
}

static void nobody_is_blamed(bool observed, bool all_later)
{
    uint64_t nth = 0;

    do {
        nth++;
        story(observed, nth, all_later);
        puppet_expect_none(&puppet);
        puppet_end(&puppet);
    } while (fired);
    CU_ASSERT_TRUE(nth > 20);
}

static void nobody_is_blamed_when_memory_fails_once(void)
{
    nobody_is_blamed(false, false);
    nobody_is_blamed(true, false);
}

static void nobody_is_blamed_when_memory_is_gone(void)
{
    nobody_is_blamed(true, true);
}

/* ---- a run with a mistake ---- */

/* It is found, or it is not; it is never taken for another one. */
static void a_mistake_is_not_taken_for_another(void)
{
    uint64_t nth = 0, found = 0;

    do {
        nth++;
        memset(&puppet, 0, sizeof(puppet));
        puppet_begin(&puppet);
        fail(nth, true);
        puppet_connect(&puppet);
        puppet_submit(&puppet, 1, BLKFRONT_FLUSH, 0, 0, NULL);
        puppet_complete(&puppet, 1, 0);
        countdown = 0;
        if (simback_violations(puppet.world, true) != 0) {
            puppet_expect(&puppet, 2, false, "the flush succeeds, but none of its 0 ring requests");
            found++;
        }
        puppet_end(&puppet);
    } while (fired);
    CU_ASSERT_TRUE(found > 0 && found < nth);
}

/* ---- before anything ---- */

static void without_memory_for_the_oracle_there_is_no_world(void)
{
    struct simback_world *world;
    uint64_t nth = 0;

    for (;;) {
        fail(++nth, false);
        world = simback_world_create(NULL);
        countdown = 0;
        if (!fired)
            break;
        CU_ASSERT_PTR_NULL(world);
    }
    CU_ASSERT_PTR_NOT_NULL(world);
    CU_ASSERT_EQUAL(nth, 5);
    simback_world_destroy(world);
}

static const struct unit_test tests[] = {
    UNIT_TEST(nobody_is_blamed_when_memory_fails_once),
    UNIT_TEST(nobody_is_blamed_when_memory_is_gone),
    UNIT_TEST(a_mistake_is_not_taken_for_another),
    UNIT_TEST(without_memory_for_the_oracle_there_is_no_world),
};
UNIT_MAIN_WITH("oracle: memory", set_up, nothing, tests)
