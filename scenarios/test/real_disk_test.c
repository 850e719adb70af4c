/* SPDX-License-Identifier: ISC */
/*
 * Real data on a simulated disk: an ext4 file system of real files is written through the frontend
 * while the backend delays, holds and reorders requests. It is read back over another connection,
 * after a power cut, and is the same; e2fsck finds nothing wrong with what was read, nor with the
 * disk itself where that is a file. A disk of 4 GiB takes no more memory than one of 32 MiB.
 * Skipped where e2fsprogs are not there.
 */
#define _GNU_SOURCE
#include "check_main.h"
#include "real_copy.h"
#include "real_files.h"

#include <simback/event.h>

#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

enum { SKIPPED = 77, UNIT = 512 };

static const struct {
    const char *name;
    uint64_t bytes;
    bool on_file;
} disks[] = {
    {"32 MiB in memory", UINT64_C(32) << 20, false},
    {"32 MiB on a file", UINT64_C(32) << 20, true},
    {"4 GiB in memory", UINT64_C(4) << 30, false},
    {"4 GiB on a file", UINT64_C(4) << 30, true},
};

static uint64_t delayed, held, reordered;

/* Counts what the backend did to requests. */
static void count_fault(void *context, const struct simback_event *event, uint64_t time_ns)
{
    (void)context;
    (void)time_ns;
    if (event->kind == SIMBACK_FAULT) {
        delayed += strcmp(event->path, "delay") == 0;
        held += strcmp(event->path, "hold") == 0;
        reordered += strcmp(event->path, "reorder") == 0;
    }
}

static char folder[PATH_MAX - 8], files[PATH_MAX], image[PATH_MAX], disk[PATH_MAX], copy[PATH_MAX];

/* Outside of the tests' processes: it is removed also when one of them fails. */
static void make_folder(void)
{
    snprintf(folder, sizeof(folder), "%s/real-disk-XXXXXX", SIMBLK_BINARY_DIR);
    if (mkdtemp(folder) != NULL) {
        snprintf(files, sizeof(files), "%s/files", folder);
        snprintf(image, sizeof(image), "%s/image", folder);
        snprintf(disk, sizeof(disk), "%s/disk", folder);
        snprintf(copy, sizeof(copy), "%s/copy", folder);
    }
    if (!real_files_make(files)) {
        fprintf(stderr, "%s: the files cannot be made\n", folder);
        exit(EXIT_FAILURE);
    }
}

static void remove_folder(void)
{
    real_files_remove(folder);
}

static int make_empty(const char *path, uint64_t bytes)
{
    int file = open(path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);

    ck_assert_int_ge(file, 0);
    ck_assert_int_eq(ftruncate(file, (off_t)bytes), 0);
    return file;
}

static void begin(struct device_world *device, uint64_t bytes, bool on_file)
{
    struct simback_backend_options backend;
    struct simback_world_options options;
    struct simback_world *world;
    char error[300] = "";

    simback_world_options_init(&options);
    options.seed = 1;
    options.random_order = true;
    world = simback_world_create(&options);
    ck_assert_ptr_nonnull(world);
    simback_trace_to(world, count_fault, NULL);
    device_world_backend(&backend, bytes / UNIT);
    if (on_file) {
        close(make_empty(disk, bytes));
        backend.disk = simback_disk_file(world, disk, false, error, sizeof(error));
        ck_assert_msg(backend.disk != NULL, "%s", error);
    }
    ck_assert(device_world_begin_in(device, world, true, &backend));
    ck_assert(real_copy_faults(device));
}

static void write_image(struct device_world *device, int original)
{
    uint64_t bytes = 0;

    ck_assert_int_eq(device_world_connect(device, NULL), BLKFRONT_OK);
    ck_assert_int_eq(real_copy_write(device, original, &bytes), BLKFRONT_OK);
    simback_backend_clear_faults(device->backend);
    ck_assert_int_eq(device_world_do(device, BLKFRONT_FLUSH, 0, NULL, 0, NULL), BLKFRONT_OK);
    device_world_disconnect(device);
    simback_disk_power_cut(simback_backend_disk(device->backend));
    printf("%" PRIu64 " KiB written, ", bytes / 1024);
    ck_assert_uint_gt(bytes, 8 << 20);
}

static enum real_copy_difference read_back(struct device_world *device, int original)
{
    enum real_copy_difference difference;
    int into = make_empty(copy, simback_disk_size(simback_backend_disk(device->backend)) * UNIT);

    ck_assert(real_copy_faults(device));
    ck_assert_int_eq(device_world_connect(device, NULL), BLKFRONT_OK);
    difference = real_copy_read(device, original, into);
    device_world_disconnect(device);
    close(into);
    return difference;
}

/* Sanitizers take memory of their own: there nothing is asked. */
static void judge_memory(void)
{
    struct rusage usage;

    ck_assert_int_eq(getrusage(RUSAGE_SELF, &usage), 0);
    printf("%.1f MiB of memory at most\n", (double)usage.ru_maxrss / 1024);
    fflush(stdout);
    if (REAL_DISK_MEMORY_MIB != 0) {
        ck_assert_int_le(usage.ru_maxrss, REAL_DISK_MEMORY_MIB * 1024L);
    }
}

START_TEST(a_file_system_survives)
{
    struct device_world device;
    int file;

    printf("%s: ", disks[_i].name);
    ck_assert(real_files_image(files, image, disks[_i].bytes));
    file = open(image, O_RDONLY | O_CLOEXEC);
    ck_assert_int_ge(file, 0);
    begin(&device, disks[_i].bytes, disks[_i].on_file);
    write_image(&device, file);
    ck_assert(delayed > 5 && held > 5 && reordered > 20);
    delayed = held = reordered = 0;
    ck_assert_int_eq(read_back(&device, file), REAL_COPY_SAME);
    ck_assert(delayed > 5 && held > 5 && reordered > 20);
    ck_assert_msg(device_world_broken(&device) == NULL, "%s", device_world_broken(&device));
    device_world_end_context(&device);
    ck_assert_msg(device_world_broken(&device) == NULL, "%s", device_world_broken(&device));
    device_world_end(&device);
    close(file);
    judge_memory();
    ck_assert(real_files_sound(copy));
    if (disks[_i].on_file) {
        ck_assert(real_files_sound(disk));
    }
    unlink(image);
}
END_TEST

/* The comparison can tell, and so can the rules. */
START_TEST(a_changed_sector_is_noticed)
{
    static const uint8_t changed[UNIT] = {1};
    struct device_world device;
    int file;

    ck_assert(real_files_image(files, image, disks[0].bytes));
    file = open(image, O_RDONLY | O_CLOEXEC);
    ck_assert_int_ge(file, 0);
    begin(&device, disks[0].bytes, false);
    write_image(&device, file);
    ck_assert_int_eq(simback_disk_write(simback_backend_disk(device.backend), 2, 1, changed), 0);
    ck_assert_int_eq(read_back(&device, file), REAL_COPY_DIFFERS);
    ck_assert_ptr_nonnull(device_world_broken(&device));
    device_world_end(&device);
    close(file);
    unlink(image);
}
END_TEST

/* e2fsck would say so. */
START_TEST(a_damaged_file_system_is_noticed)
{
    static const uint8_t damage[1024] = {1, 2, 3};
    int file;

    ck_assert(real_files_image(files, image, disks[0].bytes));
    ck_assert(real_files_sound(image));
    file = open(image, O_RDWR | O_CLOEXEC);
    ck_assert_int_eq(pwrite(file, damage, sizeof(damage), 2048), sizeof(damage));
    close(file);
    ck_assert(!real_files_sound(image));
    unlink(image);
}
END_TEST

static Suite *real_disk_suite(void)
{
    Suite *suite = suite_create("real_disk");
    TCase *tests = tcase_create("ext4");

    tcase_add_unchecked_fixture(tests, make_folder, remove_folder);
    tcase_set_timeout(tests, 300);
    tcase_add_loop_test(tests, a_file_system_survives, 0, sizeof(disks) / sizeof(disks[0]));
    tcase_add_test(tests, a_changed_sector_is_noticed);
    tcase_add_test(tests, a_damaged_file_system_is_noticed);
    suite_add_tcase(suite, tests);
    return suite;
}

int main(void)
{
    if (!real_files_have_tools()) {
        printf("skipped: mke2fs and e2fsck (Debian: e2fsprogs) are not there\n");
        return SKIPPED;
    }
    return check_main(real_disk_suite());
}
