/* SPDX-License-Identifier: ISC */
/*
 * Reading and writing files, and finding the scenarios in folders: always in the same order,
 * whatever the file system says. And programs beside this one.
 */
#include "tool.h"

#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

char *tool_read_file(const char *path, size_t *length)
{
    FILE *file = strcmp(path, "-") == 0 ? stdin : fopen(path, "rb");
    char *data = NULL;
    char *shorter;
    size_t used = 0;
    size_t room = 0;

    if (file == NULL) {
        tool_error("%s: %s", path, strerror(errno));
        return NULL;
    }
    do {
        if (used + 1 >= room) {
            char *larger = realloc(data, room * 2 + 65536);

            if (larger == NULL) {
                tool_error("%s: too large for memory", path);
                goto fail;
            }
            data = larger;
            room = room * 2 + 65536;
        }
        used += fread(data + used, 1, room - used - 1, file);
    } while (!feof(file) && !ferror(file));
    if (ferror(file)) {
        tool_error("%s: cannot be read: %s", path, strerror(errno));
        goto fail;
    }
    if (file != stdin)
        fclose(file);
    data[used] = '\0';
    *length = used;
    shorter = realloc(data, used + 1);
    return shorter == NULL ? data : shorter;

fail:
    if (file != stdin)
        fclose(file);
    free(data);
    return NULL;
}

bool tool_write_file(const char *path, const void *data, size_t length)
{
    FILE *file = fopen(path, "wb");
    bool ok;

    if (file == NULL) {
        tool_error("%s: cannot be written: %s", path, strerror(errno));
        return false;
    }
    ok = fwrite(data, 1, length, file) == length;
    ok = fclose(file) == 0 && ok;
    if (!ok)
        tool_error("%s: cannot be written: %s", path, strerror(errno));
    return ok;
}

static bool add_path(struct tool_paths *paths, const char *path)
{
    char *copy = strdup(path);

    if (copy != NULL && paths->count == paths->room) {
        size_t room = paths->room * 2 + 64;
        char **larger = realloc(paths->path, room * sizeof(*larger));

        if (larger == NULL) {
            free(copy);
            copy = NULL;
        } else {
            paths->path = larger;
            paths->room = room;
        }
    }
    if (copy == NULL) {
        tool_error("no memory");
        return false;
    }
    paths->path[paths->count++] = copy;
    return true;
}

static int by_bytes(const struct dirent **a, const struct dirent **b)
{
    return strcmp((*a)->d_name, (*b)->d_name);
}

static bool ends_in_scn(const char *name)
{
    size_t length = strlen(name);

    return length > 4 && strcmp(name + length - 4, ".scn") == 0;
}

static bool collect_folder(struct tool_paths *paths, const char *path)
{
    struct dirent **entries;
    int count = scandir(path, &entries, NULL, by_bytes);
    bool ok = true;

    if (count < 0) {
        tool_error("%s: %s", path, strerror(errno));
        return false;
    }
    for (int i = 0; i < count; i++) {
        const char *name = entries[i]->d_name;
        size_t length = strlen(path);
        char below[4096];
        struct stat status;

        if (ok && name[0] != '.') {
            if (snprintf(below, sizeof(below), "%s%s%s", path,
                         length > 0 && path[length - 1] == '/' ? "" : "/",
                         name) >= (int)sizeof(below))
                ok = tool_error("%s/%s: the path is too long", path, name) == TOOL_OK;
            else if (stat(below, &status) == 0 && S_ISDIR(status.st_mode))
                ok = collect_folder(paths, below);
            else if (ends_in_scn(name))
                ok = add_path(paths, below);
        }
        free(entries[i]);
    }
    free(entries);
    return ok;
}

bool tool_collect(struct tool_paths *paths, const char *path)
{
    struct stat status;

    if (strcmp(path, "-") == 0)
        return add_path(paths, path);
    if (stat(path, &status) != 0) {
        tool_error("%s: %s", path, strerror(errno));
        return false;
    }
    return S_ISDIR(status.st_mode) ? collect_folder(paths, path) : add_path(paths, path);
}

void tool_paths_fini(struct tool_paths *paths)
{
    for (size_t i = 0; i < paths->count; i++)
        free(paths->path[i]);
    free(paths->path);
    memset(paths, 0, sizeof(*paths));
}

bool tool_beside(const char *program, char *path, size_t size)
{
    const ssize_t length = readlink("/proc/self/exe", path, size - 1);
    const size_t needed = strlen(program) + 1;
    char *slash;

    if (length <= 0)
        return false;
    path[length] = '\0';
    slash = strrchr(path, '/');
    if (slash == NULL || (size_t)(slash - path) + 1 + needed > size)
        return false;
    memcpy(slash + 1, program, needed);
    return access(path, X_OK) == 0;
}
