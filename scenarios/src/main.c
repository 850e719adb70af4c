/* SPDX-License-Identifier: ISC */
/*
 * The `simblk` tool: finds the sub-command and leaves the rest to it.
 */
#include "suggest.h"
#include "tool.h"

#include <stdarg.h>
#include <string.h>

static const struct tool_command commands[] = {
    {"run", "PATH...", "play scenarios (files or folders) and judge the frontend by the rules",
     cmd_run},
    {"compare", "FRONTEND...", "play the same on several frontends, and set them side by side",
     cmd_compare},
    {"explain", "[NAME...]",
     "tell what a rule says, why, and which bugs it would have caught; or what a step does",
     cmd_explain},
    {"show", "FILE", "print a scenario as the tool understands it, or the steps it would play",
     cmd_show},
    {"fmt", "FILE...", "rewrite scenarios in canonical form", cmd_fmt},
    {"encode", "FILE", "turn a scenario into bytes, as fuzzers use them", cmd_encode},
    {"decode", "FILE", "turn bytes into a scenario", cmd_decode},
    {"dialects", "[NAME]", "list the backends that are imitated, or print one as text",
     cmd_dialects},
    {"explore", "PATH...", "play scenarios in every order in which the world can go", cmd_explore},
    {"swarm", "", "play programs by seed: trouble of all kinds, and then all has to be well",
     cmd_swarm},
    {"shrink", "FILE", "make a scenario that fails as small as it can be", cmd_shrink},
    {"fuzz", "TARGET", "hammer a part with a libFuzzer program; what it finds becomes a scenario",
     cmd_fuzz},
    {"soak", "", "verified requests in threads, while connections end and begin, for days",
     cmd_soak},
    {"diff", "FILE", "play a scenario simulated and on a real Xen, and print what differs",
     cmd_diff},
    {"serve", "FILE", "be the backend of a real guest's device, in dom0", cmd_serve},
    {"bench", "", "measure rates beside the copy of the same bytes", cmd_bench},
};

enum { COMMANDS = sizeof(commands) / sizeof(commands[0]) };

int tool_error(const char *format, ...)
{
    va_list arguments;

    fputs("simblk: ", stderr);
    va_start(arguments, format);
    vfprintf(stderr, format, arguments);
    va_end(arguments);
    fputc('\n', stderr);
    return TOOL_USAGE;
}

const struct tool_command *tool_command_find(const char *name)
{
    for (size_t i = 0; i < COMMANDS; i++) {
        if (strcmp(commands[i].name, name) == 0)
            return &commands[i];
    }
    return NULL;
}

static void print_usage(FILE *stream)
{
    fputs("usage: simblk COMMAND [OPTION...] [ARGUMENT...]\n\n", stream);
    for (size_t i = 0; i < COMMANDS; i++)
        fprintf(stream, "  %-8s %-11s %s\n", commands[i].name, commands[i].arguments,
                commands[i].help);
    fputs("\n`simblk COMMAND --help` tells a command's options.\n", stream);
}

static int unknown_command(const char *name)
{
    struct suggestion near;
    char meant[96];

    suggestion_init(&near, name, strlen(name));
    for (size_t i = 0; i < COMMANDS; i++)
        suggestion_offer(&near, commands[i].name);
    suggestion_text(&near, meant, sizeof(meant));
    return tool_error("unknown command '%s'%s (simblk --help lists all)", name, meant);
}

/* What was printed has to have arrived, or a full disk would look like an empty list. */
static int finish(int rc)
{
    bool ok = fflush(stdout) == 0 && ferror(stdout) == 0;

    if (!ok && rc != TOOL_USAGE)
        rc = tool_error("standard output cannot be written");
    return rc;
}

int main(int argc, char **argv)
{
    const struct tool_command *command;

    if (argc < 2) {
        print_usage(stderr);
        return TOOL_USAGE;
    }
    if (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0) {
        print_usage(stdout);
        return finish(TOOL_OK);
    }
    if (strcmp(argv[1], "--version") == 0) {
        puts("simblk " SIMBLK_VERSION);
        return finish(TOOL_OK);
    }
    command = tool_command_find(argv[1]);
    if (command == NULL)
        return unknown_command(argv[1]);
    return finish(command->run(argc - 1, argv + 1));
}
