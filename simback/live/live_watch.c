/* SPDX-License-Identifier: ISC */
/*
 * A guest's directory in the real XenStore: each of its nodes that changes is told with the value
 * that it has by then, in order. The events come with their paths on a connection of its own.
 */
#include "live.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct simback_live_watch {
    struct xs_handle *store;
    struct live_event *events;
    char path[LIVE_PATH];
};

struct simback_live_watch *simback_live_watch_open(const char *path)
{
    struct simback_live_watch *watch = calloc(1, sizeof(*watch));

    if (watch == NULL)
        return NULL;
    snprintf(watch->path, sizeof(watch->path), "%s", path);
    watch->store = xs_open(0);
    if (watch->store != NULL && xs_watch(watch->store, path, "front"))
        return watch;
    simback_live_watch_close(watch);
    return NULL;
}

void simback_live_watch_close(struct simback_live_watch *watch)
{
    if (watch == NULL)
        return;
    live_events_forget(&watch->events);
    if (watch->store != NULL)
        xs_close(watch->store);
    free(watch);
}

void simback_live_watch_take(struct simback_live_watch *watch,
                             void (*node)(void *context, const char *path, const char *value,
                                          size_t length, bool missed),
                             void *context)
{
    for (live_events_collect(watch->store, &watch->events); watch->events != NULL;
         live_events_collect(watch->store, &watch->events)) {
        struct live_event *event = watch->events, *later;
        unsigned bytes = 0;
        char *value = xs_read(watch->store, XBT_NULL, event->path, &bytes);

        watch->events = event->next;
        live_events_collect(watch->store, &watch->events);
        /* Where another event of the same node is there, that one may have brought the value. */
        later = live_events_find(watch->events, event->path);
        if (later != NULL)
            later->missed = true;
        else if (strcmp(event->path, watch->path) != 0 || value == NULL)
            node(context, event->path, value, bytes, event->missed);
        free(value);
        free(event);
    }
}
