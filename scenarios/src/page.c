/* SPDX-License-Identifier: ISC */
/*
 * The frame of a page. Its policy lets it load nothing, from nowhere.
 */
#include "page.h"

#include "report.h"

void page_begin(FILE *stream, const char *title)
{
    fputs("<!DOCTYPE html>\n"
          "<html lang=\"en\">\n"
          "<head>\n"
          "<meta charset=\"utf-8\">\n"
          "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n"
          "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; "
          "style-src 'unsafe-inline'; script-src 'unsafe-inline'\">\n"
          "<title>",
          stream);
    page_text(stream, title);
    fputs("</title>\n<style>\n", stream);
    fwrite(page_css, 1, page_css_size, stream);
    fputs("</style>\n</head>\n<body>\n", stream);
}

void page_end(FILE *stream)
{
    fputs("</body>\n</html>\n", stream);
}

/* What is no UTF-8 has no place in a page. */
void page_text(FILE *stream, const char *text)
{
    while (*text != '\0') {
        size_t bytes = report_utf8(text);

        switch (*text) {
        case '&': fputs("&amp;", stream); break;
        case '<': fputs("&lt;", stream); break;
        case '>': fputs("&gt;", stream); break;
        case '"': fputs("&quot;", stream); break;
        default:
            if (bytes == 0 || (unsigned char)*text < 0x20)
                fputs("\xef\xbf\xbd", stream);
            else
                fwrite(text, 1, bytes, stream);
            break;
        }
        text += bytes == 0 ? 1 : bytes;
    }
}

/* '<' is what could end a script element. Bytes that are no UTF-8 are told as U+00xx. */
void page_string(struct scenario_buffer *buffer, const char *text)
{
    scenario_buffer_text(buffer, "\"");
    while (*text != '\0') {
        unsigned char c = (unsigned char)*text;
        size_t length = report_utf8(text);

        if (c == '"' || c == '\\')
            scenario_buffer_format(buffer, "\\%c", c);
        else if (c == '\n')
            scenario_buffer_text(buffer, "\\n");
        else if (c < 0x20 || c == 0x7f || c == '<' || length == 0)
            scenario_buffer_format(buffer, "\\u%04x", c);
        else
            scenario_buffer_add(buffer, text, length);
        text += length == 0 ? 1 : length;
    }
    scenario_buffer_text(buffer, "\"");
}
