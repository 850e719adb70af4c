/* SPDX-License-Identifier: ISC */
/*
 * The places of a source where a generic mutant can be made.
 */
#ifndef FUZZ_MUTANT_SITES_H
#define FUZZ_MUTANT_SITES_H

#include "scenario/text.h"

#include <stddef.h>

struct mutant_site {
    const char *kind;
    size_t at, length; /* what goes */
    char new[160];     /* what comes instead */
};

/* Calls `each` for every change that can be made in the source, in the order of their places, kind
 * by kind. */
void mutant_sites(const struct scenario_buffer *source,
                  void (*each)(void *context, const struct mutant_site *site), void *context);

#endif
