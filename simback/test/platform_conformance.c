/* SPDX-License-Identifier: ISC */
/*
 * The cases of the platform's promises: grants, events, time and memory. Those of XenStore are in
 * platform_conformance_store.c. A case leaves nothing behind.
 */
#include "platform_conformance.h"

#include "platform_conformance_check.h"

#include <stdalign.h>
#include <stdint.h>
#include <string.h>

#define PAGE ((size_t)4096)

static bool is_zero(const void *memory, size_t size)
{
    const uint8_t *bytes = memory;

    for (size_t i = 0; i < size; i++) {
        if (bytes[i] != 0)
            return false;
    }
    return true;
}

static int map(struct conformance *test, uint32_t ref, bool writable, void **page)
{
    return HOST(map, test->domid, &ref, 1, writable, page);
}

static int unmap(struct conformance *test, uint32_t ref, void *page)
{
    return HOST(unmap, test->domid, &ref, 1, &page);
}

/* ---- the table itself ---- */

static void required_calls_are_there_and_optional_ones_as_told(struct conformance *test)
{
    const struct blkfront_platform *p = test->platform;
    bool any = (p->capabilities & BLKFRONT_PLATFORM_GRANTS_ANY_PAGE) != 0;

    CHECK(p->version == BLKFRONT_PLATFORM_VERSION);
    CHECK(p->size == sizeof(*p));
    CHECK((p->capabilities &
           ~(unsigned)(BLKFRONT_PLATFORM_GRANTS_ANY_PAGE | BLKFRONT_PLATFORM_REPORTS_BUSY)) == 0);
    CHECK(p->share != NULL && p->unshare != NULL);
    CHECK((p->page_allocate != NULL) == any && (p->page_free != NULL) == any);
    CHECK((p->page_grant != NULL) == any && (p->page_revoke != NULL) == any);
    CHECK(p->channels_open != NULL && p->channels_close != NULL && p->channels_wake != NULL);
    CHECK(p->port_allocate != NULL && p->port_close != NULL && p->port_notify != NULL);
    CHECK(p->port_pending != NULL && p->port_unmask != NULL);
    CHECK(p->own_domid != NULL && p->store_read != NULL && p->store_write != NULL);
    CHECK(p->store_remove != NULL && p->store_list != NULL);
    CHECK(p->transaction_start != NULL && p->transaction_end != NULL);
    CHECK(p->watches_open != NULL && p->watches_close != NULL && p->watches_wake != NULL);
    CHECK(p->watch != NULL && p->unwatch != NULL && p->watch_fired != NULL);
    CHECK(p->now != NULL && p->wait != NULL && p->allocate != NULL && p->free != NULL);
    CHECK(p->bug != NULL);
}

static void own_domid_is_told(struct conformance *test)
{
    uint16_t domid = (uint16_t)~test->domid;

    CHECK(PLATFORM(own_domid, &domid) == 0);
    CHECK(domid == test->domid);
}

/* ---- grants ---- */

static void shared_pages_are_zeroed_contiguous_and_seen_by_both(struct conformance *test)
{
    uint32_t refs[4] = {0, 0, 0, 0};
    void *address = NULL, *page = NULL;

    CHECK_OR_RETURN(PLATFORM(share, test->peer_domid, 4, true, &address, refs) == 0);
    CHECK((uintptr_t)address % PAGE == 0);
    CHECK(is_zero(address, 4 * PAGE));
    for (unsigned i = 0; i < 4; i++) {
        uint8_t *ours = (uint8_t *)address + i * PAGE;

        for (unsigned j = 0; j < i; j++)
            CHECK(refs[i] != refs[j]);
        CHECK_OR_RETURN(map(test, refs[i], true, &page) == 0);
        ours[7] = (uint8_t)(i + 1);
        CHECK(((uint8_t *)page)[7] == i + 1);
        ((uint8_t *)page)[PAGE - 1] = (uint8_t)(i + 100);
        CHECK(ours[PAGE - 1] == i + 100);
        CHECK(unmap(test, refs[i], page) == 0);
    }
    CHECK(PLATFORM(unshare, address, 4) == 0);
}

static void pages_shared_anew_are_zeroed_again(struct conformance *test)
{
    uint32_t ref;
    void *address = NULL;

    for (unsigned round = 0; round < 3; round++) {
        CHECK_OR_RETURN(PLATFORM(share, test->peer_domid, 1, true, &address, &ref) == 0);
        CHECK(is_zero(address, PAGE));
        memset(address, 0xee, PAGE);
        CHECK(PLATFORM(unshare, address, 1) == 0);
    }
}

static void what_is_shared_read_only_is_not_mapped_writable(struct conformance *test)
{
    uint32_t ref;
    void *address = NULL, *page = NULL;

    CHECK_OR_RETURN(PLATFORM(share, test->peer_domid, 1, false, &address, &ref) == 0);
    CHECK(map(test, ref, true, &page) != 0);
    CHECK_OR_RETURN(map(test, ref, false, &page) == 0);
    memcpy(address, "seen", sizeof("seen"));
    CHECK(memcmp(page, "seen", 5) == 0);
    CHECK(unmap(test, ref, page) == 0);
    CHECK(PLATFORM(unshare, address, 1) == 0);
}

/* BUSY: nothing has changed. DEFERRED: the block is the platform's, and the other side keeps its
 * page. Without REPORTS_BUSY a hold may also not show at all. */
static void a_held_block_is_busy_or_deferred(struct conformance *test)
{
    bool reports = (test->platform->capabilities & BLKFRONT_PLATFORM_REPORTS_BUSY) != 0;
    uint32_t refs[2];
    void *address = NULL, *page = NULL;
    int result;

    CHECK_OR_RETURN(PLATFORM(share, test->peer_domid, 2, true, &address, refs) == 0);
    CHECK_OR_RETURN(map(test, refs[1], true, &page) == 0);
    result = PLATFORM(unshare, address, 2);
    if (reports) {
        void *other = NULL;

        CHECK(result == BLKFRONT_PLATFORM_BUSY);
        CHECK(PLATFORM(unshare, address, 2) == BLKFRONT_PLATFORM_BUSY);
        CHECK(map(test, refs[0], true, &other) == 0); /* not one page was ended */
        CHECK(unmap(test, refs[0], other) == 0);
        memcpy((char *)address + PAGE, "still ours", sizeof("still ours"));
        CHECK(strcmp(page, "still ours") == 0);
    } else {
        CHECK(result == BLKFRONT_PLATFORM_DEFERRED || result == 0);
    }
    memcpy(page, "the other side may", sizeof("the other side may"));
    CHECK(unmap(test, refs[1], page) == 0);
    if (reports)
        CHECK(PLATFORM(unshare, address, 2) == 0);
}

static bool grants_any_page(const struct conformance *test)
{
    return (test->platform->capabilities & BLKFRONT_PLATFORM_GRANTS_ANY_PAGE) != 0;
}

static void any_page_is_granted_and_revoked_alone(struct conformance *test)
{
    uint32_t first, second;
    void *address = NULL, *page = NULL;
    uint8_t *bytes;

    if (!grants_any_page(test))
        return;
    CHECK_OR_RETURN(PLATFORM(page_allocate, 3, &address) == 0);
    bytes = address;
    CHECK((uintptr_t)address % PAGE == 0);
    CHECK(is_zero(address, 3 * PAGE));
    CHECK_OR_RETURN(PLATFORM(page_grant, test->peer_domid, bytes + PAGE, true, &first) == 0);
    CHECK_OR_RETURN(PLATFORM(page_grant, test->peer_domid, bytes, false, &second) == 0);
    CHECK(first != second);
    CHECK(map(test, second, true, &page) != 0);
    CHECK_OR_RETURN(map(test, first, true, &page) == 0);
    ((uint8_t *)page)[3] = 33;
    CHECK(bytes[PAGE + 3] == 33);
    CHECK(PLATFORM(page_revoke, second) == 0);
    CHECK(PLATFORM(page_revoke, first) == BLKFRONT_PLATFORM_BUSY);
    ((uint8_t *)page)[3] = 44; /* the grant stays */
    CHECK(bytes[PAGE + 3] == 44);
    CHECK(unmap(test, first, page) == 0);
    CHECK(PLATFORM(page_revoke, first) == 0);
    CHECK(map(test, first, true, &page) != 0);
    test->platform->page_free(test->platform->context, address, 3);
}

/* Each time with its own flag. */
static void a_page_is_granted_again_with_another_flag(struct conformance *test)
{
    uint32_t ref;
    void *address = NULL, *page = NULL;

    if (!grants_any_page(test))
        return;
    CHECK_OR_RETURN(PLATFORM(page_allocate, 1, &address) == 0);
    for (unsigned round = 0; round < 4; round++) {
        bool writable = round % 2 == 0;

        CHECK_OR_RETURN(PLATFORM(page_grant, test->peer_domid, address, writable, &ref) == 0);
        CHECK((map(test, ref, true, &page) == 0) == writable);
        if (writable)
            CHECK(unmap(test, ref, page) == 0);
        CHECK(PLATFORM(page_revoke, ref) == 0);
    }
    test->platform->page_free(test->platform->context, address, 1);
}

/* ---- events ---- */

struct wire {
    struct blkfront_channel_set *set;
    uint32_t ours, theirs;
};

static bool connect_port(struct conformance *test, struct wire *wire)
{
    uint32_t port;

    if (PLATFORM(channels_open, &wire->set) != 0)
        return false;
    if (PLATFORM(port_allocate, wire->set, test->peer_domid, &wire->ours) != 0)
        return false;
    if (HOST(port_bind, test->domid, wire->ours, 0, &wire->theirs) != 0)
        return false;
    /* Binding may itself fire either end. */
    settle(test);
    while (HOST(port_fired, wire->theirs) == 1)
        continue;
    while (PLATFORM(port_pending, wire->set, &port) == 1)
        PLATFORM(port_unmask, wire->set, port);
    return true;
}

static void disconnect_port(struct conformance *test, struct wire *wire)
{
    test->host->port_close(test->host->context, wire->theirs);
    test->platform->channels_close(test->platform->context, wire->set);
}

static void a_port_is_delivered_once_and_masked_until_unmasked(struct conformance *test)
{
    struct wire wire;
    uint32_t port = 0;

    CHECK_OR_RETURN(connect_port(test, &wire));
    CHECK(PLATFORM(port_pending, wire.set, &port) == 0);
    CHECK(HOST(port_notify, wire.theirs) == 0);
    settle(test);
    CHECK(PLATFORM(port_pending, wire.set, &port) == 1);
    CHECK(port == wire.ours);
    CHECK(PLATFORM(port_pending, wire.set, &port) == 0);
    CHECK(HOST(port_notify, wire.theirs) == 0);
    settle(test);
    CHECK(PLATFORM(port_pending, wire.set, &port) == 0);
    CHECK(PLATFORM(port_unmask, wire.set, wire.ours) == 0);
    settle(test);
    CHECK(PLATFORM(port_pending, wire.set, &port) == 1);
    CHECK(PLATFORM(port_unmask, wire.set, wire.ours) == 0);
    settle(test);
    CHECK(PLATFORM(port_pending, wire.set, &port) == 0);
    disconnect_port(test, &wire);
}

static void the_other_side_is_notified(struct conformance *test)
{
    struct wire wire;

    CHECK_OR_RETURN(connect_port(test, &wire));
    CHECK(PLATFORM(port_notify, wire.set, wire.ours) == 0);
    settle(test);
    CHECK(HOST(port_fired, wire.theirs) == 1);
    CHECK(HOST(port_fired, wire.theirs) == 0);
    disconnect_port(test, &wire);
}

static void sets_are_apart(struct conformance *test)
{
    struct wire one, two;
    uint32_t port = 0;

    CHECK_OR_RETURN(connect_port(test, &one));
    CHECK_OR_RETURN(connect_port(test, &two));
    CHECK(one.ours != two.ours);
    CHECK(HOST(port_notify, two.theirs) == 0);
    settle(test);
    CHECK(PLATFORM(port_pending, one.set, &port) == 0);
    CHECK(PLATFORM(port_pending, two.set, &port) == 1);
    CHECK(port == two.ours);
    disconnect_port(test, &one);
    disconnect_port(test, &two);
}

static void notifying_a_closed_end_is_harmless(struct conformance *test)
{
    struct wire wire;
    uint32_t port;

    CHECK_OR_RETURN(connect_port(test, &wire));
    test->host->port_close(test->host->context, wire.theirs);
    settle(test);
    CHECK(PLATFORM(port_notify, wire.set, wire.ours) == 0);
    CHECK(PLATFORM(port_pending, wire.set, &port) == 0);
    test->platform->port_close(test->platform->context, wire.set, wire.ours);
    CHECK(HOST(port_bind, test->domid, wire.ours, 0, &port) != 0);
    test->platform->channels_close(test->platform->context, wire.set);
}

/* ---- time ---- */

enum { SOON_NS = 2000000 };

static void waiting_ends_at_the_deadline(struct conformance *test)
{
    uint64_t now = NOW(), deadline = now + SOON_NS;

    CHECK(PLATFORM(wait, deadline) == BLKFRONT_PLATFORM_TIMED_OUT);
    CHECK(NOW() >= deadline);
    CHECK(PLATFORM(wait, 0) == BLKFRONT_PLATFORM_TIMED_OUT);
}

static void an_event_ends_waiting(struct conformance *test)
{
    struct wire wire;
    uint32_t port;

    CHECK_OR_RETURN(connect_port(test, &wire));
    CHECK(HOST(port_notify, wire.theirs) == 0);
    CHECK(PLATFORM(wait, NOW() + UINT64_C(60000000000)) == 0);
    CHECK(PLATFORM(port_pending, wire.set, &port) == 1);
    disconnect_port(test, &wire);
}

static void a_wake_ends_waiting_once(struct conformance *test)
{
    struct blkfront_channel_set *channels = NULL;
    struct blkfront_watch_set *watches = NULL;
    uint32_t none;

    CHECK_OR_RETURN(PLATFORM(channels_open, &channels) == 0);
    CHECK_OR_RETURN(PLATFORM(watches_open, &watches) == 0);
    test->platform->channels_wake(test->platform->context, channels);
    CHECK(PLATFORM(wait, NOW() + UINT64_C(60000000000)) == 0);
    CHECK(PLATFORM(port_pending, channels, &none) == 0);
    CHECK(PLATFORM(wait, NOW() + SOON_NS) == BLKFRONT_PLATFORM_TIMED_OUT);
    test->platform->watches_wake(test->platform->context, watches);
    CHECK(PLATFORM(wait, NOW() + UINT64_C(60000000000)) == 0);
    CHECK(PLATFORM(watch_fired, watches, &none) == 0);
    CHECK(PLATFORM(wait, NOW() + SOON_NS) == BLKFRONT_PLATFORM_TIMED_OUT);
    test->platform->channels_close(test->platform->context, channels);
    test->platform->watches_close(test->platform->context, watches);
}

/* ---- memory ---- */

static void memory_is_zeroed_and_aligned(struct conformance *test)
{
    static const size_t sizes[] = {1, 24, 4096, 100000};

    for (unsigned i = 0; i < 4; i++) {
        for (unsigned round = 0; round < 2; round++) {
            void *memory = test->platform->allocate(test->platform->context, sizes[i]);

            CHECK_OR_RETURN(memory != NULL);
            CHECK((uintptr_t)memory % alignof(max_align_t) == 0);
            CHECK(is_zero(memory, sizes[i]));
            memset(memory, 0xee, sizes[i]);
            test->platform->free(test->platform->context, memory, sizes[i]);
        }
    }
}

#define CASE(function)      \
    {                       \
#function, function \
    }

const struct conformance_case conformance_cases[] = {
    CASE(required_calls_are_there_and_optional_ones_as_told),
    CASE(own_domid_is_told),
    CASE(shared_pages_are_zeroed_contiguous_and_seen_by_both),
    CASE(pages_shared_anew_are_zeroed_again),
    CASE(what_is_shared_read_only_is_not_mapped_writable),
    CASE(a_held_block_is_busy_or_deferred),
    CASE(any_page_is_granted_and_revoked_alone),
    CASE(a_page_is_granted_again_with_another_flag),
    CASE(a_port_is_delivered_once_and_masked_until_unmasked),
    CASE(the_other_side_is_notified),
    CASE(sets_are_apart),
    CASE(notifying_a_closed_end_is_harmless),
    CASE(waiting_ends_at_the_deadline),
    CASE(an_event_ends_waiting),
    CASE(a_wake_ends_waiting_once),
    CASE(memory_is_zeroed_and_aligned),
    CASE(conformance_nodes_are_written_read_and_removed),
    CASE(conformance_values_are_bytes),
    CASE(conformance_outputs_are_written_on_success_only),
    CASE(conformance_children_are_listed),
    CASE(conformance_what_is_not_permitted_is_denied),
    CASE(conformance_a_transaction_commits_or_is_dropped),
    CASE(conformance_a_conflict_is_told_and_changes_nothing),
    CASE(conformance_a_watch_fires_at_once_and_for_changes),
    CASE(conformance_a_watch_is_set_once),
    CASE(conformance_a_watch_ends_waiting),
};

const size_t conformance_case_count = sizeof(conformance_cases) / sizeof(conformance_cases[0]);
