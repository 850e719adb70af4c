/* SPDX-License-Identifier: ISC */
/*
 * Watches: one connection to xenstored for all sets, so what fires is dealt out by its token, in
 * which the set's number stands.
 */
#include "libxen.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { TOKEN_ROOM = 32 };

static void token_of(const struct blkfront_watch_set *set, uint32_t token, char *text)
{
    snprintf(text, TOKEN_ROOM, "blkfront-%u-%u", (unsigned)set->number, (unsigned)token);
}

/* Events of one token may be merged: every watch with it has something to look at. */
static void fire(struct blkfront_libxen *xen, const char *text)
{
    char token[TOKEN_ROOM];

    for (struct blkfront_watch_set *set = xen->watch_sets; set != NULL; set = set->next) {
        for (struct libxen_watch *watch = set->watches; watch != NULL; watch = watch->next) {
            token_of(set, watch->token, token);
            if (strcmp(token, text) == 0)
                watch->fired = true;
        }
    }
}

void libxen_watches_take(struct blkfront_libxen *xen)
{
    char **event;

    while ((event = xs_check_watch(xen->store)) != NULL) {
        fire(xen, event[XS_WATCH_TOKEN]);
        free(event);
    }
}

static int xen_watches_open(void *context, struct blkfront_watch_set **set)
{
    struct blkfront_libxen *xen = context;
    struct blkfront_watch_set *opened = calloc(1, sizeof(*opened));

    if (opened == NULL)
        return BLKFRONT_PLATFORM_NO_MEMORY;
    libxen_lock(xen);
    opened->number = ++xen->last_watch_set;
    opened->next = xen->watch_sets;
    xen->watch_sets = opened;
    xen->ledger.watch_sets++;
    libxen_unlock(xen);
    *set = opened;
    return 0;
}

/* A guest that has all the watches it may have hears E2BIG of xenstored, and of oxenstored a word
 * that libxenstore takes for EINVAL; path and token are well formed. */
static int watch_error(int error)
{
    return error == E2BIG || error == EINVAL ? BLKFRONT_PLATFORM_NO_MEMORY : libxen_error(error);
}

/* Known before xenstored is asked: the first event may be there before its answer. */
static int xen_watch(void *context, struct blkfront_watch_set *set, const char *path,
                     uint32_t token)
{
    struct blkfront_libxen *xen = context;
    struct libxen_watch *watch = calloc(1, sizeof(*watch));
    char text[TOKEN_ROOM];
    int error;

    if (watch == NULL)
        return BLKFRONT_PLATFORM_NO_MEMORY;
    watch->path = strdup(path);
    if (watch->path == NULL) {
        free(watch);
        return BLKFRONT_PLATFORM_NO_MEMORY;
    }
    watch->token = token;
    token_of(set, token, text);
    libxen_lock(xen);
    watch->next = set->watches;
    set->watches = watch;
    xen->ledger.watches++;
    libxen_unlock(xen);
    if (xs_watch(xen->store, path, text))
        return 0;
    error = errno;
    libxen_lock(xen);
    set->watches = watch->next; /* calls on one set come one at a time: still the first */
    xen->ledger.watches--;
    libxen_unlock(xen);
    free(watch->path);
    free(watch);
    return watch_error(error);
}

static int xen_unwatch(void *context, struct blkfront_watch_set *set, const char *path,
                       uint32_t token)
{
    struct blkfront_libxen *xen = context;
    struct libxen_watch **place, *watch;
    char text[TOKEN_ROOM];
    int result = 0;

    libxen_lock(xen);
    place = &set->watches;
    while (*place != NULL && ((*place)->token != token || strcmp((*place)->path, path) != 0))
        place = &(*place)->next;
    watch = *place;
    if (watch != NULL) {
        *place = watch->next;
        xen->ledger.watches--;
    }
    libxen_unlock(xen);
    if (watch == NULL)
        return BLKFRONT_PLATFORM_NO_ENTRY;
    token_of(set, token, text);
    if (!xs_unwatch(xen->store, path, text))
        result = libxen_error(errno);
    free(watch->path);
    free(watch);
    return result;
}

static void xen_watches_close(void *context, struct blkfront_watch_set *set)
{
    struct blkfront_libxen *xen = context;
    struct blkfront_watch_set **place;

    while (set->watches != NULL)
        xen_unwatch(xen, set, set->watches->path, set->watches->token);
    libxen_lock(xen);
    place = &xen->watch_sets;
    while (*place != set)
        place = &(*place)->next;
    *place = set->next;
    xen->ledger.watch_sets--;
    libxen_unlock(xen);
    free(set);
}

static int xen_watch_fired(void *context, struct blkfront_watch_set *set, uint32_t *token)
{
    struct blkfront_libxen *xen = context;
    struct libxen_watch *watch;

    libxen_lock(xen);
    libxen_watches_take(xen);
    watch = set->watches;
    while (watch != NULL && !watch->fired)
        watch = watch->next;
    if (watch != NULL) {
        watch->fired = false;
        *token = watch->token;
    }
    libxen_unlock(xen);
    return watch != NULL;
}

void libxen_watches_init(struct blkfront_libxen *xen)
{
    xen->platform.watches_open = xen_watches_open;
    xen->platform.watches_close = xen_watches_close;
    xen->platform.watch = xen_watch;
    xen->platform.unwatch = xen_unwatch;
    xen->platform.watch_fired = xen_watch_fired;
}

void libxen_watches_end(struct blkfront_libxen *xen)
{
    while (xen->watch_sets != NULL)
        xen_watches_close(xen, xen->watch_sets);
}
