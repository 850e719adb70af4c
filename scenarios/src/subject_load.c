/* SPDX-License-Identifier: ISC */
/*
 * Other people's frontends: a shared object is loaded and its table of functions looked at. What an
 * object does while that happens is its own matter, so this is called in processes alone that may
 * die (subject_probe.c, worker.c).
 */
#include "tool.h"

#include <dlfcn.h>
#include <stddef.h>
#include <string.h>

/* Members that a table of this version has at least. */
#define SIZE_LEAST (offsetof(struct scenario_subject, queue_poll_at) + sizeof(void (*)(void)))

struct member {
    const char *name;
    size_t at;
    uint64_t capability; /* that needs it; 0: it is needed in any case */
};

#define MEMBER(name, capability)                                   \
    {                                                              \
#name, offsetof(struct scenario_subject, name), capability \
    }

static const struct member members[] = {
    MEMBER(create, 0),
    MEMBER(destroy, 0),
    MEMBER(detail, 0),
    MEMBER(connect, 0),
    MEMBER(poll, 0),
    MEMBER(poll_at, 0),
    MEMBER(disconnect, 0),
    MEMBER(release, 0),
    MEMBER(device_state, 0),
    MEMBER(device_error, 0),
    MEMBER(device_detail, 0),
    MEMBER(get_info, 0),
    MEMBER(queue_count, 0),
    MEMBER(submit, 0),
    MEMBER(queue_poll, 0),
    MEMBER(queue_poll_at, 0),
    MEMBER(enumerate, SCENARIO_SUBJECT_ENUMERATE),
    MEMBER(get_statistics, SCENARIO_SUBJECT_STATISTICS),
    MEMBER(memory_create, SCENARIO_SUBJECT_MEMORY),
    MEMBER(memory_register, SCENARIO_SUBJECT_MEMORY),
    MEMBER(memory_destroy, SCENARIO_SUBJECT_MEMORY),
    MEMBER(suspend, SCENARIO_SUBJECT_SUSPEND),
    MEMBER(resume, SCENARIO_SUBJECT_SUSPEND),
};

static bool is_there(const struct scenario_subject *subject, const struct member *member)
{
    void (*function)(void);

    memcpy(&function, (const char *)subject + member->at, sizeof(function));
    return function != NULL;
}

/* Fills `subject` from the object's table, of which there may be less or more. */
static bool take_table(const struct scenario_subject *given, struct scenario_subject *subject,
                       char *reason, size_t size)
{
    if (given == NULL) {
        snprintf(reason, size, SCENARIO_SUBJECT_SYMBOL " gives no table");
        return false;
    }
    if (given->version != SCENARIO_SUBJECT_VERSION) {
        snprintf(reason, size,
                 "its table is of version %u and this simblk knows version %u: build it with this "
                 "simblk's scenario/subject.h",
                 (unsigned)given->version, (unsigned)SCENARIO_SUBJECT_VERSION);
        return false;
    }
    if (given->size < SIZE_LEAST) {
        snprintf(reason, size, "its table has %u bytes, a table of version %u has %zu at least",
                 (unsigned)given->size, (unsigned)SCENARIO_SUBJECT_VERSION, SIZE_LEAST);
        return false;
    }
    memset(subject, 0, sizeof(*subject));
    memcpy(subject, given, given->size < sizeof(*subject) ? given->size : sizeof(*subject));
    for (size_t i = 0; i < sizeof(members) / sizeof(members[0]); i++) {
        const struct member *member = &members[i];

        if (is_there(subject, member) ||
            (member->capability != 0 && (subject->capabilities & member->capability) == 0))
            continue;
        snprintf(reason, size, "its table has no %s%s", member->name,
                 member->capability != 0 ? ", which a capability that it claims needs" : "");
        return false;
    }
    if (subject->name == NULL)
        subject->name = "frontend";
    return true;
}

/* A name without a slash would be looked for in the system's folders. */
static void *open_object(const char *path)
{
    char here[4096];

    if (strchr(path, '/') != NULL)
        return dlopen(path, RTLD_NOW | RTLD_LOCAL);
    if (snprintf(here, sizeof(here), "./%s", path) >= (int)sizeof(here))
        return NULL;
    return dlopen(here, RTLD_NOW | RTLD_LOCAL);
}

const struct scenario_subject *subject_load(const char *path, char *reason, size_t size)
{
    static struct scenario_subject subject;
    const struct scenario_subject *(*entry)(void) = NULL;
    void *object = open_object(path);
    void *symbol;

    if (object == NULL) {
        const char *why = dlerror();

        snprintf(reason, size, "it cannot be loaded: %s", why != NULL ? why : "its name is long");
        return NULL;
    }
    symbol = dlsym(object, SCENARIO_SUBJECT_SYMBOL);
    if (symbol == NULL) {
        snprintf(reason, size,
                 "it has no function " SCENARIO_SUBJECT_SYMBOL " (see scenario/subject.h)");
        return NULL;
    }
    memcpy(&entry, &symbol, sizeof(entry));
    return take_table(entry(), &subject, reason, size) ? &subject : NULL;
}
