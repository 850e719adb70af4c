/* SPDX-License-Identifier: ISC */
/*
 * The 32-bit ABI against Xen's headers: a test compiles this file for i386 (no library of that
 * architecture is needed) and expects no complaint. With WIRE_32_WRONG it expects one.
 */
#include "wire_xen.h"

#include <blkfront/blkif.h>

#ifndef __i386__
#error "this file is for -m32"
#endif

#define SAME(ours, theirs) _Static_assert((long long)(ours) == (long long)(theirs), #ours)

#include "wire_same.def"

#ifdef WIRE_32_WRONG
SAME(sizeof(struct blkif_wire_request_64), sizeof(struct blkif_request));
#endif
