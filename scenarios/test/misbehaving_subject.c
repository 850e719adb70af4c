/* SPDX-License-Identifier: ISC */
/*
 * libblkfront as a bad frontend, for the tests of the tool: the sector of a request says how it
 * goes wrong, every other request is served well. So a scenario file chooses the misbehaviour and
 * the one beside it is not touched. It cannot flush: scenarios that do are unsupported.
 */
#include "tool.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum {
    SECTOR_ABORT = 101,
    SECTOR_ENDLESS = 102, /* in a poll */
    SECTOR_WRONG_DATA = 103,
    SECTOR_TWICE = 104, /* completed twice: I2 */
    SECTOR_LOST = 105,  /* never completed */
    SECTOR_USE_AFTER_FREE = 106,
    SECTOR_LEAK = 107,
    SECTOR_EXIT = 108,
    SECTOR_CHATTER = 109, /* prints very much, then aborts */
    SECTOR_NULL = 110,
    SECTOR_UNREPEATABLE = 111, /* another sector each time */
    SECTOR_OVERFLOW = 112,     /* signed: UBSan's */
    SECTOR_ODD_TALK = 113,     /* prints what no report may take for its own, then aborts */
    SECTOR_LATE = 114,         /* dies when its process ends */
    SECTOR_NOTIFIES = 115,     /* twice: I14, a SHOULD */
    SECTOR_BESIDE = 116,       /* stores beside its memory */
    SECTOR_LEDGER = 117,       /* memory of the platform is not given back */
    SECTOR_ADDRESSES = 118     /* tells its addresses, then aborts */
};

enum { KEPT = 64 };

static struct {
    struct blkfront_request *request;
    void (*complete)(struct blkfront_request *request, int result);
} kept[KEPT];

static struct scenario_subject subject;
static struct blkfront_platform platform;
static int (*notify_once)(void *context, struct blkfront_channel_set *set, uint32_t port);
static bool notifies_twice;
static volatile bool endless; /* else clang takes the loop for one that ends */
static int rounds;
static char *volatile freed;
static void *volatile lost;
static volatile int largest = 0x7fffffff;

static void on_complete(struct blkfront_request *request, int result)
{
    void (*complete)(struct blkfront_request * request, int result) = NULL;
    uint64_t sector = request->sector;

    for (size_t i = 0; i < KEPT && complete == NULL; i++) {
        if (kept[i].request == request) {
            complete = kept[i].complete;
            kept[i].request = NULL;
        }
    }
    request->complete = complete;
    if (sector == SECTOR_LOST)
        return;
    if (sector == SECTOR_WRONG_DATA && request->buffer_count > 0)
        *(char *)request->buffers[0].address ^= 1;
    complete(request, result);
    if (sector == SECTOR_TWICE)
        complete(request, result);
}

static _Noreturn void die_loudly(void)
{
    for (int line = 0; line < 20000; line++)
        printf("line %d of a frontend that talks too much\n", line);
    abort();
}

static _Noreturn void die_oddly(void)
{
    fputs("ERROR: it's \"odd\" & <b>]]> \\ \x01\x1b[31m\xff # SKIP \xc3\xa9\n"
          "not ok 1 - no line of ours\n1..99\nBail out!\n...\n",
          stdout);
    fflush(stdout);
    abort();
}

/* No two processes say the same. */
static _Noreturn void die_with_addresses(void)
{
    printf("==%d==ERROR: as sanitizers do it, %p\n", (int)getpid(), (void *)&subject);
    fflush(stdout);
    abort();
}

static void die_late(void)
{
    fputs("dies late\n", stderr);
    _exit(9);
}

/* What lies before is the heap's own, which finds it when the memory is given back. */
static void store_beside(void)
{
    lost = malloc(1000);
    freed = lost;
    if (freed != NULL)
        memset(freed - (size_t)(largest != 0) * 16, 0xff, 16);
    lost = NULL;
    free(freed);
}

/* A file says that it hangs, for a test that waits for it. */
static void say_that_it_hangs(void)
{
    char name[32];
    FILE *file;

    snprintf(name, sizeof(name), "hanging.%ld", (long)getpid());
    file = fopen(name, "wb");
    if (file != NULL)
        fclose(file);
}

static void misbehave(struct blkfront_request *request)
{
    switch (request->sector) {
    case SECTOR_ABORT: abort();
    case SECTOR_ENDLESS: endless = true; break;
    case SECTOR_USE_AFTER_FREE:
        freed = malloc(16);
        free(freed);
        freed[3] = 7;
        break;
    case SECTOR_LEAK:
        lost = malloc(100);
        lost = NULL;
        break;
    case SECTOR_EXIT: exit(5);
    case SECTOR_CHATTER: die_loudly();
    case SECTOR_ODD_TALK: die_oddly();
    case SECTOR_ADDRESSES: die_with_addresses();
    case SECTOR_LATE: atexit(die_late); break;
    case SECTOR_BESIDE: store_beside(); break;
    case SECTOR_LEDGER: lost = platform.allocate(platform.context, 100); break;
    case SECTOR_NOTIFIES: notifies_twice = true; break;
    case SECTOR_NULL: *(volatile char *)freed = 1; break;
    case SECTOR_UNREPEATABLE: request->sector += (uint64_t)++rounds; break;
    case SECTOR_OVERFLOW: largest = largest + 1; break;
    default: break;
    }
}

static int notify(void *context, struct blkfront_channel_set *set, uint32_t port)
{
    if (notifies_twice)
        notify_once(context, set, port);
    notifies_twice = false;
    return notify_once(context, set, port);
}

static int create(const struct blkfront_platform *given, void **context)
{
    platform = *given;
    notify_once = given->port_notify;
    platform.port_notify = notify;
    return scenario_subject_blkfront.create(&platform, context);
}

static int submit(void *device, uint32_t queue, struct blkfront_request *request)
{
    size_t i = 0;
    int result;

    misbehave(request);
    while (i < KEPT && kept[i].request != NULL)
        i++;
    if (i == KEPT)
        return scenario_subject_blkfront.submit(device, queue, request);
    kept[i].request = request;
    kept[i].complete = request->complete;
    request->complete = on_complete;
    result = scenario_subject_blkfront.submit(device, queue, request);
    if (result != BLKFRONT_OK) {
        request->complete = kept[i].complete;
        kept[i].request = NULL;
    }
    return result;
}

static int queue_poll(void *device, uint32_t queue)
{
    if (endless)
        say_that_it_hangs();
    while (endless)
        ;
    return scenario_subject_blkfront.queue_poll(device, queue);
}

const struct scenario_subject *tool_subject(void)
{
    memcpy(&subject, &scenario_subject_blkfront, sizeof(subject));
    subject.name = "misbehaving";
    subject.capabilities &= ~(uint64_t)SCENARIO_SUBJECT_FLUSH;
    subject.create = create;
    subject.submit = submit;
    subject.queue_poll = queue_poll;
    return &subject;
}
