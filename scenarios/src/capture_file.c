/* SPDX-License-Identifier: ISC */
/*
 * Where a run is reported: the file that was asked for, a section for each case, with its verdict.
 */
#include "capture.h"
#include "capture_packet.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

bool capture_open(struct capture_file *file, const char *path)
{
    memset(file, 0, sizeof(*file));
    if (path == NULL)
        return true;
    file->path = path;
    file->stream = fopen(path, "wb");
    if (file->stream == NULL)
        tool_error("%s: cannot be written: %s", path, strerror(errno));
    return file->stream != NULL;
}

/* At the time of the last packet: a worker that died has taken the world's clock with it. */
static void add_verdict(struct scenario_buffer *block, const struct scenario_verdict *verdict,
                        uint64_t time_ns)
{
    const struct simback_event event = {
        .domid = CAPTURE_NOBODY,
        .device = SIMBACK_NO_DEVICE,
        .result = verdict->exit_code,
        .a = verdict->rule,
        .b = verdict->step,
        .c = verdict->line,
        .path = scenario_outcome_name(verdict->outcome),
        .bytes = verdict->reason,
        .length = strlen(verdict->reason),
    };
    struct scenario_buffer payload;

    scenario_buffer_init(&payload);
    capture_payload(&payload, CAPTURE_VERDICT, &event);
    block->failed |= payload.failed;
    pcapng_packet(block, 0, time_ns, PCAPNG_INBOUND, payload.data, payload.length);
    scenario_buffer_fini(&payload);
}

/* The first error is the reason, those after it may be others. */
static void put(struct capture_file *file, const void *data, size_t length)
{
    if (file->error == 0 && length != 0 && fwrite(data, 1, length, file->stream) != length)
        file->error = errno;
}

void capture_add(struct capture_file *file, const char *id, const char *title,
                 struct tool_result *result)
{
    struct scenario_buffer block;
    uint64_t time_ns;
    size_t whole;

    if (file->stream == NULL)
        return;
    if (result->capture == NULL && result->capture_length != 0) {
        file->error = ENOMEM;
        return;
    }
    whole = pcapng_whole(result->capture, result->capture_length, &time_ns);
    scenario_buffer_init(&block);
    if (whole == 0)
        capture_section(&block, id, title);
    add_verdict(&block, &result->verdict, time_ns);
    put(file, result->capture, whole);
    if (block.failed)
        file->error = ENOMEM;
    put(file, block.data, block.length);
    scenario_buffer_fini(&block);
    free(result->capture);
    result->capture = NULL;
    result->capture_length = 0;
}

int capture_close(struct capture_file *file, int rc)
{
    if (file->stream == NULL)
        return rc;
    if (fclose(file->stream) != 0 && file->error == 0)
        file->error = errno;
    file->stream = NULL;
    if (file->error != 0)
        return tool_error("%s: cannot be written: %s", file->path, strerror(file->error));
    return rc;
}
