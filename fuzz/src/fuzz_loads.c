/* SPDX-License-Identifier: ISC */
/*
 * Memory that changes between two loads of a frontend which tells nobody of them: it is compiled so
 * that the compiler announces each load and store (clang, -fsanitize-coverage), and needs no
 * observer in its source. Any frontend can take libblkfront's place here, as a subject. Input: a
 * program as bytes (play.c), in which `load` says before which load which bytes change.
 *
 * No compiler announces a fence: they are taken for given. What memcpy of the C library does is not
 * seen either; -fno-builtin and a memcpy that is compiled alike show it.
 *
 * Where no compiler can (FUZZ_LOADS_OBSERVED) libblkfront's own observer does all this.
 */
#include "scenario/subject.h"
#include "target.h"

const char *fuzz_target_name = "loads";

const struct scenario_subject *fuzz_subject(void)
{
    return &scenario_subject_blkfront;
}

#ifndef FUZZ_LOADS_OBSERVED

#include <blkfront/observe.h>

static void announce(const volatile void *address, size_t size, enum blkfront_access access)
{
    if (access == BLKFRONT_ACCESS_LOAD) {
        blkfront_observe(NULL, 0, BLKFRONT_ACCESS_FENCE);
    }
    blkfront_observe(address, size, access);
}

/* clang's names. */
#define TRACED(bytes, type)                              \
    void __sanitizer_cov_load##bytes(type *address);     \
    void __sanitizer_cov_store##bytes(type *address);    \
    void __sanitizer_cov_load##bytes(type *address)      \
    {                                                    \
        announce(address, bytes, BLKFRONT_ACCESS_LOAD);  \
    }                                                    \
    void __sanitizer_cov_store##bytes(type *address)     \
    {                                                    \
        announce(address, bytes, BLKFRONT_ACCESS_STORE); \
    }

TRACED(1, uint8_t)
TRACED(2, uint16_t)
TRACED(4, uint32_t)
TRACED(8, uint64_t)
TRACED(16, void)

#endif
