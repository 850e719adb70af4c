/* SPDX-License-Identifier: ISC */
/*
 * What the tests of a backend alone have in common: one over a host and a frontend of the tests'
 * own, and what is done to it and asked of it again and again.
 */
#ifndef SIMBACK_TEST_ALONE_H
#define SIMBACK_TEST_ALONE_H

#include "cunit_main.h"
#include "fake_host.h"

extern struct fake_device device;

void set_up(void);
void set_up_connected(void);
/* The backend ends and leaves nothing behind. */
void tear_down(void);
/* Another, of this dialect. */
void again(const struct simback_dialect *dialect);

/* The frontend writes its state and the backend has seen it. */
void front(unsigned state);
void front_node(const char *name, const char *value);
void back_is(unsigned state);
/* The last complaint has these words in it. */
bool complains(const char *words);
uint64_t complaints(void);

/* A fault rule for every request. */
struct simback_fault any_request(enum simback_fault_action action);
void add_fault(const struct simback_fault *fault);

#endif
