/* SPDX-License-Identifier: ISC */
/*
 * What our blkif.h and Xen's headers must agree on, one line each, for the ABI that is compiled
 * for. Whoever includes it says what SAME means: test_wire.c compares at run time, wire_32.c at
 * compile time. No include guard: it is a table.
 */

#if defined(__i386__)
#define OURS(name)   struct blkif_wire_##name##_32
#define OUR_SLOT     BLKIF_WIRE_SLOT_32
#define OUR_SLOTS    32
#define OUR_ABI_NAME BLKIF_WIRE_PROTOCOL_32
#else
#define OURS(name)   struct blkif_wire_##name##_64
#define OUR_SLOT     BLKIF_WIRE_SLOT_64
#define OUR_SLOTS    32
#define OUR_ABI_NAME BLKIF_WIRE_PROTOCOL_64
#endif

#define SAME_MEMBER(ours, our_member, theirs, their_member)           \
    SAME(offsetof(ours, our_member), offsetof(theirs, their_member)); \
    SAME(sizeof(((ours *)0)->our_member), sizeof(((theirs *)0)->their_member))

/* Operations, statuses, bits, limits. */
SAME(BLKIF_WIRE_READ, BLKIF_OP_READ);
SAME(BLKIF_WIRE_WRITE, BLKIF_OP_WRITE);
SAME(BLKIF_WIRE_WRITE_BARRIER, BLKIF_OP_WRITE_BARRIER);
SAME(BLKIF_WIRE_FLUSH_DISKCACHE, BLKIF_OP_FLUSH_DISKCACHE);
SAME(BLKIF_WIRE_RESERVED_1, BLKIF_OP_RESERVED_1);
SAME(BLKIF_WIRE_DISCARD, BLKIF_OP_DISCARD);
SAME(BLKIF_WIRE_INDIRECT, BLKIF_OP_INDIRECT);
SAME(BLKIF_WIRE_OKAY, BLKIF_RSP_OKAY);
SAME(BLKIF_WIRE_ERROR, BLKIF_RSP_ERROR);
SAME(BLKIF_WIRE_EOPNOTSUPP, BLKIF_RSP_EOPNOTSUPP);
SAME(BLKIF_WIRE_INFO_CDROM, VDISK_CDROM);
SAME(BLKIF_WIRE_INFO_REMOVABLE, VDISK_REMOVABLE);
SAME(BLKIF_WIRE_INFO_READONLY, VDISK_READONLY);
SAME(BLKIF_WIRE_DISCARD_SECURE, BLKIF_DISCARD_SECURE);
SAME(BLKIF_WIRE_SEGMENTS, BLKIF_MAX_SEGMENTS_PER_REQUEST);
SAME(BLKIF_WIRE_INDIRECT_PAGES, BLKIF_MAX_INDIRECT_PAGES_PER_REQUEST);
SAME(BLKIF_WIRE_SEGMENTS_PER_PAGE, BLKIF_WIRE_PAGE_SIZE / sizeof(struct blkif_request_segment));
SAME(BLKIF_WIRE_SEGMENTS_MAX, BLKIF_WIRE_SEGMENTS_PER_PAGE *BLKIF_WIRE_INDIRECT_PAGES);
SAME(BLKIF_WIRE_UNITS_PER_PAGE, BLKIF_WIRE_PAGE_SIZE / BLKIF_WIRE_UNIT);

/* States of xenbus. */
SAME(BLKIF_WIRE_UNKNOWN, XenbusStateUnknown);
SAME(BLKIF_WIRE_INITIALISING, XenbusStateInitialising);
SAME(BLKIF_WIRE_INIT_WAIT, XenbusStateInitWait);
SAME(BLKIF_WIRE_INITIALISED, XenbusStateInitialised);
SAME(BLKIF_WIRE_CONNECTED, XenbusStateConnected);
SAME(BLKIF_WIRE_CLOSING, XenbusStateClosing);
SAME(BLKIF_WIRE_CLOSED, XenbusStateClosed);
SAME(BLKIF_WIRE_RECONFIGURING, XenbusStateReconfiguring);
SAME(BLKIF_WIRE_RECONFIGURED, XenbusStateReconfigured);

/* Segments, also of indirect pages. */
SAME(sizeof(struct blkif_wire_segment), sizeof(struct blkif_request_segment));
SAME_MEMBER(struct blkif_wire_segment, grant_ref, struct blkif_request_segment, gref);
SAME_MEMBER(struct blkif_wire_segment, first_512, struct blkif_request_segment, first_sect);
SAME_MEMBER(struct blkif_wire_segment, last_512, struct blkif_request_segment, last_sect);

/* Requests. */
SAME(sizeof(OURS(request)), sizeof(struct blkif_request));
SAME_MEMBER(OURS(request), operation, struct blkif_request, operation);
SAME_MEMBER(OURS(request), segment_count, struct blkif_request, nr_segments);
SAME_MEMBER(OURS(request), handle, struct blkif_request, handle);
SAME_MEMBER(OURS(request), id, struct blkif_request, id);
SAME_MEMBER(OURS(request), sector_512, struct blkif_request, sector_number);
SAME_MEMBER(OURS(request), segments, struct blkif_request, seg);

SAME(sizeof(OURS(discard)), sizeof(struct blkif_request_discard));
SAME_MEMBER(OURS(discard), operation, struct blkif_request_discard, operation);
SAME_MEMBER(OURS(discard), flag, struct blkif_request_discard, flag);
SAME_MEMBER(OURS(discard), handle, struct blkif_request_discard, handle);
SAME_MEMBER(OURS(discard), id, struct blkif_request_discard, id);
SAME_MEMBER(OURS(discard), sector_512, struct blkif_request_discard, sector_number);
SAME_MEMBER(OURS(discard), count_512, struct blkif_request_discard, nr_sectors);

SAME(sizeof(OURS(indirect)), sizeof(struct blkif_request_indirect));
SAME_MEMBER(OURS(indirect), operation, struct blkif_request_indirect, operation);
SAME_MEMBER(OURS(indirect), indirect_operation, struct blkif_request_indirect, indirect_op);
SAME_MEMBER(OURS(indirect), segment_count, struct blkif_request_indirect, nr_segments);
SAME_MEMBER(OURS(indirect), id, struct blkif_request_indirect, id);
SAME_MEMBER(OURS(indirect), sector_512, struct blkif_request_indirect, sector_number);
SAME_MEMBER(OURS(indirect), handle, struct blkif_request_indirect, handle);
SAME_MEMBER(OURS(indirect), page_grant_refs, struct blkif_request_indirect, indirect_grefs);

/* Responses. */
SAME(sizeof(OURS(response)), sizeof(struct blkif_response));
SAME_MEMBER(OURS(response), id, struct blkif_response, id);
SAME_MEMBER(OURS(response), operation, struct blkif_response, operation);
SAME_MEMBER(OURS(response), status, struct blkif_response, status);

/* The ring. */
SAME(BLKIF_WIRE_RING_HEADER, offsetof(struct blkif_sring, ring));
SAME(OUR_SLOT, sizeof(union blkif_sring_entry));
SAME(OUR_SLOTS, __CONST_RING_SIZE(blkif, BLKIF_WIRE_PAGE_SIZE));
SAME_MEMBER(struct blkif_wire_ring_header, req_prod, struct blkif_sring, req_prod);
SAME_MEMBER(struct blkif_wire_ring_header, req_event, struct blkif_sring, req_event);
SAME_MEMBER(struct blkif_wire_ring_header, rsp_prod, struct blkif_sring, rsp_prod);
SAME_MEMBER(struct blkif_wire_ring_header, rsp_event, struct blkif_sring, rsp_event);
SAME(sizeof(OUR_ABI_NAME), sizeof(XEN_IO_PROTO_ABI_NATIVE));
