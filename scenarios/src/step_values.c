/* SPDX-License-Identifier: ISC */
/*
 * What the fields of a step come to, as the structs of blkfront.h and backend.h have it: for
 * whoever plays steps, in whatever world. What needs more than the step (names, dialects, the
 * world) is left to the caller.
 */
#include "step_values.h"

/* ---- backend ---- */

static enum simback_choice choice(const struct scenario_step *step, unsigned field)
{
    if (!scenario_given(step, field)) {
        return SIMBACK_DEFAULT;
    }
    return scenario_value(step, field) == CHOICE_BOOLEAN_YES ? SIMBACK_YES : SIMBACK_NO;
}

static int32_t number_or_default(const struct scenario_step *step, unsigned field)
{
    return scenario_given(step, field) ? (int32_t)scenario_value(step, field) : -1;
}

static int64_t wide_or_default(const struct scenario_step *step, unsigned field)
{
    return scenario_given(step, field) ? (int64_t)scenario_value(step, field) : -1;
}

void step_backend(const struct scenario_step *step, struct simback_backend_options *options)
{
    simback_backend_options_init(options);
    options->device = step->device;
    options->domid = (uint16_t)scenario_value(step, FIELD_BACKEND_BACKEND_ID);
    options->vdev = scenario_vdev(step);
    options->sectors = scenario_value(step, FIELD_BACKEND_SECTORS);
    options->sector_size = (uint32_t)scenario_value(step, FIELD_BACKEND_SECTOR_SIZE);
    options->physical_sector_size =
        (uint32_t)scenario_value(step, FIELD_BACKEND_PHYSICAL_SECTOR_SIZE);
    options->mode_read_only = scenario_value(step, FIELD_BACKEND_MODE) == CHOICE_MODE_R;
    options->info = number_or_default(step, FIELD_BACKEND_INFO);
    options->flush = choice(step, FIELD_BACKEND_FLUSH);
    options->barrier = choice(step, FIELD_BACKEND_BARRIER);
    options->discard = choice(step, FIELD_BACKEND_DISCARD);
    options->persistent = choice(step, FIELD_BACKEND_PERSISTENT);
    options->ring_order = number_or_default(step, FIELD_BACKEND_ORDER);
    options->queues = number_or_default(step, FIELD_BACKEND_QUEUES);
    options->segments = number_or_default(step, FIELD_BACKEND_SEGMENTS);
    options->discard_granularity = wide_or_default(step, FIELD_BACKEND_DISCARD_GRANULARITY);
    options->discard_alignment = wide_or_default(step, FIELD_BACKEND_DISCARD_ALIGNMENT);
    options->discard_secure = choice(step, FIELD_BACKEND_DISCARD_SECURE);
    options->discard_disabled =
        scenario_value(step, FIELD_BACKEND_DISCARD_ENABLE) == CHOICE_BOOLEAN_NO;
    options->floppy = scenario_value(step, FIELD_BACKEND_FLOPPY) != 0;
    options->trusted = scenario_value(step, FIELD_BACKEND_TRUSTED) == CHOICE_BOOLEAN_YES;
    options->removable = scenario_value(step, FIELD_BACKEND_REMOVABLE) != 0;
    options->cdrom = scenario_value(step, FIELD_BACKEND_CDROM) != 0;
    options->attach = scenario_value(step, FIELD_BACKEND_ATTACH) != 0;
    options->start_state = (int32_t)scenario_value(step, FIELD_BACKEND_STATE);
}

/* ---- backend restart ---- */

/* The same bytes in sectors of another size, if the step says only that. */
static uint64_t sectors_of(const struct simback_backend_options *options, uint32_t sector_size)
{
    uint64_t old_units = options->sector_size / BLKIF_WIRE_UNIT;
    uint64_t units = sector_size / BLKIF_WIRE_UNIT;

    if (units == 0 || old_units == 0 || options->sectors > UINT64_MAX / old_units) {
        return options->sectors;
    }
    return options->sectors * old_units / units;
}

static void change_choice(const struct scenario_step *step, unsigned field,
                          enum simback_choice *value)
{
    if (scenario_given(step, field)) {
        *value = choice(step, field);
    }
}

static void change_number(const struct scenario_step *step, unsigned field, int32_t *value)
{
    if (scenario_given(step, field)) {
        *value = number_or_default(step, field);
    }
}

static void change_disk(const struct scenario_step *step, struct simback_backend_options *options)
{
    if (scenario_given(step, FIELD_BACKEND_RESTART_SECTOR_SIZE)) {
        uint32_t size = (uint32_t)scenario_value(step, FIELD_BACKEND_RESTART_SECTOR_SIZE);

        options->sectors = sectors_of(options, size);
        options->sector_size = size;
    }
    if (scenario_given(step, FIELD_BACKEND_RESTART_SECTORS)) {
        options->sectors = scenario_value(step, FIELD_BACKEND_RESTART_SECTORS);
    }
    if (scenario_given(step, FIELD_BACKEND_RESTART_MODE)) {
        options->mode_read_only = scenario_value(step, FIELD_BACKEND_RESTART_MODE) == CHOICE_MODE_R;
    }
}

void step_restart(const struct scenario_step *step, struct simback_backend_options *options)
{
    if (scenario_given(step, FIELD_BACKEND_RESTART_BACKEND_ID)) {
        options->domid = (uint16_t)scenario_value(step, FIELD_BACKEND_RESTART_BACKEND_ID);
    }
    change_disk(step, options);
    change_choice(step, FIELD_BACKEND_RESTART_FLUSH, &options->flush);
    change_choice(step, FIELD_BACKEND_RESTART_BARRIER, &options->barrier);
    change_choice(step, FIELD_BACKEND_RESTART_DISCARD, &options->discard);
    change_choice(step, FIELD_BACKEND_RESTART_PERSISTENT, &options->persistent);
    change_number(step, FIELD_BACKEND_RESTART_ORDER, &options->ring_order);
    change_number(step, FIELD_BACKEND_RESTART_QUEUES, &options->queues);
    change_number(step, FIELD_BACKEND_RESTART_SEGMENTS, &options->segments);
    options->start_state = BLKIF_WIRE_INITIALISING;
}

/* ---- connect ---- */

/* The defaults that blkfront.h promises, written here because a subject need not be libblkfront. */
static const struct blkfront_options default_options = {
    .queues = 1, .segments = BLKIF_WIRE_SEGMENTS, .pool_pages = 352, .abi = BLKFRONT_ABI_64};

void step_connect(const struct scenario_step *step, struct blkfront_options *options)
{
    *options = default_options;
    if (scenario_given(step, FIELD_CONNECT_POOL)) {
        options->pool_pages = (uint32_t)scenario_value(step, FIELD_CONNECT_POOL);
    }
    if (scenario_given(step, FIELD_CONNECT_DEADLINE)) {
        options->connect_deadline_ns = scenario_value(step, FIELD_CONNECT_DEADLINE);
    }
    if (scenario_given(step, FIELD_CONNECT_REQUEST_DEADLINE)) {
        options->request_deadline_ns = scenario_value(step, FIELD_CONNECT_REQUEST_DEADLINE);
    }
    if (scenario_given(step, FIELD_CONNECT_ORDER)) {
        options->ring_order = (uint32_t)scenario_value(step, FIELD_CONNECT_ORDER);
    }
    if (scenario_given(step, FIELD_CONNECT_QUEUES)) {
        options->queues = (uint32_t)scenario_value(step, FIELD_CONNECT_QUEUES);
    }
    if (scenario_given(step, FIELD_CONNECT_SEGMENTS)) {
        options->segments = (uint32_t)scenario_value(step, FIELD_CONNECT_SEGMENTS);
    }
    if (scenario_given(step, FIELD_CONNECT_PERSISTENT)) {
        options->persistent = scenario_value(step, FIELD_CONNECT_PERSISTENT) == CHOICE_BOOLEAN_YES;
    }
    options->page_buffers = scenario_value(step, FIELD_CONNECT_PAGE_BUFFERS) != 0;
    options->abi = scenario_value(step, FIELD_CONNECT_ABI) == CHOICE_ABI_X86_32 ? BLKFRONT_ABI_32
                                                                                : BLKFRONT_ABI_64;
    options->recover_deadline_ns = scenario_value(step, FIELD_CONNECT_RECOVER);
}

/* ---- fault ---- */

static unsigned read_ops(uint64_t operation)
{
    switch (operation) {
    case CHOICE_OPERATION_READ: return SIMBACK_FAULT_READ;
    case CHOICE_OPERATION_WRITE: return SIMBACK_FAULT_WRITE;
    case CHOICE_OPERATION_FLUSH: return SIMBACK_FAULT_FLUSH;
    case CHOICE_OPERATION_BARRIER: return SIMBACK_FAULT_BARRIER;
    case CHOICE_OPERATION_DISCARD: return SIMBACK_FAULT_DISCARD;
    default: return SIMBACK_FAULT_ANY;
    }
}

/* Sectors of the scenario are units of sector_size; a range beyond any disk stays beyond it. */
static void read_sectors(const struct scenario_step *step, uint64_t units,
                         struct simback_fault *fault)
{
    uint64_t first = scenario_value(step, FIELD_FAULT_SECTORS);
    uint64_t last = scenario_value(step, FIELD_FAULT_SECTORS_LAST);

    fault->first_512 = 0;
    fault->last_512 = UINT64_MAX;
    fault->offset_512 = scenario_value(step, FIELD_FAULT_OFFSET) * units;
    if (!scenario_given(step, FIELD_FAULT_SECTORS)) {
        return;
    }
    fault->first_512 = first > UINT64_MAX / units ? UINT64_MAX : first * units;
    fault->last_512 = last >= UINT64_MAX / units ? UINT64_MAX : last * units + units - 1;
}

/* A status or a delay by itself is an action too: `fault status=5`, `fault delay=1ms`. */
static void read_action(const struct scenario_step *step, struct simback_fault *fault)
{
    fault->delay_ns = scenario_value(step, FIELD_FAULT_DELAY);
    fault->status = BLKIF_WIRE_OKAY;
    switch (scenario_value(step, FIELD_FAULT_ACTION)) {
    case CHOICE_ACTION_ERROR:
        fault->action = SIMBACK_ANSWER_STATUS;
        fault->status = BLKIF_WIRE_ERROR;
        break;
    case CHOICE_ACTION_EOPNOTSUPP:
        fault->action = SIMBACK_ANSWER_STATUS;
        fault->status = BLKIF_WIRE_EOPNOTSUPP;
        break;
    case CHOICE_ACTION_HOLD: fault->action = SIMBACK_HOLD; break;
    case CHOICE_ACTION_DROP: fault->action = SIMBACK_DROP; break;
    case CHOICE_ACTION_REORDER: fault->action = SIMBACK_REORDER; break;
    case CHOICE_ACTION_DUPLICATE: fault->action = SIMBACK_DUPLICATE; break;
    case CHOICE_ACTION_CORRUPT: fault->action = SIMBACK_CORRUPT; break;
    case CHOICE_ACTION_TORN: fault->action = SIMBACK_TORN; break;
    case CHOICE_ACTION_MISDIRECT: fault->action = SIMBACK_MISDIRECT; break;
    case CHOICE_ACTION_LOST: fault->action = SIMBACK_LOST; break;
    case CHOICE_ACTION_SHORT: fault->action = SIMBACK_SHORT; break;
    case CHOICE_ACTION_MAPFAIL: fault->action = SIMBACK_MAPFAIL; break;
    default:
        fault->action =
            scenario_given(step, FIELD_FAULT_STATUS) ? SIMBACK_ANSWER_STATUS : SIMBACK_DELAY;
        break;
    }
    if (scenario_given(step, FIELD_FAULT_STATUS)) {
        fault->status = (int16_t)scenario_signed(step, FIELD_FAULT_STATUS);
    }
}

void step_fault(const struct scenario_step *step, uint64_t units, struct simback_fault *fault)
{
    *fault = (struct simback_fault){.ops = read_ops(scenario_value(step, FIELD_FAULT_OP))};
    read_sectors(step, units, fault);
    read_action(step, fault);
    fault->nth = scenario_given(step, FIELD_FAULT_NTH) ? scenario_value(step, FIELD_FAULT_NTH) : 0;
    fault->every =
        scenario_given(step, FIELD_FAULT_EVERY) ? scenario_value(step, FIELD_FAULT_EVERY) : 0;
    fault->percent = (uint32_t)scenario_value(step, FIELD_FAULT_PERCENT);
    fault->times =
        scenario_given(step, FIELD_FAULT_TIMES) ? scenario_value(step, FIELD_FAULT_TIMES) : 0;
}

/* ---- hostile ---- */

void step_response(const struct scenario_step *step, struct simback_bad_response *response)
{
    response->queue = (uint16_t)scenario_value(step, FIELD_RING_RESPOND_QUEUE);
    if (scenario_given(step, FIELD_RING_RESPOND_ID)) {
        response->set_id = true;
        response->id = scenario_value(step, FIELD_RING_RESPOND_ID);
    }
    if (scenario_given(step, FIELD_RING_RESPOND_OP)) {
        response->set_op = true;
        response->op = (uint8_t)scenario_value(step, FIELD_RING_RESPOND_OP);
    }
    response->set_status = true;
    response->status = (int16_t)scenario_signed(step, FIELD_RING_RESPOND_STATUS);
    response->count = (uint32_t)scenario_value(step, FIELD_RING_RESPOND_COUNT);
    response->no_publish = scenario_value(step, FIELD_RING_RESPOND_NO_PUBLISH) != 0;
    response->no_notify = scenario_value(step, FIELD_RING_RESPOND_NO_NOTIFY) != 0;
    if (scenario_given(step, FIELD_RING_RESPOND_SLOT)) {
        response->set_slot = true;
        response->slot = (uint32_t)scenario_value(step, FIELD_RING_RESPOND_SLOT);
    }
}

bool step_index(const struct scenario_step *step, unsigned *word, uint32_t *value)
{
    /* The backend's numbers of the words, by the language's words. */
    static const unsigned words[] = {[CHOICE_INDEX_RSP_PROD] = 2,
                                     [CHOICE_INDEX_REQ_PROD] = 0,
                                     [CHOICE_INDEX_RSP_EVENT] = 3,
                                     [CHOICE_INDEX_REQ_EVENT] = 1};
    const bool set = scenario_given(step, FIELD_RING_INDEX_VALUE);

    *word = words[scenario_value(step, FIELD_RING_INDEX_FIELD)];
    *value = set ? (uint32_t)scenario_value(step, FIELD_RING_INDEX_VALUE)
                 : (uint32_t)scenario_signed(step, FIELD_RING_INDEX_ADD);
    if (set && scenario_given(step, FIELD_RING_INDEX_ADD)) {
        *value += (uint32_t)scenario_signed(step, FIELD_RING_INDEX_ADD);
    }
    return !set;
}
