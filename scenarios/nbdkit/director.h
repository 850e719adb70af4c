/* SPDX-License-Identifier: ISC */
/*
 * What a served disk is and what happens to it, as a scenario says: `backend` and `connect` make
 * it, fault rules and the backend's life follow, `run time=…` lets real time go by. The clients of
 * the disk are the application, so steps that read, write or expect have no place here. More steps
 * may come while it runs, a line each, from a FIFO.
 */
#ifndef SCENARIO_NBDKIT_DIRECTOR_H
#define SCENARIO_NBDKIT_DIRECTOR_H

#include "served.h"

#include <stddef.h>

struct director;

/* From the text of a scenario (NULL: `backend linux` and `connect` as one would have it); NULL with
 * a sentence in `error`. `bytes`: size of the disk, whatever the scenario says; 0: as it says.
 * `tell` is given what is wrong with a step that comes later. */
struct director *director_create(const char *text, size_t length, uint64_t bytes,
                                 void (*tell)(const char *sentence), char *error, size_t size);
/* NULL is fine. Ends its thread. */
void director_destroy(struct director *director);
/* What the disk is made of. */
void director_options(const struct director *director, struct simback_backend_options *backend,
                      struct blkfront_options *front);
/* More steps will come through this FIFO, which is made if it is not there. Before director_begin,
 * and before whoever writes to it. False: it is something else, or cannot be made. */
bool director_listen(struct director *director, const char *fifo);
/* Plays the steps before the first `run`, and the others in a thread. False: none can be made. */
bool director_begin(struct director *director, struct served *served);
/* The disk is used from now on, and the time of `run` begins. */
void director_used(struct director *director);

#endif
