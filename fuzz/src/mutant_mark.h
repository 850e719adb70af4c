/* SPDX-License-Identifier: ISC */
/*
 * What the marks of a mutant call, when it is measured how soon a fuzz target finds it. It is
 * included before the sources of a mutant, by the compiler's command.
 *
 * `differs` says whether what is done here is other than what the right lines would do. It is
 * written without && and ||: a branch would be an edge that the fuzzer sees, and goes after.
 */
#ifndef FUZZ_MUTANT_MARK_H
#define FUZZ_MUTANT_MARK_H

#include <stdbool.h>

/* The first call, and the first one with true, are told on standard error with the time that the
 * processor has spent on the process. */
void mutant_mark(bool differs);

#endif
