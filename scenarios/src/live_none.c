/* SPDX-License-Identifier: ISC */
/*
 * A tool that was built without Xen's libraries: it has no live world and serves nobody.
 */
#include "live.h"
#include "serve.h"
#include "tool.h"

#include <stdio.h>

static const char missing[] = "this simblk was built without Xen's libraries (Debian: libxen-dev)";

const struct scenario_live *live_table(const char *disk, char *text)
{
    (void)disk;
    snprintf(text, SCENARIO_LIVE_TEXT, "%s", missing);
    return NULL;
}

bool live_disk_is_known(const char *disk)
{
    (void)disk;
    return true;
}

int serve_guest(struct serve_options *serve)
{
    (void)serve;
    return tool_error("%s", missing);
}
