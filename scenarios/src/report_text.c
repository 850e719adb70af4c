/* SPDX-License-Identifier: ISC */
/*
 * Words that all reports share: the verdict, the place, and what is text at all. Titles and what
 * a process printed may hold any byte; a report holds UTF-8 only.
 */
#include "report.h"

#include <inttypes.h>
#include <string.h>

void report_words(const struct report_case *one, char *text, size_t size)
{
    const struct scenario_verdict *verdict = &one->result->verdict;
    char rule[16] = "";

    if (verdict->rule != 0)
        snprintf(rule, sizeof(rule), " (I%u%s)", (unsigned)verdict->rule,
                 verdict->should ? ", should" : "");
    switch (one->expected) {
    case EXPECTED_FAILURE: snprintf(text, size, "expected failure%s", rule); break;
    case EXPECTED_PASSED: snprintf(text, size, "passed, although a failure is expected"); break;
    case EXPECTED_OTHER_REASON:
        snprintf(text, size, "%s%s, not for the expected reason",
                 scenario_outcome_name(verdict->outcome), rule);
        break;
    case EXPECTED_NOTHING:
        snprintf(text, size, "%s%s", scenario_outcome_name(verdict->outcome), rule);
        break;
    }
}

void report_verdict(FILE *stream, const struct scenario_verdict *verdict)
{
    const char *name = scenario_outcome_name(verdict->outcome), *reason = verdict->reason;

    if (reason[0] == '\0')
        fprintf(stream, "%s\n", name);
    else if (strncmp(reason, name, strlen(name)) == 0) /* "crashed: Aborted" */
        fprintf(stream, "%s\n", reason);
    else
        fprintf(stream, "%s: %s\n", name, reason);
}

void report_place(const struct report_case *one, char *text, size_t size)
{
    uint32_t line = one->result->verdict.line;

    if (line != 0)
        snprintf(text, size, "%s:%u", one->file->path, line);
    else
        snprintf(text, size, "%s", one->file->path);
}

/* Bytes of the sequence that a first byte announces; 0 for a byte that begins none. */
static size_t announced(unsigned char first)
{
    if (first < 0x80)
        return 1;
    if (first >= 0xc2 && first <= 0xdf)
        return 2;
    if (first >= 0xe0 && first <= 0xef)
        return 3;
    return first >= 0xf0 && first <= 0xf4 ? 4 : 0;
}

size_t report_utf8(const char *text)
{
    const unsigned char *bytes = (const unsigned char *)text;
    size_t length = announced(bytes[0]);

    for (size_t i = 1; i < length; i++) {
        if ((bytes[i] & 0xc0) != 0x80)
            return 0;
    }
    /* Too long for their value, surrogates, beyond the last one; U+FFFE and U+FFFF are no text. */
    if ((bytes[0] == 0xe0 && bytes[1] < 0xa0) || (bytes[0] == 0xed && bytes[1] > 0x9f) ||
        (bytes[0] == 0xf0 && bytes[1] < 0x90) || (bytes[0] == 0xf4 && bytes[1] > 0x8f) ||
        (bytes[0] == 0xef && bytes[1] == 0xbf && bytes[2] > 0xbd))
        return 0;
    return length;
}

/* Bytes of a character that a terminal shows and obeys not; 0 for any other byte. U+0080 to U+009F
 * are controls as well. */
static size_t shown(const char *text)
{
    const unsigned char *bytes = (const unsigned char *)text;
    bool control = bytes[0] < 0x20 || bytes[0] == 0x7f || (bytes[0] == 0xc2 && bytes[1] < 0xa0);

    return bytes[0] == '\t' || !control ? report_utf8(text) : 0;
}

void report_visible(FILE *stream, const char *text, size_t length)
{
    const char *end = text + length;

    while (text < end) {
        size_t bytes = shown(text);

        if (bytes == 0) {
            fprintf(stream, "\\x%02x", (unsigned)(unsigned char)*text);
            bytes = 1;
        } else {
            fwrite(text, 1, bytes, stream);
        }
        text += bytes;
    }
}

void report_lines(FILE *stream, const char *margin, const char *text)
{
    while (*text != '\0') {
        size_t length = strcspn(text, "\n");

        fputs(margin, stream);
        report_visible(stream, text, length);
        fputc('\n', stream);
        text += length + (text[length] == '\n');
    }
}

/* 'it'\''s': one word for a shell. Plain words stay as they are. */
void report_shell_word(FILE *stream, const char *word)
{
    static const char plain[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
                                "_-+=./,:@%";

    if (word[0] != '\0' && word[strspn(word, plain)] == '\0') {
        fputs(word, stream);
        return;
    }
    fputc('\'', stream);
    for (; *word != '\0'; word++) {
        if (*word == '\'')
            fputs("'\\''", stream);
        else
            fputc(*word, stream);
    }
    fputc('\'', stream);
}

void report_frontend(FILE *stream, const char *frontend)
{
    if (frontend == NULL)
        return;
    fputs(" --frontend ", stream);
    report_shell_word(stream, frontend);
}

void report_again(FILE *stream, const struct report_context *context, const struct report_case *one)
{
    fputs("simblk run", stream);
    report_frontend(stream, context->frontend);
    if (context->strict)
        fputs(" --strict", stream);
    if (context->set_seed)
        fprintf(stream, " --seed %" PRIu64, context->seed);
    if (one->result->verdict.struck_at != 0)
        fprintf(stream, " --at %" PRIu64, one->result->verdict.struck_at);
    if (context->repeat > 1)
        fprintf(stream, " --repeat %" PRIu64, context->repeat);
    if (context->disk != NULL) {
        fputs(" --disk ", stream);
        report_shell_word(stream, context->disk);
    }
    if (context->dialects != NULL) {
        fputs(" --dialects ", stream);
        report_shell_word(stream, context->dialects);
    }
    if (strchr(one->id, '[') != NULL) {
        fputs(" --id ", stream);
        report_shell_word(stream, one->id);
    }
    fputc(' ', stream);
    report_shell_word(stream, one->file->path);
}
