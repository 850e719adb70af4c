/* SPDX-License-Identifier: ISC */
/*
 * The world of the life cycle's tests.
 */
#include "fake_world.h"

#include <stdio.h>

struct fake fake;
struct blkfront *context;
struct world_backend backend;

/* ---- a backend ---- */

/* Valid until the fourth call after this one. */
static const char *path_of(const char *directory, const char *node)
{
    static char paths[4][FAKE_PATH];
    static unsigned next;
    char *path = paths[next++ % 4];

    snprintf(path, FAKE_PATH, "%s/%s", directory, node);
    return path;
}

static int state_of(const char *directory)
{
    const char *value = fake_get(&fake, path_of(directory, "state"));

    return value == NULL ? -1 : atoi(value);
}

void backend_goes(const char *state)
{
    fake_set(&fake, path_of(backend.back, "state"), state);
}

static void publish_properties(void)
{
    fake_set(&fake, path_of(backend.back, "sectors"), backend.sectors);
    fake_set(&fake, path_of(backend.back, "sector-size"), backend.sector_size);
    fake_set(&fake, path_of(backend.back, "info"), "0");
}

/* One move of a backend that behaves; false if it has none to make. */
bool backend_step(struct fake *unused)
{
    int front = state_of(backend.front);
    int back = state_of(backend.back);

    (void)unused;
    if (backend.hung || back < 0 || back == backend.stays_at)
        return false;
    if (back == 1 && !backend.skips_init_wait) {
        fake_set(&fake, path_of(backend.back, "max-ring-page-order"), "4");
        backend_goes("2");
    } else if (back == 1) {
        backend_goes("3");
    } else if ((back == 2 || back == 3) && (front == 3 || front == 4)) {
        publish_properties();
        backend_goes("4");
    } else if (back >= 2 && back <= 4 && front == 5) {
        backend_goes("5");
    } else if (back >= 2 && back <= 5 && front == 6) {
        backend_goes("6");
    } else if (back == 6 && front == 1) {
        backend_goes("2");
    } else {
        return false;
    }
    return true;
}

void add_device_at(const char *front, const char *back, const char *back_id)
{
    fake_set(&fake, path_of(front, "backend"), back);
    fake_set(&fake, path_of(front, "backend-id"), back_id);
    fake_set(&fake, path_of(front, "state"), "1");
    fake_set(&fake, path_of(back, "frontend"), front);
    fake_set(&fake, path_of(back, "state"), "1");
}

void add_device(void)
{
    add_device_at(FRONT, BACK, "0");
}

void world_set_up(void)
{
    fake_init(&fake);
    fake.world = backend_step;
    fake.recorded = FRONT "/state";
    fake_queues_init();
    backend = (struct world_backend){
        .front = FRONT,
        .back = BACK,
        .stays_at = -2,
        .sectors = "2048",
        .sector_size = "512",
    };
    add_device();
    context = NULL;
    if (blkfront_create(&fake.platform, &context) != BLKFRONT_OK)
        abort();
}

void world_tear_down(void)
{
    blkfront_destroy(context);
    CU_ASSERT_TRUE(fake_is_clean(&fake));
    CU_ASSERT_EQUAL(fake_queues.open, 0);
    CU_ASSERT_EQUAL(fake_queues.forgotten, 1);
}

void world_anew(void)
{
    world_tear_down();
    world_set_up();
}

/* ---- driving ---- */

bool poll_once(struct blkfront_device *device)
{
    bool more = blkfront_poll(device) != 0;

    for (uint32_t i = 0; i < device->options.queues; i++)
        more = blkfront_queue_poll(queue_at(device, i)) != 0 || more;
    return more;
}

/* Until nothing moves any more at this moment. */
void settle(struct blkfront_device *device)
{
    /* In so many rounds whoever was woken has had its turn. */
    enum { QUIET = 8 };
    unsigned quiet = 0;

    for (unsigned i = 0; i < 500 && quiet < QUIET; i++) {
        bool more = poll_once(device);
        bool moved = backend_step(&fake);

        quiet = more || moved ? 0 : quiet + 1;
    }
    CU_ASSERT_EQUAL(quiet, QUIET);
}

/* The same, and time goes on to the next thing that is due, until the device is final. */
void settle_in_time(struct blkfront_device *device)
{
    for (unsigned i = 0; i < 5000; i++) {
        uint64_t at;

        settle(device);
        at = blkfront_poll_at(device);
        if (at == UINT64_MAX)
            return;
        if (at > fake.now_ns)
            fake.now_ns = at;
    }
    CU_FAIL("time never comes to an end");
}

struct blkfront_device *begin(const struct blkfront_options *options)
{
    struct blkfront_device *device = NULL;

    CU_ASSERT_EQUAL_FATAL(blkfront_connect(context, "xvda", options, &device), BLKFRONT_OK);
    CU_ASSERT_EQUAL(blkfront_device_state(device), BLKFRONT_CONNECTING);
    return device;
}

struct blkfront_device *connected(void)
{
    struct blkfront_device *device = begin(NULL);

    settle(device);
    CU_ASSERT_EQUAL(blkfront_device_state(device), BLKFRONT_CONNECTED);
    return device;
}

/* Final, as expected, with nothing of it left; then released. */
void ends(struct blkfront_device *device, enum blkfront_state state, int error, const char *detail)
{
    settle_in_time(device);
    CU_ASSERT_EQUAL(blkfront_device_state(device), state);
    CU_ASSERT_EQUAL(blkfront_device_error(device), error);
    CU_ASSERT_STRING_EQUAL(blkfront_device_detail(device), detail);
    CU_ASSERT_EQUAL(fake_queues.open, 0);
    CU_ASSERT_EQUAL(fake_watch_count(&fake), 0);
    blkfront_release(device);
}

void left_as_found(void)
{
    CU_ASSERT(fake_below(&fake, FRONT) == 3 || fake_below(&fake, FRONT) == 0);
}
