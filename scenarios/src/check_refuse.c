/* SPDX-License-Identifier: ISC */
/*
 * The checker's no.
 */
#include "check_refuse.h"

#include <stdarg.h>
#include <stdio.h>

bool check_refuse(char *message, size_t size, const char *format, ...)
{
    va_list arguments;

    if (message != NULL) {
        va_start(arguments, format);
        vsnprintf(message, size, format, arguments);
        va_end(arguments);
    }
    return false;
}
