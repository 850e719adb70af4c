/* SPDX-License-Identifier: ISC */
/*
 * Each time that the world is asked for memory it has none in turn, whoever asks: simulated Xen,
 * backend, disk, rules or frontend. The run ends with a verdict that does not blame the frontend,
 * and the world that is made anew afterwards plays as ever.
 */
#include "check_main.h"
#include "language_help.h"
#include "scenario/run.h"

#include <simback/world.h>

#include <string.h>

enum { MOST = 5000 };

/* ---- the world's memory, as everybody but arena.c asks for it ---- */

static struct {
    uint64_t calls, countdown;
    bool from_then_on, always;
} memory;

struct arena;

/* The names are the linker's. NOLINTBEGIN(bugprone-reserved-identifier) */
void *__real_simback_allocate(struct simback_world *world, size_t size);
void *__real_simback_pages_allocate(struct simback_world *world, uint32_t count);
uint32_t __real_arena_pages_allocate(struct arena *arena, uint32_t count, int use, uint16_t domid);
void *__wrap_simback_allocate(struct simback_world *world, size_t size);
void *__wrap_simback_pages_allocate(struct simback_world *world, uint32_t count);
uint32_t __wrap_arena_pages_allocate(struct arena *arena, uint32_t count, int use, uint16_t domid);

static bool fails(void)
{
    memory.calls++;
    if (!memory.always) {
        if (memory.countdown == 0 || --memory.countdown != 0) {
            return false;
        }
        memory.always = memory.from_then_on;
    }
    return true;
}

/* More than there is: so it is the arena itself that refuses. */
void *__wrap_simback_allocate(struct simback_world *world, size_t size)
{
    return __real_simback_allocate(world, fails() ? SIZE_MAX : size);
}

void *__wrap_simback_pages_allocate(struct simback_world *world, uint32_t count)
{
    return __real_simback_pages_allocate(world, fails() ? UINT32_MAX : count);
}

uint32_t __wrap_arena_pages_allocate(struct arena *arena, uint32_t count, int use, uint16_t domid)
{
    return __real_arena_pages_allocate(arena, fails() ? UINT32_MAX : count, use, domid);
}
/* NOLINTEND(bugprone-reserved-identifier) */

/* ---- scenarios ---- */

static const char *const texts[] = {
    "title \"work\"\nrule I7\nbackend linux\nconnect -> ok\n"
    "write 0 +200 fill=3 buffers=3 -> ok\nread 0 +200 -> ok data=3\nflush -> ok\n"
    "write 300 +16 memory=library -> ok\nread 300 +8 memory=registered -> ok\n"
    "disconnect -> ok\n",
    "title \"many requests\"\nrule I7\nbackend linux\nfault every=3 delay=1ms\nconnect -> ok\n"
    "write 0 +800 async as A\nread 100 +300 async as B\nwrite 50 +88 async as C\n"
    "wait A -> ok\nwait B -> ok\nwait C -> ok\ndisconnect -> ok\n",
    "title \"two devices\"\nrule I7\nbackend linux\nxvdb: backend linux\nconnect -> ok\n"
    "xvdb: connect -> ok\nwrite 0 +8 -> ok\nxvdb: write 0 +8 fill=9 -> ok\nread 0 +8 -> ok\n"
    "devices -> ok count=2\ndisconnect -> ok\nxvdb: disconnect -> ok\n",
    "title \"a hostile backend\"\nrule I2\nbackend linux\nconnect -> ok\n"
    "fault op=read nth=1 hold as R\nread 0 +8 async as A\nrun\nrelease R\nwait A -> ok\n"
    "fault op=read nth=1 hold as S\nread 8 +8 async as B\nrun\nring respond like=R\n"
    "wait B -> protocol-error\nrun\n",
    "title \"the backend goes away\"\nrule I11\nbackend linux\nconnect -> ok\n"
    "write 0 +8 -> ok\nbackend crash\nrun\ndisconnect -> ok\n",
    "title \"XenStore\"\nrule I20\nbackend linux\nstore write back/sector-size \"4096\"\n"
    "store remove back/feature-flush-cache\nconnect -> ok\ndisconnect -> ok\n",
};

enum { TEXTS = sizeof(texts) / sizeof(texts[0]) };

static void load(struct scenario_program *program, const char *text)
{
    struct scenario_problems problems;

    scenario_program_init(program);
    scenario_problems_init(&problems);
    ck_assert_msg(scenario_parse(program, text, strlen(text), &problems) == SCENARIO_OK, "%s: %s",
                  text, problems.list[0].text);
}

/* How many times the world was asked for memory. */
static uint64_t play(struct scenario_runner *runner, const struct scenario_program *program,
                     uint64_t nth, bool from_then_on, struct scenario_verdict *verdict)
{
    struct scenario_run_options options;

    scenario_run_options_init(&options);
    options.subject = &scenario_subject_blkfront;
    memset(&memory, 0, sizeof(memory));
    memory.countdown = nth;
    memory.from_then_on = from_then_on;
    scenario_runner_run(runner, program, &options, verdict);
    return memory.calls;
}

static bool told(const struct scenario_verdict *verdict)
{
    return verdict->outcome == SCENARIO_BAD && verdict->exit_code == 2 && verdict->rule == 0 &&
           strstr(verdict->reason, "memory") != NULL;
}

START_TEST(each_allocation_fails_in_turn)
{
    struct scenario_runner *runner = scenario_runner_create();
    struct scenario_verdict good, verdict;
    struct scenario_program program;
    uint64_t calls, of_reset;

    ck_assert_ptr_nonnull(runner);
    memset(&memory, 0, sizeof(memory));
    simback_world_reset(scenario_runner_world(runner), NULL);
    of_reset = memory.calls;
    load(&program, texts[_i]);
    calls = play(runner, &program, 0, false, &good);
    ck_assert_msg(good.outcome == SCENARIO_PASSED, "%s: %s", texts[_i], good.reason);
    ck_assert_uint_lt(calls, MOST);
    ck_assert_uint_gt(calls, 30);
    for (uint64_t nth = of_reset + 1; nth <= calls; nth++) {
        for (int from_then_on = 0; from_then_on < 2; from_then_on++) {
            play(runner, &program, nth, from_then_on != 0, &verdict);
            ck_assert_msg(verdict.outcome == SCENARIO_PASSED || told(&verdict),
                          "%s\nallocation %llu fails: %s: %s", texts[_i], (unsigned long long)nth,
                          scenario_outcome_name(verdict.outcome), verdict.reason);
        }
    }
    play(runner, &program, 0, false, &verdict);
    ck_assert_int_eq(verdict.outcome, SCENARIO_PASSED);
    ck_assert_uint_eq(verdict.hash, good.hash);
    scenario_program_fini(&program);
    scenario_runner_destroy(runner);
}
END_TEST

/* Also when it cannot be made at all. */
START_TEST(a_world_is_made_or_not)
{
    struct simback_world *world;
    uint64_t calls;

    memset(&memory, 0, sizeof(memory));
    simback_world_destroy(simback_world_create(NULL));
    calls = memory.calls;
    ck_assert_uint_gt(calls, 3);
    for (uint64_t nth = 1; nth <= calls; nth++) {
        memset(&memory, 0, sizeof(memory));
        memory.countdown = nth;
        simback_world_destroy(simback_world_create(NULL));
    }
    memset(&memory, 0, sizeof(memory));
    world = simback_world_create(NULL);
    ck_assert_ptr_nonnull(world);
    simback_world_destroy(world);
}
END_TEST

static Suite *world_memory_suite(void)
{
    Suite *suite = suite_create("world_memory");
    TCase *tests = tcase_create("nth");

    tcase_set_timeout(tests, 60);
    tcase_add_loop_test(tests, each_allocation_fails_in_turn, 0, TEXTS);
    tcase_add_test(tests, a_world_is_made_or_not);
    suite_add_tcase(suite, tests);
    return suite;
}

CHECK_MAIN(world_memory_suite)
