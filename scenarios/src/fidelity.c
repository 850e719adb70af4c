/* SPDX-License-Identifier: ISC */
/*
 * Traces, class by class: taken from their lines, written, read and compared.
 */
#include "fidelity.h"

#include <stdlib.h>
#include <string.h>

enum { LINE_MAX_ = 512, COMPARED_MAX = 4096 /* lines of a class */ };

static const char *const class_names[FIDELITY_CLASSES] = {
    [FIDELITY_FRONT] = "front", [FIDELITY_BACK] = "back",       [FIDELITY_DEVICE] = "device",
    [FIDELITY_RING] = "ring",   [FIDELITY_ANSWERS] = "answers", [FIDELITY_RESULTS] = "results",
};

void fidelity_init(struct fidelity *fidelity)
{
    memset(fidelity, 0, sizeof(*fidelity));
}

static void drop(struct fidelity_list *list, size_t keep)
{
    while (list->count > keep)
        free(list->line[--list->count]);
}

void fidelity_fini(struct fidelity *fidelity)
{
    for (unsigned i = 0; i < FIDELITY_CLASSES; i++) {
        drop(&fidelity->list[i], 0);
        free(fidelity->list[i].line);
    }
    fidelity_init(fidelity);
}

static void add(struct fidelity *fidelity, enum fidelity_class class, const char *text)
{
    struct fidelity_list *list = &fidelity->list[class];

    if (list->count == list->room) {
        const size_t room = list->room == 0 ? 64 : 2 * list->room;
        char **line = realloc(list->line, room * sizeof(*line));

        if (line == NULL) {
            fidelity->failed = true;
            return;
        }
        list->line = line;
        list->room = room;
    }
    list->line[list->count] = strdup(text);
    if (list->line[list->count] == NULL)
        fidelity->failed = true;
    else
        list->count++;
}

/* ---- lines of a trace ---- */

/* Nodes that a toolstack writes, not a backend's driver. */
static bool is_toolstack_s(const char *name)
{
    static const char *const names[] = {
        "frontend", "frontend-id", "online", "removable",      "bootable", "dev",
        "type",     "mode",        "params", "device-type",    "",         "physical-device",
        "script",   "domain",      "uuid",   "discard-enable", "no-uuid"};

    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        if (strcmp(names[i], name) == 0)
            return true;
    }
    return false;
}

/* What the toolstack writes beside the frontend. */
static bool is_given(const char *name)
{
    static const char *const names[] = {"",        "backend",    "backend-id", "virtual-device",
                                        "trusted", "device-type"};

    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        if (strcmp(names[i], name) == 0)
            return true;
    }
    return false;
}

/* The part of a path behind "/local/domain/N/device/vbd/N/" or "/local/domain/N/backend/T/N/N/". */
static const char *name_in(const char *path, bool *front)
{
    int taken = 0;

    if (sscanf(path, "/local/domain/%*u/device/vbd/%*u%n", &taken) == 0 && taken > 0)
        *front = true;
    else if (sscanf(path, "/local/domain/%*u/backend/%*[^/]/%*u/%*u%n", &taken) == 0 && taken > 0)
        *front = false;
    else
        return NULL;
    return path[taken] == '/' ? path + taken + 1 : path + taken;
}

static bool is_number_of_xen(const char *name)
{
    const char *last = strrchr(name, '/');

    last = last == NULL ? name : last + 1;
    return strncmp(last, "ring-ref", 8) == 0 || strcmp(last, "event-channel") == 0;
}

static void add_node(struct fidelity *fidelity, bool front, const char *name, const char *value)
{
    const enum fidelity_class class = front ? FIDELITY_FRONT : FIDELITY_BACK;
    const struct fidelity_list *list = &fidelity->list[class];
    char text[2 * LINE_MAX_ + 1];

    snprintf(text, sizeof(text), "%s %s", name, is_number_of_xen(name) ? "#" : value);
    /* A state may be seen twice, since it is read when it is heard of. */
    if (strcmp(name, "state") == 0) {
        for (size_t i = list->count; i > 0; i--) {
            if (strncmp(list->line[i - 1], "state ", 6) != 0)
                continue;
            if (strcmp(list->line[i - 1], text) == 0 && !front)
                return;
            break;
        }
        if (list->count == 0 && strcmp(value, "\"1\"") == 0)
            return; /* the toolstack's */
    }
    add(fidelity, class, text);
}

static void take_write(struct fidelity *fidelity, unsigned domid, const char *rest)
{
    char path[LINE_MAX_], value[LINE_MAX_] = "";
    const char *name, *end = strstr(rest, " transaction=");
    bool front;
    int taken = 0;

    if (end == NULL || strstr(end, "-> ok") == NULL || sscanf(rest, "%400s %n", path, &taken) != 1)
        return;
    if (rest + taken < end)
        snprintf(value, sizeof(value), "%.*s", (int)(end - rest - taken), rest + taken);
    name = name_in(path, &front);
    if (name == NULL || (front ? domid == 0 || is_given(name) : is_toolstack_s(name)))
        return;
    add_node(fidelity, front, name, value);
}

static void take_remove(struct fidelity *fidelity, unsigned domid, const char *rest)
{
    char path[LINE_MAX_], text[LINE_MAX_ + 16];
    const char *name;
    bool front = false;

    if (domid == 0 || strstr(rest, "-> ok") == NULL || sscanf(rest, "%400s", path) != 1)
        return;
    name = name_in(path, &front);
    if (name == NULL || !front)
        return;
    snprintf(text, sizeof(text), "remove %s", name);
    add(fidelity, FIDELITY_FRONT, text);
}

static void take_request(struct fidelity *fidelity, const char *where, const char *rest)
{
    const char *operation = strstr(rest, "op="), *id = strstr(rest, " id=");
    const char *behind = id == NULL ? NULL : strchr(id + 1, ' ');
    const char *queue = strchr(where, '/');
    char text[LINE_MAX_];

    if (operation == NULL || id == NULL || queue == NULL)
        return;
    snprintf(text, sizeof(text), "queue=%s %.*s%s", queue + 1, (int)(id - operation), operation,
             behind == NULL ? "" : behind);
    add(fidelity, FIDELITY_RING, text);
}

static void take_answer(struct fidelity *fidelity, const char *rest)
{
    const char *operation = strstr(rest, "op="), *id = strstr(rest, " id=");
    char text[LINE_MAX_];

    if (operation == NULL || id == NULL)
        return;
    snprintf(text, sizeof(text), "%.*s", (int)(id - operation), operation);
    add(fidelity, FIDELITY_ANSWERS, text);
}

void fidelity_trace(void *context, const char *line)
{
    struct fidelity *fidelity = context;
    char where[16], kind[20];
    unsigned domid;
    int taken = 0;
    const char *rest;

    if (sscanf(line, "%*s dom%u %15s %19s %n", &domid, where, kind, &taken) != 3)
        return;
    rest = line + taken;
    if (strcmp(kind, "store-write") == 0) {
        take_write(fidelity, domid, rest);
    } else if (strcmp(kind, "store-remove") == 0) {
        take_remove(fidelity, domid, rest);
    } else if (strcmp(kind, "transaction") == 0 && domid != 0) {
        fidelity->transaction = fidelity->list[FIDELITY_FRONT].count;
    } else if (strcmp(kind, "transaction-end") == 0 && domid != 0) {
        if (strstr(rest, "-> again") != NULL) /* begun anew */
            drop(&fidelity->list[FIDELITY_FRONT], fidelity->transaction);
    } else if (strcmp(kind, "request") == 0) {
        take_request(fidelity, where, rest);
    } else if (strcmp(kind, "response") == 0) {
        take_answer(fidelity, rest);
    } else if (strcmp(kind, "complete") == 0) {
        add(fidelity, FIDELITY_RESULTS, rest);
    } else if (strcmp(kind, "device") == 0) {
        add(fidelity, FIDELITY_DEVICE, rest);
    }
}

/* Shorter first: numbers in their order. */
static int by_text(const void *a, const void *b)
{
    const char *left = *(char *const *)a, *right = *(char *const *)b;
    const size_t left_length = strlen(left), right_length = strlen(right);

    if (left_length != right_length)
        return left_length < right_length ? -1 : 1;
    return strcmp(left, right);
}

void fidelity_end(struct fidelity *fidelity)
{
    static const enum fidelity_class unordered[] = {FIDELITY_ANSWERS, FIDELITY_RESULTS};

    for (size_t i = 0; i < 2; i++) {
        struct fidelity_list *list = &fidelity->list[unordered[i]];

        if (list->count > 1)
            qsort(list->line, list->count, sizeof(list->line[0]), by_text);
    }
}

/* ---- text ---- */

void fidelity_write(const struct fidelity *fidelity, FILE *stream)
{
    for (unsigned i = 0; i < FIDELITY_CLASSES; i++) {
        for (size_t j = 0; j < fidelity->list[i].count; j++)
            fprintf(stream, "%s %s\n", class_names[i], fidelity->list[i].line[j]);
    }
}

bool fidelity_read(struct fidelity *fidelity, FILE *stream)
{
    char line[LINE_MAX_ + 16];

    while (fgets(line, sizeof(line), stream) != NULL) {
        char *space;
        unsigned i = 0;

        line[strcspn(line, "\n")] = '\0';
        if (line[0] == '#' || line[0] == '\0')
            continue;
        space = strchr(line, ' ');
        if (space == NULL)
            return false;
        *space = '\0';
        while (i < FIDELITY_CLASSES && strcmp(class_names[i], line) != 0)
            i++;
        if (i == FIDELITY_CLASSES)
            return false;
        add(fidelity, (enum fidelity_class)i, space + 1);
    }
    return !fidelity->failed;
}

/* ---- comparing ---- */

/* lengths[i * (m + 1) + j]: of the longest common part of what is behind i and j. */
static unsigned *common_parts(const struct fidelity_list *a, const struct fidelity_list *b)
{
    const size_t row = b->count + 1;
    unsigned *lengths = calloc((a->count + 1) * row, sizeof(*lengths));

    for (size_t i = a->count; lengths != NULL && i-- > 0;) {
        for (size_t j = b->count; j-- > 0;) {
            const unsigned down = lengths[(i + 1) * row + j], right = lengths[i * row + j + 1];

            if (strcmp(a->line[i], b->line[j]) == 0)
                lengths[i * row + j] = lengths[(i + 1) * row + j + 1] + 1;
            else
                lengths[i * row + j] = down > right ? down : right;
        }
    }
    return lengths;
}

static size_t compare_lists(const char *name, const struct fidelity_list *a,
                            const struct fidelity_list *b, FILE *stream)
{
    const size_t row = b->count + 1;
    unsigned *lengths = common_parts(a, b);
    size_t i = 0, j = 0, differences = 0;

    while (lengths != NULL && (i < a->count || j < b->count)) {
        if (i < a->count && j < b->count && strcmp(a->line[i], b->line[j]) == 0) {
            i++;
            j++;
        } else if (j == b->count ||
                   (i < a->count && lengths[(i + 1) * row + j] >= lengths[i * row + j + 1])) {
            fprintf(stream, "- %s %s\n", name, a->line[i++]);
            differences++;
        } else {
            fprintf(stream, "+ %s %s\n", name, b->line[j++]);
            differences++;
        }
    }
    free(lengths);
    return lengths == NULL ? 1 : differences;
}

size_t fidelity_compare(const struct fidelity *first, const struct fidelity *second, FILE *stream)
{
    size_t differences = 0;

    for (unsigned i = 0; i < FIDELITY_CLASSES; i++) {
        const struct fidelity_list *a = &first->list[i], *b = &second->list[i];

        if (a->count > COMPARED_MAX || b->count > COMPARED_MAX) {
            fprintf(stream, "%s: more than %d lines are not compared\n", class_names[i],
                    (int)COMPARED_MAX);
            differences++;
        } else {
            differences += compare_lists(class_names[i], a, b, stream);
        }
    }
    return differences;
}
