/* SPDX-License-Identifier: ISC */
/*
 * Expected failures: a file of lines `id reason`, for a frontend that is known to fail somewhere;
 * the reason is a rule's code or part of what a report says. Such a failure does not count; a pass,
 * or a failure for another reason, does.
 */
#ifndef SCENARIO_EXPECTED_H
#define SCENARIO_EXPECTED_H

#include "scenario/run.h"

#include "tool.h"

struct expected_failure {
    char *id;     /* as for --id */
    char *reason; /* a rule's code, or part of the verdict's reason */
};

struct expected_failures {
    struct expected_failure *list;
    size_t count;
};

enum expected_status {
    EXPECTED_NOTHING,     /* not in the file: the verdict counts as it is */
    EXPECTED_FAILURE,     /* failed as the file says: does not count */
    EXPECTED_PASSED,      /* passes although the file says that it fails */
    EXPECTED_OTHER_REASON /* fails for another reason */
};

/* TOOL_OK, or TOOL_USAGE after a message with the line. */
int expected_load(struct expected_failures *expected, const char *path);
void expected_fini(struct expected_failures *expected);
enum expected_status expected_judge(const struct expected_failures *expected, const char *id,
                                    const struct scenario_verdict *verdict);

#endif
