/* SPDX-License-Identifier: ISC */
/*
 * One device, one frontend. The kernel's driver is asked of sysfs; processes among each other hold
 * an abstract socket of the device's name, which goes with the process however that ends.
 */
#include "libxen.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

static bool is_the_kernels(const struct blkfront_libxen *xen, uint32_t vdev)
{
    char path[LIBXEN_PATH];

    snprintf(path, sizeof(path), "%s/sys/bus/xen/devices/vbd-%u/driver",
             xen->options.root == NULL ? "" : xen->options.root, (unsigned)vdev);
    return access(path, F_OK) == 0;
}

static int take_name(int file, uint32_t vdev)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    /* A NUL first: a name outside of any file system. */
    const int length =
        snprintf(address.sun_path + 1, sizeof(address.sun_path) - 1, "blkfront/vbd/%u", vdev);
    const size_t size = offsetof(struct sockaddr_un, sun_path) + 1 + (size_t)length;

    return bind(file, (const struct sockaddr *)(const void *)&address, (socklen_t)size);
}

int blkfront_libxen_claim(struct blkfront_libxen *xen, uint32_t vdev, char *text)
{
    struct libxen_claim *claim = xen->claims;

    while (claim != NULL && claim->vdev != vdev)
        claim = claim->next;
    if (claim != NULL)
        return 0;
    if (is_the_kernels(xen, vdev)) {
        snprintf(text, BLKFRONT_LIBXEN_TEXT,
                 "device %u is the kernel's own: detach it first (echo vbd-%u > "
                 "/sys/bus/xen/drivers/vbd/unbind), or take another",
                 (unsigned)vdev, (unsigned)vdev);
        return BLKFRONT_LIBXEN_IN_USE;
    }
    claim = calloc(1, sizeof(*claim));
    if (claim != NULL)
        claim->socket = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (claim == NULL || claim->socket < 0) {
        free(claim);
        snprintf(text, BLKFRONT_LIBXEN_TEXT, "no memory or file is left");
        return BLKFRONT_LIBXEN_OUT_OF_MEMORY;
    }
    if (take_name(claim->socket, vdev) != 0) {
        snprintf(text, BLKFRONT_LIBXEN_TEXT,
                 "device %u is connected by another process: end that first (%s)", (unsigned)vdev,
                 strerror(errno));
        close(claim->socket);
        free(claim);
        return BLKFRONT_LIBXEN_IN_USE;
    }
    claim->vdev = vdev;
    claim->next = xen->claims;
    xen->claims = claim;
    return 0;
}

void libxen_claims_end(struct blkfront_libxen *xen)
{
    while (xen->claims != NULL) {
        struct libxen_claim *claim = xen->claims;

        xen->claims = claim->next;
        close(claim->socket);
        free(claim);
    }
}
