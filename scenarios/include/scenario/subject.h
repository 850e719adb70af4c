/* SPDX-License-Identifier: ISC */
/*
 * The frontend under test, as a versioned table of functions. The runner reaches a frontend only
 * through it: libblkfront is one entry, deliberately broken ones in the tests are others, and other
 * people's frontends are plugged in the same way. The calls mean what blkfront.h says of the calls
 * of the same name; a subject without an optional call has NULL there, and scenarios that need it
 * are unsupported, not failed.
 */
#ifndef SCENARIO_SUBJECT_H
#define SCENARIO_SUBJECT_H

#include <blkfront/blkfront.h>
#include <blkfront/platform.h>

#ifdef __cplusplus
extern "C" {
#endif

#define SCENARIO_SUBJECT_VERSION 1u

/* What a subject can do beyond connect, read, write, disconnect. */
enum scenario_subject_capability {
    SCENARIO_SUBJECT_FLUSH = 1u << 0,
    SCENARIO_SUBJECT_DISCARD = 1u << 1,
    SCENARIO_SUBJECT_MEMORY = 1u << 2,     /* memory_create, memory_register, memory_destroy */
    SCENARIO_SUBJECT_RING_START = 1u << 3, /* the option ring_start is honoured (I18) */
    SCENARIO_SUBJECT_ABI_32 = 1u << 4,
    SCENARIO_SUBJECT_MULTI_QUEUE = 1u << 5,
    SCENARIO_SUBJECT_RING_ORDER = 1u << 6,
    SCENARIO_SUBJECT_INDIRECT = 1u << 7,
    SCENARIO_SUBJECT_PERSISTENT = 1u << 8,
    SCENARIO_SUBJECT_DEADLINES = 1u << 9,
    SCENARIO_SUBJECT_SHARE_ONLY = 1u << 10, /* works on platforms without GRANTS_ANY_PAGE */
    SCENARIO_SUBJECT_ENUMERATE = 1u << 11,
    SCENARIO_SUBJECT_STATISTICS = 1u << 12,
    SCENARIO_SUBJECT_OBSERVED = 1u << 13, /* its loads and stores are announced (observe.h) */
    SCENARIO_SUBJECT_FUA = 1u << 14,
    SCENARIO_SUBJECT_BARRIER = 1u << 15,
    SCENARIO_SUBJECT_RECOVERY = 1u << 16, /* the option recover_deadline_ns is honoured (I15) */
    SCENARIO_SUBJECT_SUSPEND = 1u << 17,  /* suspend and resume */
    SCENARIO_SUBJECT_NAMES = 1u << 18,    /* all names of a device, not only 51712 and xvda */
    SCENARIO_SUBJECT_CHANGES = 1u << 19   /* the option changed is honoured */
};

struct scenario_subject {
    uint32_t version; /* SCENARIO_SUBJECT_VERSION of the header it was filled with */
    uint32_t size;    /* sizeof(struct scenario_subject) there: members are only appended */
    const char *name;
    uint64_t capabilities; /* enum scenario_subject_capability */

    int (*create)(const struct blkfront_platform *platform, void **context);
    void (*destroy)(void *context);
    const char *(*detail)(const void *context);
    int (*enumerate)(void *context, uint32_t *vdevs, size_t capacity, size_t *count); /* optional */

    int (*connect)(void *context, const char *name, const struct blkfront_options *options,
                   void **device);
    int (*poll)(void *device);
    uint64_t (*poll_at)(const void *device);
    void (*disconnect)(void *device);
    void (*release)(void *device);
    enum blkfront_state (*device_state)(const void *device);
    int (*device_error)(const void *device);
    const char *(*device_detail)(const void *device);
    int (*get_info)(const void *device, struct blkfront_info *info);
    void (*get_statistics)(const void *device,
                           struct blkfront_statistics *statistics); /* optional */

    /* A queue that there was is polled to the end, also when there are fewer by then. */
    uint32_t (*queue_count)(const void *device);
    /* A subject other than libblkfront may use request->internal as it likes. */
    int (*submit)(void *device, uint32_t queue, struct blkfront_request *request);
    int (*queue_poll)(void *device, uint32_t queue);
    uint64_t (*queue_poll_at)(const void *device, uint32_t queue);

    /* optional, together; buffer->memory of a request is what these gave */
    int (*memory_create)(void *device, size_t pages, unsigned uses, void **memory, void **address);
    int (*memory_register)(void *device, void *address, size_t pages, unsigned uses,
                           void (*release)(void *context, void *address), void *context,
                           void **memory);
    void (*memory_destroy)(void *memory);

    /* optional: blkfront_quarantined */
    size_t (*quarantined)(void *context);

    /* optional, together */
    void (*suspend)(void *context);
    void (*resume)(void *context);
};

/* libblkfront as a subject. With the observed library linked it has SCENARIO_SUBJECT_OBSERVED. */
extern const struct scenario_subject scenario_subject_blkfront;

/*
 * What a shared object for `simblk run --frontend` exports: this one function. It is called once in
 * each process, before anything else of the object but its constructors; the table is the object's
 * own and stays. One with `blkfront_observe` (observe.h) undefined finds it in the tool.
 */
#define SCENARIO_SUBJECT_SYMBOL "simblk_frontend"
__attribute__((visibility("default"))) const struct scenario_subject *simblk_frontend(void);

#ifdef __cplusplus
}
#endif

#endif
