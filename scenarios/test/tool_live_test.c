/* SPDX-License-Identifier: ISC */
/*
 * The tool on a Xen of the test's own (fake_xen.h), in the test's process: simblk serve with
 * libblkfront in another thread as the guest, and with each call of Xen's libraries failing in
 * turn; the live world with a backend in another thread in QEMU's place. On a real Xen the same is
 * done by the live rig.
 */
#include "check_main.h"
#include "fake_xen.h"

#include <blkfront/blkfront.h>
#include <blkfront/libxen.h>
#include <blkfront/platform.h>
#include <simback/backend.h>
#include <simback/dialect.h>
#include <simback/disk.h>
#include <simback/live.h>
#include <simback/world.h>

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum { WORDS = 12, USAGE = 2, PATH = 256, SECTOR = 512 };

/* The names are the linker's. NOLINTBEGIN(bugprone-reserved-identifier) */
int __real_main(int argc, char **argv); /* the tool's */
int __wrap_main(void);
int __real_blkfront_libxen_open(const struct blkfront_libxen_options *options,
                                struct blkfront_libxen **xen, char *text);
int __wrap_blkfront_libxen_open(const struct blkfront_libxen_options *options,
                                struct blkfront_libxen **xen, char *text);
int __real_clock_gettime(clockid_t clock, struct timespec *now);
int __wrap_clock_gettime(clockid_t clock, struct timespec *now);
int __real_poll(struct pollfd *files, nfds_t count, int milliseconds);
int __wrap_poll(struct pollfd *files, nfds_t count, int milliseconds);
/* NOLINTEND(bugprone-reserved-identifier) */

static char root[] = "/tmp/simblk-live-XXXXXX";
static uint64_t virtual_ns; /* 0: time is real; else it passes only where somebody waits */

/* ---- a machine with Xen ---- */

static void set_up(void)
{
    fake_xen_make_root(root);
    ck_assert_int_eq(setenv("TMPDIR", root, 1), 0);
    virtual_ns = 0;
    fake_xen_reset();
}

static void tear_down(void)
{
    fake_xen_remove_root(root);
}

/* NOLINTBEGIN(bugprone-reserved-identifier) */
int __wrap_blkfront_libxen_open(const struct blkfront_libxen_options *options,
                                struct blkfront_libxen **xen, char *text)
{
    const struct blkfront_libxen_options none = {.log = NULL};
    struct blkfront_libxen_options own = options == NULL ? none : *options;

    own.root = root;
    return __real_blkfront_libxen_open(&own, xen, text);
}

int __wrap_clock_gettime(clockid_t clock, struct timespec *now)
{
    if (virtual_ns == 0)
        return __real_clock_gettime(clock, now);
    now->tv_sec = (time_t)(virtual_ns / 1000000000);
    now->tv_nsec = (long)(virtual_ns % 1000000000);
    return 0;
}

int __wrap_poll(struct pollfd *files, nfds_t count, int milliseconds)
{
    int came;

    if (virtual_ns == 0)
        return __real_poll(files, count, milliseconds);
    came = __real_poll(files, count, 0);
    if (came == 0 && milliseconds > 0)
        virtual_ns += (uint64_t)milliseconds * 1000000;
    return came;
}
/* NOLINTEND(bugprone-reserved-identifier) */

/* The tool's exit status; its words end with a NULL. */
static int tool(const char *const *words)
{
    char copies[WORDS][PATH], *arguments[WORDS + 1] = {NULL};
    int count = 0;

    for (; count < WORDS && words[count] != NULL; count++) {
        snprintf(copies[count], PATH, "%s", words[count]);
        arguments[count] = copies[count];
    }
    return __real_main(count, arguments);
}

static unsigned nodes_left(void)
{
    return fake_xen_nodes("/local/domain/0/device") + fake_xen_nodes("/local/domain/0/backend");
}

/* ---- simblk serve ---- */

static int serve(const char *seconds)
{
    const char *const words[] = {"simblk",    "serve", "--vdev",    "51728",
                                 "--seconds", seconds, SERVE_PLAIN, NULL};

    return tool(words);
}

/* What a thread serves: words, and what the tool said in the end. */
struct server {
    const char *words[WORDS];
    pthread_t thread;
    int status;
};

static void *serve_in_a_thread(void *context)
{
    struct server *server = context;

    server->status = tool(server->words);
    return NULL;
}

static void start(struct server *server)
{
    ck_assert_int_eq(pthread_create(&server->thread, NULL, serve_in_a_thread, server), 0);
    while (fake_xen_nodes("/local/domain/0/device/vbd/51728/state") == 0)
        usleep(1000); /* it is the last to be written */
}

/* As by Control-C; nothing is left of the device, and nothing is open. */
static void stop(struct server *server)
{
    raise(SIGTERM);
    pthread_join(server->thread, NULL);
    ck_assert_uint_eq(nodes_left(), 0);
    ck_assert(fake_xen_is_closed());
}

/* The application of a guest. */
struct guest {
    struct blkfront_libxen *xen;
    struct blkfront *context;
    struct blkfront_device *device;
    unsigned char data[8 * SECTOR];
};

static int connect_guest(struct guest *guest)
{
    struct blkfront_options options;
    char text[BLKFRONT_LIBXEN_TEXT];

    blkfront_options_init(&options);
    ck_assert_int_eq(blkfront_libxen_open(NULL, &guest->xen, text), 0);
    ck_assert_int_eq(blkfront_create(blkfront_libxen_platform(guest->xen), &guest->context), 0);
    guest->device = NULL;
    return blkfront_blocking_connect(guest->context, "51728", &options, &guest->device);
}

/* Nothing of its own is left. */
static void disconnect_guest(struct guest *guest)
{
    struct blkfront_libxen_ledger ledger, nothing;

    if (guest->device != NULL) {
        blkfront_blocking_disconnect(guest->device);
        blkfront_release(guest->device);
    }
    blkfront_destroy(guest->context);
    memset(&nothing, 0, sizeof(nothing));
    blkfront_libxen_get_ledger(guest->xen, &ledger);
    ck_assert_mem_eq(&ledger, &nothing, sizeof(ledger));
    blkfront_libxen_close(guest->xen);
}

static int get(struct guest *guest, uint64_t sector)
{
    const struct blkfront_buffer buffer = {guest->data, sizeof(guest->data), NULL};

    return blkfront_blocking_read(guest->device, sector, &buffer, 1);
}

static int put(struct guest *guest, uint64_t sector, int byte)
{
    const struct blkfront_buffer buffer = {guest->data, sizeof(guest->data), NULL};

    memset(guest->data, byte, sizeof(guest->data));
    return blkfront_blocking_write(guest->device, sector, &buffer, 1);
}

/* It opens again for who closed it. */
START_TEST(a_guest_is_served_until_it_is_said_to_stop)
{
    static struct server server = {.words = {"simblk", "serve", "--vdev", "51728", SERVE_PLAIN}};
    struct guest guest;

    start(&server);
    for (int time = 0; time < 2; time++) {
        ck_assert_int_eq(connect_guest(&guest), 0);
        ck_assert_int_eq(get(&guest, 64), 0);
        ck_assert_int_eq(guest.data[4 * SECTOR], time == 0 ? 0 : 0x5a);
        ck_assert_int_eq(put(&guest, 64, 0x5a), 0);
        disconnect_guest(&guest);
    }
    stop(&server);
    ck_assert_int_eq(server.status, 0);
}
END_TEST

/* A file of the test's own: its place. */
static const char *write_file(const char *name, const char *text)
{
    static char path[PATH];
    FILE *file;

    snprintf(path, sizeof(path), "%s/%s", root, name);
    file = fopen(path, "we");
    ck_assert_ptr_nonnull(file);
    fputs(text, file);
    fclose(file);
    return path;
}

/* An image of 1024 sectors, each byte a 3. */
static void write_image(const char *path)
{
    FILE *file = fopen(path, "we");

    ck_assert_ptr_nonnull(file);
    for (unsigned i = 0; i < 1024 * SECTOR; i++)
        fputc(3, file);
    fclose(file);
}

START_TEST(a_guest_gets_the_errors_and_the_size_that_a_scenario_says)
{
    static struct server server;
    static char image[PATH];
    struct blkfront_info info = {.size_sectors = 0};
    struct guest guest;

    snprintf(image, sizeof(image), "%s/image", root);
    write_image(image);
    server = (struct server){
        .words = {"simblk", "serve", "--vdev", "51728", "--disk", image, "--json", "--trace",
                  write_file("scenario", "dialect mine like=linux\n"
                                         "backend mine\n"
                                         "fault op=read sectors=800-807 error\n"
                                         "run time=1ms\n"
                                         "backend resize sectors=4096\n")}};
    start(&server);
    ck_assert_int_eq(connect_guest(&guest), 0);
    ck_assert_int_eq(get(&guest, 800), BLKFRONT_IO_ERROR);
    ck_assert_int_eq(get(&guest, 808), 0);
    ck_assert_int_eq(guest.data[0], 3);
    while (info.size_sectors != 4096) {
        ck_assert_int_eq(get(&guest, 8), 0);
        ck_assert_int_eq(blkfront_get_info(guest.device, &info), 0);
    }
    ck_assert_int_eq(get(&guest, 4088), 0);
    disconnect_guest(&guest);
    stop(&server);
    ck_assert_int_eq(server.status, 0); /* of the rules none is broken */
}
END_TEST

/* It may come before the guest has connected. */
START_TEST(an_attack_of_a_scenario_ends_the_guests_device)
{
    static struct server server;
    struct guest guest;
    int result;

    server = (struct server){
        .words = {"simblk", "serve", "--vdev", "51728",
                  write_file("scenario", "backend linux\nrun time=1ms\nring respond id=0x77\n")}};
    start(&server);
    result = connect_guest(&guest);
    while (result == 0)
        result = get(&guest, 8);
    ck_assert_int_eq(result, BLKFRONT_PROTOCOL);
    disconnect_guest(&guest);
    stop(&server); /* its answer may lie over a request, which it complains about then */
}
END_TEST

/* Where it is set up the nth call fails: it says so, and neither a node nor anything open is left.
 * Where it goes on all the same, nothing is left open. */
/* Each signal ends one; a minute is the limit of a test. */
START_TEST(a_signal_ends_a_run_that_would_take_an_hour)
{
    static struct server server;
    struct blkfront_info info = {.size_sectors = 0};
    struct guest guest;

    server = (struct server){.words = {"simblk", "serve", "--vdev", "51728",
                                       write_file("scenario", "backend linux sectors=1024\n"
                                                              "run time=3600s\n"
                                                              "backend resize sectors=4096\n"
                                                              "run time=3600s\n"
                                                              "backend resize sectors=8192\n")}};
    start(&server);
    ck_assert_int_eq(connect_guest(&guest), 0);
    ck_assert_int_eq(blkfront_get_info(guest.device, &info), 0);
    ck_assert_uint_eq(info.size_sectors, 1024);
    for (uint64_t size = 4096; size <= 8192; size *= 2) {
        raise(SIGUSR1);
        while (info.size_sectors != size) {
            ck_assert_int_eq(get(&guest, 8), 0);
            ck_assert_int_eq(blkfront_get_info(guest.device, &info), 0);
            ck_assert_uint_le(info.size_sectors, size);
        }
    }
    disconnect_guest(&guest);
    stop(&server);
    ck_assert_int_eq(server.status, 0);
}
END_TEST

START_TEST(whatever_call_fails_serve_leaves_nothing)
{
    unsigned refused = 0, nth = 0;

    do {
        int status;

        fake_xen_reset();
        virtual_ns = 1;
        fake_xen.fail_at = ++nth;
        fake_xen.fail_errno = EIO;
        status = serve("1");
        ck_assert_int_ne(status, 0); /* nobody has connected */
        ck_assert_msg(fake_xen_is_closed(), "call %u fails, something is left open", nth);
        ck_assert_msg(status != USAGE || nodes_left() == 0, "call %u fails, %u nodes are left", nth,
                      nodes_left());
        refused += status == USAGE;
    } while (fake_xen.calls >= nth);
    virtual_ns = 0;
    ck_assert_uint_eq(nodes_left(), 0); /* nothing has failed */
    ck_assert_uint_ge(refused, 20);
}
END_TEST

/* ---- the live world ---- */

static const char back[] = "/local/domain/0/backend/qdisk/0/51712";
static const char front[] = "/local/domain/0/device/vbd/51712";

/* Where QEMU would be: a backend of its dialect over the file that `params` says. */
struct qemu {
    struct simback_world *world; /* the disk's memory */
    struct simback_live_host *host;
    struct simback_backend *backend;
    struct simback_backend_options options;
};

static volatile bool qemu_ends;

static bool node_is(const char *directory, const char *name, const char *value)
{
    char path[PATH], found[PATH];

    snprintf(path, sizeof(path), "%s/%s", directory, name);
    return fake_xen_read(path, found, sizeof(found)) && strcmp(found, value) == 0;
}

static void qemu_begins(struct qemu *qemu)
{
    char path[PATH], params[PATH], error[200];

    snprintf(path, sizeof(path), "%s/params", back);
    ck_assert(fake_xen_read(path, params, sizeof(params)));
    simback_backend_options_init(&qemu->options);
    qemu->options.dialect = simback_dialect_find("qemu");
    qemu->options.front_domid = 0;
    qemu->options.vdev = 51712;
    qemu->options.disk =
        simback_disk_file(qemu->world, params + strlen("aio:"), false, error, sizeof(error));
    ck_assert_ptr_nonnull(qemu->options.disk);
    qemu->options.sectors = simback_disk_size(qemu->options.disk);
    qemu->backend = simback_backend_create(simback_live_host_calls(qemu->host), &qemu->options);
    ck_assert_ptr_nonnull(qemu->backend);
}

/* It removes both directories, and has no device any more. */
static void qemu_removes(struct qemu *qemu)
{
    simback_backend_destroy(qemu->backend);
    qemu->backend = NULL;
    fake_xen_write(front, NULL);
    fake_xen_write(back, NULL);
}

static void *be_qemu(void *context)
{
    struct qemu *qemu = context;

    while (!qemu_ends) {
        if (qemu->backend == NULL && node_is(back, "state", "1"))
            qemu_begins(qemu);
        if (qemu->backend == NULL) {
            usleep(500);
            continue;
        }
        if (!simback_backend_poll(qemu->backend) && !simback_backend_service(qemu->backend, 0))
            simback_live_host_wait(qemu->host, 1);
        (void)simback_disk_flush(qemu->options.disk); /* what is written is in the file */
        if (node_is(back, "online", "0") &&
            (node_is(front, "state", "6") || node_is(front, "state", "1")))
            qemu_removes(qemu);
    }
    return NULL;
}

static int diff(const char *scenario)
{
    char path[PATH];
    const char *const words[] = {"simblk", "diff", "--live-disk", "qdisk", path, NULL};

    snprintf(path, sizeof(path), "%s/%s.scn", QDISK_SCENARIOS, scenario);
    return tool(words);
}

static void look_that_all_is_closed(void)
{
    if (!fake_xen_is_closed())
        _exit(EXIT_FAILURE); /* the test has ended early, says libcheck */
}

/* Nobody is there in QEMU's place, so it fails in any case; what was set up until then goes. */
START_TEST(whatever_call_fails_the_live_world_leaves_nothing)
{
    atexit(look_that_all_is_closed); /* runs behind the tool's */
    virtual_ns = 1;
    fake_xen.fail_at = (unsigned)_i;
    fake_xen.fail_errno = EIO;
    ck_assert_int_ne(diff("read-write"), 0);
    virtual_ns = 0;
    ck_assert_uint_ge(fake_xen.calls, (unsigned)_i);
    /* Where a directory itself is asked for, its removal may be what has failed. */
    if (strcmp(fake_xen.failed_path, front) != 0 && strcmp(fake_xen.failed_path, back) != 0)
        ck_assert_uint_eq(nodes_left(), 0);
}
END_TEST

static const char *const scenarios[] = {"connect-again", "discard", "info",       "large",
                                        "many-at-once",  "order-4", "read-write", "x86-32"};

/* The same in both worlds, as in the rig (docs/fidelity.md). */
START_TEST(the_live_world_does_what_the_simulated_does)
{
    static struct qemu qemu;
    struct simback_world_options world;
    struct blkfront_libxen *xen;
    char text[BLKFRONT_LIBXEN_TEXT];
    pthread_t thread;

    simback_world_options_init(&world);
    world.served = true;
    world.trace_hash = false;
    ck_assert_int_eq(blkfront_libxen_open(NULL, &xen, text), 0);
    ck_assert_int_eq(simback_live_host_open(blkfront_libxen_platform(xen), &qemu.host, text), 0);
    qemu.world = simback_world_create(&world);
    ck_assert_ptr_nonnull(qemu.world);
    ck_assert_int_eq(pthread_create(&thread, NULL, be_qemu, &qemu), 0);
    ck_assert_int_eq(diff(scenarios[_i]), 0);
    qemu_ends = true;
    pthread_join(thread, NULL);
    ck_assert_uint_eq(nodes_left(), 0);
    ck_assert_ptr_null(qemu.backend);
}
END_TEST

static Suite *tool_live_suite(void)
{
    Suite *suite = suite_create("the tool on a Xen of the test's own");
    TCase *tests = tcase_create("live");

    tcase_add_checked_fixture(tests, set_up, tear_down);
    tcase_set_timeout(tests, 60);
    tcase_add_test(tests, a_guest_is_served_until_it_is_said_to_stop);
    tcase_add_test(tests, a_guest_gets_the_errors_and_the_size_that_a_scenario_says);
    tcase_add_test(tests, an_attack_of_a_scenario_ends_the_guests_device);
    tcase_add_test(tests, a_signal_ends_a_run_that_would_take_an_hour);
    tcase_add_test(tests, whatever_call_fails_serve_leaves_nothing);
    tcase_add_loop_test(tests, whatever_call_fails_the_live_world_leaves_nothing, 1, 60);
    tcase_add_loop_test(tests, the_live_world_does_what_the_simulated_does, 0,
                        sizeof(scenarios) / sizeof(scenarios[0]));
    suite_add_tcase(suite, tests);
    return suite;
}

int __wrap_main(void) /* NOLINT(bugprone-reserved-identifier) */
{
    return check_main(tool_live_suite());
}
