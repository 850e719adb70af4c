/* SPDX-License-Identifier: ISC */
/*
 * The platform's conformance test against a real Xen: for dom0 of the live rig, where both sides
 * are this process. Prints TAP.
 */
#include "platform_conformance.h"

#include <simback/live.h>

#include <blkfront/libxen.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define HOME "/local/domain/0/data"

static unsigned failures; /* of the case that runs */

/* What one side does reaches the other through xenstored or the hypervisor: soon, not at once. */
static void settle(void *context)
{
    const struct timespec soon = {.tv_nsec = 20000000};

    (void)context;
    nanosleep(&soon, NULL);
}

static void checked(void *context, bool ok, const char *what, const char *file, int line)
{
    (void)context;
    if (ok)
        return;
    failures++;
    printf("# %s:%d: %s\n", file, line, what);
}

static void say(void *context, const char *line)
{
    (void)context;
    printf("# %s\n", line);
}

static bool nothing_is_left(struct blkfront_libxen *xen, struct simback_live_host *host)
{
    struct blkfront_libxen_ledger front;
    struct simback_live_ledger back;

    blkfront_libxen_get_ledger(xen, &front);
    simback_live_get_ledger(host, &back);
    return front.shared_pages == 0 && front.ports == 0 && front.channel_sets == 0 &&
           front.watches == 0 && front.watch_sets == 1 /* the host's */ &&
           front.transactions == 0 && front.allocations == 0 && back.mapped == 0 && back.ports == 0;
}

int main(void)
{
    const struct blkfront_libxen_options options = {.log = say};
    struct conformance test = {
        .home = HOME, .settle = settle, .checked = checked, .privileged = true};
    struct simback_live_host *host = NULL;
    struct blkfront_libxen *xen = NULL;
    char text[BLKFRONT_LIBXEN_TEXT];
    unsigned failed = 0;

    setvbuf(stdout, NULL, _IOLBF, 0);
    if (blkfront_libxen_open(&options, &xen, text) != 0) {
        printf("Bail out! %s\n", text);
        return EXIT_FAILURE;
    }
    test.platform = blkfront_libxen_platform(xen);
    if (simback_live_host_open(test.platform, &host, text) != 0) {
        printf("Bail out! %s\n", text);
        return EXIT_FAILURE;
    }
    test.host = simback_live_host_calls(host);
    for (size_t i = 0; i < conformance_case_count; i++) {
        failures = 0;
        conformance_cases[i].run(&test);
        if (!nothing_is_left(xen, host))
            checked(NULL, false, "nothing is left open", __FILE__, __LINE__);
        printf("%s %zu - %s\n", failures == 0 ? "ok" : "not ok", i + 1, conformance_cases[i].name);
        failed += failures != 0;
    }
    simback_live_host_close(host);
    blkfront_libxen_close(xen);
    printf("1..%zu\n", conformance_case_count);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
