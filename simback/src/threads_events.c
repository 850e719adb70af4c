/* SPDX-License-Identifier: ISC */
/*
 * Event channels of the threaded world, and who waits for them. Each end of a channel is a word
 * that both sides change atomically; opening and closing are done under the lock. A notification
 * first says that its port is pending, then that its set has fired, then rings: so whoever was
 * about to sleep looks again (I14).
 */
#include "threads.h"

/* The copies of some thirty blocks of 4 KiB. */
#define OWED_NS UINT64_C(10000)

_Static_assert(SIMBACK_THREADS_QUEUES <= 64, "what is owed to whom is a word");

bool thread_events_init(struct simback_threads *threads)
{
    struct simback_world *world = threads->world;

    threads->channel_limit = world->options.port_limit;
    threads->channels =
        simback_allocate(world, (threads->channel_limit + 1) * sizeof(threads->channels[0]));
    threads->sets = simback_allocate(world, SIMBACK_THREADS_QUEUES * sizeof(threads->sets[0]));
    return threads->channels != NULL && threads->sets != NULL;
}

/* ---- bells ---- */

/* Who waits for any set has said so before it looked at why each would be rung. */
static void ring(struct simback_threads *threads, struct doorbell *bell)
{
    doorbell_ring(bell);
    if (__atomic_load_n(&threads->any_waits, __ATOMIC_SEQ_CST) != 0)
        doorbell_ring(&threads->any_bell);
}

static void fire(struct simback_threads *threads, struct doorbell *bell, uint32_t *why)
{
    __atomic_store_n(why, 1, __ATOMIC_SEQ_CST);
    ring(threads, bell);
}

void thread_device_fire(struct simback_threads *threads, uint32_t *why)
{
    fire(threads, &threads->device_bell, why);
}

static bool take(uint32_t *why)
{
    return __atomic_load_n(why, __ATOMIC_SEQ_CST) != 0 &&
           __atomic_exchange_n(why, 0, __ATOMIC_SEQ_CST) != 0;
}

/* Both are taken: neither is left over for the next wait. */
static bool take_both(uint32_t *fired, uint32_t *woken)
{
    const bool one = take(fired);

    return take(woken) || one;
}

static bool has_fired(void *set)
{
    return __atomic_load_n(&((const struct thread_set *)set)->fired, __ATOMIC_RELAXED) != 0;
}

int simback_threads_wait_queue(struct simback_threads *threads, uint32_t queue,
                               uint64_t deadline_ns)
{
    struct thread_set *set;

    if (queue >= SIMBACK_THREADS_QUEUES)
        return BLKFRONT_PLATFORM_INVALID;
    set = &threads->sets[queue];
    for (;;) {
        const uint32_t seen = doorbell_rings(&set->bell);

        if (take_both(&set->fired, &set->woken))
            return 0;
        if (!doorbell_wait(&set->bell, seen, &(struct doorbell_sign){has_fired, set}, deadline_ns))
            return BLKFRONT_PLATFORM_TIMED_OUT;
    }
}

bool simback_threads_spin_queue(struct simback_threads *threads, uint32_t queue,
                                bool (*look)(void *context), void *context)
{
    struct thread_set *set;

    if (queue >= SIMBACK_THREADS_QUEUES)
        return false;
    set = &threads->sets[queue];
    return doorbell_spin(&set->bell, doorbell_rings(&set->bell),
                         &(struct doorbell_sign){look, context});
}

int simback_threads_wait_device(struct simback_threads *threads, uint64_t deadline_ns)
{
    for (;;) {
        const uint32_t seen = doorbell_rings(&threads->device_bell);

        if (take_both(&threads->device_fired, &threads->device_woken))
            return 0;
        if (!doorbell_wait(&threads->device_bell, seen, NULL, deadline_ns))
            return BLKFRONT_PLATFORM_TIMED_OUT;
    }
}

void simback_threads_wake_queue(struct simback_threads *threads, uint32_t queue)
{
    if (queue < SIMBACK_THREADS_QUEUES)
        thread_channels_wake(threads, &threads->sets[queue]);
}

void simback_threads_wake_device(struct simback_threads *threads)
{
    thread_device_fire(threads, &threads->device_woken);
}

static bool take_any(struct simback_threads *threads)
{
    bool any = take_both(&threads->device_fired, &threads->device_woken);

    for (uint32_t i = 0; i < SIMBACK_THREADS_QUEUES; i++) {
        if (take_both(&threads->sets[i].fired, &threads->sets[i].woken))
            any = true;
    }
    return any;
}

int thread_wait_any(struct simback_threads *threads, uint64_t deadline_ns)
{
    bool due, in_time = true;

    __atomic_add_fetch(&threads->any_waits, 1, __ATOMIC_SEQ_CST);
    for (;;) {
        const uint32_t seen = doorbell_rings(&threads->any_bell);

        due = take_any(threads);
        if (due || !in_time)
            break;
        in_time = doorbell_wait(&threads->any_bell, seen, NULL, deadline_ns);
    }
    __atomic_sub_fetch(&threads->any_waits, 1, __ATOMIC_SEQ_CST);
    return due ? 0 : BLKFRONT_PLATFORM_TIMED_OUT;
}

/* ---- channels ---- */

static struct thread_channel *find(struct simback_threads *threads, uint32_t port)
{
    return port == 0 || port > threads->channel_limit ? NULL : &threads->channels[port];
}

static bool is_open(const uint32_t *end)
{
    return (__atomic_load_n(end, __ATOMIC_ACQUIRE) & PORT_OPEN) != 0;
}

/* The channel if this set has its port. */
static struct thread_channel *find_in(struct simback_threads *threads, const struct thread_set *set,
                                      uint32_t port)
{
    struct thread_channel *channel = find(threads, port);

    return channel != NULL && is_open(&channel->front) && channel->set == set ? channel : NULL;
}

/* An end that is closed stays as it is. What was done before is seen by who takes the event. */
static bool make_pending(uint32_t *end)
{
    uint32_t old = __atomic_load_n(end, __ATOMIC_RELAXED);

    do {
        if ((old & PORT_OPEN) == 0)
            return false;
    } while (!__atomic_compare_exchange_n(end, &old, old | PORT_PENDING, false, __ATOMIC_SEQ_CST,
                                          __ATOMIC_RELAXED));
    return true;
}

/* ---- the frontend's sets and ports ---- */

int thread_channels_open(struct simback_threads *threads, struct thread_set **set)
{
    uint32_t i = 0;

    threads_enter(threads);
    while (i < SIMBACK_THREADS_QUEUES && threads->sets[i].open)
        i++;
    if (i < SIMBACK_THREADS_QUEUES)
        threads->sets[i].open = true;
    threads_leave(threads);
    if (i == SIMBACK_THREADS_QUEUES)
        return BLKFRONT_PLATFORM_NO_MEMORY;
    *set = &threads->sets[i];
    return 0;
}

/* Nothing is left over for the next who opens it. */
void thread_channels_close(struct simback_threads *threads, struct thread_set *set)
{
    while (set->first != 0)
        (void)thread_port_close(threads, set, set->first);
    (void)take_both(&set->fired, &set->woken);
    threads_enter(threads);
    set->open = false;
    threads_leave(threads);
}

void thread_channels_wake(struct simback_threads *threads, struct thread_set *set)
{
    fire(threads, &set->bell, &set->woken);
}

int thread_port_allocate(struct simback_threads *threads, struct thread_set *set, uint16_t domid,
                         uint32_t *port)
{
    struct thread_channel *channel;
    uint32_t number = 1;

    threads_enter(threads);
    while (number <= threads->channel_limit &&
           (is_open(&threads->channels[number].front) || is_open(&threads->channels[number].back)))
        number++;
    channel = find(threads, number);
    if (channel != NULL) {
        channel->set = set;
        channel->peer = domid;
        channel->masked = false;
        channel->next = set->first;
        set->first = number;
        __atomic_store_n(&channel->front, PORT_OPEN, __ATOMIC_RELEASE);
    }
    threads_leave(threads);
    if (channel == NULL)
        return BLKFRONT_PLATFORM_NO_MEMORY;
    *port = number;
    return 0;
}

int thread_port_close(struct simback_threads *threads, struct thread_set *set, uint32_t port)
{
    struct thread_channel *channel = find_in(threads, set, port);
    uint32_t *link = &set->first;

    if (channel == NULL)
        return BLKFRONT_PLATFORM_INVALID;
    while (*link != port)
        link = &threads->channels[*link].next;
    *link = channel->next;
    threads_enter(threads);
    __atomic_store_n(&channel->front, 0, __ATOMIC_RELEASE);
    threads_leave(threads);
    return 0;
}

/* An end that is not there hears nothing, and that is no failure. */
int thread_port_notify(struct simback_threads *threads, const struct thread_set *set, uint32_t port)
{
    struct thread_channel *channel = find_in(threads, set, port);

    if (channel == NULL)
        return BLKFRONT_PLATFORM_INVALID;
    __builtin_prefetch(&threads->back_bell, 1); /* both lines come over at the same time */
    if (make_pending(&channel->back))
        doorbell_ring(&threads->back_bell);
    return 0;
}

/* Masks a pending port. */
static bool deliver(struct thread_channel *channel)
{
    if (channel->masked || (__atomic_load_n(&channel->front, __ATOMIC_SEQ_CST) & PORT_PENDING) == 0)
        return false;
    (void)__atomic_fetch_and(&channel->front, ~PORT_PENDING, __ATOMIC_SEQ_CST);
    channel->masked = true;
    return true;
}

/* What has fired is looked at from here on, so it is taken back first. */
int thread_port_pending(struct simback_threads *threads, struct thread_set *set, uint32_t *port)
{
    uint32_t found = 0;

    if (set->first != 0)
        __builtin_prefetch(&threads->channels[set->first], 1);
    (void)take(&set->fired);
    for (uint32_t at = set->first; at != 0; at = threads->channels[at].next) {
        if (found != 0) {
            /* Perhaps another one is pending too. */
            __atomic_store_n(&set->fired, 1, __ATOMIC_SEQ_CST);
            break;
        }
        if (deliver(&threads->channels[at]))
            found = at;
    }
    if (found == 0)
        return 0;
    *port = found;
    return 1;
}

int thread_port_unmask(struct simback_threads *threads, struct thread_set *set, uint32_t port)
{
    struct thread_channel *channel = find_in(threads, set, port);

    if (channel == NULL)
        return BLKFRONT_PLATFORM_INVALID;
    channel->masked = false;
    if ((__atomic_load_n(&channel->front, __ATOMIC_SEQ_CST) & PORT_PENDING) != 0)
        fire(threads, &set->bell, &set->fired);
    return 0;
}

/* ---- the backend's ports ---- */

/* As Xen does, the new local port fires at once: the other side may have notified before. */
int thread_back_bind(struct simback_threads *threads, uint16_t domid, uint32_t remote_port,
                     uint32_t *port)
{
    struct thread_channel *channel =
        domid == SIMBACK_FRONT_DOMID ? find(threads, remote_port) : NULL;
    int result = 0;

    if (channel == NULL)
        return BLKFRONT_PLATFORM_INVALID;
    threads_enter(threads);
    if (!is_open(&channel->front) || is_open(&channel->back))
        result = BLKFRONT_PLATFORM_INVALID;
    else if (channel->peer != SIMBACK_DOM0)
        result = BLKFRONT_PLATFORM_DENIED;
    else
        __atomic_store_n(&channel->back, PORT_OPEN | PORT_PENDING, __ATOMIC_RELEASE);
    threads_leave(threads);
    if (result == 0)
        *port = remote_port;
    return result;
}

void thread_back_close(struct simback_threads *threads, uint32_t port)
{
    struct thread_channel *channel = find(threads, port);

    if (channel == NULL)
        return;
    threads_enter(threads);
    __atomic_store_n(&channel->back, 0, __ATOMIC_RELEASE);
    threads_leave(threads);
}

/* The set sees it from now on, if it is looked at; who sleeps is woken later. */
static void owe(struct simback_threads *threads, struct thread_set *set)
{
    struct thread_backend *back = &threads->back;

    __atomic_store_n(&set->fired, 1, __ATOMIC_SEQ_CST);
    back->owed |= UINT64_C(1) << (set - threads->sets);
}

/* While our end is open the channel is nobody else's: its set may be closed, but never another. */
int thread_back_notify(struct simback_threads *threads, uint32_t port)
{
    struct thread_channel *channel = find(threads, port);

    if (channel == NULL || !is_open(&channel->back))
        return BLKFRONT_PLATFORM_INVALID;
    __builtin_prefetch(&channel->set->fired, 1);
    if (!make_pending(&channel->front))
        return 0;
    if (threads->back.owes)
        owe(threads, channel->set);
    else
        fire(threads, &channel->set->bell, &channel->set->fired);
    return 0;
}

/* Counts from the first round that goes on. */
static bool is_overdue(struct thread_backend *back)
{
    const uint64_t now = doorbell_now();

    if (back->owed_ns == 0)
        back->owed_ns = now;
    return now - back->owed_ns >= OWED_NS;
}

void thread_back_pay(struct simback_threads *threads, bool sleeps)
{
    struct thread_backend *back = &threads->back;

    if (back->owed == 0 || (!sleeps && !is_overdue(back)))
        return;
    for (uint32_t i = 0; i < SIMBACK_THREADS_QUEUES; i++) {
        struct thread_set *set = &threads->sets[i];

        /* Whoever has taken it is awake, and looks. */
        if ((back->owed >> i & 1) != 0 && __atomic_load_n(&set->fired, __ATOMIC_SEQ_CST) != 0)
            ring(threads, &set->bell);
    }
    back->owed = 0;
    back->owed_ns = 0;
}

int thread_back_fired(struct simback_threads *threads, uint32_t port)
{
    struct thread_channel *channel = find(threads, port);

    if (channel == NULL || !is_open(&channel->back))
        return BLKFRONT_PLATFORM_INVALID;
    /* Whoever watches the ring is seldom notified. */
    if ((__atomic_load_n(&channel->back, __ATOMIC_SEQ_CST) & PORT_PENDING) == 0)
        return 0;
    return (__atomic_fetch_and(&channel->back, ~PORT_PENDING, __ATOMIC_SEQ_CST) & PORT_PENDING) !=
           0;
}

/* ---- the ledger ---- */

void thread_count_channels(const struct simback_threads *threads, struct simback_ledger *ledger)
{
    for (uint32_t port = 1; port <= threads->channel_limit; port++)
        ledger->ports += is_open(&threads->channels[port].front);
    for (uint32_t i = 0; i < SIMBACK_THREADS_QUEUES; i++)
        ledger->channel_sets += threads->sets[i].open;
}
