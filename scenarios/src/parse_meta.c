/* SPDX-License-Identifier: ISC */
/*
 * Metadata lines: title, rule, about, tag, variants and the like. What `variants` keys mean is
 * variants.c's matter.
 */
#include <string.h>

#include "parser.h"
#include "suggest.h"
#include "value.h"

static const char *const keywords[] = {
    [SCENARIO_META_VERSION] = "simblk", [SCENARIO_META_TITLE] = "title",
    [SCENARIO_META_RULE] = "rule",      [SCENARIO_META_ABOUT] = "about",
    [SCENARIO_META_TAG] = "tag",        [SCENARIO_META_VARIANTS] = "variants",
    [SCENARIO_META_EACH] = "each",      [SCENARIO_META_AT] = "at"};

const char *meta_keyword(enum scenario_meta_kind kind)
{
    return keywords[kind];
}

/* The words with one space between them, kept in the program. */
static int keep_words(struct parser *parser, struct scenario_string *kept)
{
    struct scenario_program *program = parser->program;
    size_t from = program->string_bytes;
    int result = SCENARIO_OK;

    for (unsigned i = 1; result == 0 && i < parser->line.count; i++) {
        struct scenario_string string;

        if (i > 1) {
            result = scenario_program_add_string(program, " ", 1, &string);
        }
        if (result == 0) {
            result = scenario_program_add_string(program, parser->line.words[i].text,
                                                 parser->line.words[i].length, &string);
        }
    }
    kept->offset = (uint32_t)from;
    kept->length = (uint32_t)(program->string_bytes - from);
    return result;
}

static void check_version(struct parser *parser)
{
    if (parser->line.count != 2 || !word_is(&parser->line.words[1], "1")) {
        parser_refuse(parser, &parser->line.words[0],
                      "a version other than 1, expected 'simblk 1'");
    } else if (parser->program->meta_count != 0) {
        parser_refuse(parser, &parser->line.words[0],
                      "found 'simblk' behind other lines, expected it first");
    }
}

static void check_rules(struct parser *parser)
{
    unsigned rules = 0;

    for (unsigned i = 1; i < parser->line.count; i++) {
        const struct word *word = &parser->line.words[i];
        char found[FOUND_TEXT];

        if (word_is(word, "should")) {
            continue;
        }
        rules++;
        if (scenario_choice_index(CHOICES_RULE, word->text, word->length) < 0) {
            parser_refuse(parser, word, "found '%s', expected a rule from I1 to I21, or should",
                          found_text(found, word->text, word->length));
        }
    }
    if (rules == 0) {
        parser_refuse(parser, &parser->line.words[0], "'rule' names none, expected one such as I2");
    }
}

static void check_tags(struct parser *parser)
{
    if (parser->line.count < 2) {
        parser_refuse(parser, &parser->line.words[0], "'tag' has no word, expected one");
    }
    for (unsigned i = 1; i < parser->line.count; i++) {
        if (memchr(parser->line.words[i].text, '"', parser->line.words[i].length) != NULL) {
            parser_refuse(parser, &parser->line.words[i], "found a string, expected a word");
        }
    }
}

static void check_each(struct parser *parser)
{
    const struct word *words = parser->line.words;
    unsigned count = parser->line.count;
    bool good =
        count >= 4 && word_is(&words[1], "nth=1..") && word_is(&words[2], "of") &&
        (word_is(&words[3], "alloc") || word_is(&words[3], "grant") || word_is(&words[3], "port") ||
         word_is(&words[3], "xenstore") || word_is(&words[3], "revoke") ||
         word_is(&words[3], "event") || word_is(&words[3], "request")) &&
        (count == 4 || (count == 5 && (word_is(&words[4], "once") || word_is(&words[4], "from"))));

    if (!good) {
        parser_refuse(parser, &words[0],
                      "found another 'each', expected 'each nth=1.. of "
                      "alloc|grant|port|xenstore|revoke|event|request [once|from]'");
    }
}

static void check_at(struct parser *parser)
{
    const struct word *words = parser->line.words;
    struct scenario_step step;

    if (parser->line.count < 4 || !word_is(&words[1], "every") || !word_is(&words[2], "step:")) {
        parser_refuse(parser, &words[0], "found another 'at', expected 'at every step: STEP'");
    } else {
        parse_step(parser, 3, &step);
    }
}

static int read_title(struct parser *parser, struct scenario_string *value)
{
    static const struct scenario_field field = {
        .name = "title", .min = 1, .max = 1024, .type = SCENARIO_TYPE_STRING};
    const struct word *words = parser->line.words;
    char message[VALUE_MESSAGE];
    uint64_t values[2] = {0, 0};
    int result;

    if (parser->line.count != 2) {
        parser_refuse(parser, &words[0], "'title' has no single string, expected \"...\"");
        return SCENARIO_OK;
    }
    result = value_read(parser->program, &field, words[1].text, words[1].length, values, message);
    if (result == SCENARIO_INVALID) {
        parser_refuse(parser, &words[1], "title: %.200s", message);
        return SCENARIO_OK;
    }
    *value = scenario_unpack(values[0]);
    return result;
}

static int read_value(struct parser *parser, struct scenario_meta *meta)
{
    if (meta->kind == SCENARIO_META_TITLE) {
        return read_title(parser, &meta->value);
    }
    if (meta->kind == SCENARIO_META_ABOUT) {
        return scenario_program_add_string(parser->program, parser->line.rest.text,
                                           parser->line.rest.length, &meta->value);
    }
    switch (meta->kind) {
    case SCENARIO_META_VERSION: check_version(parser); break;
    case SCENARIO_META_RULE: check_rules(parser); break;
    case SCENARIO_META_TAG: check_tags(parser); break;
    case SCENARIO_META_EACH: check_each(parser); break;
    case SCENARIO_META_AT: check_at(parser); break;
    case SCENARIO_META_TITLE:
    case SCENARIO_META_ABOUT:
    case SCENARIO_META_VARIANTS:
    case SCENARIO_META_COUNT: break;
    }
    return keep_words(parser, &meta->value);
}

bool parse_meta(struct parser *parser, struct scenario_notes notes)
{
    const struct word *word = &parser->line.words[0];
    struct scenario_meta meta = {.kind = SCENARIO_META_COUNT,
                                 .position = word_position(&parser->line, word),
                                 .notes = notes};
    size_t problems = parser->problems->total;
    int result;

    for (unsigned i = 0; i < SCENARIO_META_COUNT; i++) {
        if (word_is(word, keywords[i])) {
            meta.kind = (enum scenario_meta_kind)i;
        }
    }
    if (meta.kind == SCENARIO_META_COUNT) {
        return false;
    }
    if (parser->any_step) {
        parser_refuse(parser, word, "found '%s' behind a step, expected it before all steps",
                      keywords[meta.kind]);
        return true;
    }
    result = read_value(parser, &meta);
    if (result == 0 && parser->problems->total == problems) {
        result = scenario_program_add_meta(parser->program, &meta);
    }
    if (result != 0) {
        parser_fail(parser, result);
    }
    return true;
}

/* ---- questions ---- */

struct scenario_string scenario_meta_first(const struct scenario_program *program,
                                           enum scenario_meta_kind kind)
{
    struct scenario_string none = {0, 0};

    for (size_t i = 0; i < program->meta_count; i++) {
        if (program->metas[i].kind == kind) {
            return program->metas[i].value;
        }
    }
    return none;
}

/* The next word of a list with spaces between; false at its end. */
static bool next_word(const char **text, size_t *left, const char **word, size_t *length)
{
    const char *space;

    if (*left == 0) {
        return false;
    }
    space = memchr(*text, ' ', *left);
    *word = *text;
    *length = space == NULL ? *left : (size_t)(space - *text);
    *text += *length;
    *left -= *length;
    if (*left > 0) {
        (*text)++;
        (*left)--;
    }
    return true;
}

uint32_t scenario_rules(const struct scenario_program *program, bool *should)
{
    uint32_t rules = 0;

    *should = false;
    for (size_t i = 0; i < program->meta_count; i++) {
        const char *text = scenario_text(program, program->metas[i].value);
        size_t left = program->metas[i].value.length;
        const char *word;
        size_t length;

        while (program->metas[i].kind == SCENARIO_META_RULE &&
               next_word(&text, &left, &word, &length)) {
            int rule = scenario_choice_index(CHOICES_RULE, word, length);

            if (rule >= 0) {
                rules |= (uint32_t)1 << (rule + 1);
            } else {
                *should = true;
            }
        }
    }
    return rules;
}

bool scenario_has_tag(const struct scenario_program *program, const char *tag)
{
    for (size_t i = 0; i < program->meta_count; i++) {
        const char *text = scenario_text(program, program->metas[i].value);
        size_t left = program->metas[i].value.length;
        const char *word;
        size_t length;

        while (program->metas[i].kind == SCENARIO_META_TAG &&
               next_word(&text, &left, &word, &length)) {
            if (strlen(tag) == length && memcmp(tag, word, length) == 0) {
                return true;
            }
        }
    }
    return false;
}
