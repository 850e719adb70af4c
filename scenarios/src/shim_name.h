/* SPDX-License-Identifier: ISC */
/*
 * The names of devices that a frontend of a small system is asked for.
 */
#ifndef SCENARIO_SHIM_NAME_H
#define SCENARIO_SHIM_NAME_H

#include <stdbool.h>
#include <stdint.h>

/* "51712"; "xvda" to "xvdp", with a partition from 1 to 15 behind it or none; each also behind
 * "/dev/". False: it is nothing of that, however it begins. */
bool shim_read_name(const char *name, uint32_t *vdev);

#endif
