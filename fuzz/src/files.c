/* SPDX-License-Identifier: ISC */
/*
 * Files and folders as arguments: in an order that is the same everywhere, read whole.
 */
#define _POSIX_C_SOURCE 200809L

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "fuzz.h"

unsigned char *fuzz_read_file(const char *path, size_t limit, size_t *size)
{
    FILE *file = fopen(path, "rb");
    unsigned char *bytes;

    if (file == NULL) {
        fprintf(stderr, "%s: %s\n", path, strerror(errno));
        return NULL;
    }
    bytes = malloc(limit + 1);
    if (bytes == NULL) {
        fprintf(stderr, "%s: no memory\n", path);
    } else {
        *size = fread(bytes, 1, limit + 1, file);
        if (ferror(file) != 0 || *size > limit) {
            fprintf(stderr, "%s: cannot be read, or longer than %zu bytes\n", path, limit);
            free(bytes);
            bytes = NULL;
        }
    }
    fclose(file);
    return bytes;
}

static int by_name(const struct dirent **a, const struct dirent **b)
{
    return strcmp((*a)->d_name, (*b)->d_name);
}

static int not_hidden(const struct dirent *entry)
{
    return entry->d_name[0] != '.';
}

static int walk_folder(const char *path, int (*each)(void *context, const char *file),
                       void *context)
{
    struct dirent **entries = NULL;
    int count = scandir(path, &entries, not_hidden, by_name);
    int result = 0;

    if (count < 0) {
        fprintf(stderr, "%s: %s\n", path, strerror(errno));
        return -1;
    }
    for (int i = 0; i < count; i++) {
        size_t size = strlen(path) + strlen(entries[i]->d_name) + 2;
        char *name = malloc(size);

        if (name == NULL) {
            result = -1;
        } else if (result == 0) {
            snprintf(name, size, "%s/%s", path, entries[i]->d_name);
            result = fuzz_walk(name, each, context);
        }
        free(name);
        free(entries[i]);
    }
    free(entries);
    return result;
}

int fuzz_walk(const char *path, int (*each)(void *context, const char *file), void *context)
{
    struct stat status;

    if (stat(path, &status) != 0) {
        fprintf(stderr, "%s: %s\n", path, strerror(errno));
        return -1;
    }
    return S_ISDIR(status.st_mode) ? walk_folder(path, each, context) : each(context, path);
}
