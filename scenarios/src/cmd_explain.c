/* SPDX-License-Identifier: ISC */
/*
 * simblk explain: a rule in full, its sentence, its reason, where the headers of Xen say so, and
 * the bugs that it would have caught; without one the list of all rules.
 */
#include "explain.h"
#include "tool.h"

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

int cmd_explain(int argc, char **argv)
{
    int rest = 0;
    int rc = tool_options(tool_command_find("explain"), NULL, 0, argc, argv, &rest);

    if (rc != -1)
        return rc;
    for (int i = 1; i <= rest; i++) {
        if (read_rule(argv[i]) == 0)
            return tool_error("explain: there is no rule '%s'; rules are I1 to I%d, and simblk "
                              "explain lists them",
                              argv[i], SIMBACK_RULES);
    }
    if (rest == 0)
        print_list();
    for (int i = 1; i <= rest; i++) {
        if (i > 1)
            fputs("\n\n", stdout);
        print_rule(read_rule(argv[i]));
    }
    return TOOL_OK;
}
