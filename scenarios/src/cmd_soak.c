/* SPDX-License-Identifier: ISC */
/*
 * simblk soak: looks at the options and leaves the rest to simblk-soak, which is a program of its
 * own because the library without the observer is linked with it.
 */
#include "soak.h"
#include "tool.h"

#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <string.h>
#include <unistd.h>

static int start(uint64_t requests, uint64_t queues, uint64_t depth, uint64_t reconnect_s,
                 uint64_t seed, const char *total)
{
    char numbers[5][24], path[PATH_MAX];
    const uint64_t values[5] = {requests, queues, depth, reconnect_s, seed};

    if (!tool_beside("simblk-soak", path, sizeof(path)))
        return tool_error("soak: simblk-soak is not there beside simblk; build or install it too");
    for (size_t i = 0; i < 5; i++)
        snprintf(numbers[i], sizeof(numbers[i]), "%" PRIu64, values[i]);
    fflush(stdout);
    execl(path, path, numbers[0], numbers[1], numbers[2], numbers[3], numbers[4], total,
          (char *)NULL);
    return tool_error("soak: simblk-soak cannot be started: %s", strerror(errno));
}

int cmd_soak(int argc, char **argv)
{
    uint64_t requests = 1000000, queues = 4, depth = 32, reconnect_s = 1, seed = 1;
    const char *total = NULL;
    const struct tool_option options[] = {
        {"--requests", TOOL_NUMBER, "N", "in all, with those of --total; default 1000000",
         &requests, NULL},
        {"--queues", TOOL_NUMBER, "N", "each with a thread of its own; default 4", &queues, NULL},
        {"--depth", TOOL_NUMBER, "N", "requests in flight on each queue; default 32", &depth, NULL},
        {"--reconnect", TOOL_NUMBER, "SECONDS",
         "how long a connection lasts; default 1, 0: to the end", &reconnect_s, NULL},
        {"--seed", TOOL_NUMBER, "N", "of what is chosen by chance; default 1", &seed, NULL},
        {"--total", TOOL_TEXT, "FILE", "is gone on with, and gets a line for each part", &total,
         NULL},
    };
    int rest = 0;
    int rc = tool_options(tool_command_find("soak"), options, sizeof(options) / sizeof(options[0]),
                          argc, argv, &rest);

    if (rc != -1)
        return rc;
    if (rest != 0)
        return tool_error("soak: takes no argument, found '%s'", argv[1]);
    if (requests < 1)
        return tool_error("soak: --requests needs a number from 1 on");
    if (queues < 1 || queues > SOAK_QUEUES_MAX)
        return tool_error("soak: --queues needs a number from 1 to %d", (int)SOAK_QUEUES_MAX);
    if (depth < 1 || depth > SOAK_DEPTH_MAX)
        return tool_error("soak: --depth needs a number from 1 to %d", (int)SOAK_DEPTH_MAX);
    if (reconnect_s > 86400)
        return tool_error("soak: --reconnect needs a number of seconds up to 86400");
    return start(requests, queues, depth, reconnect_s, seed, total);
}
