/* SPDX-License-Identifier: ISC */
/*
 * Xen's own headers as they want to be included: with the version of the interface, and with the
 * barriers that ring.h's macros would call.
 */
#ifndef BLKFRONT_TEST_WIRE_XEN_H
#define BLKFRONT_TEST_WIRE_XEN_H

#include <stddef.h>
#include <stdint.h>

/* Its value is in a header of Xen's that may only come after it. */
#define __XEN_INTERFACE_VERSION__ __XEN_LATEST_INTERFACE_VERSION__

#include <xen/xen-compat.h>

#define xen_mb()  __atomic_thread_fence(__ATOMIC_SEQ_CST)
#define xen_rmb() __atomic_thread_fence(__ATOMIC_ACQUIRE)
#define xen_wmb() __atomic_thread_fence(__ATOMIC_RELEASE)

#include <xen/io/blkif.h>
#include <xen/io/protocols.h>
#include <xen/io/ring.h>
#include <xen/io/xenbus.h>

#endif
