/* SPDX-License-Identifier: ISC */
/*
 * Makes the tool, or a fuzz target, with a mutant in it: a copy of the frontend's sources, the
 * changed ones among them; those alone, and those that include them, are compiled and linked before
 * the library that holds the rest. CMake has written down how.
 */
#define _POSIX_C_SOURCE 200809L

#include "mutant.h"

#include "fuzz.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

enum { ARGUMENTS = 256, OBJECTS = 64 };

static const char SOURCES[] = "frontend/src";

/* ---- how it is built ---- */

static bool keep(char **list, unsigned *count, unsigned limit, const char *text)
{
    if (*count == limit) {
        return false;
    }
    if (text[0] != '\0') {
        list[(*count)++] = strdup(text);
    }
    return true;
}

static bool read_pair(struct mutant_build *build, const char *key, const char *value)
{
    if (strcmp(key, "root") == 0) {
        snprintf(build->root, sizeof(build->root), "%s", value);
    } else if (strcmp(key, "work") == 0) {
        snprintf(build->work, sizeof(build->work), "%s", value);
    } else if (strcmp(key, "tool") == 0) {
        snprintf(build->tool, sizeof(build->tool), "%s", value);
    } else if (strcmp(key, "compile") == 0) {
        return keep(build->compile, &build->compile_count, 64, value);
    } else if (strcmp(key, "link") == 0) {
        return keep(build->link, &build->link_count, 128, value);
    } else {
        return false;
    }
    return true;
}

static bool ends_in(const char *text, const char *end)
{
    size_t length = strlen(text), of_end = strlen(end);

    return length > of_end && strcmp(text + length - of_end, end) == 0;
}

/* Objects of another tree would be taken for those of this one. */
static int forget_object(void *context, const char *file)
{
    (void)context;
    return ends_in(file, ".o") ? unlink(file) : 0;
}

bool mutant_build_read(struct mutant_build *build, const char *path)
{
    FILE *file = fopen(path, "r");
    char line[1024];
    bool ok = true;

    memset(build, 0, sizeof(*build));
    if (file == NULL) {
        perror(path);
        return false;
    }
    while (ok && fgets(line, sizeof(line), file) != NULL) {
        char *value = strchr(line, ' ');

        line[strcspn(line, "\n")] = '\0';
        if (value != NULL) {
            *value++ = '\0';
            ok = read_pair(build, line, value);
        }
    }
    fclose(file);
    if (!ok || build->compile_count == 0 || build->link_count == 0) {
        fprintf(stderr, "%s: this does not say how to build\n", path);
        return false;
    }
    return (mkdir(build->work, 0777) == 0 || errno == EEXIST) &&
           fuzz_walk(build->work, forget_object, NULL) == 0;
}

void mutant_build_fini(struct mutant_build *build)
{
    for (unsigned i = 0; i < build->compile_count; i++) {
        free(build->compile[i]);
    }
    for (unsigned i = 0; i < build->link_count; i++) {
        free(build->link[i]);
    }
}

void mutant_build_tool(const struct mutant_build *build, unsigned job, char *path, size_t size)
{
    const char *name = strrchr(build->tool, '/');

    snprintf(path, size, "%s/%u/%.64s", build->work, job, name != NULL ? name + 1 : build->tool);
}

/* ---- commands ---- */

/* What a compiler has against a mutant is of no interest. */
static bool command(char **arguments)
{
    int status = -1;
    pid_t pid;

    fflush(NULL);
    pid = fork();
    if (pid == 0) {
        int null = open("/dev/null", O_WRONLY);

        dup2(null, STDOUT_FILENO);
        dup2(null, STDERR_FILENO);
        execvp(arguments[0], arguments);
        _exit(127);
    }
    return pid > 0 && waitpid(pid, &status, 0) == pid && WIFEXITED(status) &&
           WEXITSTATUS(status) == 0;
}

static bool compile(const struct mutant_build *build, char *folder, char *source, char *object)
{
    char include[1100];
    char *arguments[ARGUMENTS];
    char quiet[] = "-w", only[] = "-c", out[] = "-o";
    unsigned count = 0;

    snprintf(include, sizeof(include), "-I%s", folder);
    for (unsigned i = 0; i < build->compile_count; i++) {
        arguments[count++] = build->compile[i];
    }
    arguments[count++] = include;
    arguments[count++] = quiet;
    arguments[count++] = only;
    arguments[count++] = source;
    arguments[count++] = out;
    arguments[count++] = object;
    arguments[count] = NULL;
    return command(arguments);
}

/* Objects come before the libraries, so that the library's own of that name is not taken. */
static bool link_tool(const struct mutant_build *build, char **objects, unsigned count, char *tool)
{
    char *arguments[ARGUMENTS];
    char out[] = "-o";
    unsigned used = 0;

    arguments[used++] = build->compile[0];
    for (unsigned i = 0; i < count; i++) {
        arguments[used++] = objects[i];
    }
    for (unsigned i = 0; i < build->link_count; i++) {
        arguments[used++] = build->link[i];
    }
    arguments[used++] = out;
    arguments[used++] = tool;
    arguments[used] = NULL;
    return command(arguments);
}

/* ---- the sources ---- */

static bool write_file(const char *path, const struct scenario_buffer *text)
{
    FILE *file = fopen(path, "wb");
    bool ok = file != NULL && fwrite(text->data, 1, text->length, file) == text->length;

    if (file != NULL && fclose(file) != 0) {
        ok = false;
    }
    if (!ok) {
        perror(path);
    }
    return ok;
}

/* The frontend's sources, called without their folder, in the order of their names. */
static int list_sources(const struct mutant_build *build, struct dirent ***entries)
{
    char path[1024];

    snprintf(path, sizeof(path), "%s/%s", build->root, SOURCES);
    return scandir(path, entries, NULL, alphasort);
}

static bool copy_sources(const struct mutant_build *build, const struct mutant *mutant,
                         const char *folder)
{
    struct dirent **entries = NULL;
    int count = list_sources(build, &entries);
    struct scenario_buffer text;
    bool ok = count >= 0;

    scenario_buffer_init(&text);
    for (int i = 0; i < count; i++) {
        char file[512], path[1024];

        snprintf(file, sizeof(file), "%s/%s", SOURCES, entries[i]->d_name);
        snprintf(path, sizeof(path), "%s/%s", folder, entries[i]->d_name);
        if (ends_in(file, ".c") || ends_in(file, ".h")) {
            ok = ok && mutant_source(build->root, file, &text) &&
                 mutant_apply(mutant, file, &text) && write_file(path, &text);
        }
        free(entries[i]);
    }
    free(entries);
    scenario_buffer_fini(&text);
    return ok;
}

/* Whether the file has been changed, or includes one that has. Headers include each other in no
 * circle. */
static bool is_touched(const struct mutant_build *build, const struct mutant *mutant,
                       const char *name)
{
    struct scenario_buffer text;
    char file[512];
    bool touched = false;

    snprintf(file, sizeof(file), "%s/%s", SOURCES, name);
    for (unsigned i = 0; i < mutant->edit_count; i++) {
        touched = touched || strcmp(mutant->edits[i].file, file) == 0;
    }
    scenario_buffer_init(&text);
    if (!touched && mutant_source(build->root, file, &text)) {
        const char *line = text.data;

        while (!touched && (line = strstr(line, "#include \"")) != NULL) {
            char header[MUTANT_PATH];

            line += strlen("#include \"");
            snprintf(header, sizeof(header), "%.*s", (int)strcspn(line, "\""), line);
            touched = strchr(header, '/') == NULL && is_touched(build, mutant, header);
        }
    }
    scenario_buffer_fini(&text);
    return touched;
}

static bool same_bytes(const char *a, const char *b)
{
    uint64_t left = MUTANT_HASH, right = MUTANT_HASH;

    return mutant_hash_file(&left, a) && mutant_hash_file(&right, b) && left == right;
}

/* ---- all together ---- */

struct making {
    const struct mutant_build *build;
    char folder[600], original[700];
    char *objects[OBJECTS];
    unsigned object_count;
    bool same; /* so far all objects are as they were */
};

/* Once a source and campaign (mutant_build_read has removed what was there before), with the
 * mutant's name, so that nothing but the change tells the objects apart. */
static bool compile_original(struct making *making, const char *name, const char *object)
{
    char source[1100], reference[1100], path[1024];
    struct scenario_buffer text;
    bool ok = true;

    snprintf(source, sizeof(source), "%s/%s", making->original, name);
    snprintf(reference, sizeof(reference), "%s/%s.o", making->original, name);
    if (access(reference, F_OK) != 0) {
        snprintf(path, sizeof(path), "%s/%s", SOURCES, name);
        scenario_buffer_init(&text);
        ok = mutant_source(making->build->root, path, &text) && write_file(source, &text);
        scenario_buffer_fini(&text);
        snprintf(path, sizeof(path), "%s/%s", making->build->root, SOURCES);
        ok = ok && compile(making->build, path, source, reference);
    }
    making->same = making->same && ok && same_bytes(object, reference);
    return ok;
}

static enum mutant_built compile_touched(struct making *making, const struct mutant *mutant)
{
    struct dirent **entries = NULL;
    int count = list_sources(making->build, &entries);
    enum mutant_built built = count >= 0 ? MUTANT_BUILT : MUTANT_ERROR;

    for (int i = 0; i < count; i++) {
        const char *name = entries[i]->d_name;
        char source[1100], object[1100];

        snprintf(source, sizeof(source), "%s/%s", making->folder, name);
        snprintf(object, sizeof(object), "%s/%s.o", making->folder, name);
        if (built == MUTANT_BUILT && ends_in(name, ".c") && making->object_count < OBJECTS &&
            is_touched(making->build, mutant, name)) {
            making->objects[making->object_count++] = strdup(object);
            if (!compile(making->build, making->folder, source, object)) {
                built = MUTANT_REFUSED;
            } else if (making->same && !compile_original(making, name, object)) {
                built = MUTANT_ERROR;
            }
        }
        free(entries[i]);
    }
    free(entries);
    return built;
}

enum mutant_built mutant_build_make(const struct mutant_build *build, const struct mutant *mutant,
                                    unsigned job)
{
    struct making making = {.build = build, .same = true};
    enum mutant_built built;
    char tool[600];

    snprintf(making.folder, sizeof(making.folder), "%s/%u", build->work, job);
    snprintf(making.original, sizeof(making.original), "%s/original", making.folder);
    mutant_build_tool(build, job, tool, sizeof(tool));
    if ((mkdir(making.folder, 0777) != 0 && errno != EEXIST) ||
        (mkdir(making.original, 0777) != 0 && errno != EEXIST) ||
        !copy_sources(build, mutant, making.folder)) {
        return MUTANT_ERROR;
    }
    built = compile_touched(&making, mutant);
    if (built == MUTANT_BUILT && making.same) {
        built = MUTANT_SAME_CODE;
    } else if (built == MUTANT_BUILT &&
               !link_tool(build, making.objects, making.object_count, tool)) {
        built = MUTANT_ERROR;
    }
    for (unsigned i = 0; i < making.object_count; i++) {
        free(making.objects[i]);
    }
    return built;
}
