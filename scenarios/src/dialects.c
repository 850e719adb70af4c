/* SPDX-License-Identifier: ISC */
/*
 * The table of properties: each field of dialects.def with its place in struct simback_dialect, and
 * reading and writing by it. What the values mean is simback's matter.
 */
#include "scenario/dialects.h"

#include <stddef.h>
#include <string.h>

/* ---- the table ---- */

struct property {
    size_t offset;
    size_t size;
};

#define PROPERTY(member)                                                                        \
    {                                                                                           \
        offsetof(struct simback_dialect, member), sizeof(((struct simback_dialect *)0)->member) \
    }
/* Fields that are no property by themselves. */
#define NO_PROPERTY \
    {               \
        0, 0        \
    }

#define PROPERTY_DIALECT_NAME      PROPERTY(name)
#define PROPERTY_DIALECT_LIKE      NO_PROPERTY
#define PROPERTY_DIALECT_DIRECTORY PROPERTY(directory)
#define PROPERTY_DIALECT_ABOUT     PROPERTY(about)

#define PROPERTY_DIALECT_OFFERS_FLUSH          PROPERTY(flush)
#define PROPERTY_DIALECT_OFFERS_BARRIER        PROPERTY(barrier)
#define PROPERTY_DIALECT_OFFERS_DISCARD        PROPERTY(discard)
#define PROPERTY_DIALECT_OFFERS_SECURE         PROPERTY(secure)
#define PROPERTY_DIALECT_OFFERS_PERSISTENT     PROPERTY(persistent)
#define PROPERTY_DIALECT_OFFERS_DISCARD_ENABLE PROPERTY(discard_enable)
#define PROPERTY_DIALECT_OFFERS_ORDER          PROPERTY(ring_order)
#define PROPERTY_DIALECT_OFFERS_QUEUES         PROPERTY(queues)
#define PROPERTY_DIALECT_OFFERS_SEGMENTS       PROPERTY(segments)
#define PROPERTY_DIALECT_OFFERS_GRANULARITY    PROPERTY(granularity)
#define PROPERTY_DIALECT_OFFERS_ALIGNMENT      PROPERTY(alignment)
#define PROPERTY_DIALECT_OFFERS_INFO           PROPERTY(info_bits)

#define PROPERTY_DIALECT_READS_SPELLING     PROPERTY(spelling)
#define PROPERTY_DIALECT_READS_ABI          PROPERTY(default_abi)
#define PROPERTY_DIALECT_READS_UNITS        PROPERTY(units)
#define PROPERTY_DIALECT_READS_NUMBERED     PROPERTY(numbered_order_0)
#define PROPERTY_DIALECT_READS_ANY_PROTOCOL PROPERTY(any_protocol)
#define PROPERTY_DIALECT_READS_STRICT       PROPERTY(strict)
#define PROPERTY_DIALECT_READS_ATTACH       PROPERTY(attach)

#define PROPERTY_DIALECT_ANSWERS_UNKNOWN        PROPERTY(unknown_op)
#define PROPERTY_DIALECT_ANSWERS_NO_SEGMENTS    PROPERTY(no_segments)
#define PROPERTY_DIALECT_ANSWERS_FLUSH          PROPERTY(flush_not_offered)
#define PROPERTY_DIALECT_ANSWERS_BARRIER        PROPERTY(barrier_not_offered)
#define PROPERTY_DIALECT_ANSWERS_DISCARD        PROPERTY(discard_not_offered)
#define PROPERTY_DIALECT_ANSWERS_SECURE         PROPERTY(secure_not_offered)
#define PROPERTY_DIALECT_ANSWERS_UNALIGNED      PROPERTY(discard_unaligned)
#define PROPERTY_DIALECT_ANSWERS_READ_ONLY      PROPERTY(flush_read_only)
#define PROPERTY_DIALECT_ANSWERS_FLUSH_DATA     PROPERTY(flush_data)
#define PROPERTY_DIALECT_ANSWERS_INDIRECT       PROPERTY(indirect_inner)
#define PROPERTY_DIALECT_ANSWERS_INDIRECT_PAGES PROPERTY(indirect_pages)
#define PROPERTY_DIALECT_ANSWERS_DIES           PROPERTY(dies)
#define PROPERTY_DIALECT_ANSWERS_AHEAD          PROPERTY(bounded)
#define PROPERTY_DIALECT_ANSWERS_REWRITES       PROPERTY(rewrites)

#define PROPERTY_DIALECT_STATES_INIT_WAIT       PROPERTY(init_wait)
#define PROPERTY_DIALECT_STATES_TAKES_CONNECTED PROPERTY(takes_connected)
#define PROPERTY_DIALECT_STATES_ODD             PROPERTY(odd_fatal)
#define PROPERTY_DIALECT_STATES_KEEPS_NODES     PROPERTY(keeps_nodes)
#define PROPERTY_DIALECT_STATES_CLOSING         PROPERTY(closing)
#define PROPERTY_DIALECT_STATES_VANISHED        PROPERTY(vanished)
#define PROPERTY_DIALECT_STATES_RESIZES         PROPERTY(resizes)
#define PROPERTY_DIALECT_STATES_SILENT          PROPERTY(silent)

#define PROPERTY_DIALECT_GRANTS_MAPS_WRITABLE PROPERTY(maps_writable)
#define PROPERTY_DIALECT_GRANTS_MOST          PROPERTY(persistent_most)
#define PROPERTY_DIALECT_GRANTS_PERCENT       PROPERTY(lru_percent)
#define PROPERTY_DIALECT_GRANTS_INTERVAL      PROPERTY(lru_interval_ns)
#define PROPERTY_DIALECT_GRANTS_UNUSED        PROPERTY(lru_unused_ns)

/* Nodes are rows of the dialect, not members. */
#define PROPERTY_NODE_NAME  NO_PROPERTY
#define PROPERTY_NODE_AT    NO_PROPERTY
#define PROPERTY_NODE_WRITE NO_PROPERTY
#define PROPERTY_NODE_VALUE NO_PROPERTY

#define STEP(opcode, name, ...) static const struct property properties_of_##name[] = {
#define FIELD(step, name, ...)  PROPERTY_##step##_##name,
#define STEP_END(name) \
    }                  \
    ;
#include "scenario/dialects.def"
#undef STEP
#undef FIELD
#undef STEP_END

/* The rows that hold properties, in the order in which they are written. */
static const struct {
    enum scenario_opcode opcode;
    const struct property *properties;
} rows[] = {
#define STEP(opcode, name, ...) {STEP_##name, properties_of_##name},
#define FIELD(...)
#define STEP_END(name)
#include "scenario/dialects.def"
#undef STEP
#undef FIELD
#undef STEP_END
};

enum { ROWS = sizeof(rows) / sizeof(rows[0]) };

/* Words stand for simback's values by their place in the set. */
#define SAME(word, value) _Static_assert((int)(word) == (int)(value), #word)
SAME(CHOICE_SPELLING_BOTH, SIMBACK_SPELLING_BOTH);
SAME(CHOICE_SPELLING_PAGES, SIMBACK_SPELLING_PAGES);
SAME(CHOICE_DEFAULT_ABI_NONE, SIMBACK_DEFAULT_ABI_NONE);
SAME(CHOICE_UNITS_ASKED, SIMBACK_UNITS_ASKED);
SAME(CHOICE_UNITS_MIXED, SIMBACK_UNITS_MIXED);
SAME(CHOICE_CLOSING_ANSWERS, SIMBACK_CLOSING_ANSWERS);
SAME(CHOICE_CLOSING_SILENT, SIMBACK_CLOSING_SILENT);
SAME(CHOICE_VANISHED_UNREGISTERS, SIMBACK_VANISHED_UNREGISTERS);
SAME(CHOICE_VANISHED_REMOVES, SIMBACK_VANISHED_REMOVES);
SAME(CHOICE_VANISHED_WAITS, SIMBACK_VANISHED_WAITS);
SAME(CHOICE_AT_CONNECTED, SIMBACK_AT_CONNECTED);
SAME(CHOICE_AT_INIT_WAIT, SIMBACK_AT_INIT_WAIT);
SAME(CHOICE_NODE_COUNT, SIMBACK_NODE_COUNT);

/* ---- values ---- */

static void put(struct simback_dialect *dialect, const struct property *property, uint64_t value)
{
    void *at = (char *)dialect + property->offset;

    switch (property->size) {
    case 1: *(uint8_t *)at = (uint8_t)value; break;
    case 2: *(uint16_t *)at = (uint16_t)value; break;
    case 4: *(uint32_t *)at = (uint32_t)value; break;
    default: *(uint64_t *)at = value; break;
    }
}

static uint64_t get(const struct simback_dialect *dialect, const struct property *property,
                    const struct scenario_field *field)
{
    const void *at = (const char *)dialect + property->offset;

    switch (property->size) {
    case 1: return *(const uint8_t *)at;
    case 2:
        return field->type == SCENARIO_TYPE_INT ? (uint64_t)(int64_t) * (const int16_t *)at
                                                : *(const uint16_t *)at;
    case 4: return *(const uint32_t *)at;
    default: return *(const uint64_t *)at;
    }
}

static void put_text(char *to, size_t size, const struct scenario_program *program,
                     struct scenario_string string)
{
    size_t length = string.length < size ? string.length : size - 1;

    memset(to, 0, size);
    memcpy(to, scenario_text(program, string), length);
}

static void put_fields(struct simback_dialect *dialect, const struct scenario_program *program,
                       const struct scenario_step *step, const struct property *properties)
{
    const struct scenario_row *row = scenario_row(step->opcode);

    for (unsigned i = 0; i < row->field_count; i++) {
        if (properties[i].size == 0 || !scenario_given(step, i)) {
            continue;
        }
        if (row->fields[i].type == SCENARIO_TYPE_STRING) {
            put_text((char *)dialect + properties[i].offset, properties[i].size, program,
                     scenario_string_of(step, i));
        } else {
            put(dialect, &properties[i], scenario_value(step, i));
        }
    }
}

/* ---- reading ---- */

static const struct property *properties_of(unsigned opcode)
{
    for (size_t i = 0; i < ROWS; i++) {
        if (rows[i].opcode == opcode) {
            return rows[i].properties;
        }
    }
    return NULL;
}

static void take_out(struct simback_dialect *dialect, unsigned node)
{
    uint32_t kept = 0;

    for (uint32_t i = 0; i < dialect->row_count; i++) {
        if (dialect->rows[i].node != node) {
            dialect->rows[kept++] = dialect->rows[i];
        }
    }
    dialect->row_count = kept;
}

static void put_node(struct simback_dialect *dialect, const struct scenario_program *program,
                     const struct scenario_step *step)
{
    const unsigned node = (unsigned)scenario_value(step, FIELD_NODE_NAME);
    struct simback_dialect_row *row;

    take_out(dialect, node);
    if (scenario_value(step, FIELD_NODE_WRITE) == CHOICE_WRITE_NEVER) {
        return;
    }
    row = &dialect->rows[dialect->row_count++];
    memset(row, 0, sizeof(*row));
    row->node = (uint8_t)node;
    row->phase = (uint8_t)scenario_value(step, FIELD_NODE_AT);
    row->always = scenario_value(step, FIELD_NODE_WRITE) == CHOICE_WRITE_ALWAYS;
    put_text(row->value, sizeof(row->value), program, scenario_string_of(step, FIELD_NODE_VALUE));
}

/* Nothing is offered and nothing published, but a backend can be made of it. */
static const struct simback_dialect nothing = {.directory = "vbd", .indirect_pages = 1};

static int begin(struct scenario_dialects *set, const struct scenario_program *program,
                 const struct scenario_step *step)
{
    const struct simback_dialect *like = &nothing;

    if (set->count == sizeof(set->list) / sizeof(set->list[0])) {
        return SCENARIO_TOO_LARGE;
    }
    if (scenario_given(step, FIELD_DIALECT_LIKE)) {
        like = scenario_dialect_of(set, program, scenario_value(step, FIELD_DIALECT_LIKE));
    }
    if (like == NULL) {
        return SCENARIO_INVALID;
    }
    set->list[set->count++] = *like;
    return SCENARIO_OK;
}

int scenario_dialect_step(struct scenario_dialects *set, const struct scenario_program *program,
                          const struct scenario_step *step)
{
    const struct property *properties = properties_of(step->opcode);
    struct simback_dialect *dialect;
    int result = SCENARIO_OK;

    if (properties == NULL) {
        return SCENARIO_OK;
    }
    if (step->opcode == STEP_DIALECT) {
        result = begin(set, program, step);
    }
    if (result != SCENARIO_OK || set->count == 0) {
        return result != SCENARIO_OK ? result : SCENARIO_INVALID;
    }
    dialect = &set->list[set->count - 1];
    if (step->opcode == STEP_NODE) {
        put_node(dialect, program, step);
    } else {
        put_fields(dialect, program, step, properties);
    }
    return simback_dialect_check(dialect) ? SCENARIO_OK : SCENARIO_INVALID;
}

const struct simback_dialect *scenario_dialect_find(const struct scenario_dialects *set,
                                                    const char *name, size_t length)
{
    for (size_t i = set->count; i-- > 0;) {
        if (strlen(set->list[i].name) == length && memcmp(set->list[i].name, name, length) == 0) {
            return &set->list[i];
        }
    }
    for (size_t i = 0; simback_dialect_at(i) != NULL; i++) {
        const struct simback_dialect *built_in = simback_dialect_at(i);

        if (strlen(built_in->name) == length && memcmp(built_in->name, name, length) == 0) {
            return built_in;
        }
    }
    return NULL;
}

const struct simback_dialect *scenario_dialect_of(const struct scenario_dialects *set,
                                                  const struct scenario_program *program,
                                                  uint64_t value)
{
    struct scenario_string name;
    const char *word;

    if (scenario_is_name(value)) {
        name = scenario_open_name(value);
        return scenario_dialect_find(set, scenario_text(program, name), name.length);
    }
    word = scenario_choice(CHOICES_DIALECT, (size_t)value);
    return scenario_dialect_find(set, word, strlen(word));
}

/* ---- writing ---- */

static int set_text(struct scenario_program *program, struct scenario_step *step, unsigned index,
                    const char *text)
{
    struct scenario_string string;
    int result = scenario_program_add_string(program, text, strlen(text), &string);

    return result != SCENARIO_OK ? result : scenario_step_set(step, index, scenario_pack(string));
}

static int write_row(const struct simback_dialect *dialect, struct scenario_program *program,
                     enum scenario_opcode opcode, const struct property *properties)
{
    const struct scenario_row *row = scenario_row((unsigned)opcode);
    struct scenario_step step;
    int result = SCENARIO_OK;

    scenario_step_init(&step, opcode);
    for (unsigned i = 0; i < row->field_count && result == SCENARIO_OK; i++) {
        const struct scenario_field *field = &row->fields[i];

        if (properties[i].size == 0) {
            continue;
        }
        result = field->type == SCENARIO_TYPE_STRING
                     ? set_text(program, &step, i, (const char *)dialect + properties[i].offset)
                     : scenario_step_set(&step, i, get(dialect, &properties[i], field));
    }
    return result != SCENARIO_OK
               ? result
               : scenario_program_insert(program, program->step_count, NULL, &step);
}

static int write_node(const struct simback_dialect_row *row, struct scenario_program *program)
{
    struct scenario_step step;
    int result = SCENARIO_OK;

    scenario_step_init(&step, STEP_NODE);
    scenario_step_set(&step, FIELD_NODE_NAME, row->node);
    scenario_step_set(&step, FIELD_NODE_AT, row->phase);
    scenario_step_set(&step, FIELD_NODE_WRITE,
                      row->always != 0 ? CHOICE_WRITE_ALWAYS : CHOICE_WRITE_WHEN_SET);
    if (row->value[0] != '\0') {
        result = set_text(program, &step, FIELD_NODE_VALUE, row->value);
    }
    return result != SCENARIO_OK
               ? result
               : scenario_program_insert(program, program->step_count, NULL, &step);
}

int scenario_dialect_write(const struct simback_dialect *dialect, struct scenario_program *program)
{
    int result = SCENARIO_OK;

    for (size_t i = 0; i < ROWS && result == SCENARIO_OK; i++) {
        if (rows[i].opcode != STEP_NODE) {
            result = write_row(dialect, program, rows[i].opcode, rows[i].properties);
        }
    }
    for (uint32_t i = 0; i < dialect->row_count && result == SCENARIO_OK; i++) {
        result = write_node(&dialect->rows[i], program);
    }
    return result;
}

int scenario_dialect_print(const struct simback_dialect *dialect, struct scenario_buffer *buffer)
{
    struct scenario_program program;
    int result;

    scenario_program_init(&program);
    result = scenario_dialect_write(dialect, &program);
    if (result == SCENARIO_OK) {
        result = scenario_print(&program, buffer);
    }
    scenario_program_fini(&program);
    return result;
}
