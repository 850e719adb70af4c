/* SPDX-License-Identifier: ISC */
/*
 * The main of every libcheck program: one suite of test cases, each test in a process of its own
 * (fork mode, so that a crash is one failed test), libcheck's summary on standard output and a
 * non-zero exit when anything failed or nothing ran. CK_RUN_CASE chooses one case, as ever.
 *
 *     static Suite *parser_suite(void) { ... }
 *     CHECK_MAIN(parser_suite)
 */
#ifndef SIMBLK_TEST_CHECK_MAIN_H
#define SIMBLK_TEST_CHECK_MAIN_H

#include <check.h>
#include <stdio.h>
#include <stdlib.h>

static inline int check_main(Suite *suite)
{
    SRunner *runner = srunner_create(suite);
    int failed, run;

    /* CK_FORK=no stays possible for a debugger: only the default is set here. */
    if (getenv("CK_FORK") == NULL)
        srunner_set_fork_status(runner, CK_FORK);
    srunner_run_all(runner, CK_ENV);
    failed = srunner_ntests_failed(runner);
    run = srunner_ntests_run(runner);
    srunner_free(runner);
    if (run == 0)
        fprintf(stderr, "no test ran\n");
    return failed == 0 && run != 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}

#define CHECK_MAIN(make_suite)           \
    int main(void)                       \
    {                                    \
        return check_main(make_suite()); \
    }

#endif
