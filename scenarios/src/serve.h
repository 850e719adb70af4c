/* SPDX-License-Identifier: ISC */
/*
 * What simblk serve has read, and who serves it.
 */
#ifndef SCENARIO_SRC_SERVE_H
#define SCENARIO_SRC_SERVE_H

#include "scenario/dialects.h"
#include "scenario/program.h"

#include <simback/backend.h>

struct serve_options {
    struct scenario_program program;
    struct scenario_dialects dialects;
    struct simback_backend_options backend; /* dialect, front_domid and vdev among them */
    const char *disk;                       /* an image; NULL: memory */
    uint64_t seconds;                       /* 0: as long as it takes */
};

/* Sets up the device's nodes, serves the guest, plays the steps, reports, removes the nodes. 0; 1:
 * the frontend did what it must not; 2: it cannot be served, with a message. */
int serve_guest(struct serve_options *serve);

#endif
