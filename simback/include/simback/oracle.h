/* SPDX-License-Identifier: ISC */
/*
 * The oracle: the rules I1 to I21 that must hold at every step. It hears of everything through
 * events (event.h), and of the application's requests with their data through the calls below. It
 * never acts; it keeps what is broken, each with the rule, the request, the device and a sentence.
 */
#ifndef SIMBACK_ORACLE_H
#define SIMBACK_ORACLE_H

#include <simback/event.h>
#include <simback/world.h>

#include <blkfront/blkfront.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Numbers of rules are those of the table: I7 is 7. 0 is none. */
enum { SIMBACK_RULE_NONE = 0, SIMBACK_RULES = 21 };

struct simback_violation {
    uint8_t rule;
    bool should;     /* a SHOULD: counts with --strict only */
    bool looked_for; /* found at rest or at the end, not in the event that was told last */
    uint16_t device;
    uint64_t request; /* of the application; 0: none */
    uint32_t step;    /* of the program, when it happened */
    uint64_t time_ns;
    char text[240]; /* "I7 xvda request 3: sector 8 holds what write 1 wrote, …" */
};

enum { SIMBACK_VIOLATIONS_KEPT = 16 };

/* How many so far (MUST, and with `strict` SHOULD); the first SIMBACK_VIOLATIONS_KEPT are kept. */
uint32_t simback_violations(const struct simback_world *world, bool strict);
/* The same of one rule: its MUST, or its SHOULD. */
uint64_t simback_rule_violations(const struct simback_world *world, uint8_t rule, bool should);
/* The index-th kept one, of all kinds; NULL beyond. In a served world the first of each rule. */
const struct simback_violation *simback_violation(const struct simback_world *world,
                                                  uint32_t index);
/* Somebody else has found one (the runner: I4, I13). */
void simback_violate(struct simback_world *world, uint8_t rule, bool should, uint16_t device,
                     uint64_t request, const char *format, ...)
    __attribute__((format(printf, 6, 7)));
/* How often the rule was put to a test in this run (a rule that was never asked proves nothing). */
uint64_t simback_rule_checks(const struct simback_world *world, uint8_t rule);
/* The rules that are judged in such a world at all, as bits 1 << number. */
uint32_t simback_rules_judged(const struct simback_world *world);
/* One sentence: what the rule says. NULL for an unknown number. */
const char *simback_rule_text(uint8_t rule);

/*
 * I4: at rest (nothing runnable, no timer) a call on the device of that number still waits.
 * FRONTEND: what the call waits for has been published, or its backend is Closed or gone: no
 * progress. BACKEND: a live backend owes the next move, because it holds requests or stands still:
 * the call waits for it.
 */
enum simback_owes { SIMBACK_OWES_FRONTEND, SIMBACK_OWES_BACKEND };
enum simback_owes simback_who_owes(const struct simback_world *world, uint16_t number);

/* ---- what the runner tells (all are events too) ---- */

/* The program's step, for messages. */
void simback_app_step(struct simback_world *world, uint32_t step, uint32_t line);
/* A call on the device begins and ends: inside it the frontend runs. `name` is static text. */
void simback_app_call(struct simback_world *world, uint16_t device, const char *name);
void simback_app_return(struct simback_world *world, uint16_t device, const char *name, int result);
/* Numbers of requests count from 1 in a world. Buffers of a write hold its data now and stay as
 * they are until completion; sector and sectors count sector_size bytes. Call before the subject's
 * submit; if that refuses, simback_app_refused follows. */
void simback_app_submit(struct simback_world *world, uint16_t device, uint16_t queue,
                        uint64_t request, enum blkfront_operation operation, unsigned flags,
                        uint32_t sector_size, uint64_t sector, uint64_t sectors,
                        const struct blkfront_buffer *buffers, size_t buffer_count);
void simback_app_refused(struct simback_world *world, uint64_t request, int result);
/* From the completion function: the buffers of a read hold what was read (I7), once only (I2). */
void simback_app_complete(struct simback_world *world, uint64_t request, int result);
/* The device's state as the frontend tells it, whenever it has changed. */
void simback_app_device(struct simback_world *world, uint16_t device, enum blkfront_state state,
                        int error);
/* What the device, which is connected, says of its disk (I20). */
void simback_app_info(struct simback_world *world, uint16_t device,
                      const struct blkfront_info *info);
/* The device has been released; with `end` the whole program is over and everything is at rest:
 * what must be gone now is looked for (I5, I12, I2: no request left). */
void simback_app_released(struct simback_world *world, uint16_t device);
void simback_app_end(struct simback_world *world);

/* ---- the observer (observed build) ---- */

/* Writes bytes into the page just before load number `nth` (1 = the next) of shared memory that the
 * frontend makes on the given device's ring pages (queue's first page, offset 0 = header). At most
 * 8 may be waiting; -1 beyond. */
int simback_before_load(struct simback_world *world, uint16_t device, uint16_t queue, uint64_t nth,
                        uint32_t offset, const void *bytes, size_t length);
/* Loads and stores seen; 0 in a build without the observer. */
uint64_t simback_accesses(const struct simback_world *world);
/* Of these the bytes that were loaded from pages that are no ring's: what a read has copied. */
uint64_t simback_data_loaded(const struct simback_world *world);

#ifdef __cplusplus
}
#endif

#endif
