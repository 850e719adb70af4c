/* SPDX-License-Identifier: ISC */
/*
 * How an event looks to people: virtual time in microseconds, the domain, device and queue, the
 * kind, then its fields by name. The columns are fixed; what a member means for a kind stands in
 * event_forms.c. Nothing is allocated: a report of a crash is written with this.
 */
#include "internal.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

enum { VALUE_SHOWN = 40, KIND_COLUMNS = 15 };

static const char *const results[] = {
    "ok",     "no-memory", "no-entry", "again", "denied",   "too-long",
    "exists", "invalid",   "io",       "busy",  "deferred", "timed-out",
};

/* The words that scenarios use. */
static const char *const outcomes[] = {
    "ok",          "unimplemented", "disconnected", "read-only", "io-error",       "invalid",
    "no-device",   "ambiguous",     "out-of-range", "no-memory", "protocol-error", "deadline",
    "store-error",
};

static const char *const device_states[] = {
    "connecting", "connected", "recovering", "disconnecting", "closed", "failed",
};

static const char *const ring_words[] = {"req_prod", "req_event", "rsp_prod", "rsp_event"};

static const char *const submit_operations[] = {"read", "write", "flush", "discard"};

static const char *const wire_operations[] = {
    "read", "write", "barrier", "flush", "reserved", "discard", "indirect",
};

/* The NUL-terminated name, or the number as "#n". */
static const char *name_of(const char *const *names, size_t count, uint64_t number, char *room,
                           size_t room_size)
{
    if (number < count)
        return names[number];
    snprintf(room, room_size, "#%" PRId64, (int64_t)number);
    return room;
}

#define NAME_OF(names, number, room) \
    name_of(names, sizeof(names) / sizeof((names)[0]), (uint64_t)(number), room, sizeof(room))

struct text {
    char *buffer;
    size_t size; /* with the NUL */
    size_t length;
};

static void put(struct text *text, const char *format, ...) __attribute__((format(printf, 2, 3)));

static void put(struct text *text, const char *format, ...)
{
    va_list arguments;
    size_t room = text->size - text->length;
    int length;

    va_start(arguments, format);
    length = vsnprintf(text->buffer + text->length, room, format, arguments);
    va_end(arguments);
    if (length > 0)
        text->length += (size_t)length < room ? (size_t)length : room - 1;
}

/* Printable characters as they are; a list's NULs and anything else as escapes. */
static void put_value(struct text *text, const uint8_t *bytes, size_t there, size_t length)
{
    size_t shown = there < VALUE_SHOWN ? there : VALUE_SHOWN;

    put(text, " \"");
    for (size_t i = 0; i < shown; i++) {
        if (bytes[i] == '"' || bytes[i] == '\\')
            put(text, "\\%c", bytes[i]);
        else if (bytes[i] >= ' ' && bytes[i] <= '~')
            put(text, "%c", bytes[i]);
        else
            put(text, "\\x%02x", (unsigned)bytes[i]);
    }
    put(text, shown < length ? "\"+%zu" : "\"", length - shown);
}

static uint64_t word_at(const uint8_t *bytes, size_t there, size_t offset, size_t size)
{
    uint64_t word = 0;

    if (offset + size > there)
        return 0;
    for (size_t i = size; i > 0; i--)
        word = word << 8 | bytes[offset + i - 1];
    return word;
}

/* Slots of the two ABIs have different lengths. */
static void put_request(struct text *text, const uint8_t *bytes, size_t there, size_t length)
{
    size_t id = length == sizeof(struct blkif_wire_request_64) ? 8 : 4;
    uint64_t operation = word_at(bytes, there, 0, 1), second = word_at(bytes, there, 1, 1);
    char room[24], room_2[24];

    put(text, " op=%s", NAME_OF(wire_operations, operation, room));
    if (operation == BLKIF_WIRE_INDIRECT)
        put(text, "/%s segments=%" PRIu64, NAME_OF(wire_operations, second, room_2),
            word_at(bytes, there, 2, 2));
    else if (operation == BLKIF_WIRE_DISCARD)
        put(text, " flag=%" PRIu64, second);
    else
        put(text, " segments=%" PRIu64, second);
    put(text, " id=%#" PRIx64 " sector_512=%" PRIu64, word_at(bytes, there, id, 8),
        word_at(bytes, there, id + 8, 8));
    if (operation == BLKIF_WIRE_DISCARD)
        put(text, " count_512=%" PRIu64, word_at(bytes, there, id + 16, 8));
}

static void put_response(struct text *text, const uint8_t *bytes, size_t there)
{
    char room[24];

    put(text, " op=%s status=%d id=%#" PRIx64,
        NAME_OF(wire_operations, word_at(bytes, there, 8, 1), room),
        (int)(int16_t)word_at(bytes, there, 10, 2), word_at(bytes, there, 0, 8));
}

/* What a table of names cannot say. */
static void put_special(struct text *text, const struct simback_event *event)
{
    char room[24];

    if (event->kind == SIMBACK_RING_INDEX)
        put(text, " %s=%" PRIu64 " old=%" PRIu64, NAME_OF(ring_words, event->a, room), event->b,
            event->c);
    else if (event->kind == SIMBACK_DEVICE)
        put(text, " %s", NAME_OF(device_states, event->a, room));
    else if (event->kind == SIMBACK_SUBMIT)
        put(text, " %s", NAME_OF(submit_operations, event->result, room));
}

/* Kind and fields. `there` bytes of the value can be read; event->length is its whole length. */
static void put_words(struct text *text, const struct simback_event *event, size_t there,
                      bool path_cut, int width)
{
    const struct simback_event_form *form = simback_event_form(event->kind);
    char room[24];

    put(text, "%-*s", width, form->name);
    put_special(text, event);
    if ((form->flags & SIMBACK_SHOWS_PATH) != 0 && event->path != NULL)
        put(text, " %s%s", path_cut ? "..." : "", event->path);
    if ((form->flags & SIMBACK_ACCESS) != 0 && event->path != NULL &&
        strcmp(event->path, "slot") == 0)
        put(text, "=%u", (unsigned)event->peer);
    if ((form->flags & SIMBACK_SHOWS_VALUE) != 0 && event->bytes != NULL)
        put_value(text, event->bytes, there, event->length);
    if (form->peer != NULL)
        put(text, " %s=dom%u", form->peer, (unsigned)event->peer);
    if ((form->flags & SIMBACK_SHOWS_ID) != 0)
        put(text, " id=%#" PRIx64, event->a);
    if (form->a != NULL)
        put(text, " %s=%" PRIu64, form->a, event->a);
    if (form->b != NULL)
        put(text, " %s=%" PRIu64, form->b, event->b);
    if (form->c != NULL)
        put(text, " %s=%" PRIu64, form->c, event->c);
    if ((form->flags & SIMBACK_SHOWS_REQUEST) != 0 && event->bytes != NULL)
        put_request(text, event->bytes, there, event->length);
    if ((form->flags & SIMBACK_SHOWS_RESPONSE) != 0 && event->bytes != NULL)
        put_response(text, event->bytes, there);
    if ((form->flags & SIMBACK_SHOWS_RESULT) != 0)
        put(text, " -> %s", NAME_OF(results, -(int64_t)event->result, room));
    if ((form->flags & SIMBACK_SHOWS_OUTCOME) != 0)
        put(text, " -> %s", NAME_OF(outcomes, -(int64_t)event->result, room));
    while (text->length > 0 && text->buffer[text->length - 1] == ' ')
        text->buffer[--text->length] = 0;
}

static size_t format_event(const struct simback_event *event, uint64_t time_ns, size_t there,
                           bool path_cut, char *buffer, size_t size)
{
    struct text text = {buffer, size, 0};

    if (size == 0)
        return 0;
    buffer[0] = 0;
    put(&text, "%10" PRIu64 ".%03u  dom%-5u ", time_ns / 1000, (unsigned)(time_ns % 1000),
        (unsigned)event->domid);
    if (event->device == SIMBACK_NO_DEVICE)
        put(&text, "%-6s", "-");
    else
        put(&text, "%u/%-4u", (unsigned)event->device, (unsigned)event->queue);
    put(&text, " ");
    put_words(&text, event, there, path_cut, KIND_COLUMNS);
    return text.length;
}

size_t simback_event_words(const struct simback_event *event, size_t there, char *buffer,
                           size_t size)
{
    struct text text = {buffer, size, 0};

    if (size == 0)
        return 0;
    buffer[0] = 0;
    put_words(&text, event, event->bytes == NULL ? 0 : there, false, 0);
    return text.length;
}

size_t simback_event_text(const struct simback_world *world, const struct simback_event *event,
                          uint64_t time_ns, char *buffer, size_t size)
{
    (void)world;
    return format_event(event, time_ns, event->bytes == NULL ? 0 : event->length, false, buffer,
                        size);
}

size_t event_text_record(const struct trace_record *record, char *buffer, size_t size)
{
    struct simback_event event = {
        .kind = (enum simback_event_kind)record->kind,
        .result = record->result,
        .domid = record->domid,
        .peer = record->peer,
        .device = record->device,
        .queue = record->queue,
        .a = record->a,
        .b = record->b,
        .c = record->c,
        .path = record->path_length == 0 ? NULL : record->path,
        .bytes = record->bytes_length == 0 ? NULL : record->bytes,
        .length = (size_t)record->length,
    };

    return format_event(&event, record->time_ns, record->bytes_length, record->path_cut, buffer,
                        size);
}
