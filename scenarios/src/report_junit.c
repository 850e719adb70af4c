/* SPDX-License-Identifier: ISC */
/*
 * JUnit's XML, as CI systems read it. Cases are written to a buffer first, because the counts stand
 * in front.
 */
#include "report.h"

#include <string.h>

static struct scenario_buffer cases;

/* An attribute's line ends and tabs would be read as spaces, so there they are references. */
static void add_xml(struct scenario_buffer *buffer, const char *text, bool attribute)
{
    while (*text != '\0') {
        unsigned char c = (unsigned char)*text;
        size_t length = report_utf8(text);

        if (c == '<')
            scenario_buffer_text(buffer, "&lt;");
        else if (c == '>')
            scenario_buffer_text(buffer, "&gt;");
        else if (c == '&')
            scenario_buffer_text(buffer, "&amp;");
        else if (c == '"')
            scenario_buffer_text(buffer, "&quot;");
        else if (attribute && (c == '\n' || c == '\t'))
            scenario_buffer_format(buffer, "&#%d;", c);
        else if (length == 0 || (c < 0x20 && c != '\n' && c != '\t'))
            scenario_buffer_format(buffer, "\\x%02x", c); /* XML 1.0 has no such characters */
        else
            scenario_buffer_add(buffer, text, length);
        text += length == 0 ? 1 : length;
    }
}

static void junit_begin(struct report_context *context)
{
    (void)context;
    scenario_buffer_init(&cases);
}

static void add_failure(const struct report_case *one)
{
    const struct scenario_verdict *verdict = &one->result->verdict;
    const char *element = verdict->outcome == SCENARIO_CRASHED ? "error" : "failure";
    char text[4200];

    scenario_buffer_format(&cases, "      <%s type=\"", element);
    report_words(one, text, sizeof(text));
    add_xml(&cases, text, true);
    scenario_buffer_text(&cases, "\" message=\"");
    add_xml(&cases, verdict->reason, true);
    scenario_buffer_text(&cases, "\">");
    report_place(one, text, sizeof(text));
    add_xml(&cases, text, false);
    scenario_buffer_text(&cases, "\n");
    if (one->result->events != NULL)
        add_xml(&cases, one->result->events, false);
    scenario_buffer_format(&cases, "</%s>\n", element);
    if (one->result->output != NULL && one->result->output[0] != '\0') {
        scenario_buffer_text(&cases, "      <system-out>");
        add_xml(&cases, one->result->output, false);
        scenario_buffer_text(&cases, "</system-out>\n");
    }
}

static void junit_one(struct report_context *context, const struct report_case *one)
{
    const struct scenario_verdict *verdict = &one->result->verdict;

    (void)context;
    scenario_buffer_text(&cases, "    <testcase classname=\"simblk\" name=\"");
    add_xml(&cases, one->id, true);
    scenario_buffer_format(&cases, "\" time=\"%.6f\">\n", one->result->seconds);
    if (one->counts_as_failed) {
        add_failure(one);
    } else if (verdict->outcome == SCENARIO_UNSUPPORTED || one->expected == EXPECTED_FAILURE) {
        scenario_buffer_text(&cases, "      <skipped message=\"");
        add_xml(&cases, verdict->reason, true);
        scenario_buffer_text(&cases, "\"/>\n");
    }
    scenario_buffer_text(&cases, "    </testcase>\n");
}

/* An error that is no scenario's: readers of this form show those of cases alone. */
static void add_refusal(const char *name, const char *why)
{
    scenario_buffer_text(&cases, "    <testcase classname=\"simblk\" name=\"");
    add_xml(&cases, name, true);
    scenario_buffer_text(&cases, "\" time=\"0.000000\">\n      <error type=\"nothing was played\" "
                                 "message=\"");
    add_xml(&cases, why, true);
    scenario_buffer_text(&cases, "\"/>\n    </testcase>\n");
}

static void junit_end(struct report_context *context, const struct report_sums *sums)
{
    size_t skipped = sums->skipped + sums->expected;
    size_t errors = sums->crashed + (sums->refused != NULL);
    size_t failures = sums->failed - sums->crashed;
    size_t tests = sums->passed + failures + errors + skipped;

    if (sums->refused != NULL)
        add_refusal(context->frontend != NULL ? context->frontend : "simblk", sums->refused);
    fputs("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n", context->stream);
    fprintf(context->stream,
            "<testsuites name=\"simblk\" tests=\"%zu\" failures=\"%zu\" errors=\"%zu\" "
            "time=\"%.6f\">\n",
            tests, failures, errors, sums->seconds);
    fprintf(context->stream,
            "  <testsuite name=\"simblk\" tests=\"%zu\" failures=\"%zu\" errors=\"%zu\" "
            "skipped=\"%zu\" time=\"%.6f\">\n",
            tests, failures, errors, skipped, sums->seconds);
    fprintf(context->stream,
            "    <properties>\n"
            "      <property name=\"simblk.report.version\" value=\"%d\"/>\n"
            "      <property name=\"simblk.interrupted\" value=\"%s\"/>\n"
            "    </properties>\n",
            REPORT_VERSION, sums->interrupted ? "true" : "false");
    if (cases.data != NULL)
        fputs(cases.data, context->stream);
    fputs("  </testsuite>\n</testsuites>\n", context->stream);
    context->broken = cases.failed;
    scenario_buffer_fini(&cases);
}

const struct report report_junit = {"junit", junit_begin, junit_one, junit_end};
