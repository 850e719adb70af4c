/* SPDX-License-Identifier: ISC */
/*
 * The report as one page: what was played, rule by rule, and for each scenario its text, its
 * verdicts and the ladder of a run. The page's script (page/report.js) draws all that from the data
 * which is written here: an element for each scenario as soon as it has been played, then the texts
 * of all events, and an overview. No clock and no address goes into it: what is played twice gives
 * the same bytes.
 */
#include "page.h"
#include "report.h"

#include "explain.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

/* Bytes of ladders: those of runs that pass end first. */
enum { LADDERS_PASSED = 8 << 20, LADDERS_ALL = 16 << 20 };

enum { ADDRESS_DIGITS = 8 }; /* at least */

enum state { PASSED, FAILED, SKIPPED, EXPECTED };

struct page {
    struct page_words words;
    struct scenario_buffer data; /* of the scenario that is being played */
    struct scenario_buffer overview;
    size_t files;
    size_t ladder_bytes;
    bool failed; /* no memory */
};

/* ---- pieces of JSON ---- */

static void add_member(struct scenario_buffer *buffer, const char *name, const char *text)
{
    if (text == NULL || text[0] == '\0')
        return;
    scenario_buffer_format(buffer, ",\"%s\":", name);
    page_string(buffer, text);
}

static size_t hex_digits(const char *text)
{
    return strspn(text, "0123456789abcdefABCDEF");
}

/* Without what differs from process to process: addresses, and the number of the process as
 * sanitizers tell it. */
static void add_plain(struct scenario_buffer *plain, const char *text)
{
    while (*text != '\0') {
        size_t digits = strncmp(text, "0x", 2) == 0 ? hex_digits(text + 2) : 0;
        size_t process = strncmp(text, "==", 2) == 0 ? strspn(text + 2, "0123456789") : 0;

        if (digits >= ADDRESS_DIGITS) {
            scenario_buffer_text(plain, "0x...");
            text += 2 + digits;
        } else if (process > 0 && strncmp(text + 2 + process, "==", 2) == 0) {
            scenario_buffer_text(plain, "==...==");
            text += 4 + process;
        } else {
            scenario_buffer_add(plain, text++, 1);
        }
    }
}

static void add_printed(struct scenario_buffer *buffer, const char *name, const char *text)
{
    struct scenario_buffer plain;

    scenario_buffer_init(&plain);
    add_plain(&plain, text == NULL ? "" : text);
    buffer->failed = buffer->failed || plain.failed;
    add_member(buffer, name, plain.data);
    scenario_buffer_fini(&plain);
}

/* ---- a ladder ---- */

/*
 * Five numbers a row: nanoseconds since the row before; what, between which columns, whether it
 * failed, and of which ring, in one number; its text; the request of the application, a step's
 * number or how many events are left out; the slot + 1 or the step's line.
 */
static void add_row(struct page *page, const struct ladder_row *row, uint64_t since_ns, size_t text)
{
    bool ring = row->device != UINT16_MAX;
    unsigned code =
        ring ? ((unsigned)row->queue * SCENARIO_DEVICES_MAX + row->device % 16u) + 1 : 0;
    uint64_t number = row->request, place = row->slot == LADDER_NO_SLOT ? 0 : row->slot + 1u;

    if (row->kind == LADDER_STEP) {
        number = row->end ? 0 : row->step;
        place = row->line;
    } else if (row->kind == LADDER_LEFT_OUT) {
        number = row->left_out;
    }
    code = (code * 2 + row->failed) * LADDER_COLUMNS + (unsigned)row->from;
    code = (code * LADDER_COLUMNS + (unsigned)row->to) * 4 + (unsigned)row->kind;
    scenario_buffer_format(&page->data, "%" PRIu64 ",%u,%zu,%" PRIu64 ",%" PRIu64, since_ns, code,
                           text, number, place);
}

/* False: no memory. What is said of a process that died may be what it has printed. */
static bool number_text(struct page *page, const struct ladder_row *row, bool died, size_t *number)
{
    struct scenario_buffer plain;
    bool ok;

    if (row->kind != LADDER_BROKEN || !died)
        return page_words_number(&page->words, row->text, number);
    scenario_buffer_init(&plain);
    add_plain(&plain, row->text);
    ok = !plain.failed &&
         page_words_number(&page->words, plain.data == NULL ? "" : plain.data, number);
    scenario_buffer_fini(&plain);
    return ok;
}

static void add_rows(struct page *page, const struct ladder *ladder, bool died)
{
    struct ladder_row row;
    uint64_t before_ns = 0;
    size_t text = 0;

    for (size_t i = 0; i < ladder->count; i++) {
        if (!ladder_row(ladder, i, &row) || !number_text(page, &row, died, &text)) {
            page->failed = true;
            return;
        }
        if (i > 0)
            scenario_buffer_text(&page->data, ",");
        add_row(page, &row, row.time_ns < before_ns ? 0 : row.time_ns - before_ns, text);
        before_ns = row.time_ns;
    }
}

/* Of each row that belongs to several requests: its number, how many they are, and they. */
static void add_shared(struct page *page, const struct ladder *ladder)
{
    const struct ladder_mark *marks = ladder->marks;

    for (size_t i = 0, count; i < ladder->mark_count; i += count) {
        count = 1;
        while (i + count < ladder->mark_count && marks[i + count].row == marks[i].row)
            count++;
        if (count == 1 || ladder->records[marks[i].row].request != 0)
            continue;
        scenario_buffer_format(&page->data, "%s%" PRIu32 ",%zu",
                               page->data.data[page->data.length - 1] == '[' ? "" : ",",
                               marks[i].row, count);
        for (size_t at = 0; at < count; at++)
            scenario_buffer_format(&page->data, ",%" PRIu64, marks[i + at].request);
    }
}

static void add_ladder(struct page *page, const struct report_context *context,
                       const struct report_case *one)
{
    struct ladder ladder = one->result->ladder;
    size_t begin = page->data.length;
    struct scenario_program program;

    if (ladder.count == 0 ||
        page->ladder_bytes > (one->counts_as_failed ? LADDERS_ALL : LADDERS_PASSED))
        return;
    scenario_program_init(&program);
    ladder.program = &program;
    if (tool_suite_program(context->suite, one->index, &program) != SCENARIO_OK)
        page->failed = true;
    scenario_buffer_text(&page->data, ",\"ladder\":[");
    add_rows(page, &ladder, one->result->verdict.outcome == SCENARIO_CRASHED);
    scenario_buffer_text(&page->data, "],\"shared\":[");
    add_shared(page, &ladder);
    scenario_buffer_text(&page->data, "]");
    page->ladder_bytes += page->data.length - begin;
    scenario_program_fini(&program);
}

/* ---- a run ---- */

static enum state state_of(const struct report_case *one)
{
    if (one->counts_as_failed)
        return FAILED;
    if (one->expected == EXPECTED_FAILURE)
        return EXPECTED;
    return one->result->verdict.outcome == SCENARIO_UNSUPPORTED ? SKIPPED : PASSED;
}

static void add_again(struct page *page, const struct report_context *context,
                      const struct report_case *one)
{
    char *text = NULL;
    size_t size = 0;
    FILE *stream = open_memstream(&text, &size);

    if (stream == NULL) {
        page->failed = true;
        return;
    }
    report_again(stream, context, one);
    page->failed = fclose(stream) != 0 || page->failed;
    add_member(&page->data, "again", text);
    free(text);
}

static void add_run(struct page *page, const struct report_context *context,
                    const struct report_case *one)
{
    const struct scenario_verdict *verdict = &one->result->verdict;
    struct scenario_buffer *data = &page->data;
    char words[96];

    report_words(one, words, sizeof(words));
    scenario_buffer_format(data, "{\"line\":%" PRIu32 ",\"step\":%" PRIu32, verdict->line,
                           verdict->step);
    scenario_buffer_format(data, ",\"events\":%" PRIu64 ",\"repeats\":%" PRIu32 ",\"ns\":%" PRIu64,
                           verdict->events, verdict->repeats, verdict->time_ns);
    add_member(data, "verdict", words);
    if (verdict->outcome == SCENARIO_CRASHED)
        add_printed(data, "reason", verdict->reason);
    else
        add_member(data, "reason", verdict->reason);
    if (one->result->ladder.count == 0)
        add_member(data, "last", one->result->events);
    add_printed(data, "output", one->result->output);
    add_again(page, context, one);
    add_ladder(page, context, one);
    scenario_buffer_text(data, "}");
}

/* ---- the page ---- */

/* An element with data of its own; what is in the buffer goes out. */
static void put_element(struct report_context *context, const char *id,
                        struct scenario_buffer *buffer)
{
    struct page *page = context->own;

    page->failed = page->failed || buffer->failed;
    fprintf(context->stream, "<script type=\"application/json\" id=\"%s\">", id);
    if (buffer->data != NULL)
        fwrite(buffer->data, 1, buffer->length, context->stream);
    fputs("</script>\n", context->stream);
    scenario_buffer_clear(buffer);
}

static void end_scenario(struct report_context *context)
{
    struct page *page = context->own;
    char id[32];

    if (page->files == 0)
        return;
    scenario_buffer_text(&page->data, "\n]}");
    scenario_buffer_text(&page->overview, "]}");
    snprintf(id, sizeof(id), "s%zu", page->files - 1);
    put_element(context, id, &page->data);
}

static void begin_scenario(struct page *page, const struct tool_file *file)
{
    scenario_buffer_format(&page->data, "{\"file\":%zu", page->files);
    add_member(&page->data, "path", file->path);
    add_member(&page->data, "text", file->text);
    scenario_buffer_text(&page->data, ",\"runs\":[");
    scenario_buffer_format(&page->overview, "%s\n{\"rules\":%" PRIu32 ",\"should\":%s",
                           page->files == 0 ? "" : ",", file->rules,
                           file->should ? "true" : "false");
    add_member(&page->overview, "id", file->id);
    add_member(&page->overview, "title", file->title);
    scenario_buffer_text(&page->overview, ",\"runs\":[");
    page->files++;
}

static void page_start(struct report_context *context)
{
    struct page *page = calloc(1, sizeof(*page));

    context->own = page;
    context->broken = page == NULL;
    page_begin(context->stream, "simblk report");
    fwrite(report_html, 1, report_html_size, context->stream);
    if (page == NULL)
        return;
    page_words_init(&page->words);
    scenario_buffer_init(&page->data);
    scenario_buffer_init(&page->overview);
}

static void page_one(struct report_context *context, const struct report_case *one)
{
    const struct scenario_verdict *verdict = &one->result->verdict;
    bool first = tool_suite_is_first(context->suite, one->index);
    struct page *page = context->own;
    const char *variant = strchr(one->id + strlen(one->file->id), '[');

    if (page == NULL)
        return;
    if (first) {
        end_scenario(context);
        begin_scenario(page, one->file);
    }
    scenario_buffer_text(&page->data, first ? "\n" : ",\n");
    add_run(page, context, one);
    scenario_buffer_text(&page->overview, first ? "[" : ",[");
    page_string(&page->overview, variant == NULL ? "" : variant);
    scenario_buffer_format(&page->overview, ",%d,%u,%" PRIu32 "]", (int)state_of(one),
                           (unsigned)verdict->rule, verdict->rules_checked);
}

static void add_rules(struct scenario_buffer *overview)
{
    scenario_buffer_text(overview, ",\n\"rules\":[null");
    for (unsigned rule = 1; rule <= REPORT_RULES; rule++) {
        const char *text = simback_rule_text((uint8_t)rule);

        scenario_buffer_format(overview, ",\n{\"number\":%u", rule);
        add_member(overview, "text", text);
        add_member(overview, "why", explained_rules[rule].why);
        add_member(overview, "source", explained_rules[rule].source);
        scenario_buffer_text(overview, "}");
    }
    scenario_buffer_text(overview, "]");
}

static void put_overview(struct report_context *context, const struct report_sums *sums)
{
    struct page *page = context->own;
    struct scenario_buffer all;

    scenario_buffer_init(&all);
    scenario_buffer_format(&all, "{\"version\":%d", REPORT_VERSION);
    add_member(&all, "simblk", SIMBLK_VERSION);
    add_member(&all, "frontend", context->frontend == NULL ? "libblkfront" : context->frontend);
    scenario_buffer_format(&all,
                           ",\"runs\":%zu,\"passed\":%zu,\"failed\":%zu,\"crashed\":%zu,"
                           "\"skipped\":%zu,\"expected\":%zu,\"strict\":%s,\"interrupted\":%s",
                           sums->cases, sums->passed, sums->failed, sums->crashed, sums->skipped,
                           sums->expected, context->strict ? "true" : "false",
                           sums->interrupted ? "true" : "false");
    add_member(&all, "refused", sums->refused);
    if (context->set_seed)
        scenario_buffer_format(&all, ",\"seed\":\"%" PRIu64 "\"", context->seed);
    add_rules(&all);
    scenario_buffer_text(&all, ",\n\"files\":[");
    if (page->overview.data != NULL)
        scenario_buffer_add(&all, page->overview.data, page->overview.length);
    scenario_buffer_text(&all, "]}");
    page->failed = page->failed || page->overview.failed;
    put_element(context, "overview", &all);
    scenario_buffer_fini(&all);
}

static void put_words(struct report_context *context)
{
    struct page *page = context->own;
    struct scenario_buffer all;

    scenario_buffer_init(&all);
    for (size_t i = 0; i < page->words.count; i++) {
        scenario_buffer_text(&all, i == 0 ? "[" : ",\n");
        page_string(&all, page->words.texts[i]);
    }
    scenario_buffer_text(&all, page->words.count == 0 ? "[]" : "]");
    put_element(context, "words", &all);
    scenario_buffer_fini(&all);
}

static void page_finish(struct report_context *context, const struct report_sums *sums)
{
    struct page *page = context->own;

    if (page != NULL) {
        end_scenario(context);
        put_words(context);
        put_overview(context, sums);
        fputs("<script>\n\"use strict\";\n", context->stream);
        fwrite(ladder_js, 1, ladder_js_size, context->stream);
        fwrite(report_js, 1, report_js_size, context->stream);
        fputs("</script>\n", context->stream);
        context->broken = page->failed;
        page_words_fini(&page->words);
        scenario_buffer_fini(&page->data);
        scenario_buffer_fini(&page->overview);
    }
    page_end(context->stream);
    free(page);
    context->own = NULL;
}

const struct report report_page = {"page", page_start, page_one, page_finish};
