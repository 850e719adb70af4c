/* SPDX-License-Identifier: ISC */
/*
 * Each job is a process whose standard error is read line by line: its figures, what it found and
 * where libFuzzer has put that. Everything it says goes to a log in the folder of finds, too.
 */
#include "fuzz_jobs.h"

#include "tool.h"

#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { TERMINAL_PAUSE_MS = 500, FILE_PAUSE_MS = 10000, GRACE_SECONDS = 60 };

/* Of what a job says so much is kept: enough for a report and its program. */
enum { SAID_MAX = 32768 };

static volatile sig_atomic_t interrupted;

static void on_interrupt(int number)
{
    (void)number;
    interrupted = 1;
}

static double seconds_now(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

/* ---- starting ---- */

static _Noreturn void become(const struct fuzz_jobs *jobs, unsigned index)
{
    char time_limit[64], seed[64], prefix[1100], dictionary[1100];
    char *argv[16];
    size_t count = 0;

    snprintf(time_limit, sizeof(time_limit), "-max_total_time=%" PRIu64, jobs->time);
    snprintf(seed, sizeof(seed), "-seed=%" PRIu32, jobs->seed + index);
    snprintf(prefix, sizeof(prefix), "-artifact_prefix=%s/", jobs->finds_folder);
    snprintf(dictionary, sizeof(dictionary), "-dict=%s",
             jobs->dictionary == NULL ? "" : jobs->dictionary);
    argv[count++] = strdup(jobs->program);
    argv[count++] = time_limit;
    argv[count++] = prefix;
    argv[count++] = strdup("-print_final_stats=1");
    argv[count++] = strdup("-entropic=0");
    argv[count++] = strdup("-rss_limit_mb=512");
    argv[count++] = strdup("-timeout=30");
    /* What takes long and ends is no find. */
    argv[count++] = strdup("-report_slow_units=30");
    if (jobs->seed != 0)
        argv[count++] = seed;
    if (jobs->dictionary != NULL)
        argv[count++] = dictionary;
    argv[count++] = strdup(jobs->corpus_folder);
    if (jobs->seeds_folder != NULL)
        argv[count++] = strdup(jobs->seeds_folder);
    argv[count] = NULL;
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    execv(jobs->program, argv);
    dprintf(STDERR_FILENO, "%s: %s\n", jobs->program, strerror(errno));
    _exit(2);
}

static bool start(struct fuzz_jobs *jobs, unsigned index)
{
    struct fuzz_job *job = &jobs->job[index];
    char path[1100];
    int ends[2];

    if (pipe(ends) != 0)
        return false;
    snprintf(path, sizeof(path), "%s/log-%u", jobs->finds_folder, index);
    job->log = fopen(path, "w");
    scenario_buffer_init(&job->said);
    fflush(NULL);
    job->pid = fork();
    if (job->pid == 0) {
        dup2(ends[1], STDERR_FILENO);
        dup2(ends[1], STDOUT_FILENO);
        close(ends[0]);
        close(ends[1]);
        become(jobs, index);
    }
    close(ends[1]);
    job->output = ends[0];
    if (job->pid < 0)
        close(ends[0]);
    return job->pid > 0;
}

/* ---- listening ---- */

static uint64_t number_behind(const char *line, const char *word, uint64_t otherwise)
{
    const char *at = strstr(line, word);

    return at == NULL ? otherwise : strtoull(at + strlen(word), NULL, 10);
}

/* Cut to its room. */
static void keep_text(char *to, size_t size, const char *from)
{
    size_t length = strnlen(from, size - 1);

    memcpy(to, from, length);
    to[length] = '\0';
}

/* A job ends with what it finds. */
static void keep_find(struct fuzz_jobs *jobs, struct fuzz_job *job, const char *path)
{
    struct fuzz_find *find = &jobs->finds[jobs->find_count];

    if (job->find != NULL)
        return;
    job->find = find;
    jobs->find_count++;
    snprintf(find->input, sizeof(find->input), "%.*s", (int)strcspn(path, "\r\n"), path);
    keep_text(find->reason, sizeof(find->reason), job->reason);
    scenario_buffer_init(&find->text);
    scenario_buffer_init(&find->said);
}

/* The disk may be full, where the input and the log would be. */
static void remember(struct scenario_buffer *said, const char *line)
{
    if (said->length > SAID_MAX) {
        memmove(said->data, said->data + said->length / 2, said->length - said->length / 2);
        said->length -= said->length / 2;
    }
    scenario_buffer_text(said, line);
    scenario_buffer_text(said, "\n");
}

static void hear(struct fuzz_jobs *jobs, struct fuzz_job *job)
{
    static const char written[] = "Test unit written to ";
    const char *line = job->line;
    const char *at = strstr(line, written);

    if (job->log != NULL)
        fprintf(job->log, "%s\n", line);
    if (line[0] == '#' && strstr(line, " cov: ") != NULL) {
        job->inputs = strtoull(line + 1, NULL, 10);
        job->edges = number_behind(line, " cov: ", job->edges);
        job->features = number_behind(line, " ft: ", job->features);
        job->corpus = number_behind(line, " corp: ", job->corpus);
        job->rate = number_behind(line, " exec/s: ", job->rate);
    } else {
        remember(&job->said, line);
        if (at != NULL)
            keep_find(jobs, job, at + strlen(written));
        else if (job->reason[0] == '\0')
            (void)fuzz_find_reads(line, job->reason, sizeof(job->reason));
    }
    job->inputs = number_behind(line, "stat::number_of_executed_units: ", job->inputs);
    if (line[0] != '\0')
        keep_text(job->last_words, sizeof(job->last_words), line);
}

static void end_line(struct fuzz_jobs *jobs, struct fuzz_job *job)
{
    job->line[job->length] = '\0';
    job->length = 0;
    hear(jobs, job);
}

/* False: it says no more. A line's end that there is no room for is not heard. */
static bool listen_to(struct fuzz_jobs *jobs, struct fuzz_job *job)
{
    char block[4096];
    ssize_t got = read(job->output, block, sizeof(block));

    if (got < 0 && errno == EINTR)
        return true;
    for (ssize_t i = 0; i < got; i++) {
        if (block[i] == '\n')
            end_line(jobs, job);
        else if (job->length < sizeof(job->line) - 1)
            job->line[job->length++] = block[i];
    }
    if (got <= 0 && job->length != 0)
        end_line(jobs, job);
    return got > 0;
}

static void add_up(struct fuzz_jobs *jobs, uint64_t *rate)
{
    jobs->inputs = jobs->edges = jobs->features = jobs->corpus = *rate = 0;
    for (unsigned i = 0; i < jobs->count; i++) {
        const struct fuzz_job *job = &jobs->job[i];

        jobs->inputs += job->inputs;
        *rate += job->pid == 0 ? 0 : job->rate;
        jobs->edges = job->edges > jobs->edges ? job->edges : jobs->edges;
        jobs->features = job->features > jobs->features ? job->features : jobs->features;
        jobs->corpus = job->corpus > jobs->corpus ? job->corpus : jobs->corpus;
    }
}

static void live_line(struct fuzz_jobs *jobs, double seconds, bool terminal)
{
    uint64_t rate;

    add_up(jobs, &rate);
    fprintf(stderr,
            "%s%.0f s: %" PRIu64 " execs/s, %" PRIu64 " edges, %" PRIu64
            " features, corpus of %" PRIu64 ", %zu found%s",
            terminal ? "\r\033[K" : "", seconds, rate, jobs->edges, jobs->features, jobs->corpus,
            jobs->find_count, terminal ? "" : "\n");
}

/* ---- the end ---- */

/* Neither a find nor the end of its time: it never could work. */
static void bury(struct fuzz_jobs *jobs, struct fuzz_job *job)
{
    int status = 0;

    close(job->output);
    if (job->log != NULL && fclose(job->log) != 0 && jobs->rc == TOOL_OK)
        jobs->rc = tool_error("fuzz: the log in %s cannot be written: %s", jobs->finds_folder,
                              strerror(errno));
    job->log = NULL;
    if (job->find != NULL)
        job->find->said = job->said;
    else
        scenario_buffer_fini(&job->said);
    waitpid(job->pid, &status, 0);
    job->pid = 0;
    if (interrupted || job->find != NULL || (WIFEXITED(status) && WEXITSTATUS(status) == 0))
        return;
    jobs->rc = tool_error("fuzz: %s has ended and found nothing; its last words: %s", jobs->program,
                          job->last_words);
}

static void end_all(struct fuzz_jobs *jobs, int number)
{
    for (unsigned i = 0; i < jobs->count; i++) {
        if (jobs->job[i].pid > 0)
            kill(jobs->job[i].pid, number);
    }
}

bool fuzz_jobs_interrupted(void)
{
    return interrupted != 0;
}

/* False: all have ended. */
static bool wait_for_news(struct fuzz_jobs *jobs)
{
    struct pollfd ends[FUZZ_JOBS_MAX];
    bool any = false;

    for (unsigned i = 0; i < jobs->count; i++) {
        bool runs = jobs->job[i].pid > 0;

        ends[i] = (struct pollfd){runs ? jobs->job[i].output : -1, POLLIN, 0};
        any = any || runs;
    }
    if (!any || poll(ends, jobs->count, TERMINAL_PAUSE_MS) <= 0)
        return any;
    for (unsigned i = 0; i < jobs->count; i++) {
        if (ends[i].fd >= 0 && ends[i].revents != 0 && !listen_to(jobs, &jobs->job[i]))
            bury(jobs, &jobs->job[i]);
    }
    return true;
}

void fuzz_jobs_run(struct fuzz_jobs *jobs)
{
    bool terminal = isatty(STDERR_FILENO) != 0;
    int pause_ms = terminal ? TERMINAL_PAUSE_MS : FILE_PAUSE_MS;
    double began = seconds_now(), told = began, now;
    uint64_t rate;

    signal(SIGINT, on_interrupt);
    signal(SIGTERM, on_interrupt);
    for (unsigned i = 0; i < jobs->count; i++) {
        if (!start(jobs, i)) {
            jobs->job[i].pid = 0;
            jobs->rc = tool_error("fuzz: no process can be made: %s", strerror(errno));
        }
    }
    while (wait_for_news(jobs)) {
        now = seconds_now();
        if ((now - told) * 1000 >= pause_ms) {
            live_line(jobs, now - began, terminal);
            told = now;
        }
        if (interrupted || now - began > (double)jobs->time + GRACE_SECONDS)
            end_all(jobs, SIGKILL);
    }
    if (terminal)
        fputs("\r\033[K", stderr);
    jobs->seconds = seconds_now() - began;
    add_up(jobs, &rate);
    if (interrupted)
        jobs->rc = TOOL_INTERRUPTED;
}

void fuzz_jobs_fini(struct fuzz_jobs *jobs)
{
    for (size_t i = 0; i < jobs->find_count; i++) {
        scenario_buffer_fini(&jobs->finds[i].text);
        scenario_buffer_fini(&jobs->finds[i].said);
    }
}
