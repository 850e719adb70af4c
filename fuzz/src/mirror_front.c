/* SPDX-License-Identifier: ISC */
/*
 * The frontend's half of a connection, in two manners: as it should be, after which the backend
 * must be connected and, closed again, hold nothing any more; and any nodes with any values, any
 * states, ports and grants.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "mirror_internal.h"

#define FRONT "/local/domain/1/device/vbd/51712"

static const char *const front_nodes[] = {
    BLKIF_NODE_RING_REF,
    BLKIF_NODE_RING_REF "0",
    BLKIF_NODE_RING_REF "1",
    BLKIF_NODE_RING_REF "2",
    BLKIF_NODE_RING_REF "3",
    BLKIF_NODE_EVENT_CHANNEL,
    BLKIF_NODE_PROTOCOL,
    BLKIF_NODE_RING_PAGE_ORDER,
    BLKIF_NODE_NUM_RING_PAGES,
    BLKIF_NODE_MULTI_QUEUE_NUM_QUEUES,
    BLKIF_NODE_FEATURE_PERSISTENT,
    BLKIF_NODE_FEATURE_LARGE_SECTOR_SIZE,
    BLKIF_NODE_QUEUE "0/" BLKIF_NODE_RING_REF,
    BLKIF_NODE_QUEUE "0/" BLKIF_NODE_RING_REF "0",
    BLKIF_NODE_QUEUE "0/" BLKIF_NODE_EVENT_CHANNEL,
    BLKIF_NODE_QUEUE "1/" BLKIF_NODE_RING_REF,
    BLKIF_NODE_QUEUE "1/" BLKIF_NODE_RING_REF "0",
    BLKIF_NODE_QUEUE "1/" BLKIF_NODE_EVENT_CHANNEL,
    BLKIF_NODE_QUEUE "0",
    BLKIF_NODE_QUEUE "1",
    BLKIF_NODE_QUEUE "2/" BLKIF_NODE_RING_REF,
    BLKIF_NODE_QUEUE "2",
};

enum { FRONT_NODES = sizeof(front_nodes) / sizeof(front_nodes[0]) };

/* ---- nodes ---- */

void mirror_write(struct mirror *mirror, const char *node, const void *value, size_t length)
{
    char path[2 * MIRROR_PATH];

    snprintf(path, sizeof(path), "%s/%s", FRONT, node);
    (void)mirror->platform->store_write(mirror->platform->context, 0, path, value, length);
}

static void write_number(struct mirror *mirror, const char *directory, const char *node,
                         uint64_t value)
{
    char name[MIRROR_PATH], text[24];

    snprintf(name, sizeof(name), "%s%s", directory, node);
    snprintf(text, sizeof(text), "%" PRIu64, value);
    mirror_write(mirror, name, text, strlen(text));
}

static void remove_node(struct mirror *mirror, const char *node)
{
    char path[2 * MIRROR_PATH];

    snprintf(path, sizeof(path), "%s/%s", FRONT, node);
    (void)mirror->platform->store_remove(mirror->platform->context, 0, path);
}

unsigned mirror_back_state(struct mirror *mirror)
{
    char back[MIRROR_PATH], front[MIRROR_PATH], path[MIRROR_PATH + 16], text[4] = "";
    size_t length;

    simback_paths(&mirror->options, back, sizeof(back), front, sizeof(front));
    snprintf(path, sizeof(path), "%s/%s", back, BLKIF_NODE_STATE);
    if (simback_store_read(mirror->world, path, text, sizeof(text) - 1, &length) != 0) {
        return 0;
    }
    return (unsigned)strtoul(text, NULL, 10);
}

/* ---- grants ---- */

void mirror_grant(struct mirror *mirror, uint32_t page, bool writable)
{
    const struct blkfront_platform *platform = mirror->platform;
    struct mirror_page *info = &mirror->pages[page];
    const void *address = mirror->memory + (size_t)page * BLKIF_WIRE_PAGE_SIZE;

    if (info->granted) {
        return;
    }
    info->granted = platform->page_grant(platform->context, 0, address, writable, &info->ref) == 0;
    info->writable = writable;
}

/* While it is mapped, and only then, it cannot end (I5). */
void mirror_revoke(struct mirror *mirror, uint32_t page)
{
    struct mirror_page *info = &mirror->pages[page];
    bool ended;

    if (!info->granted) {
        return;
    }
    ended = mirror->platform->page_revoke(mirror->platform->context, info->ref) == 0;
    if (ended != (info->maps == 0)) {
        mirror_wrong(mirror, "grant %" PRIu32 " is mapped %" PRIu32 " times and %s", info->ref,
                     info->maps, ended ? "ends" : "does not end");
    }
    info->granted = !ended;
}

/* ---- as it should be ---- */

static void close_port(struct mirror *mirror, struct mirror_queue *queue)
{
    if (queue->port_open) {
        mirror->platform->port_close(mirror->platform->context, queue->channels, queue->port);
    }
    queue->port_open = false;
}

static bool open_port(struct mirror *mirror, struct mirror_queue *queue)
{
    const struct blkfront_platform *platform = mirror->platform;

    queue->port_open =
        platform->port_allocate(platform->context, queue->channels, 0, &queue->port) == 0;
    return queue->port_open;
}

static void set_state(struct mirror *mirror, unsigned state)
{
    mirror->used = true;
    write_number(mirror, "", BLKIF_NODE_STATE, state);
    mirror_run(mirror);
}

void mirror_close(struct mirror *mirror)
{
    const uint32_t mapped = mirror->over ? 0 : mirror_mapped(mirror);
    unsigned back;

    set_state(mirror, BLKIF_WIRE_CLOSING);
    set_state(mirror, BLKIF_WIRE_CLOSED);
    mirror_run(mirror); /* the end of a barrier may be what it waits for */
    mirror->fair = false;
    back = mirror_back_state(mirror);
    if (back != BLKIF_WIRE_CLOSED && back != BLKIF_WIRE_UNKNOWN) {
        mirror_wrong(mirror, "the frontend is closed, the backend stays in %u", back);
    } else if (mirror_mapped(mirror) != 0) {
        mirror_wrong(mirror,
                     "closed, and of %" PRIu32 " pages that were mapped %" PRIu32 " still are",
                     mapped, mirror_mapped(mirror));
    }
    mirror->over = mirror->over || back == BLKIF_WIRE_UNKNOWN;
}

static void renew_grants(struct mirror *mirror)
{
    for (uint32_t i = 0; i < MIRROR_PAGES; i++) {
        const bool writable = i < MIRROR_READ_ONLY;

        if (mirror->pages[i].granted && mirror->pages[i].writable != writable) {
            mirror_revoke(mirror, i);
        }
        mirror_grant(mirror, i, writable);
        if (!mirror->pages[i].granted || mirror->pages[i].writable != writable) {
            mirror->over = true;
        }
    }
}

static void publish_queue(struct mirror *mirror, const struct mirror_queue *queue)
{
    char directory[16] = "", name[24];

    if (mirror->queue_count > 1) {
        snprintf(directory, sizeof(directory), BLKIF_NODE_QUEUE "%u/", queue->index);
    }
    write_number(mirror, directory, BLKIF_NODE_EVENT_CHANNEL, queue->port);
    for (uint32_t i = 0; i < queue->page_count; i++) {
        snprintf(name, sizeof(name), queue->page_count == 1 ? "%s" : "%s%" PRIu32,
                 BLKIF_NODE_RING_REF, i);
        write_number(mirror, directory, name,
                     mirror->pages[queue->index * MIRROR_RING_PAGES + i].ref);
    }
}

static void publish(struct mirror *mirror)
{
    const char *protocol = mirror->abi_32 ? BLKIF_WIRE_PROTOCOL_32 : BLKIF_WIRE_PROTOCOL_64;

    mirror_write(mirror, BLKIF_NODE_PROTOCOL, protocol, strlen(protocol));
    if (mirror->order != 0) {
        write_number(mirror, "", BLKIF_NODE_RING_PAGE_ORDER, mirror->order);
        write_number(mirror, "", BLKIF_NODE_NUM_RING_PAGES, UINT64_C(1) << mirror->order);
    }
    if (mirror->queue_count > 1) {
        write_number(mirror, "", BLKIF_NODE_MULTI_QUEUE_NUM_QUEUES, mirror->queue_count);
    }
    write_number(mirror, "", BLKIF_NODE_FEATURE_PERSISTENT, mirror->persistent);
    for (uint32_t i = 0; i < mirror->queue_count; i++) {
        publish_queue(mirror, &mirror->queues[i]);
    }
}

static void choose_connection(struct mirror *mirror)
{
    const bool several = mirror->options.dialect->spelling != SIMBACK_SPELLING_NONE;
    const uint32_t choice = mirror_draw(mirror, 256);

    mirror->abi_32 = (choice & 1) != 0;
    mirror->persistent = (choice & 2) != 0;
    mirror->queue_count = (choice & 4) != 0 ? 2 : 1;
    mirror->order = several ? (uint8_t)((choice >> 3) % 3) : 0;
}

/* It was given a reason to be there no more. */
static bool leaves(const struct mirror *mirror)
{
    const uint8_t vanished = mirror->options.dialect->vanished;

    return mirror->may_leave && vanished != SIMBACK_VANISHED_CLOSES &&
           vanished != SIMBACK_VANISHED_WAITS;
}

void mirror_connect(struct mirror *mirror)
{
    if (mirror->used) {
        mirror_close(mirror);
    }
    /* Some come only once. */
    if (mirror->over || (mirror->used && !mirror->options.dialect->init_wait)) {
        mirror->over = true;
        return;
    }
    choose_connection(mirror);
    for (uint32_t i = 0; i < FRONT_NODES; i++) {
        remove_node(mirror, front_nodes[i]);
    }
    renew_grants(mirror);
    for (uint32_t i = 0; i < MIRROR_QUEUES; i++) {
        close_port(mirror, &mirror->queues[i]);
        mirror->over = !open_port(mirror, &mirror->queues[i]) || mirror->over;
        mirror_begin_ring(&mirror->queues[i]);
    }
    set_state(mirror, BLKIF_WIRE_INITIALISING);
    if (mirror->over) {
        return;
    }
    publish(mirror);
    mirror->fair = true;
    set_state(mirror, BLKIF_WIRE_INITIALISED);
    if (mirror_back_state(mirror) != BLKIF_WIRE_CONNECTED && leaves(mirror)) {
        mirror->over = true;
    } else if (mirror_back_state(mirror) != BLKIF_WIRE_CONNECTED) {
        mirror_wrong(mirror, "a connection as it should be leaves the backend in %u",
                     mirror_back_state(mirror));
    } else {
        set_state(mirror, BLKIF_WIRE_CONNECTED);
        mirror->result->connects++;
    }
}

/* ---- anything ---- */

static size_t any_value(struct mirror *mirror, char *text, size_t size)
{
    static const char *const odd[] = {"",           "-1",         "00",
                                      "0x1",        "1 ",         "+1",
                                      "4294967295", "4294967296", "4",
                                      "abc",        "\n",         "64",
                                      "x86_32-abi", "x86_64-abi", "18446744073709551616",
                                      "65535",      "3",          "17",
                                      "5",          "2",          "arm-abi-too",
                                      "1",          "0",          "31"};
    const uint32_t kind = mirror_draw(mirror, 4);

    if (kind == 0) {
        snprintf(text, size, "%" PRIu32, mirror->pages[mirror_draw(mirror, MIRROR_PAGES)].ref);
    } else if (kind == 1) {
        snprintf(text, size, "%" PRIu32, mirror->queues[mirror_draw(mirror, MIRROR_QUEUES)].port);
    } else if (kind == 2) {
        snprintf(text, size, "%s", odd[mirror_draw(mirror, sizeof(odd) / sizeof(odd[0]))]);
    } else {
        const size_t length = mirror_draw(mirror, (uint32_t)size);

        memset(text, (int)mirror_draw(mirror, 256), length);
        return length;
    }
    return strlen(text);
}

void mirror_any_node(struct mirror *mirror)
{
    const char *node = front_nodes[mirror_draw(mirror, FRONT_NODES)];
    char value[256];

    mirror->fair = false;
    if (mirror_draw(mirror, 4) == 0) {
        remove_node(mirror, node);
    } else {
        mirror_write(mirror, node, value, any_value(mirror, value, sizeof(value)));
    }
}

void mirror_any_state(struct mirror *mirror)
{
    const uint32_t state = mirror_draw(mirror, 12);
    char value[256] = "";

    mirror->fair = false;
    mirror->used = true;
    if (state <= BLKIF_WIRE_RECONFIGURED) {
        write_number(mirror, "", BLKIF_NODE_STATE, state);
    } else if (state == 9) {
        remove_node(mirror, BLKIF_NODE_STATE);
    } else {
        mirror_write(mirror, BLKIF_NODE_STATE, value, any_value(mirror, value, sizeof(value)));
    }
    /* No state, or 0, is for some the end of the device. */
    mirror->may_leave = mirror->may_leave || state == 0 || state == 9 || value[0] == '0';
    if (mirror_draw(mirror, 3) != 0) {
        mirror_run(mirror);
    }
}

void mirror_any_port(struct mirror *mirror)
{
    struct mirror_queue *queue = &mirror->queues[mirror_draw(mirror, MIRROR_QUEUES)];

    mirror->fair = false;
    if (queue->port_open) {
        close_port(mirror, queue);
    } else {
        (void)open_port(mirror, queue);
    }
}
