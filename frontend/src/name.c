/* SPDX-License-Identifier: ISC */
/*
 * Which device a name means: a device number, a name that spells one (xen-vbd-interface(7)), or the
 * `params` value of a backend. Strict: what does not parse to its last character is no device
 * number.
 *
 * A number or its spelling means exactly that device: "xvda1" is vdev 51713, a device of its own
 * that the toolstack exports as a partition. Where only "xvda" exists, xvda1 is no device: the
 * partitions in a disk are their reader's matter. Only when no device has the number is the name
 * tried as a `params` value ("/dev/sda1" may be both).
 */
#include "name.h"

#include "store.h"

enum {
    XVD_MAJOR = 202,
    SD_MAJOR = 8,
    HD_MAJOR_1 = 3,
    HD_MAJOR_2 = 22,
    DISKS_EXTENDED = 1 << 20, /* bits 8 to 27 of an extended number */
    PARTITIONS_EXTENDED = 256
};

#define EXTENDED (UINT32_C(1) << 28)

/* ---- spellings of device numbers ---- */

static bool parse_hex(const char *bytes, size_t length, uint32_t *value)
{
    uint32_t number = 0;

    if (length == 0 || length > 8)
        return false;
    for (size_t i = 0; i < length; i++) {
        char c = bytes[i];

        if (c >= '0' && c <= '9')
            number = number << 4 | (uint32_t)(c - '0');
        else if (c >= 'a' && c <= 'f')
            number = number << 4 | (uint32_t)(c - 'a' + 10);
        else if (c >= 'A' && c <= 'F')
            number = number << 4 | (uint32_t)(c - 'A' + 10);
        else
            return false;
    }
    *value = number;
    return true;
}

/* Letters count in base 26 without a zero: a … z, aa, ab … Returns how many were taken, 0 for none
 * or too large a disk. */
static size_t parse_letters(const char *bytes, size_t length, uint32_t *disk)
{
    uint32_t count = 0;
    size_t i = 0;

    for (; i < length && bytes[i] >= 'a' && bytes[i] <= 'z'; i++) {
        count = count * 26 + (uint32_t)(bytes[i] - 'a') + 1;
        if (count > DISKS_EXTENDED)
            return 0;
    }
    if (i > 0)
        *disk = count - 1;
    return i;
}

/* Each of these knows how many disks and partitions its numbers hold. */
static bool encode_xvd(uint32_t disk, uint32_t partition, uint32_t *vdev)
{
    if (disk >= DISKS_EXTENDED || partition >= PARTITIONS_EXTENDED)
        return false;
    if (disk < 16 && partition < 16)
        *vdev = (uint32_t)XVD_MAJOR << 8 | disk << 4 | partition;
    else
        *vdev = EXTENDED | disk << 8 | partition;
    return true;
}

static bool encode_sd(uint32_t disk, uint32_t partition, uint32_t *vdev)
{
    if (disk >= 16 || partition >= 16)
        return false;
    *vdev = (uint32_t)SD_MAJOR << 8 | disk << 4 | partition;
    return true;
}

static bool encode_hd(uint32_t disk, uint32_t partition, uint32_t *vdev)
{
    if (disk >= 4 || partition >= 64)
        return false;
    *vdev = (uint32_t)(disk < 2 ? HD_MAJOR_1 : HD_MAJOR_2) << 8 | (disk % 2) << 6 | partition;
    return true;
}

/* "d0", "d536p37". */
static bool parse_nominal(const char *bytes, size_t length, uint32_t *vdev)
{
    size_t p = 1;
    uint64_t disk, partition = 0;

    while (p < length && bytes[p] != 'p')
        p++;
    if (!store_parse_number(bytes + 1, p - 1, UINT32_MAX, &disk))
        return false;
    if (p < length && !store_parse_number(bytes + p + 1, length - p - 1, UINT32_MAX, &partition))
        return false;
    return encode_xvd((uint32_t)disk, (uint32_t)partition, vdev);
}

/* What stands behind a disk's letters: nothing, or a partition's number, which is not 0. */
static bool parse_partition(const char *bytes, size_t length, uint64_t *partition)
{
    *partition = 0;
    return length == 0 ||
           (store_parse_number(bytes, length, UINT32_MAX, partition) && *partition != 0);
}

/* "xvda1" after its prefix of `skip` letters. */
static bool parse_disk(const char *bytes, size_t length, size_t skip,
                       bool (*encode)(uint32_t disk, uint32_t partition, uint32_t *vdev),
                       uint32_t *vdev)
{
    uint32_t disk;
    uint64_t partition;
    size_t letters = parse_letters(bytes + skip, length - skip, &disk);
    size_t used = skip + letters;

    return letters > 0 && parse_partition(bytes + used, length - used, &partition) &&
           encode(disk, (uint32_t)partition, vdev);
}

bool name_parse(const char *name, size_t length, uint32_t *vdev)
{
    uint64_t number;

    if (store_parse_number(name, length, UINT32_MAX, &number)) {
        *vdev = (uint32_t)number;
        return true;
    }
    if (text_begins(name, length, "0x"))
        return parse_hex(name + 2, length - 2, vdev);
    if (text_begins(name, length, "/dev/")) {
        name += 5;
        length -= 5;
    }
    if (text_begins(name, length, "xvd"))
        return parse_disk(name, length, 3, encode_xvd, vdev);
    if (text_begins(name, length, "sd"))
        return parse_disk(name, length, 2, encode_sd, vdev);
    if (text_begins(name, length, "hd"))
        return parse_disk(name, length, 2, encode_hd, vdev);
    if (text_begins(name, length, "d"))
        return parse_nominal(name, length, vdev);
    return false;
}

static void print_disk(struct text *text, const char *prefix, uint32_t disk, uint32_t partition)
{
    char letters[8];
    size_t count = 0;

    do {
        letters[count++] = (char)('a' + (int)(disk % 26));
        disk /= 26;
    } while (disk-- != 0);
    text_add(text, " (");
    text_add(text, prefix);
    while (count > 0)
        text_add_char(text, letters[--count]);
    if (partition != 0)
        text_add_u64(text, partition);
    text_add_char(text, ')');
}

void name_print(struct text *text, uint32_t vdev)
{
    uint32_t minor = vdev & 0xff;

    text_add_u64(text, vdev);
    if (vdev >> 28 == 1)
        print_disk(text, "xvd", vdev >> 8 & 0xfffff, minor);
    else if (vdev >> 8 == XVD_MAJOR)
        print_disk(text, "xvd", minor >> 4, minor & 15);
    else if (vdev >> 8 == SD_MAJOR)
        print_disk(text, "sd", minor >> 4, minor & 15);
    else if (vdev >> 8 == HD_MAJOR_1 && minor < 128)
        print_disk(text, "hd", minor >> 6, minor & 63);
    else if (vdev >> 8 == HD_MAJOR_2 && minor < 128)
        print_disk(text, "hd", 2 + (minor >> 6), minor & 63);
}

/* ---- what XenStore knows ---- */

void name_directory(char directory[NAME_DIRECTORY_MAX], uint16_t domid)
{
    struct text text = text_begin(directory, NAME_DIRECTORY_MAX);

    text_add(&text, "/local/domain/");
    text_add_u64(&text, domid);
    text_add(&text, "/device/vbd");
}

int name_list(struct blkfront *context, const char *directory, size_t *length)
{
    const struct store store = {.platform = context->platform, .transaction = 0};
    int result;

    *length = 0;
    result = store_children(&store, directory, context->list, sizeof(context->list), length);
    return result == BLKFRONT_PLATFORM_NO_ENTRY ? 0 : result;
}

bool name_next(const struct blkfront *context, size_t length, uint64_t from, uint32_t *vdev)
{
    const char *list = context->list;
    uint64_t best = UINT64_MAX;

    for (size_t at = 0; at < length;) {
        size_t size = text_length(list + at, length - at);
        uint64_t number;

        if (store_parse_number(list + at, size, UINT32_MAX, &number) && number >= from &&
            number < best)
            best = number;
        at += size + 1;
    }
    if (best > UINT32_MAX)
        return false;
    *vdev = (uint32_t)best;
    return true;
}

/* ---- params ---- */

/* Words that old tools put before a path, also one before the other. */
static void strip_prefixes(const char **name, size_t *length)
{
    static const char *const prefixes[] = {
        "tapdisk:", "tap2:", "tap:", "aio:", "ioemu:", "file:", "phy:"};
    enum { COUNT = sizeof(prefixes) / sizeof(prefixes[0]) };

    for (size_t i = 0; i < COUNT;) {
        if (!text_begins(*name, *length, prefixes[i])) {
            i++;
            continue;
        }
        while (**name != ':') {
            ++*name;
            --*length;
        }
        ++*name;
        --*length;
        i = 0;
    }
}

/* Does this device's backend have these params? A device whose nodes cannot be read does not.
 * Errors of the platform's memory or connection are passed on. */
static int params_match(struct blkfront *context, const char *directory, uint32_t vdev,
                        const char *name, size_t name_length, bool *match)
{
    const struct store store = {.platform = context->platform, .transaction = 0};
    char node[TEXT_U64_MAX + sizeof("/" BLKIF_NODE_BACKEND)];
    struct text text = text_begin(node, sizeof(node));
    char backend[BLKFRONT_PATH_MAX];
    size_t length;
    const char *params = context->value;
    int result;

    *match = false;
    text_add_u64(&text, vdev);
    text_add(&text, "/" BLKIF_NODE_BACKEND);
    result = store_get(&store, directory, node, backend, sizeof(backend) - 1, &length);
    if (result == 0) {
        if (!store_path_check(backend, length))
            return 0;
        backend[length] = '\0';
        result = store_get(&store, backend, BLKIF_NODE_PARAMS, context->value,
                           sizeof(context->value), &length);
    }
    if (result == BLKFRONT_PLATFORM_NO_MEMORY || result == BLKFRONT_PLATFORM_IO)
        return result;
    if (result != 0)
        return 0;
    strip_prefixes(&params, &length);
    *match = length > 0 && text_equal(params, length, name, name_length);
    return 0;
}

/* ---- the answer ---- */

static void quote(struct text *text, const char *name, size_t length)
{
    enum { SHOWN = 80 };

    text_add_char(text, '\'');
    text_add_bytes(text, name, length < SHOWN ? length : SHOWN);
    text_add(text, length <= SHOWN ? "'" : "...'");
}

static int no_device(struct blkfront *context, size_t list_length, const char *name,
                     size_t name_length)
{
    struct text text = text_begin(context->detail, sizeof(context->detail));
    uint64_t from = 0;
    uint32_t vdev;

    text_add(&text, "no device is called ");
    quote(&text, name, name_length);
    if (!name_next(context, list_length, 0, &vdev)) {
        text_add(&text, "; there are no block devices");
        return BLKFRONT_NO_DEVICE;
    }
    text_add(&text, "; there are ");
    while (!text.cut && name_next(context, list_length, from, &vdev)) {
        if (from != 0)
            text_add(&text, ", ");
        name_print(&text, vdev);
        from = (uint64_t)vdev + 1;
    }
    return BLKFRONT_NO_DEVICE;
}

static int store_failed(struct blkfront *context, const char *directory, int result)
{
    struct text text = text_begin(context->detail, sizeof(context->detail));

    text_add(&text, "the devices in ");
    text_add(&text, directory);
    text_add(&text, " cannot be read");
    return store_result(result);
}

/* The device with these params, if exactly one has them: else *vdev is left alone. */
static int resolve_params(struct blkfront *context, const char *directory, size_t list_length,
                          const char *name, size_t name_length, uint32_t *vdev)
{
    struct text text = text_begin(context->detail, sizeof(context->detail));
    const char *wanted = name;
    size_t wanted_length = name_length;
    unsigned matches = 0;
    uint32_t candidate, first = 0;

    strip_prefixes(&wanted, &wanted_length);
    quote(&text, name, name_length);
    text_add(&text, " is the params value of ");
    for (uint64_t from = 0; name_next(context, list_length, from, &candidate);
         from = (uint64_t)candidate + 1) {
        bool match;
        int result = params_match(context, directory, candidate, wanted, wanted_length, &match);

        if (result != 0)
            return store_failed(context, directory, result);
        if (!match)
            continue;
        if (matches++ == 0)
            first = candidate;
        else
            text_add(&text, ", ");
        name_print(&text, candidate);
    }
    if (matches == 0)
        return no_device(context, list_length, name, name_length);
    if (matches > 1)
        return BLKFRONT_AMBIGUOUS;
    context->detail[0] = '\0';
    *vdev = first;
    return BLKFRONT_OK;
}

int name_resolve(struct blkfront *context, uint16_t domid, const char *name, uint32_t *vdev)
{
    char directory[NAME_DIRECTORY_MAX];
    size_t name_length = text_length(name, sizeof(context->value) + 1);
    size_t list_length;
    uint32_t spelt, found;
    int result;

    if (name_length == 0 || name_length > sizeof(context->value)) {
        struct text text = text_begin(context->detail, sizeof(context->detail));

        text_add(&text, name_length == 0 ? "the name is empty" : "the name is too long");
        return BLKFRONT_INVALID;
    }
    name_directory(directory, domid);
    result = name_list(context, directory, &list_length);
    if (result != 0)
        return store_failed(context, directory, result);
    if (name_parse(name, name_length, &spelt) && name_next(context, list_length, spelt, &found) &&
        found == spelt) {
        context->detail[0] = '\0';
        *vdev = spelt;
        return BLKFRONT_OK;
    }
    return resolve_params(context, directory, list_length, name, name_length, vdev);
}
