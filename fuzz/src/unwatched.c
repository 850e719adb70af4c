/* SPDX-License-Identifier: ISC */
/*
 * Functions on memory and text for a libFuzzer target under AddressSanitizer. Both want to see each
 * call: the one to check its memory, the other to learn what is compared. But in these programs
 * those who call them are simulator and judge, by the thousand in an input. What is explored does
 * not: the compiler has its copies call the sanitizer by another name, and memcmp stays as it is.
 * What a frontend hands over to the simulator is looked at there (platform_sim.c).
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

void *memcpy(void *restrict to, const void *restrict from, size_t size);
void *memmove(void *to, const void *from, size_t size);
void *memset(void *to, int byte, size_t size);
size_t strlen(const char *text);
int strcmp(const char *one, const char *other);
int strncmp(const char *one, const char *other, size_t most);
int bcmp(const void *one, const void *other, size_t size);
int snprintf(char *restrict text, size_t size, const char *restrict format, ...)
    __attribute__((format(printf, 3, 4)));
int vsnprintf(char *restrict text, size_t size, const char *restrict format, va_list arguments)
    __attribute__((format(printf, 3, 0)));

/* The C library's, which the sanitizer's hide. NULL before main: simple loops do then. */
static struct {
    void *(*move)(void *to, const void *from, size_t size);
    void *(*set)(void *to, int byte, size_t size);
    size_t (*length)(const char *text);
    int (*compare)(const void *one, const void *other, size_t size);
    int (*compare_texts)(const char *one, const char *other);
    int (*compare_some)(const char *one, const char *other, size_t most);
    int (*print)(char *restrict text, size_t size, const char *restrict format, va_list arguments);
} libc;

/* A pointer to a function by way of one to an object: POSIX has no other. */
static void find(const char *name, void *function)
{
    void **pointer = function;

    *pointer = dlsym(RTLD_NEXT, name);
}

__attribute__((constructor)) static void find_all(void)
{
    find("memset", &libc.set);
    find("strlen", &libc.length);
    find("bcmp", &libc.compare);
    find("strcmp", &libc.compare_texts);
    find("strncmp", &libc.compare_some);
    find("vsnprintf", &libc.print);
    find("memmove", &libc.move);
}

void *memmove(void *to, const void *from, size_t size)
{
    unsigned char *out = to;
    const unsigned char *in = from;

    if (libc.move != NULL) {
        return libc.move(to, from, size);
    }
    if ((uintptr_t)out < (uintptr_t)in) {
        for (size_t i = 0; i < size; i++) {
            out[i] = in[i];
        }
    } else {
        while (size-- > 0) {
            out[size] = in[size];
        }
    }
    return to;
}

void *memcpy(void *restrict to, const void *restrict from, size_t size)
{
    return memmove(to, from, size);
}

void *memset(void *to, int byte, size_t size)
{
    unsigned char *out = to;

    if (libc.set != NULL) {
        return libc.set(to, byte, size);
    }
    for (size_t i = 0; i < size; i++) {
        out[i] = (unsigned char)byte;
    }
    return to;
}

size_t strlen(const char *text)
{
    size_t length = 0;

    if (libc.length != NULL) {
        return libc.length(text);
    }
    while (text[length] != '\0') {
        length++;
    }
    return length;
}

int bcmp(const void *one, const void *other, size_t size)
{
    const unsigned char *a = one, *b = other;
    int differ = 0;

    if (libc.compare != NULL) {
        return libc.compare(one, other, size);
    }
    for (size_t i = 0; i < size; i++) {
        differ |= a[i] ^ b[i];
    }
    return differ;
}

int strncmp(const char *one, const char *other, size_t most)
{
    if (libc.compare_some != NULL) {
        return libc.compare_some(one, other, most);
    }
    while (most != 0 && *one != '\0' && *one == *other) {
        one++;
        other++;
        most--;
    }
    return most == 0 ? 0 : (unsigned char)*one - (unsigned char)*other;
}

int strcmp(const char *one, const char *other)
{
    return libc.compare_texts != NULL ? libc.compare_texts(one, other)
                                      : strncmp(one, other, SIZE_MAX);
}

/* Nobody prints before main. */
int vsnprintf(char *restrict text, size_t size, const char *restrict format, va_list arguments)
{
    return libc.print(text, size, format, arguments);
}

int snprintf(char *restrict text, size_t size, const char *restrict format, ...)
{
    va_list arguments;
    int length;

    va_start(arguments, format);
    length = vsnprintf(text, size, format, arguments);
    va_end(arguments);
    return length;
}
