/* SPDX-License-Identifier: ISC */
/*
 * A frontend over simblk-shim that connects nothing: it tries the shim's calls one after the other
 * and tells by the detail text of its failed open which of them is not what shim.h says. The
 * environment can make it do something worse (SIMBLK_TEST_OUTSIDE).
 */
#include <scenario/shim.h>

#include <stdlib.h>
#include <string.h>

enum { MILLISECOND = 1000000 };

static bool wanted(const char *what)
{
    const char *said = getenv("SIMBLK_TEST_OUTSIDE");

    return said != NULL && strcmp(said, what) == 0;
}

static const char *try_store(void)
{
    char *value;

    if (shim_store_write(0, "device/vbd/51712/mine", "12") != SHIM_OK ||
        shim_store_number(0, "/local/domain/1/device/vbd/51712/mine", 7) != 12)
        return "a relative path is below the domain";
    shim_store_printf(0, "device/vbd/51712", "mine", "%d and %s", 3, "more");
    value = shim_store_read(0, "device/vbd/51712/mine");
    if (value == NULL || strcmp(value, "3 and more") != 0)
        return "printf writes a node";
    free(value);
    if (shim_store_number(0, "device/vbd/51712/mine", 7) != 7 ||
        shim_store_number(0, "device/vbd/51712/absent", 8) != 8)
        return "what is no number is the default";
    if (shim_store_remove(0, "device/vbd/51712/mine") != SHIM_OK ||
        shim_store_read(0, "device/vbd/51712/mine") != NULL)
        return "what was removed is gone";
    return NULL;
}

static const char *try_transactions(void)
{
    uint32_t transaction = 0;
    bool again = true;

    if (shim_transaction_start(&transaction) != SHIM_OK || transaction == 0)
        return "a transaction has a number";
    shim_store_write(transaction, "device/vbd/51712/mine", "1");
    if (shim_transaction_end(transaction, true, &again) != SHIM_OK || again ||
        shim_store_number(0, "device/vbd/51712/mine", 0) != 0)
        return "an aborted transaction has changed nothing";
    shim_transaction_start(&transaction);
    shim_store_write(transaction, "device/vbd/51712/mine", "1");
    if (shim_transaction_end(transaction, false, &again) != SHIM_OK || again ||
        shim_store_number(0, "device/vbd/51712/mine", 0) != 1)
        return "a transaction is seen when it is over";
    shim_store_remove(0, "device/vbd/51712/mine");
    return NULL;
}

static const char *try_waiting(void)
{
    struct shim_queue queue = {false};
    uint64_t began = shim_now();

    if (shim_wait(&queue, began + 5 * MILLISECOND) || shim_now() != began + 5 * MILLISECOND)
        return "a wait ends at its deadline";
    shim_sleep(2 * MILLISECOND);
    if (shim_now() != began + 7 * MILLISECOND)
        return "a sleep takes its time";
    shim_wake(&queue);
    if (!shim_wait(&queue, SHIM_FOREVER) || queue.woken || shim_now() != began + 7 * MILLISECOND)
        return "who was woken before does not wait";
    if (shim_watch("device/vbd/51712/mine", &queue) != SHIM_OK ||
        !shim_wait(&queue, SHIM_FOREVER) || shim_wait(&queue, shim_now() + MILLISECOND))
        return "a new watch wakes once";
    shim_store_write(0, "device/vbd/51712/mine", "5");
    if (!shim_wait(&queue, SHIM_FOREVER))
        return "a change wakes";
    shim_store_write(0, "device/vbd/51712/mine", "6");
    if (shim_state_wait("device/vbd/51712/mine", 5, &queue) != 6)
        return "another state is not waited for";
    shim_unwatch("device/vbd/51712/mine", &queue);
    shim_store_remove(0, "device/vbd/51712/mine");
    queue.woken = false;
    if (shim_wait(&queue, shim_now() + MILLISECOND))
        return "a watch that is gone wakes nobody";
    return NULL;
}

static const char *try_xen(void)
{
    unsigned char *pages = shim_pages_allocate(2);
    uint32_t first, second, port = 0;

    if (pages == NULL || (uintptr_t)pages % SHIM_PAGE_SIZE != 0 || pages[0] != 0 ||
        pages[2 * SHIM_PAGE_SIZE - 1] != 0)
        return "pages are whole and zero";
    first = shim_grant(0, pages, true);
    second = shim_grant(0, pages + SHIM_PAGE_SIZE, false);
    if (first == 0 || second == 0 || first == second)
        return "each page has a grant of its own";
    if (!shim_grant_end(first) || !shim_grant_end(second))
        return "a grant that nobody maps ends";
    shim_pages_free(pages, 2);
    if (shim_event_allocate(0, NULL, NULL, &port) != SHIM_OK || port == 0)
        return "a port has a number";
    shim_event_close(port);
    shim_log("the shim was tried");
    return NULL;
}

/* The guard below the stack is met. */
static unsigned deeper(volatile unsigned char *above, unsigned depth)
{
    volatile unsigned char here[4096];

    memset((void *)(uintptr_t)here, (int)depth, sizeof(here));
    if (depth == 0)
        return above[0];
    return deeper(here, depth - 1) + here[depth % sizeof(here)];
}

static void *open_device(const char *node, struct shim_info *info)
{
    static const char *(*const tries[])(void) = {try_store, try_transactions, try_waiting, try_xen};
    struct shim_queue nobody = {false};
    const char *wrong = NULL;

    if (wanted("opens")) {
        info->sector_size = 512;
        info->size_sectors = 2048;
        return info;
    }
    if (wanted("overflows-its-stack")) {
        volatile unsigned char first = 0;

        shim_sleep(deeper(&first, 1000));
    }
    while (wanted("waits-for-ever"))
        shim_wait(&nobody, SHIM_FOREVER);
    if (strcmp(node, "device/vbd/51712") != 0)
        wrong = "the node is the device's";
    for (size_t i = 0; wrong == NULL && i < sizeof(tries) / sizeof(tries[0]); i++)
        wrong = tries[i]();
    shim_lost(SHIM_STORE, wrong != NULL ? wrong : "all is as it should be");
    return NULL;
}

/* Without a ring nothing can be read; and it says so twice. */
static int submit(void *device, struct shim_io *io)
{
    (void)device;
    if (io->operation == SHIM_READ)
        return SHIM_DISCONNECTED;
    shim_done(io, SHIM_DISCONNECTED);
    shim_done(io, SHIM_DISCONNECTED);
    return SHIM_PENDING;
}

static void close_device(void *device)
{
    (void)device;
}

static struct shim_frontend frontend = {
    .version = SHIM_VERSION,
    .name = "tries",
    .io_bytes = SHIM_PAGE_SIZE,
    .open = open_device,
    .submit = submit,
    .close = close_device,
};

__attribute__((constructor)) static void construct(void)
{
    if (wanted("other-version"))
        frontend.version = SHIM_VERSION + 1;
}

SHIM_FRONTEND(frontend)
