/* SPDX-License-Identifier: ISC */
/*
 * The backend's half of Xen: mapping a frontend's grants, binding to its ports, XenStore, time. The
 * backend reaches Xen only through this table, simulated or live, so that the same backend can
 * serve a real guest. One host serves one backend device.
 *
 * Every call returns 0 or a negative enum blkfront_platform_error and none calls back.
 */
#ifndef SIMBACK_HOST_H
#define SIMBACK_HOST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

struct simback_event;

struct simback_host {
    void *context;

    /* Maps refs[0..count-1] of domain domid; pages[i] is where. All or none; DENIED for a reference
     * that is not granted to us, or is read-only and `writable` was asked; INVALID for a bad one.
     * The pages need not be contiguous. */
    int (*map)(void *context, uint16_t domid, const uint32_t *refs, uint32_t count, bool writable,
               void **pages);
    int (*unmap)(void *context, uint16_t domid, const uint32_t *refs, uint32_t count, void **pages);
    /* A reference will be mapped soon, or not: whatever is needed for that may come over meanwhile.
     * May be NULL. */
    void (*expect)(void *context, uint16_t domid, uint32_t ref);

    /* Binds to the frontend's unbound port; `tag` says who is woken (the queue's number). */
    int (*port_bind)(void *context, uint16_t domid, uint32_t remote_port, uint16_t tag,
                     uint32_t *port);
    void (*port_close)(void *context, uint32_t port);
    int (*port_notify)(void *context, uint32_t port);
    /* 1 if this port has fired since the last call (it is unmasked by the call), else 0. */
    int (*port_fired)(void *context, uint32_t port);

    /* XenStore as in platform.h, with the backend domain's rights. */
    int (*store_read)(void *context, uint32_t transaction, const char *path, char *buffer,
                      size_t size, size_t *length);
    int (*store_write)(void *context, uint32_t transaction, const char *path, const char *value,
                       size_t length);
    int (*store_remove)(void *context, uint32_t transaction, const char *path);
    int (*transaction_start)(void *context, uint32_t *transaction);
    int (*transaction_end)(void *context, uint32_t transaction, bool commit);
    int (*watch)(void *context, const char *path, uint32_t token);
    int (*unwatch)(void *context, const char *path, uint32_t token);
    /* 1 and the token of the next fired watch, 0 if there is none. */
    int (*watch_fired)(void *context, uint32_t *token);

    uint64_t (*now)(void *context);
    void *(*allocate)(void *context, size_t size); /* zeroed */
    void (*free)(void *context, void *memory, size_t size);
    void (*log)(void *context, const char *line);
    /* The world's random source, for fault rules with a chance; NULL: such rules never fire. */
    uint64_t (*random)(void *context);
    /* SIMBACK_BACK_STATE, SIMBACK_BACK_LIFE, SIMBACK_FAULT and SIMBACK_HARM as they happen
     * (event.h); the backend fills kind, result, queue, a, b, c and path, the host who acts and for
     * which device. May be NULL. */
    void (*tell)(void *context, const struct simback_event *event);
    /* Told before each load of what the frontend can change meanwhile: `size` bytes of its ring or
     * of an indirect page. May be NULL; a test counts them, or changes what is about to be read. */
    void (*before_load)(void *context, const volatile void *address, size_t size);
    /* Told before rsp_prod is stored as `value` in the header at `header`: the responses up to
     * there lie in their slots, and no frontend has taken one yet. May be NULL. */
    void (*before_publish)(void *context, const volatile void *header, uint32_t value);
};

#ifdef __cplusplus
}
#endif

#endif
