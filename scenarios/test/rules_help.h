/* SPDX-License-Identifier: ISC */
/*
 * What the tests of the rules share: a scenario is played by the public runner on a naive frontend
 * with one fault (broken.h), and the verdict must name the rule, say what is wrong, and point at
 * the line. Beside it stands the near miss: the same scenario without the fault, and the fault
 * where it does no harm.
 */
#ifndef RULES_HELP_H
#define RULES_HELP_H

#include "broken.h"
#include "scenario/run.h"

#define CONNECTED "backend linux\nconnect -> ok\n"

extern struct scenario_runner *runner;
extern struct scenario_program the_program; /* the one that is played */

/* The fixture of each test. */
void set_up(void);
void tear_down(void);

struct scenario_verdict play_program(enum broken_fault fault, bool strict,
                                     const struct scenario_program *played);
/* Into `the_program`; the text must be good. */
void parse(const char *text, size_t length);
struct scenario_verdict play(enum broken_fault fault, bool strict, const char *text);

/* What a broken rule makes of a run. */
struct broken {
    unsigned rule;
    enum scenario_outcome outcome;
    int exit_code;
    unsigned line; /* 0: when all is over */
    const char *reason;
};

struct broken rule(unsigned number, unsigned line, const char *reason);
struct broken no_progress(unsigned line, const char *reason); /* I4 */
struct broken wrong_data(unsigned line, const char *reason);  /* I7 */

/* The verdict is this one. */
void names(const struct scenario_verdict *verdict, const struct broken *broken);
/* And no other rule is broken in the run. */
void nothing_besides(unsigned rule);

/* The fault breaks this rule and no other, whether SHOULD is judged or not. */
void breaks(enum broken_fault fault, const char *text, struct broken broken);
/* All is well, SHOULD included. */
void passes(enum broken_fault fault, const char *text);
/* The three together: broken, the sound frontend in the same scenario, the fault in another. */
void breaks_and_near_misses(enum broken_fault fault, const char *text, struct broken broken,
                            const char *harmless);

#endif
