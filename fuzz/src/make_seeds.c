/* SPDX-License-Identifier: ISC */
/*
 * Writes every run of every scenario below the given folders as bytes: the fuzzer's first corpus.
 *
 *     make_seeds OUT FOLDER|FILE...
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fuzz.h"
#include "scenario/bytes.h"
#include "scenario/check.h"
#include "scenario/plan.h"

struct seeds {
    const char *out;
    size_t count;
    struct scenario_program program, run;
    struct scenario_buffer id, bytes, name;
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

static int write_seed(struct seeds *seeds)
{
    FILE *file;
    int result = 0;

    scenario_buffer_clear(&seeds->bytes);
    if (scenario_encode(&seeds->run, &seeds->bytes) != SCENARIO_OK) {
        return -1;
    }
    file_name(seeds);
    file = fopen(seeds->name.data, "wb");
    if (file == NULL) {
        perror(seeds->name.data);
        return -1;
    }
    if (fwrite(seeds->bytes.data, 1, seeds->bytes.length, file) != seeds->bytes.length) {
        result = -1;
    }
    if (fclose(file) != 0 || result != 0) {
        perror(seeds->name.data);
        return -1;
    }
    seeds->count++;
    return 0;
}

static void show_problems(const char *file, const struct scenario_problems *problems)
{
    for (size_t i = 0; i < problems->count; i++) {
        fprintf(stderr, "%s:%u:%u: %s\n", file, problems->list[i].position.line,
                problems->list[i].position.column, problems->list[i].text);
    }
}

static int add_file(void *context, const char *file)
{
    struct seeds *seeds = context;
    struct scenario_problems problems;
    size_t length = strlen(file), size = 0, runs;
    unsigned char *text;
    int result = 0;

    if (length < 4 || strcmp(file + length - 4, ".scn") != 0) {
        return 0;
    }
    text = fuzz_read_file(file, SCENARIO_FILE_MAX, &size);
    if (text == NULL) {
        return -1;
    }
    scenario_problems_init(&problems);
    if (scenario_parse(&seeds->program, (const char *)text, size, &problems) != SCENARIO_OK ||
        scenario_check(&seeds->program, &problems) != SCENARIO_OK) {
        show_problems(file, &problems);
        result = -1;
    }
    free(text);
    runs = result == 0 ? scenario_plan_count(&seeds->program) : 0;
    for (size_t i = 0; i < runs && result == 0; i++) {
        result = scenario_plan_run(&seeds->run, &seeds->program, file, i, &seeds->id);
        result = result == SCENARIO_OK ? write_seed(seeds) : -1;
    }
    return result;
}

int main(int argc, char **argv)
{
    struct seeds seeds = {.out = argc > 1 ? argv[1] : "", .count = 0};
    int result = argc < 3 ? -1 : 0;

    if (result != 0) {
        fputs("usage: make_seeds OUT FOLDER|FILE...\n", stderr);
        return 2;
    }
    scenario_program_init(&seeds.program);
    scenario_program_init(&seeds.run);
    scenario_buffer_init(&seeds.id);
    scenario_buffer_init(&seeds.bytes);
    scenario_buffer_init(&seeds.name);
    for (int i = 2; i < argc && result == 0; i++) {
        result = fuzz_walk(argv[i], add_file, &seeds);
    }
    scenario_program_fini(&seeds.program);
    scenario_program_fini(&seeds.run);
    scenario_buffer_fini(&seeds.id);
    scenario_buffer_fini(&seeds.bytes);
    scenario_buffer_fini(&seeds.name);
    if (result == 0) {
        printf("%zu seeds in %s\n", seeds.count, seeds.out);
    }
    return result == 0 && seeds.count != 0 ? 0 : 1;
}
