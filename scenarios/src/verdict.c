/* SPDX-License-Identifier: ISC */
/*
 * Outcomes, their names and exit codes.
 */
#include "scenario/run.h"

const char *scenario_outcome_name(enum scenario_outcome outcome)
{
    switch (outcome) {
    case SCENARIO_PASSED: return "passed";
    case SCENARIO_FAILED: return "failed";
    case SCENARIO_RULE_BROKEN: return "rule broken";
    case SCENARIO_NO_PROGRESS: return "no progress";
    case SCENARIO_WRONG_DATA: return "wrong data";
    case SCENARIO_CRASHED: return "crashed";
    case SCENARIO_UNSUPPORTED: return "unsupported";
    case SCENARIO_BAD: return "bad scenario";
    }
    return "?";
}

int scenario_exit_code(enum scenario_outcome outcome)
{
    switch (outcome) {
    case SCENARIO_PASSED: return 0;
    case SCENARIO_FAILED:
    case SCENARIO_RULE_BROKEN: return 1;
    case SCENARIO_NO_PROGRESS: return 128;
    case SCENARIO_WRONG_DATA: return 129;
    case SCENARIO_CRASHED: return 127;
    case SCENARIO_UNSUPPORTED: return 77;
    case SCENARIO_BAD: break;
    }
    return 2;
}

/* What weighs more stands first; all that is not listed weighs least. */
static int rank(int code)
{
    static const int order[] = {2, 127, 129, 128, 1, 0};
    int count = (int)(sizeof(order) / sizeof(order[0]));

    for (int i = 0; i < count; i++) {
        if (order[i] == code) {
            return i;
        }
    }
    return count;
}

int scenario_exit_merge(int so_far, int next, bool *any)
{
    if (!*any) {
        *any = true;
        return next;
    }
    return rank(next) < rank(so_far) ? next : so_far;
}
