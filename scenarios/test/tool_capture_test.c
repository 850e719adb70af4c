/* SPDX-License-Identifier: ISC */
/*
 * simblk run --trace-pcapng: the file is sound, block by block, and holds what happened; the same
 * bytes come of the same scenarios however they are played; and who dies or cannot be written is
 * told of. What Wireshark makes of it is wireshark/check.sh's matter.
 */
#include "capture_packet.h"
#include "check_main.h"
#include "tool_help.h"

#include <stdlib.h>

enum { SECTION = 0x0a0d0d0a, INTERFACE = 1, PACKET = 6, HEAD = 48, BLOCKS_MAX = 100000 };

/* ---- reading it ---- */

struct block {
    uint32_t type;
    const uint8_t *body;
    size_t length; /* of the body */
};

static struct {
    uint8_t *bytes;
    size_t length;
    struct block blocks[BLOCKS_MAX];
    size_t count;
} file;

static uint64_t number(const uint8_t *bytes, unsigned size)
{
    uint64_t value = 0;

    for (unsigned i = size; i > 0; i--)
        value = value << 8 | bytes[i - 1];
    return value;
}

static void read_blocks(const char *path)
{
    FILE *in = fopen(path, "rb");
    const size_t room = 64u << 20;

    ck_assert_ptr_nonnull(in);
    free(file.bytes);
    file.bytes = malloc(room);
    ck_assert_ptr_nonnull(file.bytes);
    file.length = fread(file.bytes, 1, room, in);
    fclose(in);
    file.count = 0;
    for (size_t at = 0; at < file.length;) {
        size_t length;

        ck_assert_uint_ge(file.length - at, 12);
        length = number(file.bytes + at + 4, 4);
        ck_assert_uint_eq(length % 4, 0);
        ck_assert_uint_ge(length, 12);
        ck_assert_uint_le(length, file.length - at);
        ck_assert_uint_eq(number(file.bytes + at + length - 4, 4), length);
        ck_assert_uint_lt(file.count, BLOCKS_MAX);
        file.blocks[file.count].type = (uint32_t)number(file.bytes + at, 4);
        file.blocks[file.count].body = file.bytes + at + 8;
        file.blocks[file.count++].length = length - 12;
        at += length;
    }
}

/* The first block behind `from` that is a packet of this kind; its payload in *payload. */
static size_t find(size_t from, enum capture_kind kind, const uint8_t **payload)
{
    *payload = file.bytes;
    for (size_t i = from; i < file.count; i++) {
        if (file.blocks[i].type == PACKET && file.blocks[i].body[20 + 1] == kind) {
            *payload = file.blocks[i].body + 20;
            return i;
        }
    }
    return file.count;
}

static size_t count_packets(enum capture_kind kind)
{
    const uint8_t *payload;
    size_t count = 0;

    for (size_t i = 0; (i = find(i, kind, &payload)) < file.count; i++)
        count++;
    return count;
}

static size_t count_blocks(uint32_t type)
{
    size_t count = 0;

    for (size_t i = 0; i < file.count; i++)
        count += file.blocks[i].type == type;
    return count;
}

static void assert_bytes(const uint8_t *bytes, size_t length, const char *wanted)
{
    ck_assert_uint_eq(length, strlen(wanted));
    ck_assert_mem_eq(bytes, wanted, length);
}

static void assert_verdict(size_t from, const char *outcome, const char *reason)
{
    const uint8_t *packet;
    size_t path;

    ck_assert_uint_lt(find(from, CAPTURE_VERDICT, &packet), file.count);
    path = number(packet + 40, 4);
    assert_bytes(packet + HEAD, path, outcome);
    ck_assert_uint_ge(number(packet + 44, 4), strlen(reason));
    ck_assert_mem_eq(packet + HEAD + path, reason, strlen(reason));
}

static size_t lines_of(const char *text, const char *part)
{
    size_t count = 0;

    for (const char *at = text; (at = strstr(at, part)) != NULL; at++)
        count++;
    return count;
}

/* ---- what it holds ---- */

START_TEST(each_case_is_a_section_that_ends_with_its_verdict)
{
    const uint8_t *begin;
    size_t second;

    put_file("a.scn", GOOD);
    put_file("b.scn", FAILS);
    assert_status(shell("$simblk run --trace-pcapng out a.scn b.scn"), 1);
    read_blocks("out");
    ck_assert_uint_eq(count_blocks(SECTION), 2);
    ck_assert_uint_eq(file.blocks[0].type, SECTION);
    ck_assert_uint_eq(file.blocks[1].type, INTERFACE);
    ck_assert_uint_eq(find(0, CAPTURE_BEGIN, &begin), 2);
    ck_assert_uint_eq(begin[0], CAPTURE_VERSION);
    assert_bytes(begin + HEAD, 1, "a");
    assert_bytes(begin + HEAD + 1, number(begin + 44, 4), "a read is answered");
    assert_verdict(0, "passed", "");
    for (second = 1; file.blocks[second].type != SECTION; second++)
        ;
    ck_assert_uint_eq(file.blocks[second - 1].body[21], CAPTURE_VERDICT);
    assert_verdict(second, "failed", "read 0 +8 ");
    ck_assert_uint_eq(file.blocks[file.count - 1].body[21], CAPTURE_VERDICT);
}
END_TEST

/* Titles are told once more as options of the section, for who has no dissector. */
START_TEST(a_section_bears_the_id_and_the_title)
{
    static const char wanted[] = "a: a read is answered";
    const uint8_t *option;

    put_file("a.scn", GOOD);
    assert_status(shell("$simblk run --trace-pcapng out a.scn"), 0);
    read_blocks("out");
    option = file.blocks[0].body + 16;
    ck_assert_uint_eq(number(option, 2), 4); /* shb_userappl */
    assert_bytes(option + 4, number(option + 2, 2), "simblk " SIMBLK_TEST_VERSION);
    option += 4 + (number(option + 2, 2) + 3) / 4 * 4;
    ck_assert_uint_eq(number(option, 2), 1); /* opt_comment */
    assert_bytes(option + 4, number(option + 2, 2), wanted);
}
END_TEST

START_TEST(every_event_of_the_trace_is_a_packet_but_accesses_to_memory)
{
    struct outcome run;
    size_t packets;

    put_file("a.scn", GOOD);
    run = shell("$simblk run --trace --trace-pcapng out a.scn | grep '  dom[0-9]'");
    read_blocks("out");
    packets = count_blocks(PACKET) - count_packets(CAPTURE_BEGIN) - count_packets(CAPTURE_VERDICT);
    ck_assert_uint_ge(count_packets(CAPTURE_RING_REQUEST), 1);
    ck_assert_uint_eq(packets, lines_of(run.out, "\n") - lines_of(run.out, " load  ") -
                                   lines_of(run.out, " store  ") - lines_of(run.out, " fence\n"));
    ck_assert_uint_ge(lines_of(run.out, " load  "), 1);
    ck_assert_uint_eq(count_packets(CAPTURE_STORE_WRITE), lines_of(run.out, " store-write "));
    ck_assert_uint_eq(count_packets(CAPTURE_GRANT), lines_of(run.out, " grant  "));
}
END_TEST

static const struct {
    const char *abi;
    size_t slot, id;
} abis[] = {{"x86_64", 112, 8}, {"x86_32", 108, 4}};

START_TEST(requests_and_responses_are_the_slots_themselves)
{
    char text[256];
    const uint8_t *packet;

    snprintf(text, sizeof(text),
             "title \"t\"\nrule I9\nbackend linux\nconnect abi=%s -> ok\n"
             "write 5 +9 fill=7 -> ok\n",
             abis[_i].abi);
    put_file("a.scn", text);
    assert_status(shell("$simblk run --trace-pcapng out a.scn"), 0);
    read_blocks("out");
    find(0, CAPTURE_RING_REQUEST, &packet);
    ck_assert_uint_eq(number(packet + 44, 4), abis[_i].slot);
    ck_assert_uint_eq(packet[HEAD], 1);                               /* BLKIF_OP_WRITE */
    ck_assert_uint_eq(number(packet + HEAD + abis[_i].id + 8, 8), 5); /* sector_number */
    ck_assert_uint_eq(packet[HEAD + abis[_i].id + 16 + 5] % 8, 7);    /* last_sect */
    ck_assert_uint_eq(number(packet + 6, 4), 0);                      /* xvda, queue 0 */
    find(0, CAPTURE_RING_RESPONSE, &packet);
    ck_assert_uint_eq(number(packet + 44, 4), abis[_i].slot);
    ck_assert_uint_eq(packet[HEAD + 8], 1);
}
END_TEST

START_TEST(each_queue_of_a_device_is_an_interface)
{
    put_file("a.scn", "title \"t\"\nrule I7\nbackend linux queues=4\nconnect queues=4 -> ok\n"
                      "read 0 +8 queue=3 -> ok\n");
    assert_status(shell("$simblk run --trace-pcapng out a.scn"), 0);
    read_blocks("out");
    ck_assert_uint_eq(count_blocks(INTERFACE), 5); /* and that of no device */
}
END_TEST

START_TEST(times_are_virtual_nanoseconds)
{
    const uint8_t *packet;
    uint64_t asked, answered;
    size_t at;

    put_file("a.scn", "title \"t\"\nrule I7\nbackend linux\nconnect -> ok\n"
                      "fault op=read delay=3ms\nread 0 +8 -> ok\n");
    assert_status(shell("$simblk run --trace-pcapng out a.scn"), 0);
    read_blocks("out");
    at = find(0, CAPTURE_RING_REQUEST, &packet);
    asked = number(packet - 16, 4) << 32 | number(packet - 12, 4);
    find(at, CAPTURE_RING_RESPONSE, &packet);
    answered = number(packet - 16, 4) << 32 | number(packet - 12, 4);
    ck_assert_uint_eq(answered - asked, 3000000);
}
END_TEST

START_TEST(repetitions_begin_anew_in_the_section_of_their_case)
{
    struct outcome run;
    const uint8_t *packet;
    size_t at;

    put_file("a.scn", "title \"t\"\nrule I5\neach nth=1.. of grant\nbackend linux\n"
                      "connect -> ok\nread 0 +8 -> ok\n");
    run = shell("$simblk run --trace-pcapng out a.scn");
    assert_status(run, 0);
    read_blocks("out");
    ck_assert_uint_eq(count_blocks(SECTION), 1);
    ck_assert_uint_ge(count_packets(CAPTURE_BEGIN), 3);
    at = find(0, CAPTURE_BEGIN, &packet);
    ck_assert_uint_eq(number(packet + 16, 8), 0);
    find(at + 1, CAPTURE_BEGIN, &packet);
    ck_assert_uint_eq(number(packet + 16, 8), 1);
}
END_TEST

START_TEST(a_rule_is_a_packet_behind_what_has_broken_it)
{
    const uint8_t *packet;

    put_file("a.scn", WRONG_DATA);
    assert_status(shell("$misbehaving run --trace-pcapng out a.scn"), 129);
    read_blocks("out");
    ck_assert_uint_lt(find(0, CAPTURE_BROKEN, &packet), file.count);
    ck_assert_uint_eq(number(packet + 16, 8), 7);
    ck_assert_uint_eq(number(packet + 24, 8), 1);
    ck_assert_mem_eq(packet + HEAD, "I7 xvda request 1", 17);
    assert_verdict(0, "wrong data", "I7 xvda request 1");
}
END_TEST

/* ---- however it is played ---- */

START_TEST(the_same_scenarios_give_the_same_bytes)
{
    put_file("a.scn", GOOD);
    put_file("b.scn", "title \"t\"\nrule I18\nvariants start=0,7,4294967295\nbackend linux\n"
                      "connect -> ok\nread 0 +8 -> ok\n");
    put_file("c.scn", FAILS);
    assert_status(shell("$simblk run --jobs 1 --trace-pcapng one a.scn b.scn c.scn"), 1);
    assert_status(shell("$simblk run --jobs 4 --trace-pcapng four a.scn b.scn c.scn"), 1);
    assert_status(shell("cmp one four"), 0);
    assert_status(shell("$simblk run --repeat 3 --trace-pcapng thrice a.scn b.scn c.scn"), 1);
    assert_status(shell("cmp one thrice"), 0);
    /* Beside a page, which hears of the runs, too. */
    assert_status(shell("$simblk run --report page --trace-pcapng beside a.scn b.scn c.scn"), 1);
    assert_status(shell("cmp one beside"), 0);
    /* In the tool's own process. */
    assert_status(
        shell("trap '' TRAP; $simblk run --break 2 --trace-pcapng here a.scn b.scn c.scn"), 1);
    assert_status(shell("cmp one here"), 0);
}
END_TEST

START_TEST(what_led_to_a_crash_is_there)
{
    const uint8_t *packet;

    put_file("a.scn", ABORTS);
    put_file("b.scn", GOOD);
    assert_status(shell("$misbehaving run --trace-pcapng out a.scn b.scn"), 127);
    read_blocks("out");
    ck_assert_uint_eq(count_blocks(SECTION), 2);
    ck_assert_uint_lt(find(0, CAPTURE_SUBMIT, &packet), file.count);
    ck_assert_uint_eq(number(packet + 24, 8), 101); /* the sector that it dies of */
    assert_verdict(0, "crashed", "crashed: Aborted");
}
END_TEST

START_TEST(a_frontend_that_dies_while_it_is_loaded_has_verdicts_alone)
{
    put_file("a.scn", GOOD);
    put_file("b.scn", GOOD);
    setenv("SIMBLK_TEST_OUTSIDE", "constructor-aborts", 1);
    setenv("outside", TEST_FRONTENDS "/frontend_outside.so", 1);
    assert_status(shell("$simblk run --trace-pcapng out --frontend $outside a.scn b.scn"), 127);
    read_blocks("out");
    ck_assert_uint_eq(count_blocks(SECTION), 2);
    ck_assert_uint_eq(count_blocks(PACKET), 2);
    assert_verdict(0, "crashed", "");
}
END_TEST

/* ---- what cannot be written ---- */

START_TEST(a_file_that_cannot_be_made_ends_it_before_anything_is_played)
{
    struct outcome run;

    put_file("a.scn", GOOD);
    run = shell("$simblk run --trace-pcapng nowhere/out a.scn");
    assert_status(run, 2);
    ck_assert_str_eq(run.out, "");
    ck_assert_str_eq(run.err,
                     "simblk: nowhere/out: cannot be written: No such file or directory\n");
}
END_TEST

START_TEST(a_full_disk_is_told_and_is_2)
{
    struct outcome run;

    put_file("a.scn", GOOD);
    run = shell("$simblk run --trace-pcapng /dev/full a.scn");
    assert_status(run, 2);
    assert_contains(run.out, "1 passed");
    ck_assert_str_eq(run.err, "simblk: /dev/full: cannot be written: No space left on device\n");
}
END_TEST

START_TEST(a_report_that_cannot_be_made_leaves_no_file_open)
{
    struct outcome run;

    put_file("a.scn", GOOD);
    run = shell("$simblk run --trace-pcapng out --output nowhere/report a.scn");
    assert_status(run, 2);
    ck_assert_str_eq(run.err,
                     "simblk: nowhere/report: cannot be written: No such file or directory\n");
}
END_TEST

/* Where a worker has no room for its packets no case passes in silence. */
START_TEST(packets_that_cannot_be_kept_make_the_case_bad)
{
    struct outcome run;

    put_file("a.scn", GOOD);
    run = shell("trap '' XFSZ; ulimit -f 8; $simblk run --trace-pcapng out a.scn");
    assert_status(run, 2);
    assert_contains(run.out, "FAIL a: bad scenario");
    assert_contains(run.out, "its packets cannot be kept");
}
END_TEST

/* ---- the blocks ---- */

START_TEST(what_is_cut_anywhere_is_whole_up_to_the_block_before)
{
    struct scenario_buffer text;
    size_t ends[4];
    uint64_t last;

    scenario_buffer_init(&text);
    pcapng_section(&text, "simblk", "");
    ends[0] = text.length;
    pcapng_interface(&text, "xen");
    ends[1] = text.length;
    pcapng_packet(&text, 0, 5000000007, PCAPNG_INBOUND, "abc", 3);
    ends[2] = text.length;
    pcapng_packet(&text, 0, 5000000009, PCAPNG_OUTBOUND, "", 0);
    ends[3] = text.length;
    for (size_t length = 0; length <= text.length; length++) {
        size_t whole = 0;

        for (unsigned i = 0; i < 4 && ends[i] <= length; i++)
            whole = ends[i];
        ck_assert_uint_eq(pcapng_whole(text.data, length, &last), whole);
        ck_assert_uint_eq(last, whole == ends[3] ? 5000000009 : whole == ends[2] ? 5000000007 : 0);
    }
    scenario_buffer_fini(&text);
}
END_TEST

static Suite *tool_capture_suite(void)
{
    Suite *suite = suite_create("packets");
    TCase *holds = tool_case("holds");
    TCase *played = tool_case("played");
    TCase *errors = tool_case("errors");

    tcase_add_test(holds, each_case_is_a_section_that_ends_with_its_verdict);
    tcase_add_test(holds, a_section_bears_the_id_and_the_title);
    tcase_add_test(holds, every_event_of_the_trace_is_a_packet_but_accesses_to_memory);
    tcase_add_loop_test(holds, requests_and_responses_are_the_slots_themselves, 0,
                        (int)(sizeof(abis) / sizeof(abis[0])));
    tcase_add_test(holds, each_queue_of_a_device_is_an_interface);
    tcase_add_test(holds, times_are_virtual_nanoseconds);
    tcase_add_test(holds, repetitions_begin_anew_in_the_section_of_their_case);
    tcase_add_test(holds, a_rule_is_a_packet_behind_what_has_broken_it);
    tcase_add_test(holds, what_is_cut_anywhere_is_whole_up_to_the_block_before);
    tcase_add_test(played, the_same_scenarios_give_the_same_bytes);
    tcase_add_test(played, what_led_to_a_crash_is_there);
    tcase_add_test(played, a_frontend_that_dies_while_it_is_loaded_has_verdicts_alone);
    tcase_add_test(errors, a_file_that_cannot_be_made_ends_it_before_anything_is_played);
    tcase_add_test(errors, a_full_disk_is_told_and_is_2);
    tcase_add_test(errors, a_report_that_cannot_be_made_leaves_no_file_open);
    tcase_add_test(errors, packets_that_cannot_be_kept_make_the_case_bad);
    suite_add_tcase(suite, holds);
    suite_add_tcase(suite, played);
    suite_add_tcase(suite, errors);
    return suite;
}

CHECK_MAIN(tool_capture_suite)
