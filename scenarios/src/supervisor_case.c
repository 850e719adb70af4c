/* SPDX-License-Identifier: ISC */
/*
 * What a worker process leaves behind of a case: what it printed, the world's last events, and,
 * when it died in the middle, the verdict that it could not give itself.
 */
#include "supervisor.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

/* Of what a process printed, so much is kept at the beginning and so much at the end. */
enum { OUTPUT_KEPT = 64 << 10 };

void tool_result_fini(struct tool_result *result)
{
    free(result->events);
    free(result->output);
    free(result->trace);
    ladder_fini(&result->ladder);
    free(result->capture);
    memset(result, 0, sizeof(*result));
}

static void add_piece(struct scenario_buffer *text, int file, off_t from, off_t to)
{
    char piece[4096];

    while (from < to) {
        size_t wanted = to - from < (off_t)sizeof(piece) ? (size_t)(to - from) : sizeof(piece);
        ssize_t got = pread(file, piece, wanted, from);

        if (got <= 0)
            return;
        for (ssize_t i = 0; i < got; i++)
            piece[i] = piece[i] == '\0' ? ' ' : piece[i];
        scenario_buffer_add(text, piece, (size_t)got);
        from += got;
    }
}

static void empty(int descriptor)
{
    if (ftruncate(descriptor, 0) != 0 || lseek(descriptor, 0, SEEK_SET) != 0)
        tool_error("a worker's output cannot be cut: %s", strerror(errno));
}

/* The worker writes through the same open file, so its place in it is ours to reset; stdio would
 * keep a copy of what was there before. */
char *supervisor_take_output(FILE *file, bool whole)
{
    const off_t kept = OUTPUT_KEPT;
    struct scenario_buffer text;
    int descriptor;
    off_t size;

    if (file == NULL)
        return NULL;
    descriptor = fileno(file);
    size = lseek(descriptor, 0, SEEK_END);
    scenario_buffer_init(&text);
    if (whole || size <= 2 * kept) {
        add_piece(&text, descriptor, 0, size);
    } else {
        add_piece(&text, descriptor, 0, kept);
        scenario_buffer_format(&text, "\n[%lld bytes left out]\n", (long long)(size - 2 * kept));
        add_piece(&text, descriptor, size - kept, size);
    }
    empty(descriptor);
    if (whole && text.failed)
        scenario_buffer_fini(&text);
    return text.data;
}

char *supervisor_take_bytes(FILE *file, size_t *length)
{
    char *bytes = NULL;
    ssize_t got = 1;
    off_t size;

    *length = 0;
    if (file == NULL)
        return NULL;
    size = lseek(fileno(file), 0, SEEK_END);
    if (size > 0)
        bytes = malloc((size_t)size);
    if (size > 0 && bytes == NULL)
        *length = (size_t)size;
    while (bytes != NULL && got > 0 && *length < (size_t)size) {
        got = pread(fileno(file), bytes + *length, (size_t)size - *length, (off_t)*length);
        *length += got > 0 ? (size_t)got : 0;
    }
    empty(fileno(file));
    return bytes;
}

/* A picture that is not whole is none. */
void supervisor_take_ladder(FILE *file, const struct scenario_verdict *verdict,
                            struct ladder *ladder)
{
    if (file == NULL)
        return;
    if (!ladder_read(ladder, fileno(file)) ||
        (ladder->count != 0 && !ladder_judge(ladder, verdict)))
        ladder_fini(ladder);
    empty(fileno(file));
}

char *supervisor_take_events(const struct scenario_progress *progress)
{
    struct scenario_buffer text;
    uint32_t lines = progress->event_lines;

    scenario_buffer_init(&text);
    for (uint32_t i = 0; i < lines && i < SCENARIO_EVENT_LINES; i++)
        scenario_buffer_format(&text, "%.*s\n", SCENARIO_EVENT_TEXT - 1, progress->event_text[i]);
    return text.data;
}

/* The line of a sanitizer's report that says what it is; NULL if there is none. */
static const char *find_report(const char *output)
{
    static const char *const marks[] = {"ERROR: ", "WARNING: ThreadSanitizer", "runtime error: "};
    const char *report = NULL;

    for (size_t i = 0; output != NULL && report == NULL && i < sizeof(marks) / sizeof(marks[0]);
         i++)
        report = strstr(output, marks[i]);
    return report;
}

/* What the rules had to say before the frontend died is most often why. */
static void add_broken(const struct scenario_progress *progress, struct scenario_verdict *verdict)
{
    size_t length = strlen(verdict->reason);

    if (progress != NULL && progress->broken[0] != '\0')
        snprintf(verdict->reason + length, sizeof(verdict->reason) - length, "; before: %.*s",
                 SCENARIO_EVENT_TEXT - 1, progress->broken);
}

void supervisor_judge_death(const struct scenario_progress *progress, int status, bool stuck,
                            uint64_t stuck_seconds, const char *output,
                            struct scenario_verdict *verdict)
{
    const char *report = find_report(output);

    memset(verdict, 0, sizeof(*verdict));
    verdict->step = progress == NULL ? 0 : progress->step;
    verdict->line = progress == NULL ? 0 : progress->line;
    verdict->outcome = SCENARIO_CRASHED;
    verdict->rule = 13;
    if (stuck) {
        verdict->outcome = SCENARIO_NO_PROGRESS;
        verdict->rule = 4;
        snprintf(verdict->reason, sizeof(verdict->reason),
                 "the frontend did not return from a call: no step for %llu seconds",
                 (unsigned long long)stuck_seconds);
    } else if (report != NULL) {
        snprintf(verdict->reason, sizeof(verdict->reason), "crashed: %.*s",
                 (int)strcspn(report, "\n"), report);
    } else if (WIFSIGNALED(status)) {
        snprintf(verdict->reason, sizeof(verdict->reason), "crashed: %s",
                 strsignal(WTERMSIG(status)));
    } else {
        snprintf(verdict->reason, sizeof(verdict->reason),
                 "the process ended with exit code %d in the middle", WEXITSTATUS(status));
    }
    add_broken(progress, verdict);
    verdict->exit_code = scenario_exit_code(verdict->outcome);
}
