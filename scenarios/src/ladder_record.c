/* SPDX-License-Identifier: ISC */
/*
 * Keeps the events of a run for its ladder: the first ones, and in a ring the last ones. Knows of
 * each response which request of the application it answers, and which slot of its ring an index
 * is, since only who has heard everything can. Nothing is formatted here: most runs pass, and
 * nobody looks at them.
 */
#include "ladder.h"

#include <simback/oracle.h>

#include <blkfront/blkif.h>

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum {
    LINKS_MAX = 1024,
    QUEUES_KNOWN = 64,
    PATH_KEPT = 119,
    VALUE_KEPT = 128,
    SLOTS = 32 /* of a ring of one page, in both layouts; of more pages in proportion */
};

/* A request on a ring that has no response yet. */
struct link {
    uint64_t id;
    uint64_t request;
    uint16_t device, queue;
};

/* One run that was heard. */
struct heard {
    struct ladder_record *records; /* `first`, then a ring of `last` */
    uint64_t count;
};

struct ladder_recorder {
    struct scenario_listener listener;
    size_t first, last;
    struct heard runs[2]; /* the first run, and the last of those after it */
    struct heard *now;
    bool heard_any;
    uint64_t time_ns; /* of the last event */
    uint32_t step, line;
    uint8_t ring_order[SCENARIO_DEVICES_MAX][QUEUES_KNOWN];
    struct link links[LINKS_MAX];
    size_t link_count;
};

/* ---- keeping ---- */

static struct ladder_record *next_record(struct ladder_recorder *recorder)
{
    struct heard *now = recorder->now;
    uint64_t count = now->count++;
    struct ladder_record *record =
        count < recorder->first
            ? &now->records[count]
            : &now->records[recorder->first + (count - recorder->first) % recorder->last];

    record->step = recorder->step;
    record->line = recorder->line;
    record->request = 0;
    record->slot = LADDER_NO_SLOT;
    record->has_path = record->has_value = false;
    record->path_length = record->value_length = 0;
    return record;
}

/* Of a long path the end says more than the beginning. */
static void keep_text(struct ladder_record *record, const struct simback_event *event)
{
    size_t length = event->path == NULL ? 0 : strlen(event->path);
    bool cut = length > PATH_KEPT;
    const char *from = event->path;

    if (cut) {
        from += length - PATH_KEPT;
        length = PATH_KEPT;
    }
    record->has_path = event->path != NULL;
    record->path_length = (uint8_t)length;
    if (length != 0)
        memcpy(record->text, from, length);
    record->text[length] = '\0';
    if (cut)
        memcpy(record->text, "...", 3);
    record->has_value = event->bytes != NULL;
    record->length = event->length;
    if (event->bytes != NULL && event->length != 0) {
        record->value_length = (uint8_t)(event->length < VALUE_KEPT ? event->length : VALUE_KEPT);
        memcpy(record->text + length + 1, event->bytes, record->value_length);
    }
}

/* ---- which request, which slot ---- */

static uint64_t slot_id(const struct simback_event *event)
{
    size_t offset = 0;
    uint64_t id = 0;

    if (event->kind == SIMBACK_RING_REQUEST)
        offset = event->length == sizeof(struct blkif_wire_request_64) ? 8 : 4;
    if (event->bytes != NULL && offset + sizeof(id) <= event->length)
        memcpy(&id, (const unsigned char *)event->bytes + offset, sizeof(id));
    return id;
}

static struct link *find_link(struct ladder_recorder *recorder, const struct simback_event *event,
                              uint64_t id)
{
    for (size_t i = 0; i < recorder->link_count; i++) {
        struct link *link = &recorder->links[i];

        if (link->id == id && link->device == event->device && link->queue == event->queue)
            return link;
    }
    return NULL;
}

static void add_link(struct ladder_recorder *recorder, const struct simback_event *event,
                     uint64_t request)
{
    uint64_t id = slot_id(event);
    struct link *link = find_link(recorder, event, id);

    if (link == NULL && recorder->link_count < LINKS_MAX)
        link = &recorder->links[recorder->link_count++];
    if (link != NULL)
        *link = (struct link){id, request, event->device, event->queue};
}

/* A response that comes a second time has no request any more. */
static uint64_t end_link(struct ladder_recorder *recorder, const struct simback_event *event)
{
    struct link *link = find_link(recorder, event, slot_id(event));
    uint64_t request;

    if (link == NULL)
        return 0;
    request = link->request;
    *link = recorder->links[--recorder->link_count];
    return request;
}

/* What was on a ring that is gone gets new ids. */
static void end_links(struct ladder_recorder *recorder, const struct simback_event *event)
{
    size_t left = 0;

    for (size_t i = 0; i < recorder->link_count; i++) {
        const struct link *link = &recorder->links[i];

        if (link->device != event->device || link->queue != event->queue)
            recorder->links[left++] = *link;
    }
    recorder->link_count = left;
}

static bool knows_ring(const struct simback_event *event)
{
    return event->device < SCENARIO_DEVICES_MAX && event->queue < QUEUES_KNOWN;
}

static uint16_t slot_of(const struct ladder_recorder *recorder, const struct simback_event *event)
{
    uint64_t slots;

    if (!knows_ring(event))
        return LADDER_NO_SLOT;
    slots = (uint64_t)SLOTS << recorder->ring_order[event->device][event->queue];
    return (uint16_t)(event->a & (slots - 1));
}

static void relate(struct ladder_recorder *recorder, const struct simback_event *event,
                   uint64_t request, struct ladder_record *record)
{
    const struct link *link;

    if (event->kind == SIMBACK_SUBMIT || event->kind == SIMBACK_REFUSED ||
        event->kind == SIMBACK_COMPLETE) {
        record->request = event->a;
    } else if (event->kind == SIMBACK_RING_REQUEST) {
        add_link(recorder, event, request);
        record->request = request;
        record->slot = slot_of(recorder, event);
    } else if (event->kind == SIMBACK_RING_RESPONSE) {
        record->request = end_link(recorder, event);
        record->slot = slot_of(recorder, event);
    } else if (event->kind == SIMBACK_FAULT || event->kind == SIMBACK_HARM) {
        link = find_link(recorder, event, event->a);
        record->request = link == NULL ? 0 : link->request;
    } else if (event->kind == SIMBACK_LOAD || event->kind == SIMBACK_STORE) {
        if (event->path != NULL && strcmp(event->path, "slot") == 0)
            record->slot = event->peer;
    } else if (event->kind == SIMBACK_RING_ATTACH && knows_ring(event)) {
        recorder->ring_order[event->device][event->queue] = (uint8_t)(event->b & 7);
        end_links(recorder, event);
    }
}

/* ---- the listener ---- */

static void on_begin(void *context)
{
    struct ladder_recorder *recorder = context;

    recorder->now = &recorder->runs[recorder->heard_any];
    recorder->heard_any = true;
    recorder->now->count = 0;
    recorder->time_ns = 0;
    recorder->step = recorder->line = 0;
    recorder->link_count = 0;
    memset(recorder->ring_order, 0, sizeof(recorder->ring_order));
}

/* Accesses to pages of data, and fences, are no rows. */
static bool is_drawn(const struct simback_event *event)
{
    bool access = (simback_event_form(event->kind)->flags & SIMBACK_ACCESS) != 0;

    return !access || event->device != SIMBACK_NO_DEVICE;
}

static void on_event(void *context, const struct simback_event *event, uint64_t time_ns, bool guest,
                     uint64_t request)
{
    struct ladder_recorder *recorder = context;
    struct ladder_record *record;

    if (recorder->now == NULL || !is_drawn(event))
        return;
    if (event->kind == SIMBACK_STEP) {
        recorder->step = (uint32_t)event->a;
        recorder->line = (uint32_t)event->b;
    }
    recorder->time_ns = time_ns;
    record = next_record(recorder);
    record->what = event->kind == SIMBACK_STEP ? LADDER_STEP : LADDER_EVENT;
    record->kind = (uint8_t)event->kind;
    record->time_ns = time_ns;
    record->a = event->a;
    record->b = event->b;
    record->c = event->c;
    record->result = event->result;
    record->domid = event->domid;
    record->peer = event->peer;
    record->device = event->device;
    record->queue = event->queue;
    record->guest = guest;
    keep_text(record, event);
    relate(recorder, event, request, record);
}

static void on_broken(void *context, const struct simback_violation *violation)
{
    struct ladder_recorder *recorder = context;
    struct ladder_record *record;

    if (recorder->now == NULL)
        return;
    record = next_record(recorder);
    record->what = LADDER_BROKEN;
    record->kind = SIMBACK_EVENT_NONE;
    record->time_ns = violation->time_ns;
    record->request = violation->request;
    record->a = violation->looked_for;
    record->device = violation->device;
    record->queue = 0;
    record->domid = 0;
    record->guest = false;
    snprintf(record->text, sizeof(record->text), "%s", violation->text);
}

/* As a step of its own. */
static void on_over(void *context)
{
    struct ladder_recorder *recorder = context;
    struct ladder_record *record;

    if (recorder->now == NULL)
        return;
    recorder->step++;
    recorder->line = 0;
    record = next_record(recorder);
    record->what = LADDER_STEP;
    record->kind = SIMBACK_EVENT_NONE;
    record->time_ns = recorder->time_ns;
    record->a = 0;
    record->device = SIMBACK_NO_DEVICE;
    record->queue = record->domid = 0;
    record->guest = false;
}

/* ---- the recorder ---- */

struct ladder_recorder *ladder_recorder_create(size_t first, size_t last)
{
    struct ladder_recorder *recorder = calloc(1, sizeof(*recorder));

    if (recorder == NULL)
        return NULL;
    recorder->first = first;
    recorder->last = last;
    recorder->listener = (struct scenario_listener){.begin = on_begin,
                                                    .event = on_event,
                                                    .broken = on_broken,
                                                    .over = on_over,
                                                    .context = recorder};
    for (size_t i = 0; i < 2; i++) {
        recorder->runs[i].records = calloc(first + last, sizeof(struct ladder_record));
        if (recorder->runs[i].records == NULL) {
            ladder_recorder_destroy(recorder);
            return NULL;
        }
    }
    return recorder;
}

void ladder_recorder_destroy(struct ladder_recorder *recorder)
{
    if (recorder == NULL)
        return;
    free(recorder->runs[0].records);
    free(recorder->runs[1].records);
    free(recorder);
}

void ladder_recorder_clear(struct ladder_recorder *recorder)
{
    recorder->runs[0].count = recorder->runs[1].count = 0;
    recorder->heard_any = false;
    recorder->now = NULL;
}

const struct scenario_listener *ladder_recorder_listener(struct ladder_recorder *recorder)
{
    return &recorder->listener;
}

/* What cannot be written is missing in the picture: there is nobody to tell. */
static void write_records(int file, const struct ladder_record *records, size_t count)
{
    const char *from = (const char *)records;
    size_t left = count * sizeof(*records);

    while (left > 0) {
        ssize_t written = write(file, from, left);

        if (written <= 0)
            return;
        from += written;
        left -= (size_t)written;
    }
}

void ladder_recorder_write(const struct ladder_recorder *recorder, bool struck, int file)
{
    const struct heard *run = struck && recorder->now != NULL ? recorder->now : &recorder->runs[0];
    size_t first = recorder->first, last = recorder->last;
    const struct ladder_record *ring = run->records + first;
    uint64_t count = run->count;
    size_t at;
    struct ladder_record gap;

    write_records(file, run->records, count < first ? (size_t)count : first);
    if (count <= first + last) {
        write_records(file, ring, count <= first ? 0 : (size_t)count - first);
        return;
    }
    at = (size_t)((count - first) % last); /* the oldest that is left */
    memset(&gap, 0, sizeof(gap));
    gap.what = LADDER_LEFT_OUT;
    gap.a = count - first - last;
    gap.time_ns = ring[at].time_ns;
    gap.step = ring[at].step;
    gap.line = ring[at].line;
    gap.device = UINT16_MAX;
    gap.slot = LADDER_NO_SLOT;
    write_records(file, &gap, 1);
    write_records(file, ring + at, last - at);
    write_records(file, ring, at);
}
