/* SPDX-License-Identifier: ISC */
/*
 * Pages, grants and event channels of simblk-shim: the platform's calls without a context.
 */
#include "shim_internal.h"

#include <blkfront/observe.h>

#include <stdatomic.h>

/* ---- pages and grants ---- */

void *shim_pages_allocate(unsigned count)
{
    void *pages = NULL;

    if (shim_platform()->page_allocate(shim_platform()->context, count, &pages) != 0)
        return NULL;
    return pages;
}

void shim_pages_free(void *pages, unsigned count)
{
    if (pages != NULL)
        shim_platform()->page_free(shim_platform()->context, pages, count);
}

uint32_t shim_grant(uint16_t domid, const void *page, bool read_only)
{
    uint32_t ref = 0;

    if (shim_platform()->page_grant(shim_platform()->context, domid, page, !read_only, &ref) != 0)
        return 0;
    return ref;
}

bool shim_grant_end(uint32_t ref)
{
    return shim_platform()->page_revoke(shim_platform()->context, ref) == 0;
}

/* ---- event channels ---- */

static struct shim_port *port_of(uint32_t port)
{
    for (int i = 0; i < SHIM_PORTS; i++) {
        if (shim_current->ports[i].port == port)
            return &shim_current->ports[i];
    }
    return NULL;
}

int shim_event_allocate(uint16_t domid, void (*handler)(uint32_t port, void *data), void *data,
                        uint32_t *port)
{
    struct shim_port *free_port = port_of(0);

    if (free_port == NULL ||
        shim_platform()->port_allocate(shim_platform()->context, shim_current->channels, domid,
                                       &free_port->port) != 0)
        return SHIM_NO_MEMORY;
    free_port->handler = handler;
    free_port->data = data;
    *port = free_port->port;
    return SHIM_OK;
}

void shim_event_notify(uint32_t port)
{
    shim_platform()->port_notify(shim_platform()->context, shim_current->channels, port);
}

void shim_event_close(uint32_t port)
{
    struct shim_port *open = port == 0 ? NULL : port_of(port);

    if (open == NULL)
        return;
    shim_platform()->port_close(shim_platform()->context, shim_current->channels, port);
    *open = (struct shim_port){0};
}

void shim_barrier(void)
{
    if (shim_observed)
        blkfront_observe(NULL, 0, BLKFRONT_ACCESS_FENCE);
    atomic_thread_fence(memory_order_seq_cst);
}

void shim_log(const char *line)
{
    if (shim_platform()->log != NULL)
        shim_platform()->log(shim_platform()->context, line);
}
