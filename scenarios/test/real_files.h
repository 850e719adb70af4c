/* SPDX-License-Identifier: ISC */
/*
 * Real data: a folder of files of many sizes, made here and always the same, and e2fsprogs, which
 * make a file system of it and say whether one is sound.
 */
#ifndef SCENARIO_TEST_REAL_FILES_H
#define SCENARIO_TEST_REAL_FILES_H

#include <stdbool.h>
#include <stdint.h>

/* Whether mke2fs and e2fsck are there. */
bool real_files_have_tools(void);
/* Makes the folder, which must not be there, with about 12 MiB in it. */
bool real_files_make(const char *folder);
/* A sparse file with an ext4 file system of so many bytes that holds the folder. */
bool real_files_image(const char *folder, const char *image, uint64_t bytes);
/* Whether e2fsck finds nothing wrong; what it says otherwise goes to standard output. */
bool real_files_sound(const char *image);
/* With all that is in it. */
void real_files_remove(const char *folder);

#endif
