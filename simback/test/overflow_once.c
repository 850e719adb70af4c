/* SPDX-License-Identifier: ISC */
/*
 * One object of the given kind, touched in the given place: a program for valgrind, which has to
 * complain or not. Exit code 77 where the build tells valgrind nothing.
 */
#include "overflow_kinds.h"
#include "poison.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { SKIPPED = 77 };

static volatile uint8_t touched;

int main(int argc, char **argv)
{
    struct block block = {0};

    if (!POISON_VALGRIND) {
        return SKIPPED;
    }
    overflow_begin();
    for (int kind = 0; argc == 3 && kind < OVERFLOW_KINDS; kind++) {
        if (strcmp(overflow_name(kind), argv[1]) == 0) {
            block = overflow_make(kind);
        }
    }
    if (block.address == NULL) {
        return EXIT_FAILURE;
    }
    if (strcmp(argv[2], "behind") == 0) {
        touched = ((volatile uint8_t *)block.address)[block.size];
    } else if (strcmp(argv[2], "before") == 0) {
        touched = ((volatile uint8_t *)block.address)[-1];
    } else if (strcmp(argv[2], "inside") == 0) {
        touched = ((volatile uint8_t *)block.address)[block.size - 1];
    } else {
        return EXIT_FAILURE;
    }
    overflow_end();
    return EXIT_SUCCESS;
}
