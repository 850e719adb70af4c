/* SPDX-License-Identifier: ISC */
/*
 * The built-in dialects, one file each in dialects/. Their order is that of dialect.c's list.
 */
#ifndef SIMBACK_SRC_DIALECT_H
#define SIMBACK_SRC_DIALECT_H

#include <simback/dialect.h>

#include <blkfront/blkif.h>

/* A row that is always written, and one that is written when it says something. */
#define DIALECT_ALWAYS(node_, phase_)                                              \
    {                                                                              \
        .node = SIMBACK_NODE_##node_, .phase = SIMBACK_AT_##phase_, .always = true \
    }
#define DIALECT_WHEN_SET(node_, phase_)                             \
    {                                                               \
        .node = SIMBACK_NODE_##node_, .phase = SIMBACK_AT_##phase_, \
    }
/* A row with a value of its own. */
#define DIALECT_TEXT(node_, phase_, value_)                                         \
    {                                                                               \
        .node = SIMBACK_NODE_##node_, .phase = SIMBACK_AT_##phase_, .always = true, \
        .value = value_                                                             \
    }

extern const struct simback_dialect simback_dialect_linux;
extern const struct simback_dialect simback_dialect_qemu;
extern const struct simback_dialect simback_dialect_tapdisk;
extern const struct simback_dialect simback_dialect_mirage;
extern const struct simback_dialect simback_dialect_minimal;
extern const struct simback_dialect simback_dialect_everything;

#endif
