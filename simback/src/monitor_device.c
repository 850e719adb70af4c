/* SPDX-License-Identifier: ISC */
/*
 * Who a device is: which domains and which XenStore directories belong to which number. A
 * frontend's number is that of the handle, a backend's that of its own making; the directories tell
 * whether they mean the same device, so that the rules judge one device and not two halves.
 */
#include "monitor.h"
#include "path.h"
#include "xenstore_internal.h"

#include <stdio.h>
#include <string.h>

/* ---- small parts ---- */

bool monitor_number(const void *bytes, size_t length, uint64_t *number)
{
    const unsigned char *digits = bytes;
    uint64_t value = 0;

    if (length == 0 || length > 20)
        return false;
    for (size_t i = 0; i < length; i++) {
        unsigned digit = (unsigned)digits[i] - '0';

        if (digit > 9 || value > (UINT64_MAX - digit) / 10)
            return false;
        value = value * 10 + digit;
    }
    *number = value;
    return true;
}

/* Letters count in base 26 without a zero: a … z, aa … */
static void letters(uint32_t disk, char out[8])
{
    char reversed[8];
    size_t count = 0;

    for (uint64_t rest = (uint64_t)disk + 1; rest > 0; rest = (rest - 1) / 26)
        reversed[count++] = (char)('a' + (rest - 1) % 26);
    for (size_t i = 0; i < count; i++)
        out[i] = reversed[count - 1 - i];
    out[count] = '\0';
}

void monitor_vdev_name(uint32_t vdev, char *name, size_t size)
{
    const char *kind = "xvd";
    uint32_t disk, partition;
    char disk_letters[8], number[12] = "";

    if (vdev >> 28 == 1) {
        disk = vdev >> 8 & 0xfffffu;
        partition = vdev & 0xff;
    } else if (vdev >> 8 == 202 || vdev >> 8 == 8) {
        kind = vdev >> 8 == 8 ? "sd" : "xvd";
        disk = vdev >> 4 & 0xf;
        partition = vdev & 0xf;
    } else if (vdev >> 8 == 3 || vdev >> 8 == 22) {
        kind = "hd";
        disk = (vdev >> 8 == 22 ? 2u : 0u) + (vdev >> 6 & 3u);
        partition = vdev & 0x3f;
    } else {
        snprintf(name, size, "vbd-%u", vdev);
        return;
    }
    letters(disk, disk_letters);
    if (partition != 0)
        snprintf(number, sizeof(number), "%u", partition);
    snprintf(name, size, "%s%s%s", kind, disk_letters, number);
}

/* If `path` is the directory or below it: the rest behind the slash ("" for the directory). */
static const char *below(const char *directory, size_t length, const char *path)
{
    if (length == 0 || strncmp(path, directory, length) != 0)
        return NULL;
    if (path[length] == '\0')
        return path + length;
    return path[length] == '/' ? path + length + 1 : NULL;
}

uint16_t monitor_front_path(const struct monitor *monitor, const char *path, const char **rest)
{
    for (unsigned i = 0; i < monitor->device_end; i++) {
        const struct monitor_device *device = &monitor->devices[i];

        if (device->known && (*rest = below(device->front, device->front_length, path)) != NULL)
            return (uint16_t)i;
    }
    return SIMBACK_NO_DEVICE;
}

/* ---- learning ---- */

/* One "/<digits>" of a path. */
static bool take_number(const char **at, uint64_t max, uint64_t *number)
{
    const char *begin = *at + 1;
    size_t length = 0;

    while (**at == '/' && begin[length] >= '0' && begin[length] <= '9')
        length++;
    if (!monitor_number(begin, length, number) || *number > max)
        return false;
    *at = begin + length;
    return true;
}

struct directory {
    bool front; /* of a frontend; else of a backend */
    uint16_t owner, front_domid;
    uint32_t vdev;
    size_t length;
};

/* "/local/domain/1/device/vbd/51712…", "/local/domain/0/backend/vbd/1/51712…". */
static bool parse_directory(const char *path, struct directory *directory)
{
    static const char root[] = "/local/domain", device[] = "/device/vbd", back[] = "/backend/";
    const char *at = path;
    uint64_t owner, front, vdev;

    if (strncmp(at, root, sizeof(root) - 1) != 0)
        return false;
    at += sizeof(root) - 1;
    if (!take_number(&at, UINT16_MAX, &owner))
        return false;
    front = owner;
    directory->front = strncmp(at, device, sizeof(device) - 1) == 0;
    if (directory->front) {
        at += sizeof(device) - 1;
    } else {
        if (strncmp(at, back, sizeof(back) - 1) != 0)
            return false;
        at += sizeof(back) - 1;
        at += strcspn(at, "/"); /* "vbd", or what a dialect calls it */
        if (!take_number(&at, UINT16_MAX, &front))
            return false;
    }
    if (!take_number(&at, UINT32_MAX, &vdev) || (*at != '\0' && *at != '/'))
        return false;
    directory->owner = (uint16_t)owner;
    directory->front_domid = (uint16_t)front;
    directory->vdev = (uint32_t)vdev;
    directory->length = (size_t)(at - path);
    return directory->length < MONITOR_PATH;
}

/* The device with this frontend directory; else `number` or, if that one is another device, the
 * highest number that is free. */
static uint16_t same_device(const struct monitor *monitor, const struct directory *directory,
                            uint16_t number)
{
    uint16_t free_number = monitor->device_end < WORLD_DEVICES ? WORLD_DEVICES - 1 : number;

    for (unsigned i = 0; i < monitor->device_end; i++) {
        const struct monitor_device *device = &monitor->devices[i];

        if (device->known && device->front_domid == directory->front_domid &&
            device->vdev == directory->vdev)
            return (uint16_t)i;
        if (!device->known && monitor->device_end == WORLD_DEVICES)
            free_number = (uint16_t)i;
    }
    return number < WORLD_DEVICES && monitor->devices[number].known ? free_number : number;
}

/* Is it a node in the directory that this frontend was told is its backend's? What lies deeper is
 * none: it may have been told of a directory that holds the true one. */
static bool is_told(const struct monitor_told *told, const struct simback_event *event)
{
    return told->length != 0 && told->front_domid == event->domid &&
           strlen(event->path) > told->length && event->path[told->length] == '/' &&
           strchr(event->path + told->length + 1, '/') == NULL &&
           hash_xxh64(event->path, told->length, 0) == told->hash;
}

uint16_t monitor_back_path(const struct monitor *monitor, const struct simback_event *event,
                           const char **rest)
{
    const char *path = event->path;
    struct directory directory;

    if (event->device < WORLD_DEVICES && is_told(&monitor->told[event->device], event)) {
        const struct monitor_told *told = &monitor->told[event->device];

        directory = (struct directory){.front_domid = told->front_domid, .vdev = told->vdev};
        *rest = path + told->length + 1;
        return same_device(monitor, &directory, SIMBACK_NO_DEVICE);
    }
    if (!parse_directory(path, &directory) || directory.front)
        return SIMBACK_NO_DEVICE;
    *rest = path[directory.length] == '/' ? path + directory.length + 1 : path + directory.length;
    return same_device(monitor, &directory, SIMBACK_NO_DEVICE);
}

/* Asked of every event, before anything is taken apart. */
static bool may_tell(const struct simback_event *event)
{
    return (event->kind == SIMBACK_WATCH || event->kind == SIMBACK_STORE_WRITE ||
            event->kind == SIMBACK_STORE_READ) &&
           event->path != NULL && event->device < WORLD_DEVICES && event->path[0] == '/';
}

/*
 * Whether an event tells which number a device goes by: a watch, which only the two sides set; what
 * a frontend writes in its own directory; and that it reads its backend's state. A frontend that
 * merely looks through the list of devices has not taken any, and what a toolstack writes says
 * nothing.
 */
static bool tells_number(const struct simback_event *event, const struct directory *directory)
{
    if (event->kind == SIMBACK_WATCH)
        return event->result == 0;
    if (event->kind == SIMBACK_STORE_WRITE)
        return directory->front && event->domid == directory->owner;
    return event->kind == SIMBACK_STORE_READ && !directory->front &&
           event->domid == directory->front_domid &&
           strcmp(event->path + directory->length, "/" BLKIF_NODE_STATE) == 0;
}

/* A frontend whose `backend` node somebody has rewritten looks into another's directory, or one
 * that nobody has; its own says who it is. */
static bool is_elsewhere(const struct monitor *monitor, const struct simback_event *event,
                         const struct directory *directory)
{
    const uint16_t number = monitor_device_number(monitor, event->device);

    return !directory->front && number != SIMBACK_NO_DEVICE &&
           monitor->devices[number].front_told &&
           event->domid == monitor->devices[number].front_domid;
}

/* A watch of the other side's directory is a backend's if that is the frontend's. */
static bool is_backend(const struct simback_event *event, const struct directory *directory)
{
    return event->kind == SIMBACK_WATCH && event->domid != directory->front_domid;
}

static void set_front(struct monitor_device *device, uint16_t front_domid)
{
    device->front_domid = front_domid;
    device->front_length =
        (uint8_t)snprintf(device->front, sizeof(device->front), "/local/domain/%u/device/vbd/%u",
                          front_domid, device->vdev);
}

void monitor_rename(struct monitor *monitor, uint16_t old, uint16_t domid)
{
    for (uint32_t i = 0; i < WORLD_DEVICES; i++) {
        struct monitor_device *device = &monitor->devices[i];

        if (!device->known || device->front_domid != old)
            continue;
        set_front(device, domid);
        device->back_known = false;
    }
}

/* A backend says itself which domain it is in, also where that is its frontend's. */
static void learn_backend(struct monitor *monitor, const struct simback_event *event)
{
    const uint16_t number = monitor_device_number(monitor, event->device);
    struct monitor_device *device = &monitor->devices[number % WORLD_DEVICES];

    if (number == SIMBACK_NO_DEVICE || !device->known)
        return;
    device->back_known = true;
    device->back_domid = event->domid;
}

/* It looks there from now on, wherever that is. */
static void learn_told(struct monitor_told *told, const struct simback_event *event,
                       const struct directory *directory)
{
    if (event->kind != SIMBACK_STORE_READ || !directory->front ||
        event->domid != directory->owner ||
        strcmp(event->path + directory->length, "/" BLKIF_NODE_BACKEND) != 0)
        return;
    *told = (struct monitor_told){.front_domid = directory->owner, .vdev = directory->vdev};
    if (event->result != 0 || event->length >= MONITOR_PATH)
        return;
    told->length = (uint16_t)event->length;
    told->hash = hash_xxh64(event->bytes, event->length, 0);
}

void monitor_learn(struct monitor *monitor, const struct simback_event *event)
{
    struct directory directory;
    struct monitor_device *device;
    uint16_t number;

    if (event->kind == SIMBACK_BACK_STATE)
        learn_backend(monitor, event);
    if (!may_tell(event) || !parse_directory(event->path, &directory))
        return;
    learn_told(&monitor->told[event->device], event, &directory);
    if (!tells_number(event, &directory) || is_elsewhere(monitor, event, &directory))
        return;
    number = same_device(monitor, &directory, event->device);
    device = &monitor->devices[number];
    if (!device->known || device->vdev != directory.vdev ||
        device->front_domid != directory.front_domid) {
        *device = (struct monitor_device){.known = true};
        if (number >= monitor->device_end)
            monitor->device_end = number + 1;
        device->vdev = directory.vdev;
        set_front(device, directory.front_domid);
        monitor_vdev_name(directory.vdev, device->name, sizeof(device->name));
    }
    monitor->alias[event->device] = number;
    if (directory.front && event->domid == directory.owner)
        device->front_told = true;
    if (is_backend(event, &directory)) {
        device->back_known = true;
        device->back_domid = event->domid;
    }
}

/* ---- reading XenStore without a trace ---- */

static const struct store_node *find_node(const struct simback_world *world, const char *directory,
                                          const char *name)
{
    char path[MONITOR_PATH + 64];

    if (path_join(path, sizeof(path), directory, name) >= sizeof(path))
        return NULL;
    return store_tree_find(world->store.root, path);
}

bool monitor_exists(const struct simback_world *world, const char *directory, const char *name)
{
    return find_node(world, directory, name) != NULL;
}

bool monitor_peek(const struct simback_world *world, const char *directory, const char *name,
                  char *value, size_t size, size_t *length)
{
    const struct store_node *node = find_node(world, directory, name);

    if (node == NULL || node->value_length > size)
        return false;
    *length = node->value_length;
    if (*length != 0)
        memcpy(value, node->value, *length);
    return true;
}

bool monitor_peek_number(const struct simback_world *world, const char *directory, const char *name,
                         uint64_t *number)
{
    char digits[24];
    size_t length;

    return monitor_peek(world, directory, name, digits, sizeof(digits), &length) &&
           monitor_number(digits, length, number);
}
