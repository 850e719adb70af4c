/* SPDX-License-Identifier: ISC */
/*
 * Serving a real guest: simback's backend over the live host. One thread: XenStore, each queue's
 * ring, the scenario's steps when their time has come. The nodes lie in a directory of our own
 * (backend/simblk), so that the kernel's xen-blkback does not take the device for its own.
 */
#include "serve.h"
#include "step_play.h"
#include "tool.h"

#include "scenario/table.h"

#include <blkfront/blkif.h>
#include <blkfront/libxen.h>
#include <blkfront/platform.h>
#include <simback/disk.h>
#include <simback/event.h>
#include <simback/live.h>
#include <simback/served.h>
#include <simback/world.h>

#include <signal.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

enum { PATH_MAX_ = 256, IDLE_MS = 5, QUEUES_SERVED = 64 };

#define SECOND_NS UINT64_C(1000000000)
/* So long a guest has to close when we go. */
#define GOODBYE_NS (10 * SECOND_NS)

struct server {
    struct serve_options *serve;
    struct blkfront_libxen *xen;
    const struct blkfront_platform *platform;
    struct simback_live_host *host;
    struct simback_world *world; /* the guest, as the rules see it; and the disk's memory */
    struct simback_served *served;
    struct simback_live_watch *watch;
    struct simback_backend *backend;
    struct simback_backend_options options;
    struct simback_dialect dialect;
    char front[PATH_MAX_], back[PATH_MAX_];
    size_t next_step;
    uint64_t next_ns;            /* when that is to be played; counted from the first Connected */
    enum blkif_wire_state state; /* as told last */
    bool connected_once;
    bool has_nodes; /* ours, which go when we do */
};

static volatile sig_atomic_t stopped;
static volatile sig_atomic_t hurried; /* a `run` is over, the present one or the next */

static void stop(int number)
{
    (void)number;
    stopped = 1;
}

static void hurry(int number)
{
    (void)number;
    hurried = 1;
}

static void say(void *context, const char *line)
{
    (void)context;
    fprintf(stderr, "%s\n", line);
}

/* As it happens, where people look. */
static void __attribute__((format(printf, 2, 3)))
tell(const struct server *server, const char *format, ...)
{
    va_list arguments;

    if (server->serve->json)
        return;
    va_start(arguments, format);
    vprintf(format, arguments);
    va_end(arguments);
    printf("\n");
    fflush(stdout);
}

static uint64_t now(const struct server *server)
{
    return server->platform->now(server->platform->context);
}

/* ---- nodes ---- */

static int put(const struct server *server, uint32_t transaction, const char *directory,
               const char *name, const char *value)
{
    const struct blkfront_platform *platform = server->platform;
    char path[PATH_MAX_ + 32];

    snprintf(path, sizeof(path), "%s/%s", directory, name);
    return platform->store_write(platform->context, transaction, path, value, strlen(value));
}

static int put_number(const struct server *server, uint32_t transaction, const char *directory,
                      const char *name, uint32_t value)
{
    char text[16];

    snprintf(text, sizeof(text), "%u", (unsigned)value);
    return put(server, transaction, directory, name, text);
}

static int put_back(const struct server *server, uint32_t transaction)
{
    const struct simback_backend_options *options = &server->options;
    const char *back = server->back;
    char name[8];
    int result = 0;

    snprintf(name, sizeof(name), "xvd%c", 'a' + (int)(options->vdev >> 4 & 15));
    result |= put(server, transaction, back, BLKIF_NODE_FRONTEND, server->front);
    result |= put_number(server, transaction, back, BLKIF_NODE_FRONTEND_ID, options->front_domid);
    result |= put(server, transaction, back, BLKIF_NODE_ONLINE, "1");
    result |= put(server, transaction, back, BLKIF_NODE_DEV, name);
    result |= put(server, transaction, back, BLKIF_NODE_MODE, options->mode_read_only ? "r" : "w");
    return result | put(server, transaction, back, BLKIF_NODE_STATE, "1");
}

static int put_front(const struct server *server, uint32_t transaction)
{
    const struct simback_backend_options *options = &server->options;
    const char *front = server->front;
    int result = 0;

    result |= put(server, transaction, front, BLKIF_NODE_BACKEND, server->back);
    result |= put_number(server, transaction, front, BLKIF_NODE_BACKEND_ID, options->domid);
    result |= put_number(server, transaction, front, BLKIF_NODE_VIRTUAL_DEVICE, options->vdev);
    result |= put(server, transaction, front, BLKIF_NODE_DEVICE_TYPE, "disk");
    result |= put(server, transaction, front, BLKIF_NODE_TRUSTED, options->trusted ? "1" : "0");
    return result | put(server, transaction, front, BLKIF_NODE_STATE, "1");
}

/* All at once: a driver that sees half of a device does not take it. */
static int put_nodes(const struct server *server)
{
    const struct blkfront_platform *platform = server->platform;
    uint32_t transaction;
    int result;

    do {
        result = platform->transaction_start(platform->context, &transaction);
        if (result != 0)
            return result;
        result = put_back(server, transaction) | put_front(server, transaction);
        if (result != 0) {
            platform->transaction_end(platform->context, transaction, false);
            return result;
        }
        result = platform->transaction_end(platform->context, transaction, true);
    } while (result == BLKFRONT_PLATFORM_AGAIN);
    return result;
}

/* Nobody has a device of this number. */
static int look_for_another(const struct server *server)
{
    const struct blkfront_platform *platform = server->platform;
    char value[1];
    size_t length;
    const int result =
        platform->store_read(platform->context, 0, server->front, value, sizeof(value), &length);

    if (result == BLKFRONT_PLATFORM_NO_ENTRY)
        return TOOL_OK;
    if (result != 0 && result != BLKFRONT_PLATFORM_TOO_LONG)
        return tool_error("%s cannot be read: be root, in dom0", server->front);
    return tool_error("%s is there already: device %u of domain %u is somebody's; take another "
                      "--vdev, or detach it",
                      server->front, (unsigned)server->options.vdev,
                      (unsigned)server->options.front_domid);
}

static void remove_nodes(const struct server *server)
{
    const struct blkfront_platform *platform = server->platform;

    (void)platform->store_remove(platform->context, 0, server->front);
    (void)platform->store_remove(platform->context, 0, server->back);
}

/* ---- making ---- */

static int make_disk(struct server *server)
{
    struct simback_backend_options *options = &server->options;
    const uint64_t units = options->sector_size / BLKIF_WIRE_UNIT;
    struct simback_world_options world;
    char error[200] = "no memory is left for a disk of this size";

    simback_world_options_init(&world);
    world.served = true;
    world.trace_hash = false;
    server->world = simback_world_create(&world);
    if (server->world == NULL || units == 0)
        return tool_error("there is no memory, or no such sector");
    if (server->serve->disk != NULL)
        options->disk = simback_disk_file(server->world, server->serve->disk,
                                          options->mode_read_only, error, sizeof(error));
    else
        options->disk = simback_disk_memory(server->world, options->sectors * units);
    if (options->disk == NULL)
        return tool_error("%s", error);
    if (server->serve->disk != NULL)
        options->sectors = simback_disk_size(options->disk) / units;
    return TOOL_OK;
}

static int open_xen(struct server *server)
{
    const struct blkfront_libxen_options options = {.log = say};
    char text[BLKFRONT_LIBXEN_TEXT];

    if (blkfront_libxen_open(&options, &server->xen, text) != 0)
        return tool_error("%s", text);
    server->platform = blkfront_libxen_platform(server->xen);
    if (simback_live_host_open(server->platform, &server->host, text) != 0)
        return tool_error("%s", text);
    if (server->platform->own_domid(server->platform->context, &server->options.domid) != 0)
        return tool_error("XenStore does not say which domain this is");
    return TOOL_OK;
}

static void node_changed(void *context, const char *path, const char *value, size_t length,
                         bool missed)
{
    struct server *server = context;

    simback_served_node(server->served, path, value, length, missed);
}

/* What the guest has written is told before the backend reads it. */
static void ask_for_nodes(void *context)
{
    struct server *server = context;

    simback_live_watch_take(server->watch, node_changed, server);
}

static void trace(void *context, const struct simback_event *event, uint64_t time_ns)
{
    const struct server *server = context;
    char line[512];

    simback_event_text(server->world, event, time_ns, line, sizeof(line));
    printf("%s\n", line);
}

static int make_backend(struct server *server)
{
    const struct simback_host *host = simback_live_host_calls(server->host);

    server->served = simback_served_create(server->world, host, &server->options);
    if (server->serve->trace)
        simback_trace_to(server->world, trace, server);
    if (server->served != NULL) {
        simback_served_ask(server->served, ask_for_nodes, server);
        server->backend =
            simback_backend_create(simback_served_host(server->served), &server->options);
    }
    return server->backend == NULL ? tool_error("no memory is left for a backend") : TOOL_OK;
}

static int make(struct server *server)
{
    struct simback_backend_options *options = &server->options;
    int rc = open_xen(server);

    if (rc == TOOL_OK)
        rc = make_disk(server);
    if (rc != TOOL_OK)
        return rc;
    server->dialect = *options->dialect;
    snprintf(server->dialect.directory, sizeof(server->dialect.directory), "simblk");
    options->dialect = &server->dialect;
    simback_paths(options, server->back, sizeof(server->back), server->front,
                  sizeof(server->front));
    rc = look_for_another(server);
    if (rc != TOOL_OK)
        return rc;
    server->watch = simback_live_watch_open(server->front);
    if (server->watch == NULL)
        return tool_error("XenStore cannot be watched: %s", server->front);
    if (put_nodes(server) != 0)
        return tool_error("the device's nodes cannot be written: be root, in dom0");
    server->has_nodes = true;
    return make_backend(server);
}

/* ---- serving ---- */

/* True if there is more to do at once. */
static bool serve_once(struct server *server)
{
    bool more = simback_backend_poll(server->backend);

    for (unsigned queue = 0; queue < QUEUES_SERVED; queue++)
        more |= simback_served_service(server->served, server->backend, (uint16_t)queue);
    return more;
}

static unsigned idle_for(const struct server *server)
{
    uint64_t at = UINT64_MAX;

    for (unsigned queue = 0; queue < QUEUES_SERVED; queue++) {
        const uint64_t queue_at = simback_backend_service_at(server->backend, (uint16_t)queue);

        at = queue_at < at ? queue_at : at;
    }
    if (at <= now(server) || at - now(server) < IDLE_MS * UINT64_C(1000000))
        return at == UINT64_MAX ? IDLE_MS : 1;
    return IDLE_MS;
}

static void tell_state(struct server *server)
{
    const enum blkif_wire_state state = simback_backend_state(server->backend);

    if (state == server->state)
        return;
    tell(server, "state %d", (int)state);
    server->state = state;
    if (state == BLKIF_WIRE_CONNECTED && !server->connected_once) {
        server->connected_once = true;
        server->next_ns = now(server);
    }
}

/* Dialects were read before. */
static bool is_played(const struct scenario_step *step)
{
    return step->opcode != STEP_DIALECT &&
           (scenario_row(step->opcode)->flags & SCENARIO_ROW_OF_DIALECT) == 0;
}

static bool is_on_the_ring(const struct scenario_step *step)
{
    return step->opcode == STEP_RING_RESPOND || step->opcode == STEP_RING_INDEX ||
           step->opcode == STEP_RING_POKE;
}

/* Steps before the first `run` are played at once, those behind it so long after Connected, or when
 * we are told by a signal. */
static void play_steps(struct server *server)
{
    const struct scenario_program *program = &server->serve->program;

    while (server->next_step < program->step_count) {
        const struct scenario_step *step = &program->steps[server->next_step];
        const char *wrong;

        if (now(server) < server->next_ns) {
            if (hurried == 0)
                return;
            hurried = 0;
            server->next_ns = now(server);
        }
        if (step->opcode == STEP_RUN) {
            if (!server->connected_once)
                return;
            server->next_ns += scenario_value(step, FIELD_RUN_TIME);
            server->next_step++;
            continue;
        }
        server->next_step++;
        if (step->opcode == STEP_BACKEND || !is_played(step))
            continue;
        simback_served_look(server->served);
        wrong = is_on_the_ring(step) ? step_play_hostile(program, step, server->backend)
                                     : step_play(step, &server->options, server->backend);
        simback_served_touched(server->served);
        tell(server, "line %u%s%s", (unsigned)step->position.line, wrong == NULL ? "" : ": ",
             wrong == NULL ? " is played" : wrong);
    }
}

static void serve_until(struct server *server, uint64_t end_ns, bool (*done)(struct server *server))
{
    while (!done(server) && now(server) < end_ns) {
        const bool more = serve_once(server);

        tell_state(server);
        play_steps(server);
        if (!more)
            simback_live_host_wait(server->host, idle_for(server));
    }
}

static bool is_stopped(struct server *server)
{
    (void)server;
    return stopped != 0;
}

static bool is_closed(struct server *server)
{
    return server->state == BLKIF_WIRE_CLOSED || server->state == BLKIF_WIRE_UNKNOWN;
}

/* ---- the end ---- */

static int report(const struct server *server)
{
    struct simback_backend_counters counters;

    simback_backend_get_counters(server->backend, &counters);
    return serve_report(
        &(struct serve_outcome){.connected = server->connected_once,
                                .counters = &counters,
                                .complaint = simback_backend_complaint(server->backend),
                                .world = server->world},
        server->serve->strict, server->serve->json, stdout);
}

int serve_guest(struct serve_options *serve)
{
    struct server server = {.serve = serve, .options = serve->backend, .state = BLKIF_WIRE_UNKNOWN};
    int rc = make(&server);

    if (rc == TOOL_OK) {
        signal(SIGINT, stop);
        signal(SIGTERM, stop);
        signal(SIGUSR1, hurry);
        serve_until(&server,
                    serve->seconds == 0 ? UINT64_MAX : now(&server) + serve->seconds * SECOND_NS,
                    is_stopped);
        simback_backend_set_online(server.backend, false);
        simback_backend_close(server.backend);
        serve_until(&server, now(&server) + GOODBYE_NS, is_closed);
        simback_served_end(server.served);
        rc = report(&server);
    }
    if (server.backend != NULL)
        simback_backend_destroy(server.backend);
    if (server.has_nodes)
        remove_nodes(&server);
    simback_served_destroy(server.served);
    simback_live_watch_close(server.watch);
    if (server.world != NULL)
        simback_world_destroy(server.world);
    simback_live_host_close(server.host);
    blkfront_libxen_close(server.xen);
    return rc;
}
