/* SPDX-License-Identifier: ISC */
/*
 * A shared object that is no frontend.
 */
int nothing_of_interest(void);

int nothing_of_interest(void)
{
    return 0;
}
