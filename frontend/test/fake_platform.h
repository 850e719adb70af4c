/* SPDX-License-Identifier: ISC */
/*
 * A platform for the unit tests of the data path: arrays for grants and ports, nothing behind them.
 * Any call can be made to fail, a page can be kept busy, and both kinds of platform can be played.
 * What is left over at the end of a test is a leak.
 */
#ifndef BLKFRONT_TEST_FAKE_PLATFORM_H
#define BLKFRONT_TEST_FAKE_PLATFORM_H

#include <blkfront/platform.h>

enum { FAKE_REFS = 8192, FAKE_BLOCKS = 64, FAKE_PAGE = 4096 };

struct fake_ref {
    unsigned char *page; /* NULL: free */
    uint16_t domid;
    bool writable;
    bool by_share;
    bool busy; /* the backend keeps it */
};

struct fake_block {
    unsigned char *address;
    uint32_t pages;
    bool shared;
};

struct fake_platform {
    struct blkfront_platform platform;
    struct fake_ref refs[FAKE_REFS];
    struct fake_block blocks[FAKE_BLOCKS];
    uint32_t refs_limit; /* grants beyond it: NO_MEMORY; 0: all */
    uint32_t refs_used;
    uint32_t first_ref; /* where the search for a free one begins: references are not reused soon */
    bool all_busy;      /* every revoke and unshare answers BUSY */
    bool deferred;      /* unshare answers DEFERRED, as gntalloc does */
    long allocated;     /* bytes */
    long allocations;   /* live */
    long pages_live;    /* of page_allocate and share */
    int sets;           /* open channel sets */
    int ports;          /* open ports */
    bool pending;
    bool masked;
    uint64_t now;
    unsigned calls;   /* fallible calls made so far */
    unsigned fail_at; /* this one fails, counted from 1; 0: none */
    bool fail_on;     /* and all after it */
    unsigned failed;  /* how many did */
    unsigned shares, grants, expects, revokes, notifies, unmasks, wakes;
    int mistakes; /* calls that no correct frontend makes */
};

/* `capabilities`: GRANTS_ANY_PAGE or not. */
void fake_platform_init(struct fake_platform *fake, uint32_t capabilities);
/* Counts from here; `nth` 0 switches failing off. */
void fake_fail(struct fake_platform *fake, unsigned nth, bool on);
/* What is still there: blocks, grants, sets, ports, allocations. 0 is what every test ends with. */
long fake_left(const struct fake_platform *fake);
/* The page behind a grant; NULL if there is none or `write` is not allowed. */
unsigned char *fake_map(struct fake_platform *fake, uint32_t ref, bool write);
/* The backend keeps this page, or lets it go. */
void fake_hold(struct fake_platform *fake, uint32_t ref, bool busy);

#endif
