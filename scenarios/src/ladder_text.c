/* SPDX-License-Identifier: ISC */
/*
 * A ladder for a terminal: lines from top to bottom, arrows between them, and behind each row the
 * number of the application's request and what happened. Plain ASCII, the same everywhere.
 */
#include "ladder.h"

#include "report.h"

#include <inttypes.h>
#include <string.h>

enum { SPACING = 11, WIDTH = 4 * SPACING + 1, TIME_COLUMNS = 14, LEFT = 6 };

/* Where a column's line is. */
static size_t place(enum ladder_column column)
{
    return (size_t)column * SPACING;
}

static void draw_lines(char picture[WIDTH + 1])
{
    memset(picture, ' ', WIDTH);
    for (unsigned column = 0; column < LADDER_COLUMNS; column++)
        picture[place((enum ladder_column)column)] = '|';
    picture[WIDTH] = '\0';
}

/* Lines that an arrow crosses are seen through it. */
static void draw_arrow(char picture[WIDTH + 1], enum ladder_column from, enum ladder_column to)
{
    size_t left = place(from < to ? from : to), right = place(from < to ? to : from);

    if (from == to) {
        picture[left] = 'o';
        return;
    }
    for (size_t at = left + 1; at < right; at++)
        picture[at] = picture[at] == '|' ? '+' : '-';
    picture[from < to ? right - 1 : left + 1] = from < to ? '>' : '<';
}

/* On the ring's line, in its middle; the arrow ends or begins there. */
static void draw_slot(char picture[WIDTH + 1], const struct ladder_row *row)
{
    char text[10];
    size_t length = (size_t)snprintf(text, sizeof(text), "[%u]", (unsigned)row->slot);
    size_t begin = place(LADDER_RING) - length / 2;

    memcpy(picture + begin, text, length);
    if (row->from == LADDER_RING)
        return;
    picture[row->from < row->to ? begin - 1 : begin + length] = row->from < row->to ? '>' : '<';
}

static void print_heading(FILE *stream)
{
    static const char *const names[LADDER_COLUMNS] = {"application", "frontend", "ring", "backend",
                                                      "XenStore"};
    size_t at = 0;

    for (unsigned column = 0; column < LADDER_COLUMNS; column++) {
        size_t middle = TIME_COLUMNS + LEFT + place((enum ladder_column)column);
        size_t begin = middle - strlen(names[column]) / 2;

        fprintf(stream, "%*s%s", (int)(begin - at), "", names[column]);
        at = begin + strlen(names[column]);
    }
    fputc('\n', stream);
}

/* "#2", or "#2-4,7" */
static void name_requests(const struct ladder_row *row, char *text, size_t size)
{
    size_t length = 0;

    text[0] = '\0';
    if (row->request != 0)
        snprintf(text, size, "#%" PRIu64, row->request);
    for (size_t i = 0, last = 0; row->request == 0 && i < row->mark_count; i = last + 1) {
        uint64_t first = row->marks[i].request;

        for (last = i;
             last + 1 < row->mark_count && row->marks[last + 1].request == first + last + 1 - i;)
            last++;
        length +=
            (size_t)snprintf(text + length, size - length, "%c%" PRIu64, i == 0 ? '#' : ',', first);
        if (last > i)
            length += (size_t)snprintf(text + length, size - length, "-%" PRIu64,
                                       row->marks[last].request);
        if (length + 24 >= size)
            return;
    }
}

static void print_event(FILE *stream, const struct ladder_row *row)
{
    char picture[WIDTH + 1];
    char request[96];

    draw_lines(picture);
    draw_arrow(picture, row->from, row->to);
    if (row->slot != LADDER_NO_SLOT)
        draw_slot(picture, row);
    name_requests(row, request, sizeof(request));
    fprintf(stream, "%s%8" PRIu64 ".%03u%*s%s  %-3s ", row->failed ? "!!" : "  ",
            row->time_ns / 1000, (unsigned)(row->time_ns % 1000), LEFT, "", picture, request);
    report_visible(stream, row->text, strlen(row->text));
    fputc('\n', stream);
}

static void print_step(FILE *stream, const struct ladder_row *row)
{
    fputs(row->failed ? "!! " : "", stream);
    if (!row->end)
        fprintf(stream, "step %u", row->step);
    if (row->line != 0)
        fprintf(stream, ", line %u", row->line);
    fputs(row->end ? "" : ": ", stream);
    report_visible(stream, row->text, strlen(row->text));
    fputc('\n', stream);
}

bool ladder_text(FILE *stream, const struct ladder *ladder)
{
    struct ladder_row row;

    print_heading(stream);
    for (size_t i = 0; i < ladder->count; i++) {
        if (!ladder_row(ladder, i, &row))
            return false;
        if (row.kind == LADDER_EVENT) {
            print_event(stream, &row);
        } else if (row.kind == LADDER_STEP) {
            print_step(stream, &row);
        } else if (row.kind == LADDER_LEFT_OUT) {
            fprintf(stream, "  ... %" PRIu64 " events are left out here ...\n", row.left_out);
        } else {
            fputs(row.failed ? "!! " : "   ", stream);
            report_visible(stream, row.text, strlen(row.text));
            fputc('\n', stream);
        }
    }
    return true;
}
