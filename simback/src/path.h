/* SPDX-License-Identifier: ISC */
/*
 * A path of XenStore from the directory and the name of a node: made for each node that is read or
 * written, so without the C library's formats.
 */
#ifndef SIMBACK_PATH_H
#define SIMBACK_PATH_H

#include <string.h>

/* "directory/name", cut where it does not fit; how long it would be. */
static inline size_t path_join(char *path, size_t size, const char *directory, const char *name)
{
    const size_t above = strlen(directory), below = strlen(name), length = above + 1 + below;

    if (length < size) {
        memcpy(path, directory, above);
        path[above] = '/';
        memcpy(path + above + 1, name, below + 1);
        return length;
    }
    for (size_t i = 0; i + 1 < size; i++)
        path[i] = i < above ? directory[i] : i == above ? '/' : name[i - above - 1];
    path[size - 1] = '\0';
    return length;
}

#endif
