/* SPDX-License-Identifier: ISC */
/*
 * I11: the frontend's xenbus states, and when requests may be on the ring. What counts is what the
 * frontend has read of its backend's state, not what the state is meanwhile.
 */
#include "oracle_served.h"

#include <string.h>

/* The states that may follow one of 0 to 8, as bits; the same again is always fine. 2, 7, 8 and 0
 * are never written. */
static const uint16_t follows[BLKIF_WIRE_RECONFIGURED + 1] = {
    [BLKIF_WIRE_UNKNOWN] = 1u << 1,
    [BLKIF_WIRE_INITIALISING] = 1u << 3 | 1u << 4 | 1u << 5 | 1u << 6,
    [BLKIF_WIRE_INIT_WAIT] = 1u << 1,
    [BLKIF_WIRE_INITIALISED] = 1u << 4 | 1u << 5 | 1u << 6,
    [BLKIF_WIRE_CONNECTED] = 1u << 5 | 1u << 6,
    [BLKIF_WIRE_CLOSING] = 1u << 6,
    [BLKIF_WIRE_CLOSED] = 1u << 1,
    [BLKIF_WIRE_RECONFIGURING] = 1u << 1,
    [BLKIF_WIRE_RECONFIGURED] = 1u << 1,
};

static const uint16_t ours = 1u << 1 | 1u << 3 | 1u << 4 | 1u << 5 | 1u << 6;

static bool may_follow(uint8_t from, uint8_t state)
{
    return from == state || (follows[from] >> state & 1) != 0;
}

/* Somebody else has written others meanwhile: the frontend may have seen any of them, or none. */
static bool may_follow_foreign(const struct oracle_device *device, uint8_t state)
{
    for (unsigned from = 0; from <= BLKIF_WIRE_RECONFIGURED; from++) {
        if ((device->front_foreign >> from & 1) != 0 && from != device->front_state &&
            may_follow((uint8_t)from, state))
            return true;
    }
    return false;
}

static bool legal(const struct oracle_device *device, uint8_t state)
{
    if ((ours >> state & 1) == 0)
        return false;
    if (may_follow(device->front_state, state) || may_follow_foreign(device, state) ||
        device->front_missed)
        return true;
    /* Nor has one that was resumed to look before it closes. */
    if (device->front_resumed != ORACLE_NO_STATE && may_follow(device->front_resumed, state))
        return true;
    /* After a crash of the backend everything begins anew; so it does where XenStore would not take
     * that the frontend goes, until that had taken it too long. */
    return state == BLKIF_WIRE_INITIALISING && (oracle_back_left(device) || device->front_refused);
}

/* What must have been read of the backend before this move. */
static void judge_guard(struct oracle *oracle, const struct oracle_device *device, uint8_t state)
{
    uint8_t from = device->front_state, back = device->back_read;
    bool publishes = state == BLKIF_WIRE_INITIALISED || state == BLKIF_WIRE_CONNECTED;

    if (back == ORACLE_NO_STATE)
        return;
    if (from == BLKIF_WIRE_INITIALISING && publishes &&
        (back == BLKIF_WIRE_CONNECTED || back == BLKIF_WIRE_CLOSING || back == BLKIF_WIRE_CLOSED ||
         back == BLKIF_WIRE_UNKNOWN))
        oracle_broken(oracle, 11, device, 0,
                      "the frontend went from 1 to %u although it had read %u of the backend",
                      state, back);
    else if (from == BLKIF_WIRE_INITIALISED && state == BLKIF_WIRE_CONNECTED &&
             back != BLKIF_WIRE_CONNECTED)
        oracle_broken(oracle, 11, device, 0,
                      "the frontend went from 3 to 4 before it had read 4 of the backend (it had "
                      "read %u)",
                      back);
    else if (from == BLKIF_WIRE_CLOSED && state == BLKIF_WIRE_INITIALISING &&
             !may_follow_foreign(device, state) &&
             (back == BLKIF_WIRE_INITIALISED || back == BLKIF_WIRE_CONNECTED ||
              back == BLKIF_WIRE_CLOSING))
        oracle_broken(oracle, 11, device, 0,
                      "the frontend went from 6 to 1 without waiting for the backend's 6 (it had "
                      "read %u)",
                      back);
}

/* Closing says that the backend may end what it has in hand. Who is past its deadline waits no
 * longer; at the moment of the call nobody is. */
static void judge_wait(struct oracle *oracle, const struct oracle_device *device, uint8_t state)
{
    if (state == BLKIF_WIRE_CLOSED && device->front_state == BLKIF_WIRE_CLOSING &&
        device->back_read == BLKIF_WIRE_CONNECTED && device->ending && device->in_poll &&
        !device->front_refused && device->ending_since == oracle->world->now)
        oracle_should(oracle, 11, device, 0,
                      "the frontend went from 5 to 6 without waiting for the backend, which it had "
                      "read to be in 4");
}

/* What another backend may offer has to be read again. */
static void forget_offers(struct oracle_device *device)
{
    device->segments_max = 0;
    device->capacity_512 = 0;
    device->sector_size = 0;
    device->discard_granularity = device->discard_alignment = 0;
    device->flush_offered = false;
    device->flushes = 0;
    told_forget(device);
    negotiation_begins(device);
}

void states_connecting(struct oracle_device *device)
{
    if (!device->app_known ||
        (device->app_state != BLKFRONT_CLOSED && device->app_state != BLKFRONT_FAILED))
        return;
    device->front_known = false;
    device->back_path = 0;
    forget_offers(device);
}

void states_resumed(struct oracle_device *device)
{
    const uint8_t resumed = device->front_known ? device->front_state : device->front_resumed;

    states_released(device);
    device->front_resumed = resumed;
    device->resumed = device->app_known && device->app_state == BLKFRONT_CONNECTING;
    device->front_foreign = 0;
    device->back_read = device->back_state = ORACLE_NO_STATE;
    device->back_gone = false;
    device->began_anew = true;
    forget_offers(device);
}

static void state_written(struct oracle *oracle, struct oracle_device *device, uint8_t state,
                          uint32_t transaction)
{
    bool publishes = state == BLKIF_WIRE_INITIALISED ||
                     (state == BLKIF_WIRE_CONNECTED && device->front_state != state &&
                      device->front_state != BLKIF_WIRE_INITIALISED);

    oracle_checked(oracle, 11);
    if (legal(device, state)) {
        judge_guard(oracle, device, state);
        if (publishes)
            negotiation_published(oracle, device, transaction);
    } else {
        oracle_broken(oracle, 11, device, 0, "the frontend went from state %u to state %u",
                      device->front_state, state);
    }
    judge_wait(oracle, device, state);
    progress_closed(oracle, device);
    device->front_state = state;
    device->front_foreign = 0;
    device->front_resumed = ORACLE_NO_STATE;
    device->front_known = true;
    device->front_missed = false;
    if (oracle->world->options.served && state == BLKIF_WIRE_CONNECTED)
        served_connected(oracle, device);
    /* A new ring waits for the backend's next 4. */
    if (state == BLKIF_WIRE_INITIALISING || state == BLKIF_WIRE_INITIALISED)
        device->back_serves = false;
    if (state == BLKIF_WIRE_INITIALISING) {
        device->began_anew = false;
        forget_offers(device);
    }
}

/* ---- what is read and written ---- */

static void front_write(struct oracle *oracle, const struct simback_event *event,
                        struct oracle_device *device)
{
    uint64_t state;

    if (!monitor_number(event->bytes, event->length, &state) || state > BLKIF_WIRE_RECONFIGURED) {
        oracle_checked(oracle, 11);
        oracle_broken(oracle, 11, device, 0, "the frontend wrote a state that is none");
        return;
    }
    if (event->a == 0) {
        state_written(oracle, device, (uint8_t)state, 0);
        return;
    }
    if (oracle->commit_count == ORACLE_COMMITS) { /* the oldest was never ended */
        oracle->commit_count--;
        memmove(oracle->commits, oracle->commits + 1,
                oracle->commit_count * sizeof(oracle->commits[0]));
    }
    oracle->commits[oracle->commit_count++] = (struct oracle_state_commit){
        .transaction = (uint32_t)event->a,
        .device = device->number,
        .domid = event->domid,
        .state = (uint8_t)state,
    };
}

static void back_read(const struct oracle *oracle, struct oracle_device *device,
                      const struct simback_event *event)
{
    size_t length;
    uint64_t state;

    /* Refused on purpose, when xenstored would have told it. */
    device->back_misread = 0;
    if (event->result != 0 && simback_store_read(oracle->world, event->path, NULL, 0, &length) == 0)
        device->back_misread = hash_xxh64(event->path, strlen(event->path), 0);
    progress_closed(oracle, device);
    device->front_known = true; /* one that does not ask for its own has begun, too */
    /* A path whose parents are gone is denied. 7 and 8 mean nothing to block devices: what was read
     * before them still holds. */
    if (event->result == BLKFRONT_PLATFORM_NO_ENTRY || event->result == BLKFRONT_PLATFORM_DENIED)
        device->back_read = BLKIF_WIRE_UNKNOWN;
    else if (event->result == 0 && monitor_number(event->bytes, event->length, &state) &&
             state < BLKIF_WIRE_RECONFIGURING)
        device->back_read = (uint8_t)state;
    else {
        device->back_odd = true;
        return;
    }
    device->back_odd = event->result == 0 && oracle_may_be_none(event);
    if (device->back_read == BLKIF_WIRE_CONNECTED)
        device->back_serves = true;
    else if (device->back_read == BLKIF_WIRE_CLOSING || device->back_read == BLKIF_WIRE_CLOSED ||
             device->back_read == BLKIF_WIRE_UNKNOWN)
        device->back_serves = false;
    /* One that has taken up the ring as it stands: to its frontend nothing has happened. */
    if (device->back_read == BLKIF_WIRE_CONNECTED)
        device->began_anew = false;
}

/* It begins with what it finds. */
static void own_read(struct oracle_device *device, const struct simback_event *event)
{
    uint64_t state;

    if (event->result == 0)
        device->front_resumed = ORACLE_NO_STATE;
    else if (oracle_says_something(event))
        device->front_foreign |= 1u
                                 << BLKIF_WIRE_UNKNOWN; /* to it there is none, whatever it wrote */
    if (device->front_known || event->result != 0 ||
        !monitor_number(event->bytes, event->length, &state) || state > BLKIF_WIRE_RECONFIGURED)
        return;
    device->front_state = (uint8_t)state;
    device->front_foreign = oracle_may_be_none(event) ? 1u << BLKIF_WIRE_UNKNOWN : 0;
    device->front_known = true;
}

void states_store(struct oracle *oracle, const struct simback_event *event,
                  struct oracle_device *device, const char *rest, bool front_path)
{
    if (strcmp(rest, BLKIF_NODE_STATE) != 0)
        return;
    if (front_path && event->kind == SIMBACK_STORE_WRITE) {
        if (event->result == 0)
            front_write(oracle, event, device);
        device->front_refused = event->result != 0;
    } else if (event->kind == SIMBACK_STORE_READ && front_path)
        own_read(device, event);
    else if (event->kind == SIMBACK_STORE_READ)
        back_read(oracle, device, event);
}

void states_changed_by_others(struct oracle_device *device, const struct simback_event *event)
{
    uint64_t state;

    if (event->result != 0)
        return;
    if (!monitor_number(event->bytes, event->length, &state) || state > BLKIF_WIRE_RECONFIGURED)
        state = BLKIF_WIRE_UNKNOWN;
    /* Before the frontend begins, its state is what it will find. */
    device->front_foreign |= (uint16_t)(1u << state);
    if (oracle_may_be_none(event))
        device->front_foreign |= 1u << BLKIF_WIRE_UNKNOWN;
    if (!device->front_known)
        device->front_state = (uint8_t)state;
}

void states_released(struct oracle_device *device)
{
    device->front_known = false;
    device->front_resumed = ORACLE_NO_STATE;
    device->resumed = false;
    device->back_serves = false;
    device->back_path = 0;
    forget_offers(device);
}

void states_transaction(struct oracle *oracle, const struct simback_event *event)
{
    uint32_t kept = 0;

    for (uint32_t i = 0; i < oracle->commit_count; i++) {
        struct oracle_state_commit commit = oracle->commits[i];

        if (commit.domid != event->domid || commit.transaction != event->a)
            oracle->commits[kept++] = commit;
        else if (event->b != 0 && event->result == 0)
            state_written(oracle, oracle->devices[commit.device], commit.state, commit.transaction);
    }
    oracle->commit_count = kept;
}

/* ---- rings ---- */

void states_attach(struct oracle *oracle, struct oracle_device *device, struct oracle_ring *ring)
{
    const uint32_t *words = ring->view->seen;

    oracle_checked(oracle, 11);
    if (words[SIMBACK_REQ_PROD] != words[SIMBACK_RSP_PROD])
        oracle_broken(oracle, 11, device, 0,
                      "the ring of queue %u was published with req_prod %#x and rsp_prod %#x: it "
                      "may only be initialised before",
                      ring->view->queue, words[SIMBACK_REQ_PROD], words[SIMBACK_RSP_PROD]);
    if (words[SIMBACK_RSP_PROD] != 0)
        oracle_checked(oracle, 18);
}

/* From reading the backend's 4 until reading that it closes or is gone; what else it writes
 * meanwhile means nothing. */
static bool open_for_requests(uint8_t front, bool back_serves)
{
    return back_serves && (front == BLKIF_WIRE_INITIALISED || front == BLKIF_WIRE_CONNECTED);
}

/* When the hand-over tells of a request, its step is over: it was right if it was right at the
 * beginning or at the end of the step. */
void states_put(struct oracle_put *put)
{
    const struct oracle_device *device = put->device;
    const struct monitor_device *who = oracle_who(put->oracle, device);

    oracle_checked(put->oracle, 11);
    if ((who->back_known && who->back_domid == who->front_domid) ||
        open_for_requests(device->front_state, device->back_serves) ||
        open_for_requests(device->front_before, device->back_served_before))
        return;
    if (put->oracle->world->options.served)
        oracle_broken(put->oracle, 11, device, 0,
                      "ring request %u was put with the frontend in state %u and the backend in %u",
                      put->index, device->front_state, device->back_state);
    else if (device->back_read == ORACLE_NO_STATE)
        oracle_broken(put->oracle, 11, device, put->part == NULL ? 0 : put->part->number,
                      "ring request %u was put before the backend's state was ever read",
                      put->index);
    else
        oracle_broken(put->oracle, 11, device, put->part == NULL ? 0 : put->part->number,
                      "ring request %u was put with the frontend in state %u, which had read %u of "
                      "the backend",
                      put->index, device->front_state, device->back_read);
}
