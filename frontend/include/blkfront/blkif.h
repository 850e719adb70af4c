/* SPDX-License-Identifier: ISC */
/*
 * The wire between a block frontend and a block backend: what lies in the shared ring, in indirect
 * pages and in XenStore. Numbers, sizes and names alone; both sides of simblk build on this file
 * and share nothing else of the protocol.
 *
 * Source: Xen's public headers io/blkif.h, io/ring.h, io/xenbus.h and io/protocols.h. A test
 * compares every value with them. The names differ from Xen's on purpose, so that a program may
 * include both.
 *
 * All units on the wire are 512 bytes, whatever sector-size says (xen.git 221f2748e8); such names
 * end in _512.
 */
#ifndef BLKFRONT_BLKIF_H
#define BLKFRONT_BLKIF_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
#define BLKIF_STATIC_ASSERT static_assert
extern "C" {
#else
#define BLKIF_STATIC_ASSERT _Static_assert
#endif

/* Operations of a request and of its response (blkif.h, "REQUEST CODES"). */
enum blkif_wire_op {
    BLKIF_WIRE_READ = 0,
    BLKIF_WIRE_WRITE = 1,
    BLKIF_WIRE_WRITE_BARRIER = 2,   /* ordering: drain, flush, write */
    BLKIF_WIRE_FLUSH_DISKCACHE = 3, /* no data */
    BLKIF_WIRE_RESERVED_1 = 4,      /* once a vendor's packet command: never sent */
    BLKIF_WIRE_DISCARD = 5,
    BLKIF_WIRE_INDIRECT = 6
};

/* Statuses of a response (blkif.h, "STATUS RETURN CODES"). Any other value is an error too (I8). */
enum blkif_wire_status { BLKIF_WIRE_OKAY = 0, BLKIF_WIRE_ERROR = -1, BLKIF_WIRE_EOPNOTSUPP = -2 };

/* Bits of the backend node "info". */
enum blkif_wire_info {
    BLKIF_WIRE_INFO_CDROM = 1,
    BLKIF_WIRE_INFO_REMOVABLE = 2,
    BLKIF_WIRE_INFO_READONLY = 4
};

/* xenbus states (xenbus.h). */
enum blkif_wire_state {
    BLKIF_WIRE_UNKNOWN = 0, /* also: the node is not there */
    BLKIF_WIRE_INITIALISING = 1,
    BLKIF_WIRE_INIT_WAIT = 2,
    BLKIF_WIRE_INITIALISED = 3,
    BLKIF_WIRE_CONNECTED = 4,
    BLKIF_WIRE_CLOSING = 5,
    BLKIF_WIRE_CLOSED = 6,
    BLKIF_WIRE_RECONFIGURING = 7,
    BLKIF_WIRE_RECONFIGURED = 8
};

enum {
    BLKIF_WIRE_PAGE_SIZE = 4096,
    BLKIF_WIRE_UNIT = 512,         /* bytes of one unit of sector numbers and of capacity */
    BLKIF_WIRE_UNITS_PER_PAGE = 8, /* a segment covers first..last of these */
    BLKIF_WIRE_SEGMENTS = 11,      /* of a direct request */
    BLKIF_WIRE_INDIRECT_PAGES = 8, /* of an indirect request */
    BLKIF_WIRE_SEGMENTS_PER_PAGE = 512,
    BLKIF_WIRE_SEGMENTS_MAX = 4096, /* BLKIF_WIRE_INDIRECT_PAGES * BLKIF_WIRE_SEGMENTS_PER_PAGE */
    BLKIF_WIRE_RING_ORDER_MAX = 4,  /* what backends of the field offer at most */
    BLKIF_WIRE_DISCARD_SECURE = 1   /* bit of a discard's flag */
};

/* One piece of data: units first..last (both included) of one granted page. Also the entry of an
 * indirect page. */
struct blkif_wire_segment {
    uint32_t grant_ref;
    uint8_t first_512;
    uint8_t last_512;
    uint16_t padding;
};

/*
 * The native ABI of x86_64 (also of arm64): "x86_64-abi". The padding is spelt out, because all of
 * a slot's bytes are seen by the other side and must be zero where they mean nothing (I6, I19).
 */
struct blkif_wire_request_64 {
    uint8_t operation;
    uint8_t segment_count;
    uint16_t handle; /* low bits of the device number; backends must not rely on it */
    uint32_t padding;
    uint64_t id;
    uint64_t sector_512;
    struct blkif_wire_segment segments[BLKIF_WIRE_SEGMENTS];
};

struct blkif_wire_discard_64 {
    uint8_t operation;
    uint8_t flag; /* lies over segment_count */
    uint16_t handle;
    uint32_t padding;
    uint64_t id;
    uint64_t sector_512;
    uint64_t count_512;
};

struct blkif_wire_indirect_64 {
    uint8_t operation;
    uint8_t indirect_operation; /* lies over segment_count */
    uint16_t segment_count;     /* lies over handle */
    uint32_t padding;
    uint64_t id;
    uint64_t sector_512;
    uint16_t handle;
    uint16_t padding_2;
    uint32_t page_grant_refs[BLKIF_WIRE_INDIRECT_PAGES];
    uint32_t padding_3;
};

struct blkif_wire_response_64 {
    uint64_t id;
    uint8_t operation;
    uint8_t padding;
    int16_t status;
    uint32_t padding_2;
};

/* The ABI of i386, "x86_32-abi": 64-bit fields are aligned to 4 bytes. */
#define BLKIF_WIRE_ABI_32 __attribute__((packed, aligned(4)))

struct BLKIF_WIRE_ABI_32 blkif_wire_request_32 {
    uint8_t operation;
    uint8_t segment_count;
    uint16_t handle;
    uint64_t id;
    uint64_t sector_512;
    struct blkif_wire_segment segments[BLKIF_WIRE_SEGMENTS];
};

struct BLKIF_WIRE_ABI_32 blkif_wire_discard_32 {
    uint8_t operation;
    uint8_t flag;
    uint16_t handle;
    uint64_t id;
    uint64_t sector_512;
    uint64_t count_512;
};

struct BLKIF_WIRE_ABI_32 blkif_wire_indirect_32 {
    uint8_t operation;
    uint8_t indirect_operation;
    uint16_t segment_count;
    uint64_t id;
    uint64_t sector_512;
    uint16_t handle;
    uint16_t padding;
    uint32_t page_grant_refs[BLKIF_WIRE_INDIRECT_PAGES];
    uint64_t padding_2;
};

struct BLKIF_WIRE_ABI_32 blkif_wire_response_32 {
    uint64_t id;
    uint8_t operation;
    uint8_t padding;
    int16_t status;
};

/* The head of the first ring page (ring.h, DEFINE_RING_TYPES). The slots follow it at once, across
 * all pages of the ring. */
struct blkif_wire_ring_header {
    uint32_t req_prod;
    uint32_t req_event;
    uint32_t rsp_prod;
    uint32_t rsp_event;
    uint8_t padding[48];
};

enum {
    BLKIF_WIRE_RING_HEADER = 64, /* bytes before the first slot */
    BLKIF_WIRE_SLOT_64 = 112,
    BLKIF_WIRE_SLOT_32 = 108
};

#define BLKIF_WIRE_SIZE(type, size) \
    BLKIF_STATIC_ASSERT(sizeof(struct type) == (size), #type ": size")
#define BLKIF_WIRE_OFFSET(type, member, offset) \
    BLKIF_STATIC_ASSERT(offsetof(struct type, member) == (offset), #type "." #member ": offset")

BLKIF_WIRE_SIZE(blkif_wire_segment, 8);
BLKIF_WIRE_SIZE(blkif_wire_ring_header, BLKIF_WIRE_RING_HEADER);
BLKIF_WIRE_SIZE(blkif_wire_request_64, BLKIF_WIRE_SLOT_64);
BLKIF_WIRE_SIZE(blkif_wire_discard_64, 32);
BLKIF_WIRE_SIZE(blkif_wire_indirect_64, 64);
BLKIF_WIRE_SIZE(blkif_wire_response_64, 16);
BLKIF_WIRE_SIZE(blkif_wire_request_32, BLKIF_WIRE_SLOT_32);
BLKIF_WIRE_SIZE(blkif_wire_discard_32, 28);
BLKIF_WIRE_SIZE(blkif_wire_indirect_32, 64);
BLKIF_WIRE_SIZE(blkif_wire_response_32, 12);
BLKIF_WIRE_OFFSET(blkif_wire_request_64, id, 8);
BLKIF_WIRE_OFFSET(blkif_wire_request_64, sector_512, 16);
BLKIF_WIRE_OFFSET(blkif_wire_request_64, segments, 24);
BLKIF_WIRE_OFFSET(blkif_wire_discard_64, count_512, 24);
BLKIF_WIRE_OFFSET(blkif_wire_indirect_64, handle, 24);
BLKIF_WIRE_OFFSET(blkif_wire_indirect_64, page_grant_refs, 28);
BLKIF_WIRE_OFFSET(blkif_wire_response_64, operation, 8);
BLKIF_WIRE_OFFSET(blkif_wire_response_64, status, 10);
BLKIF_WIRE_OFFSET(blkif_wire_request_32, id, 4);
BLKIF_WIRE_OFFSET(blkif_wire_request_32, sector_512, 12);
BLKIF_WIRE_OFFSET(blkif_wire_request_32, segments, 20);
BLKIF_WIRE_OFFSET(blkif_wire_discard_32, count_512, 20);
BLKIF_WIRE_OFFSET(blkif_wire_indirect_32, handle, 20);
BLKIF_WIRE_OFFSET(blkif_wire_indirect_32, page_grant_refs, 24);
BLKIF_WIRE_OFFSET(blkif_wire_response_32, operation, 8);
BLKIF_WIRE_OFFSET(blkif_wire_response_32, status, 10);

/* Values of the frontend node "protocol" (protocols.h). */
#define BLKIF_WIRE_PROTOCOL_64 "x86_64-abi"
#define BLKIF_WIRE_PROTOCOL_32 "x86_32-abi"

/* Names of XenStore nodes (blkif.h, "Backend XenBus Nodes", "Frontend XenBus Nodes";
 * xen-vbd-interface(7)). */
#define BLKIF_NODE_STATE "state"

#define BLKIF_NODE_FEATURE_BARRIER               "feature-barrier"
#define BLKIF_NODE_FEATURE_FLUSH_CACHE           "feature-flush-cache"
#define BLKIF_NODE_FEATURE_DISCARD               "feature-discard"
#define BLKIF_NODE_FEATURE_PERSISTENT            "feature-persistent"
#define BLKIF_NODE_FEATURE_MAX_INDIRECT_SEGMENTS "feature-max-indirect-segments"
#define BLKIF_NODE_FEATURE_LARGE_SECTOR_SIZE     "feature-large-sector-size"
#define BLKIF_NODE_MAX_RING_PAGE_ORDER           "max-ring-page-order"
#define BLKIF_NODE_MAX_RING_PAGES                "max-ring-pages"
#define BLKIF_NODE_MULTI_QUEUE_MAX_QUEUES        "multi-queue-max-queues"
#define BLKIF_NODE_DISCARD_ALIGNMENT             "discard-alignment"
#define BLKIF_NODE_DISCARD_GRANULARITY           "discard-granularity"
#define BLKIF_NODE_DISCARD_SECURE                "discard-secure"
#define BLKIF_NODE_DISCARD_ENABLE                "discard-enable"
#define BLKIF_NODE_INFO                          "info"
#define BLKIF_NODE_SECTOR_SIZE                   "sector-size"
#define BLKIF_NODE_PHYSICAL_SECTOR_SIZE          "physical-sector-size"
#define BLKIF_NODE_SECTORS                       "sectors"
#define BLKIF_NODE_MODE                          "mode"
#define BLKIF_NODE_PARAMS                        "params"
#define BLKIF_NODE_TYPE                          "type"
#define BLKIF_NODE_DEV                           "dev"
#define BLKIF_NODE_ONLINE                        "online"
#define BLKIF_NODE_REMOVABLE                     "removable"
#define BLKIF_NODE_FRONTEND                      "frontend"
#define BLKIF_NODE_FRONTEND_ID                   "frontend-id"
#define BLKIF_NODE_HOTPLUG_STATUS                "hotplug-status"

#define BLKIF_NODE_BACKEND        "backend"
#define BLKIF_NODE_BACKEND_ID     "backend-id"
#define BLKIF_NODE_VIRTUAL_DEVICE "virtual-device"
#define BLKIF_NODE_DEVICE_TYPE    "device-type"
#define BLKIF_NODE_TRUSTED        "trusted"

#define BLKIF_NODE_EVENT_CHANNEL          "event-channel"
#define BLKIF_NODE_RING_REF               "ring-ref"
#define BLKIF_NODE_RING_PAGE_ORDER        "ring-page-order"
#define BLKIF_NODE_NUM_RING_PAGES         "num-ring-pages"
#define BLKIF_NODE_MULTI_QUEUE_NUM_QUEUES "multi-queue-num-queues"
#define BLKIF_NODE_QUEUE                  "queue-"
#define BLKIF_NODE_PROTOCOL               "protocol"
#define BLKIF_NODE_ERROR                  "error"

#ifdef __cplusplus
}
#endif

#endif
