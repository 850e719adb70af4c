/* SPDX-License-Identifier: ISC */
/*
 * A tool that was built without Xen's libraries: it has no live world.
 */
#include "live.h"

#include <stdio.h>

const struct scenario_live *live_table(const char *disk, char *text)
{
    (void)disk;
    snprintf(text, SCENARIO_LIVE_TEXT,
             "this simblk was built without Xen's libraries (Debian: libxen-dev): it has no live "
             "world");
    return NULL;
}

bool live_disk_is_known(const char *disk)
{
    (void)disk;
    return true;
}
