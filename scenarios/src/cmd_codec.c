/* SPDX-License-Identifier: ISC */
/*
 * simblk encode and decode: a program between its text and the bytes that fuzzers use.
 */
#include "tool.h"

#include "scenario/bytes.h"

#include <stdlib.h>

struct codec {
    const char *input;
    const char *output;
    struct scenario_program program;
    struct scenario_buffer result;
};

static int read_arguments(struct codec *codec, const char *name, int argc, char **argv)
{
    const struct tool_option options[] = {
        {"--output", TOOL_TEXT, "FILE", "instead of standard output", &codec->output, NULL},
    };
    int rest = 0;
    int rc = tool_options(tool_command_find(name), options, 1, argc, argv, &rest);

    if (rc != -1)
        return rc;
    if (rest != 1)
        return tool_error("%s: needs one file (- is standard input)", name);
    codec->input = argv[1];
    scenario_program_init(&codec->program);
    scenario_buffer_init(&codec->result);
    return -1;
}

static int finish(struct codec *codec, int rc)
{
    const struct scenario_buffer *result = &codec->result;

    if (rc == TOOL_OK && result->failed)
        rc = tool_error("no memory");
    else if (rc == TOOL_OK && codec->output != NULL)
        rc = tool_write_file(codec->output, result->data, result->length) ? TOOL_OK : TOOL_USAGE;
    else if (rc == TOOL_OK && result->length > 0)
        rc =
            fwrite(result->data, 1, result->length, stdout) == result->length && fflush(stdout) == 0
                ? TOOL_OK
                : tool_error("standard output cannot be written");
    scenario_buffer_fini(&codec->result);
    scenario_program_fini(&codec->program);
    return rc;
}

int cmd_encode(int argc, char **argv)
{
    struct codec codec = {NULL, NULL, {.steps = NULL}, {.data = NULL}};
    int rc = read_arguments(&codec, "encode", argc, argv);

    if (rc != -1)
        return rc;
    rc = tool_load(codec.input, &codec.program, TOOL_SCENARIO, NULL);
    if (rc == TOOL_OK && scenario_encode(&codec.program, &codec.result) != SCENARIO_OK)
        rc = tool_error("no memory");
    return finish(&codec, rc);
}

int cmd_decode(int argc, char **argv)
{
    struct codec codec = {NULL, NULL, {.steps = NULL}, {.data = NULL}};
    int rc = read_arguments(&codec, "decode", argc, argv);
    size_t length = 0;
    char *bytes;

    if (rc != -1)
        return rc;
    bytes = tool_read_file(codec.input, &length);
    rc = bytes != NULL ? TOOL_OK : TOOL_USAGE;
    if (rc == TOOL_OK && (scenario_decode(&codec.program, bytes, length, NULL) != SCENARIO_OK ||
                          scenario_print(&codec.program, &codec.result) != SCENARIO_OK))
        rc = tool_error("no memory");
    free(bytes);
    return finish(&codec, rc);
}
