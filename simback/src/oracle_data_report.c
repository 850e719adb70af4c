/* SPDX-License-Identifier: ISC */
/*
 * What is said when a read returned impossible data, or a power cut left it: where the bytes came
 * from, as far as that is known, and what would have been possible.
 */
#include "oracle_data.h"

#include <stdio.h>
#include <string.h>

/* The write that had these bytes, to this sector if there is one, and of those the one with the
 * lowest number; false: unknown. */
static bool find_write(const struct oracle *oracle, const struct oracle_device *device,
                       uint64_t sector_read, uint64_t hash, uint64_t *write, uint64_t *at_sector)
{
    const struct oracle_data *data = oracle->data;
    uint64_t count = data->recent_count < RECENT ? data->recent_count : RECENT;
    bool found = false;

    for (uint64_t i = 0; i < count; i++) {
        const struct recent *recent = data_recent_at(data, data->recent_count - 1 - i);

        if (recent->hash != hash ||
            (found && *at_sector == sector_read && recent->sector != sector_read))
            continue;
        if (found && (*at_sector == sector_read) == (recent->sector == sector_read) &&
            recent->write >= *write)
            continue;
        *write = recent->write;
        *at_sector = recent->sector;
        found = true;
    }
    for (uint32_t i = 0; !found && i < data->group_count; i++) { /* in the order of first use */
        const struct group *group = data_group_at(data, i);

        for (uint32_t j = 0; j < GROUP_SECTORS && group->owner == data_owner(data, device); j++) {
            const struct sector *sector = &group->sectors[j];

            if ((group->touched >> j & 1) == 0 || sector->hash != hash ||
                sector->write == BASE_NONE || sector->write == BASE_UNKNOWN)
                continue;
            *write = sector->write;
            *at_sector = group->key * GROUP_SECTORS + j;
            found = true;
        }
    }
    return found;
}

static void describe_bytes(const struct oracle *oracle, const struct oracle_device *device,
                           uint64_t sector, const uint8_t *bytes, uint32_t size, char *text,
                           size_t text_size)
{
    uint64_t write = 0, at_sector = 0;
    uint32_t zeros = 0;

    while (zeros < size && bytes[zeros] == 0)
        zeros++;
    if (find_write(oracle, device, sector, hash_xxh64(bytes, size, 0), &write, &at_sector)) {
        if (write == BASE_DISK)
            snprintf(text, text_size, "what sector %llu of the disk held at first",
                     (unsigned long long)at_sector);
        else
            snprintf(text, text_size, "what write %llu wrote to sector %llu",
                     (unsigned long long)write, (unsigned long long)at_sector);
    } else if (zeros == size) {
        snprintf(text, text_size, "zeros");
    } else {
        snprintf(text, text_size, "unknown bytes (%02x %02x %02x %02x …)", bytes[0], bytes[1],
                 bytes[2], bytes[3]);
    }
}

struct list {
    char *text;
    size_t size, used;
};

static void add(struct list *list, uint64_t write, const char *state)
{
    int more;

    if (list->used >= list->size)
        return;
    if (write == 0)
        more = snprintf(list->text + list->used, list->size - list->used,
                        "%sthe disk's first "
                        "content",
                        list->used == 0 ? "" : ", ");
    else
        more = snprintf(list->text + list->used, list->size - list->used, "%swrite %llu (%s)",
                        list->used == 0 ? "" : ", ", (unsigned long long)write, state);
    list->used += more < 0 ? 0 : (size_t)more;
}

typedef bool is_possible(const struct oracle_device *device, const struct oracle_request *read,
                         const struct candidate *candidate);

static bool seen_by_read(const struct oracle_device *device, const struct oracle_request *read,
                         const struct candidate *candidate)
{
    (void)device;
    return candidate->superseded > read->submitted;
}

static bool kept_by_disk(const struct oracle_device *device, const struct oracle_request *none,
                         const struct candidate *candidate)
{
    (void)none;
    return data_may_return(device, candidate);
}

static void describe_possible(const struct oracle *oracle, const struct oracle_device *device,
                              const struct oracle_request *read, is_possible *possible,
                              const struct sector *history, char *text, size_t text_size)
{
    struct list list = {text, text_size, 0};

    text[0] = '\0';
    if (history == NULL) {
        add(&list, 0, "");
        return;
    }
    if (history->write != BASE_NONE)
        add(&list, history->write, "acknowledged");
    for (uint32_t at = history->more; at != 0;) {
        const struct candidate *candidate = data_candidate_at(oracle->data, at - 1);

        if (possible(device, read, candidate))
            add(&list, candidate->write,
                candidate->definite              ? "acknowledged"
                : candidate->ended != DATA_NEVER ? "failed"
                                                 : "in flight");
        at = candidate->next;
    }
}

void data_report(struct oracle *oracle, const struct oracle_device *device,
                 const struct oracle_request *request, uint64_t sector, const uint8_t *bytes,
                 const struct sector *history)
{
    char found[80], wanted[110];

    describe_bytes(oracle, device, sector, bytes, request->sector_size, found, sizeof(found));
    describe_possible(oracle, device, request, seen_by_read, history, wanted, sizeof(wanted));
    oracle_broken(oracle, 7, device, request->number, "sector %llu holds %s; possible were: %s",
                  (unsigned long long)sector, found, wanted);
}

void data_report_lost(struct oracle *oracle, const struct oracle_device *device, uint64_t sector,
                      const uint8_t *bytes, const struct sector *history)
{
    char found[80], wanted[110];

    describe_bytes(oracle, device, sector, bytes, device->data_sector_size, found, sizeof(found));
    describe_possible(oracle, device, NULL, kept_by_disk, history, wanted, sizeof(wanted));
    oracle_broken(oracle, 16, device, 0,
                  "sector %llu holds %s after the power cut; possible were: %s",
                  (unsigned long long)sector, found, wanted);
}
