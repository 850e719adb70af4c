/* SPDX-License-Identifier: ISC */
/*
 * I20: what the frontend makes of its backend's nodes. What it tells of the disk is what it has
 * read; a node that is absent or makes no sense has given a default, or the device never came up. A
 * change that it could not take as a whole leaves what was, also for what I9 asks of requests.
 */
#include "oracle_internal.h"

#include <string.h>

/* The largest disk whose bytes 64 bits can count. */
#define SECTORS_MOST (UINT64_MAX / BLKIF_WIRE_UNIT)

bool told_is_sector_size(uint64_t value)
{
    return value >= BLKIF_WIRE_UNIT && value <= BLKIF_WIRE_PAGE_SIZE && (value & (value - 1)) == 0;
}

/* The number of sectors was read, behind their size where that is read at all. */
static void change_over(struct oracle_device *device)
{
    if (device->told_open && !device->told_nonsense) {
        device->told_taken = device->told;
        if (device->told.sectors_known)
            device->capacity_512 = device->told.sectors;
        if (device->told.size_known)
            device->sector_size = device->told.sector_size;
        correlation_disk_changed(device);
    }
    device->told_open = device->told_nonsense = false;
}

static void sector_size_read(struct oracle_device *device, const struct simback_event *event)
{
    uint64_t value;

    if (!oracle_says_something(event)) {
        device->told_nonsense = true;
        return;
    }
    if (event->result != 0 && event->result != BLKFRONT_PLATFORM_TOO_LONG) {
        value = BLKIF_WIRE_UNIT;
    } else if (event->result != 0 || !monitor_number(event->bytes, event->length, &value)) {
        value = BLKIF_WIRE_UNIT; /* or a change that is not taken */
        device->told_nonsense |= device->told_taken.size_known;
    }
    if (!told_is_sector_size(value)) {
        device->told_nonsense = true;
        return;
    }
    if (event->result == 0)
        device->told_nonsense |= oracle_may_be_none(event);
    device->told.sector_size = (uint32_t)value;
    device->told.size_known = true;
}

static void sectors_read(struct oracle_device *device, const struct simback_event *event)
{
    uint64_t value;

    if (event->result != 0 || !monitor_number(event->bytes, event->length, &value)) {
        device->told_nonsense = true;
        return;
    }
    if (oracle_may_be_none(event) && value > device->capacity_512)
        device->capacity_512 = value; /* who takes it may ask for them */
    device->told_nonsense |= value > SECTORS_MOST || oracle_may_be_none(event);
    device->told.sectors = value;
    device->told.sectors_known = true;
}

void told_read(struct oracle_device *device, const char *node, const struct simback_event *event)
{
    if (strcmp(node, BLKIF_NODE_SECTOR_SIZE) == 0) {
        change_over(device);
        device->told_open = true;
        sector_size_read(device, event);
    } else if (strcmp(node, BLKIF_NODE_PHYSICAL_SECTOR_SIZE) == 0) {
        /* It may be absent or any number, but who cannot read it takes nothing of the change. */
        device->told_nonsense |= !oracle_says_something(event);
    } else if (strcmp(node, BLKIF_NODE_SECTORS) == 0) {
        device->told_open = true;
        sectors_read(device, event);
        change_over(device);
    }
}

/* Of a number that holds more than the bits that there are a frontend may make nothing. */
void told_info_read(struct oracle_device *device, uint64_t value, bool may_be_none)
{
    const uint64_t known =
        BLKIF_WIRE_INFO_CDROM | BLKIF_WIRE_INFO_REMOVABLE | BLKIF_WIRE_INFO_READONLY;

    device->info_ones |= (uint8_t)(value & known);
    device->info_zeros |= (uint8_t)(value > known || may_be_none ? known : ~value & known);
}

/* One that reads no number of sectors behind their size is done with it. */
void told_step(struct oracle_device *device)
{
    change_over(device);
}

void told_forget(struct oracle_device *device)
{
    device->told = device->told_taken = (struct oracle_told){0};
    device->told_open = device->told_nonsense = false;
    device->info_ones = device->info_zeros = 0;
}

static bool says_size(const struct oracle_told *told, const struct blkfront_info *info)
{
    return info->sector_size == (told->size_known ? told->sector_size : BLKIF_WIRE_UNIT);
}

static bool says_sectors(const struct oracle_told *told, const struct blkfront_info *info)
{
    return told->sectors_known &&
           info->size_sectors == told->sectors / (info->sector_size / BLKIF_WIRE_UNIT);
}

/* Who does not read the bits at all may know nothing of them. */
static void judge_medium(struct oracle *oracle, const struct oracle_device *device, bool says,
                         unsigned bit, const char *what)
{
    if ((device->info_ones | device->info_zeros) != 0 &&
        ((says ? device->info_ones : device->info_zeros) & bit) == 0)
        oracle_should(oracle, 20, device, 0,
                      "get_info says that the disk is %s%s, but info was read with%s bit %u",
                      says ? "" : "not ", what, says ? "out" : "", bit);
}

void told_info(struct oracle *oracle, struct oracle_device *device,
               const struct blkfront_info *info)
{
    const struct oracle_told *told = &device->told, *taken = &device->told_taken;

    oracle_checked(oracle, 20);
    if (!says_size(told, info) && !says_size(taken, info))
        oracle_broken(oracle, 20, device, 0,
                      "get_info says that a sector has %u bytes, but sector-size was read as %u",
                      info->sector_size, told->size_known ? told->sector_size : BLKIF_WIRE_UNIT);
    else if (!told->sectors_known)
        oracle_broken(oracle, 20, device, 0,
                      "get_info says that the disk has %llu sectors, but no number of sectors was "
                      "ever read",
                      (unsigned long long)info->size_sectors);
    else if (!says_sectors(told, info) && !says_sectors(taken, info))
        oracle_broken(oracle, 20, device, 0,
                      "get_info says that the disk has %llu sectors of %u bytes, but sectors was "
                      "read as %llu",
                      (unsigned long long)info->size_sectors, info->sector_size,
                      (unsigned long long)told->sectors);
    else if (info->read_write && device->read_only)
        oracle_broken(oracle, 20, device, 0,
                      "get_info says that the disk can be written, but info was read with bit %u",
                      BLKIF_WIRE_INFO_READONLY);
    judge_medium(oracle, device, info->cdrom, BLKIF_WIRE_INFO_CDROM, "a CD-ROM");
    judge_medium(oracle, device, info->removable, BLKIF_WIRE_INFO_REMOVABLE, "removable");
}
