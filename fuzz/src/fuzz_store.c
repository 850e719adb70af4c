/* SPDX-License-Identifier: ISC */
/*
 * A device whose XenStore says anything at any time: nodes, states in any order, watches and
 * commits that go wrong, while it connects, works, disconnects and connects again. Input: a program
 * as bytes (play.c).
 */
#include "scenario/subject.h"
#include "target.h"

const char *fuzz_target_name = "store";

const struct scenario_subject *fuzz_subject(void)
{
    return &scenario_subject_blkfront;
}
