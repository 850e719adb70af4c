/* SPDX-License-Identifier: ISC */
/*
 * Most events of one run are those of another, too: a page has each text once. A table by hash,
 * probed in a line, twice as large as what it holds.
 */
#include "page.h"

#include <stdlib.h>
#include <string.h>

enum { PLACES_FIRST = 4096 };

void page_words_init(struct page_words *words)
{
    memset(words, 0, sizeof(*words));
}

void page_words_fini(struct page_words *words)
{
    for (size_t i = 0; i < words->count; i++)
        free(words->texts[i]);
    free(words->texts);
    free(words->places);
    page_words_init(words);
}

/* FNV-1a. */
static size_t hash_of(const char *text)
{
    uint64_t hash = UINT64_C(0xcbf29ce484222325);

    for (; *text != '\0'; text++)
        hash = (hash ^ (unsigned char)*text) * UINT64_C(0x100000001b3);
    return (size_t)hash;
}

/* Where the text is, or where it belongs. */
static uint32_t *place_of(const struct page_words *words, const char *text)
{
    size_t mask = words->place_count - 1;
    size_t at = hash_of(text) & mask;

    while (words->places[at] != 0 && strcmp(words->texts[words->places[at] - 1], text) != 0)
        at = (at + 1) & mask;
    return &words->places[at];
}

static bool grow(struct page_words *words)
{
    size_t count = words->place_count == 0 ? PLACES_FIRST : words->place_count * 2;
    char **texts = realloc(words->texts, count / 2 * sizeof(*texts));
    uint32_t *places;

    if (texts == NULL)
        return false;
    words->texts = texts;
    places = calloc(count, sizeof(*places));
    if (places == NULL)
        return false;
    free(words->places);
    words->places = places;
    words->place_count = count;
    for (size_t i = 0; i < words->count; i++)
        *place_of(words, words->texts[i]) = (uint32_t)i + 1;
    return true;
}

bool page_words_number(struct page_words *words, const char *text, size_t *number)
{
    uint32_t *place;

    if (2 * words->count >= words->place_count && !grow(words))
        return false;
    place = place_of(words, text);
    if (*place == 0) {
        words->texts[words->count] = strdup(text);
        if (words->texts[words->count] == NULL)
            return false;
        *place = (uint32_t)++words->count;
    }
    *number = *place - 1;
    return true;
}
