/* SPDX-License-Identifier: ISC */
/*
 * The report for people: a line a scenario, all that is needed to understand and repeat a failure,
 * and a summary by rule.
 */
#include "report.h"

#include <simback/oracle.h>

#include <string.h>

#define GREEN      "\033[32m"
#define RED        "\033[31m"
#define YELLOW     "\033[33m"
#define BOLD       "\033[1m"
#define PLAIN      "\033[0m"
#define CLEAR_LINE "\r\033[K"

static const char *colour(const struct report_context *context, const char *code)
{
    return context->colour ? code : "";
}

static void print_visible(struct report_context *context, const char *text)
{
    report_visible(context->stream, text, strlen(text));
}

static void print_failure(struct report_context *context, const struct report_case *one)
{
    const struct tool_result *result = one->result;
    char place[4200];

    report_place(one, place, sizeof(place));
    if (result->verdict.reason[0] != '\0') {
        fprintf(context->stream, "     %s", colour(context, BOLD));
        print_visible(context, result->verdict.reason);
        fprintf(context->stream, "%s\n", colour(context, PLAIN));
    }
    fputs("     at ", context->stream);
    print_visible(context, place);
    fprintf(context->stream, " (step %u)\n", result->verdict.step);
    if (result->events != NULL && result->events[0] != '\0') {
        fputs("     last events:\n", context->stream);
        report_lines(context->stream, "        ", result->events);
    }
    if (result->output != NULL && result->output[0] != '\0') {
        fputs("     printed by the process:\n", context->stream);
        report_lines(context->stream, "        ", result->output);
    }
    fputs("     again: ", context->stream);
    report_again(context->stream, context, one);
    fputc('\n', context->stream);
}

static void console_begin(struct report_context *context)
{
    (void)context;
}

/* "FAIL id: text" */
static void print_line(struct report_context *context, const char *colour_code, const char *word,
                       const char *id, const char *text)
{
    fprintf(context->stream, "%s%s%s", colour(context, colour_code), word, colour(context, PLAIN));
    print_visible(context, id);
    if (text[0] != '\0') {
        fputs(": ", context->stream);
        print_visible(context, text);
    }
    fputc('\n', context->stream);
}

static void console_one(struct report_context *context, const struct report_case *one)
{
    const struct scenario_verdict *verdict = &one->result->verdict;
    char words[96];

    report_words(one, words, sizeof(words));
    if (context->progress)
        fputs(CLEAR_LINE, context->stream);
    if (one->result->trace != NULL)
        report_lines(context->stream, "", one->result->trace);
    if (one->counts_as_failed) {
        print_line(context, RED, "FAIL ", one->id, words);
        print_failure(context, one);
    } else if (verdict->outcome == SCENARIO_UNSUPPORTED) {
        print_line(context, YELLOW, "skip ", one->id, verdict->reason);
    } else if (one->expected == EXPECTED_FAILURE) {
        print_line(context, YELLOW, "xfail ", one->id, verdict->reason);
    } else if (context->verbose) {
        print_line(context, GREEN, "ok   ", one->id, one->file->title);
    }
    fflush(context->stream);
}

static void print_rules(struct report_context *context, const struct report_sums *sums)
{
    bool any = false;

    for (unsigned rule = 1; rule <= REPORT_RULES; rule++) {
        const char *text = simback_rule_text((uint8_t)rule);

        if (sums->rule[rule].passed + sums->rule[rule].failed + sums->rule[rule].skipped == 0)
            continue;
        if (!any)
            fputs("\nrule     passed  failed  skipped  what it says\n", context->stream);
        any = true;
        fprintf(context->stream, "%sI%-5u %8zu %7zu %8zu  %s%s\n",
                sums->rule[rule].failed != 0 ? colour(context, RED) : "", rule,
                sums->rule[rule].passed, sums->rule[rule].failed, sums->rule[rule].skipped,
                text != NULL ? text : "",
                sums->rule[rule].failed != 0 ? colour(context, PLAIN) : "");
    }
}

static void console_end(struct report_context *context, const struct report_sums *sums)
{
    if (context->progress)
        fputs(CLEAR_LINE, context->stream);
    if (sums->refused != NULL) {
        /* Who looks at both has read it. */
        if (context->stream != stdout) {
            fputs("nothing was played: ", context->stream);
            print_visible(context, sums->refused);
            fputc('\n', context->stream);
        }
        return;
    }
    print_rules(context, sums);
    if (sums->interrupted)
        fprintf(context->stream, "\ninterrupted: %zu of %zu runs in %.1f s\n",
                sums->passed + sums->failed + sums->skipped + sums->expected, sums->cases,
                sums->seconds);
    else
        fprintf(context->stream, "\n%zu scenarios, %zu runs in %.1f s\n", sums->files, sums->cases,
                sums->seconds);
    if (sums->expected != 0)
        fprintf(context->stream, "%zu expected failures\n", sums->expected);
    fprintf(context->stream, "%zu passed, %s%zu failed%s, %zu skipped\n", sums->passed,
            sums->failed != 0 ? colour(context, RED) : "", sums->failed,
            sums->failed != 0 ? colour(context, PLAIN) : "", sums->skipped);
}

const struct report report_console = {"console", console_begin, console_one, console_end};
