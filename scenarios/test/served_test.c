/* SPDX-License-Identifier: ISC */
/*
 * What the nbdkit plugin is made of, without nbdkit: threads that block on requests while a
 * scenario happens to the disk. (With real clients: nbdkit.sh.)
 */
#include "cunit_main.h"

#include "../nbdkit/director.h"
#include "../nbdkit/served.h"

#include <pthread.h>
#include <time.h>
#include <unistd.h>

enum { SECTOR = 512, CLIENTS = 4, ROUNDS = 400, MIB = 1 << 20 };

#define LONG_NS UINT64_C(30000000000)

static struct director *director;
static struct served *served;
static char said[400];

static uint32_t ending;

static bool is_ending(void)
{
    return __atomic_load_n(&ending, __ATOMIC_ACQUIRE) != 0;
}

static void tell(const char *sentence)
{
    (void)snprintf(said, sizeof(said), "%s", sentence);
}

static void serve(const char *scenario, const char *fifo)
{
    struct simback_backend_options backend;
    struct blkfront_options front;
    struct blkfront_info info;
    char error[300];

    said[0] = '\0';
    __atomic_store_n(&ending, 0, __ATOMIC_RELEASE);
    director = director_create(scenario, scenario == NULL ? 0 : strlen(scenario), 0, tell, error,
                               sizeof(error));
    CU_ASSERT_PTR_NOT_NULL_FATAL(director);
    CU_ASSERT_FATAL(fifo == NULL || director_listen(director, fifo));
    director_options(director, &backend, &front);
    served = served_create(&backend, &front, is_ending);
    CU_ASSERT_PTR_NOT_NULL_FATAL(served);
    CU_ASSERT_FATAL(served_start(served));
    CU_ASSERT_FATAL(director_begin(director, served));
    CU_ASSERT_EQUAL(served_wait(served, LONG_NS, &info), BLKFRONT_OK);
}

static void end(void)
{
    director_destroy(director);
    served_destroy(served);
}

static int read_at(uint64_t offset, unsigned char *first)
{
    unsigned char data[SECTOR] = {0};
    const int result = served_request(served, BLKFRONT_READ, 0, data, sizeof(data), offset);

    *first = data[0];
    return result;
}

static int write_at(uint64_t offset, unsigned char mark)
{
    unsigned char data[SECTOR];

    memset(data, mark, sizeof(data));
    return served_request(served, BLKFRONT_WRITE, 0, data, sizeof(data), offset);
}

static void pause_ms(long ms)
{
    const struct timespec pause = {ms / 1000, ms % 1000 * 1000000};

    (void)nanosleep(&pause, NULL);
}

/* ---- clients at once ---- */

struct client {
    pthread_t thread;
    unsigned index;
    unsigned failures;
};

static void *use_disk(void *context)
{
    struct client *client = context;
    const uint64_t base = client->index * (uint64_t)MIB / CLIENTS;

    for (unsigned i = 0; i < ROUNDS; i++) {
        const uint64_t offset = base + i % 64 * SECTOR;
        unsigned char mark = 0;

        client->failures += write_at(offset, (unsigned char)(i + client->index)) != BLKFRONT_OK;
        client->failures += read_at(offset, &mark) != BLKFRONT_OK;
        client->failures += mark != (unsigned char)(i + client->index);
        if (i % 50 == 0)
            client->failures +=
                served_request(served, BLKFRONT_FLUSH, 0, NULL, 0, 0) != BLKFRONT_OK;
    }
    return NULL;
}

static unsigned use_disk_at_once(void)
{
    struct client clients[CLIENTS];
    unsigned failures = 0;

    for (unsigned i = 0; i < CLIENTS; i++) {
        clients[i] = (struct client){.index = i};
        CU_ASSERT_EQUAL_FATAL(pthread_create(&clients[i].thread, NULL, use_disk, &clients[i]), 0);
    }
    for (unsigned i = 0; i < CLIENTS; i++) {
        CU_ASSERT_EQUAL(pthread_join(clients[i].thread, NULL), 0);
        failures += clients[i].failures;
    }
    return failures;
}

static void clients_at_once_get_what_they_have_written(void)
{
    serve(NULL, NULL);
    CU_ASSERT_EQUAL(use_disk_at_once(), 0);
    end();
    CU_ASSERT_STRING_EQUAL(said, "");
}

/* ---- another sector size ---- */

enum { BLOCK = 4096, SIZES = 100 };

struct block_client {
    pthread_t thread;
    unsigned index;
    unsigned failures;
    uint32_t over; /* atomic */
};

/* Blocks that are whole sectors of either size. */
static void *use_blocks(void *context)
{
    struct block_client *client = context;
    unsigned char data[BLOCK], expected[BLOCK];

    for (unsigned i = 0; __atomic_load_n(&client->over, __ATOMIC_ACQUIRE) == 0; i++) {
        const uint64_t offset = (client->index * 16 + i % 16) * (uint64_t)BLOCK;

        memset(expected, (int)(i % 251), sizeof(expected));
        memcpy(data, expected, sizeof(data));
        client->failures +=
            served_request(served, BLKFRONT_WRITE, 0, data, BLOCK, offset) != BLKFRONT_OK;
        memset(data, 0xff, sizeof(data));
        client->failures +=
            served_request(served, BLKFRONT_READ, 0, data, BLOCK, offset) != BLKFRONT_OK;
        client->failures += memcmp(data, expected, BLOCK) != 0;
    }
    return NULL;
}

static void change_size(void *context, struct simback_backend *backend)
{
    const uint32_t *size = context;

    (void)simback_backend_resize(backend, MIB / *size, *size);
}

/* I9: what is in bytes goes to its place, whatever a sector is by the time that it goes out. */
static void i9_a_request_knows_the_sectors_of_its_moment(void)
{
    struct block_client clients[CLIENTS];

    serve("backend linux sectors=2048\n", NULL);
    for (unsigned i = 0; i < CLIENTS; i++) {
        clients[i] = (struct block_client){.index = i};
        CU_ASSERT_EQUAL_FATAL(pthread_create(&clients[i].thread, NULL, use_blocks, &clients[i]), 0);
    }
    for (unsigned i = 0; i < SIZES; i++) {
        uint32_t size = i % 2 == 0 ? BLOCK : SECTOR;

        served_call(served, change_size, &size);
        pause_ms(2);
    }
    for (unsigned i = 0; i < CLIENTS; i++) {
        __atomic_store_n(&clients[i].over, 1, __ATOMIC_RELEASE);
        CU_ASSERT_EQUAL(pthread_join(clients[i].thread, NULL), 0);
        CU_ASSERT_EQUAL(clients[i].failures, 0);
    }
    end();
}

/* ---- the end ---- */

static void *read_what_is_held(void *context)
{
    int *result = context;
    unsigned char first;

    *result = read_at(0, &first);
    return NULL;
}

/* I4: whoever ends all this is not kept up by a backend that keeps a request to itself. */
static void i4_what_is_held_fails_when_all_ends(void)
{
    pthread_t thread;
    int result = BLKFRONT_OK;

    serve("backend linux\n"
          "fault op=read hold\n",
          NULL);
    CU_ASSERT_EQUAL_FATAL(pthread_create(&thread, NULL, read_what_is_held, &result), 0);
    pause_ms(50);
    __atomic_store_n(&ending, 1, __ATOMIC_RELEASE);
    CU_ASSERT_EQUAL(pthread_join(thread, NULL), 0);
    CU_ASSERT_EQUAL(result, BLKFRONT_DISCONNECTED);
    end();
}

/* ---- what happens meanwhile ---- */

/* I15: a device that waits for its backend hides that it was away. */
static void i15_a_device_that_recovers_hides_a_crash(void)
{
    serve("backend linux\n"
          "connect recover=ever\n"
          "run time=5ms\n"
          "backend close\n"
          "run time=5ms\n"
          "backend crash\n"
          "run time=1ms\n"
          "backend restart\n",
          NULL);
    director_used(director);
    CU_ASSERT_EQUAL(use_disk_at_once(), 0);
    end();
    CU_ASSERT_STRING_EQUAL(said, "");
}

/* ---- what goes wrong ---- */

static void i8_errors_reach_who_waits(void)
{
    unsigned char mark;

    serve("backend linux\n"
          "connect\n"
          "fault op=read sectors=8-15 error\n"
          "fault op=write sectors=16-23 status=-2\n",
          NULL);
    CU_ASSERT_EQUAL(read_at(0, &mark), BLKFRONT_OK);
    CU_ASSERT_EQUAL(read_at(8 * SECTOR, &mark), BLKFRONT_IO_ERROR);
    CU_ASSERT_EQUAL(write_at(8 * SECTOR, 1), BLKFRONT_OK);
    CU_ASSERT_NOT_EQUAL(write_at(16 * SECTOR, 1), BLKFRONT_OK);
    CU_ASSERT_EQUAL(read_at(MIB, &mark), BLKFRONT_OUT_OF_RANGE);
    CU_ASSERT_EQUAL(read_at(1, &mark), BLKFRONT_INVALID);
    end();
}

static void i17_a_read_only_disk_takes_no_writes(void)
{
    unsigned char mark;

    serve("backend linux mode=r\nconnect\n", NULL);
    CU_ASSERT_EQUAL(write_at(0, 1), BLKFRONT_READ_ONLY);
    CU_ASSERT_EQUAL(read_at(0, &mark), BLKFRONT_OK);
    end();
}

/* ---- the FIFO ---- */

static char folder[40];

static void serve_with_fifo(const char *scenario)
{
    (void)snprintf(folder, sizeof(folder), "/tmp/simblk-served-XXXXXX");
    CU_ASSERT_FATAL(mkdtemp(folder) != NULL);
    CU_ASSERT_EQUAL_FATAL(chdir(folder), 0);
    serve(scenario, "control");
}

static void end_with_fifo(void)
{
    end();
    CU_ASSERT_EQUAL(unlink("control"), 0);
    CU_ASSERT_EQUAL(chdir("/"), 0);
    CU_ASSERT_EQUAL(rmdir(folder), 0);
}

static void say(const char *lines)
{
    FILE *file = fopen("control", "w");

    CU_ASSERT_PTR_NOT_NULL_FATAL(file);
    CU_ASSERT(fputs(lines, file) >= 0);
    CU_ASSERT_EQUAL(fclose(file), 0);
}

/* The director takes its time. */
static void read_until(int wanted)
{
    unsigned char mark;

    for (unsigned tries = 0; read_at(0, &mark) != wanted && tries < 20000; tries++)
        pause_ms(1);
    CU_ASSERT_EQUAL(read_at(0, &mark), wanted);
}

/* Without recovery requests fail at once while nobody is there, and go on with the next backend. */
static void a_device_that_was_cut_off_comes_back(void)
{
    struct blkfront_info info;
    unsigned char mark = 0;

    serve_with_fifo("backend linux\nconnect\n");
    CU_ASSERT_EQUAL(write_at(0, 77), BLKFRONT_OK);
    say("backend crash\n");
    read_until(BLKFRONT_DISCONNECTED);
    for (unsigned tries = 0; served_wait(served, 0, &info) == BLKFRONT_OK && tries < 20000; tries++)
        pause_ms(1);
    CU_ASSERT_NOT_EQUAL(served_wait(served, 0, &info), BLKFRONT_OK);
    say("backend restart sectors=4096\n");
    CU_ASSERT_EQUAL_FATAL(served_wait(served, LONG_NS, &info), BLKFRONT_OK);
    CU_ASSERT_EQUAL(info.size_sectors, 4096);
    CU_ASSERT_EQUAL(read_at(0, &mark), BLKFRONT_OK);
    CU_ASSERT_EQUAL(mark, 77);
    end_with_fifo();
    CU_ASSERT_STRING_EQUAL(said, "");
}

static void what_is_no_step_of_the_backend_is_told(void)
{
    serve_with_fifo("backend linux\nconnect\n");
    say("\nfault op=read error\n");
    read_until(BLKFRONT_IO_ERROR);
    say("what is this\nbackend linux\nread 0 +1\nfault clear\n");
    read_until(BLKFRONT_OK);
    end_with_fifo();
    CU_ASSERT_PTR_NOT_NULL(strstr(said, "only those of the backend have a place here"));
}

static void make_plain(void)
{
    struct simback_backend_options backend;
    struct blkfront_options front;
    char error[300];

    director = director_create(NULL, 0, MIB, tell, error, sizeof(error));
    CU_ASSERT_PTR_NOT_NULL_FATAL(director);
    director_options(director, &backend, &front);
    CU_ASSERT_EQUAL(backend.sectors, MIB / SECTOR);
    served = served_create(&backend, &front, is_ending);
    CU_ASSERT_PTR_NOT_NULL_FATAL(served);
}

/* As behind a backend that never answers. */
static void a_disk_that_was_never_there_is_waited_for_in_vain(void)
{
    struct blkfront_info info;

    make_plain();
    CU_ASSERT_EQUAL(served_wait(served, 0, &info), BLKFRONT_DISCONNECTED);
    end();
}

static void what_is_no_fifo_is_refused(void)
{
    make_plain();
    CU_ASSERT_FATAL(served_start(served));
    CU_ASSERT_FALSE(director_listen(director, "/"));
    CU_ASSERT_FALSE(director_listen(director, "/dev/null"));
    end();
}

static const struct unit_test tests[] = {
    UNIT_TEST(clients_at_once_get_what_they_have_written),
    UNIT_TEST(i15_a_device_that_recovers_hides_a_crash),
    UNIT_TEST(i9_a_request_knows_the_sectors_of_its_moment),
    UNIT_TEST(i4_what_is_held_fails_when_all_ends),
    UNIT_TEST(i8_errors_reach_who_waits),
    UNIT_TEST(i17_a_read_only_disk_takes_no_writes),
    UNIT_TEST(a_device_that_was_cut_off_comes_back),
    UNIT_TEST(what_is_no_step_of_the_backend_is_told),
    UNIT_TEST(a_disk_that_was_never_there_is_waited_for_in_vain),
    UNIT_TEST(what_is_no_fifo_is_refused),
};

UNIT_MAIN("served", tests)
