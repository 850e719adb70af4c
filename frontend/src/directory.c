/* SPDX-License-Identifier: ISC */
/*
 * Our directory in XenStore: its paths, what the toolstack has written there, and the watches on it
 * and on the backend's state. All of it is read at connect and once more when a device recovers.
 */
#include "life.h"
#include "name.h"
#include "store.h"

enum { DOMID_MAX = 0x7fef }; /* numbers above are no domains */

static int node_failed(struct blkfront_device *device, const char *what, const char *node,
                       int error)
{
    device_set_detail(device, what, device->life->frontend, node);
    return error;
}

static int read_backend_path(struct blkfront_device *device, const struct store *store)
{
    struct device_life *life = device->life;
    size_t length = 0;
    int result = store_get(store, life->frontend, BLKIF_NODE_BACKEND, life->backend,
                           sizeof(life->backend) - 1, &length);

    life->own_gone = result == BLKFRONT_PLATFORM_NO_ENTRY;
    if (result != 0 && result != BLKFRONT_PLATFORM_TOO_LONG)
        return node_failed(device, "cannot read", BLKIF_NODE_BACKEND, store_result(result));
    life->backend[length] = '\0';
    if (result != 0 || !store_path_check(life->backend, length))
        return node_failed(device, "not a path:", BLKIF_NODE_BACKEND, BLKFRONT_STORE);
    return BLKFRONT_OK;
}

int device_read_backend_id(const struct blkfront_device *device, uint16_t *id)
{
    const struct store store = {.platform = device->context->platform, .transaction = 0};
    uint64_t number;
    int result =
        store_get_number(&store, device->life->frontend, BLKIF_NODE_BACKEND_ID, DOMID_MAX, &number);

    if (result == 0)
        *id = (uint16_t)number;
    return result;
}

static int read_backend_id(struct blkfront_device *device)
{
    int result = device_read_backend_id(device, &device->agreed.backend_id);

    if (result == BLKFRONT_PLATFORM_INVALID)
        return node_failed(device, "not a domain:", BLKIF_NODE_BACKEND_ID, BLKFRONT_STORE);
    if (result != 0)
        return node_failed(device, "cannot read", BLKIF_NODE_BACKEND_ID, store_result(result));
    return BLKFRONT_OK;
}

/* Absent means trusted; a value that makes no sense does not (I6). */
static int read_trusted(struct blkfront_device *device, const struct store *store)
{
    uint64_t trusted = 1;
    int result = store_get_number(store, device->life->frontend, BLKIF_NODE_TRUSTED, 1, &trusted);

    if (result != 0 && result != BLKFRONT_PLATFORM_NO_ENTRY && result != BLKFRONT_PLATFORM_INVALID)
        return node_failed(device, "cannot read", BLKIF_NODE_TRUSTED, store_result(result));
    device->agreed.trusted = result != BLKFRONT_PLATFORM_INVALID && trusted != 0;
    return BLKFRONT_OK;
}

/* Only a floppy says so here alone; what a backend knows of its disk stands in its `info`. */
static int read_type(struct blkfront_device *device, const struct store *store)
{
    char type[16];
    size_t length = 0;
    int result = store_get(store, device->life->frontend, BLKIF_NODE_DEVICE_TYPE, type,
                           sizeof(type), &length);

    device->agreed.floppy = result == 0 && text_equal(type, length, "floppy", 6);
    if (result != 0 && result != BLKFRONT_PLATFORM_NO_ENTRY && result != BLKFRONT_PLATFORM_TOO_LONG)
        return node_failed(device, "cannot read", BLKIF_NODE_DEVICE_TYPE, store_result(result));
    return BLKFRONT_OK;
}

/* ---- paths ---- */

static void make_path(char *path, size_t size, const char *directory, const char *node)
{
    struct text text = text_begin(path, size);

    text_add(&text, directory);
    text_add_char(&text, '/');
    text_add(&text, node);
}

static void make_own_paths(struct device_life *life, uint16_t domid, uint32_t vdev)
{
    struct text text = text_begin(life->error_path, sizeof(life->error_path));

    text_add(&text, "/local/domain/");
    text_add_u64(&text, domid);
    text_add(&text, "/error/device/vbd/");
    text_add_u64(&text, vdev);

    name_directory(life->frontend, domid);
    text = (struct text){.start = life->frontend,
                         .size = sizeof(life->frontend),
                         .length = text_length(life->frontend, sizeof(life->frontend))};
    text_add_char(&text, '/');
    text_add_u64(&text, vdev);

    make_path(life->own_path, sizeof(life->own_path), life->frontend, BLKIF_NODE_BACKEND);
    make_path(life->id_path, sizeof(life->id_path), life->frontend, BLKIF_NODE_BACKEND_ID);
}

static void make_backend_paths(struct device_life *life)
{
    make_path(life->other_path, sizeof(life->other_path), life->backend, BLKIF_NODE_STATE);
    make_path(life->flush_path, sizeof(life->flush_path), life->backend,
              BLKIF_NODE_FEATURE_FLUSH_CACHE);
    make_path(life->barrier_path, sizeof(life->barrier_path), life->backend,
              BLKIF_NODE_FEATURE_BARRIER);
}

int device_read_nodes(struct blkfront_device *device, uint16_t domid)
{
    const struct store store = {.platform = device->context->platform, .transaction = 0};
    struct device_life *life = device->life;
    int error;

    life->domid = domid;
    make_own_paths(life, domid, device->vdev);
    error = read_backend_path(device, &store);
    if (error == BLKFRONT_OK)
        error = read_backend_id(device);
    if (error == BLKFRONT_OK)
        error = read_trusted(device, &store);
    if (error == BLKFRONT_OK)
        error = read_type(device, &store);
    if (error == BLKFRONT_OK)
        make_backend_paths(life);
    return error;
}

/* ---- watches ---- */

struct watched {
    const char *path;
    const char *directory; /* for the detail */
    const char *node;
    uint32_t token;
    bool *set;
};

enum { WATCHES_NEEDED = 3, WATCH_FLUSH = WATCHES_NEEDED, WATCH_BARRIER, WATCHES };

static void list_watches(struct device_life *life, struct watched list[WATCHES])
{
    list[0] = (struct watched){life->own_path, life->frontend, BLKIF_NODE_BACKEND, LIFE_WATCH_OWN,
                               &life->watching_own};
    list[1] = (struct watched){life->id_path, life->frontend, BLKIF_NODE_BACKEND_ID, LIFE_WATCH_OWN,
                               &life->watching_id};
    list[2] = (struct watched){life->other_path, life->backend, BLKIF_NODE_STATE,
                               LIFE_WATCH_BACKEND, &life->watching_other};
    list[WATCH_FLUSH] =
        (struct watched){life->flush_path, life->backend, BLKIF_NODE_FEATURE_FLUSH_CACHE,
                         LIFE_WATCH_FLUSH, &life->watching_flush};
    list[WATCH_BARRIER] =
        (struct watched){life->barrier_path, life->backend, BLKIF_NODE_FEATURE_BARRIER,
                         LIFE_WATCH_FLUSH, &life->watching_barrier};
}

/* One that could not be removed before is there still. */
static int set_watch(const struct blkfront_device *device, const struct watched *watched)
{
    const struct blkfront_platform *platform = device->context->platform;
    int result =
        platform->watch(platform->context, device->life->watches, watched->path, watched->token);

    if (result == BLKFRONT_PLATFORM_EXISTS)
        result = 0;
    *watched->set = result == 0;
    return result;
}

static void drop_watch(const struct blkfront_device *device, const struct watched *watched)
{
    const struct blkfront_platform *platform = device->context->platform;

    /* Closing the set removes what this cannot. */
    if (*watched->set)
        (void)platform->unwatch(platform->context, device->life->watches, watched->path,
                                watched->token);
    *watched->set = false;
}

/* A guest has so many watches and no more: those that a device can do without are for others, if it
 * comes to that. False: there are none. */
static bool give_way(const struct blkfront *context)
{
    struct watched list[WATCHES];
    bool any = false;

    for (struct blkfront_device *device = context->devices; device != NULL && !any;
         device = device->next) {
        list_watches(device->life, list);
        for (int i = WATCHES_NEEDED; i < WATCHES; i++) {
            any = any || *list[i].set;
            drop_watch(device, &list[i]);
        }
    }
    return any;
}

int device_watch(struct blkfront_device *device)
{
    struct watched list[WATCHES];

    list_watches(device->life, list);
    for (int i = 0; i < WATCHES_NEEDED; i++) {
        int result;

        do
            result = set_watch(device, &list[i]);
        while (result == BLKFRONT_PLATFORM_NO_MEMORY && give_way(device->context));
        if (result != 0) {
            device_set_detail(device, "cannot watch", list[i].directory, list[i].node);
            return store_result(result);
        }
    }
    return BLKFRONT_OK;
}

/* Where no watch is left, an answer says it: who takes a way back does not support it. */
void device_watch_flush(struct blkfront_device *device)
{
    struct watched list[WATCHES];

    list_watches(device->life, list);
    if (device->agreed.flush)
        (void)set_watch(device, &list[WATCH_FLUSH]);
    if (device->agreed.barrier)
        (void)set_watch(device, &list[WATCH_BARRIER]);
}

void device_unwatch(struct blkfront_device *device)
{
    struct watched list[WATCHES];

    list_watches(device->life, list);
    for (int i = 0; i < WATCHES; i++)
        drop_watch(device, &list[i]);
}
