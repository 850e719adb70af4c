/* SPDX-License-Identifier: ISC */
/*
 * Which device a name means. Creating the device is connect.c's matter.
 */
#ifndef BLKFRONT_SRC_NAME_H
#define BLKFRONT_SRC_NAME_H

#include "internal.h"
#include "text.h"

/* The path of this domain's block devices, "/local/domain/<domid>/device/vbd". */
enum { NAME_DIRECTORY_MAX = sizeof("/local/domain/65535/device/vbd") };
void name_directory(char directory[NAME_DIRECTORY_MAX], uint16_t domid);

/* The device number that a name spells: 51712, 0xca00, xvda, /dev/xvda1, hda, sda, d0p1. */
bool name_parse(const char *name, size_t length, uint32_t *vdev);
/* "51712 (xvda)", or the number alone if no letters spell it. */
void name_print(struct text *text, uint32_t vdev);

/*
 * What `name` means among the devices that XenStore knows. Errors of the library; then
 * context->detail says more.
 */
int name_resolve(struct blkfront *context, uint16_t domid, const char *name, uint32_t *vdev);

/* The names of the children of the device directory into context->list; no directory is an empty
 * list. Results are the platform's. */
int name_list(struct blkfront *context, const char *directory, size_t *length);
/* The smallest device number in the list that is at least `from`; false if there is none. */
bool name_next(const struct blkfront *context, size_t length, uint64_t from, uint32_t *vdev);

#endif
