/* SPDX-License-Identifier: ISC */
/*
 * What fuzz targets, their replay program and the maker of seeds share.
 */
#ifndef FUZZ_H
#define FUZZ_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* libFuzzer's interface: one input. Returns 0; what is wrong ends the process by abort(). */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* libFuzzer's interface: changes the program that the bytes are, and writes it as bytes again. The
 * same seed makes the same change. */
size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max_size, unsigned seed);
/* The same from two inputs. */
size_t LLVMFuzzerCustomCrossOver(const uint8_t *data1, size_t size1, const uint8_t *data2,
                                 size_t size2, uint8_t *out, size_t max_out, unsigned seed);

/* The input as the text of a scenario, on standard output; false: inputs of the target are no
 * programs. */
bool fuzz_print_text(const uint8_t *data, size_t size);

/* Calls `each` for the file, or for every file below the folder, in the order of their names'
 * bytes. 0, or -1 with a message on standard error. */
int fuzz_walk(const char *path, int (*each)(void *context, const char *file), void *context);

/* The whole file, of at most `limit` bytes, for free(); NULL with a message on standard error. */
unsigned char *fuzz_read_file(const char *path, size_t limit, size_t *size);

#endif
