/* SPDX-License-Identifier: ISC */
/*
 * Bounded text: a buffer that is filled from left to right, always ends in a NUL, and when it is
 * full ends in "..." instead of running over. The core has no printf; what is said, and to whom, is
 * the caller's matter.
 */
#ifndef BLKFRONT_SRC_TEXT_H
#define BLKFRONT_SRC_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

enum { TEXT_U64_MAX = 20 }; /* digits of the largest number */

struct text {
    char *start;
    size_t size; /* with the NUL; at least 4 */
    size_t length;
    bool cut; /* something did not fit */
};

static inline struct text text_begin(char *buffer, size_t size)
{
    struct text text = {.start = buffer, .size = size, .length = 0, .cut = false};

    buffer[0] = '\0';
    return text;
}

static inline void text_add_char(struct text *text, char c)
{
    if (text->length + 1 < text->size) {
        text->start[text->length++] = c;
        text->start[text->length] = '\0';
    } else if (!text->cut) {
        text->cut = true;
        memcpy(&text->start[text->size - 4], "...", 4);
    }
}

static inline void text_add(struct text *text, const char *string)
{
    char *at = &text->start[text->length], *last = &text->start[text->size - 1];

    while (at != last && *string != '\0')
        *at++ = *string++;
    text->length = (size_t)(at - text->start);
    if (*string != '\0')
        text_add_char(text, *string); /* there is no room */
    else
        *at = '\0';
}

/* Bytes of unknown origin: what is not printable shows as '?'. */
static inline void text_add_bytes(struct text *text, const char *bytes, size_t size)
{
    for (size_t i = 0; i < size; i++)
        text_add_char(text, bytes[i] >= ' ' && bytes[i] <= '~' ? bytes[i] : '?');
}

static inline void text_add_u64(struct text *text, uint64_t value)
{
    char digits[TEXT_U64_MAX];
    size_t count = 0;

    do {
        digits[count++] = (char)('0' + (int)(value % 10));
        value /= 10;
    } while (value != 0);
    while (count > 0)
        text_add_char(text, digits[--count]);
}

/* The length of a string, but at most `limit`. */
static inline size_t text_length(const char *string, size_t limit)
{
    size_t length = 0;

    while (length < limit && string[length] != '\0')
        length++;
    return length;
}

/* Not memcmp: where only equality counts, a compiler may call bcmp instead, and the core may not.
 */
static inline bool text_equal(const char *a, size_t a_length, const char *b, size_t b_length)
{
    size_t i = 0;

    while (i < a_length && i < b_length && a[i] == b[i])
        i++;
    return i == a_length && i == b_length;
}

/* True if the string begins with `prefix`. */
static inline bool text_begins(const char *string, size_t length, const char *prefix)
{
    size_t i = 0;

    for (; prefix[i] != '\0'; i++) {
        if (i >= length || string[i] != prefix[i])
            return false;
    }
    return true;
}

#endif
