/* SPDX-License-Identifier: ISC */
/*
 * I20: what the frontend makes of its backend's nodes. What it tells of the disk is what it has
 * read; a node that is absent or makes no sense has given a default, or the device never came up. A
 * change that it could not take as a whole leaves what was.
 */
#include "oracle_internal.h"

#include <string.h>

static void push(struct oracle_told *told, uint64_t value)
{
    told->before = told->known ? told->now : value;
    told->now = value;
    told->known = true;
}

bool told_is_sector_size(uint64_t value)
{
    return value >= BLKIF_WIRE_UNIT && value <= BLKIF_WIRE_PAGE_SIZE && (value & (value - 1)) == 0;
}

void told_read(struct oracle_device *device, const char *node, const struct simback_event *event)
{
    uint64_t value;

    if (event->result != 0 || !monitor_number(event->bytes, event->length, &value))
        return;
    if (strcmp(node, BLKIF_NODE_SECTORS) == 0)
        push(&device->told_sectors, value);
    else if (strcmp(node, BLKIF_NODE_SECTOR_SIZE) == 0 && told_is_sector_size(value))
        push(&device->told_sector_size, value);
}

void told_forget(struct oracle_device *device)
{
    device->told_sectors.known = device->told_sector_size.known = false;
}

void told_info(struct oracle *oracle, struct oracle_device *device,
               const struct blkfront_info *info)
{
    const struct oracle_told *size = &device->told_sector_size, *sectors = &device->told_sectors;
    const uint64_t units = info->sector_size / BLKIF_WIRE_UNIT;

    oracle_checked(oracle, 20);
    if (size->known ? info->sector_size != size->now && info->sector_size != size->before
                    : info->sector_size != BLKIF_WIRE_UNIT)
        oracle_broken(oracle, 20, device, 0,
                      "get_info says that a sector has %u bytes, but sector-size was read as %llu",
                      info->sector_size,
                      (unsigned long long)(size->known ? size->now : BLKIF_WIRE_UNIT));
    else if (!sectors->known)
        oracle_broken(oracle, 20, device, 0,
                      "get_info says that the disk has %llu sectors, but no number of sectors was "
                      "ever read",
                      (unsigned long long)info->size_sectors);
    else if (info->size_sectors != sectors->now / units &&
             info->size_sectors != sectors->before / units)
        oracle_broken(oracle, 20, device, 0,
                      "get_info says that the disk has %llu sectors of %u bytes, but sectors was "
                      "read as %llu",
                      (unsigned long long)info->size_sectors, info->sector_size,
                      (unsigned long long)sectors->now);
    else if (info->read_write && device->read_only)
        oracle_broken(oracle, 20, device, 0,
                      "get_info says that the disk can be written, but info was read with bit %u",
                      BLKIF_WIRE_INFO_READONLY);
}
