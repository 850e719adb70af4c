/* SPDX-License-Identifier: ISC */
/*
 * What simblk serve says of a guest's frontend, for people and for programs, and the exit code that
 * goes with it.
 */
#include "cunit_main.h"

#include "../src/serve.h"
#include "../src/tool.h"

#include <simback/oracle.h>

#include <stdlib.h>
#include <string.h>

static struct simback_world *world;
static struct simback_backend_counters counters;
static char *text;

static void set_up(void)
{
    struct simback_world_options options;

    simback_world_options_init(&options);
    options.served = true;
    world = simback_world_create(&options);
    CU_ASSERT_PTR_NOT_NULL_FATAL(world);
    memset(&counters, 0, sizeof(counters));
    text = NULL;
}

static void tear_down(void)
{
    simback_world_destroy(world);
    free(text);
}

/* The report, and its exit code. */
static int report(bool connected, bool strict, bool json)
{
    const struct serve_outcome outcome = {.connected = connected,
                                          .counters = &counters,
                                          .complaint = "it \"said\" so",
                                          .world = world};
    size_t length;
    FILE *stream;
    int rc;

    free(text);
    text = NULL;
    stream = open_memstream(&text, &length);
    CU_ASSERT_PTR_NOT_NULL_FATAL(stream);
    rc = serve_report(&outcome, strict, json, stream);
    fclose(stream);
    return rc;
}

static bool says(const char *words)
{
    const bool found = strstr(text, words) != NULL;

    if (!found)
        printf("\n    \"%s\" not in: %s", words, text);
    return found;
}

static void what_was_never_asked_for_is_not_seen(void)
{
    CU_ASSERT_EQUAL(report(true, true, false), TOOL_OK);
    CU_ASSERT_TRUE(says("not seen: I2 I3 I4 I5 I6 I8 I9 I10 I11 I12 I14 I17 I18\n"));
    CU_ASSERT_TRUE(says("cannot be seen from a backend: I1 I7 I13 I15 I16 I19 I20 I21\n"));
    CU_ASSERT_PTR_NULL(strstr(text, "kept"));
}

static void a_rule_that_is_broken_fails(void)
{
    simback_violate(world, 9, false, SIMBACK_NO_DEVICE, 0, "one %s", "way");
    simback_violate(world, 9, false, SIMBACK_NO_DEVICE, 0, "another");
    CU_ASSERT_EQUAL(report(true, false, false), TOOL_FAILED);
    CU_ASSERT_TRUE(says("broken, 2 times, first: I9 no device: one way\n"));
}

static void a_should_counts_where_it_is_asked_for(void)
{
    simback_violate(world, 17, true, SIMBACK_NO_DEVICE, 0, "mode is r");
    CU_ASSERT_EQUAL(report(true, false, false), TOOL_OK);
    CU_ASSERT_TRUE(says("kept, but not its SHOULD, 1 times, first: I17 no device: mode is r\n"));
    CU_ASSERT_EQUAL(report(true, true, false), TOOL_FAILED);
}

static void a_guest_that_never_came_fails(void)
{
    CU_ASSERT_EQUAL(report(false, false, false), TOOL_FAILED);
}

static void complaints_of_the_backend_fail(void)
{
    counters.complaints = 3;
    counters.read = 7;
    CU_ASSERT_EQUAL(report(true, false, false), TOOL_FAILED);
    CU_ASSERT_TRUE(says("requests: 7 read, 0 write"));
    CU_ASSERT_TRUE(says("complaints about the frontend: 3, the last: it \"said\" so\n"));
}

static void for_programs_it_is_json(void)
{
    simback_violate(world, 2, false, SIMBACK_NO_DEVICE, 0, "a \"quote\"");
    counters.indirect = 4;
    CU_ASSERT_EQUAL(report(true, false, true), TOOL_FAILED);
    CU_ASSERT_EQUAL(strncmp(text, "{\"format\": \"simblk-serve\", \"version\": 1, ", 40), 0);
    CU_ASSERT_TRUE(says("\"indirect\": 4, "));
    CU_ASSERT_TRUE(says("\"complaint\": \"it \\\"said\\\" so\""));
    CU_ASSERT_TRUE(says("{\"rule\": \"I2\", \"verdict\": \"broken\", \"checks\": 0, "
                        "\"violations\": 1, \"should\": 0, "
                        "\"first\": \"I2 no device: a \\\"quote\\\"\"}"));
    CU_ASSERT_TRUE(says("{\"rule\": \"I7\", \"verdict\": \"cannot be seen from a backend\""));
}

static const struct unit_test tests[] = {
    UNIT_TEST(what_was_never_asked_for_is_not_seen),  UNIT_TEST(a_rule_that_is_broken_fails),
    UNIT_TEST(a_should_counts_where_it_is_asked_for), UNIT_TEST(a_guest_that_never_came_fails),
    UNIT_TEST(complaints_of_the_backend_fail),        UNIT_TEST(for_programs_it_is_json),
};

UNIT_MAIN_WITH("serve report", set_up, tear_down, tests)
