/* SPDX-License-Identifier: ISC */
/*
 * Writes the runs of the scenarios below the given folders as inputs of a target, its first corpus:
 * bytes that hold what the target takes of them, each once, and only where its own kind of steps
 * occurs. For the target `language` the scenarios' texts.
 *
 *     make_seeds TARGET OUT FOLDER|FILE...
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fuzz.h"
#include "scenario/bytes.h"
#include "scenario/check.h"
#include "scenario/plan.h"
#include "target.h"

enum { TEXT_MAX = 4096 }; /* of a seed for `language` */

struct seeds {
    const struct fuzz_target *target; /* NULL: texts */
    const char *out;
    size_t count;
    struct scenario_program program, run, input;
    struct scenario_buffer id, bytes, name;
    struct scenario_buffer known; /* the seeds so far, each behind its length */
};

/* "conformance/read/plain[count=3]" becomes "conformance-read-plain-count-3". */
static void file_name(struct seeds *seeds)
{
    bool gap = false;

    scenario_buffer_clear(&seeds->name);
    scenario_buffer_format(&seeds->name, "%s/", seeds->out);
    for (size_t i = 0; i < seeds->id.length && seeds->name.length < 200; i++) {
        char c = seeds->id.data[i];
        bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');

        if (plain && gap) {
            scenario_buffer_text(&seeds->name, "-");
        }
        gap = !plain && i != 0;
        if (plain) {
            scenario_buffer_add(&seeds->name, &c, 1);
        }
    }
    scenario_buffer_format(&seeds->name, "-%zu", seeds->count);
}

static int write_seed(struct seeds *seeds, const void *data, size_t length)
{
    FILE *file;
    int result = 0;

    file_name(seeds);
    file = seeds->name.failed ? NULL : fopen(seeds->name.data, "wb");
    if (file == NULL) {
        perror(seeds->name.data);
        return -1;
    }
    if (fwrite(data, 1, length, file) != length) {
        result = -1;
    }
    if (fclose(file) != 0 || result != 0) {
        perror(seeds->name.data);
        return -1;
    }
    seeds->count++;
    return 0;
}

/* ---- programs ---- */

static bool is_known(struct seeds *seeds)
{
    const size_t length = seeds->bytes.length;
    const char *data = seeds->bytes.data;

    for (size_t at = 0, size; at < seeds->known.length; at += sizeof(size) + size) {
        memcpy(&size, seeds->known.data + at, sizeof(size));
        if (size == length && memcmp(seeds->known.data + at + sizeof(size), data, size) == 0) {
            return true;
        }
    }
    scenario_buffer_add(&seeds->known, &length, sizeof(length));
    scenario_buffer_add(&seeds->known, data, length);
    return false;
}

/* Does the input hold what the target is about? */
static bool is_of_use(const struct seeds *seeds)
{
    static const struct scenario_step_set none;
    const struct fuzz_target *target = seeds->target;

    if (memcmp(&target->seeds_with, &none, sizeof(none)) == 0) {
        return true;
    }
    for (size_t i = 0; i < seeds->input.step_count; i++) {
        if (scenario_step_set_has(&target->seeds_with, seeds->input.steps[i].opcode)) {
            return true;
        }
    }
    return false;
}

static int add_run(struct seeds *seeds)
{
    struct scenario_decoder decoder = {.takes = &seeds->target->takes};

    scenario_buffer_clear(&seeds->bytes);
    if (scenario_encode(&seeds->run, &seeds->bytes) != SCENARIO_OK ||
        scenario_decode(&seeds->input, seeds->bytes.data, seeds->bytes.length, &decoder) !=
            SCENARIO_OK ||
        fuzz_fit(seeds->target, &seeds->input) != SCENARIO_OK) {
        fprintf(stderr, "%s: no memory, or too large for an input\n", seeds->target->name);
        return -1;
    }
    fuzz_tame(&seeds->input);
    scenario_buffer_clear(&seeds->bytes);
    if (scenario_encode(&seeds->input, &seeds->bytes) != SCENARIO_OK) {
        return -1;
    }
    if (!is_of_use(seeds) || is_known(seeds)) {
        return 0;
    }
    return write_seed(seeds, seeds->bytes.data, seeds->bytes.length);
}

static void show_problems(const char *file, const struct scenario_problems *problems)
{
    for (size_t i = 0; i < problems->count; i++) {
        fprintf(stderr, "%s:%u:%u: %s\n", file, problems->list[i].position.line,
                problems->list[i].position.column, problems->list[i].text);
    }
}

static int add_program(struct seeds *seeds, const char *file, const char *text, size_t size)
{
    struct scenario_problems problems;
    size_t runs;
    int result = 0;

    scenario_problems_init(&problems);
    if (scenario_parse(&seeds->program, text, size, &problems) != SCENARIO_OK ||
        scenario_check(&seeds->program, &problems) != SCENARIO_OK) {
        show_problems(file, &problems);
        return -1;
    }
    runs = scenario_plan_count(&seeds->program);
    for (size_t i = 0; i < runs && result == 0; i++) {
        result = scenario_plan_run(&seeds->run, &seeds->program, file, i, &seeds->id);
        result = result == SCENARIO_OK ? add_run(seeds) : -1;
    }
    return result;
}

/* ---- files ---- */

static int add_text(struct seeds *seeds, const char *file, const void *text, size_t size)
{
    if (size > TEXT_MAX) {
        return 0;
    }
    scenario_buffer_clear(&seeds->id);
    scenario_buffer_text(&seeds->id, file);
    return write_seed(seeds, text, size);
}

static int add_file(void *context, const char *file)
{
    struct seeds *seeds = context;
    size_t length = strlen(file), size = 0;
    unsigned char *text;
    int result;

    if (length < 4 || strcmp(file + length - 4, ".scn") != 0) {
        return 0;
    }
    text = fuzz_read_file(file, SCENARIO_FILE_MAX, &size);
    if (text == NULL) {
        return -1;
    }
    result = seeds->target == NULL ? add_text(seeds, file, text, size)
                                   : add_program(seeds, file, (const char *)text, size);
    free(text);
    return result;
}

static void seeds_init(struct seeds *seeds)
{
    scenario_program_init(&seeds->program);
    scenario_program_init(&seeds->run);
    scenario_program_init(&seeds->input);
    scenario_buffer_init(&seeds->id);
    scenario_buffer_init(&seeds->bytes);
    scenario_buffer_init(&seeds->name);
    scenario_buffer_init(&seeds->known);
}

static void seeds_fini(struct seeds *seeds)
{
    scenario_program_fini(&seeds->program);
    scenario_program_fini(&seeds->run);
    scenario_program_fini(&seeds->input);
    scenario_buffer_fini(&seeds->id);
    scenario_buffer_fini(&seeds->bytes);
    scenario_buffer_fini(&seeds->name);
    scenario_buffer_fini(&seeds->known);
}

int main(int argc, char **argv)
{
    struct seeds seeds = {.count = 0};
    int result = 0;

    if (argc < 4) {
        fputs("usage: make_seeds TARGET OUT FOLDER|FILE...\n", stderr);
        return 2;
    }
    seeds.target = fuzz_target_find(argv[1]);
    seeds.out = argv[2];
    if (seeds.target == NULL && strcmp(argv[1], "language") != 0) {
        fprintf(stderr, "make_seeds: no target %s has scenarios as seeds\n", argv[1]);
        return 2;
    }
    seeds_init(&seeds);
    for (int i = 3; i < argc && result == 0; i++) {
        result = fuzz_walk(argv[i], add_file, &seeds);
    }
    seeds_fini(&seeds);
    if (result == 0) {
        printf("%zu seeds in %s\n", seeds.count, seeds.out);
    }
    return result == 0 && seeds.count != 0 ? 0 : 1;
}
