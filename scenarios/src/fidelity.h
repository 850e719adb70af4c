/* SPDX-License-Identifier: ISC */
/*
 * What of a run's trace has to be the same in the simulated and in the live world: by class of
 * event, since classes have no order among each other that both worlds share. Times, references,
 * ports and request ids are left out.
 */
#ifndef SCENARIO_SRC_FIDELITY_H
#define SCENARIO_SRC_FIDELITY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

enum fidelity_class {
    FIDELITY_FRONT,   /* what the frontend writes in XenStore, in order */
    FIDELITY_BACK,    /* what the backend's driver writes, in order */
    FIDELITY_DEVICE,  /* the device's states as the application sees them */
    FIDELITY_RING,    /* ring requests, by queue, in order */
    FIDELITY_ANSWERS, /* operation and status of responses, in no order */
    FIDELITY_RESULTS, /* of the application's requests, by their number */
    FIDELITY_CLASSES
};

struct fidelity_list {
    char **line;
    size_t count, room;
};

struct fidelity {
    struct fidelity_list list[FIDELITY_CLASSES];
    size_t transaction; /* where the frontend's open one began in FRONT */
    bool failed;        /* no memory */
};

void fidelity_init(struct fidelity *fidelity);
void fidelity_fini(struct fidelity *fidelity);
/* One line of a trace (scenario_run_options.trace); the context is the struct. */
void fidelity_trace(void *context, const char *line);
/* Behind the last line. */
void fidelity_end(struct fidelity *fidelity);

/* As text, a line each; read skips lines that begin with #. False: it is no such text. */
void fidelity_write(const struct fidelity *fidelity, FILE *stream);
bool fidelity_read(struct fidelity *fidelity, FILE *stream);
/* Prints what only one of them has: - the first, + the second. How many lines that is. */
size_t fidelity_compare(const struct fidelity *first, const struct fidelity *second, FILE *stream);

#endif
