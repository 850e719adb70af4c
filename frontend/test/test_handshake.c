/* SPDX-License-Identifier: ISC */
/*
 * The xenbus table against the rule (I11): every cell's move is legal, every start ends where it
 * should, closing always ends, and the cells that the rule names are as it names them.
 */
#include "cunit_main.h"
#include "handshake.h"

#include <stdbool.h>

/* Our state after the cell's action, or -1 if it writes none. A reset writes 5 before its 6. */
static int target(enum handshake_action action)
{
    switch (action) {
    case HANDSHAKE_INITIALISE:
    case HANDSHAKE_REINITIALISE: return 1;
    case HANDSHAKE_CLOSING: return 5;
    case HANDSHAKE_RESET:
    case HANDSHAKE_CLOSED: return 6;
    case HANDSHAKE_PUBLISH:
    case HANDSHAKE_PUBLISH_DEFAULTS: return 3;
    case HANDSHAKE_CONNECT: return 4;
    case HANDSHAKE_WAIT:
    case HANDSHAKE_BEGIN:
    case HANDSHAKE_UPDATE:
    case HANDSHAKE_PEER_CLOSES:
    case HANDSHAKE_PEER_GONE:
    case HANDSHAKE_PEER_RESTARTED:
    case HANDSHAKE_FINISHED:
    case HANDSHAKE_NEVER:
    default: return -1;
    }
}

/* I11, word for word; what only a dead predecessor can have left may go to 1, and after a resume
 * everything may. */
static bool is_legal(unsigned from, int to, enum handshake_purpose purpose)
{
    bool live = from == 1 || from == 3 || from == 4;
    bool strange = from == 0 || from == 2 || from == 7 || from == 8;

    if (to < 0 || (int)from == to)
        return true;
    if (to == 1)
        return from == 6 || purpose == HANDSHAKE_RECOVER || (purpose == HANDSHAKE_START && strange);
    if (to == 3)
        return from == 1;
    if (to == 4)
        return from == 1 || from == 3;
    if (to == 5)
        return live;
    return to == 6 && (live || from == 5);
}

static bool is_used(enum handshake_purpose purpose, unsigned own)
{
    if (purpose == HANDSHAKE_REOPEN)
        return own == 1;
    if (purpose == HANDSHAKE_OPEN)
        return own == 1 || own == 3 || own == 4;
    return true;
}

static void i11_every_cell_makes_a_legal_move(void)
{
    for (unsigned p = 0; p < HANDSHAKE_PURPOSES; p++) {
        for (unsigned own = 0; own < HANDSHAKE_OWN_STATES; own++) {
            for (unsigned other = 0; other < HANDSHAKE_OTHER_STATES; other++) {
                enum handshake_action action = handshake_action(p, own, other);

                CU_ASSERT_EQUAL(action == HANDSHAKE_NEVER, !is_used(p, own));
                CU_ASSERT_TRUE(is_legal(own, target(action), p));
                if (action == HANDSHAKE_RESET)
                    CU_ASSERT_TRUE(is_legal(own, 5, p));
            }
        }
    }
}

static void i11_we_publish_only_from_initialising_and_connect_only_at_the_backends_4(void)
{
    for (unsigned p = 0; p < HANDSHAKE_PURPOSES; p++) {
        for (unsigned own = 0; own < HANDSHAKE_OWN_STATES; own++) {
            for (unsigned other = 0; other < HANDSHAKE_OTHER_STATES; other++) {
                enum handshake_action action = handshake_action(p, own, other);

                CU_ASSERT_EQUAL(action == HANDSHAKE_PUBLISH,
                                p == HANDSHAKE_OPEN && own == 1 && other == 2);
                CU_ASSERT_EQUAL(action == HANDSHAKE_PUBLISH_DEFAULTS,
                                p == HANDSHAKE_OPEN && own == 1 && other == 3);
                CU_ASSERT_EQUAL(action == HANDSHAKE_CONNECT,
                                p == HANDSHAKE_OPEN && own == 3 && other == 4);
                CU_ASSERT_EQUAL(action == HANDSHAKE_UPDATE,
                                p == HANDSHAKE_OPEN && own == 4 && other == 4);
            }
        }
    }
}

static void states_7_and_8_are_ignored(void)
{
    for (unsigned other = 7; other <= 8; other++) {
        for (unsigned own = 0; own < HANDSHAKE_OWN_STATES; own++) {
            CU_ASSERT_EQUAL(handshake_action(HANDSHAKE_START, own, other), HANDSHAKE_WAIT);
            if (is_used(HANDSHAKE_OPEN, own))
                CU_ASSERT_EQUAL(handshake_action(HANDSHAKE_OPEN, own, other), HANDSHAKE_WAIT);
        }
        CU_ASSERT_EQUAL(handshake_action(HANDSHAKE_RECOVER, 6, other), HANDSHAKE_WAIT);
        CU_ASSERT_EQUAL(handshake_action(HANDSHAKE_REOPEN, 1, other), HANDSHAKE_WAIT);
        CU_ASSERT_EQUAL(handshake_action(HANDSHAKE_CLOSE, 5, other), HANDSHAKE_WAIT);
        CU_ASSERT_EQUAL(handshake_action(HANDSHAKE_CLOSE, 6, other), HANDSHAKE_WAIT);
    }
}

/* It has seen the 6 that we were in, and answers that before it sees our 1. */
static void a_backend_that_begins_while_we_begin_again_may_close_first(void)
{
    CU_ASSERT_EQUAL(handshake_action(HANDSHAKE_START, 6, 1), HANDSHAKE_REINITIALISE);
    CU_ASSERT_EQUAL(handshake_action(HANDSHAKE_REOPEN, 1, 1), HANDSHAKE_WAIT);
    CU_ASSERT_EQUAL(handshake_action(HANDSHAKE_REOPEN, 1, 6), HANDSHAKE_WAIT);
    CU_ASSERT_EQUAL(handshake_action(HANDSHAKE_REOPEN, 1, 2), HANDSHAKE_BEGIN);
}

static void a_backend_that_is_gone_ends_the_connection_whatever_our_state(void)
{
    for (unsigned own = 0; own < HANDSHAKE_OWN_STATES; own++) {
        CU_ASSERT_EQUAL(handshake_action(HANDSHAKE_START, own, HANDSHAKE_ABSENT),
                        HANDSHAKE_PEER_GONE);
        if (is_used(HANDSHAKE_OPEN, own)) {
            CU_ASSERT_EQUAL(handshake_action(HANDSHAKE_OPEN, own, HANDSHAKE_ABSENT),
                            HANDSHAKE_PEER_GONE);
            CU_ASSERT_EQUAL(handshake_action(HANDSHAKE_OPEN, own, 0), HANDSHAKE_PEER_GONE);
            CU_ASSERT_EQUAL(handshake_action(HANDSHAKE_OPEN, own, 6), HANDSHAKE_PEER_GONE);
            CU_ASSERT_EQUAL(handshake_action(HANDSHAKE_OPEN, own, 5), HANDSHAKE_PEER_CLOSES);
        }
    }
    CU_ASSERT_EQUAL(handshake_action(HANDSHAKE_REOPEN, 1, HANDSHAKE_ABSENT), HANDSHAKE_PEER_GONE);
}

/* Follows the table while the backend stands still. */
struct walk {
    enum handshake_purpose purpose;
    enum handshake_purpose start; /* what a reset goes back to */
    unsigned own;
    unsigned steps;
    unsigned moves[16]; /* the states that were written */
    unsigned move_count;
    enum handshake_action last;
};

static void write_state(struct walk *walk, unsigned state)
{
    walk->own = state;
    if (walk->move_count < 16)
        walk->moves[walk->move_count++] = state;
}

static bool walk_step(struct walk *walk, unsigned other)
{
    walk->last = handshake_action(walk->purpose, walk->own, other);
    walk->steps++;
    switch (walk->last) {
    case HANDSHAKE_BEGIN: walk->purpose = HANDSHAKE_OPEN; return true;
    case HANDSHAKE_INITIALISE: write_state(walk, 1); return true;
    case HANDSHAKE_REINITIALISE:
        write_state(walk, 1);
        walk->purpose = HANDSHAKE_REOPEN;
        return true;
    case HANDSHAKE_RESET:
        write_state(walk, 5);
        write_state(walk, 6);
        walk->purpose = walk->start;
        return true;
    case HANDSHAKE_CLOSING: write_state(walk, 5); return true;
    case HANDSHAKE_CLOSED: write_state(walk, 6); return true;
    case HANDSHAKE_PUBLISH:
    case HANDSHAKE_PUBLISH_DEFAULTS: write_state(walk, 3); return true;
    case HANDSHAKE_CONNECT: write_state(walk, 4); return true;
    case HANDSHAKE_WAIT:
    case HANDSHAKE_UPDATE:
    case HANDSHAKE_PEER_CLOSES:
    case HANDSHAKE_PEER_GONE:
    case HANDSHAKE_PEER_RESTARTED:
    case HANDSHAKE_FINISHED:
    case HANDSHAKE_NEVER:
    default: return false;
    }
}

static void walk_all(struct walk *walk, unsigned other)
{
    walk->steps = 0;
    while (walk_step(walk, other) && walk->steps < 20)
        ;
}

/* I4: from every cell at most a few steps, then the backend owes the next move. */
static void i4_every_start_comes_to_rest(void)
{
    for (unsigned own = 0; own < HANDSHAKE_OWN_STATES; own++) {
        for (unsigned other = 0; other < HANDSHAKE_OTHER_STATES; other++) {
            struct walk walk = {.purpose = HANDSHAKE_START, .own = own};

            walk_all(&walk, other);
            CU_ASSERT(walk.steps <= 8);
            CU_ASSERT(walk.last == HANDSHAKE_WAIT || walk.last == HANDSHAKE_PEER_GONE);
        }
    }
}

/* I11: with the backend in 3, 4 or 5: 5, 6, wait for 6, then 1; then as usual. */
static void i11_a_start_beside_a_busy_backend_closes_first(void)
{
    for (unsigned own = 1; own <= 4; own += own == 1 ? 2 : 1) {
        for (unsigned other = 3; other <= 5; other++) {
            struct walk walk = {.purpose = HANDSHAKE_START, .own = own};
            static const unsigned expected[] = {5, 6, 1, 3, 4};

            walk_all(&walk, other);
            CU_ASSERT_EQUAL(walk.own, 6);
            CU_ASSERT_EQUAL(walk.last, HANDSHAKE_WAIT);
            walk_all(&walk, 6);
            CU_ASSERT_EQUAL(walk.own, 1);
            CU_ASSERT_EQUAL(walk.last, HANDSHAKE_WAIT);
            walk_all(&walk, 2);
            CU_ASSERT_EQUAL(walk.last, HANDSHAKE_WAIT);
            walk_all(&walk, 4);
            CU_ASSERT_EQUAL(walk.last, HANDSHAKE_UPDATE);
            CU_ASSERT_EQUAL(walk.move_count, 5);
            CU_ASSERT_EQUAL(memcmp(walk.moves, expected, sizeof(expected)), 0);
        }
    }
}

/* I4: one that has not looked yet looks for a 1, whatever a predecessor has left. */
static void i4_a_start_before_the_backend_has_looked_waits_in_1(void)
{
    for (unsigned own = 0; own < HANDSHAKE_OWN_STATES; own++) {
        struct walk walk = {.purpose = HANDSHAKE_START, .own = own};

        walk_all(&walk, 0);
        CU_ASSERT_EQUAL(walk.own, 1);
        CU_ASSERT_EQUAL(walk.last, HANDSHAKE_WAIT);
        walk_all(&walk, 2);
        walk_all(&walk, 4);
        CU_ASSERT_EQUAL(walk.own, 4);
    }
}

/* I11: with 6: write 1 and wait. */
static void i11_a_start_beside_a_closed_backend_writes_1_and_waits(void)
{
    struct walk fresh = {.purpose = HANDSHAKE_START, .own = 1};
    struct walk closed = {.purpose = HANDSHAKE_START, .own = 6};
    struct walk left = {.purpose = HANDSHAKE_START, .own = 4};

    walk_all(&fresh, 6);
    CU_ASSERT_EQUAL(fresh.own, 1);
    CU_ASSERT_EQUAL(fresh.move_count, 1);
    walk_all(&closed, 6);
    CU_ASSERT_EQUAL(closed.own, 1);
    walk_all(&left, 6);
    CU_ASSERT_EQUAL(left.own, 1);
    CU_ASSERT_EQUAL(left.moves[0], 6);
    CU_ASSERT_EQUAL(fresh.last, HANDSHAKE_WAIT);
    CU_ASSERT_EQUAL(fresh.purpose, HANDSHAKE_REOPEN);
}

static void both_skips_connect(void)
{
    struct walk walk = {.purpose = HANDSHAKE_START, .own = 1};

    walk_all(&walk, 1);
    walk_all(&walk, 3);
    CU_ASSERT_EQUAL(walk.own, 3);
    walk_all(&walk, 4);
    CU_ASSERT_EQUAL(walk.own, 4);
}

/* Every sequence of the backend's states ends our closing as soon as it says 6, 0 or nothing. */
static void i4_closing_ends_from_everywhere(void)
{
    static const unsigned ends[] = {6, 0, HANDSHAKE_ABSENT};

    for (unsigned own = 0; own < HANDSHAKE_OWN_STATES; own++) {
        for (unsigned first = 0; first < HANDSHAKE_OTHER_STATES; first++) {
            for (unsigned e = 0; e < 3; e++) {
                struct walk walk = {.purpose = HANDSHAKE_CLOSE, .own = own};

                walk_all(&walk, first);
                CU_ASSERT(walk.last == HANDSHAKE_WAIT || walk.last == HANDSHAKE_FINISHED);
                walk_all(&walk, ends[e]);
                CU_ASSERT_EQUAL(walk.last, HANDSHAKE_FINISHED);
                if (own == 1 || (own >= 3 && own <= 6)) {
                    CU_ASSERT_EQUAL(walk.own, 6);
                } else {
                    CU_ASSERT_EQUAL(walk.move_count, 0);
                }
            }
        }
    }
}

/* A live backend in 2 to 5 is told 5 first, and waited for. */
static void closing_waits_for_a_live_backend(void)
{
    for (unsigned own = 3; own <= 4; own++) {
        for (unsigned other = 2; other <= 4; other++) {
            struct walk walk = {.purpose = HANDSHAKE_CLOSE, .own = own};

            walk_all(&walk, other);
            CU_ASSERT_EQUAL(walk.own, 5);
            CU_ASSERT_EQUAL(walk.last, HANDSHAKE_WAIT);
            walk_all(&walk, 5);
            CU_ASSERT_EQUAL(walk.own, 6);
            CU_ASSERT_EQUAL(walk.last, HANDSHAKE_WAIT);
        }
    }
}

/* A backend that does as it should: its next state, or the same. */
static unsigned backend_next(unsigned front, unsigned back)
{
    switch (back) {
    case 0:
    case HANDSHAKE_ABSENT: return 1; /* it comes into being */
    case 1: return 2;
    case 2:
    case 3:
        if (front == 3 || front == 4)
            return 4;
        return front == 5 || front == 6 ? front : back;
    case 4: return front == 5 || front == 6 ? front : back;
    case 5: return front == 6 ? 6 : back;
    case 6: return front == 1 ? 2 : back;
    default: return 5; /* 7 and 8 last until it thinks better of it */
    }
}

/* Both move in turn until nothing changes. A backend that was connected without us, or while we
 * began anew, closes first: then it is lost once more, and found again. */
static void recover_together(struct walk *walk, unsigned *back)
{
    for (unsigned rounds = 0; rounds < 40; rounds++) {
        unsigned front = walk->own, was = *back;

        walk->steps = 0;
        while (walk_step(walk, *back) && walk->steps < 20)
            ;
        CU_ASSERT(walk->last == HANDSHAKE_WAIT || walk->last == HANDSHAKE_UPDATE ||
                  walk->last == HANDSHAKE_PEER_CLOSES || walk->last == HANDSHAKE_PEER_GONE);
        if (walk->last == HANDSHAKE_PEER_CLOSES || walk->last == HANDSHAKE_PEER_GONE) {
            walk->purpose = HANDSHAKE_CLOSE;
            continue;
        }
        if (walk->purpose == HANDSHAKE_CLOSE && walk->own == 6)
            walk->purpose = HANDSHAKE_RECOVER;
        *back = backend_next(walk->own, *back);
        if (walk->own == front && *back == was && walk->last == HANDSHAKE_UPDATE)
            return;
    }
}

/* The whole table: from every cell a device that recovers comes to be connected. */
static void i11_a_recovery_connects_from_every_state_of_both(void)
{
    for (unsigned own = 0; own < HANDSHAKE_OWN_STATES; own++) {
        for (unsigned other = 0; other < HANDSHAKE_OTHER_STATES; other++) {
            struct walk walk = {
                .purpose = HANDSHAKE_RECOVER,
                .start = HANDSHAKE_RECOVER,
                .own = own,
            };
            unsigned back = other;

            recover_together(&walk, &back);
            CU_ASSERT_EQUAL(walk.own, 4);
            CU_ASSERT_EQUAL(back, 4);
            CU_ASSERT_EQUAL(walk.last, HANDSHAKE_UPDATE);
        }
    }
}

/* I4: while the backend stands still, a recovery does too after a few moves; nothing ends it. */
static void i4_every_recovery_comes_to_rest(void)
{
    for (unsigned own = 0; own < HANDSHAKE_OWN_STATES; own++) {
        for (unsigned other = 0; other < HANDSHAKE_OTHER_STATES; other++) {
            struct walk walk = {
                .purpose = HANDSHAKE_RECOVER,
                .start = HANDSHAKE_RECOVER,
                .own = own,
            };

            walk_all(&walk, other);
            CU_ASSERT(walk.steps <= 8);
            CU_ASSERT_EQUAL(walk.last, HANDSHAKE_WAIT);
        }
    }
}

/* A backend that is not there, or has not looked yet, is no reason to end. */
static void a_recovery_waits_for_a_backend_that_is_not_there(void)
{
    for (unsigned own = 0; own < HANDSHAKE_OWN_STATES; own++)
        CU_ASSERT_EQUAL(handshake_action(HANDSHAKE_RECOVER, own, HANDSHAKE_ABSENT), HANDSHAKE_WAIT);
    CU_ASSERT_EQUAL(handshake_action(HANDSHAKE_RECOVER, 6, 0), HANDSHAKE_WAIT);
}

/* I11, any → 1: a backend that begins is met with 1 at once, whatever a resume has left of ours. */
static void i11_after_a_resume_a_new_backend_is_met_in_1(void)
{
    for (unsigned own = 0; own < HANDSHAKE_OWN_STATES; own++) {
        for (unsigned other = 1; other <= 2; other++) {
            struct walk walk = {
                .purpose = HANDSHAKE_RECOVER,
                .start = HANDSHAKE_RECOVER,
                .own = own,
            };

            (void)walk_step(&walk, other);
            if (own == 5) /* the other side may have read it */
                CU_ASSERT_EQUAL(walk.own, 6);
            if (own != 5)
                CU_ASSERT_EQUAL(walk.own, 1);
        }
    }
}

static const struct unit_test tests[] = {
    UNIT_TEST(i11_every_cell_makes_a_legal_move),
    UNIT_TEST(i11_we_publish_only_from_initialising_and_connect_only_at_the_backends_4),
    UNIT_TEST(a_backend_that_begins_while_we_begin_again_may_close_first),
    UNIT_TEST(states_7_and_8_are_ignored),
    UNIT_TEST(a_backend_that_is_gone_ends_the_connection_whatever_our_state),
    UNIT_TEST(i4_every_start_comes_to_rest),
    UNIT_TEST(i11_a_start_beside_a_busy_backend_closes_first),
    UNIT_TEST(i4_a_start_before_the_backend_has_looked_waits_in_1),
    UNIT_TEST(i11_a_start_beside_a_closed_backend_writes_1_and_waits),
    UNIT_TEST(both_skips_connect),
    UNIT_TEST(i4_closing_ends_from_everywhere),
    UNIT_TEST(closing_waits_for_a_live_backend),
    UNIT_TEST(i11_a_recovery_connects_from_every_state_of_both),
    UNIT_TEST(i4_every_recovery_comes_to_rest),
    UNIT_TEST(a_recovery_waits_for_a_backend_that_is_not_there),
    UNIT_TEST(i11_after_a_resume_a_new_backend_is_met_in_1),
};

UNIT_MAIN("handshake", tests)
