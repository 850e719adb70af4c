/* SPDX-License-Identifier: ISC */
/*
 * The blocks of a pcapng file, appended to a buffer: a section, its interfaces, its packets. Always
 * little-endian and with times in nanoseconds, so that the same packets are the same bytes
 * everywhere. What is in a packet is capture.c's matter.
 */
#ifndef SCENARIO_PCAPNG_H
#define SCENARIO_PCAPNG_H

#include "scenario/text.h"

/* LINKTYPE_USER11: a number that anybody may use for himself. */
enum { PCAPNG_LINKTYPE = 158 };

enum pcapng_direction { PCAPNG_INBOUND = 1, PCAPNG_OUTBOUND = 2 };

/* The lowest `size` bytes of the value. */
void pcapng_number(struct scenario_buffer *buffer, uint64_t value, unsigned size);
/* SHB: interfaces are counted from 0 again. */
void pcapng_section(struct scenario_buffer *buffer, const char *application, const char *comment);
/* IDB. */
void pcapng_interface(struct scenario_buffer *buffer, const char *name);
/* EPB. */
void pcapng_packet(struct scenario_buffer *buffer, uint32_t interface, uint64_t time_ns,
                   enum pcapng_direction direction, const void *data, size_t length);
/* How many of the bytes are whole blocks; what is behind them somebody has not finished. And the
 * time of the last packet, 0 without one. */
size_t pcapng_whole(const void *data, size_t length, uint64_t *last_ns);

#endif
