/* SPDX-License-Identifier: ISC */
/*
 * A machine for tests of the platform on a real Xen: the folder that is its root, the libraries of
 * fake_libxen.h, and the platform over them. One at a time; whatever is open when it ends fails the
 * test.
 */
#ifndef SIMBLK_TEST_LIBXEN_MACHINE_H
#define SIMBLK_TEST_LIBXEN_MACHINE_H

#include <blkfront/libxen.h>
#include <blkfront/platform.h>

#include <stdbool.h>

extern char root[];
extern char text[BLKFRONT_LIBXEN_TEXT];     /* why the last call refused */
extern char log_text[BLKFRONT_LIBXEN_TEXT]; /* the last line */
extern struct blkfront_libxen *xen;
extern const struct blkfront_platform *platform;

#define CALL(name, ...) platform->name(platform->context, __VA_ARGS__)

/* A path of that machine; until the next call. */
const char *below(const char *path);
void put_file(const char *path, const char *content);

/* A machine that is a Xen domain, with nothing open. */
void begin(void);
/* The platform on it, with somebody who listens to its log: `xen`. */
int try_open(void);
/* The same, and `platform`; it has to succeed. */
void open_it(void);
/* What only looks: everything is given back as far as the platform knows. */
bool ledger_is_empty(void);
/* Closes `xen`, if there is one: nothing is open, neither of the libraries nor a file. */
void end(void);

#endif
