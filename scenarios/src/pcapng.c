/* SPDX-License-Identifier: ISC */
/*
 * Blocks as draft-ietf-opsawg-pcapng has them: type, length, body, length again, all in multiples
 * of four bytes.
 */
#include "pcapng.h"

#include <string.h>

enum {
    BLOCK_SECTION = 0x0a0d0d0a,
    BLOCK_INTERFACE = 1,
    BLOCK_PACKET = 6,
    BLOCK_LEAST = 12, /* type and two lengths */
    BYTE_ORDER_MAGIC = 0x1a2b3c4d,
    VERSION_MAJOR = 1,
    NANOSECONDS = 9, /* if_tsresol: ten to the minus ninth */
    PACKET_TIME = 12 /* offset of a packet block's time */
};

enum {
    OPTION_END = 0,
    OPTION_COMMENT = 1,
    OPTION_USER_APPLICATION = 4, /* of a section */
    OPTION_NAME = 2,             /* of an interface */
    OPTION_TIME_RESOLUTION = 9,
    OPTION_FLAGS = 2 /* of a packet */
};

void pcapng_number(struct scenario_buffer *buffer, uint64_t value, unsigned size)
{
    uint8_t bytes[8];

    for (unsigned i = 0; i < size; i++)
        bytes[i] = (uint8_t)(value >> 8 * i);
    scenario_buffer_add(buffer, bytes, size);
}

static void padded(struct scenario_buffer *buffer, const void *data, size_t length)
{
    static const uint8_t zeros[3];

    scenario_buffer_add(buffer, data, length);
    scenario_buffer_add(buffer, zeros, -length % 4);
}

static void option(struct scenario_buffer *buffer, unsigned code, const void *data, size_t length)
{
    /* Its length has 16 bits. */
    if (length > UINT16_MAX - 3)
        length = UINT16_MAX - 3;
    pcapng_number(buffer, code, 2);
    pcapng_number(buffer, length, 2);
    padded(buffer, data, length);
}

/* Where the block begins, for end_block: its length is not known yet. */
static size_t begin_block(struct scenario_buffer *buffer, uint32_t type)
{
    size_t at = buffer->length;

    pcapng_number(buffer, type, 4);
    pcapng_number(buffer, 0, 4);
    return at;
}

static void end_block(struct scenario_buffer *buffer, size_t at)
{
    size_t length;

    pcapng_number(buffer, OPTION_END, 4);
    length = buffer->length + 4 - at;
    pcapng_number(buffer, length, 4);
    if (buffer->failed)
        return;
    for (unsigned i = 0; i < 4; i++)
        buffer->data[at + 4 + i] = (char)(length >> 8 * i);
}

void pcapng_section(struct scenario_buffer *buffer, const char *application, const char *comment)
{
    size_t at = begin_block(buffer, BLOCK_SECTION);

    pcapng_number(buffer, BYTE_ORDER_MAGIC, 4);
    pcapng_number(buffer, VERSION_MAJOR, 2);
    pcapng_number(buffer, 0, 2);
    pcapng_number(buffer, UINT64_MAX, 8); /* its length: unknown */
    option(buffer, OPTION_USER_APPLICATION, application, strlen(application));
    option(buffer, OPTION_COMMENT, comment, strlen(comment));
    end_block(buffer, at);
}

void pcapng_interface(struct scenario_buffer *buffer, const char *name)
{
    const uint8_t resolution = NANOSECONDS;
    size_t at = begin_block(buffer, BLOCK_INTERFACE);

    pcapng_number(buffer, PCAPNG_LINKTYPE, 2);
    pcapng_number(buffer, 0, 2);
    pcapng_number(buffer, 0, 4); /* packets are never cut */
    option(buffer, OPTION_NAME, name, strlen(name));
    option(buffer, OPTION_TIME_RESOLUTION, &resolution, 1);
    end_block(buffer, at);
}

void pcapng_packet(struct scenario_buffer *buffer, uint32_t interface, uint64_t time_ns,
                   enum pcapng_direction direction, const void *data, size_t length)
{
    const uint8_t flags[4] = {(uint8_t)direction};
    size_t at = begin_block(buffer, BLOCK_PACKET);

    pcapng_number(buffer, interface, 4);
    pcapng_number(buffer, time_ns >> 32, 4);
    pcapng_number(buffer, time_ns, 4);
    pcapng_number(buffer, length, 4);
    pcapng_number(buffer, length, 4);
    padded(buffer, data, length);
    option(buffer, OPTION_FLAGS, flags, sizeof(flags));
    end_block(buffer, at);
}

static uint32_t word_at(const uint8_t *bytes)
{
    return (uint32_t)bytes[0] | (uint32_t)bytes[1] << 8 | (uint32_t)bytes[2] << 16 |
           (uint32_t)bytes[3] << 24;
}

size_t pcapng_whole(const void *data, size_t length, uint64_t *last_ns)
{
    const uint8_t *bytes = data;
    size_t at = 0;

    *last_ns = 0;
    while (length - at >= BLOCK_LEAST) {
        uint32_t block = word_at(bytes + at + 4);

        if (block < BLOCK_LEAST || block > length - at)
            break;
        if (word_at(bytes + at) == BLOCK_PACKET && block >= PACKET_TIME + 8)
            *last_ns = (uint64_t)word_at(bytes + at + PACKET_TIME) << 32 |
                       word_at(bytes + at + PACKET_TIME + 4);
        at += block;
    }
    return at;
}
