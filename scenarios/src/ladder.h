/* SPDX-License-Identifier: ISC */
/*
 * The ladder picture of a run: application, frontend, ring, backend and XenStore side by side, one
 * row for each event in virtual time, the failing one marked. ladder_record.c keeps what happened
 * while it happens, ladder_follow.c finds whose doing it was, ladder.c makes rows of it, which
 * ladder_text.c and the page draw alike.
 *
 * Of the accesses to shared memory those of the frontend to its rings are rows, where they are
 * heard of; what it does with pages of data, and fences, come by the thousand.
 */
#ifndef SCENARIO_LADDER_H
#define SCENARIO_LADDER_H

#include "scenario/program.h"
#include "scenario/run.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

/* From left to right. */
enum ladder_column {
    LADDER_APPLICATION,
    LADDER_FRONTEND,
    LADDER_RING,
    LADDER_BACKEND,
    LADDER_STORE,
    LADDER_COLUMNS
};

enum ladder_kind {
    LADDER_EVENT,
    LADDER_STEP,    /* a step of the program begins */
    LADDER_BROKEN,  /* what the judge says of the row before it */
    LADDER_LEFT_OUT /* so many events that nobody kept */
};

enum { LADDER_NO_SLOT = UINT16_MAX, LADDER_TEXT = 248 };

/* ---- ladder_record.c: while the run is played ---- */

/* An event as it is kept: plain data, which goes through a file to the process that draws it. */
struct ladder_record {
    uint64_t time_ns;
    uint64_t a, b, c;
    uint64_t length;  /* of the value, of which the first bytes are kept */
    uint64_t request; /* of the application; 0: none */
    uint32_t step, line;
    int32_t result;
    uint16_t domid, peer, device, queue;
    uint16_t slot; /* of the ring; LADDER_NO_SLOT: none */
    uint8_t what;  /* enum ladder_kind */
    uint8_t kind;  /* enum simback_event_kind */
    bool guest;    /* the frontend's domain acts */
    bool has_path, has_value;
    bool failed; /* set afterwards: the verdict says so */
    uint8_t path_length, value_length;
    /* The path with its NUL, then the value. LADDER_BROKEN: a sentence; not 0 in `a`: about what
     * was looked for, not about the event before. */
    char text[LADDER_TEXT];
};

struct ladder_recorder;

/* Keeps so many events from the beginning of a run and from its end. NULL: no memory. */
struct ladder_recorder *ladder_recorder_create(size_t first, size_t last);
void ladder_recorder_destroy(struct ladder_recorder *recorder);
/* Forgets all runs. */
void ladder_recorder_clear(struct ladder_recorder *recorder);
/* Hears the runs from now on. */
const struct scenario_listener *ladder_recorder_listener(struct ladder_recorder *recorder);
/* Writes the records to the file: of the last run that was heard (`struck`: of a program that
 * repeats itself the repetition that failed), or of the first. Allocates nothing and calls nothing
 * but write: for a handler of fatal signals, too. */
void ladder_recorder_write(const struct ladder_recorder *recorder, bool struck, int file);

/* ---- ladder.c: afterwards ---- */

/* A row that belongs to a request beside the one, if any, in its record. */
struct ladder_mark {
    uint64_t request;
    uint32_t row;
};

struct ladder {
    struct ladder_record *records;
    size_t count;
    struct ladder_mark *marks; /* by rows, then by requests */
    size_t mark_count;
    const struct scenario_program *program; /* that was played; NULL: steps have numbers alone */
};

struct ladder_row {
    enum ladder_kind kind;
    enum ladder_column from, to; /* alike: it happens there */
    bool failed;                 /* this is what the verdict is about */
    bool end;                    /* LADDER_STEP: of no step, behind the last one */
    uint64_t time_ns;
    uint64_t request;                /* of the application; 0: none, or several */
    const struct ladder_mark *marks; /* all that the row belongs to, where `request` is 0 */
    size_t mark_count;
    uint32_t step, line;
    uint16_t domid, device, queue; /* of the ring; SIMBACK_NO_DEVICE: none */
    uint16_t slot;
    uint64_t left_out;
    char text[400]; /* "request index=0 op=read …", the step, the judge's sentence */
};

void ladder_init(struct ladder *ladder);
void ladder_fini(struct ladder *ladder);
/* Takes what a recorder has written. False: no memory, or the file cannot be read. */
bool ladder_read(struct ladder *ladder, int file);
/* Adds the verdict where no row has it. False: no memory. */
bool ladder_judge(struct ladder *ladder, const struct scenario_verdict *verdict);
/* `failed` is known after ladder_judge. False: no memory. */
bool ladder_row(const struct ladder *ladder, size_t index, struct ladder_row *row);

/* ---- ladder_follow.c ---- */

/* Fills the marks, for ladder_read. False: no memory. */
bool ladder_follow(struct ladder *ladder);

/* ---- ladder_text.c ---- */

/* False: no memory. */
bool ladder_text(FILE *stream, const struct ladder *ladder);

#endif
