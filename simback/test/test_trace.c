/* SPDX-License-Identifier: ISC */
/*
 * The trace: which events the hash covers, that each of their members counts, how they look, and
 * the last ones for a report.
 */
#include "cunit_main.h"
#include "internal.h"
#include "sim_world.h"

/* The events here are made up: nobody must draw conclusions from them. */
static void set_up(void)
{
    sim_world_set_up();
    world->monitor = NULL;
}

static uint64_t hash_of(const struct simback_event *event)
{
    world->trace.hash = 12345;
    simback_emit(world, event);
    return simback_trace_hash(world);
}

static bool is_hashed(enum simback_event_kind kind)
{
    return kind != SIMBACK_LOAD && kind != SIMBACK_STORE && kind != SIMBACK_FENCE &&
           kind != SIMBACK_STEP && kind != SIMBACK_LOG;
}

static struct simback_event sample(enum simback_event_kind kind)
{
    return (struct simback_event){
        .kind = kind,
        .result = -3,
        .domid = 1,
        .peer = 2,
        .device = 3,
        .queue = 4,
        .a = 5,
        .b = 6,
        .c = 7,
        .path = "/a/b",
        .bytes = "value",
        .length = 5,
    };
}

enum { FLIPS = 14 };

/* Changes one member in the way of which one hears least. */
static struct simback_event flip(struct simback_event event, unsigned which)
{
    switch (which) {
    case 0: event.result += 1 << 30; break;
    case 1: event.domid ^= 0x8000; break;
    case 2: event.peer ^= 1; break;
    case 3: event.device ^= 0x8000; break;
    case 4: event.queue ^= 1; break;
    case 5: event.a ^= UINT64_C(1) << 63; break;
    case 6: event.b ^= 1; break;
    case 7: event.c ^= UINT64_C(1) << 40; break;
    case 8: event.path = "/a/c"; break;
    case 9: event.path = NULL; break;
    case 10: event.bytes = "valuf"; break;
    case 11: event.length = 4; break;
    case 12: event.bytes = NULL; break;
    default: /* the border between path and value */
        event.path = "/a/bv";
        event.bytes = "alue";
        event.length = 4;
        break;
    }
    return event;
}

static void every_member_of_every_hashed_kind_changes_the_hash(void)
{
    for (unsigned kind = 1; kind < SIMBACK_EVENT_KINDS; kind++) {
        struct simback_event event = sample((enum simback_event_kind)kind);
        uint64_t hash = hash_of(&event);

        if (!is_hashed(event.kind))
            continue;
        CU_ASSERT_NOT_EQUAL(hash, 12345);
        CU_ASSERT_EQUAL(hash_of(&event), hash);
        for (unsigned which = 0; which < FLIPS; which++) {
            struct simback_event flipped = flip(event, which);

            CU_ASSERT_NOT_EQUAL(hash_of(&flipped), hash);
        }
    }
}

/* Bytes of an event that are neither its kind nor one of its two pointers: every other test of the
 * kind names members, and a new one could be forgotten there. */
static bool is_plain(size_t byte)
{
    return byte - offsetof(struct simback_event, kind) >= sizeof(enum simback_event_kind) &&
           byte - offsetof(struct simback_event, path) >= sizeof(const char *) &&
           byte - offsetof(struct simback_event, bytes) >= sizeof(const void *);
}

static void every_bit_of_every_member_changes_the_hash(void)
{
    for (unsigned kind = 0; kind < SIMBACK_EVENT_KINDS; kind++) {
        struct simback_event event = sample((enum simback_event_kind)kind);
        uint64_t hash;

        if (!is_hashed(event.kind))
            continue;
        event.bytes = NULL; /* then no length is too long */
        hash = hash_of(&event);
        for (size_t bit = 0; bit < 8 * sizeof(event); bit++) {
            struct simback_event flipped = event;

            if (!is_plain(bit / 8))
                continue;
            ((uint8_t *)&flipped)[bit / 8] ^= (uint8_t)(1u << (bit % 8));
            CU_ASSERT_NOT_EQUAL(hash_of(&flipped), hash);
        }
    }
}

static void every_bit_of_time_changes_the_hash(void)
{
    struct simback_event event = sample(SIMBACK_NOTIFY);
    uint64_t hash = hash_of(&event);

    for (unsigned bit = 0; bit < 64; bit++) {
        world->now = UINT64_C(1) << bit;
        CU_ASSERT_NOT_EQUAL(hash_of(&event), hash);
    }
    world->now = 0;
}

static void every_bit_of_a_slot_changes_the_hash(void)
{
    uint8_t slot[112] = {0};
    struct simback_event event = {.kind = SIMBACK_RING_REQUEST, .bytes = slot, .length = 112};
    uint64_t hash = hash_of(&event);

    for (unsigned bit = 0; bit < 112 * 8; bit++) {
        slot[bit / 8] ^= (uint8_t)(1u << (bit % 8));
        CU_ASSERT_NOT_EQUAL(hash_of(&event), hash);
        slot[bit / 8] ^= (uint8_t)(1u << (bit % 8));
    }
}

static void kinds_differ_and_so_does_time(void)
{
    uint64_t seen[SIMBACK_EVENT_KINDS];
    unsigned count = 0;

    for (unsigned kind = 0; kind < SIMBACK_EVENT_KINDS; kind++) {
        struct simback_event event = {.kind = (enum simback_event_kind)kind};

        if (!is_hashed(event.kind))
            continue;
        seen[count] = hash_of(&event);
        for (unsigned i = 0; i < count; i++)
            CU_ASSERT_NOT_EQUAL(seen[i], seen[count]);
        count++;
    }
    simback_advance(world, 1);
    CU_ASSERT_NOT_EQUAL(hash_of(&(struct simback_event){.kind = SIMBACK_GRANT}),
                        seen[SIMBACK_GRANT]);
}

static void what_one_build_alone_sees_is_neither_hashed_nor_counted(void)
{
    static const enum simback_event_kind kinds[] = {
        SIMBACK_LOAD, SIMBACK_STORE, SIMBACK_FENCE, SIMBACK_STEP, SIMBACK_LOG,
    };
    uint64_t count = simback_event_count(world);

    for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
        struct simback_event event = sample(kinds[i]);

        CU_ASSERT_EQUAL(hash_of(&event), 12345);
        CU_ASSERT_EQUAL(simback_event_count(world), count);
    }
}

static void the_order_of_events_changes_the_hash(void)
{
    const struct simback_event one = {.kind = SIMBACK_GRANT, .a = 1};
    const struct simback_event two = {.kind = SIMBACK_GRANT, .a = 2};
    uint64_t hash;

    hash_of(&one);
    simback_emit(world, &two);
    hash = simback_trace_hash(world);
    hash_of(&two);
    simback_emit(world, &one);
    CU_ASSERT_NOT_EQUAL(simback_trace_hash(world), hash);
}

static void a_reset_world_hashes_the_same_run_the_same(void)
{
    uint64_t hash;

    simback_world_reset(world, NULL);
    world->monitor = NULL;
    simback_emit(world, &(struct simback_event){.kind = SIMBACK_GRANT, .a = 1});
    hash = simback_trace_hash(world);
    CU_ASSERT_EQUAL(simback_event_count(world), 1);
    simback_world_reset(world, NULL);
    world->monitor = NULL;
    CU_ASSERT_EQUAL(simback_event_count(world), 0);
    simback_emit(world, &(struct simback_event){.kind = SIMBACK_GRANT, .a = 1});
    CU_ASSERT_EQUAL(simback_trace_hash(world), hash);
}

/* ---- text ---- */

static const char *text_of(const struct simback_event *event)
{
    static char text[400];
    size_t length = simback_event_text(world, event, 1234567, text, sizeof(text));

    CU_ASSERT_EQUAL(length, strlen(text));
    return text;
}

static void events_have_fixed_columns(void)
{
    struct simback_event event = {.kind = SIMBACK_GRANT, .domid = 1, .a = 8, .b = 3, .c = 1};
    char slot[112] = {1, 2, 0, 0, 0, 0, 0, 0, 0x34, 0x12, 0, 0, 0, 0, 0, 0, 16};
    char response[16] = {0x34, 0x12, 0, 0, 0, 0, 0, 0, 1, 0, -2, -1};

    CU_ASSERT_STRING_EQUAL(text_of(&event), "      1234.567  dom1     0/0    grant          "
                                            " to=dom0 ref=8 page=3 writable=1 -> ok");
    event.result = BLKFRONT_PLATFORM_BUSY;
    event.kind = SIMBACK_GRANT_END;
    event.device = SIMBACK_NO_DEVICE;
    CU_ASSERT_STRING_EQUAL(text_of(&event), "      1234.567  dom1     -      grant-end      "
                                            " ref=8 page=3 -> busy");
    event = (struct simback_event){
        .kind = SIMBACK_STORE_WRITE, .path = "/a", .bytes = "x\"\0\n", .length = 4};
    CU_ASSERT_STRING_EQUAL(text_of(&event), "      1234.567  dom0     0/0    store-write    "
                                            " /a \"x\\\"\\x00\\x0a\" transaction=0 -> ok");
    event = (struct simback_event){.kind = SIMBACK_RING_REQUEST, .bytes = slot, .length = 112};
    CU_ASSERT_PTR_NOT_NULL(
        strstr(text_of(&event), "index=0 op=write segments=2 id=0x1234 sector_512=16"));
    event = (struct simback_event){.kind = SIMBACK_RING_RESPONSE, .bytes = response, .length = 16};
    CU_ASSERT_PTR_NOT_NULL(strstr(text_of(&event), "index=0 op=write status=-2 id=0x1234"));
    event = (struct simback_event){.kind = SIMBACK_FAULT, .path = "status", .a = 0x1234, .c = 2};
    CU_ASSERT_PTR_NOT_NULL(strstr(text_of(&event), " status id=0x1234 rule=0 n=2"));
    event = (struct simback_event){.kind = SIMBACK_RING_INDEX, .a = 2, .b = 9, .c = 8};
    CU_ASSERT_PTR_NOT_NULL(strstr(text_of(&event), " rsp_prod=9 old=8"));
    event = (struct simback_event){.kind = SIMBACK_COMPLETE, .a = 7, .result = -3};
    CU_ASSERT_PTR_NOT_NULL(strstr(text_of(&event), " request=7 -> read-only"));
    event.result = -99;
    CU_ASSERT_PTR_NOT_NULL(strstr(text_of(&event), " -> #99"));
}

static void every_kind_has_a_name_of_its_own_and_fits(void)
{
    char names[SIMBACK_EVENT_KINDS][24];

    for (unsigned kind = 0; kind < SIMBACK_EVENT_KINDS; kind++) {
        struct simback_event event = sample((enum simback_event_kind)kind);
        char text[400], small[20];

        CU_ASSERT_FATAL(simback_event_text(world, &event, 0, text, sizeof(text)) > 32);
        CU_ASSERT_EQUAL(sscanf(text + 31, "%23s", names[kind]), 1);
        CU_ASSERT_STRING_NOT_EQUAL(names[kind], "(null)");
        for (unsigned other = 0; other < kind; other++)
            CU_ASSERT_STRING_NOT_EQUAL(names[other], names[kind]);
        CU_ASSERT_EQUAL(simback_event_text(world, &event, 0, small, sizeof(small)),
                        sizeof(small) - 1);
        CU_ASSERT_EQUAL(strncmp(small, text, sizeof(small) - 1), 0);
    }
    CU_ASSERT_EQUAL(simback_event_text(world, &(struct simback_event){0}, 0, NULL, 0), 0);
}

/* ---- the last ones ---- */

static char last[4][400];
static unsigned last_count;

static void collect(void *context, const char *text)
{
    CU_ASSERT_PTR_EQUAL(context, last);
    if (last_count < 4)
        snprintf(last[last_count], sizeof(last[0]), "%s", text);
    last_count++;
}

static void the_last_events_are_kept_in_order(void)
{
    uint64_t allocations = simback_allocations(world);

    for (unsigned i = 0; i < 1000; i++)
        simback_emit(world, &(struct simback_event){.kind = SIMBACK_NOTIFY, .a = i});
    simback_emit(world, &(struct simback_event){.kind = SIMBACK_FENCE}); /* not among them */
    last_count = 0;
    simback_last_events(world, 3, collect, last);
    CU_ASSERT_EQUAL(last_count, 3);
    CU_ASSERT_PTR_NOT_NULL(strstr(last[0], "port=997 "));
    CU_ASSERT_PTR_NOT_NULL(strstr(last[2], "port=999 "));
    last_count = 0;
    simback_last_events(world, 10000, collect, last);
    CU_ASSERT_EQUAL(last_count, 256);
    CU_ASSERT_EQUAL(simback_allocations(world), allocations);
}

static void a_kept_event_looks_as_it_did_but_for_long_paths_and_values(void)
{
    char path[200] = "/local/domain/1/", value[100], text[400];
    struct simback_event event = sample(SIMBACK_STORE_WRITE);

    simback_emit(world, &event);
    simback_event_text(world, &event, 0, text, sizeof(text));
    last_count = 0;
    simback_last_events(world, 1, collect, last);
    CU_ASSERT_STRING_EQUAL(last[0], text);

    memset(path + 16, 'p', 100);
    memset(value, 'v', sizeof(value));
    event.path = path;
    event.bytes = value;
    event.length = sizeof(value);
    simback_emit(world, &event);
    last_count = 0;
    simback_last_events(world, 1, collect, last);
    CU_ASSERT_PTR_NOT_NULL(strstr(last[0], " ...ppp"));
    CU_ASSERT_PTR_NOT_NULL(strstr(last[0], "ppp \"vvv"));
    CU_ASSERT_PTR_NOT_NULL(strstr(last[0], "vvv\"+60"));
}

static unsigned sunk;

static void sink(void *context, const struct simback_event *event, uint64_t time_ns)
{
    CU_ASSERT_PTR_EQUAL(context, &sunk);
    CU_ASSERT_EQUAL(event->a, 7);
    CU_ASSERT_EQUAL(time_ns, 55);
    sunk++;
}

static void a_sink_hears_every_event_as_it_happens(void)
{
    simback_advance(world, 55);
    simback_trace_to(world, sink, &sunk);
    simback_emit(world, &(struct simback_event){.kind = SIMBACK_LOAD, .a = 7});
    simback_emit(world, &(struct simback_event){.kind = SIMBACK_GRANT, .a = 7});
    simback_trace_to(world, NULL, NULL);
    simback_emit(world, &(struct simback_event){.kind = SIMBACK_GRANT, .a = 8});
    CU_ASSERT_EQUAL(sunk, 2);
}

static void with_hash_and_rules_off_events_are_only_counted(void)
{
    struct simback_world_options options;

    simback_world_options_init(&options);
    options.rules = options.trace_hash = false;
    simback_world_reset(world, &options);
    simback_emit(world, &(struct simback_event){.kind = SIMBACK_GRANT});
    CU_ASSERT_EQUAL(simback_event_count(world), 1);
    CU_ASSERT_EQUAL(simback_trace_hash(world), 0);
    last_count = 0;
    simback_last_events(world, 3, collect, last);
    CU_ASSERT_EQUAL(last_count, 0);
}

static const struct unit_test tests[] = {
    UNIT_TEST(every_member_of_every_hashed_kind_changes_the_hash),
    UNIT_TEST(every_bit_of_every_member_changes_the_hash),
    UNIT_TEST(every_bit_of_time_changes_the_hash),
    UNIT_TEST(every_bit_of_a_slot_changes_the_hash),
    UNIT_TEST(kinds_differ_and_so_does_time),
    UNIT_TEST(what_one_build_alone_sees_is_neither_hashed_nor_counted),
    UNIT_TEST(the_order_of_events_changes_the_hash),
    UNIT_TEST(a_reset_world_hashes_the_same_run_the_same),
    UNIT_TEST(events_have_fixed_columns),
    UNIT_TEST(every_kind_has_a_name_of_its_own_and_fits),
    UNIT_TEST(the_last_events_are_kept_in_order),
    UNIT_TEST(a_kept_event_looks_as_it_did_but_for_long_paths_and_values),
    UNIT_TEST(a_sink_hears_every_event_as_it_happens),
    UNIT_TEST(with_hash_and_rules_off_events_are_only_counted),
};

UNIT_MAIN_WITH("trace", set_up, sim_world_tear_down, tests)
