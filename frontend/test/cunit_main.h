/* SPDX-License-Identifier: ISC */
/*
 * The main of every CUnit program: a table of tests, run in its order, CUnit's summary on standard
 * output, and a non-zero exit when anything failed or when nothing was asserted. Names given as
 * arguments run only those tests. What a test proves is the business of its file.
 *
 *     static const struct unit_test tests[] = {
 *         UNIT_TEST(i3_overflow_fails_the_device),
 *     };
 *     UNIT_MAIN("ring", tests)
 */
#ifndef SIMBLK_TEST_CUNIT_MAIN_H
#define SIMBLK_TEST_CUNIT_MAIN_H

#include <CUnit/Basic.h>
#include <CUnit/CUnit.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct unit_test {
    const char *name;
    void (*run)(void);
};

#define UNIT_TEST(function)                  \
    {                                        \
        .name = #function, .run = (function) \
    }

static inline int unit_wanted(const char *name, int argc, char **argv)
{
    if (argc < 2)
        return 1;
    for (int i = 1; i < argc; i++) {
        if (strcmp(argv[i], name) == 0)
            return 1;
    }
    return 0;
}

/* Before and after each test, not each suite: every test starts from the same state. NULL: none. */
static inline int unit_main(const char *suite_name, void (*set_up)(void), void (*tear_down)(void),
                            const struct unit_test *tests, size_t count, int argc, char **argv)
{
    CU_pSuite suite;
    unsigned failures, asserts, chosen = 0;

    if (CU_initialize_registry() != CUE_SUCCESS)
        return EXIT_FAILURE;
    suite = CU_add_suite_with_setup_and_teardown(suite_name, NULL, NULL, set_up, tear_down);
    for (size_t i = 0; suite != NULL && i < count; i++) {
        if (!unit_wanted(tests[i].name, argc, argv))
            continue;
        if (CU_add_test(suite, tests[i].name, tests[i].run) == NULL)
            suite = NULL;
        chosen++;
    }
    if (suite == NULL || chosen == 0) {
        fprintf(stderr, "%s: %s\n", suite_name,
                suite == NULL ? CU_get_error_msg() : "no test of that name");
        CU_cleanup_registry();
        return EXIT_FAILURE;
    }

    CU_basic_set_mode(CU_BRM_VERBOSE);
    CU_basic_run_tests();
    failures = CU_get_number_of_tests_failed() + CU_get_number_of_suites_failed() +
               CU_get_number_of_failures();
    asserts = CU_get_number_of_asserts();
    if (asserts == 0)
        fprintf(stderr, "%s: nothing was asserted\n", suite_name);
    CU_cleanup_registry();
    return failures == 0 && asserts != 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}

#define UNIT_MAIN_WITH(suite_name, set_up, tear_down, tests)                                       \
    int main(int argc, char **argv)                                                                \
    {                                                                                              \
        return unit_main(suite_name, set_up, tear_down, tests, sizeof(tests) / sizeof((tests)[0]), \
                         argc, argv);                                                              \
    }

#define UNIT_MAIN(suite_name, tests) UNIT_MAIN_WITH(suite_name, NULL, NULL, tests)

#endif
