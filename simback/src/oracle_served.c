/* SPDX-License-Identifier: ISC */
/*
 * A real guest's frontend, judged from its backend's side: what it reads, and when, is not seen, so
 * each of these takes the moment that is kindest to it. What it has read of the backend's offers it
 * has read when it writes 4; what the backend writes later it may have read or not.
 */
#include "oracle_served.h"

#include <string.h>

static bool back_directory(const struct oracle *oracle, const struct oracle_device *device,
                           char back[MONITOR_PATH])
{
    size_t length;

    if (!monitor_peek(oracle->world, oracle_who(oracle, device)->front, BLKIF_NODE_BACKEND, back,
                      MONITOR_PATH - 1, &length))
        return false;
    back[length] = '\0';
    return true;
}

void served_connected(struct oracle *oracle, struct oracle_device *device)
{
    static const char *const offers[] = {
        BLKIF_NODE_INFO,
        BLKIF_NODE_FEATURE_MAX_INDIRECT_SEGMENTS,
        BLKIF_NODE_FEATURE_PERSISTENT,
        BLKIF_NODE_DISCARD_GRANULARITY,
        BLKIF_NODE_DISCARD_ALIGNMENT,
        BLKIF_NODE_FEATURE_FLUSH_CACHE,
        BLKIF_NODE_FEATURE_BARRIER,
    };
    char back[MONITOR_PATH];
    uint64_t value;

    if (!back_directory(oracle, device, back))
        return;
    for (size_t i = 0; i < sizeof(offers) / sizeof(offers[0]); i++) {
        if (monitor_peek_number(oracle->world, back, offers[i], &value))
            oracle_back_node_read(device, offers[i], value, false);
    }
    if (monitor_peek_number(oracle->world, back, BLKIF_NODE_SECTORS, &value))
        device->capacity_512 = value;
    if (monitor_peek_number(oracle->world, back, BLKIF_NODE_SECTOR_SIZE, &value) &&
        told_is_sector_size(value))
        device->sector_size = (uint32_t)value;
}

/* A disk that shrinks is known to the guest some time later; one that grows at once, maybe. */
void served_back_wrote(struct oracle_device *device, const struct simback_event *event,
                       const char *rest)
{
    uint64_t value;

    if (strcmp(rest, BLKIF_NODE_SECTORS) == 0 && device->capacity_512 != 0 &&
        monitor_number(event->bytes, event->length, &value) && value > device->capacity_512)
        device->capacity_512 = value;
}

void served_missed(struct simback_world *world, uint16_t number)
{
    struct oracle_device *device = oracle_device_get(world->oracle, number);

    if (device != NULL)
        device->front_missed = true;
}

void served_not_notified(struct simback_world *world, uint16_t number, uint16_t queue,
                         uint32_t req_prod, uint32_t req_event)
{
    oracle_broken(world->oracle, 14, oracle_device_get(world->oracle, number), 0,
                  "requests up to %#x lie on queue %u, where req_event is %#x, and no notification "
                  "has come",
                  req_prod, queue, req_event);
}

/* I4, I12: a frontend that has begun follows a backend that closes, and leaves nothing. */
void served_end(struct simback_world *world, uint16_t number)
{
    struct oracle *oracle = world->oracle;
    struct oracle_device *device = oracle_device_get(oracle, number);

    if (device == NULL || !device->front_known)
        return;
    oracle_checked(oracle, 4);
    if (device->front_state == BLKIF_WIRE_INITIALISED ||
        device->front_state == BLKIF_WIRE_CONNECTED || device->front_state == BLKIF_WIRE_CLOSING) {
        if (simback_who_owes(world, number) == SIMBACK_OWES_FRONTEND)
            oracle_broken(oracle, 4, device, 0,
                          "the frontend stays in state %u although the backend is in %u",
                          device->front_state, device->back_state);
        return;
    }
    device->back_read = device->back_state;
    teardown_served(oracle, device);
}
