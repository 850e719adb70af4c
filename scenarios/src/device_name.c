/* SPDX-License-Identifier: ISC */
/*
 * Which device of the world a name means, before the frontend is asked: events, rings and actors
 * are kept by device number, so the runner has to know it when the connect begins. Written apart
 * from the frontend's own reading of names; where the two differ, the oracle and the scenario see
 * it. Names that mean none of the world's devices count for the prefix's device.
 */
#include "runner.h"

#include <stdio.h>
#include <string.h>

static bool read_number(const char *text, size_t length, uint64_t *number)
{
    uint64_t value = 0;

    if (length == 0 || length > 10) {
        return false;
    }
    for (size_t i = 0; i < length; i++) {
        if (text[i] < '0' || text[i] > '9') {
            return false;
        }
        value = value * 10 + (uint64_t)(text[i] - '0');
    }
    *number = value;
    return true;
}

/* "a" is 0, "z" 25, "aa" 26; false if it is no such word. */
static bool read_letters(const char *text, size_t length, uint64_t *disk)
{
    uint64_t value = 0;

    if (length == 0 || length > 5) {
        return false;
    }
    for (size_t i = 0; i < length; i++) {
        if (text[i] < 'a' || text[i] > 'z') {
            return false;
        }
        value = value * 26 + (uint64_t)(text[i] - 'a' + 1);
    }
    *disk = value - 1;
    return true;
}

static bool read_hex(const char *text, size_t length, uint64_t *number)
{
    static const char digits[] = "0123456789abcdef";
    uint64_t value = 0;

    if (length < 3 || length > 10 || memcmp(text, "0x", 2) != 0) {
        return false;
    }
    for (size_t i = 2; i < length; i++) {
        const char *digit =
            memchr(digits, text[i] >= 'A' && text[i] <= 'F' ? text[i] | 0x20 : text[i],
                   sizeof(digits) - 1);

        if (digit == NULL) {
            return false;
        }
        value = value << 4 | (uint64_t)(digit - digits);
    }
    *number = value;
    return true;
}

/* "b3" of "xvdb3"; a whole disk is its partition 0. */
static bool read_disk(const char *text, size_t length, uint64_t *disk, uint64_t *partition)
{
    size_t letters = 0;

    while (letters < length && text[letters] >= 'a' && text[letters] <= 'z') {
        letters++;
    }
    *partition = 0;
    return read_letters(text, letters, disk) &&
           (letters == length ||
            (read_number(text + letters, length - letters, partition) && *partition != 0));
}

/* "1p3" of "d1p3". */
static bool read_nominal(const char *text, size_t length, uint64_t *disk, uint64_t *partition)
{
    const char *p = memchr(text, 'p', length);
    size_t digits = p == NULL ? length : (size_t)(p - text);

    *partition = 0;
    return read_number(text, digits, disk) &&
           (p == NULL || read_number(p + 1, length - digits - 1, partition));
}

/* PROTOCOL section 9. */
static bool read_vdev(const char *name, size_t length, uint64_t *vdev)
{
    uint64_t disk, partition;

    if (length > 5 && memcmp(name, "/dev/", 5) == 0) {
        name += 5;
        length -= 5;
    }
    if (read_number(name, length, vdev) || read_hex(name, length, vdev)) {
        return true;
    }
    if ((length > 3 && memcmp(name, "xvd", 3) == 0 &&
         read_disk(name + 3, length - 3, &disk, &partition)) ||
        (length > 1 && name[0] == 'd' && read_nominal(name + 1, length - 1, &disk, &partition))) {
        *vdev = disk < 16 && partition < 16 ? 202u << 8 | disk << 4 | partition
                                            : UINT64_C(1) << 28 | disk << 8 | partition;
        return disk < 1 << 20 && partition < 256;
    }
    if (length > 2 && memcmp(name, "sd", 2) == 0 &&
        read_disk(name + 2, length - 2, &disk, &partition)) {
        *vdev = 8u << 8 | disk << 4 | partition;
        return disk < 16 && partition < 16;
    }
    if (length > 2 && memcmp(name, "hd", 2) == 0 &&
        read_disk(name + 2, length - 2, &disk, &partition)) {
        *vdev = (disk < 2 ? 3u << 8 : 22u << 8) | (disk & 1) << 6 | partition;
        return disk < 4 && partition < 64;
    }
    return false;
}

/* What is behind the prefixes of a params value: "aio:/srv/a" and "/srv/a" mean the same. */
static const char *without_prefixes(const char *params)
{
    static const char *const prefixes[] = {
        "tapdisk:", "tap2:", "tap:", "aio:", "ioemu:", "file:", "phy:"};
    bool found = true;

    while (found) {
        found = false;
        for (size_t i = 0; i < sizeof(prefixes) / sizeof(prefixes[0]); i++) {
            size_t length = strlen(prefixes[i]);

            if (strncmp(params, prefixes[i], length) == 0) {
                params += length;
                found = true;
            }
        }
    }
    return params;
}

/* A node's value as text; false: the frontend will find none of at most BLKFRONT_PATH_MAX - 1
 * bytes. */
static bool read_node(struct scenario_runner *runner, const char *directory, const char *node,
                      char value[BLKFRONT_PATH_MAX])
{
    char path[BLKFRONT_PATH_MAX + 16];
    size_t length = 0;

    snprintf(path, sizeof(path), "%s/%s", directory, node);
    if (simback_store_peek(runner->world, path, value, BLKFRONT_PATH_MAX - 1, &length) != 0 ||
        length >= BLKFRONT_PATH_MAX) {
        return false;
    }
    value[length] = '\0';
    return true;
}

/* By what a frontend will find, for two devices may have been given the same params. */
static bool has_params(struct scenario_runner *runner, unsigned device, const char *name)
{
    char back[BLKFRONT_PATH_MAX], front[BLKFRONT_PATH_MAX], params[BLKFRONT_PATH_MAX];

    simback_paths(&runner->backends[device], back, sizeof(back), front, sizeof(front));
    return read_node(runner, front, BLKIF_NODE_BACKEND, back) &&
           read_node(runner, back, BLKIF_NODE_PARAMS, params) &&
           strcmp(without_prefixes(params), without_prefixes(name)) == 0;
}

/* The directory of its frontend may have been removed. */
static bool is_there(struct scenario_runner *runner, unsigned device)
{
    char back[BLKFRONT_PATH_MAX], front[BLKFRONT_PATH_MAX], value[1];
    size_t length;

    simback_paths(&runner->backends[device], back, sizeof(back), front, sizeof(front));
    return simback_store_peek(runner->world, front, value, sizeof(value), &length) !=
           BLKFRONT_PLATFORM_NO_ENTRY;
}

/* What no device has as its number, though it spells one, may be a params value yet. */
uint16_t device_number_of_name(struct scenario_runner *runner, const char *name, unsigned handle)
{
    uint64_t vdev = 0;
    bool numbered = read_vdev(name, strlen(name), &vdev);

    for (unsigned i = 0; numbered && i < SCENARIO_DEVICES_MAX; i++) {
        if (runner->has_backend[i] && runner->backends[i].vdev == vdev) {
            if (is_there(runner, i)) {
                return (uint16_t)i;
            }
            handle = i; /* as it is meant, if it is no params value */
        }
    }
    for (unsigned i = 0; i < SCENARIO_DEVICES_MAX; i++) {
        if (runner->has_backend[i] && has_params(runner, i, name)) {
            return (uint16_t)i;
        }
    }
    return (uint16_t)handle;
}
