/* SPDX-License-Identifier: ISC */
/*
 * Writes a syntax file for vim from the table of steps, at build time: what the language has, vim
 * knows. With an argument words alone, a line each, for the completion: "names" are the steps', the
 * name of a set of choices ("DIALECT") those of the set.
 */
#include "scenario/program.h"
#include "scenario/table.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { WORDS_MAX = 1024 };

/* A sorted set of words that live as long as the table. */
struct words {
    const char *word[WORDS_MAX];
    size_t count;
};

static void add(struct words *words, const char *word)
{
    size_t at = 0;

    while (at < words->count && strcmp(words->word[at], word) < 0)
        at++;
    if (at < words->count && strcmp(words->word[at], word) == 0)
        return;
    if (words->count == WORDS_MAX) {
        fputs("more words than there is room for\n", stderr);
        exit(1);
    }
    memmove(&words->word[at + 1], &words->word[at], (words->count - at) * sizeof(words->word[0]));
    words->word[at] = word;
    words->count++;
}

/* The longest first: of "backend" and "backend close" vim takes the first that fits. */
static void print_alternatives(const struct words *words)
{
    for (size_t i = words->count; i-- > 0;) {
        for (const char *c = words->word[i]; *c != '\0'; c++) {
            if (*c == ' ')
                fputs("\\s\\+", stdout);
            else
                putchar(*c);
        }
        if (i > 0)
            fputs("\\|", stdout);
    }
}

/* No keywords: those win over any match, and a step may have a value's name. */
static void print_words(const char *group, const struct words *words)
{
    printf("syntax match %s /\\<\\(", group);
    print_alternatives(words);
    puts("\\)\\>/");
}

static void add_set(struct words *values, enum scenario_choices set)
{
    for (size_t i = 0; i < scenario_choice_count(set); i++)
        add(values, scenario_choice(set, i));
}

static void add_fields(const struct scenario_row *row, struct words *keys, struct words *marks,
                       struct words *values)
{
    for (size_t i = 0; i < row->field_count; i++) {
        const struct scenario_field *field = &row->fields[i];

        if (field->shape == SCENARIO_SHAPE_KEY)
            add(keys, field->name);
        else if (field->shape == SCENARIO_SHAPE_MARK)
            add(marks, field->name);
        if (field->type == SCENARIO_TYPE_CHOICE || field->type == SCENARIO_TYPE_OPEN)
            add_set(values, (enum scenario_choices)field->min);
    }
}

static void print_file(const struct words *steps, const struct words *keys,
                       const struct words *marks, const struct words *values)
{
    puts("\" Vim syntax file: scenarios of simblk. Made from its table of steps.\n"
         "if exists('b:current_syntax')\n"
         "  finish\n"
         "endif\n"
         "syntax iskeyword @,48-57,_,-\n"
         "setlocal commentstring=#\\ %s\n");
    print_words("simblkValue", values);
    print_words("simblkMark", marks);
    fputs("syntax match simblkKey /\\<\\(", stdout);
    print_alternatives(keys);
    puts("\\)\\ze\\s*\\(=\\|!=\\|<\\|>\\)/");
    fputs("syntax match simblkStep /^\\s*\\([a-z0-9]\\+:\\s*\\)\\?\\zs\\(", stdout);
    print_alternatives(steps);
    puts("\\)\\ze\\(\\s\\|$\\)/");
    puts("syntax match simblkMeta /^\\s*\\zs"
         "\\(simblk\\|title\\|rule\\|about\\|tags\\?\\|variants\\|each\\|at\\s\\+every\\s\\+step\\)"
         "\\>/\n"
         "syntax match simblkResult /->\\s*!\\?[a-z-]*/\n"
         "syntax match simblkNumber /\\<\\(0x\\x\\+\\|\\d\\+\\)\\(ns\\|us\\|ms\\|s\\)\\?\\>/\n"
         "syntax match simblkRule /\\<I\\d\\+\\>/\n"
         "syntax region simblkString start=/\"/ skip=/\\\\\"/ end=/\"/ oneline\n"
         "syntax match simblkComment /#.*$/\n"
         "\n"
         "highlight default link simblkValue Constant\n"
         "highlight default link simblkMark Type\n"
         "highlight default link simblkKey Identifier\n"
         "highlight default link simblkStep Statement\n"
         "highlight default link simblkMeta PreProc\n"
         "highlight default link simblkResult Special\n"
         "highlight default link simblkNumber Number\n"
         "highlight default link simblkRule Tag\n"
         "highlight default link simblkString String\n"
         "highlight default link simblkComment Comment\n"
         "\n"
         "let b:current_syntax = 'simblk'");
}

/* False: there is no such set. */
static bool print_set(const char *name)
{
    for (int set = 0; set < CHOICES_COUNT; set++) {
        if (strcmp(scenario_choices_name((enum scenario_choices)set), name) != 0)
            continue;
        for (size_t i = 0; i < scenario_choice_count((enum scenario_choices)set); i++)
            puts(scenario_choice((enum scenario_choices)set, i));
        return true;
    }
    fprintf(stderr, "there is no set %s of choices\n", name);
    return false;
}

int main(int argc, char **argv)
{
    struct words steps = {.count = 0}, keys = {.count = 0}, marks = {.count = 0};
    struct words values = {.count = 0};

    for (size_t i = 0; i < scenario_row_count(); i++) {
        const struct scenario_row *row = scenario_row_at(i);

        add(&steps, row->name);
        add_fields(row, &keys, &marks, &values);
    }
    for (int key = 0; key < CONDITION_COUNT_OF_ALL; key++) {
        const struct scenario_condition_row *row =
            scenario_condition_row((enum scenario_condition_key)key);

        add(&keys, row->name);
        if (row->type == SCENARIO_TYPE_CHOICE)
            add_set(&values, (enum scenario_choices)row->min);
    }
    if (argc > 1 && strcmp(argv[1], "names") != 0) {
        if (!print_set(argv[1]))
            return 1;
    } else if (argc > 1) {
        for (size_t i = 0; i < steps.count; i++)
            puts(steps.word[i]);
    } else {
        print_file(&steps, &keys, &marks, &values);
    }
    return fflush(stdout) == 0 ? 0 : 1;
}
