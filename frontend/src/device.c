/* SPDX-License-Identifier: ISC */
/*
 * A device's life between connect and release, and the order of a poll: events, what has changed in
 * XenStore, violations, deadlines, then as many steps as there are to take: opening.c's while the
 * device connects or is connected, recover.c's when it has lost its backend, closing.c's at the
 * end.
 */
#include "life.h"
#include "store.h"

enum { EVENTS_MAX = 64 }; /* of one poll: the rest waits for the next (I14, I21) */

/* ---- small things ---- */

uint64_t device_after(uint64_t now_ns, uint64_t limit_ns)
{
    return limit_ns > UINT64_MAX - now_ns ? UINT64_MAX : now_ns + limit_ns;
}

uint64_t device_now(const struct blkfront_device *device)
{
    const struct blkfront_platform *platform = device->context->platform;

    return platform->now(platform->context);
}

/* One behind the end of time is over at the end of time: it was asked for (I4). */
uint64_t device_deadline(const struct blkfront_device *device, uint64_t limit_ns)
{
    uint64_t at = device_after(device_now(device), limit_ns);

    if (limit_ns == 0 || limit_ns == UINT64_MAX)
        return UINT64_MAX;
    return at < UINT64_MAX ? at : UINT64_MAX - 1;
}

/* Read by the queues' threads too. */
void device_set_state(struct blkfront_device *device, enum blkfront_state state)
{
    __atomic_store_n(&device->state, state, __ATOMIC_RELEASE);
}

bool device_takes_requests(const struct blkfront_device *device)
{
    enum blkfront_state state = __atomic_load_n(&device->state, __ATOMIC_ACQUIRE);

    return state == BLKFRONT_CONNECTED || state == BLKFRONT_RECOVERING;
}

void device_wake(struct blkfront_device *device)
{
    const struct blkfront_platform *platform = device->context->platform;

    platform->watches_wake(platform->context, device->life->watches);
}

void device_set_detail(struct blkfront_device *device, const char *what, const char *directory,
                       const char *node)
{
    struct text text = text_begin(device->detail, sizeof(device->detail));

    text_add(&text, what);
    if (directory == NULL)
        return;
    text_add_char(&text, ' ');
    text_add(&text, directory);
    if (node == NULL)
        return;
    text_add_char(&text, '/');
    text_add(&text, node);
}

bool device_any_queue_is(const struct blkfront_device *device, enum queue_state state)
{
    struct blkfront_queue *queue;
    bool any = false;

    /* All of them are polled: one may wait for another that nobody has asked for. */
    for (uint32_t i = 0; (queue = queue_at(device, i)) != NULL; i++) {
        queue_poll_unused(queue);
        any = queue_get_state(queue) == state || any;
    }
    return any;
}

/* ---- what XenStore says ---- */

/* While connecting or connected a store that fails ends the device, and is asked again for its end;
 * so it is while a recovery closes. A few times, then it is given up: the backend counts as gone.
 */
static void look_failed(struct blkfront_device *device, int result, const char *directory,
                        const char *node)
{
    struct device_life *life = device->life;

    if (life->stage == LIFE_HANDSHAKE) {
        device_fail_because(device, store_result(result), "cannot read", directory, node);
        device_retry_later(device);
    } else if (++life->store_failures < STORE_TRIES) {
        device_retry_later(device);
    } else {
        life->look_own = false;
        life->look_other = false;
        life->own_known = true;
        life->other_known = true;
        life->other = HANDSHAKE_ABSENT;
    }
}

/* Only at the start and after a recovery: later our state is what we wrote. */
static void look_at_own_state(struct blkfront_device *device)
{
    const struct store store = {.platform = device->context->platform, .transaction = 0};
    struct device_life *life = device->life;
    uint64_t state = BLKIF_WIRE_UNKNOWN;
    int result =
        store_get_number(&store, life->frontend, BLKIF_NODE_STATE, BLKIF_WIRE_RECONFIGURED, &state);

    if (result != 0 && result != BLKFRONT_PLATFORM_NO_ENTRY &&
        result != BLKFRONT_PLATFORM_INVALID) {
        look_failed(device, result, life->frontend, BLKIF_NODE_STATE);
        return;
    }
    life->own = (unsigned)state;
    life->own_known = true;
}

/* Does our directory name the backend that we talk to? The platform's result. */
static int names_our_backend(const struct blkfront_device *device, bool *same)
{
    const struct store store = {.platform = device->context->platform, .transaction = 0};
    const struct device_life *life = device->life;
    char backend[BLKFRONT_PATH_MAX];
    size_t length = 0;
    uint16_t id;
    int result =
        store_get(&store, life->frontend, BLKIF_NODE_BACKEND, backend, sizeof(backend), &length);

    if (result != 0 && result != BLKFRONT_PLATFORM_TOO_LONG)
        return result;
    *same = result == 0 && text_equal(backend, length, life->backend,
                                      text_length(life->backend, sizeof(life->backend)));
    result = device_read_backend_id(device, &id);
    if (result == BLKFRONT_PLATFORM_NO_ENTRY || result == BLKFRONT_PLATFORM_INVALID)
        return 0; /* says nothing */
    *same = *same && result == 0 && id == device->agreed.backend_id;
    return result;
}

void device_look_at_own(struct blkfront_device *device)
{
    struct device_life *life = device->life;
    bool same = false;
    int result = names_our_backend(device, &same);

    if (result == BLKFRONT_PLATFORM_NO_ENTRY) {
        life->own_gone = true;
        device_fail_because(device, BLKFRONT_DISCONNECTED, "the device is gone:", life->frontend,
                            NULL);
    } else if (result != 0) {
        look_failed(device, result, life->frontend, BLKIF_NODE_BACKEND);
        return;
    } else if (!same && life->stage == LIFE_HANDSHAKE) { /* else it is read anew, or no matter */
        device_fail_because(device, BLKFRONT_DISCONNECTED, "another backend now:", life->frontend,
                            BLKIF_NODE_BACKEND);
    }
    life->look_own = false;
}

static void look_at_other(struct blkfront_device *device)
{
    const struct store store = {.platform = device->context->platform, .transaction = 0};
    struct device_life *life = device->life;
    uint64_t state = BLKIF_WIRE_UNKNOWN;
    int result =
        store_get_number(&store, life->backend, BLKIF_NODE_STATE, BLKIF_WIRE_RECONFIGURED, &state);

    /* When its directory is gone xenstored asks for a right on what is above, which we have not. */
    if (result == BLKFRONT_PLATFORM_NO_ENTRY || result == BLKFRONT_PLATFORM_DENIED) {
        state = HANDSHAKE_ABSENT;
    } else if (result == BLKFRONT_PLATFORM_INVALID) {
        device_fail_because(device, BLKFRONT_STORE, "not a xenbus state:", life->backend,
                            BLKIF_NODE_STATE);
        state = BLKIF_WIRE_RECONFIGURING; /* ignored, like every state that is none */
    } else if (result != 0) {
        life->other_known = false; /* it has moved, who knows where */
        look_failed(device, result, life->backend, BLKIF_NODE_STATE);
        return;
    }
    life->other = (unsigned)state;
    life->other_known = true;
    life->other_fresh = true;
    life->look_other = false;
    life->store_failures = 0;
}

static void look(struct blkfront_device *device)
{
    struct device_life *life = device->life;

    /* After a resume our paths may say nothing; to end, we have to know whether they do. */
    if (life->moved && !life->ending)
        return;
    if (!life->own_known && life->stage == LIFE_HANDSHAKE)
        look_at_own_state(device);
    if (life->look_own)
        device_look_at_own(device);
    if (life->look_other)
        look_at_other(device);
}

/* Unless a new state has had all of it read. */
static void look_at_flush(struct blkfront_device *device)
{
    if (device->life->look_flush && device->state == BLKFRONT_CONNECTED)
        update_flush(device);
    device->life->look_flush = false;
}

/* ---- the calls ---- */

/* True if there are more than one poll may take. */
static bool take_events(struct blkfront_device *device)
{
    const struct blkfront_platform *platform = device->context->platform;
    struct device_life *life = device->life;
    uint32_t token;

    for (int i = 0; i < EVENTS_MAX; i++) {
        if (platform->watch_fired(platform->context, life->watches, &token) != 1)
            return false;
        switch ((enum life_watch)token) {
        case LIFE_WATCH_BACKEND: life->look_other = true; break;
        case LIFE_WATCH_OWN: life->look_own = true; break;
        case LIFE_WATCH_FLUSH: life->look_flush = true; break;
        }
    }
    return true;
}

/* A violation is final, also in the middle of a recovery. */
static void check_violations(struct blkfront_device *device)
{
    const struct blkfront_queue *queue;

    for (uint32_t i = 0; (queue = queue_at(device, i)) != NULL; i++) {
        const char *violation = queue_violation(queue);

        if (violation != NULL) {
            device_fail_because(device, BLKFRONT_PROTOCOL, violation, NULL, NULL);
            return;
        }
    }
}

static void check_connect_deadline(struct blkfront_device *device)
{
    struct device_life *life = device->life;

    if (life->connect_deadline_ns == UINT64_MAX || device_now(device) < life->connect_deadline_ns)
        return;
    if (device->state == BLKFRONT_RECOVERING) {
        device_set_detail(device, "the backend has not come back in time:", life->backend, NULL);
        device_end(device, BLKFRONT_CLOSED, BLKFRONT_DISCONNECTED);
    } else {
        device_fail_because(device, BLKFRONT_DEADLINE, "not connected in time:", life->backend,
                            NULL);
    }
}

static bool step(struct blkfront_device *device)
{
    switch (device->life->stage) {
    case LIFE_HANDSHAKE: return opening_step(device);
    case LIFE_PAUSING:
    case LIFE_KEEPING:
    case LIFE_RETURNING: return recover_step(device);
    case LIFE_STOPPING:
    case LIFE_CLOSING:
    case LIFE_RELEASING:
    case LIFE_FINAL:
    default: return closing_step(device);
    }
}

/* What others do is looked at once: each step goes towards one that waits for them, however many
 * there are. */
static bool poll_life(struct blkfront_device *device)
{
    bool more = take_events(device);

    if (life_is_asleep(device->life) || device_is_waiting(device))
        return more;
    look(device);
    if (!device->life->ending) {
        check_violations(device);
        check_connect_deadline(device);
    }
    while (step(device)) {}
    look_at_flush(device);
    update_tell(device);
    return more;
}

int blkfront_poll(struct blkfront_device *device)
{
    bool more = false;

    if (device == NULL || device->references == 0)
        return 0;
    device->references++; /* a release function of registered memory may give back the last one */
    memories_poll(device);
    if (device->context->quarantine != NULL)
        (void)quarantine_retry(device->context);
    if (device->life->stage != LIFE_FINAL)
        more = poll_life(device);
    blkfront_release(device);
    return more ? 1 : 0;
}

uint64_t blkfront_poll_at(const struct blkfront_device *device)
{
    const struct device_life *life;
    uint64_t at;

    if (device == NULL || life_is_asleep(device->life))
        return UINT64_MAX;
    life = device->life;
    at = life->retry_at_ns < life->connect_deadline_ns ? life->retry_at_ns
                                                       : life->connect_deadline_ns;
    /* While PAUSING, STOPPING and KEEPING it is the queues' pollers that are waited for: no time
     * ends that. */
    if (life->stage == LIFE_CLOSING || life->stage == LIFE_RELEASING)
        at = life->deadline_ns < at ? life->deadline_ns : at;
    return at;
}

void blkfront_disconnect(struct blkfront_device *device)
{
    if (device == NULL || device->life->ending)
        return;
    device->detail[0] = '\0'; /* that it had lost its backend is no reason any more */
    device_end(device, BLKFRONT_CLOSED, BLKFRONT_OK);
    device_wake(device);
}
