/* SPDX-License-Identifier: ISC */
/*
 * The tool's command lines: one table of options for each command, "--name value" or
 * "--name=value", and messages that say what was found and what was meant.
 */
#include "suggest.h"
#include "tool.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static void print_help(const struct tool_command *command, const struct tool_option *options,
                       size_t count)
{
    printf("usage: simblk %s [OPTION...] %s\n\n%s\n\n", command->name, command->arguments,
           command->help);
    for (size_t i = 0; i < count; i++) {
        char left[48];

        snprintf(left, sizeof(left), "%s%s%s", options[i].name,
                 options[i].argument != NULL ? " " : "",
                 options[i].argument != NULL ? options[i].argument : "");
        printf("  %-24s %s\n", left, options[i].help);
    }
}

static int unknown_option(const struct tool_command *command, const struct tool_option *options,
                          size_t count, const char *name, size_t length)
{
    struct suggestion near;
    char meant[96];

    suggestion_init(&near, name, length);
    for (size_t i = 0; i < count; i++)
        suggestion_offer(&near, options[i].name);
    suggestion_text(&near, meant, sizeof(meant));
    return tool_error("%s: unknown option '%.*s'%s (simblk %s --help lists all)", command->name,
                      (int)length, name, meant, command->name);
}

/* Decimal, or hexadecimal behind 0x, as in scenarios; a leading zero is no octal. */
static bool parse_number(const char *text, uint64_t *number)
{
    bool hexadecimal = text[0] == '0' && (text[1] == 'x' || text[1] == 'X') && text[2] != '\0';
    const char *digits = hexadecimal ? text + 2 : text;
    char *end;

    if (digits[0] == '\0' || strspn(digits, "0123456789abcdefABCDEF") != strlen(digits))
        return false;
    errno = 0;
    *number = strtoull(digits, &end, hexadecimal ? 16 : 10);
    return errno == 0 && *end == '\0';
}

/* Stores a value; false after a message. */
static bool take_value(const struct tool_command *command, const struct tool_option *option,
                       const char *value)
{
    if (option->kind == TOOL_TEXT) {
        *(const char **)option->target = value;
    } else if (option->kind == TOOL_LIST) {
        struct tool_texts *texts = option->target;

        if (texts->count == TOOL_TEXTS_MAX) {
            tool_error("%s: %s stands more than %d times", command->name, option->name,
                       (int)TOOL_TEXTS_MAX);
            return false;
        }
        texts->text[texts->count++] = value;
    } else if (!parse_number(value, option->target)) {
        tool_error("%s: %s needs a number, found '%s'", command->name, option->name, value);
        return false;
    }
    return true;
}

static const struct tool_option *find_option(const struct tool_option *options, size_t count,
                                             const char *text, size_t length)
{
    for (size_t i = 0; i < count; i++) {
        if (strlen(options[i].name) == length && memcmp(options[i].name, text, length) == 0)
            return &options[i];
    }
    return NULL;
}

int tool_options(const struct tool_command *command, const struct tool_option *options,
                 size_t option_count, int argc, char **argv, int *rest)
{
    int kept = 1;
    int i = 1;

    for (; i < argc && strcmp(argv[i], "--") != 0; i++) {
        const char *text = argv[i];
        const char *equals = strchr(text, '=');
        size_t length = equals != NULL ? (size_t)(equals - text) : strlen(text);
        const struct tool_option *option;

        if (text[0] != '-' || text[1] == '\0') {
            argv[kept++] = argv[i];
            continue;
        }
        if (strcmp(text, "--help") == 0 || strcmp(text, "-h") == 0) {
            print_help(command, options, option_count);
            return TOOL_OK;
        }
        option = find_option(options, option_count, text, length);
        if (option == NULL)
            return unknown_option(command, options, option_count, text, length);
        if (option->given != NULL)
            *option->given = true;
        if (option->kind == TOOL_FLAG) {
            if (equals != NULL)
                return tool_error("%s: %s takes no value", command->name, option->name);
            *(bool *)option->target = true;
            continue;
        }
        if (equals == NULL && i + 1 == argc)
            return tool_error("%s: %s needs %s behind it", command->name, option->name,
                              option->argument);
        if (!take_value(command, option, equals != NULL ? equals + 1 : argv[++i]))
            return TOOL_USAGE;
    }
    for (i++; i < argc; i++)
        argv[kept++] = argv[i];
    *rest = kept - 1;
    return -1;
}
