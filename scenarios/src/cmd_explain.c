/* SPDX-License-Identifier: ISC */
/*
 * simblk explain: a rule in full, its sentence, its reason, where the headers of Xen say so, and
 * the bugs that it would have caught; a step of the language as its reference has it; without
 * either the list of all rules.
 */
#include "explain.h"
#include "suggest.h"
#include "tool.h"

#include "scenario/reference.h"

#include <stdlib.h>
#include <string.h>

enum { WIDTH = 78 };

/* In lines of WIDTH columns, behind a margin. */
static void print_wrapped(const char *margin, const char *text)
{
    size_t column = 0;

    while (*text != '\0') {
        size_t word = strcspn(text, " ");

        if (column != 0 && column + 1 + word > WIDTH - strlen(margin)) {
            putchar('\n');
            column = 0;
        }
        if (column == 0)
            fputs(margin, stdout);
        else
            putchar(' ');
        printf("%.*s", (int)word, text);
        column += word + (column != 0);
        text += word;
        text += *text == ' ';
    }
    putchar('\n');
}

/* 7 for "I7", "i7" or "7"; 0: no rule. */
static unsigned read_rule(const char *text)
{
    char *end;
    unsigned long number;

    if (*text == 'I' || *text == 'i')
        text++;
    if (*text < '1' || *text > '9')
        return 0;
    number = strtoul(text, &end, 10);
    return *end == '\0' && number <= SIMBACK_RULES ? (unsigned)number : 0;
}

static void print_list(void)
{
    for (unsigned rule = 1; rule <= SIMBACK_RULES; rule++)
        printf("I%-3u %s\n", rule, simback_rule_text((uint8_t)rule));
}

static void print_bug(const struct explained_bug *bug)
{
    char margin[] = "    ";
    char head[32];

    snprintf(head, sizeof(head), "%3u %c  ", bug->row, bug->side);
    printf("%s%s\n", head, bug->text);
    for (const char *name = bug->scenarios; *name != '\0';) {
        size_t length = strcspn(name, " ");

        printf("%s   scenarios/regression/%.*s.scn\n", margin, (int)length, name);
        name += length;
        name += *name == ' ';
    }
}

static void print_rule(unsigned rule)
{
    const struct explained_rule *explained = &explained_rules[rule];
    bool any = false;

    printf("I%u ", rule);
    print_wrapped("", simback_rule_text((uint8_t)rule));
    fputs("\nWhy\n", stdout);
    print_wrapped("    ", explained->why);
    fputs("\nWhere it is from\n", stdout);
    print_wrapped("    ", explained->source);
    for (unsigned i = 0; i < explained_bug_count; i++) {
        if ((explained_bugs[i].rules >> rule & 1) == 0)
            continue;
        if (!any)
            fputs(
                "\nBugs that it would have caught (docs/bugs.md; F frontend, B backend, R ring, X "
                "XenStore)\n",
                stdout);
        any = true;
        print_bug(&explained_bugs[i]);
    }
}

/* "backend" is a step, and the first word of others: all of them are meant. */
static bool is_meant(const struct scenario_row *row, const char *name)
{
    size_t length = strlen(name);

    return strncmp(row->name, name, length) == 0 &&
           (row->name[length] == '\0' || row->name[length] == ' ');
}

static bool is_step(const char *name)
{
    for (size_t i = 0; i < scenario_row_count(); i++) {
        if (is_meant(scenario_row_at(i), name))
            return true;
    }
    return false;
}

static int print_steps(const char *name)
{
    static const char heading[] = "#### ";
    struct scenario_buffer text;
    const char *separator = "";
    bool failed = false;

    for (size_t i = 0; i < scenario_row_count() && !failed; i++) {
        if (!is_meant(scenario_row_at(i), name))
            continue;
        scenario_buffer_init(&text);
        scenario_reference_step(scenario_row_at(i), &text);
        scenario_reference_conditions(scenario_row_at(i), &text);
        failed = text.failed;
        if (!failed)
            printf("%s%.*s", separator, (int)(text.length - strlen(heading) - 1),
                   text.data + strlen(heading));
        separator = "\n\n";
        scenario_buffer_fini(&text);
    }
    return failed ? tool_error("no memory") : TOOL_OK;
}

static int unknown(const char *name)
{
    struct suggestion near;
    char meant[96];

    suggestion_init(&near, name, strlen(name));
    for (size_t i = 0; i < scenario_row_count(); i++)
        suggestion_offer(&near, scenario_row_at(i)->name);
    suggestion_text(&near, meant, sizeof(meant));
    return tool_error(
        "explain: there is no rule and no step '%s'%s (simblk explain lists the rules, "
        "I1 to I%d; docs/language.md and simblk-scenario(5) have the steps)",
        name, meant, SIMBACK_RULES);
}

int cmd_explain(int argc, char **argv)
{
    int rest = 0;
    int rc = tool_options(tool_command_find("explain"), NULL, 0, argc, argv, &rest);

    if (rc != -1)
        return rc;
    for (int i = 1; i <= rest; i++) {
        if (read_rule(argv[i]) == 0 && !is_step(argv[i]))
            return unknown(argv[i]);
    }
    if (rest == 0)
        print_list();
    rc = TOOL_OK;
    for (int i = 1; i <= rest && rc == TOOL_OK; i++) {
        if (i > 1)
            fputs("\n\n", stdout);
        if (read_rule(argv[i]) != 0)
            print_rule(read_rule(argv[i]));
        else
            rc = print_steps(argv[i]);
    }
    return rc;
}
