/* SPDX-License-Identifier: ISC */
/*
 * Fault rules: which request meets which rule. What the rule's action does with the request is the
 * business of service.c, or of harm.c where it is carried out all the same.
 */
#include "backend_internal.h"

static const char *action_name(const struct simback_fault *fault)
{
    switch (fault->action) {
    case SIMBACK_ANSWER_STATUS: return fault->status == BLKIF_WIRE_OKAY ? "pretend" : "status";
    case SIMBACK_DELAY: return "delay";
    case SIMBACK_HOLD: return "hold";
    case SIMBACK_DROP: return "drop";
    case SIMBACK_REORDER: return "reorder";
    case SIMBACK_DUPLICATE: return "duplicate";
    case SIMBACK_CORRUPT: return "corrupt";
    case SIMBACK_TORN: return "torn";
    case SIMBACK_MISDIRECT: return "misdirect";
    case SIMBACK_LOST: return "lost";
    case SIMBACK_SHORT: return "short";
    case SIMBACK_MAPFAIL: return "mapfail";
    }
    return "?";
}

static unsigned op_bit(const struct slot_request *request)
{
    switch (request->inner) {
    case BLKIF_WIRE_READ: return SIMBACK_FAULT_READ;
    case BLKIF_WIRE_WRITE: return SIMBACK_FAULT_WRITE;
    case BLKIF_WIRE_WRITE_BARRIER: return SIMBACK_FAULT_BARRIER;
    case BLKIF_WIRE_FLUSH_DISKCACHE: return SIMBACK_FAULT_FLUSH;
    case BLKIF_WIRE_DISCARD: return SIMBACK_FAULT_DISCARD;
    default: return 0; /* only a rule for any operation means it */
    }
}

/* Units of a request as far as its slot tells: an indirect one's segments lie elsewhere, so it
 * counts as if each of them were a whole page. */
static uint64_t length_512(const struct slot_request *request)
{
    uint64_t length = 0;

    if (request->operation == BLKIF_WIRE_DISCARD)
        return request->count_512;
    if (request->operation == BLKIF_WIRE_INDIRECT)
        return (uint64_t)request->segment_count * BLKIF_WIRE_UNITS_PER_PAGE;
    for (uint32_t i = 0; i < request->segment_count && i < BLKIF_WIRE_SEGMENTS; i++) {
        const struct blkif_wire_segment *segment = &request->data.segments[i];

        if (segment->first_512 <= segment->last_512)
            length += (uint64_t)segment->last_512 - segment->first_512 + 1;
    }
    return length;
}

static bool selects(const struct backend_queue *queue, const struct simback_fault *fault,
                    const struct slot_request *request)
{
    const unsigned bit = op_bit(request);
    const uint64_t first = request->sector_512;
    uint64_t length;

    if (fault->device_only_when_connected && queue->backend->state != BLKIF_WIRE_CONNECTED)
        return false;
    if (bit == 0 ? (fault->ops & SIMBACK_FAULT_ANY) != SIMBACK_FAULT_ANY : !(fault->ops & bit))
        return false;
    if (!harm_suits(harm_of(fault->action), request))
        return false;
    if (fault->first_512 == 0 && fault->last_512 == UINT64_MAX)
        return true;
    length = length_512(request);
    if (length == 0 || first > fault->last_512)
        return false;
    return first >= fault->first_512 || fault->first_512 - first < length;
}

/* Chance is asked last, so that a rule without one draws no number. */
static bool strikes(const struct simback_backend *backend, struct backend_rule *rule)
{
    const struct simback_fault *fault = &rule->fault;

    rule->matches++;
    if (fault->times != 0 && rule->fired >= fault->times)
        return false;
    if (fault->nth != 0 &&
        (fault->nth_and_later ? rule->matches < fault->nth : rule->matches != fault->nth))
        return false;
    if (fault->every != 0 && rule->matches % fault->every != 0)
        return false;
    if (fault->percent >= 100)
        return true;
    return fault->percent != 0 && backend->host->random != NULL &&
           backend->host->random(backend->host->context) % 100 < fault->percent;
}

static void remember(struct simback_backend *backend, uint32_t name,
                     const struct slot_request *request)
{
    struct backend_name *entry = NULL;

    if (name == 0)
        return;
    for (uint32_t i = 0; i < backend->name_count; i++) {
        if (backend->names[i].name == name)
            entry = &backend->names[i];
    }
    if (entry == NULL && backend->name_count < BACKEND_FAULTS)
        entry = &backend->names[backend->name_count++];
    if (entry != NULL)
        *entry = (struct backend_name){
            .name = name, .id = request->id, .op = execute_response_op(backend, request)};
}

const struct simback_fault *fault_match(struct backend_queue *queue,
                                        const struct slot_request *request)
{
    struct simback_backend *backend = queue->backend;

    for (uint32_t i = 0; i < backend->rule_count; i++) {
        struct backend_rule *rule = &backend->rules[i];

        if (!selects(queue, &rule->fault, request) || !strikes(backend, rule))
            continue;
        rule->fired++;
        remember(backend, rule->fault.name, request);
        backend_tell(backend, SIMBACK_FAULT, queue->index, request->id, i + 1,
                     action_name(&rule->fault));
        return &rule->fault;
    }
    return NULL;
}

const struct backend_name *fault_named(const struct simback_backend *backend, uint32_t name)
{
    for (uint32_t i = 0; name != 0 && i < backend->name_count; i++) {
        if (backend->names[i].name == name)
            return &backend->names[i];
    }
    return NULL;
}

int simback_backend_add_fault(struct simback_backend *backend, const struct simback_fault *fault)
{
    if (backend->rule_count == BACKEND_FAULTS)
        return -1;
    backend->rules[backend->rule_count++] = (struct backend_rule){.fault = *fault};
    return 0;
}

static uint32_t release(struct simback_backend *backend, bool all, uint32_t name)
{
    const uint64_t now = backend->host->now(backend->host->context);
    uint32_t released = 0;

    for (uint32_t i = 0; i < backend->queue_room; i++) {
        const uint32_t here = pending_release(&backend->queues[i].pending, all, name, now);

        released += here;
        if (here != 0)
            backend_wake(backend, (uint16_t)i);
    }
    return released;
}

void simback_backend_clear_faults(struct simback_backend *backend)
{
    backend->rule_count = 0;
    (void)release(backend, true, 0);
}

uint32_t simback_backend_release(struct simback_backend *backend, uint32_t name)
{
    return name != 0 ? release(backend, false, name) : 0;
}
