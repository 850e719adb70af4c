/* SPDX-License-Identifier: ISC */
/*
 * The names and texts of the library's errors. What was wrong in a particular case stands in the
 * detail of a context or a device.
 */
#include <blkfront/blkfront.h>

struct error_words {
    const char *name;
    const char *text;
};

/* By the error's number without its sign. */
static const struct error_words words[] = {
    {"ok", "Success."},
    {"unimplemented", "The backend cannot do this and there is no other way to do it."},
    {"disconnected", "The device is not, or no longer, connected."},
    {"read-only", "The device is read-only; nothing has been written."},
    {"io-error", "The backend reported an error; data may be partly transferred."},
    {"invalid", "An argument is not valid; nothing has been done."},
    {"no-device", "No device has this name."},
    {"ambiguous", "More than one device has this name."},
    {"out-of-range", "The sectors lie beyond the end of the disk."},
    {"no-memory", "Memory, grants, event channels or watches have run out."},
    {"protocol-error", "The backend broke the block protocol."},
    {"deadline", "A deadline has passed."},
    {"store-error", "XenStore failed, or holds a value that makes no sense."},
};

static const struct error_words *find(int error)
{
    static const struct error_words unknown = {"?", "An unknown error."};

    if (error > 0 || error <= -(int)(sizeof(words) / sizeof(words[0])))
        return &unknown;
    return &words[-error];
}

const char *blkfront_error_name(int error)
{
    return find(error)->name;
}

const char *blkfront_error_text(int error)
{
    return find(error)->text;
}
