/* SPDX-License-Identifier: ISC */
/*
 * In a worker process: what happens in a case becomes packets, with its steps and the rules that it
 * breaks.
 */
#include "capture.h"
#include "capture_packet.h"

#include <simback/event.h>
#include <simback/oracle.h>

#include <string.h>

/* Whole blocks, at once: nothing is left in this process if it dies. */
static void write_block(struct capture *capture)
{
    struct scenario_buffer *block = &capture->block;

    if (block->failed || fwrite(block->data, 1, block->length, capture->file) != block->length ||
        fflush(capture->file) != 0)
        capture->failed = true;
    scenario_buffer_clear(block);
}

/* One interface for each queue of each device, from its first packet on; 0 is for what belongs to
 * none. */
static uint32_t find_interface(struct capture *capture, uint16_t device, uint16_t queue)
{
    const uint32_t key = (uint32_t)device << 16 | queue;
    const uint32_t *keys = (const uint32_t *)(const void *)capture->interfaces.data;
    uint32_t count = (uint32_t)(capture->interfaces.length / sizeof(key));
    char name[24];

    if (device == SIMBACK_NO_DEVICE)
        return 0;
    for (uint32_t i = 0; i < count; i++) {
        if (keys[i] == key)
            return i + 1;
    }
    if (device < SCENARIO_DEVICES_MAX)
        snprintf(name, sizeof(name), "xvd%c/%u", 'a' + device, (unsigned)queue);
    else
        snprintf(name, sizeof(name), "device %u/%u", (unsigned)device, (unsigned)queue);
    scenario_buffer_add(&capture->interfaces, &key, sizeof(key));
    capture->block.failed |= capture->interfaces.failed;
    pcapng_interface(&capture->block, name);
    return count + 1;
}

static void write_event(struct capture *capture, enum capture_kind kind,
                        const struct simback_event *event, uint64_t time_ns, bool guest)
{
    uint32_t interface = find_interface(capture, event->device, event->queue);

    capture_payload(&capture->payload, kind, event);
    capture->block.failed |= capture->payload.failed;
    pcapng_packet(&capture->block, interface, time_ns, guest ? PCAPNG_OUTBOUND : PCAPNG_INBOUND,
                  capture->payload.data, capture->payload.length);
    write_block(capture);
}

/* A step with its text. */
static void write_step(struct capture *capture, const struct simback_event *event, uint64_t time_ns)
{
    struct simback_event step = *event;

    scenario_buffer_clear(&capture->text);
    if (event->a >= 1 && event->a <= capture->program->step_count)
        scenario_print_step(capture->program, &capture->program->steps[event->a - 1],
                            &capture->text);
    capture->block.failed |= capture->text.failed;
    step.domid = CAPTURE_NOBODY;
    step.bytes = capture->text.data;
    step.length = capture->text.length;
    write_event(capture, CAPTURE_STEP, &step, time_ns, false);
}

static void on_begin(void *context)
{
    struct capture *capture = context;
    const struct simback_event begin = {
        .domid = CAPTURE_NOBODY,
        .device = SIMBACK_NO_DEVICE,
        .a = capture->runs++,
        .path = capture->id,
        .bytes = capture->title,
        .length = strlen(capture->title),
    };

    write_event(capture, CAPTURE_BEGIN, &begin, 0, false);
}

static void on_event(void *context, const struct simback_event *event, uint64_t time_ns, bool guest,
                     uint64_t request)
{
    struct capture *capture = context;
    enum capture_kind kind = capture_kind(event->kind);
    struct simback_event told = *event;

    if (kind == CAPTURE_STEP) {
        write_step(capture, event, time_ns);
    } else if (kind != CAPTURE_NONE) {
        if (kind == CAPTURE_RING_REQUEST)
            told.b = request;
        write_event(capture, kind, &told, time_ns, guest);
    }
}

static void on_broken(void *context, const struct simback_violation *violation)
{
    const struct simback_event broken = {
        .domid = CAPTURE_NOBODY,
        .device = violation->device,
        .a = violation->rule,
        .b = violation->request,
        .c = violation->should,
        .bytes = violation->text,
        .length = strlen(violation->text),
    };

    write_event(context, CAPTURE_BROKEN, &broken, violation->time_ns, false);
}

void capture_begin(struct capture *capture, FILE *file, const char *id, const char *title,
                   const struct scenario_program *program)
{
    const struct scenario_listener listener = {
        .begin = on_begin, .event = on_event, .broken = on_broken, .context = capture};

    memset(capture, 0, sizeof(*capture));
    capture->file = file;
    capture->id = id;
    capture->title = title;
    capture->program = program;
    capture->listener = listener;
    scenario_buffer_init(&capture->block);
    scenario_buffer_init(&capture->payload);
    scenario_buffer_init(&capture->interfaces);
    scenario_buffer_init(&capture->text);
    capture_section(&capture->block, id, title);
    write_block(capture);
}

bool capture_end(struct capture *capture)
{
    scenario_buffer_fini(&capture->block);
    scenario_buffer_fini(&capture->payload);
    scenario_buffer_fini(&capture->interfaces);
    scenario_buffer_fini(&capture->text);
    return !capture->failed;
}
