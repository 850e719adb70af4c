/* SPDX-License-Identifier: ISC */
/*
 * The mirror: a hostile frontend against simback's own backend, in a simulated world, so that
 * simback itself can be trusted. What it does next is drawn from bytes: nodes and states of any
 * kind and in any order, any bytes in rings and indirect pages, also between two loads of the
 * backend, grants that end, ports that close, events in storms, and between them connections and
 * requests as they should be, which have to be served.
 */
#ifndef MIRROR_H
#define MIRROR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct mirror_result {
    bool wrong;        /* the backend has done something that it must not do */
    char reason[400];  /* what, with the dialect and the backend's last complaint */
    uint64_t connects; /* fair connections that were made */
    uint64_t requests; /* published on them */
    uint64_t judged;   /* of these, with the data and the disk compared */
    uint64_t loads;    /* that the backend has made of our memory */
    uint64_t strikes;  /* changes made between two of them */
    uint64_t complaints;
    uint64_t hash; /* over all that the frontend could see; the same bytes, the same hash */
};

/* Plays one input; what is not told by `result` (a crash, a page touched that is not mapped) ends
 * the process. false: no memory for a world. */
bool mirror_play(const uint8_t *bytes, size_t size, struct mirror_result *result);
/* Gives the world back that the calls before share. */
void mirror_end(void);

#endif
