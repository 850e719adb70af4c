/* SPDX-License-Identifier: ISC */
/*
 * The rows of a ladder, from what a recorder has kept: between which columns each lies, its words,
 * and which one the verdict is about. How a row looks is the matter of who draws it.
 */
#include "ladder.h"

#include "scenario/text.h"

#include <simback/event.h>

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

void ladder_init(struct ladder *ladder)
{
    memset(ladder, 0, sizeof(*ladder));
}

void ladder_fini(struct ladder *ladder)
{
    free(ladder->records);
    free(ladder->marks);
    ladder_init(ladder);
}

bool ladder_read(struct ladder *ladder, int file)
{
    off_t size = lseek(file, 0, SEEK_END);
    size_t count = size < 0 ? 0 : (size_t)size / sizeof(struct ladder_record);
    size_t length = count * sizeof(struct ladder_record);
    size_t got = 0;

    if (count == 0)
        return size >= 0;
    ladder->records = malloc(length);
    if (ladder->records == NULL)
        return false;
    while (got < length) {
        ssize_t piece = pread(file, (char *)ladder->records + got, length - got, (off_t)got);

        if (piece <= 0)
            break;
        got += (size_t)piece;
    }
    ladder->count = got / sizeof(struct ladder_record);
    return got == length && ladder_follow(ladder);
}

/* ---- the failing row ---- */

/* With a strike, a reason tells of that first. */
static bool is_told(const struct ladder_record *record, const struct scenario_verdict *verdict)
{
    return record->what == LADDER_BROKEN && strstr(verdict->reason, record->text) != NULL;
}

static bool has_failed(const struct scenario_verdict *verdict)
{
    return verdict->outcome != SCENARIO_PASSED && verdict->outcome != SCENARIO_UNSUPPORTED;
}

static void mark_step(struct ladder *ladder, uint32_t step)
{
    for (size_t i = 0; i < ladder->count; i++) {
        struct ladder_record *record = &ladder->records[i];

        if (record->what == LADDER_STEP && record->step == step)
            record->failed = true;
    }
}

/* A sentence of the judge's that is in no record: below the step that it is about. */
static bool add_reason(struct ladder *ladder, const struct scenario_verdict *verdict)
{
    struct ladder_record *larger =
        realloc(ladder->records, (ladder->count + 1) * sizeof(*ladder->records));
    struct ladder_record *last;

    if (larger == NULL)
        return false;
    ladder->records = larger;
    mark_step(ladder, verdict->step);
    last = &larger[ladder->count++];
    memset(last, 0, sizeof(*last));
    last->what = LADDER_BROKEN;
    last->failed = true;
    last->step = verdict->step;
    last->line = verdict->line;
    last->device = SIMBACK_NO_DEVICE;
    last->slot = LADDER_NO_SLOT;
    last->time_ns = ladder->count > 1 ? last[-1].time_ns : verdict->time_ns;
    snprintf(last->text, sizeof(last->text), "%.*s", LADDER_TEXT - 1, verdict->reason);
    return true;
}

bool ladder_judge(struct ladder *ladder, const struct scenario_verdict *verdict)
{
    if (!has_failed(verdict))
        return true;
    for (size_t i = 0; i < ladder->count; i++) {
        struct ladder_record *record = &ladder->records[i];

        if (is_told(record, verdict)) {
            record->failed = true;
            if (record->a != 0)
                mark_step(ladder, record->step);
            else if (i > 0 && record[-1].what == LADDER_EVENT)
                record[-1].failed = true;
            return true;
        }
    }
    return add_reason(ladder, verdict);
}

/* ---- rows ---- */

static enum ladder_column column_of(uint8_t party, bool guest)
{
    switch ((enum simback_party)party) {
    case SIMBACK_AT_APPLICATION: return LADDER_APPLICATION;
    case SIMBACK_AT_FRONTEND: return LADDER_FRONTEND;
    case SIMBACK_AT_RING: return LADDER_RING;
    case SIMBACK_AT_BACKEND: return LADDER_BACKEND;
    case SIMBACK_AT_XENSTORE: return LADDER_STORE;
    case SIMBACK_AT_ACTOR: return guest ? LADDER_FRONTEND : LADDER_BACKEND;
    case SIMBACK_AT_OTHER: break;
    }
    return guest ? LADDER_BACKEND : LADDER_FRONTEND;
}

static void put_event(const struct ladder_record *record, char *text, size_t size)
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
        .path = record->has_path ? record->text : NULL,
        .bytes = record->has_value ? record->text + record->path_length + 1 : NULL,
        .length = (size_t)record->length,
    };

    simback_event_words(&event, record->value_length, text, size);
}

/* As the scenario writes it. What struck beside the steps has no place in the program. */
static bool put_step(const struct ladder *ladder, const struct ladder_record *record, char *text,
                     size_t size)
{
    struct scenario_buffer step;
    bool ok;

    scenario_buffer_init(&step);
    if (record->kind != SIMBACK_STEP)
        scenario_buffer_text(&step, "the end: what is left is disconnected and released");
    else if (ladder->program != NULL && record->a >= 1 && record->a <= ladder->program->step_count)
        scenario_print_step(ladder->program, &ladder->program->steps[record->a - 1], &step);
    snprintf(text, size, "%s", step.data == NULL ? "" : step.data);
    ok = !step.failed;
    scenario_buffer_fini(&step);
    return ok;
}

/* The marks of a row, if there are any. */
static void find_marks(const struct ladder *ladder, size_t index, struct ladder_row *row)
{
    size_t from = 0, to = ladder->mark_count;

    while (from < to) {
        size_t middle = from + (to - from) / 2;

        if (ladder->marks[middle].row < index)
            from = middle + 1;
        else
            to = middle;
    }
    if (from == ladder->mark_count)
        return;
    row->marks = ladder->marks + from;
    while (from + row->mark_count < ladder->mark_count && row->marks[row->mark_count].row == index)
        row->mark_count++;
    if (row->mark_count == 1)
        row->request = row->marks[0].request;
}

bool ladder_row(const struct ladder *ladder, size_t index, struct ladder_row *row)
{
    const struct ladder_record *record = &ladder->records[index];
    const struct simback_event_form *form =
        simback_event_form((enum simback_event_kind)record->kind);

    memset(row, 0, sizeof(*row));
    row->kind = (enum ladder_kind)record->what;
    row->from = column_of(form->from, record->guest);
    row->to = column_of(form->to, record->guest);
    row->time_ns = record->time_ns;
    row->request = record->request;
    if (record->request == 0)
        find_marks(ladder, index, row);
    row->step = record->step;
    row->end = row->kind == LADDER_STEP && record->kind != SIMBACK_STEP;
    row->line = record->line;
    row->domid = record->domid;
    row->device = record->device;
    row->queue = record->queue;
    row->slot = record->slot;
    row->failed = record->failed;
    if (row->kind == LADDER_STEP)
        return put_step(ladder, record, row->text, sizeof(row->text));
    if (row->kind == LADDER_BROKEN)
        snprintf(row->text, sizeof(row->text), "%s", record->text);
    else if (row->kind == LADDER_LEFT_OUT)
        row->left_out = record->a;
    else
        put_event(record, row->text, sizeof(row->text));
    return true;
}
