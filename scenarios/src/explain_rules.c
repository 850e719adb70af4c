/* SPDX-License-Identifier: ISC */
/*
 * Why each rule is there, and the part of Xen's public headers that it follows from. Its sentence
 * is the oracle's (simback_rule_text).
 */
#include "explain.h"

const struct explained_rule explained_rules[SIMBACK_RULES + 1] = {
    [1] = {"The backend can change shared memory between two loads. What was checked and is then "
           "loaded again was not checked; and a compiler may load again what the source says once. "
           "So every value is copied once, then checked, then used.",
           "ring.h: RING_COPY_RESPONSE, which exists because of XSA-155; \"single read\" is not "
           "spelled out in blkif.h"},
    [2] = {"A response says by its id which request it answers. An id that is not in flight, that "
           "is answered a second time, or that comes with another operation must not complete "
           "anything: who follows it as an index or a pointer hands the backend memory of the "
           "guest.",
           "blkif.h: struct blkif_request and struct blkif_response, id: \"private guest value, "
           "echoed in resp\""},
    [3] =
        {"The producer index lies in shared memory and can hold any number. Beyond what was asked "
         "there are no responses, only old slots, and a loop up to such an index takes minutes.",
         "ring.h: RING_RESPONSE_PROD_OVERFLOW"},
    [4] = {"A guest that waits for a state or a response which was published long ago has lost an "
           "event or a watch, and stands still for ever. Only a live backend may owe the next "
           "move.",
           "blkif.h: \"STATE DIAGRAMS\"; ring.h: RING_FINAL_CHECK_FOR_RESPONSES"},
    [5] = {"Ending a grant fails while the backend maps the page. Who frees or reuses the page all "
           "the same shares whatever comes to lie there next. What cannot be ended stays with the "
           "frontend, and is counted.",
           "grant_table.h: \"Invalidating an in-use GTF_permit_access entry\", GTF_reading and "
           "GTF_writing; XSA-396"},
    [6] = {"A page is granted whole. Old memory of the kernel in it, the neighbours of a small "
           "buffer or bytes of another backend's data are the backend's to read.",
           "blkif.h: \"trusted\" among the frontend's nodes; grant_table.h: pages are the unit; "
           "XSA-403"},
    [7] = {"A disk that gives back what was never written, or not what was written last, is worse "
           "than one that fails.",
           "blkif.h: \"REQUEST CODES\", BLKIF_OP_READ and BLKIF_OP_WRITE"},
    [8] = {"A status that is dropped turns an error into silent loss. What the backend does not "
           "know is said so by a status too, and then has to be done without.",
           "blkif.h: \"STATUS RETURN CODES\", BLKIF_RSP_EOPNOTSUPP"},
    [9] = {"Sector numbers and segments count 512 bytes whatever the sector size of the disk is. "
           "Mixed-up units reach beyond the disk, or beyond the page.",
           "blkif.h: \"sectors\", \"sector-size\", feature-large-sector-size; struct "
           "blkif_request_segment: first_sect, last_sect"},
    [10] =
        {"Both sides must mean the same ring. A node that is published too late, that belongs to "
         "a former connection, or that the backend has not offered makes them read different "
         "memory.",
         "blkif.h: \"Feature and Parameter Negotiation\", \"Backend XenBus Nodes\", \"Frontend "
         "XenBus Nodes\""},
    [11] = {"Each state says what the other side may do from now on. A move that is not in the "
            "diagram leaves one of them waiting, or lets it touch what is not there any more.",
            "blkif.h: \"STATE DIAGRAMS\", Startup; xenbus.h: enum xenbus_state"},
    [12] = {"What stays behind, a port, a watch, a node, meets the next device of the same number: "
            "its callback runs on freed memory, or it is taken for the next one's.",
            "blkif.h: \"STATE DIAGRAMS\"; xenbus.h: XenbusStateClosed"},
    [13] = {"Everything that comes from the backend or from XenStore is data. It may be refused, "
            "but no assertion, fault or endless recursion of the guest may hang on it.",
            "blkif.h takes the other side's good will for granted; a guest need not"},
    [14] = {"A notification that is not sent, or a last look at the ring that is left out, is a "
            "request that nobody ever answers. One too many costs time.",
            "ring.h: RING_PUSH_REQUESTS_AND_CHECK_NOTIFY, RING_FINAL_CHECK_FOR_RESPONSES, and the "
            "text above them"},
    [15] = {"After a migration or a restart of the backend, what was not answered has to be asked "
            "again, and what was answered must not: a write that is repeated late overwrites what "
            "came after it.",
            "blkif.h: \"STATE DIAGRAMS\"; what is done after a resume is left to frontends"},
    [16] = {"A flush that succeeds is a promise about all writes before it. A file system that "
            "believes it loses data if it was none.",
            "blkif.h: \"REQUEST CODES\", BLKIF_OP_FLUSH_DISKCACHE and BLKIF_OP_WRITE_BARRIER; "
            "feature-flush-cache, feature-barrier"},
    [17] = {"A write to a read-only disk that reaches the backend is at its mercy: some write.",
            "blkif.h: \"mode\" among the backend's nodes, and VDISK_READONLY in \"info\""},
    [18] = {"Indices are counters of 32 bits that are never reset. After 2^31 and 2^32 requests a "
            "comparison with < is wrong, and nobody tests for so long.",
            "ring.h: indices are free running, and RING_IDX is unsigned int"},
    [19] =
        {"The judge has to be honest, or what it finds means nothing: the simulated backend keeps "
         "the protocol wherever a scenario has not told it otherwise.",
         "all of blkif.h, from the backend's side"},
    [20] = {"Nodes are strings that toolstacks and people write. One may be missing, empty, no "
            "number, too large, or change: then there is a default, or a clean error.",
            "blkif.h: \"Any specified default value is in effect if the corresponding XenBus node "
            "is not present\""},
    [21] =
        {"Who allocates for each event can be made to use up memory by a backend that sends them "
         "without end.",
         "not in the headers; XSA-349, XSA-391"},
};
