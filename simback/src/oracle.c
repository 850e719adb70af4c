/* SPDX-License-Identifier: ISC */
/*
 * The oracle's middle: what the rules say, what was found broken, how often each rule was put to a
 * test, and which event goes to which rule (oracle_dispatch.c). The rules themselves are in the
 * oracle_*.c files.
 */
#include "oracle_internal.h"

#include <stdarg.h>
#include <stdio.h>

static const char *const texts[SIMBACK_RULES + 1] = {
    [1] = "single read: each byte of a response, rsp_prod, req_event and each XenStore value is "
          "loaded once for one decision",
    [2] = "correlation: each request completes exactly once, with success only on a matching "
          "response with status OKAY",
    [3] = "producer sanity: rsp_prod beyond the ring fails the device, and no slot is read",
    [4] = "no hang: every call ends, or a live backend owes the next move",
    [5] = "grant ledger: no page is freed or reused while mapped, and none is left granted after "
          "disconnect but those in quarantine",
    [6] = "confinement: the backend sees zeros, the bytes of its requests and what it wrote, and "
          "nothing else",
    [7] = "data: a read returns, per sector, a value that was possible between its submit and its "
          "completion",
    [8] = "status: errors reach the caller, and what is not supported is switched off with the "
          "documented fallback",
    [9] =
        "units: 512-byte units on the wire, segments aligned, inside capacity, and as long as the "
        "caller asked",
    [10] = "negotiation: every node readable and consistent when the backend reads state 3 or 4, "
           "and legal against what it offered",
    [11] = "states: legal moves only, and requests only between reading the backend's 4 and the "
           "end of the connection",
    [12] = "teardown: port closed, watches and own nodes removed, and no callback or access after "
           "disconnect returns",
    [13] = "no crash: no sanitizer report, and no abort that the backend or XenStore can reach",
    [14] = "events: a notification follows when req_event asks for one, and otherwise none",
    [15] = "requeue: per connection each unanswered request is issued at most once",
    [16] = "durability: what was acknowledged before an acknowledged flush survives a power cut",
    [17] =
        "read-only: nothing that writes reaches the ring of a disk that is known to be read-only",
    [18] = "wrap: the same with ring indices that start anywhere",
    [19] = "backend honesty: simback itself keeps the protocol unless it was told to break it",
    [20] = "XenStore: any value or absence of a node gives a default or a clean error",
    [21] = "bounds: memory, watches and grants stay bounded under floods",
};

const char *simback_rule_text(uint8_t rule)
{
    return rule >= 1 && rule <= SIMBACK_RULES ? texts[rule] : NULL;
}

/* ---- making ---- */

struct oracle *oracle_create(struct simback_world *world)
{
    struct oracle *oracle = simback_allocate(world, sizeof(*oracle));

    if (oracle == NULL)
        return NULL;
    oracle->world = world;
    return grants_create(oracle) && confinement_create(oracle) && data_create(oracle) ? oracle
                                                                                      : NULL;
}

struct oracle *oracle_reset(struct simback_world *world)
{
    return oracle_create(world);
}

void oracle_destroy(struct simback_world *world)
{
    (void)world; /* everything lies in the arena */
}

struct oracle_device *oracle_device_get(struct oracle *oracle, uint16_t number)
{
    struct oracle_device *device;

    if (number >= WORLD_DEVICES)
        return NULL;
    device = oracle->devices[number];
    if (device != NULL)
        return device;
    device = simback_allocate(oracle->world, sizeof(*device));
    if (device == NULL) {
        oracle->no_memory = true;
        return NULL;
    }
    device->number = number;
    device->front_state = device->front_before = BLKIF_WIRE_INITIALISING;
    device->front_resumed = device->back_read = ORACLE_NO_STATE;
    device->back_state = device->front_read = ORACLE_NO_STATE;
    oracle->devices[number] = device;
    return device;
}

const struct monitor_device *oracle_who(const struct oracle *oracle,
                                        const struct oracle_device *device)
{
    return &oracle->world->monitor->devices[device->number];
}

/* ---- what is broken ---- */

static void name_of(const struct oracle *oracle, uint16_t number, char *name, size_t size)
{
    if (number >= WORLD_DEVICES)
        snprintf(name, size, "no device");
    else if (oracle->world->monitor->devices[number].known)
        snprintf(name, size, "%s", oracle->world->monitor->devices[number].name);
    else
        snprintf(name, size, "device %u", number);
}

/* What the backend did, and when, between two accesses of the frontend, and what it wrote into
 * pages: only a simulated one tells (I1, I3, I6, I14, I18), and I19 is about that one. A backend
 * sees what is on the ring and in XenStore, but neither the application nor an access. */
uint32_t simback_rules_judged(const struct simback_world *world)
{
    const uint32_t all = (1u << (SIMBACK_RULES + 1)) - 2;
    const uint32_t not_live = 1u << 1 | 1u << 3 | 1u << 6 | 1u << 14 | 1u << 18 | 1u << 19;
    const uint32_t served = 1u << 2 | 1u << 3 | 1u << 4 | 1u << 5 | 1u << 6 | 1u << 8 | 1u << 9 |
                            1u << 10 | 1u << 11 | 1u << 12 | 1u << 14 | 1u << 17 | 1u << 18;

    if (world->options.served)
        return served;
    return world->options.live ? all & ~not_live : all;
}

static bool is_judged(const struct oracle *oracle, uint8_t rule)
{
    return (simback_rules_judged(oracle->world) >> rule & 1) != 0;
}

static void __attribute__((format(printf, 6, 0)))
note(struct oracle *oracle, uint8_t rule, bool should, uint16_t number, uint64_t request,
     const char *format, va_list arguments)
{
    struct simback_violation *violation;
    char name[24];
    int used;

    if (!is_judged(oracle, rule))
        return;
    if (should)
        oracle->should++;
    else
        oracle->must++;
    oracle->broken[should][rule]++;
    /* A guest goes on, and breaks the same rule with each request: once is enough. */
    if (oracle->kept_count == SIMBACK_VIOLATIONS_KEPT ||
        (oracle->world->options.served && oracle->broken[should][rule] > 1))
        return;
    violation = &oracle->kept[oracle->kept_count++];
    *violation = (struct simback_violation){
        .rule = rule,
        .should = should,
        .looked_for = oracle->looking,
        .device = number,
        .request = request,
        .step = oracle->step,
        .time_ns = simback_now(oracle->world),
    };
    name_of(oracle, number, name, sizeof(name));
    if (request != 0)
        used = snprintf(violation->text, sizeof(violation->text), "I%u %s request %llu: ", rule,
                        name, (unsigned long long)request);
    else
        used = snprintf(violation->text, sizeof(violation->text), "I%u %s: ", rule, name);
    if (used > 0 && (size_t)used < sizeof(violation->text))
        vsnprintf(violation->text + used, sizeof(violation->text) - (size_t)used, format,
                  arguments);
}

void oracle_broken(struct oracle *oracle, uint8_t rule, const struct oracle_device *device,
                   uint64_t request, const char *format, ...)
{
    va_list arguments;

    if (oracle->no_memory)
        return;
    va_start(arguments, format);
    note(oracle, rule, false, device == NULL ? SIMBACK_NO_DEVICE : device->number, request, format,
         arguments);
    va_end(arguments);
}

void oracle_should(struct oracle *oracle, uint8_t rule, const struct oracle_device *device,
                   uint64_t request, const char *format, ...)
{
    va_list arguments;

    if (oracle->no_memory)
        return;
    va_start(arguments, format);
    note(oracle, rule, true, device == NULL ? SIMBACK_NO_DEVICE : device->number, request, format,
         arguments);
    va_end(arguments);
}

void simback_violate(struct simback_world *world, uint8_t rule, bool should, uint16_t device,
                     uint64_t request, const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    world->oracle->looking = true;
    note(world->oracle, rule, should, monitor_device_number(world->monitor, device), request,
         format, arguments);
    world->oracle->looking = false;
    va_end(arguments);
}

uint32_t simback_violations(const struct simback_world *world, bool strict)
{
    uint64_t count = world->oracle->must + (strict ? world->oracle->should : 0);

    return count > UINT32_MAX ? UINT32_MAX : (uint32_t)count;
}

uint64_t simback_rule_violations(const struct simback_world *world, uint8_t rule, bool should)
{
    return rule <= SIMBACK_RULES ? world->oracle->broken[should][rule] : 0;
}

const struct simback_violation *simback_violation(const struct simback_world *world, uint32_t index)
{
    return index < world->oracle->kept_count ? &world->oracle->kept[index] : NULL;
}

uint64_t simback_rule_checks(const struct simback_world *world, uint8_t rule)
{
    return rule <= SIMBACK_RULES ? world->oracle->checks[rule] : 0;
}
