/* SPDX-License-Identifier: ISC */
/*
 * Which device of the world a name means, before the frontend is asked: events, rings and actors
 * are kept by device number, so the runner has to know it when the connect begins. Written apart
 * from the frontend's own reading of names; where the two differ, the oracle and the scenario see
 * it. Names that mean none of the world's devices count for the prefix's device.
 */
#include "runner.h"

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

    if (length == 0 || length > 3) {
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

/* PROTOCOL section 9, whole disks alone: what a scenario's backends are. */
static bool read_vdev(const char *name, size_t length, uint64_t *vdev)
{
    uint64_t disk;

    if (length > 5 && memcmp(name, "/dev/", 5) == 0) {
        name += 5;
        length -= 5;
    }
    if (read_number(name, length, vdev)) {
        return true;
    }
    if (length > 3 && memcmp(name, "xvd", 3) == 0 && read_letters(name + 3, length - 3, &disk)) {
        *vdev = disk < 16 ? 202u << 8 | disk << 4 : UINT64_C(1) << 28 | disk << 8;
        return true;
    }
    if (length > 2 && memcmp(name, "sd", 2) == 0 && read_letters(name + 2, length - 2, &disk)) {
        *vdev = 8u << 8 | disk << 4;
        return true;
    }
    if (length == 3 && memcmp(name, "hd", 2) == 0 && read_letters(name + 2, 1, &disk)) {
        *vdev = (disk < 2 ? 3u << 8 : 22u << 8) | (disk & 1) << 6;
        return true;
    }
    if (length > 1 && name[0] == 'd' && read_number(name + 1, length - 1, &disk)) {
        *vdev = disk < 16 ? 202u << 8 | disk << 4 : UINT64_C(1) << 28 | disk << 8;
        return true;
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

uint16_t device_number_of_name(const struct scenario_runner *runner, const char *name,
                               unsigned handle)
{
    uint64_t vdev = 0;
    bool numbered = read_vdev(name, strlen(name), &vdev);

    for (unsigned i = 0; i < SCENARIO_DEVICES_MAX; i++) {
        const struct simback_backend_options *backend = &runner->backends[i];

        if (!runner->has_backend[i]) {
            continue;
        }
        if (numbered ? backend->vdev == vdev
                     : backend->params != NULL &&
                           strcmp(without_prefixes(backend->params), without_prefixes(name)) == 0) {
            return (uint16_t)i;
        }
    }
    return (uint16_t)handle;
}
