/* SPDX-License-Identifier: ISC */
/*
 * I10: what the frontend has published when its state says so. Everything that a backend needs is
 * there, agrees with itself, is within what that backend offers, and nothing else changes its
 * meaning. feature-persistent is advertised before anything is known, so it is never too much.
 */
#include "oracle_internal.h"

#include <stdio.h>
#include <string.h>

/* Xen's: numbers above are no domains. */
enum { DOMID_MAX = 0x7fef };

/* What is being judged. */
struct publication {
    struct oracle *oracle;
    struct oracle_device *device;
    const char *front;
    char back[MONITOR_PATH]; /* "": not known */
    uint16_t back_domid;
    bool back_unknown; /* there is a backend-id, and it is no domain's, or may be none */
    bool elsewhere;    /* its backend's directory is not the one that it has read of */
    uint64_t queues, order;
    bool numbered; /* ring-ref0 and so on */
};

#define BROKEN(p, ...) oracle_broken((p)->oracle, 10, (p)->device, 0, __VA_ARGS__)
#define SHOULD(p, ...) oracle_should((p)->oracle, 10, (p)->device, 0, __VA_ARGS__)

/* ---- when ---- */

/* Does a node tell the backend how to connect? */
static bool is_published(const char *node)
{
    return strncmp(node, BLKIF_NODE_RING_REF, sizeof(BLKIF_NODE_RING_REF) - 1) == 0 ||
           strncmp(node, BLKIF_NODE_QUEUE, sizeof(BLKIF_NODE_QUEUE) - 1) == 0 ||
           strcmp(node, BLKIF_NODE_EVENT_CHANNEL) == 0 ||
           strcmp(node, BLKIF_NODE_RING_PAGE_ORDER) == 0 ||
           strcmp(node, BLKIF_NODE_NUM_RING_PAGES) == 0 ||
           strcmp(node, BLKIF_NODE_MULTI_QUEUE_NUM_QUEUES) == 0 ||
           strcmp(node, BLKIF_NODE_PROTOCOL) == 0;
}

/* Who removes a node and is told, on purpose, that it is not there, is not to blame for it. */
static void hide(const struct oracle *oracle, struct oracle_device *device,
                 const struct simback_event *event)
{
    uint64_t hash;
    size_t length;

    if (event->kind != SIMBACK_STORE_REMOVE &&
        (event->kind != SIMBACK_STORE_WRITE || device->hidden_count == 0))
        return;
    hash = hash_xxh64(event->path, strlen(event->path), 0);
    for (uint32_t i = 0; i < device->hidden_count; i++) {
        if (device->hidden[i] == hash)
            device->hidden[i--] = device->hidden[--device->hidden_count];
    }
    if (event->kind != SIMBACK_STORE_REMOVE || event->result != BLKFRONT_PLATFORM_NO_ENTRY ||
        simback_store_read(oracle->world, event->path, NULL, 0, &length) != 0)
        return;
    if (device->hidden_count == ORACLE_HIDDEN)
        device->hidden_more = true;
    else
        device->hidden[device->hidden_count++] = hash;
}

void negotiation_store(const struct oracle *oracle, struct oracle_device *device,
                       const struct simback_event *event, const char *rest)
{
    uint64_t domid;

    hide(oracle, device, event);
    if (event->kind == SIMBACK_STORE_READ && event->result == 0 &&
        strcmp(rest, BLKIF_NODE_BACKEND_ID) == 0 &&
        monitor_number(event->bytes, event->length, &domid) && domid <= DOMID_MAX) {
        device->back_domid = (uint16_t)domid;
        device->back_domid_unsure = oracle_may_be_none(event);
        device->back_domid_known = true;
    }
    if (event->kind != SIMBACK_STORE_WRITE || event->result != 0 || !is_published(rest))
        return;
    if (device->publish_any && device->publish_transaction != event->a)
        device->publish_mixed = true;
    device->publish_any = true;
    device->publish_transaction = (uint32_t)event->a;
}

void negotiation_watch(const struct oracle *oracle, struct oracle_device *device,
                       const struct simback_event *event)
{
    const struct monitor_device *who = oracle_who(oracle, device);

    if (event->kind != SIMBACK_WATCH || event->result != 0 || event->domid != who->front_domid)
        return;
    device->back_domid_watched = true;
    if (!monitor_peek_number(oracle->world, who->front, BLKIF_NODE_BACKEND_ID,
                             &device->back_domid_before))
        device->back_domid_before = UINT64_MAX;
}

static const char *const offers[ORACLE_OFFERS] = {
    BLKIF_NODE_MULTI_QUEUE_MAX_QUEUES,
    BLKIF_NODE_MAX_RING_PAGE_ORDER,
    BLKIF_NODE_MAX_RING_PAGES,
};

/* Its backend is the one whose state it reads: `backend` is read for a look at a name, too. */
void negotiation_back_read(struct oracle_device *device, const struct simback_event *event,
                           const char *rest)
{
    const uint64_t directory = hash_xxh64(event->path, strlen(event->path) - strlen(rest) - 1, 0);

    if (strcmp(rest, BLKIF_NODE_STATE) == 0)
        device->back_path = directory;
    for (size_t i = 0; i < ORACLE_OFFERS; i++) {
        struct oracle_offer *offer = &device->offers[i];

        if (strcmp(rest, offers[i]) != 0 || !oracle_says_something(event))
            continue;
        offer->directory = directory;
        offer->says =
            event->result == 0 && monitor_number(event->bytes, event->length, &offer->number);
    }
}

void negotiation_begins(struct oracle_device *device)
{
    memset(device->offers, 0, sizeof(device->offers));
}

/* What was written in a transaction that did not come about counts for nothing. */
void negotiation_transaction(struct oracle *oracle, const struct simback_event *event)
{
    for (uint32_t i = 0; i < WORLD_DEVICES; i++) {
        struct oracle_device *device = oracle->devices[i];

        if (device != NULL && (event->b == 0 || event->result != 0) &&
            device->publish_transaction == event->a && event->a != 0)
            device->publish_any = device->publish_mixed = false;
    }
}

/* ---- nodes ---- */

static bool is_hidden(const struct publication *p, const char *directory, const char *node)
{
    char path[MONITOR_PATH + 64];
    uint64_t hash;

    if (p->device->hidden_count == 0)
        return false;
    snprintf(path, sizeof(path), "%s/%s", directory, node);
    hash = hash_xxh64(path, strlen(path), 0);
    for (uint32_t i = 0; i < p->device->hidden_count; i++) {
        if (p->device->hidden[i] == hash)
            return true;
    }
    return false;
}

static bool exists(const struct publication *p, const char *directory, const char *node)
{
    return monitor_exists(p->oracle->world, directory, node) && !is_hidden(p, directory, node);
}

static bool number_of(const struct publication *p, const char *directory, const char *node,
                      uint64_t *number)
{
    return !is_hidden(p, directory, node) &&
           monitor_peek_number(p->oracle->world, directory, node, number);
}

/* True if it is there; a node that is no number is told of. */
static bool read_number(const struct publication *p, const char *directory, const char *node,
                        uint64_t *number)
{
    if (number_of(p, directory, node, number))
        return true;
    if (exists(p, directory, node))
        BROKEN(p, "%s/%s is no number", directory, node);
    return false;
}

/* What it has read of an offer of the backend whose state it reads. */
static bool offer_read(const struct publication *p, const char *node, uint64_t *number)
{
    for (size_t i = 0; i < ORACLE_OFFERS; i++) {
        const struct oracle_offer *offer = &p->device->offers[i];

        if (strcmp(node, offers[i]) != 0)
            continue;
        *number = offer->number;
        return offer->says && offer->directory == p->device->back_path;
    }
    return false;
}

/* What the backend offers; `fallback` where it says nothing that makes sense. */
static uint64_t offer(const struct publication *p, const char *node, uint64_t fallback)
{
    uint64_t number;

    if (p->elsewhere)
        return offer_read(p, node, &number) ? number : fallback;
    return p->back[0] != '\0' && number_of(p, p->back, node, &number) ? number : fallback;
}

/* Its backend is the one that it has read of: whether it hears of another one in time is no matter
 * of what it publishes. */
static void find_backend(struct publication *p)
{
    const struct oracle_device *device = p->device;
    size_t length = 0;
    uint64_t domid = UINT64_MAX;

    if (monitor_peek(p->oracle->world, p->front, BLKIF_NODE_BACKEND, p->back, sizeof(p->back) - 1,
                     &length))
        p->back[length] = '\0';
    p->elsewhere = device->back_path != 0 && device->back_path != hash_xxh64(p->back, length, 0);
    p->back_unknown = device->back_domid_unsure;
    if (device->back_domid_known) {
        p->back_domid = device->back_domid;
        return;
    }
    if (number_of(p, p->front, BLKIF_NODE_BACKEND_ID, &domid) && domid <= DOMID_MAX)
        p->back_domid = (uint16_t)domid;
    else
        p->back_unknown = monitor_exists(p->oracle->world, p->front, BLKIF_NODE_BACKEND_ID);
    if (device->back_domid_watched && device->back_domid_before != domid)
        p->back_unknown = true;
}

/* ---- the whole ---- */

/* The ring is read as x86_64-abi then; with a backend that reads it otherwise nothing works. */
static void judge_no_protocol(const struct publication *p)
{
    const struct simback_backend *backend =
        simback_world_backend(p->oracle->world, p->device->number);
    const uint8_t abi = backend == NULL ? (uint8_t)SIMBACK_DEFAULT_ABI_64
                                        : simback_backend_dialect(backend)->default_abi;

    if (abi == SIMBACK_DEFAULT_ABI_32)
        BROKEN(p, "no protocol is published: this backend assumes " BLKIF_WIRE_PROTOCOL_32);
    else if (abi == SIMBACK_DEFAULT_ABI_NONE)
        BROKEN(p, "no protocol is published: this backend does not connect then");
    else
        SHOULD(p, "no protocol is published: backends differ in what they assume then");
}

static void judge_protocol(const struct publication *p)
{
    char protocol[16] = "";
    size_t length = 0;

    if (!exists(p, p->front, BLKIF_NODE_PROTOCOL)) {
        judge_no_protocol(p);
        return;
    }
    if (!monitor_peek(p->oracle->world, p->front, BLKIF_NODE_PROTOCOL, protocol,
                      sizeof(protocol) - 1, &length))
        length = 0;
    protocol[length] = '\0';
    if (strcmp(protocol, BLKIF_WIRE_PROTOCOL_64) != 0 &&
        strcmp(protocol, BLKIF_WIRE_PROTOCOL_32) != 0)
        BROKEN(p, "protocol is neither " BLKIF_WIRE_PROTOCOL_64 " nor " BLKIF_WIRE_PROTOCOL_32);
}

static void judge_persistent(const struct publication *p)
{
    uint64_t persistent;

    if (read_number(p, p->front, BLKIF_NODE_FEATURE_PERSISTENT, &persistent) && persistent > 1)
        BROKEN(p, "feature-persistent is %llu", (unsigned long long)persistent);
}

static void judge_queue_count(struct publication *p)
{
    uint64_t offered = offer(p, BLKIF_NODE_MULTI_QUEUE_MAX_QUEUES, 1);

    p->queues = 1;
    if (!read_number(p, p->front, BLKIF_NODE_MULTI_QUEUE_NUM_QUEUES, &p->queues))
        return;
    if (p->queues == 0 || (p->queues > 1 && p->queues > offered)) {
        BROKEN(p, "%llu queues are published, the backend offers %llu",
               (unsigned long long)p->queues, (unsigned long long)offered);
        p->queues = 0;
    }
    if (p->queues > MONITOR_QUEUES)
        p->queues = MONITOR_QUEUES;
}

static uint64_t order_of_pages(uint64_t pages)
{
    uint64_t order = 0;

    while (order < 32 && UINT64_C(1) << order < pages)
        order++;
    return order;
}

/* False: what the references should be called cannot be said. */
static bool judge_ring_size(struct publication *p)
{
    uint64_t by_pages = order_of_pages(offer(p, BLKIF_NODE_MAX_RING_PAGES, 1));
    uint64_t offered = offer(p, BLKIF_NODE_MAX_RING_PAGE_ORDER, by_pages);
    uint64_t pages = 0;
    bool has_order = read_number(p, p->front, BLKIF_NODE_RING_PAGE_ORDER, &p->order);
    bool has_pages = read_number(p, p->front, BLKIF_NODE_NUM_RING_PAGES, &pages);

    if (has_pages && (pages == 0 || (pages & (pages - 1)) != 0)) {
        BROKEN(p, "num-ring-pages is %llu, no power of two", (unsigned long long)pages);
        return false;
    }
    if (has_pages && has_order && order_of_pages(pages) != p->order)
        BROKEN(p, "num-ring-pages is %llu beside a ring-page-order of %llu",
               (unsigned long long)pages, (unsigned long long)p->order);
    if (!has_order)
        p->order = has_pages ? order_of_pages(pages) : 0;
    /* A ring-page-order that is there, even 0, means numbered references to some backends. */
    p->numbered = has_order || p->order > 0;
    if (p->order > 0 && p->order > offered)
        BROKEN(p, "a ring of order %llu is published, the backend offers %llu",
               (unsigned long long)p->order, (unsigned long long)offered);
    else if (p->order > 0 && has_order != has_pages)
        SHOULD(p, "a ring of order %llu is published in one spelling only",
               (unsigned long long)p->order);
    if (p->order > BLKIF_WIRE_RING_ORDER_MAX)
        p->order = BLKIF_WIRE_RING_ORDER_MAX;
    return true;
}

/* ---- a queue ---- */

static void judge_ref(const struct publication *p, const char *directory, const char *node)
{
    struct simback_grant grant;
    uint64_t ref;

    if (!read_number(p, directory, node, &ref)) {
        if (!exists(p, directory, node))
            BROKEN(p, "%s/%s is not there", directory, node);
        return;
    }
    if (ref > UINT32_MAX ||
        !simback_get_grant(p->oracle->world, oracle_who(p->oracle, p->device)->front_domid,
                           (uint32_t)ref, &grant))
        BROKEN(p, "%s/%s is %llu, which is no grant", directory, node, (unsigned long long)ref);
    else if ((!p->back_unknown && grant.peer != p->back_domid) || !grant.writable)
        BROKEN(p, "%s/%s is grant %llu, which domain %u cannot map for writing", directory, node,
               (unsigned long long)ref, p->back_domid);
}

static void judge_queue(const struct publication *p, const char *directory)
{
    char node[32];
    uint64_t port;

    for (uint64_t i = 0; i < UINT64_C(1) << p->order; i++) {
        if (p->numbered)
            snprintf(node, sizeof(node), BLKIF_NODE_RING_REF "%llu", (unsigned long long)i);
        else
            snprintf(node, sizeof(node), BLKIF_NODE_RING_REF);
        judge_ref(p, directory, node);
    }
    if (!read_number(p, directory, BLKIF_NODE_EVENT_CHANNEL, &port) &&
        !exists(p, directory, BLKIF_NODE_EVENT_CHANNEL))
        BROKEN(p, "%s/" BLKIF_NODE_EVENT_CHANNEL " is not there", directory);
}

static void judge_queues(const struct publication *p)
{
    static const char *const top[] = {BLKIF_NODE_RING_REF, BLKIF_NODE_EVENT_CHANNEL};
    char directory[MONITOR_PATH + 16];

    if (p->queues == 1) {
        judge_queue(p, p->front);
        return;
    }
    for (size_t i = 0; i < sizeof(top) / sizeof(top[0]); i++) {
        if (p->queues > 1 && exists(p, p->front, top[i]))
            BROKEN(p, "%s is published beside %llu queues", top[i], (unsigned long long)p->queues);
    }
    for (uint64_t i = 0; i < p->queues; i++) {
        snprintf(directory, sizeof(directory), "%s/" BLKIF_NODE_QUEUE "%llu", p->front,
                 (unsigned long long)i);
        judge_queue(p, directory);
    }
}

/* ---- what should not be there ---- */

static void judge_stale(const struct publication *p)
{
    char node[32];

    if (p->numbered && p->queues == 1 && exists(p, p->front, BLKIF_NODE_RING_REF "0") &&
        exists(p, p->front, BLKIF_NODE_RING_REF))
        SHOULD(p, "ring-ref is there beside ring-ref0");
    for (uint64_t i = p->numbered && p->queues == 1 ? UINT64_C(1) << p->order : 0;
         i < MONITOR_RING_PAGES; i++) {
        snprintf(node, sizeof(node), BLKIF_NODE_RING_REF "%llu", (unsigned long long)i);
        if (exists(p, p->front, node)) {
            SHOULD(p, "%s is there, and belongs to no ring", node);
            break;
        }
    }
    for (uint64_t i = p->queues == 1 ? 0 : p->queues; i < MONITOR_QUEUES; i++) {
        snprintf(node, sizeof(node), BLKIF_NODE_QUEUE "%llu", (unsigned long long)i);
        if (exists(p, p->front, node)) {
            SHOULD(p, "%s is there, and belongs to no ring", node);
            break;
        }
    }
}

static void judge_transaction(const struct publication *p, uint32_t transaction)
{
    const struct oracle_device *device = p->device;

    /* Which transaction a guest has written in is seen by nobody else. */
    if (p->oracle->world->options.served)
        return;
    if (device->publish_any &&
        (device->publish_mixed || transaction == 0 || device->publish_transaction != transaction))
        SHOULD(p, "the nodes and the state were not written in one transaction");
}

static void judge_nodes(struct publication *p)
{
    judge_protocol(p);
    judge_persistent(p);
    judge_queue_count(p);
    if (judge_ring_size(p)) {
        judge_queues(p);
        judge_stale(p);
    }
}

void negotiation_published(struct oracle *oracle, struct oracle_device *device,
                           uint32_t transaction)
{
    const struct monitor_device *who = oracle_who(oracle, device);
    struct publication p = {.oracle = oracle, .device = device, .front = who->front};

    if (who->back_known && who->back_domid == who->front_domid)
        return;
    oracle_checked(oracle, 10);
    find_backend(&p);
    if (!device->hidden_more)
        judge_nodes(&p);
    judge_transaction(&p, transaction);
    device->publish_any = device->publish_mixed = device->hidden_more = false;
    device->hidden_count = 0;
}
