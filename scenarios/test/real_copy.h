/* SPDX-License-Identifier: ISC */
/*
 * An image of a disk written to a device, and read back from it: many requests at once, of many
 * sizes, from memory of every kind, in the way of delayed, held and reordered answers.
 */
#ifndef SCENARIO_TEST_REAL_COPY_H
#define SCENARIO_TEST_REAL_COPY_H

#include "device_world.h"

/* What the backend does to the requests from now on. */
bool real_copy_faults(struct device_world *device);

/* Writes what is not zero of the file; 0 or the first error. *bytes counts what was written. */
int real_copy_write(struct device_world *device, int file, uint64_t *bytes);

enum real_copy_difference { REAL_COPY_SAME, REAL_COPY_DIFFERS, REAL_COPY_FAILED };

/* Reads the whole device, compares it with the file, and puts it into the file `copy`. */
enum real_copy_difference real_copy_read(struct device_world *device, int file, int copy);

#endif
