/* SPDX-License-Identifier: ISC */
/*
 * What is different for the oracle where the frontend is a real guest's (oracle_served.c).
 */
#ifndef SIMBACK_SRC_ORACLE_SERVED_H
#define SIMBACK_SRC_ORACLE_SERVED_H

#include "oracle_internal.h"

/* It goes to Connected: what the backend offers it has read by now. */
void served_connected(struct oracle *oracle, struct oracle_device *device);
void served_back_wrote(struct oracle_device *device, const struct simback_event *event,
                       const char *rest);
/* Its state may have been another one since it was told last. */
void served_missed(struct simback_world *world, uint16_t number);
/* Requests up to `req_prod` have lain there for so long, req_event asked for an event, none came.
 */
void served_not_notified(struct simback_world *world, uint16_t number, uint16_t queue,
                         uint32_t req_prod, uint32_t req_event);
/* The backend has closed, and the frontend has had its time for that. */
void served_end(struct simback_world *world, uint16_t number);

/* I8: of a request whose fallback does not show (oracle_status.c). */
void status_served(struct oracle_device *device, const struct oracle_part *part, int16_t status);
/* I12: the device is over, and its nodes alone can be seen (oracle_teardown.c). */
void teardown_served(struct oracle *oracle, const struct oracle_device *device);

#endif
