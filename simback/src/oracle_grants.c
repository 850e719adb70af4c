/* SPDX-License-Identifier: ISC */
/*
 * I5: the ledger of grants. No page is freed, granted again or put on a ring while the backend
 * still maps what could not be ended; what a request names is granted to its backend, and with the
 * right to write where the backend has to; and of a device that is gone no grant is left but what
 * the backend itself holds. SHOULD: the data of a write is granted read-only.
 */
#include "oracle_internal.h"

enum { CHUNK = 512, CHUNKS = 128 /* a grant table has at most 65536 entries */ };

struct record {
    uint32_t page;
    uint16_t device; /* as the event said */
    bool used;
    bool busy; /* an attempt to end it has failed */
};

struct table {
    struct table *next;
    uint16_t domid;
    uint32_t highest; /* reference so far */
    struct record *chunks[CHUNKS];
};

struct oracle_ledger {
    struct table *tables;
    uint32_t busy; /* records that are */
};

bool grants_create(struct oracle *oracle)
{
    oracle->ledger = simback_allocate(oracle->world, sizeof(*oracle->ledger));
    return oracle->ledger != NULL;
}

static struct table *table_get(struct oracle *oracle, uint16_t domid, bool make)
{
    struct table *table = oracle->ledger->tables;

    while (table != NULL && table->domid != domid)
        table = table->next;
    if (table != NULL || !make)
        return table;
    table = simback_allocate(oracle->world, sizeof(*table));
    if (table == NULL) {
        oracle->no_memory = true;
        return NULL;
    }
    table->domid = domid;
    table->next = oracle->ledger->tables;
    oracle->ledger->tables = table;
    return table;
}

static struct record *record_find(const struct table *table, uint32_t ref)
{
    if (table == NULL || ref / CHUNK >= CHUNKS || table->chunks[ref / CHUNK] == NULL)
        return NULL;
    return &table->chunks[ref / CHUNK][ref % CHUNK];
}

static struct record *record_make(struct oracle *oracle, struct table *table, uint32_t ref)
{
    if (table == NULL || ref / CHUNK >= CHUNKS)
        return NULL;
    if (table->chunks[ref / CHUNK] == NULL)
        table->chunks[ref / CHUNK] = simback_allocate(oracle->world, CHUNK * sizeof(struct record));
    if (table->chunks[ref / CHUNK] == NULL) {
        oracle->no_memory = true;
        return NULL;
    }
    if (ref > table->highest)
        table->highest = ref;
    return &table->chunks[ref / CHUNK][ref % CHUNK];
}

static uint32_t maps_of(const struct oracle *oracle, uint16_t domid, uint32_t ref)
{
    struct simback_grant grant;

    return simback_get_grant(oracle->world, domid, ref, &grant) ? grant.maps : 0;
}

/* ---- events ---- */

/* Whether a page is still mapped under a grant whose end has failed. */
static bool held(const struct oracle *oracle, const struct table *table, uint32_t page,
                 uint32_t *ref)
{
    if (oracle->ledger->busy == 0)
        return false;
    for (*ref = 0; *ref <= table->highest; (*ref)++) {
        const struct record *record = record_find(table, *ref);

        if (record != NULL && record->used && record->busy && record->page == page &&
            maps_of(oracle, table->domid, *ref) > 0)
            return true;
    }
    return false;
}

/* Where both sides keep grants, the backend maps what no request uses, and a grant whose end has
 * failed is as good as it was. */
static bool keeps_grants(const struct oracle_device *device)
{
    return device != NULL && device->persistent && device->back_persistent;
}

static void granted(struct oracle *oracle, const struct simback_event *event,
                    const struct oracle_device *device)
{
    struct table *table = table_get(oracle, event->domid, true);
    uint32_t ref = (uint32_t)event->a, page = (uint32_t)event->b, other;
    struct record *record = record_make(oracle, table, ref);

    if (record == NULL)
        return;
    if (!keeps_grants(device) && held(oracle, table, page, &other))
        oracle_broken(oracle, 5, device, 0,
                      "page %u is granted again as %u although the backend still maps it under "
                      "grant %u, which could not be ended",
                      page, ref, other);
    *record = (struct record){.page = page, .device = event->device, .used = true};
}

static void ended(struct oracle *oracle, const struct simback_event *event,
                  const struct oracle_device *device)
{
    struct record *record = record_find(table_get(oracle, event->domid, false), (uint32_t)event->a);

    if (event->result == BLKFRONT_PLATFORM_BUSY) {
        if (record != NULL && record->used && !record->busy) {
            record->busy = true;
            oracle->ledger->busy++;
        }
        return;
    }
    if (event->result == BLKFRONT_PLATFORM_INVALID) {
        oracle_broken(oracle, 5, device, 0,
                      "the frontend ends a grant that it has not (reference %llu)",
                      (unsigned long long)event->a);
        return;
    }
    if (record == NULL)
        return;
    if (record->busy)
        oracle->ledger->busy--;
    record->busy = record->used = false;
}

static void freed(struct oracle *oracle, const struct simback_event *event,
                  const struct oracle_device *device)
{
    struct simback_grant grant;

    if (event->result == BLKFRONT_PLATFORM_INVALID) {
        oracle_broken(oracle, 5, device, 0, "the frontend frees %llu pages that are not a block",
                      (unsigned long long)event->b);
        return;
    }
    for (uint64_t i = 0; i < event->b; i++) {
        if (!simback_get_page_grant(oracle->world, event->domid, (uint32_t)(event->a + i), &grant))
            continue;
        oracle_broken(
            oracle, 5, device, 0,
            "the frontend frees page %u, which is still granted as %u and mapped %u times",
            grant.page, grant.ref, grant.maps);
        return;
    }
}

void grants_resumed(struct oracle *oracle, uint16_t old, uint16_t domid)
{
    struct table *table = table_get(oracle, old, false);

    if (table != NULL)
        table->domid = domid;
}

/* What a real guest's ring and requests name; Xen says whether it is granted. */
static void mapped(struct oracle *oracle, const struct simback_event *event,
                   const struct oracle_device *device)
{
    oracle_checked(oracle, 5);
    if (event->result == BLKFRONT_PLATFORM_DENIED || event->result == BLKFRONT_PLATFORM_INVALID)
        oracle_broken(oracle, 5, device, 0, "grant %llu is named, and the backend cannot map it%s",
                      (unsigned long long)event->a, event->c != 0 ? " for writing" : "");
}

void grants_event(struct oracle *oracle, const struct simback_event *event,
                  struct oracle_device *device)
{
    switch ((unsigned)event->kind) {
    case SIMBACK_GRANT:
        oracle_checked(oracle, 5);
        if (event->result == 0)
            granted(oracle, event, device);
        break;
    case SIMBACK_GRANT_END:
        oracle_checked(oracle, 5);
        ended(oracle, event, device);
        break;
    case SIMBACK_PAGE_FREE:
        oracle_checked(oracle, 5);
        freed(oracle, event, device);
        break;
    case SIMBACK_MAP:
        if (oracle->world->options.served && device != NULL)
            mapped(oracle, event, device);
        break;
    default: break;
    }
}

/* ---- requests ---- */

/* False when something is wrong: one sentence a request is enough. */
static bool judge_segment(struct oracle_put *put, uint32_t index,
                          const struct blkif_wire_segment *segment)
{
    struct oracle *oracle = put->oracle;
    uint16_t domid = put->ring->view->front_domid;
    uint64_t number = put->part == NULL ? 0 : put->part->number;
    const struct record *record;
    struct simback_grant grant;

    if (!simback_get_grant(oracle->world, domid, segment->grant_ref, &grant) ||
        grant.peer != put->ring->view->back_domid) {
        oracle_broken(oracle, 5, put->device, number,
                      "segment %u of ring request %u names grant %u, which is not granted to the "
                      "backend",
                      index, put->index, segment->grant_ref);
        return false;
    }
    if (put->wire.inner == BLKIF_WIRE_READ && !grant.writable) {
        oracle_broken(oracle, 5, put->device, number,
                      "segment %u of ring request %u is to be read into grant %u, which is "
                      "read-only",
                      index, put->index, segment->grant_ref);
        return false;
    }
    if (oracle->ledger->busy != 0 && !keeps_grants(put->device)) {
        record = record_find(table_get(oracle, domid, false), segment->grant_ref);
        if (record != NULL && record->used && record->busy && grant.maps > 0) {
            oracle_broken(oracle, 5, put->device, number,
                          "segment %u of ring request %u uses grant %u, which could not be ended "
                          "and is still mapped",
                          index, put->index, segment->grant_ref);
            return false;
        }
    }
    if (oracle_writes(&put->wire) && grant.writable && !put->device->persistent) {
        oracle_should(oracle, 5, put->device, number,
                      "segment %u of ring request %u is data of a write, but grant %u lets the "
                      "backend write",
                      index, put->index, segment->grant_ref);
        return false;
    }
    return true;
}

void grants_put(struct oracle_put *put)
{
    if (!put->wire.readable || (put->wire.inner != BLKIF_WIRE_READ && !oracle_writes(&put->wire)) ||
        put->oracle->world->options.served)
        return;
    oracle_checked(put->oracle, 5);
    for (uint32_t i = 0; i < put->wire.segment_count; i++) {
        struct blkif_wire_segment segment;

        if (!oracle_wire_segment(put->oracle, &put->wire, i, &segment) ||
            !judge_segment(put, i, &segment))
            return;
    }
}

/* ---- the end ---- */

/* What is left although nobody has tried to end it; a device's or everybody's. What could not be
 * ended is in quarantine, and may be tried again with the next poll or connect. */
static uint32_t count_left(struct oracle *oracle, const struct table *table, uint16_t device,
                           uint32_t *first)
{
    const struct monitor *monitor = oracle->world->monitor;
    uint32_t left = 0;

    for (uint32_t ref = 0; ref <= table->highest; ref++) {
        const struct record *record = record_find(table, ref);

        if (record == NULL || !record->used || record->busy ||
            (device != SIMBACK_NO_DEVICE &&
             monitor_device_number(monitor, record->device) != device))
            continue;
        oracle_checked(oracle, 5);
        if (left++ == 0)
            *first = ref;
    }
    return left;
}

static void judge_left(struct oracle *oracle, const struct oracle_device *device, const char *when)
{
    for (const struct table *table = oracle->ledger->tables; table != NULL; table = table->next) {
        uint32_t first = 0;
        uint32_t left =
            count_left(oracle, table, device == NULL ? SIMBACK_NO_DEVICE : device->number, &first);

        if (left > 0)
            oracle_broken(oracle, 5, device, 0,
                          "%s, but %u grants are left that it has not tried to end (the first is "
                          "%u)",
                          when, left, first);
    }
}

void grants_released(struct oracle *oracle, struct oracle_device *device)
{
    judge_left(oracle, device, "the device was released");
}

void grants_end(struct oracle *oracle)
{
    if (oracle->released_any)
        judge_left(oracle, NULL, "the program is over");
}
