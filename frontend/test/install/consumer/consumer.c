/* SPDX-License-Identifier: ISC */
/*
 * Somebody else's program: includes the installed headers and calls into both libraries, so that a
 * header, a library or a dependency that was not installed shows.
 */
#include <blkfront/blkfront.h>
#include <stdio.h>
#include <string.h>

int main(void)
{
    if (strcmp(blkfront_error_name(BLKFRONT_READ_ONLY), "read-only") != 0)
        return 1;
    puts("consumer: ok");
    return 0;
}
