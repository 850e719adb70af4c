/* SPDX-License-Identifier: ISC */
/*
 * A bug that must be found: the canary's subject under plain calls. Input: a program as bytes
 * (play.c).
 */
#include "canary.h"
#include "target.h"

const char *fuzz_target_name = "canary";

const struct scenario_subject *fuzz_subject(void)
{
    return canary_subject();
}
