/* SPDX-License-Identifier: ISC */
/*
 * TAP version 13 (testanything.org): for prove and for build systems.
 */
#include "report.h"

#include <string.h>

static void tap_begin(struct report_context *context)
{
    fprintf(context->stream, "TAP version 13\n# simblk report version %d\n1..%zu\n", REPORT_VERSION,
            context->suite->case_count);
}

/* '#' would begin a directive, and a backslash keeps it from that. */
static void print_description(FILE *stream, const char *text)
{
    while (*text != '\0') {
        size_t plain = strcspn(text, "#\\");

        report_visible(stream, text, plain);
        text += plain;
        if (*text != '\0')
            fprintf(stream, "\\%c", *text++);
    }
}

/* YAML, single-quoted. */
static void print_yaml(FILE *stream, const char *key, const char *text)
{
    fprintf(stream, "  %s: '", key);
    while (*text != '\0') {
        size_t plain = strcspn(text, "'");

        report_visible(stream, text, plain);
        text += plain;
        if (*text != '\0') {
            fputs("''", stream);
            text++;
        }
    }
    fputs("'\n", stream);
}

static void tap_one(struct report_context *context, const struct report_case *one)
{
    const struct scenario_verdict *verdict = &one->result->verdict;
    bool skipped = verdict->outcome == SCENARIO_UNSUPPORTED;
    bool expected = one->expected == EXPECTED_FAILURE;
    char text[4200];

    fprintf(context->stream, "%s %zu - ", one->counts_as_failed || expected ? "not ok" : "ok",
            one->index + 1);
    print_description(context->stream, one->id);
    if (skipped || expected) {
        fputs(skipped ? " # SKIP " : " # TODO ", context->stream);
        report_visible(context->stream, verdict->reason, strlen(verdict->reason));
    }
    fputc('\n', context->stream);
    if (one->counts_as_failed) {
        fputs("  ---\n", context->stream);
        report_words(one, text, sizeof(text));
        print_yaml(context->stream, "verdict", text);
        print_yaml(context->stream, "message", verdict->reason);
        report_place(one, text, sizeof(text));
        print_yaml(context->stream, "at", text);
        fprintf(context->stream, "  exit_code: %d\n  ...\n", verdict->exit_code);
        if (one->result->events != NULL)
            report_lines(context->stream, "# ", one->result->events);
        if (one->result->output != NULL)
            report_lines(context->stream, "# ", one->result->output);
    }
    if (one->result->trace != NULL)
        report_lines(context->stream, "# ", one->result->trace);
    fflush(context->stream);
}

static void tap_end(struct report_context *context, const struct report_sums *sums)
{
    if (sums->refused == NULL && !sums->interrupted)
        return;
    fputs("Bail out! ", context->stream);
    if (sums->refused != NULL)
        report_visible(context->stream, sums->refused, strlen(sums->refused));
    else
        fputs("interrupted", context->stream);
    fputc('\n', context->stream);
}

const struct report report_tap = {"tap", tap_begin, tap_one, tap_end};
