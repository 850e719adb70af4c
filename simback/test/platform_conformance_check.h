/* SPDX-License-Identifier: ISC */
/*
 * Inside of the platform's conformance test: how its cases check and call, and which cases are in
 * the other file.
 */
#ifndef SIMBACK_TEST_PLATFORM_CONFORMANCE_CHECK_H
#define SIMBACK_TEST_PLATFORM_CONFORMANCE_CHECK_H

#include "platform_conformance.h"

static inline bool check_that(struct conformance *test, bool ok, const char *what, const char *file,
                              int line)
{
    test->checked(test->context, ok, what, file, line);
    return ok;
}

#define CHECK(condition) (void)check_that(test, (condition), #condition, __FILE__, __LINE__)
/* For what the rest of the case stands on. */
#define CHECK_OR_RETURN(condition)                                          \
    do {                                                                    \
        if (!check_that(test, (condition), #condition, __FILE__, __LINE__)) \
            return;                                                         \
    } while (0)

#define PLATFORM(call, ...) test->platform->call(test->platform->context, __VA_ARGS__)
#define HOST(call, ...)     test->host->call(test->host->context, __VA_ARGS__)
#define NOW()               test->platform->now(test->platform->context)

static inline void settle(struct conformance *test)
{
    if (test->settle != NULL)
        test->settle(test->context);
}

void conformance_nodes_are_written_read_and_removed(struct conformance *test);
void conformance_values_are_bytes(struct conformance *test);
void conformance_outputs_are_written_on_success_only(struct conformance *test);
void conformance_children_are_listed(struct conformance *test);
void conformance_what_is_not_permitted_is_denied(struct conformance *test);
void conformance_a_transaction_commits_or_is_dropped(struct conformance *test);
void conformance_a_conflict_is_told_and_changes_nothing(struct conformance *test);
void conformance_a_watch_fires_at_once_and_for_changes(struct conformance *test);
void conformance_a_watch_is_set_once(struct conformance *test);
void conformance_a_watch_ends_waiting(struct conformance *test);

#endif
