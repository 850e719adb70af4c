/* SPDX-License-Identifier: ISC */
/*
 * libblkfront as a shared object. Its observer is the tool's.
 */
#include "scenario/subject.h"

const struct scenario_subject *simblk_frontend(void)
{
    return &scenario_subject_blkfront;
}
