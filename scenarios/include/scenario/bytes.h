/* SPDX-License-Identifier: ISC */
/*
 * Tree to bytes and back. Every byte string decodes to a valid program; decode(encode(tree)) is the
 * tree without metadata, notes and expectations, plus `expect rules` at the end. Format:
 * docs/language.md.
 */
#ifndef SCENARIO_BYTES_H
#define SCENARIO_BYTES_H

#include "scenario/text.h"

#ifdef __cplusplus
extern "C" {
#endif

struct scenario_decoder {
    const struct scenario_step_set *takes; /* others are left out; NULL: all are taken */
    size_t max_steps; /* what comes after is ignored; 0: as many as there may be */
};

/* Fills the program (cleared first) from bytes. decoder may be NULL. 0, or SCENARIO_NO_MEMORY.
 * Allocates nothing once the program has room for the largest input. */
int scenario_decode(struct scenario_program *program, const void *data, size_t size,
                    const struct scenario_decoder *decoder);

/* Appends the bytes of a program. */
int scenario_encode(const struct scenario_program *program, struct scenario_buffer *buffer);

#ifdef __cplusplus
}
#endif
#endif
