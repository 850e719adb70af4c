/* SPDX-License-Identifier: ISC */
/*
 * A device that is connected, and a backend that answers with anything: responses, indices, event
 * fields, bytes of the ring, bytes that change between two loads. Input: a program as bytes
 * (play.c).
 */
#include "scenario/subject.h"
#include "target.h"

const char *fuzz_target_name = "ring";

const struct scenario_subject *fuzz_subject(void)
{
    return &scenario_subject_blkfront;
}
