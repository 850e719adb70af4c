/* SPDX-License-Identifier: ISC */
/*
 * simblk bench: rates of requests beside the copy of the same bytes. Rows with all rules are
 * measured here, with the observed library; rows with none by simblk-bench-plain beside this
 * program.
 */
#include "bench.h"
#include "tool.h"

#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

struct bench_command {
    struct bench_options options;
    const char *world;
    bool threads;
    bool every;
    const struct bench_case *list;
    size_t count;
    uint64_t repeats;
    uint64_t milliseconds;
    bool json;
    bool first;
};

/* Names of every row are longer than those of the chosen ones. */
static int name_width(const struct bench_command *command)
{
    return command->every ? 43 : 31;
}

static void print_row(struct bench_command *command, size_t index, const char *rules,
                      const struct bench_result *row)
{
    const char *name = command->list[index].name;
    char allocations[24];

    if (command->threads) /* they are not counted there */
        snprintf(allocations, sizeof(allocations), "%s", command->json ? "null" : "-");
    else
        snprintf(allocations, sizeof(allocations), "%.4f", row->allocations);
    if (command->json) {
        printf("%s\n  {\"row\": \"%s\", \"rules\": \"%s\", \"requests_per_second\": %.0f, "
               "\"yardstick_per_second\": %.0f, \"ratio\": %.4f, \"empty_per_second\": %.0f, "
               "\"times_empty_and_copy\": %.3f, \"notifications\": %.4f, \"allocations\": %s, "
               "\"copies_per_byte\": %.4f}",
               command->first ? "" : ",", name, rules, row->requests_per_second,
               row->copies_per_second, row->ratio, row->empty_per_second, row->times,
               row->notifications, allocations, row->copied);
    } else {
        printf("%-*s %-5s %11.0f %11.0f %6.3f %11.0f %6.2f %6.3f %7s %6.2f\n", name_width(command),
               name, rules, row->requests_per_second, row->copies_per_second, row->ratio,
               row->empty_per_second, row->times, row->notifications, allocations, row->copied);
    }
    command->first = false;
    fflush(stdout);
}

/* Starts the program and gives what it prints; NULL: it cannot be started. */
static FILE *start_plain(const struct bench_command *command, const char *path, pid_t *pid)
{
    char repeats[24];
    char milliseconds[24];
    int ends[2];

    snprintf(repeats, sizeof(repeats), "%" PRIu64, command->repeats);
    snprintf(milliseconds, sizeof(milliseconds), "%" PRIu64, command->milliseconds);
    if (pipe(ends) != 0)
        return NULL;
    fflush(stdout);
    *pid = fork();
    if (*pid == 0) {
        dup2(ends[1], STDOUT_FILENO);
        close(ends[0]);
        close(ends[1]);
        execl(path, path, repeats, milliseconds, command->world,
              command->every ? "every" : "chosen", command->options.rows, (char *)NULL);
        _exit(TOOL_USAGE);
    }
    close(ends[1]);
    if (*pid > 0)
        return fdopen(ends[0], "r");
    close(ends[0]);
    return NULL;
}

static int run_plain(struct bench_command *command)
{
    char path[PATH_MAX];
    char line[256];
    FILE *rows;
    pid_t pid;
    int status = 0;

    if (!tool_beside("simblk-bench-plain", path, sizeof(path)))
        return tool_error("bench: simblk-bench-plain is not there beside simblk; build or install "
                          "it too");
    rows = start_plain(command, path, &pid);
    if (rows == NULL)
        return tool_error("bench: simblk-bench-plain cannot be started: %s", strerror(errno));
    while (fgets(line, sizeof(line), rows) != NULL) {
        struct bench_result row;
        size_t index;

        if (sscanf(line, "%zu\t%lf\t%lf\t%lf\t%lf\t%lf\t%lf\t%lf\t%lf", &index,
                   &row.requests_per_second, &row.copies_per_second, &row.empty_per_second,
                   &row.ratio, &row.times, &row.notifications, &row.allocations,
                   &row.copied) == 9 &&
            index < command->count)
            print_row(command, index, "none", &row);
    }
    fclose(rows);
    if (waitpid(pid, &status, 0) == pid && status == 0)
        return TOOL_OK;
    if (WIFSIGNALED(status))
        tool_error("bench: %s was ended by signal %d", path, WTERMSIG(status));
    else
        tool_error("bench: %s has ended with %d", path, WEXITSTATUS(status));
    return TOOL_FAILED;
}

static int run_observed(struct bench_command *command)
{
    char error[300];

    for (size_t i = 0; i < command->count; i++) {
        struct bench_result row;

        if (!bench_wanted(&command->options, command->list, command->count, i) ||
            command->list[i].setup->devices > BENCH_JUDGED_DEVICES)
            continue;
        if (bench_run(&command->options, &command->list[i], &row, error, sizeof(error)) != 0) {
            tool_error("bench: %s", error);
            return TOOL_FAILED;
        }
        print_row(command, i, "all", &row);
    }
    return TOOL_OK;
}

/* Kibibytes, of which pages are whole ones. */
static double kib(size_t bytes)
{
    return (double)bytes / 1024;
}

static void print_memory(struct bench_command *command, const struct bench_setup *setup,
                         const struct bench_memory *memory)
{
    if (command->json) {
        printf("%s\n  {\"options\": \"%s\", \"world_bytes\": %zu, \"device_bytes\": %zu, "
               "\"ring_bytes\": %zu, \"pool_bytes\": %zu}",
               command->first ? "" : ",", setup->name, memory->world_bytes, memory->device_bytes,
               memory->ring_bytes, memory->pool_bytes);
    } else {
        printf("%-32s %10.1f %10.0f %10.0f %10.1f\n", setup->name, kib(memory->device_bytes),
               kib(memory->ring_bytes), kib(memory->pool_bytes),
               kib(memory->device_bytes - memory->ring_bytes - memory->pool_bytes));
    }
    command->first = false;
}

static int run_memory(struct bench_command *command, size_t *world_bytes)
{
    char error[300];

    command->first = true;
    for (size_t i = 0; i < bench_setup_count; i++) {
        struct bench_memory memory;

        if (bench_measure_memory(&command->options, &bench_setups[i], &memory, error,
                                 sizeof(error)) != 0) {
            tool_error("bench: %s", error);
            return TOOL_FAILED;
        }
        print_memory(command, &bench_setups[i], &memory);
        *world_bytes = memory.world_bytes;
    }
    return TOOL_OK;
}

static void print_growth(struct bench_command *command, const struct bench_growth *growth,
                         size_t bytes)
{
    const uint64_t sectors =
        growth->setup.sectors == 0 ? BENCH_DISK_BYTES / 512 : growth->setup.sectors;
    const unsigned devices = growth->setup.devices == 0 ? 1 : growth->setup.devices;

    if (command->json)
        printf("%s\n  {\"devices\": %u, \"sectors\": %" PRIu64 ", \"blocks_touched\": %" PRIu32
               ", \"bytes\": %zu}",
               command->first ? "" : ",", devices, sectors, growth->blocks, bytes);
    else
        printf("%7u %15" PRIu64 " %9" PRIu32 " %12.1f\n", devices, sectors, growth->blocks,
               kib(bytes));
    command->first = false;
}

/* What memory grows with, and what not; without rules, since these look at some devices alone. */
static int run_growth(struct bench_command *command)
{
    struct bench_options options = command->options;
    char error[300];

    options.rules = false;
    command->first = true;
    for (size_t i = 0; i < bench_growth_count; i++) {
        size_t bytes;

        if (bench_measure_growth(&options, &bench_growths[i], &bytes, error, sizeof(error)) != 0) {
            tool_error("bench: %s", error);
            return TOOL_FAILED;
        }
        print_growth(command, &bench_growths[i], bytes);
    }
    return TOOL_OK;
}

/* What is taken is the stepped world's, and no row. */
static bool takes_memory(const struct bench_command *command)
{
    return !command->threads && !command->every && command->options.rows == NULL;
}

static int run_for_programs(struct bench_command *command)
{
    size_t world_bytes;
    int rc;

    printf("{\"format\": \"simblk-bench\", \"version\": 3, \"repeats\": %" PRIu64 ", \"rows\": [",
           command->repeats);
    rc = run_plain(command);
    if (rc == TOOL_OK && !command->threads)
        rc = run_observed(command);
    if (rc == TOOL_OK && takes_memory(command)) {
        printf("\n ], \"memory\": [");
        rc = run_memory(command, &world_bytes);
    }
    if (rc == TOOL_OK && takes_memory(command)) {
        printf("\n ], \"growth\": [");
        rc = run_growth(command);
    }
    printf("\n ]}\n");
    return rc;
}

static int run_for_people(struct bench_command *command)
{
    size_t world_bytes = 0;
    int rc;

    printf("%-*s rules  requests/s yardstick/s  ratio     empty/s  times  notif   alloc copies\n"
           "%*s\n",
           name_width(command), "row", name_width(command) + 75, "per request per byte");
    rc = run_plain(command);
    if (rc == TOOL_OK && !command->threads)
        rc = run_observed(command);
    if (rc != TOOL_OK)
        return rc;
    printf(
        "\nyardstick: the same bytes, in pieces of at most 4 KiB, at random places, drawn alike, "
        "of 64 "
        "MiB, copied by one core in the same\nrun (bounced and persistent rows: twice); empty: "
        "round "
        "trips over a ring with the same header and slots, without data;\ntimes: as long as one of "
        "these and the copy, one after the other; the middle of %" PRIu64
        " repeats of eight turns.\n",
        command->repeats);
    if (!takes_memory(command))
        return rc;
    puts("\nmemory of an idle device        KiB in all      rings      pools       rest");
    rc = run_memory(command, &world_bytes);
    if (rc == TOOL_OK)
        printf("\nof frontend, backend and rules, in an empty world of %.1f KiB; none is on the "
               "heap.\n",
               kib(world_bytes));
    if (rc != TOOL_OK)
        return rc;
    puts("\ndevices disk in sectors   touched   KiB in all\n"
         "                            blocks      no rules");
    return run_growth(command);
}

static bool has_rows(const struct bench_command *command)
{
    for (size_t i = 0; i < command->count; i++) {
        if (bench_wanted(&command->options, command->list, command->count, i))
            return true;
    }
    return false;
}

int cmd_bench(int argc, char **argv)
{
    struct bench_command command = {.options = {.subject = tool_subject(), .rules = true},
                                    .world = "stepped",
                                    .repeats = 5,
                                    .milliseconds = 200,
                                    .first = true};
    const struct tool_option options[] = {
        {"--repeats", TOOL_NUMBER, "N",
         "how often each row is measured; default 5, the turn in the middle counts",
         &command.repeats, NULL},
        {"--time", TOOL_NUMBER, "MS", "milliseconds of each repeat; default 200",
         &command.milliseconds, NULL},
        {"--world", TOOL_TEXT, "stepped|threads",
         "threads: the backend in one, each queue in another; default stepped", &command.world,
         NULL},
        {"--rows", TOOL_TEXT, "TEXT",
         "the row of this name, or else those that have it in theirs; and no memory",
         &command.options.rows, NULL},
        {"--every", TOOL_FLAG, NULL,
         "every combination of operation, size, way of data, depth and queues; and no memory",
         &command.every, NULL},
        {"--json", TOOL_FLAG, NULL, "for programs", &command.json, NULL},
    };
    int rest = 0;
    int rc = tool_options(tool_command_find("bench"), options, 6, argc, argv, &rest);

    if (rc != -1)
        return rc;
    if (rest != 0)
        return tool_error("bench: takes no argument, found '%s'", argv[1]);
    if (command.repeats < 1 || command.repeats > BENCH_REPEATS_MAX)
        return tool_error("bench: --repeats needs a number from 1 to %d", (int)BENCH_REPEATS_MAX);
    if (command.milliseconds < 1 || command.milliseconds > 60000)
        return tool_error("bench: --time needs a number from 1 to 60000");
    command.threads = strcmp(command.world, "threads") == 0;
    if (!command.threads && strcmp(command.world, "stepped") != 0)
        return tool_error("bench: --world is stepped or threads, found '%s'", command.world);
    command.list = bench_list(command.threads, command.every, &command.count);
    if (!has_rows(&command))
        return tool_error(
            "bench: no row has '%s' in its name; simblk bench --world %s%s --repeats 1 "
            "--time 1 lists them all",
            command.options.rows, command.world, command.every ? " --every" : "");
    command.options.repeats = (uint32_t)command.repeats;
    command.options.milliseconds = (uint32_t)command.milliseconds;
    return command.json ? run_for_programs(&command) : run_for_people(&command);
}
