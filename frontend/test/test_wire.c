/* SPDX-License-Identifier: ISC */
/*
 * blkif.h against Xen's headers: numbers, sizes, offsets, and names of nodes, which Xen has only in
 * the text of a comment. The 32-bit layout is wire_32.c's.
 */
#include "cunit_main.h"
#include "wire_xen.h"

#include <blkfront/blkif.h>
#include <stdbool.h>

#ifndef XEN_BLKIF_H
#define XEN_BLKIF_H "/usr/include/xen/io/blkif.h"
#endif

static void same(long long ours, long long theirs, int line)
{
    if (ours != theirs)
        fprintf(stderr, "wire_same.def:%d: ours %lld, theirs %lld\n", line, ours, theirs);
    CU_ASSERT_EQUAL(ours, theirs);
}

static void numbers_sizes_and_offsets_are_xens(void)
{
/* A function, because Xen's macros make longer texts than CUnit's may be. */
#define SAME(ours, theirs) same((long long)(ours), (long long)(theirs), __LINE__)
#include "wire_same.def"
#undef SAME
}

static void the_names_of_the_abis_are_xens(void)
{
    CU_ASSERT_STRING_EQUAL(BLKIF_WIRE_PROTOCOL_64, XEN_IO_PROTO_ABI_X86_64);
    CU_ASSERT_STRING_EQUAL(BLKIF_WIRE_PROTOCOL_32, XEN_IO_PROTO_ABI_X86_32);
}

/* ---- nodes ---- */

/* Those of blkif.h's text, under headings of their own or within it. */
static const char *const documented[] = {
    BLKIF_NODE_STATE,
    BLKIF_NODE_FEATURE_BARRIER,
    BLKIF_NODE_FEATURE_FLUSH_CACHE,
    BLKIF_NODE_FEATURE_DISCARD,
    BLKIF_NODE_FEATURE_PERSISTENT,
    BLKIF_NODE_FEATURE_MAX_INDIRECT_SEGMENTS,
    BLKIF_NODE_FEATURE_LARGE_SECTOR_SIZE,
    BLKIF_NODE_MAX_RING_PAGE_ORDER,
    BLKIF_NODE_MAX_RING_PAGES,
    BLKIF_NODE_MULTI_QUEUE_MAX_QUEUES,
    BLKIF_NODE_DISCARD_ALIGNMENT,
    BLKIF_NODE_DISCARD_GRANULARITY,
    BLKIF_NODE_DISCARD_SECURE,
    BLKIF_NODE_DISCARD_ENABLE,
    BLKIF_NODE_INFO,
    BLKIF_NODE_SECTOR_SIZE,
    BLKIF_NODE_PHYSICAL_SECTOR_SIZE,
    BLKIF_NODE_SECTORS,
    BLKIF_NODE_MODE,
    BLKIF_NODE_PARAMS,
    BLKIF_NODE_TYPE,
    BLKIF_NODE_TRUSTED,
    BLKIF_NODE_VIRTUAL_DEVICE,
    BLKIF_NODE_DEVICE_TYPE,
    BLKIF_NODE_EVENT_CHANNEL,
    BLKIF_NODE_RING_REF,
    BLKIF_NODE_RING_PAGE_ORDER,
    BLKIF_NODE_NUM_RING_PAGES,
    BLKIF_NODE_MULTI_QUEUE_NUM_QUEUES,
    BLKIF_NODE_QUEUE,
    BLKIF_NODE_PROTOCOL,
};

/* Headings of blkif.h that only a toolstack or a backend's own driver uses. */
static const char *const theirs_alone[] = {"physical-device", "physical-device-path",
                                           "direct-io-safe"};

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static char *read_text(void)
{
    static char text[1 << 17];
    FILE *file = fopen(XEN_BLKIF_H, "r");
    size_t length = 0;

    if (file != NULL) {
        length = fread(text, 1, sizeof(text) - 1, file);
        fclose(file);
    }
    text[length] = '\0';
    CU_ASSERT(length > 10000 && length < sizeof(text) - 1);
    return text;
}

static bool is_name_char(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '_';
}

/* The name on its own, not as a part of a longer one; a prefix may go on with a number. */
static bool is_mentioned(const char *text, const char *name)
{
    size_t length = strlen(name);
    bool is_prefix = name[length - 1] == '-';

    for (const char *at = strstr(text, name); at != NULL; at = strstr(at + 1, name)) {
        if (at > text && is_name_char(at[-1]))
            continue;
        if (is_prefix || !is_name_char(at[length]))
            return true;
    }
    return false;
}

static void every_node_of_ours_stands_in_xens_text(void)
{
    const char *text = read_text();

    for (size_t i = 0; i < COUNT(documented); i++) {
        if (!is_mentioned(text, documented[i]))
            fprintf(stderr, "not in %s: %s\n", XEN_BLKIF_H, documented[i]);
        CU_ASSERT_TRUE(is_mentioned(text, documented[i]));
    }
    CU_ASSERT_FALSE(is_mentioned(text, "feature-flush"));
    CU_ASSERT_FALSE(is_mentioned(text, "queue-max"));
}

static bool is_known(const char *name, size_t length)
{
    for (size_t i = 0; i < COUNT(documented); i++) {
        if (strlen(documented[i]) == length && memcmp(documented[i], name, length) == 0)
            return true;
    }
    for (size_t i = 0; i < COUNT(theirs_alone); i++) {
        if (strlen(theirs_alone[i]) == length && memcmp(theirs_alone[i], name, length) == 0)
            return true;
    }
    return false;
}

/* A heading is the line before one that says "Values:". */
static void every_heading_of_xens_text_is_known_to_us(void)
{
    const char *text = read_text();
    unsigned headings = 0;

    for (const char *at = strstr(text, "Values:"); at != NULL; at = strstr(at + 1, "Values:")) {
        const char *line = at;
        size_t length = 0;

        while (line > text && line[-1] != '\n')
            line--;
        line--;
        while (line > text && line[-1] != '\n')
            line--;
        line += 3; /* " * " */
        while (is_name_char(line[length]))
            length++;
        headings++;
        if (!is_known(line, length))
            fprintf(stderr, "unknown heading: %.*s\n", (int)length, line);
        CU_ASSERT_TRUE(is_known(line, length));
    }
    CU_ASSERT(headings >= 30);
}

static const struct unit_test tests[] = {
    UNIT_TEST(numbers_sizes_and_offsets_are_xens),
    UNIT_TEST(the_names_of_the_abis_are_xens),
    UNIT_TEST(every_node_of_ours_stands_in_xens_text),
    UNIT_TEST(every_heading_of_xens_text_is_known_to_us),
};

UNIT_MAIN("wire", tests)
