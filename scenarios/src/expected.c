/* SPDX-License-Identifier: ISC */
/*
 * The expected-failures file: reading it, and setting verdicts against it.
 */
#include "expected.h"

#include <stdlib.h>
#include <string.h>

#define DIGITS "0123456789"

/* Without blanks and the carriage return at its end. */
static size_t trimmed(const char *text)
{
    size_t length = strlen(text);

    while (length > 0 && strchr(" \t\r", text[length - 1]) != NULL)
        length--;
    return length;
}

static bool add(struct expected_failures *expected, const char *id, size_t id_length,
                const char *reason, size_t reason_length)
{
    struct expected_failure *larger =
        realloc(expected->list, (expected->count + 1) * sizeof(*larger));
    struct expected_failure *added;

    if (larger == NULL)
        return false;
    expected->list = larger;
    added = &larger[expected->count++];
    added->id = strndup(id, id_length);
    added->reason = strndup(reason, reason_length);
    return added->id != NULL && added->reason != NULL;
}

/* A line without its end, which is cut to pieces. */
static int read_line(struct expected_failures *expected, const char *path, unsigned number,
                     char *line)
{
    size_t id_length;
    const char *reason;

    line[trimmed(line)] = '\0';
    line += strspn(line, " \t");
    id_length = strcspn(line, " \t");
    reason = line + id_length + strspn(line + id_length, " \t");
    if (id_length == 0 || line[0] == '#')
        return TOOL_OK;
    if (*reason == '\0')
        return tool_error("%s:%u: '%s' has no reason behind it; a line is: id, part of the reason",
                          path, number, line);
    return add(expected, line, id_length, reason, strlen(reason)) ? TOOL_OK
                                                                  : tool_error("no memory");
}

int expected_load(struct expected_failures *expected, const char *path)
{
    size_t length;
    char *text = tool_read_file(path, &length);
    unsigned line_number = 0;
    int rc = TOOL_OK;

    expected->list = NULL;
    expected->count = 0;
    if (text == NULL)
        return TOOL_USAGE;
    for (char *line = text; rc == TOOL_OK && line < text + length;) {
        char *end = memchr(line, '\n', (size_t)(text + length - line));

        end = end != NULL ? end : text + length;
        *end = '\0';
        line_number++;
        if (memchr(line, '\0', (size_t)(end - line)) != NULL)
            rc = tool_error("%s:%u: a byte 0: this is no list of ids and reasons", path,
                            line_number);
        else
            rc = read_line(expected, path, line_number, line);
        line = end + 1;
    }
    free(text);
    return rc;
}

void expected_fini(struct expected_failures *expected)
{
    for (size_t i = 0; i < expected->count; i++) {
        free(expected->list[i].id);
        free(expected->list[i].reason);
    }
    free(expected->list);
    expected->list = NULL;
    expected->count = 0;
}

/* A rule's code is that rule and no other: I1 is no part of I12. */
static bool same_reason(const char *reason, const struct scenario_verdict *verdict)
{
    char rule[8];

    if (reason[0] == 'I' && reason[1] != '\0' && reason[1 + strspn(reason + 1, DIGITS)] == '\0') {
        snprintf(rule, sizeof(rule), "I%u", (unsigned)verdict->rule);
        return strcmp(reason, rule) == 0;
    }
    return strstr(verdict->reason, reason) != NULL;
}

enum expected_status expected_judge(const struct expected_failures *expected, const char *id,
                                    const struct scenario_verdict *verdict)
{
    enum expected_status status = EXPECTED_NOTHING;

    if (verdict->outcome == SCENARIO_UNSUPPORTED)
        return EXPECTED_NOTHING;
    for (size_t i = 0; i < expected->count && status != EXPECTED_FAILURE; i++) {
        if (!tool_id_matches(id, expected->list[i].id))
            continue;
        if (verdict->outcome == SCENARIO_PASSED)
            status = EXPECTED_PASSED;
        else if (same_reason(expected->list[i].reason, verdict))
            status = EXPECTED_FAILURE;
        else
            status = EXPECTED_OTHER_REASON;
    }
    return status;
}
