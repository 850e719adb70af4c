/* SPDX-License-Identifier: ISC */
/*
 * A scenario and its thread: reads it, and plays what is the backend's. How the disk is served is
 * served.c's matter.
 */
#include "director.h"

#include "play.h"
#include "step_values.h"

#include "scenario/dialects.h"
#include "scenario/text.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define NS_PER_S UINT64_C(1000000000)

/* What a Linux guest of two processors would ask for. */
static const char plain[] = "backend linux queues=2 segments=32\n"
                            "connect queues=2 segments=32 persistent=yes recover=ever\n";

struct director {
    struct scenario_program program, line;
    struct scenario_dialects dialects;
    struct scenario_problems problems;
    struct simback_backend_options backend;
    struct blkfront_options front;
    void (*tell)(const char *sentence);
    struct served *served;
    int fifo;    /* -1: none */
    size_t next; /* step of the program */
    pthread_t thread;
    bool runs;
    pthread_mutex_t lock; /* of all below */
    pthread_cond_t changed;
    bool used, stops;
};

/* ---- reading ---- */

static bool is_dialect(const struct scenario_step *step)
{
    return step->opcode == STEP_DIALECT ||
           (scenario_row(step->opcode)->flags & SCENARIO_ROW_OF_DIALECT) != 0;
}

/* NULL: the step has a place here. */
static const char *misplaced(const struct scenario_step *step)
{
    if (step->device != 0)
        return "there is one device, xvda";
    if (step->condition_count != 0 ||
        (step->result != CHOICE_RESULT_NONE && step->opcode != STEP_CONNECT))
        return "nothing is expected here; the disk's clients see what comes of it";
    switch (step->opcode) {
    case STEP_BACKEND:
        return scenario_given(step, FIELD_BACKEND_DISK) ? "the disk is in memory" : NULL;
    case STEP_CONNECT: return NULL;
    case STEP_RUN:
        return scenario_given(step, FIELD_RUN_TIME) && !scenario_given(step, FIELD_RUN_STEPS)
                   ? NULL
                   : "only `run time=…` has a meaning with a real clock";
    default:
        return is_dialect(step) || play_knows(step)
                   ? NULL
                   : "of the steps only those of the backend have a place here";
    }
}

static void read_backend(struct director *director, const struct scenario_step *step,
                         uint64_t bytes)
{
    struct simback_backend_options *options = &director->backend;

    step_backend(step, options);
    options->dialect = scenario_dialect_of(&director->dialects, &director->program,
                                           scenario_value(step, FIELD_BACKEND_DIALECT));
    if (bytes != 0 && options->sector_size != 0)
        options->sectors = bytes / options->sector_size;
}

/* False, with a sentence. */
static bool read_step(struct director *director, size_t index, uint64_t bytes, char *error,
                      size_t size)
{
    const struct scenario_step *step = &director->program.steps[index];
    const char *wrong = misplaced(step);

    if (wrong == NULL && step->opcode == STEP_BACKEND && director->backend.dialect != NULL)
        wrong = "there is one device, which has its backend already";
    if (wrong == NULL &&
        scenario_dialect_step(&director->dialects, &director->program, step) != SCENARIO_OK)
        wrong = "what comes of it is no dialect";
    if (wrong == NULL && step->opcode == STEP_BACKEND) {
        read_backend(director, step, bytes);
        if (director->backend.dialect == NULL)
            wrong = "there is no dialect of this name";
    }
    if (wrong != NULL) {
        (void)snprintf(error, size, "line %u: %s", step->position.line, wrong);
        return false;
    }
    if (step->opcode == STEP_CONNECT)
        step_connect(step, &director->front);
    return true;
}

static bool read_program(struct director *director, const char *text, size_t length, uint64_t bytes,
                         char *error, size_t size)
{
    struct scenario_problems *problems = &director->problems;

    scenario_problems_init(problems);
    /* What a scenario of the runner must have, an expectation, this one cannot. */
    if (scenario_parse(&director->program, text, length, problems) != SCENARIO_OK) {
        (void)snprintf(error, size, "line %u: %s",
                       problems->count != 0 ? problems->list[0].position.line : 0,
                       problems->count != 0 ? problems->list[0].text : "no memory");
        return false;
    }
    if (director->program.has_world) {
        (void)snprintf(error, size, "`world` has no place here: this one has threads and a clock");
        return false;
    }
    for (size_t i = 0; i < director->program.step_count; i++) {
        if (!read_step(director, i, bytes, error, size))
            return false;
    }
    if (bytes != 0 && director->backend.sector_size != 0 &&
        bytes % director->backend.sector_size != 0)
        (void)snprintf(error, size, "size=%" PRIu64 " is no whole number of sectors of %" PRIu32,
                       bytes, director->backend.sector_size);
    else if (director->backend.dialect == NULL || director->backend.sector_size < BLKIF_WIRE_UNIT ||
             director->backend.sectors == 0)
        (void)snprintf(error, size, "there is no `backend` with a disk");
    return error[0] == '\0';
}

struct director *director_create(const char *text, size_t length, uint64_t bytes,
                                 void (*tell)(const char *sentence), char *error, size_t size)
{
    struct director *director = calloc(1, sizeof(*director));
    struct scenario_step defaults;

    if (director == NULL) {
        (void)snprintf(error, size, "no memory");
        return NULL;
    }
    error[0] = '\0';
    director->tell = tell;
    director->fifo = -1;
    scenario_program_init(&director->program);
    scenario_program_init(&director->line);
    scenario_step_init(&defaults, STEP_CONNECT);
    step_connect(&defaults, &director->front);
    (void)pthread_mutex_init(&director->lock, NULL);
    (void)pthread_cond_init(&director->changed, NULL);
    if (read_program(director, text != NULL ? text : plain,
                     text != NULL ? length : sizeof(plain) - 1, bytes, error, size))
        return director;
    director_destroy(director);
    return NULL;
}

void director_options(const struct director *director, struct simback_backend_options *backend,
                      struct blkfront_options *front)
{
    *backend = director->backend;
    *front = director->front;
}

/* ---- playing ---- */

static void play(struct director *director, const struct scenario_program *program,
                 const struct scenario_step *step)
{
    const char *wrong =
        play_step(director->served, program, &director->dialects, step, &director->backend);
    struct scenario_buffer text;
    char sentence[400];

    if (wrong == NULL)
        return;
    scenario_buffer_init(&text);
    (void)scenario_print_step(program, step, &text);
    (void)snprintf(sentence, sizeof(sentence), "%s: %s", text.length != 0 ? text.data : "a step",
                   wrong);
    scenario_buffer_fini(&text);
    director->tell(sentence);
}

/* As far as the next `run`, or to the end. */
static void play_on(struct director *director)
{
    const struct scenario_program *program = &director->program;

    for (; director->next < program->step_count; director->next++) {
        const struct scenario_step *step = &program->steps[director->next];

        if (step->opcode == STEP_RUN)
            return;
        if (play_knows(step))
            play(director, program, step);
    }
}

/* Until so much time has gone by since the disk is used; false: all is over. */
static bool wait_a_while(struct director *director, uint64_t ns)
{
    struct timespec end;
    int result = 0;
    bool goes_on;

    (void)pthread_mutex_lock(&director->lock);
    while (!director->used && !director->stops)
        (void)pthread_cond_wait(&director->changed, &director->lock);
    (void)clock_gettime(CLOCK_REALTIME, &end);
    end.tv_sec += (time_t)(ns / NS_PER_S);
    end.tv_nsec += (long)(ns % NS_PER_S);
    if (end.tv_nsec >= (long)NS_PER_S) {
        end.tv_nsec -= (long)NS_PER_S;
        end.tv_sec++;
    }
    while (!director->stops && result == 0)
        result = pthread_cond_timedwait(&director->changed, &director->lock, &end);
    goes_on = !director->stops;
    (void)pthread_mutex_unlock(&director->lock);
    return goes_on;
}

/* ---- the FIFO ---- */

static void play_line(struct director *director, const char *line, size_t length)
{
    struct scenario_problems *problems = &director->problems;
    const struct scenario_step *step;
    const char *wrong;

    scenario_program_clear(&director->line);
    scenario_problems_init(problems);
    if (scenario_parse_step(&director->line, line, length, problems) != SCENARIO_OK ||
        director->line.step_count != 1) {
        director->tell(problems->count != 0 ? problems->list[0].text : "this is no step");
        return;
    }
    step = &director->line.steps[0];
    wrong = misplaced(step);
    if (wrong == NULL && !play_knows(step))
        wrong = "this can be said only before the disk is there";
    if (wrong != NULL)
        director->tell(wrong);
    else
        play(director, &director->line, step);
}

static bool over(struct director *director)
{
    bool stops;

    (void)pthread_mutex_lock(&director->lock);
    stops = director->stops;
    (void)pthread_mutex_unlock(&director->lock);
    return stops;
}

/* Whoever ends us writes an empty line; where there is no room for it, enough is there to read. */
static void play_fifo(struct director *director)
{
    char line[1024];
    size_t length = 0;
    bool too_long = false;

    while (!over(director)) {
        char byte;

        if (read(director->fifo, &byte, 1) != 1) {
            /* As long as it is open for writing here, it has no end. */
            (void)poll(&(struct pollfd){director->fifo, POLLIN, 0}, 1, -1);
            continue;
        }
        if (byte != '\n') {
            too_long = length == sizeof(line);
            if (!too_long)
                line[length++] = byte;
            continue;
        }
        if (too_long)
            director->tell("this line is too long");
        else if (length != 0)
            play_line(director, line, length);
        length = 0;
        too_long = false;
    }
}

static void *run(void *context)
{
    struct director *director = context;

    while (director->next < director->program.step_count) {
        const struct scenario_step *step = &director->program.steps[director->next++];

        if (!wait_a_while(director, scenario_value(step, FIELD_RUN_TIME)))
            return NULL;
        play_on(director);
    }
    if (director->fifo >= 0)
        play_fifo(director);
    return NULL;
}

/* ---- from outside ---- */

/* Open for both, so that it is never at its end and opening it waits for nobody. */
static int open_fifo(const char *path)
{
    struct stat status;

    if (mkfifo(path, S_IRUSR | S_IWUSR) != 0 && errno != EEXIST)
        return -1;
    if (stat(path, &status) != 0 || !S_ISFIFO(status.st_mode))
        return -1;
    return open(path, O_RDWR | O_CLOEXEC | O_NONBLOCK);
}

bool director_listen(struct director *director, const char *fifo)
{
    director->fifo = open_fifo(fifo);
    return director->fifo >= 0;
}

bool director_begin(struct director *director, struct served *served)
{
    director->served = served;
    play_on(director);
    director->runs = pthread_create(&director->thread, NULL, run, director) == 0;
    return director->runs;
}

void director_used(struct director *director)
{
    (void)pthread_mutex_lock(&director->lock);
    director->used = true;
    (void)pthread_cond_broadcast(&director->changed);
    (void)pthread_mutex_unlock(&director->lock);
}

void director_destroy(struct director *director)
{
    if (director == NULL)
        return;
    if (director->runs) {
        (void)pthread_mutex_lock(&director->lock);
        director->stops = true;
        (void)pthread_cond_broadcast(&director->changed);
        (void)pthread_mutex_unlock(&director->lock);
        if (director->fifo >= 0 && write(director->fifo, "\n", 1) != 1 && errno != EAGAIN)
            director->tell("the FIFO cannot be written");
        (void)pthread_join(director->thread, NULL);
    }
    if (director->fifo >= 0)
        (void)close(director->fifo);
    scenario_program_fini(&director->program);
    scenario_program_fini(&director->line);
    (void)pthread_cond_destroy(&director->changed);
    (void)pthread_mutex_destroy(&director->lock);
    free(director);
}
