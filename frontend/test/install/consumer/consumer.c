/* SPDX-License-Identifier: ISC */
/*
 * Somebody else's program, built from the installed tree alone: connects the frontend to a
 * simulated Linux backend, writes a sector and reads it back. A header, a library or a dependency
 * that was not installed shows here.
 */
#include <blkfront/blkfront.h>
#include <simback/backend.h>
#include <simback/xen.h>
#include <stdio.h>
#include <string.h>

static int write_and_read(struct blkfront_device *device)
{
    static unsigned char out[512], in[512];
    struct blkfront_buffer from = {.address = out, .size = sizeof(out)};
    struct blkfront_buffer to = {.address = in, .size = sizeof(in)};
    int result;

    memset(out, 0xa5, sizeof(out));
    result = blkfront_blocking_write(device, 7, &from, 1);
    if (result == 0)
        result = blkfront_blocking_read(device, 7, &to, 1);
    if (result == 0 && memcmp(in, out, sizeof(in)) != 0)
        result = BLKFRONT_IO_ERROR;
    return result;
}

static int run(struct simback_world *world)
{
    struct simback_backend_options options;
    struct blkfront *context;
    struct blkfront_device *device;
    int result;

    simback_backend_options_init(&options);
    options.dialect = simback_dialect_find("linux");
    options.front_domid = SIMBACK_FRONT_DOMID;
    options.vdev = 51712;
    options.sectors = 2048;
    options.sector_size = 512;
    options.disk = simback_disk_memory(world, 2048);
    if (options.disk == NULL || simback_world_add_backend(world, &options) == NULL)
        return BLKFRONT_NO_MEMORY;

    simback_enter(world, 0);
    result = blkfront_create(simback_platform(world, SIMBACK_FRONT_DOMID), &context);
    if (result != 0)
        return result;
    result = blkfront_blocking_connect(context, "xvda", NULL, &device);
    if (result == 0) {
        result = write_and_read(device);
        blkfront_blocking_disconnect(device);
        blkfront_release(device);
    } else {
        fprintf(stderr, "connect: %s\n", blkfront_detail(context));
    }
    blkfront_destroy(context);
    return result;
}

int main(void)
{
    struct simback_world_options options;
    struct simback_world *world;
    int result;

    simback_world_options_init(&options);
    world = simback_world_create(&options);
    if (world == NULL) {
        fputs("consumer: no world\n", stderr);
        return 1;
    }
    result = run(world);
    simback_world_destroy(world);
    printf("consumer: %s\n", blkfront_error_name(result));
    return result == 0 ? 0 : 1;
}
