/* SPDX-License-Identifier: ISC */
/*
 * Which seeds do not find a mutant by themselves. It is a part of a fuzz target with a mutant in
 * it, and takes the place of the fuzzer:
 *
 *     fuzz_TARGET --survey FOLDER      the names of the inputs that find nothing, a line each
 *
 * Inputs are played in a process of their own, which goes on from one to the next until one ends
 * it.
 */
#define _DEFAULT_SOURCE

#include "fuzz.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

enum {
    INPUT_MAX = 1 << 20,
    SECONDS = 2, /* of the processor's, for one input: what takes longer counts as found */
    BROKEN = 2
};

struct survey {
    char **files;
    size_t count, room;
    volatile size_t *at; /* the input that is being played; shared with who plays */
};

int LLVMFuzzerInitialize(int *argc, char ***argv);

static int add_file(void *context, const char *file)
{
    struct survey *survey = context;

    if (survey->count == survey->room) {
        size_t room = survey->room == 0 ? 256 : 2 * survey->room;
        char **files = realloc(survey->files, room * sizeof(*files));

        if (files == NULL) {
            return -1;
        }
        survey->files = files;
        survey->room = room;
    }
    survey->files[survey->count] = strdup(file);
    return survey->files[survey->count++] == NULL ? -1 : 0;
}

static _Noreturn void play_from(const struct survey *survey, size_t first)
{
    const struct itimerval limit = {.it_value = {.tv_sec = SECONDS}};
    int null = open("/dev/null", O_WRONLY);

    prctl(PR_SET_PDEATHSIG, SIGKILL);
    dup2(null, STDERR_FILENO);
    for (size_t i = first; i < survey->count; i++) {
        size_t size = 0;
        unsigned char *bytes = fuzz_read_file(survey->files[i], INPUT_MAX, &size);

        *survey->at = i;
        setitimer(ITIMER_PROF, &limit, NULL);
        if (bytes != NULL) {
            LLVMFuzzerTestOneInput(bytes, size);
        }
        free(bytes);
    }
    _exit(0);
}

static _Noreturn void survey_folder(const char *folder)
{
    struct survey survey = {.count = 0};

    survey.at =
        mmap(NULL, sizeof(*survey.at), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (survey.at == MAP_FAILED || fuzz_walk(folder, add_file, &survey) != 0) {
        _exit(BROKEN);
    }
    for (size_t first = 0; first < survey.count;) {
        size_t end = survey.count;
        int status = 0;
        pid_t pid;

        fflush(NULL);
        pid = fork();
        if (pid == 0) {
            play_from(&survey, first);
        }
        if (pid < 0 || waitpid(pid, &status, 0) != pid) {
            _exit(BROKEN);
        }
        if (!WIFEXITED(status) || WEXITSTATUS(status) != 0) {
            end = *survey.at;
        }
        for (size_t i = first; i < end; i++) {
            printf("%s\n", survey.files[i]);
        }
        first = end + 1;
    }
    fflush(stdout);
    _exit(0);
}

/* libFuzzer's interface: called before anything else. */
int LLVMFuzzerInitialize(int *argc, char ***argv)
{
    if (*argc == 3 && strcmp((*argv)[1], "--survey") == 0) {
        survey_folder((*argv)[2]);
    }
    return 0;
}
