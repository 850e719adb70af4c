/* SPDX-License-Identifier: ISC */
/*
 * Comparisons for a libFuzzer target under AddressSanitizer, where both want to see each: the one
 * to check its memory, the other to learn what is compared. But those who compare strings and nodes
 * here are simulator and judge, by the thousand in an input; what is explored does not (a frontend
 * has memcmp, which stays as it is). Copies are watched, whoever makes them: what a frontend hands
 * over is copied.
 */
#include <stddef.h>

int strcmp(const char *one, const char *other);
int strncmp(const char *one, const char *other, size_t most);
int bcmp(const void *one, const void *other, size_t size);

int strcmp(const char *one, const char *other)
{
    while (*one != '\0' && *one == *other) {
        one++;
        other++;
    }
    return (unsigned char)*one - (unsigned char)*other;
}

int strncmp(const char *one, const char *other, size_t most)
{
    while (most != 0 && *one != '\0' && *one == *other) {
        one++;
        other++;
        most--;
    }
    return most == 0 ? 0 : (unsigned char)*one - (unsigned char)*other;
}

int bcmp(const void *one, const void *other, size_t size)
{
    const unsigned char *a = one, *b = other;

    for (; size >= sizeof(unsigned long); size -= sizeof(unsigned long)) {
        unsigned long word_a, word_b;

        __builtin_memcpy(&word_a, a, sizeof(word_a));
        __builtin_memcpy(&word_b, b, sizeof(word_b));
        if (word_a != word_b) {
            return 1;
        }
        a += sizeof(word_a);
        b += sizeof(word_b);
    }
    for (; size != 0; size--) {
        if (*a++ != *b++) {
            return 1;
        }
    }
    return 0;
}
