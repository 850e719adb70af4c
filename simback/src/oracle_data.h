/* SPDX-License-Identifier: ISC */
/*
 * The history of sectors for I7: what each sector that was ever written may hold. Kept by
 * oracle_data.c, told to people by oracle_data_report.c.
 *
 * A sector has a base, the value that is settled, and a list of other candidates: writes in flight,
 * writes that overlap in time, writes that failed and may have happened, and values that a read
 * which began earlier may still see.
 */
#ifndef SIMBACK_SRC_ORACLE_DATA_H
#define SIMBACK_SRC_ORACLE_DATA_H

#include "oracle_internal.h"

#define DATA_NEVER UINT64_MAX

enum {
    GROUP_SECTORS = 64,
    GROUPS_CHUNK = 4,
    CANDIDATES_CHUNK = 32,
    RECENT = 1024, /* sectors written last, for messages */
    RECENT_CHUNK = 64,
    SETTLING = 256,         /* writes of a device that are over while older requests are not */
    SETTLING_SECTORS = 256, /* of one of them, at most */
    WINDOW = 4096           /* bytes of the disk that are looked at at once */
};

/* Numbers of writes in a base that are none. */
enum { BASE_DISK = 0 };
#define BASE_NONE    UINT32_MAX       /* only the list counts */
#define BASE_UNKNOWN (UINT32_MAX - 1) /* anything may be there */

struct candidate {
    uint64_t hash;
    uint64_t write;      /* number of the request; 0: the disk before any write */
    uint64_t submitted;  /* stamps */
    uint64_t ended;      /* acknowledged; DATA_NEVER: it may still happen */
    uint64_t superseded; /* a later write was acknowledged; DATA_NEVER: not */
    uint64_t connection; /* of its submit; if it failed: what must die before it cannot happen */
    uint32_t next;       /* index plus one */
    bool definite;       /* acknowledged */
    bool failed;
    bool lost;     /* answered, and then the power was cut; or issued again since */
    bool unknown;  /* not a value: anything */
    bool outdated; /* a write that replaced it is durable (I16) */
    bool barrier;
    bool overtaken; /* one behind a barrier was acknowledged, so it has taken effect */
    uint16_t queue;
};

struct sector {
    uint64_t hash;
    uint32_t write; /* the base's */
    uint32_t more;  /* first candidate, index plus one */
};

struct group {
    uint64_t key;     /* first sector / GROUP_SECTORS */
    uint32_t owner;   /* device and epoch */
    uint32_t next;    /* in its bucket, index plus one */
    uint64_t touched; /* bits: sectors that were written, ever */
    struct sector sectors[GROUP_SECTORS];
};

struct recent {
    uint64_t hash;
    uint64_t write;
    uint64_t sector;
};

/* Units that may be zeros (oracle_data_zero.c). */
struct zeroed {
    uint64_t request; /* a discard's number; 0: the disk has shrunk */
    uint64_t first_512, last_512;
    uint64_t ended;      /* stamp; DATA_NEVER: it may still happen */
    uint64_t last_write; /* highest number of a request when it had ended */
    uint16_t device;
};

/* Writes that are over, in this order, while reads in flight may still see what was before. */
struct settling {
    uint32_t begin, count; /* of the ring */
    struct settling_write {
        uint64_t stamp; /* of the end */
        uint64_t sector, sectors;
        uint32_t owner;
    } writes[SETTLING];
};

struct oracle_data {
    struct group **chunks; /* of GROUPS_CHUNK each */
    uint32_t chunk_room;
    uint32_t group_count;
    uint32_t *buckets;
    uint32_t bucket_count;

    struct candidate **candidate_chunks;
    uint32_t candidate_chunk_room, candidate_chunk_count;
    uint32_t free_candidate; /* index plus one */

    uint64_t *deaths; /* by number of the connection: stamp, or 0 */
    uint32_t death_room;

    struct zeroed *zeroed;
    uint32_t zeroed_count, zeroed_room;

    struct recent *recent[RECENT / RECENT_CHUNK]; /* made with the first that is needed */
    uint64_t recent_count;
    struct settling *settling[WORLD_DEVICES]; /* made with the first that is needed */
    uint16_t epochs[WORLD_DEVICES];

    bool off;            /* memory ran out: nothing is judged any more */
    bool power_may_fail; /* what a power cut may bring back is kept (I16) */
    uint8_t window[WINDOW];
};

static inline struct group *data_group_at(const struct oracle_data *data, uint32_t index)
{
    return &data->chunks[index / GROUPS_CHUNK][index % GROUPS_CHUNK];
}

static inline struct candidate *data_candidate_at(const struct oracle_data *data, uint32_t index)
{
    return &data->candidate_chunks[index / CANDIDATES_CHUNK][index % CANDIDATES_CHUNK];
}

static inline struct recent *data_recent_at(const struct oracle_data *data, uint64_t count)
{
    return &data->recent[count % RECENT / RECENT_CHUNK][count % RECENT_CHUNK];
}

static inline uint32_t data_owner(const struct oracle_data *data,
                                  const struct oracle_device *device)
{
    return (uint32_t)data->epochs[device->number] << 16 | device->number;
}

/* May a power cut bring it back (I16)? */
static inline bool data_may_return(const struct oracle_device *device,
                                   const struct candidate *candidate)
{
    return !candidate->outdated && candidate->superseded > device->durable;
}

/* oracle_data.c */
/* The one that serves the device; NULL: none that is simulated. */
struct simback_backend *data_backend(const struct oracle *oracle,
                                     const struct oracle_device *device);
bool data_read_disk(const struct oracle *oracle, const struct oracle_device *device,
                    uint64_t sector, uint32_t sector_size, uint32_t count);

/* oracle_data_exempt.c */
/* Another disk, or another idea of its sectors. This one comes after that. */
void data_begin_anew(struct oracle *oracle, struct oracle_device *device,
                     const struct oracle_request *besides);
/* Any of these units. */
bool data_is_exempt(const struct oracle_device *device, uint64_t first_512, uint64_t count_512);

/* oracle_data_again.c */
/* Another backend does reads that are over again, into pages that have another use by now. */
void data_begin_marred(struct oracle *oracle, const struct oracle_device *device,
                       struct oracle_request *request);

/* oracle_data_table.c */
struct group *data_group_find(const struct oracle_data *data, uint32_t owner, uint64_t key);
/* The same, made if it is not there; NULL: no memory. */
struct group *data_group_get(struct oracle *oracle, uint32_t owner, uint64_t key);
/* Index plus one; 0: no memory. */
uint32_t data_candidate_new(struct oracle *oracle);
void data_candidate_free(struct oracle_data *data, uint32_t index_plus_one);
/* When the connection was known dead; DATA_NEVER. */
uint64_t data_death(const struct oracle_data *data, uint64_t connection);
bool data_set_death(struct oracle *oracle, uint64_t connection, uint64_t stamp);
/* It was not: another backend has taken it up. */
void data_revive(struct oracle_data *data, uint64_t connection);

/* oracle_data_end.c */
/* LEFT: it has failed without an answer, and whoever serves it may still read its pages, which are
 * its caller's again. */
enum data_end { DATA_DONE, DATA_FAILED, DATA_LEFT, DATA_REFUSED };
/* That of the write of this number while it is not settled; NULL: there is none. */
struct candidate *data_candidate_of(const struct oracle_data *data, const struct sector *sector,
                                    uint64_t write);
/* False: no memory. */
bool data_candidate_add(struct oracle *oracle, struct sector *sector,
                        const struct candidate *candidate);
/* The request's write of this sector has ended; the oldest request besides began at `oldest`. */
void data_candidate_end(struct oracle *oracle, const struct oracle_device *device,
                        const struct oracle_request *request, struct sector *sector,
                        enum data_end end, uint64_t oldest);

/* oracle_data_settle.c */
/* Forgets what no request in flight can see any more, the oldest of which began then, and no power
 * cut brings back; one settled value alone becomes the base. Of many that a power cut might bring
 * back, one stays, as anything. */
void data_prune(struct oracle_data *data, const struct oracle_device *device, struct sector *sector,
                uint64_t oldest);
/* The same for the sectors of the writes that ended before that. */
void data_settle(struct oracle *oracle, const struct oracle_device *device, uint64_t oldest);
/* A write is over that older requests are in flight beside. */
void data_settle_later(struct oracle *oracle, const struct oracle_device *device,
                       const struct oracle_request *request);

/* oracle_data_zero.c */
/* Whether zeros in this sector, whose history is given, can be what a discard left there. */
bool data_may_be_zero(const struct oracle *oracle, const struct oracle_device *device,
                      const struct oracle_request *read, uint64_t sector_number,
                      const struct sector *sector, const uint8_t *bytes);
/* Whether any of these units may have become zeros after that moment. */
bool data_zeroed_since(const struct oracle *oracle, const struct oracle_device *device,
                       uint64_t first_512, uint64_t count_512, uint64_t stamp);

/* oracle_data_report.c */
void data_report(struct oracle *oracle, const struct oracle_device *device,
                 const struct oracle_request *request, uint64_t sector, const uint8_t *bytes,
                 const struct sector *history);
/* The same of what is left after a power cut. */
void data_report_lost(struct oracle *oracle, const struct oracle_device *device, uint64_t sector,
                      const uint8_t *bytes, const struct sector *history);

#endif
