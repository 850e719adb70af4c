/* SPDX-License-Identifier: ISC */
/*
 * The simulated disk as an nbdkit plugin: `nbdkit simblk scenario=faults.scn size=1G`. What any NBD
 * client reads and writes goes through frontend, ring and backend; errors come out as they would of
 * a guest's disk. Only nbdkit's calls are here.
 */
#define NBDKIT_API_VERSION 2
#include <nbdkit-plugin.h>

#include "director.h"
#include "served.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define THREAD_MODEL NBDKIT_THREAD_MODEL_PARALLEL

#define NS_PER_S UINT64_C(1000000000)

/* How long a client that comes waits for a device that is not connected. */
#define CONNECT_NS (5 * NS_PER_S)

enum { SCENARIO_BYTES_MAX = 1 << 20 };

static char *scenario_path, *fifo_path;
static uint64_t disk_bytes;
static struct director *director;
static struct served *served;

static void tell(const char *sentence)
{
    nbdkit_error("simblk: %s", sentence);
}

/* ---- configuration ---- */

static int config(const char *key, const char *value)
{
    if (strcmp(key, "scenario") == 0) {
        free(scenario_path);
        scenario_path = nbdkit_realpath(value);
        return scenario_path != NULL ? 0 : -1;
    }
    if (strcmp(key, "control") == 0) {
        free(fifo_path);
        fifo_path = nbdkit_absolute_path(value);
        return fifo_path != NULL ? 0 : -1;
    }
    if (strcmp(key, "size") == 0) {
        const int64_t bytes = nbdkit_parse_size(value);

        if (bytes <= 0 || bytes % 512 != 0) {
            nbdkit_error("size=%s: a disk has whole sectors of 512 bytes, at least one", value);
            return -1;
        }
        disk_bytes = (uint64_t)bytes;
        return 0;
    }
    nbdkit_error("unknown parameter '%s'", key);
    return -1;
}

/* NULL and an error: it cannot be read. */
static char *read_scenario(size_t *length)
{
    FILE *file = fopen(scenario_path, "rb");
    char *text = file == NULL ? NULL : malloc(SCENARIO_BYTES_MAX);

    if (text != NULL) {
        *length = fread(text, 1, SCENARIO_BYTES_MAX, file);
        if (ferror(file) || *length == SCENARIO_BYTES_MAX) {
            free(text);
            text = NULL;
        }
    }
    if (file != NULL)
        (void)fclose(file);
    if (text == NULL)
        nbdkit_error("%s: cannot be read", scenario_path);
    return text;
}

static int config_complete(void)
{
    char error[300];
    char *text = NULL;
    size_t length = 0;

    if (scenario_path != NULL) {
        text = read_scenario(&length);
        if (text == NULL)
            return -1;
    }
    director = director_create(text, length, disk_bytes, tell, error, sizeof(error));
    free(text);
    if (director == NULL) {
        nbdkit_error("%s: %s", scenario_path != NULL ? scenario_path : "simblk", error);
        return -1;
    }
    return 0;
}

#define CONFIG_HELP                                                                       \
    "scenario=FILE    a scenario that says what the disk is (`backend`, `connect`) and\n" \
    "                 what happens to it (`fault`, `backend crash`, `run time=2s`…)\n"  \
    "size=SIZE        of the disk, whatever the scenario says\n"                          \
    "control=FIFO     more steps, a line each, while it is served"

/* ---- life: threads are made in the process that serves ---- */

/* Whoever is told by nbdkit that the disk is served may write to the FIFO at once. */
static int get_ready(void)
{
    if (fifo_path == NULL || director_listen(director, fifo_path))
        return 0;
    nbdkit_error("simblk: %s: is no FIFO, and none can be made", fifo_path);
    return -1;
}

/* nbdkit waits for requests before it ends, and tells of that only who would sleep. A thread that
 * is none of nbdkit's hears of nothing else. */
static bool is_ending(void)
{
    return nbdkit_nanosleep(0, 1) != 0;
}

static int after_fork(void)
{
    struct simback_backend_options backend;
    struct blkfront_options front;

    director_options(director, &backend, &front);
    served = served_create(&backend, &front, is_ending);
    if (served == NULL || !served_start(served)) {
        nbdkit_error("simblk: no memory, or no thread can be made");
        return -1;
    }
    if (!director_begin(director, served)) {
        nbdkit_error("simblk: no thread can be made");
        return -1;
    }
    return 0;
}

static void cleanup(void)
{
    director_destroy(director);
    director = NULL;
    served_destroy(served);
    served = NULL;
}

static void unload(void)
{
    cleanup();
    free(scenario_path);
    free(fifo_path);
}

/* ---- a client ---- */

/* What the device was when the client came: an NBD export does not change while it is used. */
static void *open_disk(int readonly)
{
    struct blkfront_info *info = calloc(1, sizeof(*info));
    int error;

    (void)readonly;
    if (info == NULL) {
        nbdkit_error("simblk: no memory");
        return NULL;
    }
    error = served_wait(served, CONNECT_NS, info);
    if (error != BLKFRONT_OK) {
        nbdkit_error("simblk: no connection: %s", blkfront_error_text(error));
        free(info);
        return NULL;
    }
    director_used(director);
    return info;
}

static void close_disk(void *handle)
{
    free(handle);
}

static int64_t get_size(void *handle)
{
    const struct blkfront_info *info = handle;

    return (int64_t)(info->size_sectors * info->sector_size);
}

static int block_size(void *handle, uint32_t *minimum, uint32_t *preferred, uint32_t *maximum)
{
    const struct blkfront_info *info = handle;

    *minimum = info->sector_size;
    *preferred = info->physical_sector_size > 4096 ? info->physical_sector_size : 4096;
    *maximum = 32 << 20;
    return 0;
}

static int can_write(void *handle)
{
    return ((const struct blkfront_info *)handle)->read_write;
}

static int can_flush(void *handle)
{
    return ((const struct blkfront_info *)handle)->flush != BLKFRONT_FLUSH_NONE;
}

static int can_fua(void *handle)
{
    return can_flush(handle) ? NBDKIT_FUA_NATIVE : NBDKIT_FUA_NONE;
}

static int can_trim(void *handle)
{
    return ((const struct blkfront_info *)handle)->discard;
}

/* A flush is the disk's, whoever wrote. */
static int can_multi_conn(void *handle)
{
    (void)handle;
    return 1;
}

/* ---- requests ---- */

/* Of what NBD knows, the nearest. */
static int error_of(int error)
{
    switch (error) {
    case BLKFRONT_READ_ONLY: return EROFS;
    case BLKFRONT_DISCONNECTED: return ESHUTDOWN;
    case BLKFRONT_OUT_OF_RANGE:
    case BLKFRONT_INVALID: return EINVAL;
    case BLKFRONT_UNIMPLEMENTED: return EOPNOTSUPP;
    case BLKFRONT_NO_MEMORY: return ENOMEM;
    default: return EIO;
    }
}

static int answer(const char *what, int error)
{
    if (error == BLKFRONT_OK)
        return 0;
    nbdkit_error("simblk: %s: %s", what, blkfront_error_text(error));
    nbdkit_set_error(error_of(error));
    return -1;
}

static unsigned fua(uint32_t flags)
{
    return (flags & NBDKIT_FLAG_FUA) != 0 ? BLKFRONT_FUA : 0;
}

static int read_disk(void *handle, void *data, uint32_t count, uint64_t offset, uint32_t flags)
{
    (void)handle;
    (void)flags;
    return answer("read", served_request(served, BLKFRONT_READ, 0, data, count, offset));
}

static int write_disk(void *handle, const void *data, uint32_t count, uint64_t offset,
                      uint32_t flags)
{
    (void)handle;
    return answer("write", served_request(served, BLKFRONT_WRITE, fua(flags),
                                          (void *)(uintptr_t)data, count, offset));
}

static int flush_disk(void *handle, uint32_t flags)
{
    (void)handle;
    (void)flags;
    return answer("flush", served_request(served, BLKFRONT_FLUSH, 0, NULL, 0, 0));
}

static int trim_disk(void *handle, uint32_t count, uint64_t offset, uint32_t flags)
{
    int result =
        answer("discard", served_request(served, BLKFRONT_DISCARD, 0, NULL, count, offset));

    if (result == 0 && (flags & NBDKIT_FLAG_FUA) != 0)
        result = flush_disk(handle, 0);
    return result;
}

static struct nbdkit_plugin plugin = {
    .name = "simblk",
    .longname = "simblk: a disk behind a Xen block frontend",
    .version = SIMBLK_VERSION,
    .description = "Serves a simulated disk through frontend, ring and backend.",
    .magic_config_key = "scenario",
    .config = config,
    .config_complete = config_complete,
    .config_help = CONFIG_HELP,
    .get_ready = get_ready,
    .after_fork = after_fork,
    .cleanup = cleanup,
    .unload = unload,
    .open = open_disk,
    .close = close_disk,
    .get_size = get_size,
    .block_size = block_size,
    .can_write = can_write,
    .can_flush = can_flush,
    .can_fua = can_fua,
    .can_trim = can_trim,
    .can_multi_conn = can_multi_conn,
    .pread = read_disk,
    .pwrite = write_disk,
    .flush = flush_disk,
    .trim = trim_disk,
};

/* By the macro; nbdkit's header has no prototype. */
struct nbdkit_plugin *plugin_init(void);
NBDKIT_REGISTER_PLUGIN(plugin)
