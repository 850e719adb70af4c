/* SPDX-License-Identifier: ISC */
/*
 * What simblk serve refuses, without a Xen. That it serves is shown in the live rig, to the
 * kernel's own frontend.
 */
#include "check_main.h"
#include "tool_help.h"

static void refuses(const char *text, const char *why)
{
    put_file("one.txt", text);
    refused(why, "serve one.txt");
}

START_TEST(what_is_no_step_of_the_backend_is_refused)
{
    refuses("backend linux\nconnect -> ok\n", "one.txt:2: of the steps only those of the backend");
    refuses("backend linux\nread 0 +8\n", "one.txt:2: of the steps only those of the backend");
    refuses("backend linux\nrun\n", "one.txt:2: only `run time=...`");
    refuses("backend linux\nbackend qemu\n", "one.txt:2: there is one device");
    refuses("fault op=read error\n", "there is no `backend`");
    refuses("backend nobody\n", "there is no `backend`");
    refuses("nonsense\n", "one.txt:1: ");
    refuses("backend linux\nring index field=req_prod add=1\n", "are the guest's");
    refuses("backend linux\nring poke offset=4 bytes=\"x\"\n", "by `ring index`");
    refuses("backend linux\nload n=1 bytes=\"x\"\n", "of the steps only those");
}
END_TEST

START_TEST(a_device_that_there_cannot_be_is_refused)
{
    put_file("one.txt", "backend linux\n");
    assert_status(shell("$simblk serve"), 2);
    assert_status(shell("$simblk serve --domain 40000 one.txt"), 2);
    assert_status(shell("$simblk serve --vdev 4294967296 one.txt"), 2);
    assert_status(shell("$simblk serve nowhere.txt"), 2);
}
END_TEST

/* All is well with the scenario, its dialect and its steps: what is missing here is a Xen. */
START_TEST(without_a_xen_it_says_so)
{
    put_file("one.txt", "dialect mine like=linux\ndialect offers flush=no\nbackend mine\n"
                        "fault op=read error\nrun time=1s\nfault clear\nbackend hang\n"
                        "backend wake\nring respond id=9\nring index add=2\n"
                        "ring poke offset=64 bytes=\"x\"\nbackend close\n");
    refused("Xen", "serve --seconds 1 one.txt");
}
END_TEST

static Suite *serve_suite(void)
{
    Suite *suite = suite_create("serve");
    TCase *tests = tool_case("serve");

    tcase_add_test(tests, what_is_no_step_of_the_backend_is_refused);
    tcase_add_test(tests, a_device_that_there_cannot_be_is_refused);
    tcase_add_test(tests, without_a_xen_it_says_so);
    suite_add_tcase(suite, tests);
    return suite;
}

CHECK_MAIN(serve_suite)
