/* SPDX-License-Identifier: ISC */
/*
 * What the files of simback know of each other: the world with all its parts, and the calls by
 * which one part reaches another. The meaning of the public calls stands in include/simback/. All
 * memory of a world comes from its arena, so a reset forgets everything at once: a part's reset
 * only has to make its members what they are at the beginning.
 */
#ifndef SIMBACK_INTERNAL_H
#define SIMBACK_INTERNAL_H

#include <simback/backend.h>
#include <simback/event.h>
#include <simback/host.h>
#include <simback/world.h>
#include <simback/xen.h>

#include <blkfront/platform.h>

enum {
    WORLD_PAGE_SIZE = 4096,
    WORLD_DEVICES = 64 /* what rules look at: device numbers below this */
};

/* ---- arena.c: objects and pages at a fixed address ---- */

enum {
    ARENA_OBJECT_CLASSES = 232,
    ARENA_PAGE_BINS = 64 /* blocks of 1..63 pages have a bin each; larger ones share bin 0 */
};

enum page_use {
    PAGE_UNUSED,
    PAGE_REDZONE,
    PAGE_WORLD,  /* simback_pages_allocate: any domain may grant it */
    PAGE_SHARED, /* a platform's share */
    PAGE_OWNED,  /* a platform's page_allocate */
    PAGE_FREED
};

/* What the world knows of one page of the region. */
struct page {
    uint32_t count; /* of its block, in the block's first page; 0 in the others */
    uint32_t next;  /* first page of the next freed block */
    uint32_t ref;   /* newest grant of it by `domid`; 0: none */
    uint16_t domid; /* PAGE_SHARED, PAGE_OWNED, or granted PAGE_WORLD: whose */
    uint8_t use;    /* enum page_use */
};

struct freed_object;

struct arena {
    uint8_t *base;
    uint64_t control;      /* size of the control block at base */
    uint64_t object_begin; /* offsets from base */
    uint64_t object_next;
    uint64_t object_poisoned; /* poisoned up to here */
    uint64_t object_dirty;    /* below this a byte may be other than 0 */
    uint64_t object_end;
    uint8_t *page_base;
    struct page *pages; /* a table by page number */
    uint32_t page_next;
    uint32_t page_poisoned;
    uint32_t page_dirty;
    uint32_t page_limit;
    struct freed_object *object_free[ARENA_OBJECT_CLASSES];
    struct freed_object *quarantine_first, *quarantine_last;
    uint64_t quarantine_bytes;
    uint32_t page_free[ARENA_PAGE_BINS];
    uint32_t page_quarantine_first, page_quarantine_last;
    uint32_t page_quarantine_count;
    uint64_t limit; /* of used */
    uint64_t used, peak, allocations;
    uint64_t refused; /* times that there was none */
};

/* Reserves the next free slot of the address space; the control block of `control` bytes lies at
 * its beginning, zeroed. NULL: no slot. */
void *arena_reserve(size_t control, struct arena *arena);
void arena_reset(struct arena *arena);
void arena_release(struct arena *arena);
void *arena_allocate(struct arena *arena, size_t size);
void arena_free(struct arena *arena, void *memory, size_t size);
/* 0: none left. */
uint32_t arena_pages_allocate(struct arena *arena, uint32_t count, enum page_use use,
                              uint16_t domid);
void arena_pages_free(struct arena *arena, uint32_t first);
static inline void *arena_page_address(const struct arena *arena, uint32_t number)
{
    return arena->page_base + (size_t)number * WORLD_PAGE_SIZE;
}
/* False: no page lies there. */
static inline bool arena_page_number(const struct arena *arena, const volatile void *address,
                                     uint32_t *number)
{
    uint64_t offset = (uint64_t)((uintptr_t)address - (uintptr_t)arena->page_base);

    if (offset >= (uint64_t)arena->page_next * WORLD_PAGE_SIZE)
        return false;
    *number = (uint32_t)(offset / WORLD_PAGE_SIZE);
    return true;
}

/* ---- random.c: xoshiro256**, seeded by splitmix64 ---- */

struct random {
    uint64_t state[4];
};

void random_seed(struct random *random, uint64_t seed);
uint64_t random_next(struct random *random);
uint64_t random_below(struct random *random, uint64_t bound);

/* ---- hash.c: XXH64 ---- */

uint64_t hash_xxh64(const void *memory, size_t length, uint64_t seed);

/* ---- schedule.c: actors, timers ---- */

struct actor;

struct schedule {
    struct actor *actors;
    uint32_t count, capacity; /* slots used so far, slots there */
    uint32_t first_free;      /* a slot whose actor was removed; SIMBACK_NO_ACTOR: none */
    simback_actor *ready;     /* a ring of `capacity` */
    uint32_t ready_head, ready_count;
    simback_actor *timers; /* a heap by (time, sequence) */
    uint32_t timer_count;
    uint64_t timer_sequence;
    uint32_t idle_count; /* actors with housekeeping to do */
    uint64_t steps, steps_since_progress;
    simback_actor last_ran;
    uint16_t last_device; /* of last_ran */
    bool last_was_front;
};

void schedule_reset(struct simback_world *world);
/* Every timer up to now becomes ready. */
void schedule_fire_timers(struct simback_world *world);

/* ---- trace.c, event_forms.c, event_text.c ---- */

enum { TRACE_KEPT = 256, TRACE_PATH_KEPT = 64, TRACE_BYTES_KEPT = 48 };

/* An event as it is kept for a report: long paths lose their beginning, long values their end. */
struct trace_record {
    uint64_t time_ns;
    uint64_t a, b, c;
    uint64_t length; /* of the whole value */
    int32_t result;
    uint16_t domid, peer, device, queue;
    uint8_t kind;
    bool path_cut;
    uint8_t path_length;
    uint8_t bytes_length;
    char path[TRACE_PATH_KEPT];
    uint8_t bytes[TRACE_BYTES_KEPT];
};

struct trace {
    uint64_t hash;
    uint64_t count;
    uint64_t kept_count; /* the newest is kept[(kept_count - 1) % TRACE_KEPT] */
    uint64_t kept_from;  /* of the first that is there, as far as there is room */
    void (*sink)(void *context, const struct simback_event *event, uint64_t time_ns);
    void *sink_context;
    struct trace_record kept[TRACE_KEPT];
};

void trace_reset(struct simback_world *world);
/* What simback_event_form gives, for who has a kind of event.h's. */
extern const struct simback_event_form event_forms[SIMBACK_EVENT_KINDS];
/* As simback_event_text, of an event that was kept. */
size_t event_text_record(const struct trace_record *record, char *buffer, size_t size);

/* ---- domains: grant_table.c, event_channel.c ---- */

enum { GRANT_CHUNK = 512, GRANT_FIRST = 8, PORT_CHUNK = 64 };

struct grant;
struct port;
struct sim_host;

struct domain {
    struct domain *next;
    struct simback_world *world;
    uint16_t domid;
    struct blkfront_platform *platform; /* once asked for */

    struct grant **grant_chunks; /* of GRANT_CHUNK entries each, made when needed */
    uint32_t grant_limit;
    uint32_t grant_fresh;                       /* never used so far from here on */
    uint32_t grant_free_first, grant_free_last; /* used before, oldest first; 0: none */

    struct port **port_chunks; /* of PORT_CHUNK entries each */
    uint32_t port_limit;       /* highest port */
    uint32_t port_low;         /* no free port below */

    struct simback_ledger ledger;
    uint64_t store_nodes; /* that it owns */
};

/* Makes it if it is not there; NULL: no memory. */
struct domain *domain_get(struct simback_world *world, uint16_t domid);
struct domain *domain_find(const struct simback_world *world, uint16_t domid);

/* platform.h's grant calls, for a domain. */
int grant_table_share(struct domain *domain, uint16_t peer, uint32_t count, bool writable,
                      void **address, uint32_t *refs);
/* Of a block that a real Xen has shared under these references (live.h): the pages at *address
 * stand for it, and are the domain's as if share had given them. */
int grant_table_adopt(struct domain *domain, uint16_t peer, uint32_t count, bool writable,
                      void **address, const uint32_t *refs);
int grant_table_unshare(struct domain *domain, void *address, uint32_t count);
int grant_table_page_allocate(struct domain *domain, uint32_t count, void **address);
void grant_table_page_free(struct domain *domain, void *address, uint32_t count);
int grant_table_grant(struct domain *domain, uint16_t peer, const void *page, bool writable,
                      uint32_t *ref);
int grant_table_revoke(struct domain *domain, uint32_t ref);
/* The domain has been resumed: its grants are void. */
void grant_table_void(struct domain *domain);
/* host.h's, for a mapping domain. */
int grant_table_map(struct domain *mapper, uint16_t device, uint16_t domid, const uint32_t *refs,
                    uint32_t count, bool writable, void **pages);
int grant_table_unmap(struct domain *mapper, uint16_t device, uint16_t domid, const uint32_t *refs,
                      uint32_t count, void **pages);

/* A frontend's set of ports; platform.h leaves the struct to us. */
struct blkfront_channel_set {
    struct blkfront_channel_set *next; /* of the world, in the order of opening */
    struct domain *domain;
    uint16_t device;
    uint16_t index; /* among the device's sets: its queue */
    bool woken;
    struct port *first, *last; /* pending and unmasked */
};

int channels_open(struct domain *domain, struct blkfront_channel_set **set);
void channels_close(struct domain *domain, struct blkfront_channel_set *set);
int port_allocate(struct domain *domain, struct blkfront_channel_set *set, uint16_t peer,
                  uint32_t *number);
/* One that a real Xen has given under this number. */
int port_adopt(struct domain *domain, struct blkfront_channel_set *set, uint16_t peer,
               uint32_t number);
/* It has fired there. */
void port_fire(struct domain *domain, uint32_t number);
/* Ports of a frontend carry its set, those of a backend are of `set` NULL. */
int port_close(struct domain *domain, const struct blkfront_channel_set *set, uint32_t number);
int port_notify(struct domain *domain, const struct blkfront_channel_set *set, uint32_t number);
int port_pending(struct domain *domain, struct blkfront_channel_set *set, uint32_t *number);
int port_unmask(struct domain *domain, struct blkfront_channel_set *set, uint32_t number);
void channels_wake(struct blkfront_channel_set *set);
/* Whose frontend's port it is; SIMBACK_NO_DEVICE: nobody's, or a backend's. */
uint16_t port_device(const struct simback_world *world, uint16_t domid, uint32_t number);
/* The domain has been resumed: its frontends' ports are void. */
void ports_void(struct domain *domain);
/* Before a step of the world. */
void storms_blow(struct simback_world *world);
/* Events come as they should again. */
void ports_mend(struct simback_world *world);
int port_bind(struct sim_host *host, uint16_t domid, uint32_t remote_port, uint16_t tag,
              uint32_t *number);
int port_fired(struct sim_host *host, uint32_t number);

/* ---- host_sim.c ---- */

struct sim_host {
    struct simback_host calls;
    struct simback_world *world;
    struct domain *domain;
    uint16_t device;
    uint16_t actor_count;
    simback_actor store_actor;
    simback_actor *actors;
    struct blkfront_watch_set *watches;
};

/* ---- platform_sim.c ---- */

/* What is done on purpose to the watch events of a device's frontend. */
struct watch_faults {
    uint32_t lose;    /* so many of the next ones */
    uint32_t flood;   /* each comes so often; 0: once */
    uint64_t late_ns; /* each waits so long */
    bool merge;       /* they wait, one of each watch, until nothing is runnable */
};

/* Which actors a device's frontend has. */
struct front {
    simback_actor device_poll;
    simback_actor *queue_polls;
    uint16_t queues;
    struct watch_faults watch_faults;
};

/* SIMBACK_NO_ACTOR if there is none. */
simback_actor front_queue_actor(const struct simback_world *world, uint16_t device, uint16_t queue);
simback_actor front_device_actor(const struct simback_world *world, uint16_t device);

/* ---- resume.c ---- */

/* The domain of the frontends goes on as domain `domid`: its grants and ports are void, its
 * directories of before are gone, it has a home. INVALID: there is such a domain. */
int guest_move(struct simback_world *world, uint16_t domid);

/* ---- fail.c ---- */

struct failure {
    uint64_t calls, failed;
    uint64_t countdown; /* the call that makes it 0 fails; 0: none */
    bool from_then_on;
    bool always;
};

/* A call that was counted, while one or all are to fail; true: this one has to. Ask fail_now. */
bool fail_counted(struct simback_world *world, enum simback_resource resource);
/* A limit has been reached. */
void fail_short(struct simback_world *world);

/* ---- fail_store.c ---- */

/* A call of a frontend's platform on this path: 0, or the error that it has to give. */
int store_fault(struct simback_world *world, const char *path);
/* The same without a call: whether one that removes the node would fail. */
bool store_fault_holds(const struct simback_world *world, const char *path);
/* Whether the guest has lost its rights on it. */
bool store_is_denied(const struct simback_world *world, const char *path);
void store_faults_end(struct simback_world *world);
/* Whether the commit that is asked for has to answer AGAIN. */
bool store_again(struct simback_world *world);

/* ---- XenStore: xenstore*.c; the parts that only those need are in xenstore_internal.h ---- */

struct store_node;
struct store_transaction;
struct blkfront_watch_set; /* also a host's */

struct xenstore {
    struct store_node *root;
    uint64_t generation;
    uint32_t next_transaction;
    struct store_transaction *transactions;
    struct blkfront_watch_set *sets; /* in the order of opening */
    struct store_event *free_events;
    struct store_fault *faults; /* oldest first */
    uint32_t fault_count;
    uint64_t again; /* so many commits of the guest answer AGAIN */
    simback_actor
        late_actor; /* runs when late watch events are due; SIMBACK_NO_ACTOR: none so far */
};

int store_reset(struct simback_world *world); /* NO_MEMORY */
int xenstore_read(struct domain *domain, uint32_t id, const char *path, char *buffer, size_t size,
                  size_t *length);
int xenstore_write(struct domain *domain, uint32_t id, const char *path, const void *value,
                   size_t length);
int xenstore_remove(struct domain *domain, uint32_t id, const char *path);
int xenstore_list(struct domain *domain, uint32_t id, const char *path, char *buffer, size_t size,
                  size_t *length);
int store_transaction_start(struct domain *domain, uint32_t *id);
int store_transaction_end(struct domain *domain, uint32_t id, bool commit);
/* Its commit meets a conflict, whether or not there is one: AGAIN. */
int store_transaction_refuse(struct domain *domain, uint32_t id);
/* When a watch has fired, that actor is made ready, or with `front` the device poll of `device`. */
int store_watches_open(struct domain *domain, uint16_t device, bool front, simback_actor actor,
                       struct blkfront_watch_set **set);
void store_watches_close(struct blkfront_watch_set *set);
void store_watch_tell(const struct blkfront_watch_set *set, enum simback_event_kind kind,
                      const char *path, uint32_t token, int result);
int store_watch(struct blkfront_watch_set *set, const char *path, uint32_t token);
int store_unwatch(struct blkfront_watch_set *set, const char *path, uint32_t token);
int store_watch_fired(struct blkfront_watch_set *set, uint32_t *token);
void store_watches_wake(struct blkfront_watch_set *set);
/* Nothing is runnable: what waited for that may be taken. */
void store_watches_let_through(struct simback_world *world);
/* Watch events come as they should again, those that wait too. */
void store_watches_mend(struct simback_world *world);
/* The domain has been resumed: each watch of its frontends fires. */
void store_watches_resume(struct domain *domain);
/* Whether one of the device's sets has something to look at; takes back what `wake` said. */
bool store_watches_due(struct simback_world *world, uint16_t device);
bool channels_due(struct simback_world *world, uint16_t device);

/* ---- monitor.c, oracle_*.c, backend.c: theirs ---- */

struct monitor;
struct oracle;

/* NULL: no memory. The world's arena is fresh at create, and again at reset, which follows a reset
 * of the arena and makes the part anew. destroy comes before the arena goes and frees nothing that
 * lies in it. */
struct monitor *monitor_create(struct simback_world *world);
struct monitor *monitor_reset(struct simback_world *world);
void monitor_destroy(struct simback_world *world);
struct oracle *oracle_create(struct simback_world *world);
struct oracle *oracle_reset(struct simback_world *world);
void oracle_destroy(struct simback_world *world);

/*
 * Called by simback_emit for every event, the oracle first (only with options.rules), so that what
 * the monitor concludes from an event and emits itself comes after it everywhere.
 */
void oracle_event(struct simback_world *world, const struct simback_event *event, uint64_t time_ns);
void monitor_event(struct simback_world *world, const struct simback_event *event,
                   uint64_t time_ns);

/* The world is about to forget all backends (their memory lies in the arena): close what is outside
 * of it, such as files. */
void backends_reset(struct simback_world *world);

/* ---- the world ---- */

struct simback_world {
    struct arena arena;
    struct simback_world_options options;
    uint64_t now;
    struct random random;
    struct schedule schedule;
    struct domain *domains;
    struct blkfront_channel_set *channel_sets;
    struct port *storms; /* that notify before each step */
    struct xenstore store;
    struct front *fronts; /* by device number, below options.devices */
    struct failure failures[SIMBACK_RESOURCES];
    bool was_short; /* grants, pages or ports, and when that was seen last */
    uint64_t short_ns;
    uint64_t short_times;              /* since a call was completed */
    uint16_t entered;                  /* the device that simback_enter named */
    uint16_t guest;                    /* the frontends' domain now */
    bool quiet;                        /* nobody listens: no hash, no rules, no sink */
    struct simback_backend **backends; /* as `fronts`; sim_backend.c's */
    struct simback_disk *file_disks;   /* those over a file, newest first; disk.c's */
    struct monitor *monitor;
    struct oracle *oracle;
    struct trace trace;
};

/* Whether a call of a frontend's platform may have to fail. */
static inline bool fail_armed(const struct simback_world *world, enum simback_resource resource)
{
    return world->failures[resource].always || world->failures[resource].countdown != 0;
}

/* Counts a call of a frontend's platform; true: it has to fail. */
static inline bool fail_now(struct simback_world *world, enum simback_resource resource)
{
    world->failures[resource].calls++;
    return fail_armed(world, resource) && fail_counted(world, resource);
}

static inline bool world_has_device(const struct simback_world *world, uint16_t device)
{
    return device < world->options.devices;
}

/* Ask before building an event that costs something. */
static inline bool world_listens(const struct simback_world *world)
{
    return !world->quiet;
}

#endif
