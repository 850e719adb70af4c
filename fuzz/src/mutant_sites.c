/* SPDX-License-Identifier: ISC */
/*
 * Finds where a source can be changed so that it says something else. It knows as much C as our
 * format makes necessary: operators stand between spaces, a statement ends with its line. What does
 * not compile in the end does no harm.
 */
#include "mutant_sites.h"

#include <ctype.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct finder {
    const char *text; /* as it is */
    char *code;       /* the same with spaces for comments, strings and directives */
    size_t length;
    void (*each)(void *context, const struct mutant_site *site);
    void *context;
};

static void found(const struct finder *finder, const char *kind, size_t at, size_t length,
                  const char *new)
{
    struct mutant_site site = {.kind = kind, .at = at, .length = length};

    if (strlen(new) < sizeof(site.new)) {
        snprintf(site.new, sizeof(site.new), "%s", new);
        finder->each(finder->context, &site);
    }
}

/* ---- what is code ---- */

static size_t end_of_comment(const char *text)
{
    const char *end = text[1] == '*' ? strstr(text + 2, "*/") : strchr(text, '\n');

    return end == NULL ? strlen(text) : (size_t)(end - text) + (text[1] == '*' ? 2 : 0);
}

static size_t end_of_string(const char *text)
{
    size_t at = 1;

    while (text[at] != '\0' && text[at] != text[0]) {
        at += text[at] == '\\' && text[at + 1] != '\0' ? 2 : 1;
    }
    return text[at] == '\0' ? at : at + 1;
}

static size_t end_of_directive(const char *text)
{
    size_t at = strcspn(text, "\n");

    while (at != 0 && text[at] != '\0' && text[at - 1] == '\\') {
        at += 1 + strcspn(text + at + 1, "\n");
    }
    return at;
}

static void blank(char *code, size_t length)
{
    for (size_t i = 0; i < length; i++) {
        if (code[i] != '\n') {
            code[i] = ' ';
        }
    }
}

static void blank_all_but_code(struct finder *finder)
{
    bool line_begins = true;

    for (size_t at = 0; at < finder->length;) {
        const char *text = finder->text + at;
        size_t length = 0;

        if (text[0] == '/' && (text[1] == '*' || text[1] == '/')) {
            length = end_of_comment(text);
        } else if (text[0] == '"' || text[0] == '\'') {
            length = end_of_string(text);
        } else if (text[0] == '#' && line_begins) {
            length = end_of_directive(text);
        }
        blank(finder->code + at, length);
        line_begins = text[0] == '\n' || (line_begins && text[0] == ' ');
        at += length == 0 ? 1 : length;
    }
}

static bool is_word(char c)
{
    return isalnum((unsigned char)c) != 0 || c == '_';
}

/* ---- operators ---- */

static const struct {
    const char *kind, *old, *new;
} operators[] = {
    {"comparison", " <", " <="},
    {"comparison", " <=", " <"},
    {"comparison", " >", " >="},
    {"comparison", " >=", " >"},
    {"comparison", " ==", " !="},
    {"comparison", " !=", " =="},
    {"condition", " &&", " ||"},
    {"condition", " ||", " &&"},
    {"plus one", " +", " + 1 +"},
    {"plus one", " -", " - 1 -"},
    {"ordering", "__ATOMIC_ACQUIRE", "__ATOMIC_RELAXED"},
    {"ordering", "__ATOMIC_RELEASE", "__ATOMIC_RELAXED"},
    {"ordering", "__ATOMIC_ACQ_REL", "__ATOMIC_RELAXED"},
    {"ordering", "__ATOMIC_SEQ_CST", "__ATOMIC_RELAXED"},
};

/* The size of an array that is declared: "char bytes[LIMIT + 4];". A larger one is no mistake. */
static bool is_size(const struct finder *finder, size_t at)
{
    size_t line = at, bracket = 0, words = 0;

    while (line != 0 && finder->code[line - 1] != '\n') {
        line--;
    }
    line += strspn(finder->code + line, " ");
    if (strncmp(finder->code + line, "return ", 7) == 0) {
        return false;
    }
    for (size_t i = line; i < at; i++) {
        char c = finder->code[i];

        if (!is_word(c) && strchr(" *,[]+", c) == NULL) {
            return false;
        }
        words += bracket == 0 && is_word(c) && (i == line || !is_word(finder->code[i - 1]));
        bracket = c == '[' ? i : c == ']' ? 0 : bracket;
    }
    return bracket != 0 && words >= 2;
}

/* An operator stands between spaces, or at the end of its line. */
static void find_operators(const struct finder *finder)
{
    for (size_t i = 0; i < sizeof(operators) / sizeof(operators[0]); i++) {
        size_t length = strlen(operators[i].old);
        const char *from = finder->code;

        for (; (from = strstr(from, operators[i].old)) != NULL; from++) {
            bool larger = strcmp(operators[i].kind, "plus one") == 0 &&
                          is_size(finder, (size_t)(from - finder->code));

            if (!larger && (from[0] != ' ' || strchr(" \n", from[length]) != NULL)) {
                found(finder, operators[i].kind, (size_t)(from - finder->code), length,
                      operators[i].new);
            }
        }
    }
}

/* ---- constants ---- */

static bool is_constant(const char *word, size_t length)
{
    bool capital = false;

    for (size_t i = 0; i < length; i++) {
        capital = capital || isupper((unsigned char)word[i]) != 0;
        if (islower((unsigned char)word[i]) != 0) {
            return false;
        }
    }
    return capital && length > 3 && strncmp(word, "NULL", length) != 0 &&
           strncmp(word, "__", 2) != 0;
}

static void change_number(const struct finder *finder, size_t at, size_t length)
{
    char new[64];
    char *end = NULL;
    unsigned long number = strtoul(finder->code + at, &end, 0);
    size_t digits = (size_t)(end - (finder->code + at));

    if (digits == 0 || length > 16) {
        return;
    }
    if (!is_size(finder, at)) {
        snprintf(new, sizeof(new), "%lu%.*s", number + 1, (int)(length - digits),
                 finder->code + at + digits);
        found(finder, "constant", at, length, new);
    }
    if (number != 0) {
        snprintf(new, sizeof(new), "%lu%.*s", number - 1, (int)(length - digits),
                 finder->code + at + digits);
        found(finder, "constant", at, length, new);
    }
}

static void find_constants(const struct finder *finder)
{
    for (size_t at = 0; at < finder->length;) {
        const char *word = finder->code + at;
        size_t length = 0;
        char new[160];

        while (is_word(word[length])) {
            length++;
        }
        if (length == 0) {
            at++;
            continue;
        }
        if (isdigit((unsigned char)word[0]) != 0) {
            change_number(finder, at, length);
        } else if (length == 4 && strncmp(word, "true", 4) == 0) {
            found(finder, "constant", at, length, "false");
        } else if (length == 5 && strncmp(word, "false", 5) == 0) {
            found(finder, "constant", at, length, "true");
        } else if (word[length] != '(' && is_constant(word, length)) {
            snprintf(new, sizeof(new), "(%.*s %c 1)", (int)length, word,
                     is_size(finder, at) ? '-' : '+');
            found(finder, "constant", at, length, new);
        }
        at += length;
    }
}

/* ---- conditions ---- */

/* Behind the bracket that closes the one at `at`; 0: there is none. */
static size_t close_of(const struct finder *finder, size_t at)
{
    unsigned depth = 0;

    for (; at < finder->length; at++) {
        depth += finder->code[at] == '(';
        if (finder->code[at] == ')' && --depth == 0) {
            return at + 1;
        }
    }
    return 0;
}

static void find_conditions(const struct finder *finder, const char *word)
{
    const char *from = finder->code;

    for (; (from = strstr(from, word)) != NULL; from++) {
        size_t at = (size_t)(from - finder->code) + strlen(word) - 1;
        size_t end = close_of(finder, at);
        struct scenario_buffer new;

        if (end == 0 || (from != finder->code && is_word(from[-1]))) {
            continue;
        }
        scenario_buffer_init(&new);
        scenario_buffer_text(&new, "(!");
        scenario_buffer_add(&new, finder->text + at, end - at);
        scenario_buffer_text(&new, ")");
        found(finder, "condition", at, end - at, new.data);
        scenario_buffer_fini(&new);
    }
}

/* ---- statements ---- */

static bool begins_with(const char *text, const char *word)
{
    return strncmp(text, word, strlen(word)) == 0;
}

/* Words behind which comes a declaration, or something that can not be left out. */
static bool must_stay(const char *text)
{
    static const char *const words[] = {"return",  "case ",   "default", "const ",    "struct ",
                                        "static ", "enum ",   "union ",  "unsigned ", "int ",
                                        "bool ",   "char ",   "void ",   "size_t ",   "ptrdiff_t ",
                                        "extern ", "typedef", "if ",     "for ",      "while ",
                                        "do ",     "else",    "switch ", "uint",      "int"};

    for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
        if (begins_with(text, words[i])) {
            return true;
        }
    }
    return false;
}

/* x = call(...);  becomes  (void)call(...); */
static void ignore_result(const struct finder *finder, size_t at, size_t end)
{
    const char *equals = strstr(finder->code + at, " = ");
    struct scenario_buffer new;
    size_t from;

    if (equals == NULL || (from = (size_t)(equals - finder->code) + 3) >= end ||
        finder->code[end - 1] != ')' || !isalpha((unsigned char)finder->code[from])) {
        return;
    }
    for (size_t i = from; i < end && finder->code[i] != '('; i++) {
        if (!is_word(finder->code[i]) && finder->code[i] != '>' && finder->code[i] != '-') {
            return;
        }
    }
    scenario_buffer_init(&new);
    scenario_buffer_text(&new, "(void)");
    scenario_buffer_add(&new, finder->text + from, end - from);
    found(finder, "result ignored", at, end - at, new.data);
    scenario_buffer_fini(&new);
}

/* return call(...);  becomes  return (call(...), 0); */
static void find_returns(const struct finder *finder)
{
    const char *from = finder->code;

    while ((from = strstr(from, "return ")) != NULL) {
        size_t at = (size_t)(from - finder->code) + strlen("return ");
        size_t end = at + strcspn(finder->code + at, ";");
        struct scenario_buffer new;

        from++;
        if (!islower((unsigned char)finder->code[at]) || finder->code[end - 1] != ')') {
            continue;
        }
        scenario_buffer_init(&new);
        scenario_buffer_text(&new, "(");
        scenario_buffer_add(&new, finder->text + at, end - at);
        scenario_buffer_text(&new, ", 0)");
        found(finder, "result ignored", at, end - at, new.data);
        scenario_buffer_fini(&new);
    }
}

/* A statement begins behind the end of another, a brace or a condition, on a line of its own. */
static void find_statements(const struct finder *finder)
{
    char before = ';';
    unsigned depth = 0;

    for (size_t at = 0; at < finder->length;) {
        size_t indent = strspn(finder->code + at, " ");
        size_t begin = at + indent;
        size_t line = begin + strcspn(finder->code + begin, "\n");

        if (indent >= 4 && depth != 0 && strchr(";{})e", before) != NULL &&
            isalpha((unsigned char)finder->code[begin]) && !must_stay(finder->code + begin)) {
            size_t end = begin + strcspn(finder->code + begin, ";{}");

            if (finder->code[end] == ';') {
                found(finder, "statement", begin, end - begin, "");
                ignore_result(finder, begin, end);
            }
        }
        for (size_t i = at; i < line; i++) {
            depth += finder->code[i] == '{';
            depth -= finder->code[i] == '}' && depth != 0;
            if (finder->code[i] != ' ') {
                before = finder->code[i];
            }
        }
        at = line + 1;
    }
}

void mutant_sites(const struct scenario_buffer *source,
                  void (*each)(void *context, const struct mutant_site *site), void *context)
{
    struct finder finder = {
        .text = source->data, .length = source->length, .each = each, .context = context};

    finder.code = malloc(source->length + 1);
    if (finder.code == NULL) {
        return;
    }
    memcpy(finder.code, source->data, source->length + 1);
    blank_all_but_code(&finder);
    find_operators(&finder);
    find_constants(&finder);
    find_conditions(&finder, "if (");
    find_conditions(&finder, "while (");
    find_statements(&finder);
    find_returns(&finder);
    free(finder.code);
}
