/* SPDX-License-Identifier: ISC */
/*
 * The list of dialects and how one is found by its name. What each of them does is data in
 * dialects/.
 */
#include "dialect.h"

#include <simback/backend.h>

#include <string.h>

static const struct simback_dialect *const dialects[] = {
    &simback_dialect_linux,
    &simback_dialect_minimal,
};

enum { DIALECTS = sizeof(dialects) / sizeof(dialects[0]) };

const struct simback_dialect *simback_dialect_find(const char *name)
{
    if (name == NULL)
        return NULL;
    for (size_t i = 0; i < DIALECTS; i++) {
        if (strcmp(dialects[i]->name, name) == 0)
            return dialects[i];
    }
    return NULL;
}

const char *simback_dialect_name(size_t index)
{
    return index < DIALECTS ? dialects[index]->name : NULL;
}
