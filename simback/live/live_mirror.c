/* SPDX-License-Identifier: ISC */
/*
 * The real XenStore, brought into the world's: what others than the guest write there is written
 * here too, in the same order, as the backend's domain does it. Paths and the values that are paths
 * call the guest by its name in the world.
 */
#include "live.h"

#include <blkfront/blkif.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- names ---- */

/* "/local/domain/0/…" with the guest's number where it stands for the guest: its home, and in
 * "/backend/TYPE/<guest>/". */
static void rename_guest(const char *path, unsigned from, unsigned to, char *out)
{
    static const char root[] = "/local/domain/";
    char number[8], type[32];
    int taken = 0, length;
    unsigned owner, front;
    char rest[8];

    snprintf(number, sizeof(number), "%u", from);
    length = (int)strlen(number);
    /* The backend's directory first: where both are one domain, that is what tells them apart. */
    if (sscanf(path, "/local/domain/%u/backend/%31[^/]/%u%n", &owner, type, &front, &taken) == 3 &&
        front == from && (path[taken] == '/' || path[taken] == '\0')) {
        snprintf(out, LIVE_PATH, "/local/domain/%u/backend/%s/%u%s", owner, type, to, path + taken);
        return;
    }
    if (strncmp(path, root, sizeof(root) - 1) == 0 &&
        strncmp(path + sizeof(root) - 1, number, (size_t)length) == 0 &&
        sscanf(path + sizeof(root) - 1 + length, "/%7[a-z]", rest) == 1 &&
        (strcmp(rest, "device") == 0 || strcmp(rest, "error") == 0 || strcmp(rest, "data") == 0)) {
        snprintf(out, LIVE_PATH, "%s%u%s", root, to, path + sizeof(root) - 1 + length);
        return;
    }
    snprintf(out, LIVE_PATH, "%s", path);
}

void live_real_path(const struct simback_live *live, const char *path, char *real)
{
    rename_guest(path, LIVE_GUEST, live->domid, real);
}

void live_world_path(const struct simback_live *live, const char *real, char *path)
{
    rename_guest(real, live->domid, LIVE_GUEST, path);
}

static bool is_called(const char *path, const char *name)
{
    const char *last = strrchr(path, '/');

    return last != NULL && strcmp(last + 1, name) == 0;
}

/* Values that name the guest. Returns the length. */
static size_t world_value(const struct simback_live *live, const char *path, const char *value,
                          size_t length, char *out)
{
    if (is_called(path, BLKIF_NODE_BACKEND) || is_called(path, BLKIF_NODE_FRONTEND)) {
        live_world_path(live, value, out);
        return strlen(out);
    }
    if (is_called(path, BLKIF_NODE_FRONTEND_ID))
        return (size_t)snprintf(out, LIVE_PATH, "%d", LIVE_GUEST);
    memcpy(out, value, length);
    return length;
}

/* ---- nodes ---- */

static struct live_device *device_of(struct simback_live *live, const char *real, bool *back)
{
    for (unsigned i = 0; i < WORLD_DEVICES; i++) {
        struct live_device *device = &live->devices[i];
        const char *const directories[] = {device->back, device->front};

        for (unsigned j = 0; device->used && j < 2; j++) {
            const size_t length = strlen(directories[j]);

            if (strncmp(real, directories[j], length) == 0 &&
                (real[length] == '/' || real[length] == '\0')) {
                *back = j == 0;
                return device;
            }
        }
    }
    return NULL;
}

/* The backend's own view of its state, which it does not tell us otherwise. */
static void tell_state(struct simback_live *live, struct live_device *device, const char *value,
                       size_t length)
{
    const uint8_t state = length == 1 && value[0] >= '0' && value[0] <= '8'
                              ? (uint8_t)(value[0] - '0')
                              : (uint8_t)BLKIF_WIRE_UNKNOWN;

    simback_emit(live->world, &(struct simback_event){.kind = SIMBACK_BACK_STATE,
                                                      .domid = SIMBACK_DOM0,
                                                      .device = device->number,
                                                      .a = state,
                                                      .b = device->back_state});
    device->back_state = state;
}

/* What is really there; NULL: nothing. */
static char *really(struct simback_live *live, const char *real, unsigned *bytes)
{
    *bytes = 0;
    return xs_read(live->store, XBT_NULL, real, bytes);
}

/* Makes it so in the world. `again`: also where it is so already, since who writes the same once
 * more says: look again. */
static void bring(struct simback_live *live, const char *real, const char *found, unsigned bytes,
                  bool again)
{
    static char value[LIVE_VALUE], there[LIVE_VALUE];
    struct domain *dom0 = domain_get(live->world, SIMBACK_DOM0);
    const uint16_t entered = live->world->entered;
    bool back = false, is_there;
    struct live_device *device = device_of(live, real, &back);
    size_t length = 0, known = 0;
    char path[LIVE_PATH];

    live_world_path(live, real, path);
    is_there = simback_store_read(live->world, path, there, sizeof(there), &known) == 0;
    if (dom0 == NULL || bytes >= sizeof(value) || (found == NULL && !is_there))
        return;
    if (found != NULL)
        length = world_value(live, path, found, bytes, value);
    if (found != NULL && is_there && !again && known == length && memcmp(value, there, length) == 0)
        return;
    live->happened = true;
    live->world->entered = device == NULL ? SIMBACK_NO_DEVICE : device->number;
    if (found == NULL) {
        (void)xenstore_remove(dom0, 0, path);
    } else {
        if (device != NULL && back && is_called(path, BLKIF_NODE_STATE))
            tell_state(live, device, value, length);
        (void)xenstore_write(dom0, 0, path, value, length);
    }
    live->world->entered = entered;
}

/* ---- what has changed ---- */

void live_events_collect(struct xs_handle *store, struct live_event **events)
{
    char **event;

    while ((event = xs_check_watch(store)) != NULL) {
        struct live_event *entry = calloc(1, sizeof(*entry)), **last = events;

        while (*last != NULL)
            last = &(*last)->next;
        if (entry != NULL)
            snprintf(entry->path, sizeof(entry->path), "%s", event[XS_WATCH_PATH]);
        *last = entry;
        free(event);
    }
}

struct live_event *live_events_find(struct live_event *events, const char *path)
{
    while (events != NULL && strcmp(events->path, path) != 0)
        events = events->next;
    return events;
}

void live_events_forget(struct live_event **events)
{
    while (*events != NULL) {
        struct live_event *event = *events;

        *events = event->next;
        free(event);
    }
}

static void collect(struct simback_live *live)
{
    live_events_collect(live->store, &live->events);
}

/* An event tells only that its node has changed. Where another event of the same node is there by
 * the time that its value has been read, that one may have brought the value: its turn comes. So
 * nodes change here in the order in which they did. */
void live_mirror_take(struct simback_live *live)
{
    for (collect(live); live->events != NULL; collect(live)) {
        struct live_event *event = live->events;
        bool back = false;
        char *found;
        unsigned bytes;

        live->events = event->next;
        if (device_of(live, event->path, &back) != NULL) {
            found = really(live, event->path, &bytes);
            collect(live);
            if (live_events_find(live->events, event->path) == NULL)
                bring(live, event->path, found, bytes, back);
            free(found);
        }
        free(event);
    }
}

/* What is read here has been told by an event before, if it is a device's. */
void live_mirror_node(struct simback_live *live, const char *real)
{
    bool back;
    unsigned bytes;
    char *found = really(live, real, &bytes);

    live_mirror_take(live);
    if (device_of(live, real, &back) == NULL)
        bring(live, real, found, bytes, false);
    free(found);
}

void live_mirror_forget(struct simback_live *live)
{
    live_events_forget(&live->events);
}

/* ---- watches ---- */

void live_mirror_written(struct simback_live *live, const char *real, const char *value)
{
    bool back;
    const struct live_device *device = device_of(live, real, &back);

    if (device != NULL && !device->watched)
        bring(live, real, value, (unsigned)strlen(value), false);
}

/* Who waits is woken by the backend's state alone, which drivers write behind all the rest: each
 * event more is a message of xenstored's. */
static void wake_path(const struct live_device *device, char *path)
{
    snprintf(path, LIVE_PATH + 8, "%s/%s", device->back, BLKIF_NODE_STATE);
}

bool live_mirror_watch(struct simback_live *live, struct live_device *device)
{
    const struct blkfront_platform *platform = live->platform;
    char path[LIVE_PATH + 8];

    wake_path(device, path);
    device->watched = true;
    return xs_watch(live->store, device->back, "back") &&
           xs_watch(live->store, device->front, "front") &&
           platform->watch(platform->context, live->wake, path, device->vdev) == 0;
}

void live_mirror_unwatch(struct simback_live *live, struct live_device *device)
{
    const struct blkfront_platform *platform = live->platform;
    char path[LIVE_PATH + 8];

    wake_path(device, path);
    device->watched = false;
    (void)xs_unwatch(live->store, device->back, "back");
    (void)xs_unwatch(live->store, device->front, "front");
    (void)platform->unwatch(platform->context, live->wake, path, device->vdev);
}
