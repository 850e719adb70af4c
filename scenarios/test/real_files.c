/* SPDX-License-Identifier: ISC */
/*
 * The files, and the commands of e2fsprogs, which are in sbin where users do not look.
 */
#define _GNU_SOURCE
#include "real_files.h"

#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

enum { CHUNK = 65536 };

extern char **environ;

/* ---- commands ---- */

static bool run(const char *const *words)
{
    char *arguments[16] = {NULL};
    posix_spawn_file_actions_t actions;
    int status = 0, error;
    pid_t child;

    for (size_t i = 0; words[i] != NULL && i < 15; i++) {
        arguments[i] = strdup(words[i]);
    }
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_adddup2(&actions, STDOUT_FILENO, STDERR_FILENO);
    error = posix_spawnp(&child, words[0], &actions, NULL, arguments, environ);
    posix_spawn_file_actions_destroy(&actions);
    for (size_t i = 0; arguments[i] != NULL; i++) {
        free(arguments[i]);
    }
    if (error != 0 || waitpid(child, &status, 0) != child) {
        return false;
    }
    return WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

bool real_files_have_tools(void)
{
    const char *path = getenv("PATH");
    char longer[4096];

    snprintf(longer, sizeof(longer), "%s:/usr/sbin:/sbin", path == NULL ? "/usr/bin:/bin" : path);
    setenv("PATH", longer, 1);
    /* Not today's. */
    setenv("E2FSPROGS_FAKE_TIME", "1000000000", 1);
    return run((const char *const[]){"sh", "-c", "command -v mke2fs e2fsck >/dev/null", NULL});
}

bool real_files_image(const char *folder, const char *image, uint64_t bytes)
{
    char blocks[32];

    unlink(image); /* mke2fs would take an old one as it is */
    snprintf(blocks, sizeof(blocks), "%" PRIu64 "k", bytes / 1024);
    return run((const char *const[]){"mke2fs", "-q", "-F", "-t", "ext4", "-d", folder, image,
                                     blocks, NULL});
}

bool real_files_sound(const char *image)
{
    return run((const char *const[]){"e2fsck", "-fn", image, NULL});
}

void real_files_remove(const char *folder)
{
    run((const char *const[]){"rm", "-rf", "--", folder, NULL});
}

/* ---- files ---- */

/* Bytes that do not compress and hold no block twice. */
static void fill(uint8_t *bytes, size_t length, uint64_t *chance)
{
    for (size_t i = 0; i < length; i++) {
        *chance = *chance * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
        bytes[i] = (uint8_t)(*chance >> 56);
    }
}

static bool make_file(const char *folder, const char *name, uint64_t size, uint64_t hole)
{
    static uint8_t bytes[CHUNK];
    uint64_t chance = size * 7919 + strlen(name);
    char path[PATH_MAX];
    bool good;
    int file;

    snprintf(path, sizeof(path), "%s/%s", folder, name);
    file = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
    good = file >= 0 && lseek(file, (off_t)hole, SEEK_SET) >= 0;
    while (good && size > 0) {
        size_t length = size < CHUNK ? (size_t)size : CHUNK;

        fill(bytes, length, &chance);
        good = write(file, bytes, length) == (ssize_t)length;
        size -= length;
    }
    if (file >= 0) {
        close(file);
    }
    return good;
}

/* Each size at which a block, an extent or a tree of extents begins or ends. */
static bool make_sizes(const char *folder)
{
    static const uint32_t sizes[] = {0,     1,     511,   512,    513,    1023,   1024,
                                     1025,  4095,  4096,  4097,   12288,  12289,  40000,
                                     65535, 65536, 65537, 274432, 274433, 999999, 5 << 20};
    char name[32];

    for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
        snprintf(name, sizeof(name), "size-%" PRIu32, sizes[i]);
        if (!make_file(folder, name, sizes[i], 0)) {
            return false;
        }
    }
    return make_file(folder, "with-a-hole", 100000, 3 << 20);
}

/* More names than one block of a directory holds. */
static bool make_many(const char *folder)
{
    char path[PATH_MAX], name[64];

    snprintf(path, sizeof(path), "%s/many", folder);
    if (mkdir(path, 0755) != 0) {
        return false;
    }
    for (uint32_t i = 0; i < 400; i++) {
        snprintf(name, sizeof(name), "a-file-with-a-name-of-some-length-%" PRIu32, i);
        if (!make_file(path, name, (uint64_t)i * 37 % 20000, 0)) {
            return false;
        }
    }
    return true;
}

static bool make_links(const char *folder)
{
    char path[PATH_MAX], other[PATH_MAX];

    snprintf(path, sizeof(path), "%s/symbolic", folder);
    snprintf(other, sizeof(other), "%s/hard", folder);
    if (symlink("size-4096", path) != 0) {
        return false;
    }
    snprintf(path, sizeof(path), "%s/size-65537", folder);
    return link(path, other) == 0;
}

bool real_files_make(const char *folder)
{
    return mkdir(folder, 0755) == 0 && make_sizes(folder) && make_many(folder) &&
           make_links(folder);
}
