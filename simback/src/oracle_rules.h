/* SPDX-License-Identifier: ISC */
/*
 * What each rule's file does for the dispatcher and for the others, rule by rule. It belongs to
 * oracle_internal.h, which has the shapes, and is included there.
 */
#ifndef SIMBACK_SRC_ORACLE_RULES_H
#define SIMBACK_SRC_ORACLE_RULES_H

#include "oracle_internal.h"

/* I2 */
void correlation_attach(struct oracle *oracle, struct oracle_device *device,
                        struct oracle_ring *ring);
/* This response may be taken yet, or its request issued again. */
void correlation_late(struct oracle *oracle, struct oracle_device *device, struct oracle_ring *ring,
                      const struct oracle_response *response);
void correlation_power_cut(const struct oracle *oracle, const struct oracle_device *device);
void correlation_detach(struct oracle *oracle, struct oracle_device *device,
                        struct oracle_ring *ring);
void correlation_put(struct oracle_put *put);
/* The frontend's step is over. */
void correlation_step(struct oracle_ring *ring);
/* That it belongs to a request of the application; where its units make sense, not before. */
void correlation_judge(const struct oracle_put *put);
void correlation_response(struct oracle *oracle, struct oracle_device *device,
                          struct oracle_ring *ring, const struct oracle_response *response);
/* The request is over: false if this is not its first end. */
bool correlation_may_go_unseen(const struct oracle *oracle, const struct oracle_device *device,
                               const struct oracle_request *request);
void correlation_complete(struct oracle *oracle, struct oracle_device *device,
                          struct oracle_request *request, int result);
void correlation_forget(struct oracle *oracle, struct oracle_device *device,
                        struct oracle_request *request);
/* The frontend has read of a size, or of a disk that cannot be written. */
void correlation_disk_changed(struct oracle_device *device);
void correlation_end(struct oracle *oracle, struct oracle_device *device);
struct oracle_part *correlation_find(const struct oracle_ring *ring, uint64_t id);
/* Is there a ring request that it answers? */
bool correlation_answers(const struct oracle_ring *ring, const struct oracle_response *response);

/* The ring ends: what is published and not booked is told to correlation_late. */
void answers_late(struct oracle *oracle, struct oracle_device *device, struct oracle_ring *ring);
void answers_attach(struct oracle_ring *ring);
void answers_told(struct oracle_ring *ring, uint32_t index, const struct oracle_response *response);
void answers_changed(struct oracle_ring *ring);
void answers_loaded(struct oracle *oracle, struct oracle_device *device, struct oracle_ring *ring,
                    uint32_t index, uint32_t first, uint32_t count);
/* A new request, or a completion: what is published has been read. */
void answers_passed(struct oracle *oracle, struct oracle_device *device);
void answers_taken(struct oracle *oracle, struct oracle_device *device);
void answers_event_moved(struct oracle *oracle, struct oracle_device *device,
                         struct oracle_ring *ring, uint32_t rsp_event);

/* I3, I18 */
void indices_moved(struct oracle *oracle, struct oracle_device *device, struct oracle_ring *ring,
                   enum simback_ring_word word, uint32_t value, uint32_t old);
void indices_loaded(const struct oracle *oracle, struct oracle_ring *ring, uint32_t rsp_prod);
void indices_step(struct oracle *oracle, const struct oracle_device *device,
                  struct oracle_ring *ring);
void indices_seen(struct oracle *oracle, struct oracle_device *device, uint32_t port);
void indices_end(struct oracle *oracle, struct oracle_device *device);

/* I4: `disconnect` is called; the frontend's or the backend's state is 6 to it; something that it
 * has tried has failed; the guest is suspended or resumed; the device has come to its end. */
void progress_disconnect(const struct oracle *oracle, struct oracle_device *device);
void progress_closed(const struct oracle *oracle, struct oracle_device *device);
void progress_hindered(const struct oracle *oracle, struct oracle_device *device);
void progress_suspended(struct oracle *oracle);
void progress_over(struct oracle *oracle, const struct oracle_device *device);

/* I5 */
bool grants_create(struct oracle *oracle);
/* The domain goes on under another number: what it has not ended is its own still. */
void grants_resumed(struct oracle *oracle, uint16_t old, uint16_t domid);
void grants_event(struct oracle *oracle, const struct simback_event *event,
                  struct oracle_device *device);
void grants_put(struct oracle_put *put);
void grants_released(struct oracle *oracle, struct oracle_device *device);
void grants_end(struct oracle *oracle);

/* I6 */
bool confinement_create(struct oracle *oracle);
void confinement_event(struct oracle *oracle, const struct simback_event *event);
void confinement_attach(struct oracle *oracle, struct oracle_device *device,
                        const struct oracle_ring *ring);
void confinement_put(struct oracle_put *put);

/* I7 */
bool data_create(struct oracle *oracle);
void data_submit(struct oracle *oracle, struct oracle_device *device,
                 struct oracle_request *request);
void data_refused(struct oracle *oracle, struct oracle_device *device,
                  struct oracle_request *request);
void data_complete(struct oracle *oracle, struct oracle_device *device,
                   struct oracle_request *request, int result);
/* Units whose content is not judged: a fault that the scenario has declared touches them. */
void data_exempt(struct oracle_device *device, uint64_t first_512, uint64_t last_512);
/* A discard from its submit to its end; the disk is cut off at this unit; the power was cut. */
void data_discard_begins(struct oracle *oracle, const struct oracle_device *device,
                         const struct oracle_request *request);
void data_discard_ends(struct oracle *oracle, const struct oracle_request *request, bool refused,
                       int result);
void data_shrunk(struct oracle *oracle, const struct oracle_device *device, uint64_t from_512);
void data_power_cut(struct oracle *oracle, struct oracle_device *device);
/* Its backend serves from now on. */
void data_back_connected(struct oracle *oracle, struct oracle_device *device);
/* These units of a write were answered before the power was cut. */
void data_lost(struct oracle *oracle, const struct oracle_device *device,
               const struct oracle_request *request, uint64_t first_512, uint64_t count_512,
               bool may_come_again);
/* The connection can carry out nothing any more. */
void data_dead(struct oracle *oracle, struct oracle_device *device);
/* The backend begins anew, and finds the device's rings. */
void data_taken_again(struct oracle *oracle, struct oracle_device *device);

/* I20 */
bool told_is_sector_size(uint64_t value);
void told_read(struct oracle_device *device, const char *node, const struct simback_event *event);
void told_info_read(struct oracle_device *device, uint64_t value, bool may_be_none);
void told_step(struct oracle_device *device);
/* What another backend may offer has to be read again. */
void told_forget(struct oracle_device *device);
void told_info(struct oracle *oracle, struct oracle_device *device,
               const struct blkfront_info *info);

/* I16 */
void durability_complete(struct oracle *oracle, struct oracle_device *device,
                         const struct oracle_request *request, int result);
/* Before data_power_cut forgets what was. */
void durability_power_cut(struct oracle *oracle, struct oracle_device *device);
/* A fault answers OKAY without doing what it was asked for. */
void durability_pretended(struct oracle_device *device, const struct oracle_part *part);

/* I8 */
void status_put(struct oracle_put *put);
void status_response(struct oracle *oracle, struct oracle_device *device,
                     struct oracle_request *request, const struct oracle_part *part,
                     int16_t status);
void status_unimplemented(struct oracle *oracle, const struct oracle_device *device,
                          const struct oracle_request *request);
void status_complete(struct oracle *oracle, struct oracle_device *device,
                     const struct oracle_request *request, int result);

/* I9; false if something is wrong. */
bool units_put(struct oracle_put *put);
/* The extents that can be discarded, in units: their size, and where the first begins. */
uint64_t units_of_extent(const struct oracle_device *device, uint64_t *begin_512);
/* What of a discard is whole extents, by what the frontend knows of them now. */
void units_round(const struct oracle_device *device, uint64_t *first_512, uint64_t *count_512);
/* What the frontend has been told of them in its step may have made its discards less. */
void units_step(struct oracle_device *device);

/* I10 */
void negotiation_store(const struct oracle *oracle, struct oracle_device *device,
                       const struct simback_event *event, const char *rest);
void negotiation_watch(const struct oracle *oracle, struct oracle_device *device,
                       const struct simback_event *event);
/* One of its backend's nodes was read. */
void negotiation_back_read(struct oracle_device *device, const struct simback_event *event,
                           const char *rest);
/* What was read of offers is no more. */
void negotiation_begins(struct oracle_device *device);
void negotiation_transaction(struct oracle *oracle, const struct simback_event *event);
/* The state that says so has been written, in this transaction or in none. */
void negotiation_published(struct oracle *oracle, struct oracle_device *device,
                           uint32_t transaction);

/* I11 */
void states_store(struct oracle *oracle, const struct simback_event *event,
                  struct oracle_device *device, const char *rest, bool front_path);
void states_changed_by_others(struct oracle_device *device, const struct simback_event *event);
/* The application has connected: a new handle knows nothing of what the last one, which has ended
 * and may not be released yet, was told. */
void states_connecting(struct oracle_device *device);
/* The frontend has given the device back: what it finds at its next connect is not its own. */
void states_released(struct oracle_device *device);
/* The guest has been suspended and resumed. */
void states_resumed(struct oracle_device *device);
void states_transaction(struct oracle *oracle, const struct simback_event *event);
void states_attach(struct oracle *oracle, struct oracle_device *device, struct oracle_ring *ring);
void states_put(struct oracle_put *put);

/* I12 */
/* A node in a frontend's directory that the toolstack makes and removes; "": the directory. */
bool teardown_is_toolstacks(const char *node);
void teardown_event(struct oracle *oracle, const struct simback_event *event,
                    struct oracle_device *device);
void teardown_store_used(struct oracle *oracle, const struct simback_event *event,
                         const struct oracle_device *device);
void teardown_store(struct oracle *oracle, const struct simback_event *event,
                    struct oracle_device *device, const char *rest);
/* The end of a transaction in which it may have removed its nodes. */
void teardown_transaction(struct oracle *oracle, const struct simback_event *event,
                          struct oracle_device *device);
void teardown_complete(struct oracle *oracle, struct oracle_device *device, uint64_t request);
void teardown_final(const struct oracle *oracle, struct oracle_device *device);
void teardown_released(struct oracle *oracle, struct oracle_device *device);
void teardown_end(struct oracle *oracle);
void teardown_written_by_others(struct oracle_device *device, const char *rest);
/* The ring is one of a new connection: the port of the last one is closed by now. */
void teardown_attach(struct oracle *oracle, const struct oracle_device *device,
                     struct oracle_ring *ring);
/* The application has been told that the device has come to its end. */
void teardown_over(struct oracle *oracle, struct oracle_device *device);
/* Ports lead nowhere from now on. */
void teardown_resumed(struct oracle *oracle, const struct oracle_device *device);
/* True if the device is over: then it was no access to a ring. */
bool teardown_access(struct oracle *oracle, struct oracle_device *device,
                     const struct monitor_ring *view);

/* I14 */
void events_loaded(const struct oracle *oracle, struct oracle_ring *ring, uint32_t req_event);
void events_armed(struct oracle_ring *ring);
void events_notify(struct oracle *oracle, struct oracle_device *device,
                   const struct simback_event *event);
void events_announced(struct oracle_ring *ring);
void events_answered(struct oracle_ring *ring, uint32_t rsp_prod, uint32_t old);
void events_step(struct oracle *oracle, struct oracle_device *device, struct oracle_ring *ring);
/* Watch events: one was lost on purpose, one was taken, the frontend's step has ended. */
void events_watch_lost(struct oracle_device *device, const struct simback_event *event);
void events_watch_fired(struct oracle_device *device, const struct simback_event *event);
void events_watches_step(struct oracle *oracle, struct oracle_device *device);

/* I17 */
void read_only_put(struct oracle_put *put);
void read_only_submit(struct oracle *oracle, const struct oracle_device *device,
                      const struct oracle_request *request);

/* I19 */
void honesty_event(struct oracle *oracle, const struct simback_event *event,
                   struct oracle_device *device);
/* The backend reads its frontend's state. */
void honesty_front_read(struct oracle_device *device, const struct simback_event *event);
void honesty_response(struct oracle *oracle, struct oracle_device *device,
                      const struct oracle_ring *ring, struct oracle_part *part,
                      const struct oracle_response *response);
void honesty_moved(struct oracle *oracle, struct oracle_device *device,
                   const struct oracle_ring *ring, enum simback_ring_word word, uint32_t value,
                   uint32_t old);

/* I1 (oracle_loads.c) */
void observe_register(struct simback_world *world);
void observe_unregister(struct simback_world *world);
void loads_attach(struct oracle *oracle, struct oracle_ring *ring);
void loads_step(struct oracle *oracle, struct oracle_device *device);
void loads_store_read(struct oracle *oracle, struct oracle_device *device, const char *rest,
                      const struct simback_event *event);

#endif
