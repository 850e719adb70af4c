/* SPDX-License-Identifier: ISC */
/*
 * What a world with one idle device costs: less than 2 MiB of memory that the process really has,
 * and where more is asked for than the defaults, the pages of these rings and pools beside that;
 * all of it in the world's arena and nothing on the heap.
 */
#include "check_main.h"
#include "device_world.h"
#include "heap.h"

#include <inttypes.h>
#include <string.h>

enum { SECTORS = 1 << 21, DEPTH = 32, PAGE = 4096, MOST = 2 << 20 };

#define ARENA_SIZE (UINT64_C(64) << 30) /* at most */

/* Bytes of the arena that the kernel has given pages for. */
static uint64_t resident(const struct simback_world *world)
{
    FILE *maps = fopen("/proc/self/smaps", "r");
    uint64_t begin = (uintptr_t)world, kib, total = 0, from, to;
    bool inside = false;
    char line[512];

    ck_assert_ptr_nonnull(maps);
    while (fgets(line, sizeof(line), maps) != NULL) {
        if (sscanf(line, "%" SCNx64 "-%" SCNx64 " ", &from, &to) == 2) {
            inside = from >= begin && to <= begin + ARENA_SIZE;
        } else if (inside && sscanf(line, "Rss: %" SCNu64 " kB", &kib) == 1) {
            total += kib * 1024;
        }
    }
    fclose(maps);
    return total;
}

static const struct {
    const char *name;
    uint32_t segments, ring_order, pool_pages;
    uint16_t queues;
    bool persistent;
} asked[] = {
    {"defaults", .segments = 11, .pool_pages = 352, .queues = 1},
    {"persistent", .segments = 11, .pool_pages = 352, .queues = 1, .persistent = true},
    {"256 segments", .segments = 256, .pool_pages = 352, .queues = 1},
    {"rings of 16 pages", .segments = 11, .ring_order = 4, .pool_pages = 352, .queues = 1},
    {"a large pool", .segments = 11, .pool_pages = 4096, .queues = 1},
    {"4 queues", .segments = 11, .pool_pages = 352, .queues = 4},
    {"all", .segments = 256, .ring_order = 2, .pool_pages = 704, .queues = 4, .persistent = true},
};
enum { SETS = sizeof(asked) / sizeof(asked[0]) };

static uint64_t most_of(int set)
{
    uint64_t pages = (uint64_t)asked[set].queues << asked[set].ring_order;

    pages += (uint64_t)asked[set].queues * asked[set].pool_pages;
    return pages == 1 + 352 ? MOST : MOST + pages * PAGE;
}

static int connect_device(struct device_world *own, int set)
{
    struct simback_backend_options backend;
    struct blkfront_options options;

    blkfront_options_init(&options);
    options.segments = asked[set].segments;
    options.ring_order = asked[set].ring_order;
    options.pool_pages = asked[set].pool_pages;
    options.queues = asked[set].queues;
    options.persistent = asked[set].persistent;
    device_world_backend(&backend, SECTORS);
    backend.queues = asked[set].queues;
    return device_world_begin(own, NULL, &backend) ? device_world_connect(own, &options)
                                                   : BLKFRONT_NO_MEMORY;
}

/* The options are agreed on, not only asked for. */
static void connect_and_rest(struct device_world *own, int set)
{
    struct blkfront_info info;

    ck_assert_int_eq(connect_device(own, set), BLKFRONT_OK);
    while (device_world_step(own)) {}
    ck_assert_int_eq(blkfront_get_info(own->device, &info), BLKFRONT_OK);
    ck_assert_uint_eq(info.segments, asked[set].segments);
    ck_assert_uint_eq(info.ring_order, asked[set].ring_order);
    ck_assert_uint_eq(info.queues, asked[set].queues);
    ck_assert_int_eq(info.persistent, asked[set].persistent);
}

static void judge(const struct device_world *own, const char *what, int set)
{
    uint64_t most = most_of(set);
    uint64_t bytes = resident(own->world);

    printf("%s, %s: %.2f MiB resident, %.2f MiB handed out at most, of %.2f MiB\n", asked[set].name,
           what, (double)bytes / (1 << 20), (double)simback_memory_peak(own->world) / (1 << 20),
           (double)most / (1 << 20));
    fflush(stdout);
    ck_assert_uint_gt(bytes, 100000); /* the mapping was found */
    ck_assert_uint_lt(bytes, most);
    ck_assert_uint_lt(simback_memory_peak(own->world), most);
    ck_assert_ptr_null(device_world_broken(own));
}

START_TEST(an_idle_device_takes_less_than_2_MiB)
{
    struct device_world own;

    connect_and_rest(&own, _i);
    judge(&own, "connected", _i);
    device_world_end(&own);
}
END_TEST

/* All pages of the pool have been in use. */
START_TEST(the_same_after_a_full_ring_of_reads)
{
    static uint8_t bytes[DEPTH][11 * PAGE];
    struct device_request requests[DEPTH];
    struct blkfront_statistics statistics;
    struct device_world own;

    connect_and_rest(&own, 0);
    memset(requests, 0, sizeof(requests));
    for (size_t i = 0; i < DEPTH; i++) {
        requests[i].buffer =
            (struct blkfront_buffer){.address = bytes[i], .size = sizeof(bytes[i])};
        requests[i].request.operation = BLKFRONT_READ;
        requests[i].request.sector = i * 1000;
        requests[i].request.buffers = &requests[i].buffer;
        requests[i].request.buffer_count = 1;
        device_world_submit(&own, &requests[i]);
    }
    for (size_t i = 0; i < DEPTH; i++) {
        ck_assert_int_eq(device_world_wait(&own, &requests[i]), BLKFRONT_OK);
    }
    blkfront_get_statistics(own.device, &statistics);
    ck_assert_uint_eq(statistics.bounced, DEPTH);
    judge(&own, "used", 0);
    device_world_end(&own);
}
END_TEST

START_TEST(nothing_lies_on_the_heap)
{
    struct device_world own;
    uint64_t before = heap_calls();
    int result = connect_device(&own, _i);

    before = heap_calls() - before;
    ck_assert_int_eq(result, BLKFRONT_OK);
    ck_assert_uint_eq(before, 0);
    ck_assert_uint_gt(heap_calls(), 0); /* libcheck's: they are counted */
    device_world_end(&own);
}
END_TEST

static Suite *idle_suite(void)
{
    Suite *suite = suite_create("idle_world");
    TCase *tests = tcase_create("memory");

    tcase_add_loop_test(tests, an_idle_device_takes_less_than_2_MiB, 0, SETS);
    tcase_add_test(tests, the_same_after_a_full_ring_of_reads);
    tcase_add_loop_test(tests, nothing_lies_on_the_heap, 0, SETS);
    suite_add_tcase(suite, tests);
    return suite;
}

CHECK_MAIN(idle_suite)
