/* SPDX-License-Identifier: ISC */
/*
 * Cuts lines. Bytes that no text file should hold end here.
 */
#include "lexer.h"

#include <string.h>

#include "suggest.h"

static bool is_space(char c)
{
    return c == ' ' || c == '\t';
}

bool word_is(const struct word *word, const char *text)
{
    return strlen(text) == word->length && memcmp(word->text, text, word->length) == 0;
}

struct scenario_position word_position(const struct line *line, const struct word *word)
{
    struct scenario_position position = {line->number, word->column};

    return position;
}

static bool refuse(const struct line *line, size_t at, struct scenario_problems *problems,
                   const char *text)
{
    struct scenario_position position = {line->number, (uint32_t)at + 1};

    scenario_problems_add(problems, position, "%s", text);
    return false;
}

static struct word part(const struct line *line, size_t from, size_t to)
{
    struct word word = {line->text + from, 0, (uint32_t)from + 1};

    while (to > from && is_space(line->text[to - 1])) {
        to--;
    }
    word.length = to - from;
    return word;
}

/* The end of the word that begins at `at`; SIZE_MAX: a quote has no end. */
static size_t word_end(const struct line *line, size_t at)
{
    bool quoted = false;

    for (; at < line->length && (quoted || !is_space(line->text[at])); at++) {
        if (line->text[at] == '"') {
            quoted = !quoted;
        } else if (quoted && line->text[at] == '\\' && at + 1 < line->length) {
            at++;
        }
    }
    return quoted ? SIZE_MAX : at;
}

static bool bytes_are_text(const struct line *line, struct scenario_problems *problems)
{
    if (line->length > LINE_LENGTH_MAX) {
        return refuse(line, 0, problems, "a line too long, expected at most 65535 bytes");
    }
    for (size_t i = 0; i < line->length; i++) {
        unsigned char c = (unsigned char)line->text[i];

        if ((c < ' ' && c != '\t') || c == 0x7f) {
            return refuse(line, i, problems,
                          "a control character, expected text (\\xHH in a string)");
        }
    }
    return true;
}

/* `about` takes the rest of its line as it is: quotes mean nothing there. */
static void cut_plain(struct line *line, size_t from)
{
    size_t at = from;

    while (at < line->length && !(line->text[at] == '#' && is_space(line->text[at - 1]))) {
        at++;
    }
    while (from < at && is_space(line->text[from])) {
        from++;
    }
    line->rest = part(line, from, at);
    if (at < line->length) {
        line->comment = part(line, at, line->length);
    }
}

bool lexer_cut(struct line *line, const char *text, size_t length, uint32_t number,
               struct scenario_problems *problems)
{
    size_t at = 0;
    size_t rest_from = 0;

    memset(line, 0, offsetof(struct line, words));
    memset(&line->count, 0, sizeof *line - offsetof(struct line, count));
    line->text = text;
    line->length = length;
    line->number = number;
    if (!bytes_are_text(line, problems)) {
        return false;
    }
    for (;;) {
        size_t end;

        while (at < length && is_space(text[at])) {
            at++;
        }
        if (line->count == 1 && rest_from == 0) {
            rest_from = at;
        }
        if (at == length || text[at] == '#') {
            break;
        }
        end = word_end(line, at);
        if (end == SIZE_MAX) {
            return refuse(line, at, problems, "a string without end, expected '\"'");
        }
        if (line->count == LINE_WORDS_MAX) {
            return refuse(line, at, problems, "too many words, expected at most 256 on a line");
        }
        line->words[line->count++] = (struct word){text + at, end - at, (uint32_t)at + 1};
        at = end;
        if (line->count == 1 && word_is(&line->words[0], "about")) {
            cut_plain(line, at);
            return true;
        }
    }
    line->rest = part(line, rest_from, rest_from == 0 ? 0 : at);
    line->comment = part(line, at, length);
    return true;
}
