/* SPDX-License-Identifier: ISC */
/*
 * How the checker says no: a reason, if somebody wants to know it, and false.
 */
#ifndef SCENARIO_CHECK_REFUSE_H
#define SCENARIO_CHECK_REFUSE_H

#include <stdbool.h>
#include <stddef.h>

/* Writes the reason into the message (size bytes, may be NULL; cut, but ended). Always false. */
bool check_refuse(char *message, size_t size, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

#endif
