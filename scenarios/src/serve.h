/* SPDX-License-Identifier: ISC */
/*
 * What simblk serve has read, and who serves it.
 */
#ifndef SCENARIO_SRC_SERVE_H
#define SCENARIO_SRC_SERVE_H

#include "scenario/dialects.h"
#include "scenario/program.h"

#include <simback/backend.h>

#include <stdio.h>

struct serve_options {
    struct scenario_program program;
    struct scenario_dialects dialects;
    struct simback_backend_options backend; /* dialect, front_domid and vdev among them */
    const char *disk;                       /* an image; NULL: memory */
    uint64_t seconds;                       /* 0: as long as it takes */
    bool strict, json, trace;
};

/* Sets up the device's nodes, serves the guest, plays the steps, reports, removes the nodes. 0; 1:
 * the frontend did what it must not; 2: it cannot be served, with a message. */
int serve_guest(struct serve_options *serve);

/* What has come of it. */
struct serve_outcome {
    bool connected;
    const struct simback_backend_counters *counters;
    const char *complaint;
    const struct simback_world *world; /* a served one (simback/served.h), whose rules are told */
};

/* TOOL_OK, or TOOL_FAILED where the guest never connected or its frontend did what it must not. */
int serve_report(const struct serve_outcome *outcome, bool strict, bool json, FILE *stream);

#endif
