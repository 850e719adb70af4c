/* SPDX-License-Identifier: ISC */
/*
 * A run as packets, for Wireshark: `simblk run --trace-pcapng`. A worker process keeps the packets
 * of a case in a file of its own as they happen; the process that reports puts them, with the
 * verdict, behind those of the cases before. docs/trace-pcapng.md says what a packet holds.
 */
#ifndef SCENARIO_CAPTURE_H
#define SCENARIO_CAPTURE_H

#include "supervisor.h"

/* Of a worker process. Packets are written one by one: what led to a crash is there after it. */
struct capture {
    FILE *file;
    bool failed; /* something could not be kept */
    const char *id, *title;
    const struct scenario_program *program;
    uint64_t runs; /* that have begun */
    struct scenario_buffer block, payload, interfaces, text;
    struct scenario_listener listener; /* to be given to the runs */
};

/* Begins the packets of a case. Strings and program, whose steps are told, live as long as it. */
void capture_begin(struct capture *capture, FILE *file, const char *id, const char *title,
                   const struct scenario_program *program);
/* Whether all of them are in the file. */
bool capture_end(struct capture *capture);

/* The file behind --trace-pcapng; all zero: there is none. */
struct capture_file {
    FILE *stream;
    const char *path;
    int error; /* the first, of errno */
};

/* NULL: no file is wanted. False after a message. */
bool capture_open(struct capture_file *file, const char *path);
/* Writes what a worker has kept of a case, which may be nothing, and the case's verdict; the result
 * then has it no more. */
void capture_add(struct capture_file *file, const char *id, const char *title,
                 struct tool_result *result);
/* The exit code `rc`, or TOOL_USAGE after a message where something could not be written. */
int capture_close(struct capture_file *file, int rc);

#endif
