/* SPDX-License-Identifier: ISC */
/*
 * Reads names of devices by hand: what libc reads as numbers has signs and spaces, too.
 */
#include "shim_name.h"

#include <string.h>

/* Digits alone, and the first of several is no 0. */
static bool read_number(const char *text, uint32_t most, uint32_t *number)
{
    uint64_t value = 0;

    if (text[0] == '\0' || (text[0] == '0' && text[1] != '\0'))
        return false;
    for (; *text != '\0'; text++) {
        if (*text < '0' || *text > '9')
            return false;
        value = value * 10 + (uint64_t)(*text - '0');
        if (value > most)
            return false;
    }
    *number = (uint32_t)value;
    return true;
}

bool shim_read_name(const char *name, uint32_t *vdev)
{
    uint32_t partition = 0;

    if (strncmp(name, "/dev/", 5) == 0)
        name += 5;
    if (strncmp(name, "xvd", 3) != 0)
        return read_number(name, UINT32_MAX, vdev);
    if (name[3] < 'a' || name[3] > 'p')
        return false;
    if (name[4] != '\0' && (!read_number(name + 4, 15, &partition) || partition == 0))
        return false;
    *vdev = 202u << 8 | (uint32_t)(name[3] - 'a') << 4 | partition;
    return true;
}
