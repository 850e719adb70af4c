/* SPDX-License-Identifier: ISC */
/*
 * The context: one platform and the devices on it. Devices come and go in connect.c.
 */
#include "internal.h"
#include "life.h"
#include "name.h"
#include "store.h"

static bool has_required(const struct blkfront_platform *p)
{
    return p->share != NULL && p->unshare != NULL && p->channels_open != NULL &&
           p->channels_close != NULL && p->port_allocate != NULL && p->port_close != NULL &&
           p->port_notify != NULL && p->port_pending != NULL && p->port_unmask != NULL &&
           p->channels_wake != NULL && p->own_domid != NULL && p->store_read != NULL &&
           p->store_write != NULL && p->store_remove != NULL && p->store_list != NULL &&
           p->transaction_start != NULL && p->transaction_end != NULL && p->watches_open != NULL &&
           p->watches_close != NULL && p->watch != NULL && p->unwatch != NULL &&
           p->watch_fired != NULL && p->watches_wake != NULL && p->now != NULL && p->wait != NULL &&
           p->allocate != NULL && p->free != NULL && p->bug != NULL;
}

static bool has_promised(const struct blkfront_platform *p)
{
    if ((p->capabilities & BLKFRONT_PLATFORM_GRANTS_ANY_PAGE) == 0)
        return true;
    return p->page_allocate != NULL && p->page_free != NULL && p->page_grant != NULL &&
           p->page_revoke != NULL;
}

int blkfront_create(const struct blkfront_platform *platform, struct blkfront **context)
{
    struct blkfront *created;

    if (platform == NULL || context == NULL)
        return BLKFRONT_INVALID;
    if (platform->version != BLKFRONT_PLATFORM_VERSION || platform->size < sizeof(*platform) ||
        !has_required(platform) || !has_promised(platform))
        return BLKFRONT_INVALID;
    created = platform->allocate(platform->context, sizeof(*created));
    if (created == NULL)
        return BLKFRONT_NO_MEMORY;
    created->platform = platform;
    *context = created;
    return BLKFRONT_OK;
}

static void log_quarantine(const struct blkfront *context, size_t pages)
{
    const struct blkfront_platform *platform = context->platform;
    char line[96];
    struct text text = text_begin(line, sizeof(line));

    if (pages == 0 || platform->log == NULL)
        return;
    text_add_u64(&text, pages);
    text_add(&text, " pages are still mapped by a backend");
    platform->log(platform->context, line);
}

void blkfront_destroy(struct blkfront *context)
{
    const struct blkfront_platform *platform;

    if (context == NULL)
        return;
    platform = context->platform;
    /* There should be none; what there is must not outlive the context. */
    while (context->devices != NULL) {
        context->devices->references = 1;
        blkfront_release(context->devices);
    }
    log_quarantine(context, quarantine_retry(context));
    quarantine_forget(context);
    platform->free(platform->context, context, sizeof(*context));
}

const char *blkfront_detail(const struct blkfront *context)
{
    return context == NULL ? "" : context->detail;
}

int blkfront_enumerate(struct blkfront *context, uint32_t *vdevs, size_t capacity, size_t *count)
{
    const struct blkfront_platform *platform;
    char directory[NAME_DIRECTORY_MAX];
    struct text text;
    uint16_t domid = 0;
    uint32_t vdev;
    size_t length;
    size_t found = 0;
    int result;

    if (context == NULL || count == NULL || (vdevs == NULL && capacity > 0))
        return BLKFRONT_INVALID;
    platform = context->platform;
    text = text_begin(context->detail, sizeof(context->detail));
    result = platform->own_domid(platform->context, &domid);
    if (result != 0) {
        text_add(&text, "the number of our own domain is not known");
        return store_result(result);
    }
    name_directory(directory, domid);
    result = name_list(context, directory, &length);
    if (result != 0) {
        text_add(&text, "cannot list ");
        text_add(&text, directory);
        return store_result(result);
    }
    for (uint64_t from = 0; name_next(context, length, from, &vdev); from = (uint64_t)vdev + 1) {
        if (found < capacity)
            vdevs[found] = vdev;
        found++;
    }
    *count = found;
    return BLKFRONT_OK;
}

size_t blkfront_quarantined(struct blkfront *context)
{
    return context == NULL ? 0 : quarantine_retry(context);
}
