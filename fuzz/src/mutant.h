/* SPDX-License-Identifier: ISC */
/*
 * A mutant: our frontend with one mistake in it. Seeded ones are files that name a real bug,
 * generic ones are drawn from the sources. All are built and played in the same way.
 */
#ifndef FUZZ_MUTANT_H
#define FUZZ_MUTANT_H

#include "scenario/text.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    MUTANT_EDITS = 8,
    MUTANT_NAME = 96,
    MUTANT_PATH = 64,
    MUTANT_SOURCE_SIZE = 1 << 20, /* a source is smaller */
    MUTANT_RULES = 21
};

/* What stands in a file and what is to stand there. */
struct mutant_edit {
    char file[MUTANT_PATH]; /* from the root of the tree: frontend/src/... */
    struct scenario_buffer old, new;
    struct scenario_buffer marked; /* `new` and its marks; empty where there can be none */
    bool placed;                   /* `old` begins at `at`; otherwise wherever it is, once */
    size_t at;
};

struct mutant {
    char name[MUTANT_NAME];
    char rows[32];   /* of docs/bugs.md; the kind of change of a generic one */
    char about[256]; /* of a generic one: the line that it changes */
    char target[16]; /* the fuzz target that has to find it */
    uint32_t rules;  /* bit n: rule In is expected to catch it */
    bool marks;      /* its marks are brought in too (mutant_mark.h) */
    struct mutant_edit edits[MUTANT_EDITS];
    unsigned edit_count;
    uint64_t hash; /* of all that it changes */
};

void mutant_init(struct mutant *mutant);
void mutant_fini(struct mutant *mutant);

/* Reads a .mutant file. False with a message on standard error. */
bool mutant_read(struct mutant *mutant, const char *path);

/* What `file`, with these bytes, is in the mutant. False with a message: it cannot be brought in.
 */
bool mutant_apply(const struct mutant *mutant, const char *file, struct scenario_buffer *source);

/* Whether every edit can be made, one of them has a mark, and every row, rule and scenario that it
 * names is there. */
bool mutant_check(const struct mutant *mutant, const char *root);

/* FNV-1a, begun with MUTANT_HASH. */
#define MUTANT_HASH UINT64_C(0xcbf29ce484222325)
uint64_t mutant_hash(uint64_t hash, const void *bytes, size_t size);
bool mutant_hash_file(uint64_t *hash, const char *path);

/* Reads ROOT/FILE into the buffer. */
bool mutant_source(const char *root, const char *file, struct scenario_buffer *source);

/* ---- drawing generic ones (mutant_draw.c) ---- */

/* All changes that could be made. The order is drawn by the seed, place by place: what is changed
 * elsewhere in the sources changes nothing in it. */
struct mutant_draw;

/* `coverage`: an lcov file; lines that it says never run are left out. It may be NULL. */
struct mutant_draw *mutant_draw_create(const char *root, const char *coverage, uint64_t seed);
void mutant_draw_destroy(struct mutant_draw *draw);
size_t mutant_draw_count(const struct mutant_draw *draw);
size_t mutant_draw_left_out(const struct mutant_draw *draw);
/* The hash is that of the file's name, the line and the change, wherever the line stands. */
bool mutant_draw_take(const struct mutant_draw *draw, size_t index, struct mutant *mutant);

/* ---- building (mutant_build.c) ---- */

/* How this build folder compiles and links; from the file that CMake wrote. */
struct mutant_build {
    char root[512], work[512], tool[512];
    char *compile[64], *link[128];
    unsigned compile_count, link_count;
};

enum mutant_built { MUTANT_BUILT, MUTANT_REFUSED, MUTANT_SAME_CODE, MUTANT_ERROR };

bool mutant_build_read(struct mutant_build *build, const char *path);
void mutant_build_fini(struct mutant_build *build);
/* Makes WORK/<job>/PROGRAM, called as the tool is; REFUSED: the compiler does not take it;
 * SAME_CODE: it makes of it, byte for byte, what it makes of the original. */
enum mutant_built mutant_build_make(const struct mutant_build *build, const struct mutant *mutant,
                                    unsigned job);
void mutant_build_tool(const struct mutant_build *build, unsigned job, char *path, size_t size);

/* ---- playing (mutant_play.c) ---- */

enum mutant_suite { MUTANT_CONFORMANCE, MUTANT_SWARM, MUTANT_REGRESSION, MUTANT_SUITES };

/* A kill beside those of the suites: by any of them in a build with sanitizers, of a mutant that
 * lives without. */
enum { MUTANT_SANITIZED = MUTANT_SUITES, MUTANT_KILLS };

enum mutant_pace {
    MUTANT_ALL,   /* each suite until it fails */
    MUTANT_HURRY, /* until one has failed */
    MUTANT_BRIEF  /* the same without what takes longer than all the rest */
};

/* What killed it first; if that was a crash, and something else did as well, that. */
struct mutant_kill {
    bool played, killed, crash;
    unsigned rule; /* 0: an expectation of the scenario, and no rule */
    char where[192];
    unsigned runs;
    double seconds;
};

/* What fails without a mutant does not count: a list, made by playing the tool itself. */
struct mutant_ignore {
    struct scenario_buffer names; /* a line each */
    unsigned count;
};

const char *mutant_suite_name(enum mutant_suite suite);
/* Plays the suites with the tool. False: they could not be played. */
bool mutant_play(const struct mutant_build *build, const char *tool, enum mutant_pace pace,
                 const struct mutant_ignore *ignore, struct mutant_kill *kills);
bool mutant_play_original(const struct mutant_build *build, enum mutant_pace pace,
                          struct mutant_ignore *ignore);

/* ---- results (mutant_results.c) ---- */

struct mutant_result {
    char name[MUTANT_NAME], rows[32], file[MUTANT_PATH];
    char about[128]; /* as of the mutant, perhaps cut short */
    uint32_t rules;
    uint64_t tree, hash;
    enum mutant_built built;
    struct mutant_kill kills[MUTANT_KILLS]; /* that of MUTANT_SANITIZED stands in no file */
};

struct mutant_results {
    struct mutant_result *all;
    size_t count, room;
    char sample[160]; /* of generic ones: which, of how many */
};

/* Later lines replace earlier ones of the same mutant: a seeded one is known by its name, a generic
 * one by its hash. */
bool mutant_results_read(struct mutant_results *results, const char *path);
bool mutant_results_add(struct mutant_results *results, const struct mutant_result *result);
/* NULL: there is none. */
const struct mutant_result *mutant_results_find(const struct mutant_results *results,
                                                const struct mutant *mutant);
/* What came out of a build with sanitizers for those that live. */
void mutant_results_sanitize(struct mutant_results *results, const struct mutant_results *other);
/* Nothing has noticed that it is there. */
bool mutant_result_survives(const struct mutant_result *result);
void mutant_results_fini(struct mutant_results *results);
/* Writes the file anew; what was there before is kept beside it, as PATH.before. */
bool mutant_results_write(const struct mutant_results *results, const char *path);
/* One line at the end of the file, with one write: several processes may do so at once. */
bool mutant_result_append(const struct mutant_result *result, const char *path);

/* ---- for people (mutant_table.c) ---- */

/* One line. */
void mutant_result_tell(const struct mutant_result *result);
/* The figures and a row for each in the order of their names, as Markdown. */
void mutant_results_table(struct mutant_results *results, bool generic);
/* Are the seeded ones' figures what they have to be? What is not is printed. */
bool mutant_results_suffice(const struct mutant_results *results);

#endif
