/* SPDX-License-Identifier: ISC */
/*
 * What device.c and its leaves (connect.c, directory.c, opening.c, closing.c, recover.c,
 * negotiate.c, publish.c) share and nobody else sees: where a device stands in its life, its paths,
 * watches and deadlines.
 */
#ifndef BLKFRONT_SRC_LIFE_H
#define BLKFRONT_SRC_LIFE_H

#include "handshake.h"
#include "internal.h"

/*
 * The end: STOPPING, CLOSING, RELEASING, FINAL. It may begin at any time, also in the middle of a
 * recovery, which is: PAUSING, CLOSING, KEEPING, RELEASING, RETURNING, and HANDSHAKE again.
 */
enum life_stage {
    LIFE_HANDSHAKE, /* connecting and connected: the table decides */
    LIFE_PAUSING,   /* until no queue puts anything on its ring: nothing after our 5 (I11) */
    LIFE_STOPPING,  /* until every queue's own poll has said STOPPED: nothing after our 5 (I11) */
    LIFE_CLOSING,   /* 5 and 6, with the backend */
    LIFE_KEEPING,   /* until every queue's own poll has looked at its ring for the last time */
    LIFE_RELEASING, /* the queues' ports and grants */
    LIFE_RETURNING, /* which backend is ours now? */
    LIFE_FINAL
};

#define LIFE_RETRY_FIRST_NS UINT64_C(1000000)

/* Tokens of the watches. */
enum life_watch { LIFE_WATCH_BACKEND, LIFE_WATCH_OWN, LIFE_WATCH_FLUSH };

/* The longest paths of ours. */
enum {
    LIFE_FRONTEND_MAX = sizeof("/local/domain/65535/device/vbd/4294967295"),
    LIFE_OWN_MAX = sizeof("/local/domain/65535/device/vbd/4294967295/" BLKIF_NODE_BACKEND),
    LIFE_ID_MAX = sizeof("/local/domain/65535/device/vbd/4294967295/" BLKIF_NODE_BACKEND_ID),
    LIFE_ERROR_MAX = sizeof("/local/domain/65535/error/device/vbd/4294967295"),
    LIFE_FLUSH_MAX = BLKFRONT_PATH_MAX + sizeof("/" BLKIF_NODE_FEATURE_FLUSH_CACHE)
};

struct device_life {
    enum life_stage stage;
    bool ending; /* there is no way back to HANDSHAKE */
    enum handshake_purpose purpose;
    enum handshake_purpose start; /* what a reset goes back to: START or RECOVER */
    unsigned own;                 /* our state as it stands in XenStore */
    unsigned other;               /* the backend's as last read, or HANDSHAKE_ABSENT */
    bool own_known;               /* `own` has been read */
    bool other_known;             /* `other` has been read */
    bool other_fresh;             /* and since then nothing has been done about it */
    bool look_other;              /* a watch says: look at the backend's state */
    bool look_own;                /* a watch says: look at our own directory */
    bool look_flush;              /* a watch says: look at the backend's ways to flush */
    bool own_gone;      /* our own directory is not there any more: nothing is written to it */
    bool published;     /* our nodes are in XenStore, as agreed now or before */
    bool left_behind;   /* those of an agreement before may be there still */
    bool error_told;    /* our own failure stands in XenStore */
    struct agreed left; /* that agreement */
    unsigned resets;    /* how often the backend was found connected without us */
    unsigned shortages; /* how often there was no grant for a ring */

    bool suspended;    /* between blkfront_suspend and blkfront_resume: nothing is done */
    bool moved;        /* a resume says: paths and all that was shared are void */
    bool insists;      /* since that resume: it recovers whatever the options say */
    bool reopening;    /* before the first connection: we wrote 1 over a state that we found */
    unsigned attempts; /* connections that were lost before they were one */
    uint64_t reconnects;
    struct blkfront_info told; /* what the caller knows, if told_known */
    bool told_known;

    enum blkfront_state end;      /* CLOSED or FAILED, when stage has come to FINAL */
    uint64_t connect_deadline_ns; /* of connecting or recovering; UINT64_MAX: none */
    uint64_t deadline_ns; /* of closing with the backend, once that began; UINT64_MAX: none */
    uint64_t retry_at_ns; /* UINT64_MAX: nothing to try again; 0, at first: do not wait */
    uint64_t retry_ns;    /* the pause before it, at first LIFE_RETRY_FIRST_NS; doubled each time */
    unsigned store_failures; /* while disconnecting, in a row */

    struct blkfront_watch_set *watches;
    bool watching_other;
    bool watching_own;
    bool watching_id;
    bool watching_flush;
    bool watching_barrier;
    uint16_t domid;                         /* our own, as these paths have it */
    char frontend[LIFE_FRONTEND_MAX];       /* /local/domain/<domid>/device/vbd/<vdev> */
    char error_path[LIFE_ERROR_MAX];        /* /local/domain/<domid>/error/device/vbd/<vdev> */
    char backend[BLKFRONT_PATH_MAX];        /* as our node says */
    char other_path[BLKFRONT_PATH_MAX + 6]; /* the backend's "/state" */
    char own_path[LIFE_OWN_MAX];            /* our `backend` node */
    char id_path[LIFE_ID_MAX];              /* our `backend-id` node */
    char flush_path[LIFE_FLUSH_MAX];        /* the backend's "/feature-flush-cache" */
    char barrier_path[LIFE_FLUSH_MAX];      /* and its "/feature-barrier" */
};

/* Between suspend and resume nothing is done, unless it is to end. */
static inline bool life_is_asleep(const struct device_life *life)
{
    return life->suspended && !life->ending;
}

/* ---- connect.c ---- */

/* A bad option is INVALID; one beyond what we can do is lowered to that. */
int options_check(const struct blkfront_options *given, struct blkfront_options *options);

/* ---- directory.c: our directory and what we watch ---- */

/* Makes all paths and reads our directory's nodes. On error the device's detail says which is
 * wrong. */
int device_read_nodes(struct blkfront_device *device, uint16_t domid);
/* Sets the watches on the nodes that these paths name. */
int device_watch(struct blkfront_device *device);
/* The same for the nodes of the ways to flush that the backend offers. */
void device_watch_flush(struct blkfront_device *device);
void device_unwatch(struct blkfront_device *device);
/* A domain's number as a node of ours; the platform's results, INVALID for what is none. */
int device_read_backend_id(const struct blkfront_device *device, uint16_t *id);

/* ---- negotiate.c: nodes of the backend to `agreed`. Errors of the library, with device->detail
 * ---- */

/* Before the backend's limits are known, or when it skipped InitWait: what is legal without asking.
 */
void negotiate_defaults(struct blkfront_device *device);
/* The transport limits: at InitWait. */
int negotiate_transport(struct blkfront_device *device);
/* The device's properties: at Connected. */
int negotiate_properties(struct blkfront_device *device);
/* Parts of them: sizes, all or none; what kind of disk it is; the extents of discards. */
int negotiate_geometry(struct blkfront_device *device);
int negotiate_info(struct blkfront_device *device);
int negotiate_extents(struct blkfront_device *device);

/* ---- update.c: changes while connected ---- */

/* The backend has rewritten its state: its nodes may have changed. */
void update_properties(struct blkfront_device *device);
/* It has rewritten the node of a way to flush, and nothing else. */
void update_flush(struct blkfront_device *device);
/* Calls the caller's function if what blkfront_get_info says is not what it was. */
void update_tell(struct blkfront_device *device);

/* ---- publish.c: our nodes ---- */

/* Writes them all and state 3, in one transaction, and removes what a predecessor left (I10).
 * Results are the platform's. */
int publish(struct blkfront_device *device);
/* Removes what publish wrote. */
int unpublish(struct blkfront_device *device);
/* The same before another agreement: what cannot be removed now, the next publish removes, or the
 * end. */
void publish_leave(struct blkfront_device *device);
/* The reason of our own failure, for the toolstack. */
int publish_error(struct blkfront_device *device);

/* ---- opening.c: steps of LIFE_HANDSHAKE; true if there may be more to do at once ---- */

bool opening_step(struct blkfront_device *device);

/* ---- closing.c: why and how it ends ---- */

/* Ends it as `end` with the detail that has been set before. The first reason stays. */
void device_end(struct blkfront_device *device, enum blkfront_state end, int error);
/* A device that loses its backend when it was connected recovers, or becomes CLOSED; all else is
 * FAILED. */
void device_fail(struct blkfront_device *device, int error);
/* The same, with its detail as device_set_detail makes it. */
void device_fail_because(struct blkfront_device *device, int error, const char *what,
                         const char *directory, const char *node);
/* Steps of STOPPING, CLOSING and RELEASING. */
bool closing_step(struct blkfront_device *device);
/* From when on closing is not waited for, and that nothing has failed so far. */
void device_begin_closing(struct blkfront_device *device);
/* One line for people. */
void device_log(const struct blkfront_device *device, const char *what);
/* What cannot be done now is tried again after a pause that doubles; until then nothing is due. */
void device_retry_later(struct blkfront_device *device);
bool device_is_waiting(struct blkfront_device *device);
/* Cuts a device off without waiting for the backend; afterwards it is final. */
void device_cut_off(struct blkfront_device *device);

/* ---- recover.c: from the loss of a backend to the handshake with the next ---- */

/* Is this loss one to recover from? */
bool recover_is_due(const struct blkfront_device *device, int error);
void recover_begin(struct blkfront_device *device);
/* The backend has closed, or is not waited for: what is unanswered is kept. */
void recover_keep(struct blkfront_device *device);
/* Steps of PAUSING, KEEPING and RETURNING. */
bool recover_step(struct blkfront_device *device);
/* The device is connected. */
void recover_end(struct blkfront_device *device);

/* ---- device.c ---- */

void device_set_state(struct blkfront_device *device, enum blkfront_state state);
/* Polls the queues that nobody else does. */
bool device_any_queue_is(const struct blkfront_device *device, enum queue_state state);
/* Is our directory still there, and does it name the backend that we talk to? */
void device_look_at_own(struct blkfront_device *device);
uint64_t device_now(const struct blkfront_device *device);
/* The sum, or the end of time. */
uint64_t device_after(uint64_t now_ns, uint64_t limit_ns);
/* When a limit from now on is over; UINT64_MAX: never, which is what 0 and UINT64_MAX stand for. */
uint64_t device_deadline(const struct blkfront_device *device, uint64_t limit_ns);
/* "<what> <directory>/<node>", or without a node, as the device's detail. */
void device_set_detail(struct blkfront_device *device, const char *what, const char *directory,
                       const char *node);

#endif
