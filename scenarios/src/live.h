/* SPDX-License-Identifier: ISC */
/*
 * The tool's way to a real Xen: live_xen.c where Xen's libraries were found, live_none.c elsewhere.
 */
#ifndef SCENARIO_SRC_LIVE_H
#define SCENARIO_SRC_LIVE_H

#include "scenario/live.h"

/* The table for this process, made at the first call; disk: "ram", "loop", "null" or "qdisk". NULL:
 * there is none, and why. */
const struct scenario_live *live_table(const char *disk, char *text);
bool live_disk_is_known(const char *disk);

#endif
