/* SPDX-License-Identifier: ISC */
/*
 * Random reads and writes through libblkfront on a real Xen, many at a time, with all data
 * compared: each block of the disk holds its number and how often it was written, and what is read
 * has to be that. For dom0 of the live rig.
 *
 *     live_io VDEV COUNT DEPTH QUEUES ORDER SEGMENTS PERSISTENT [RECONNECTS [SECONDS]]
 *
 * RECONNECTS: its backend is taken away under it, and it has to find it again so often, at least.
 * SECONDS: so long it may take to connect; 0 or left out: as long as it takes.
 */
#include <blkfront/blkfront.h>
#include <blkfront/libxen.h>
#include <blkfront/platform.h>

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    BLOCK = 4096,
    BLOCKS_MAX = 16, /* of one request */
    DEPTH_MAX = 256
};

struct io {
    struct blkfront_request request;
    struct blkfront_buffer buffer;
    struct blkfront_memory *memory; /* of every second one; the others are copied */
    unsigned char *data;
    uint64_t block;
    unsigned blocks;
    uint32_t queue;
};

static struct blkfront_libxen *xen;
static const struct blkfront_platform *platform;
static struct blkfront *owner; /* of the device */
static struct blkfront_device *device;
static struct blkfront_info info;
static uint32_t *written; /* how often; a block is zero before */
static bool *in_use;
static uint64_t reconnects; /* that have to happen */
static uint64_t connect_seconds;
static uint64_t disk_blocks, submitted, completed, total, wrong;
static uint64_t seed = 4711;

static _Noreturn void die(const char *format, ...) __attribute__((format(printf, 1, 2)));

static void die(const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    vprintf(format, arguments);
    va_end(arguments);
    putchar('\n');
    exit(EXIT_FAILURE);
}

static uint64_t random_below(uint64_t bound)
{
    seed ^= seed << 13;
    seed ^= seed >> 7;
    seed ^= seed << 17;
    return seed % bound;
}

/* Every word of a block tells block, version and place. */
static uint64_t word_of(uint64_t block, uint32_t version, size_t place)
{
    return version == 0 ? 0 : (block << 40 | (uint64_t)version << 16 | place) * 0x9e3779b97f4a7c15u;
}

static void fill(unsigned char *to, uint64_t block, uint32_t version)
{
    for (size_t i = 0; i < BLOCK / 8; i++) {
        const uint64_t word = word_of(block, version, i);

        memcpy(to + i * 8, &word, 8);
    }
}

static bool holds(const unsigned char *from, uint64_t block, uint32_t version)
{
    for (size_t i = 0; i < BLOCK / 8; i++) {
        const uint64_t word = word_of(block, version, i);

        if (memcmp(from + i * 8, &word, 8) != 0)
            return false;
    }
    return true;
}

/* Blocks that no other request works on, so that what they hold is known. */
static void choose(struct io *io)
{
    bool taken;

    do {
        io->blocks = 1 + (unsigned)random_below(1 + random_below(BLOCKS_MAX)); /* mostly few */
        io->block = random_below(disk_blocks - io->blocks);
        taken = false;
        for (unsigned i = 0; i < io->blocks; i++)
            taken |= in_use[io->block + i];
    } while (taken);
    for (unsigned i = 0; i < io->blocks; i++)
        in_use[io->block + i] = true;
}

static void start(struct io *io)
{
    const uint64_t sectors = BLOCK / info.sector_size;
    int error;

    choose(io);
    io->request.operation = random_below(2) == 0 ? BLKFRONT_READ : BLKFRONT_WRITE;
    for (unsigned i = 0; i < io->blocks; i++) {
        if (io->request.operation == BLKFRONT_WRITE)
            fill(io->data + (size_t)i * BLOCK, io->block + i, ++written[io->block + i]);
        else
            memset(io->data + (size_t)i * BLOCK, 0xee, BLOCK);
    }
    io->buffer = (struct blkfront_buffer){io->data, (size_t)io->blocks * BLOCK, io->memory};
    io->request.sector = io->block * sectors;
    io->request.buffers = &io->buffer;
    io->request.buffer_count = 1;
    error = blkfront_submit(blkfront_get_queue(device, io->queue), &io->request);
    if (error != 0)
        die("submit: %s", blkfront_error_name(error));
    submitted++;
}

static void complete(struct blkfront_request *request, int result)
{
    struct io *io = request->context;

    if (result != 0)
        die("%s of %u blocks at %llu: %s", request->operation == BLKFRONT_READ ? "read" : "write",
            io->blocks, (unsigned long long)io->block, blkfront_error_name(result));
    for (unsigned i = 0; i < io->blocks; i++) {
        if (request->operation == BLKFRONT_READ &&
            !holds(io->data + (size_t)i * BLOCK, io->block + i, written[io->block + i]))
            wrong++;
        in_use[io->block + i] = false;
    }
    completed++;
    if (submitted < total)
        start(io);
}

static _Noreturn void give_up(void)
{
    struct blkfront_statistics now;

    blkfront_get_statistics(device, &now);
    die("nothing has come for 20 s: %llu of %llu are done, %llu on the ring, %llu notifications, "
        "%llu events; state %d, %s",
        (unsigned long long)completed, (unsigned long long)submitted,
        (unsigned long long)now.ring_requests, (unsigned long long)now.notifications,
        (unsigned long long)now.events, (int)blkfront_device_state(device),
        blkfront_device_detail(device));
}

/* One look at everything; waits only when something has to come. */
static void poll_all(void)
{
    const uint64_t soon = platform->now(platform->context) + UINT64_C(20000000000);
    int more = blkfront_poll(device);

    for (uint32_t i = 0; i < blkfront_queue_count(device); i++)
        more |= blkfront_queue_poll(blkfront_get_queue(device, i));
    if (more == 0 && completed < total &&
        platform->wait(platform->context, soon) == BLKFRONT_PLATFORM_TIMED_OUT)
        give_up();
}

static void say(void *context, const char *line)
{
    (void)context;
    printf("%s\n", line);
}

/* The process holds nothing of Xen's any more. */
static void check_ledger(void)
{
    struct blkfront_libxen_ledger ledger;

    blkfront_libxen_get_ledger(xen, &ledger);
    if (ledger.shared_pages != 0 || ledger.ports != 0 || ledger.channel_sets != 0 ||
        ledger.watches != 0 || ledger.watch_sets != 0 || ledger.transactions != 0 ||
        ledger.allocations != 0)
        die("left open: %llu pages, %llu ports, %llu watches, %llu pieces of memory",
            (unsigned long long)ledger.shared_pages, (unsigned long long)ledger.ports,
            (unsigned long long)ledger.watches, (unsigned long long)ledger.allocations);
    printf("nothing is left open\n");
}

static _Noreturn void refuse(int error)
{
    printf("connect: %s %s\n", blkfront_error_name(error), blkfront_detail(owner));
    blkfront_destroy(owner);
    check_ledger();
    blkfront_libxen_close(xen);
    exit(EXIT_FAILURE);
}

static void connect_device(const char *name, char **options)
{
    struct blkfront_options chosen;
    int error;

    blkfront_options_init(&chosen);
    chosen.queues = (uint32_t)atoi(options[0]);
    chosen.ring_order = (uint32_t)atoi(options[1]);
    chosen.segments = (uint32_t)atoi(options[2]);
    chosen.persistent = atoi(options[3]) != 0;
    chosen.recover_deadline_ns = reconnects == 0 ? 0 : UINT64_MAX;
    chosen.connect_deadline_ns = connect_seconds * UINT64_C(1000000000);
    if (blkfront_create(platform, &owner) != 0)
        die("no context");
    error = blkfront_blocking_connect(owner, name, &chosen, &device);
    if (error != 0)
        refuse(error);
    if (blkfront_get_info(device, &info) != 0)
        die("no info");
    printf("%u queues, rings of %u pages, %u segments, persistent %d, %llu sectors of %u\n",
           (unsigned)info.queues, 1u << info.ring_order, (unsigned)info.segments, info.persistent,
           (unsigned long long)info.size_sectors, (unsigned)info.sector_size);
}

static void prepare(struct io *io, uint32_t number)
{
    void *pages = NULL;

    *io = (struct io){.request = {.complete = complete, .context = io},
                      .queue = number % info.queues};
    if (number % 2 == 0) {
        if (blkfront_memory_create(device, BLOCKS_MAX,
                                   BLKFRONT_MEMORY_TO_DISK | BLKFRONT_MEMORY_FROM_DISK, &io->memory,
                                   &pages) != 0)
            die("no memory to share");
        io->data = pages;
    } else {
        io->data = malloc((size_t)BLOCKS_MAX * BLOCK);
        if (io->data == NULL)
            die("no memory");
    }
}

static void finish(struct io *io, uint32_t depth)
{
    struct blkfront_statistics now;

    blkfront_get_statistics(device, &now);
    if (now.reconnects < reconnects)
        die("found its backend again %llu times only", (unsigned long long)now.reconnects);
    for (uint32_t i = 0; i < depth; i++) {
        if (io[i].memory != NULL)
            blkfront_memory_destroy(io[i].memory);
        else
            free(io[i].data);
    }
    blkfront_blocking_disconnect(device);
    blkfront_release(device);
    blkfront_destroy(owner);
    free(written);
    free(in_use);
    check_ledger();
    blkfront_libxen_close(xen);
}

int main(int argc, char **argv)
{
    const struct blkfront_libxen_options options = {.log = say};
    static struct io ios[DEPTH_MAX];
    char text[BLKFRONT_LIBXEN_TEXT];
    uint32_t depth;
    uint64_t began, took;

    setvbuf(stdout, NULL, _IOLBF, 0);
    if (argc < 8 || argc > 10)
        die("live_io VDEV COUNT DEPTH QUEUES ORDER SEGMENTS PERSISTENT [RECONNECTS [SECONDS]]");
    reconnects = argc >= 9 ? (uint64_t)atoll(argv[8]) : 0;
    connect_seconds = argc == 10 ? (uint64_t)atoll(argv[9]) : 0;
    total = (uint64_t)atoll(argv[2]);
    depth = (uint32_t)atoi(argv[3]);
    if (blkfront_libxen_open(&options, &xen, text) != 0 ||
        blkfront_libxen_claim(xen, (uint32_t)atoi(argv[1]), text) != 0)
        die("%s", text);
    platform = blkfront_libxen_platform(xen);
    connect_device(argv[1], argv + 4);
    disk_blocks = info.size_sectors / (BLOCK / info.sector_size);
    written = calloc(disk_blocks, sizeof(*written));
    in_use = calloc(disk_blocks, sizeof(*in_use));
    if (written == NULL || in_use == NULL || depth > DEPTH_MAX)
        die("no memory");
    for (uint32_t i = 0; i < depth; i++)
        prepare(&ios[i], i);
    began = platform->now(platform->context);
    for (uint32_t i = 0; i < depth && submitted < total; i++)
        start(&ios[i]);
    while (completed < total)
        poll_all();
    took = platform->now(platform->context) - began;
    finish(ios, depth);
    printf("%llu requests of 1 to %d blocks, %u at a time: %llu.%02llu s, %llu a second, %llu "
           "blocks wrong\n",
           (unsigned long long)total, (int)BLOCKS_MAX, (unsigned)depth,
           (unsigned long long)(took / 1000000000), (unsigned long long)(took / 10000000 % 100),
           (unsigned long long)(total * 1000000000 / (took + 1)), (unsigned long long)wrong);
    return wrong == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
