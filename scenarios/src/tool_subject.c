/* SPDX-License-Identifier: ISC */
/*
 * The frontend that the tool judges: libblkfront. A file of its own, so that a test can make the
 * same tool with a frontend that misbehaves.
 */
#include "tool.h"

const struct scenario_subject *tool_subject(void)
{
    return &scenario_subject_blkfront;
}
