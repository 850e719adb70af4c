/* SPDX-License-Identifier: ISC */
/*
 * A whole device, all that a program can say: calls, faults, the backend's life, power cuts,
 * attacks. Input: a program as bytes (play.c).
 */
#include "scenario/subject.h"
#include "target.h"

const char *fuzz_target_name = "device";

const struct scenario_subject *fuzz_subject(void)
{
    return &scenario_subject_blkfront;
}
