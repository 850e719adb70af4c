/* SPDX-License-Identifier: ISC */
/*
 * A frontend that does exactly what a test tells it, against the real simulated Xen and backend,
 * and the application above it: so that each rule of the oracle can be broken and just not be
 * broken. It is no frontend to learn from: it checks nothing.
 */
#ifndef SIMBACK_TEST_PUPPET_H
#define SIMBACK_TEST_PUPPET_H

#include <simback/backend.h>
#include <simback/oracle.h>
#include <simback/world.h>
#include <simback/xen.h>

#include <blkfront/observe.h>

enum { PUPPET_SECTORS = 2048, PUPPET_PAGES = 4, PUPPET_RING_PAGES = 4 };

struct puppet {
    struct simback_world *world;
    struct simback_backend *backend;
    const struct blkfront_platform *platform;
    void *context;
    const struct simback_world_options *options; /* of the world; NULL: the defaults */
    const char *dialect;                         /* NULL: linux */
    bool observed;                               /* accesses are announced */
    bool abi_32;
    bool discard;     /* the backend offers it */
    uint32_t start;   /* first index of the ring */
    uint32_t order;   /* of the ring */
    int32_t segments; /* feature-max-indirect-segments; 0: the dialect's */
    bool mode_read_only;
    uint32_t sector_size;

    uint8_t *ring;
    uint32_t ring_refs[PUPPET_RING_PAGES];
    uint32_t req_prod, rsp_cons;
    struct blkfront_channel_set *channels;
    uint32_t port;
    blkfront_transaction transaction; /* in which nodes are written; 0: none */
    struct blkfront_watch_set *watches;

    uint8_t *data[PUPPET_PAGES]; /* two writable for the backend, two not */
    uint32_t refs[PUPPET_PAGES];
};

/* A world with a backend `linux` as device 0, xvda; nothing is connected. */
void puppet_begin(struct puppet *puppet);
void puppet_end(struct puppet *puppet);
void puppet_run(struct puppet *puppet); /* the world, to rest */
/* The puppet's step is over. */
void puppet_step(struct puppet *puppet);

/* ---- handshake, each by itself ---- */

void puppet_open(struct puppet *puppet);        /* watches, shares, a port */
void puppet_write_nodes(struct puppet *puppet); /* all but the state */
void puppet_publish(struct puppet *puppet, const char *state);
int puppet_read_back(struct puppet *puppet, const char *node); /* its value; -1: absent */
void puppet_write(struct puppet *puppet, const char *node, const char *value);
void puppet_remove(struct puppet *puppet, const char *node);
void puppet_connect(struct puppet *puppet); /* all of it, as it should be */
/* As after a backend that closed: all is taken down, and the device connects again with what its
 * application still waits for. Nothing may be mapped that is held. */
void puppet_reconnect(struct puppet *puppet);
/* 5, 6, nodes, port, watches, grants, each as it should be; then released and over. */
void puppet_close(struct puppet *puppet);
void puppet_disconnect(struct puppet *puppet); /* 5, 6 and what the backend does */
void puppet_close_port(struct puppet *puppet);
void puppet_close_watches(struct puppet *puppet);
void puppet_remove_nodes(struct puppet *puppet);
void puppet_end_grants(struct puppet *puppet);
void puppet_released(struct puppet *puppet);

/* ---- ring ---- */

struct puppet_request {
    uint8_t op;
    uint64_t id;
    uint64_t sector_512;
    uint32_t page; /* of data */
    uint8_t first, last;
    uint8_t segments; /* so many alike; default 1; 255: none */
};

void puppet_put(struct puppet *puppet, const struct puppet_request *request);
/* A slot with any bytes. */
void puppet_put_slot(struct puppet *puppet, const void *slot, size_t size);
/* Stores req_prod, looks at req_event and notifies if asked. */
void puppet_push(struct puppet *puppet);
void puppet_push_quietly(struct puppet *puppet); /* never notifies */
void puppet_notify(struct puppet *puppet);
/* One request of one unit-aligned run of at most 8 units, pushed: its step is over. */
void puppet_send(struct puppet *puppet, uint8_t op, uint64_t id, uint64_t sector_512,
                 uint32_t units, uint32_t page);
/* Takes all responses in the way the rules want; false if one has another status than OKAY. */
bool puppet_take(struct puppet *puppet);
uint32_t puppet_word(const struct puppet *puppet, unsigned word);
void puppet_set_word(struct puppet *puppet, unsigned word, uint32_t value);
uint8_t *puppet_slot(const struct puppet *puppet, uint32_t index);
/* As a backend would that is not told to be hostile: a response at rsp_prod, which moves on. */
void puppet_forge(struct puppet *puppet, uint64_t id, uint8_t op, int16_t status);
uint32_t puppet_load32(struct puppet *puppet, const void *address);

/* ---- the application ---- */

void puppet_submit(struct puppet *puppet, uint64_t number, enum blkfront_operation operation,
                   uint64_t sector, uint64_t sectors, void *bytes);
/* The same with flags, on queue 0. */
void puppet_submit_flagged(struct puppet *puppet, uint64_t number,
                           enum blkfront_operation operation, unsigned flags, uint64_t sector,
                           uint64_t sectors, void *bytes);
void puppet_complete(struct puppet *puppet, uint64_t number, int result);
void puppet_app_state(struct puppet *puppet, enum blkfront_state state);

/* ---- what the oracle says ---- */

/* That no rule is broken, SHOULD included. */
void puppet_expect_none(const struct puppet *puppet);
/* That this rule alone is, once, and that the sentence contains the text. */
void puppet_expect(const struct puppet *puppet, uint8_t rule, bool should, const char *text);
/* That the index-th sentence, from 0, is of this rule and contains the text. */
void puppet_expect_nth(const struct puppet *puppet, uint32_t index, uint8_t rule, const char *text);

#endif
