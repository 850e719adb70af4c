/* SPDX-License-Identifier: ISC */
/*
 * The cases of the platform's promises that are about XenStore.
 */
#include "platform_conformance_check.h"

#include <stdint.h>
#include <stdio.h>
#include <string.h>

enum { PATH_ROOM = 200 };

/* "<home>/<name>" */
static const char *path_of(const struct conformance *test, const char *name, char *room)
{
    snprintf(room, PATH_ROOM, "%s/%s", test->home, name);
    return room;
}

static int write_text(struct conformance *test, uint32_t transaction, const char *path,
                      const char *value)
{
    return PLATFORM(store_write, transaction, path, value, strlen(value));
}

static bool reads_as(struct conformance *test, uint32_t transaction, const char *path,
                     const char *value)
{
    char buffer[64];
    size_t length = 0;

    return PLATFORM(store_read, transaction, path, buffer, sizeof(buffer), &length) == 0 &&
           length == strlen(value) && memcmp(buffer, value, length) == 0;
}

void conformance_nodes_are_written_read_and_removed(struct conformance *test)
{
    char room[PATH_ROOM], below_room[PATH_ROOM], buffer[8];
    const char *path = path_of(test, "conf", room), *below = path_of(test, "conf/a/b", below_room);
    size_t length;

    CHECK(write_text(test, 0, path, "one") == 0);
    CHECK(reads_as(test, 0, path, "one"));
    CHECK(write_text(test, 0, path, "") == 0);
    CHECK(reads_as(test, 0, path, ""));
    CHECK(write_text(test, 0, below, "two") == 0);
    CHECK(reads_as(test, 0, below, "two"));
    CHECK(PLATFORM(store_remove, 0, path) == 0);
    CHECK(PLATFORM(store_read, 0, below, buffer, sizeof(buffer), &length) ==
          BLKFRONT_PLATFORM_NO_ENTRY);
    CHECK(PLATFORM(store_read, 0, path, buffer, sizeof(buffer), &length) ==
          BLKFRONT_PLATFORM_NO_ENTRY);
    CHECK(PLATFORM(store_remove, 0, path) == BLKFRONT_PLATFORM_NO_ENTRY);
}

void conformance_values_are_bytes(struct conformance *test)
{
    char room[PATH_ROOM], buffer[8] = "zzzzzzz";
    const char *path = path_of(test, "conf", room);
    size_t length = 0;

    CHECK(PLATFORM(store_write, 0, path, "a\0b", 3) == 0);
    CHECK(PLATFORM(store_read, 0, path, buffer, 3, &length) == 0);
    CHECK(length == 3);
    CHECK(memcmp(buffer, "a\0bzzzz", 7) == 0);
    CHECK(PLATFORM(store_remove, 0, path) == 0);
}

void conformance_outputs_are_written_on_success_only(struct conformance *test)
{
    char room[PATH_ROOM], buffer[8] = "zzzzzzz";
    const char *path = path_of(test, "conf", room);
    size_t length = 77;

    CHECK(PLATFORM(store_read, 0, path, buffer, sizeof(buffer), &length) ==
          BLKFRONT_PLATFORM_NO_ENTRY);
    CHECK(write_text(test, 0, path, "longer") == 0);
    CHECK(PLATFORM(store_read, 0, path, buffer, 5, &length) == BLKFRONT_PLATFORM_TOO_LONG);
    CHECK(PLATFORM(store_list, 0, test->home, buffer, 1, &length) == BLKFRONT_PLATFORM_TOO_LONG);
    CHECK(length == 77);
    CHECK(strcmp(buffer, "zzzzzzz") == 0);
    CHECK(PLATFORM(store_remove, 0, path) == 0);
}

static bool lists(const char *names, size_t length, const char *name)
{
    for (size_t at = 0; at < length; at += strlen(names + at) + 1) {
        if (strcmp(names + at, name) == 0)
            return true;
    }
    return false;
}

void conformance_children_are_listed(struct conformance *test)
{
    char room[PATH_ROOM], child[PATH_ROOM], buffer[64];
    const char *path = path_of(test, "conf", room);
    size_t length = 0;

    CHECK(write_text(test, 0, path_of(test, "conf/one", child), "1") == 0);
    CHECK(write_text(test, 0, path_of(test, "conf/two/deep", child), "2") == 0);
    CHECK_OR_RETURN(PLATFORM(store_list, 0, path, buffer, sizeof(buffer), &length) == 0);
    CHECK(length == 8);
    CHECK(buffer[length - 1] == 0);
    CHECK(lists(buffer, length, "one"));
    CHECK(lists(buffer, length, "two"));
    CHECK(PLATFORM(store_list, 0, child, buffer, sizeof(buffer), &length) == 0);
    CHECK(length == 0);
    CHECK(PLATFORM(store_remove, 0, path) == 0);
    CHECK(PLATFORM(store_list, 0, path, buffer, sizeof(buffer), &length) ==
          BLKFRONT_PLATFORM_NO_ENTRY);
}

void conformance_what_is_not_permitted_is_denied(struct conformance *test)
{
    if (test->privileged)
        return;
    CHECK(write_text(test, 0, "/local/conformance", "x") == BLKFRONT_PLATFORM_DENIED);
}

void conformance_a_transaction_commits_or_is_dropped(struct conformance *test)
{
    char room[PATH_ROOM];
    const char *path = path_of(test, "conf", room);
    blkfront_transaction transaction = 0;

    CHECK(write_text(test, 0, path, "old") == 0);
    CHECK_OR_RETURN(PLATFORM(transaction_start, &transaction) == 0);
    CHECK(transaction != 0);
    CHECK(write_text(test, transaction, path, "new") == 0);
    CHECK(reads_as(test, transaction, path, "new"));
    CHECK(reads_as(test, 0, path, "old"));
    CHECK(PLATFORM(transaction_end, transaction, false) == 0);
    CHECK(reads_as(test, 0, path, "old"));

    CHECK_OR_RETURN(PLATFORM(transaction_start, &transaction) == 0);
    CHECK(write_text(test, transaction, path, "new") == 0);
    CHECK(PLATFORM(transaction_end, transaction, true) == 0);
    CHECK(reads_as(test, 0, path, "new"));
    CHECK(PLATFORM(store_remove, 0, path) == 0);
}

void conformance_a_conflict_is_told_and_changes_nothing(struct conformance *test)
{
    char room[PATH_ROOM], mine_room[PATH_ROOM];
    const char *path = path_of(test, "conf", room), *mine = path_of(test, "mine", mine_room);
    blkfront_transaction transaction = 0;

    CHECK(write_text(test, 0, path, "old") == 0);
    CHECK(write_text(test, 0, mine, "old") == 0);
    CHECK_OR_RETURN(PLATFORM(transaction_start, &transaction) == 0);
    CHECK(reads_as(test, transaction, path, "old"));
    CHECK(write_text(test, transaction, mine, "new") == 0);
    CHECK(HOST(store_write, 0, path, "other", 5) == 0);
    CHECK(PLATFORM(transaction_end, transaction, true) == BLKFRONT_PLATFORM_AGAIN);
    CHECK(reads_as(test, 0, mine, "old"));
    CHECK_OR_RETURN(PLATFORM(transaction_start, &transaction) == 0);
    CHECK(reads_as(test, transaction, path, "other"));
    CHECK(write_text(test, transaction, mine, "new") == 0);
    CHECK(PLATFORM(transaction_end, transaction, true) == 0);
    CHECK(reads_as(test, 0, mine, "new"));
    CHECK(PLATFORM(store_remove, 0, path) == 0);
    CHECK(PLATFORM(store_remove, 0, mine) == 0);
}

/* How many events of this token there are now; others do not count. Events of one token may be
 * merged, so callers ask only whether there are any. */
static unsigned events_of(struct conformance *test, struct blkfront_watch_set *set, uint32_t token)
{
    unsigned count = 0;
    uint32_t fired;

    settle(test);
    while (PLATFORM(watch_fired, set, &fired) == 1)
        count += fired == token;
    return count;
}

void conformance_a_watch_fires_at_once_and_for_changes(struct conformance *test)
{
    char room[PATH_ROOM], below_room[PATH_ROOM], beside_room[PATH_ROOM];
    const char *path = path_of(test, "conf", room);
    const char *below = path_of(test, "conf/below", below_room);
    const char *beside = path_of(test, "config", beside_room);
    struct blkfront_watch_set *set = NULL;

    CHECK_OR_RETURN(PLATFORM(watches_open, &set) == 0);
    CHECK(events_of(test, set, 5) == 0);
    CHECK(PLATFORM(watch, set, path, 5) == 0);
    CHECK(events_of(test, set, 5) != 0);
    CHECK(events_of(test, set, 5) == 0);
    CHECK(HOST(store_write, 0, path, "x", 1) == 0);
    CHECK(events_of(test, set, 5) != 0);
    CHECK(HOST(store_write, 0, below, "x", 1) == 0);
    CHECK(events_of(test, set, 5) != 0);
    CHECK(HOST(store_write, 0, beside, "x", 1) == 0);
    CHECK(events_of(test, set, 5) == 0);
    CHECK(HOST(store_remove, 0, path) == 0);
    CHECK(events_of(test, set, 5) != 0);
    CHECK(PLATFORM(unwatch, set, path, 5) == 0);
    events_of(test, set, 5); /* what was on its way */
    CHECK(HOST(store_write, 0, path, "x", 1) == 0);
    CHECK(events_of(test, set, 5) == 0);
    CHECK(HOST(store_remove, 0, path) == 0);
    CHECK(HOST(store_remove, 0, beside) == 0);
    test->platform->watches_close(test->platform->context, set);
}

void conformance_a_watch_is_set_once(struct conformance *test)
{
    char room[PATH_ROOM];
    const char *path = path_of(test, "conf", room);
    struct blkfront_watch_set *set = NULL;

    CHECK_OR_RETURN(PLATFORM(watches_open, &set) == 0);
    CHECK(PLATFORM(watch, set, path, 1) == 0);
    CHECK(PLATFORM(watch, set, path, 1) == BLKFRONT_PLATFORM_EXISTS);
    CHECK(PLATFORM(watch, set, path, 2) == 0);
    CHECK(PLATFORM(unwatch, set, path, 1) == 0);
    CHECK(PLATFORM(unwatch, set, path, 1) != 0);
    CHECK(PLATFORM(watch, set, path, 1) == 0);
    test->platform->watches_close(test->platform->context, set);
}

void conformance_a_watch_ends_waiting(struct conformance *test)
{
    char room[PATH_ROOM];
    const char *path = path_of(test, "conf", room);
    struct blkfront_watch_set *set = NULL;

    CHECK_OR_RETURN(PLATFORM(watches_open, &set) == 0);
    CHECK(PLATFORM(watch, set, path, 1) == 0);
    CHECK(PLATFORM(wait, NOW() + UINT64_C(60000000000)) == 0);
    CHECK(events_of(test, set, 1) != 0);
    CHECK(HOST(store_write, 0, path, "x", 1) == 0);
    CHECK(PLATFORM(wait, NOW() + UINT64_C(60000000000)) == 0);
    CHECK(events_of(test, set, 1) != 0);
    CHECK(HOST(store_remove, 0, path) == 0);
    test->platform->watches_close(test->platform->context, set);
}
