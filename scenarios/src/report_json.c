/* SPDX-License-Identifier: ISC */
/*
 * JSON: everything that the tool knows of a run, for programs.
 */
#include "report.h"

#include <inttypes.h>
#include <string.h>

static bool first;

/* Bytes that are no UTF-8 are told as U+00xx: any input gives valid JSON. */
void report_json_text(FILE *stream, const char *text)
{
    fputc('"', stream);
    while (*text != '\0') {
        unsigned char c = (unsigned char)*text;
        size_t length = report_utf8(text);

        if (c == '"' || c == '\\')
            fprintf(stream, "\\%c", c);
        else if (c < 0x20 || c == 0x7f || length == 0)
            fprintf(stream, "\\u%04x", c);
        else
            fwrite(text, 1, length, stream);
        text += length == 0 ? 1 : length;
    }
    fputc('"', stream);
}

static void print_member(FILE *stream, const char *name, const char *text)
{
    fprintf(stream, ", \"%s\": ", name);
    if (text != NULL)
        report_json_text(stream, text);
    else
        fputs("null", stream);
}

static void print_rules(FILE *stream, const char *name, uint32_t rules)
{
    const char *separator = "";

    fprintf(stream, ", \"%s\": [", name);
    for (unsigned rule = 1; rule <= REPORT_RULES; rule++) {
        if ((rules >> rule & 1) != 0) {
            fprintf(stream, "%s\"I%u\"", separator, rule);
            separator = ", ";
        }
    }
    fputc(']', stream);
}

static void json_begin(struct report_context *context)
{
    first = true;
    fprintf(context->stream, "{\"format\": \"simblk-report\", \"version\": %d,\n \"cases\": [",
            REPORT_VERSION);
}

static void json_one(struct report_context *context, const struct report_case *one)
{
    const struct scenario_verdict *verdict = &one->result->verdict;
    FILE *stream = context->stream;
    char words[96];

    report_words(one, words, sizeof(words));
    fprintf(stream, "%s\n  {\"id\": ", first ? "" : ",");
    first = false;
    report_json_text(stream, one->id);
    print_member(stream, "file", one->file->path);
    print_member(stream, "title", one->file->title);
    print_member(stream, "outcome", scenario_outcome_name(verdict->outcome));
    print_member(stream, "verdict", words);
    fprintf(stream, ", \"failed\": %s, \"exit_code\": %d", one->counts_as_failed ? "true" : "false",
            verdict->exit_code);
    fprintf(stream, ", \"line\": %" PRIu32 ", \"step\": %" PRIu32, verdict->line, verdict->step);
    print_member(stream, "reason", verdict->reason);
    print_rules(stream, "rules", one->file->rules);
    print_rules(stream, "rules_checked", verdict->rules_checked);
    if (verdict->rule != 0)
        fprintf(stream, ", \"rule\": \"I%u\", \"should\": %s", (unsigned)verdict->rule,
                verdict->should ? "true" : "false");
    fprintf(stream, ", \"hash\": \"%016" PRIx64 "\", \"events\": %" PRIu64, verdict->hash,
            verdict->events);
    fprintf(stream, ", \"world_steps\": %" PRIu64 ", \"virtual_ns\": %" PRIu64,
            verdict->world_steps, verdict->time_ns);
    fprintf(stream, ", \"repeats\": %" PRIu32, verdict->repeats);
    fprintf(stream, ", \"seconds\": %.6f", one->result->seconds);
    if (one->result->events != NULL)
        print_member(stream, "last_events", one->result->events);
    if (one->result->output != NULL)
        print_member(stream, "output", one->result->output);
    if (one->result->trace != NULL)
        print_member(stream, "trace", one->result->trace);
    fputc('}', stream);
}

static void json_end(struct report_context *context, const struct report_sums *sums)
{
    fprintf(context->stream,
            "\n ],\n \"runs\": %zu, \"passed\": %zu, \"failed\": %zu, \"skipped\": %zu, "
            "\"expected_failures\": %zu, \"seconds\": %.6f, \"interrupted\": %s",
            sums->cases, sums->passed, sums->failed, sums->skipped, sums->expected, sums->seconds,
            sums->interrupted ? "true" : "false");
    print_member(context->stream, "error", sums->refused);
    fputs("\n}\n", context->stream);
}

const struct report report_json = {"json", json_begin, json_one, json_end};
