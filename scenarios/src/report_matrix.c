/* SPDX-License-Identifier: ISC */
/*
 * The report as a table of features and dialects: what was played against which backend, and how
 * much of it passed. A feature is the folder that a scenario lies in. The form is Markdown's, which
 * people read as it is too.
 */
#include "report.h"

#include <stdlib.h>
#include <string.h>

/* One column for each dialect that is built in, and one for all others. */
enum { TOPIC_MAX = 40, TOPIC_COLUMN = 14, OWN = CHOICE_DIALECT_COUNT, DIALECTS };

struct cell {
    size_t passed;
    size_t failed;
    size_t skipped;
    size_t expected; /* to fail, and did */
};

struct row {
    char topic[TOPIC_MAX];
    struct cell cells[DIALECTS];
};

struct matrix {
    struct row *rows;
    size_t count;
    size_t room;
    struct scenario_program program;
    bool failed; /* no memory: the table would lie */
};

/* "conformance/read/beyond" is about "read"; a file by itself about itself. */
static void topic_of(const char *path, char topic[TOPIC_MAX])
{
    const char *end = strrchr(path, '/');
    const char *begin;

    if (end == NULL) {
        snprintf(topic, TOPIC_MAX, "%s", path);
        return;
    }
    for (begin = end; begin > path && begin[-1] != '/'; begin--)
        continue;
    snprintf(topic, TOPIC_MAX, "%.*s", (int)(end - begin), begin);
}

static struct row *row_of(struct matrix *matrix, const char *topic)
{
    struct row *row;

    for (size_t i = 0; i < matrix->count; i++) {
        if (strcmp(matrix->rows[i].topic, topic) == 0)
            return &matrix->rows[i];
    }
    if (matrix->count == matrix->room) {
        size_t room = matrix->room * 2 + 16;
        struct row *larger = realloc(matrix->rows, room * sizeof(*larger));

        if (larger == NULL)
            return NULL;
        matrix->rows = larger;
        matrix->room = room;
    }
    row = &matrix->rows[matrix->count++];
    memset(row, 0, sizeof(*row));
    snprintf(row->topic, sizeof(row->topic), "%s", topic);
    return row;
}

static unsigned bit_of(uint64_t dialect)
{
    return 1u << (scenario_is_name(dialect) ? OWN : (unsigned)dialect);
}

/* The dialects of all backends of the run, as bits: a run against two counts for both. */
static unsigned dialects_of(const struct scenario_program *program)
{
    unsigned bits = 0;

    for (size_t i = 0; i < program->step_count; i++) {
        const struct scenario_step *step = &program->steps[i];

        if (step->opcode == STEP_BACKEND)
            bits |= bit_of(scenario_value(step, FIELD_BACKEND_DIALECT));
        else if (step->opcode == STEP_BACKEND_RESTART &&
                 scenario_given(step, FIELD_BACKEND_RESTART_DIALECT))
            bits |= bit_of(scenario_value(step, FIELD_BACKEND_RESTART_DIALECT));
    }
    return bits;
}

static void matrix_begin(struct report_context *context)
{
    struct matrix *matrix = calloc(1, sizeof(*matrix));

    context->own = matrix;
    if (matrix != NULL)
        scenario_program_init(&matrix->program);
}

static void count(struct cell *cell, const struct report_case *one)
{
    if (one->counts_as_failed)
        cell->failed++;
    else if (one->result->verdict.outcome == SCENARIO_UNSUPPORTED)
        cell->skipped++;
    else if (one->expected == EXPECTED_FAILURE)
        cell->expected++;
    else
        cell->passed++;
}

static void matrix_one(struct report_context *context, const struct report_case *one)
{
    struct matrix *matrix = context->own;
    char topic[TOPIC_MAX];
    struct row *row;
    unsigned dialects;

    if (matrix == NULL || matrix->failed)
        return;
    topic_of(one->file->path, topic);
    row = row_of(matrix, topic);
    if (row == NULL ||
        tool_suite_program(context->suite, one->index, &matrix->program) != TOOL_OK) {
        matrix->failed = true;
        return;
    }
    dialects = dialects_of(&matrix->program);
    for (unsigned i = 0; i < DIALECTS; i++) {
        if ((dialects >> i & 1) != 0)
            count(&row->cells[i], one);
    }
}

static void add_note(char *text, size_t size, size_t number, const char *what)
{
    size_t length = strlen(text);

    if (number != 0)
        snprintf(text + length, size - length, "%s(%zu %s)", length != 0 ? " " : "", number, what);
}

/* "12", "**11 of 12**", "12 (3 skipped)"; nothing was played: "". */
static void print_cell(FILE *stream, const struct cell *cell)
{
    char text[160] = "";

    if (cell->failed != 0)
        snprintf(text, sizeof(text), "**%zu of %zu**", cell->passed, cell->passed + cell->failed);
    else if (cell->passed != 0)
        snprintf(text, sizeof(text), "%zu", cell->passed);
    add_note(text, sizeof(text), cell->expected, "expected to fail");
    add_note(text, sizeof(text), cell->skipped, "skipped");
    fprintf(stream, " %-10s |", text);
}

/* A bar would end the cell. */
static void print_topic(FILE *stream, const char *topic)
{
    size_t length = strlen(topic);

    fputs("| ", stream);
    for (const char *part = topic; *part != '\0';) {
        size_t plain = strcspn(part, "|");

        report_visible(stream, part, plain);
        part += plain;
        if (*part != '\0') {
            fputs("\\|", stream);
            part++;
        }
    }
    fprintf(stream, "%*s |", length < TOPIC_COLUMN ? (int)(TOPIC_COLUMN - length) : 0, "");
}

static void print_table(FILE *stream, const struct matrix *matrix)
{
    print_topic(stream, "feature");
    for (size_t i = 0; i < DIALECTS; i++)
        fprintf(stream, " %-10s |", i == OWN ? "own" : scenario_choice(CHOICES_DIALECT, i));
    fputs("\n|----------------|", stream);
    for (size_t i = 0; i < DIALECTS; i++)
        fputs("------------|", stream);
    fputc('\n', stream);
    for (size_t r = 0; r < matrix->count; r++) {
        print_topic(stream, matrix->rows[r].topic);
        for (size_t i = 0; i < DIALECTS; i++)
            print_cell(stream, &matrix->rows[r].cells[i]);
        fputc('\n', stream);
    }
}

static void matrix_end(struct report_context *context, const struct report_sums *sums)
{
    struct matrix *matrix = context->own;

    if (matrix == NULL || matrix->failed)
        context->broken = true;
    else
        print_table(context->stream, matrix);
    if (sums->refused != NULL) {
        fputs("\nnothing was played: ", context->stream);
        report_visible(context->stream, sums->refused, strlen(sums->refused));
        fputc('\n', context->stream);
    } else {
        fprintf(context->stream, "\n%s%zu runs: %zu passed, %zu failed, %zu skipped\n",
                sums->interrupted ? "interrupted: " : "", sums->cases, sums->passed, sums->failed,
                sums->skipped);
    }
    if (matrix != NULL) {
        scenario_program_fini(&matrix->program);
        free(matrix->rows);
    }
    free(matrix);
    context->own = NULL;
}

const struct report report_matrix = {"matrix", matrix_begin, matrix_one, matrix_end};
