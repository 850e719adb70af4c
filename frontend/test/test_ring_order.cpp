/* SPDX-License-Identifier: ISC */
/*
 * The ring's orderings in the C11 memory model, searched to the end by Relacy: the very code of
 * ring.h and shared.h between a frontend that goes about it as poll.c does and a backend of the
 * same form. No lost wake-up (a deadlock here), no stale slot (the words in a slot are compared),
 * no data race (slots are plain variables here: who reads one must have it in order). Then the
 * same with each ordering weakened in turn: each must be found (I11, I14).
 *
 * The atomic built-ins of shared.h become accesses of the model: each word of the ring has its
 * model variable, the real word lends its address alone. An event channel is a pending bit, set and
 * cleared by atomic operations with acquire and release, as a hypervisor does it: a notification
 * that finds the bit set is ordered before the look that follows the clearing.
 *
 * Relacy does not order sequentially consistent accesses against the other side's fences, as C11
 * does. So the backend here is not simback's, whose accesses are of that kind, but one with fences
 * at the same places: Xen's macros and every backend made of them.
 */
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <ostream>
#include <streambuf>

#include <relacy/relacy.hpp>

/* Where the model stands in for memory. */
static uint32_t model_load(const volatile uint32_t *word, int order);
static void model_store(volatile uint32_t *word, uint32_t value, int order);

/* A slot of the model is one word of 32 bits: longer ones are never copied. */
template <typename Word> static Word model_load(const volatile Word *, int)
{
    abort();
}
template <typename Word> static void model_store(volatile Word *, Word, int)
{
    abort();
}
static void model_fence();

#define __atomic_load_n(word, order)         model_load((word), (order))
#define __atomic_store_n(word, value, order) model_store((word), (value), (order))
#define __atomic_thread_fence(order)         model_fence()
#include "ring.h"

namespace
{

enum side { FRONTEND, BACKEND, SIDES };

/* What a side is about to do, said before it calls ring.h. */
enum place { NOWHERE, PUBLISH, LOOK, ARM, SLOT };

enum change {
    NOTHING,
    RELAXED,       /* the store-release or load-acquire there is relaxed */
    NO_FENCE,      /* the full fence there is left out */
    STORE_LATER,   /* the store there comes after the next access of the ring's words */
    LOAD_EARLIER,  /* the slot is read before the index that covers it */
    NO_SECOND_LOOK /* what the final check found is not heeded */
};

struct weakening {
    const char *name;
    side who;
    place where;
    change what;
    rl::test_result_e found_as;
};

const weakening as_it_is = {"as it is", FRONTEND, NOWHERE, NOTHING, rl::test_result_success};

/* A wake-up is lost when both sides wait. */
const rl::test_result_e RACE = rl::test_result_data_race;
const rl::test_result_e LOST = rl::test_result_deadlock;

const weakening weakenings[] = {
    {"frontend: req_prod is stored relaxed", FRONTEND, PUBLISH, RELAXED, RACE},
    {"frontend: no fence between req_prod and req_event", FRONTEND, PUBLISH, NO_FENCE, LOST},
    {"frontend: req_event is loaded before req_prod is stored", FRONTEND, PUBLISH, STORE_LATER,
     LOST},
    {"frontend: a request is written after req_prod", FRONTEND, SLOT, STORE_LATER, RACE},
    {"frontend: rsp_prod is loaded relaxed", FRONTEND, LOOK, RELAXED, RACE},
    {"frontend: rsp_prod is loaded relaxed in the final check", FRONTEND, ARM, RELAXED, RACE},
    {"frontend: a response is read before rsp_prod", FRONTEND, SLOT, LOAD_EARLIER, RACE},
    {"frontend: no fence between rsp_event and rsp_prod", FRONTEND, ARM, NO_FENCE, LOST},
    {"frontend: the final check comes before rsp_event", FRONTEND, ARM, STORE_LATER, LOST},
    {"frontend: no final check", FRONTEND, ARM, NO_SECOND_LOOK, LOST},
    {"backend: rsp_prod is stored relaxed", BACKEND, PUBLISH, RELAXED, RACE},
    {"backend: no fence between rsp_prod and rsp_event", BACKEND, PUBLISH, NO_FENCE, LOST},
    {"backend: rsp_event is loaded before rsp_prod is stored", BACKEND, PUBLISH, STORE_LATER, LOST},
    {"backend: a response is written after rsp_prod", BACKEND, SLOT, STORE_LATER, RACE},
    {"backend: req_prod is loaded relaxed", BACKEND, LOOK, RELAXED, RACE},
    {"backend: req_prod is loaded relaxed in the final check", BACKEND, ARM, RELAXED, RACE},
    {"backend: a request is read before req_prod", BACKEND, SLOT, LOAD_EARLIER, RACE},
    {"backend: no fence between req_event and req_prod", BACKEND, ARM, NO_FENCE, LOST},
    {"backend: the final check comes before req_event", BACKEND, ARM, STORE_LATER, LOST},
    {"backend: no final check", BACKEND, ARM, NO_SECOND_LOOK, LOST},
};

/*
 * A small world. Requests that were published before it began have been read by the backend and
 * wait for their answers; of those made in it the backend may leave some without.
 */
struct shape {
    const char *name;
    uint32_t entries;
    uint32_t before;  /* published before the run */
    uint32_t made;    /* requests made in the run, each published by itself */
    uint32_t answers; /* each published by itself */
};

/* All ways through several requests with their answers are too many for a search to the end, and
 * need not be searched: the two directions share nothing but the slots. */
const shape shapes[] = {
    {"one request and its answer", 1, 0, 1, 1},
    {"a slot used twice", 1, 1, 1, 1},
    {"two answers", 2, 2, 0, 2},
    {"two requests", 2, 0, 2, 0},
};

enum { MOST_ENTRIES = 2, WORDS = 4 };
const uint32_t START = UINT32_MAX; /* the second request wraps (I18) */

const shape *world;
const weakening *weak;

uint32_t request_word(uint32_t index)
{
    return 2 * index + 1000;
}

uint32_t response_word(uint32_t index)
{
    return 2 * index + 1001;
}

struct ring_model : rl::test_suite<ring_model, SIDES> {
    struct later {
        bool waiting;
        uint32_t number;
        uint32_t value;
        rl::memory_order order;
    };

    /* Lend their addresses. */
    ring_words words;
    uint32_t slots[MOST_ENTRIES];

    rl::atomic<uint32_t> word_values[WORDS];
    rl::var<uint32_t> slot_values[MOST_ENTRIES];
    rl::atomic<uint32_t> pending[SIDES]; /* the event channel to that side */
    rl::generic_event upcalls[SIDES];
    place at[SIDES];
    later stores[SIDES];
    struct ring ring; /* the frontend's */

    static ring_model *running;

    void before()
    {
        running = this;
        for (int i = 0; i < SIDES; i++) {
            pending[i].store(0, rl::mo_relaxed, $);
            upcalls[i].init(false, false, $);
            at[i] = NOWHERE;
            stores[i].waiting = false;
        }
        for (uint32_t i = 0; i < world->entries; i++)
            slot_values[i]($) = 0;
        ring_init(&ring, &words, world->entries, START);
        ring.req_prod += world->before;
        ring_publish(&ring);
    }

    void after()
    {
        for (int i = 0; i < SIDES; i++)
            upcalls[i].deinit($);
    }

    void thread(unsigned index)
    {
        if (index == FRONTEND)
            frontend();
        else
            backend();
    }

    /* ---- memory ---- */

    static unsigned self()
    {
        return rl::thread_index();
    }

    bool weakened(change what) const
    {
        return weak->what == what && weak->who == self() && weak->where == at[self()];
    }

    /* The ring's words come first, then the slots. */
    uint32_t number_of(const volatile uint32_t *word) const
    {
        if (word >= slots && word < slots + MOST_ENTRIES)
            return WORDS + (uint32_t)(word - slots);
        return (uint32_t)(((uintptr_t)word - (uintptr_t)&words) / sizeof(*word));
    }

    void put(uint32_t number, uint32_t value, rl::memory_order order)
    {
        if (number >= WORDS)
            slot_values[number - WORDS]($) = value;
        else
            word_values[number].store(value, order, $);
    }

    /* What was put off is stored, the access before which it should have been being over. */
    void catch_up()
    {
        later &late = stores[self()];

        if (late.waiting) {
            late.waiting = false;
            put(late.number, late.value, late.order);
        }
    }

    uint32_t load(const volatile uint32_t *word, rl::memory_order order)
    {
        uint32_t number = number_of(word);
        uint32_t value;

        if (number >= WORDS)
            return slot_values[number - WORDS]($);
        value = word_values[number].load(weakened(RELAXED) ? rl::mo_relaxed : order, $);
        catch_up();
        return value;
    }

    void store(const volatile uint32_t *word, uint32_t value, rl::memory_order order)
    {
        uint32_t number = number_of(word);
        later put_off = {true, number, value, order};

        if (weakened(STORE_LATER)) {
            stores[self()] = put_off;
            return;
        }
        put(number, value, weakened(RELAXED) ? rl::mo_relaxed : order);
        if (number < WORDS)
            catch_up();
    }

    void fence()
    {
        if (!weakened(NO_FENCE))
            rl::atomic_thread_fence(rl::mo_seq_cst, $);
    }

    void read_slot(uint32_t index, uint32_t *word)
    {
        at[self()] = SLOT;
        shared_copy_slot_in(word, &slots[index & (world->entries - 1)], sizeof(*word));
    }

    void write_slot(uint32_t index, uint32_t word)
    {
        at[self()] = SLOT;
        shared_copy_slot_out(&slots[index & (world->entries - 1)], &word, sizeof(word));
    }

    bool reads_early() const
    {
        return weak->what == LOAD_EARLIER && weak->who == self();
    }

    /* ---- event channels ---- */

    /* A call of the hypervisor's: nothing comes between its two halves. */
    void wake(side who)
    {
        uint32_t was = pending[who].exchange(1, rl::mo_acq_rel, $);
        rl::preemption_disabler whole(rl::ctx());

        if (was == 0)
            upcalls[who].set($);
    }

    void wait()
    {
        upcalls[self()].wait(false, false, $);
        pending[self()].exchange(0, rl::mo_acq_rel, $);
    }

    /* ---- the frontend: as poll.c ---- */

    void publish_requests()
    {
        at[FRONTEND] = PUBLISH;
        if (ring_publish(&ring))
            wake(BACKEND);
    }

    void submit()
    {
        while (ring.req_prod - START < world->before + world->made && ring_room(&ring) > 0) {
            write_slot(ring.req_prod, request_word(ring.req_prod));
            ring.req_prod++;
            publish_requests();
        }
    }

    int32_t look(uint32_t *early)
    {
        if (reads_early())
            read_slot(ring.rsp_cons, early);
        at[FRONTEND] = LOOK;
        return ring_responses(&ring);
    }

    int32_t arm(uint32_t *early)
    {
        int32_t count;

        if (reads_early())
            read_slot(ring.rsp_cons, early);
        at[FRONTEND] = ARM;
        count = ring_arm(&ring);
        return weakened(NO_SECOND_LOOK) ? 0 : count;
    }

    bool take_responses()
    {
        uint32_t word = 0;
        int32_t count = look(&word);
        bool taken = false;

        while (count != 0) {
            RL_ASSERT(count > 0); /* more responses than were asked for */
            for (int32_t i = 0; i < count; i++) {
                if (!reads_early() || i > 0)
                    read_slot(ring.rsp_cons, &word);
                RL_ASSERT(word == response_word(ring.rsp_cons)); /* a stale slot */
                ring_consumed(&ring);
                taken = true;
            }
            count = arm(&word);
        }
        return taken;
    }

    bool waits_for_answers() const
    {
        return ring.rsp_cons - START < world->answers;
    }

    void frontend()
    {
        submit();
        while (waits_for_answers()) {
            if (take_responses())
                submit();
            if (waits_for_answers())
                wait();
        }
    }

    /* ---- the backend ---- */

    /* Answers the request of that index. */
    void answer(uint32_t index)
    {
        uint32_t event;

        write_slot(index, response_word(index));
        at[BACKEND] = PUBLISH;
        shared_store_release(&words.rsp_prod, index + 1);
        shared_fence();
        event = shared_load_relaxed(&words.rsp_event);
        if (event == index + 1)
            wake(FRONTEND);
    }

    uint32_t look_for_requests(uint32_t consumed, uint32_t *early)
    {
        if (reads_early())
            read_slot(consumed, early);
        at[BACKEND] = LOOK;
        return shared_load_acquire(&words.req_prod);
    }

    uint32_t final_check(uint32_t consumed, uint32_t *early)
    {
        uint32_t produced;

        if (reads_early())
            read_slot(consumed, early);
        at[BACKEND] = ARM;
        shared_store_relaxed(&words.req_event, consumed + 1);
        shared_fence();
        produced = shared_load_acquire(&words.req_prod);
        return weakened(NO_SECOND_LOOK) ? consumed : produced;
    }

    void serve(uint32_t index, uint32_t word)
    {
        RL_ASSERT(word == request_word(index)); /* a stale slot */
        if (index - START < world->answers)
            answer(index);
    }

    void backend()
    {
        uint32_t consumed = START + world->before, produced, word = 0;

        for (uint32_t index = START; index != consumed; index++)
            answer(index);
        if (world->made == 0)
            return;
        produced = look_for_requests(consumed, &word);
        while (consumed - START < world->made) {
            bool early = reads_early();

            if (produced == consumed)
                produced = final_check(consumed, &word);
            if (produced == consumed) {
                wait();
                produced = look_for_requests(consumed, &word);
                continue;
            }
            for (; consumed != produced; consumed++) {
                if (!early)
                    read_slot(consumed, &word);
                early = false;
                serve(consumed, word);
            }
        }
    }
};

ring_model *ring_model::running;

rl::memory_order order_of(int order)
{
    switch (order) {
    case __ATOMIC_ACQUIRE: return rl::mo_acquire;
    case __ATOMIC_RELEASE: return rl::mo_release;
    case __ATOMIC_RELAXED: return rl::mo_relaxed;
    default: return rl::mo_seq_cst;
    }
}

/*
 * What Relacy has to say, as far as it fits. In memory of our own: while a search runs, `new` is
 * Relacy's.
 */
class report : public std::streambuf
{
  public:
    report()
    {
        clear();
    }

    void clear()
    {
        setp(text, text + sizeof(text));
    }

    void print() const
    {
        std::fwrite(text, 1, (size_t)(pptr() - text), stdout);
        std::puts("");
    }

  private:
    char text[128 * 1024];
};

report last_report;

struct outcome {
    rl::test_result_e result;
    unsigned long runs;
};

outcome search(const shape *in, const weakening *with)
{
    last_report.clear();
    std::ostream stream(&last_report);
    rl::test_params params;

    world = in;
    weak = with;
    params.search_type = rl::fair_full_search_scheduler_type;
    params.output_stream = &stream;
    params.progress_stream = &stream;
    rl::simulate<ring_model>(params);
    outcome out = {params.test_result, (unsigned long)params.stop_iteration};
    return out;
}

} // namespace

static uint32_t model_load(const volatile uint32_t *word, int order)
{
    return ring_model::running->load(word, order_of(order));
}

static void model_store(volatile uint32_t *word, uint32_t value, int order)
{
    ring_model::running->store(word, value, order_of(order));
}

static void model_fence()
{
    ring_model::running->fence();
}

static bool holds_as_it_is()
{
    bool good = true;

    for (const shape &in : shapes) {
        outcome out = search(&in, &as_it_is);

        std::printf("%s: %s after %lu runs\n", in.name, rl::test_result_str(out.result), out.runs);
        if (out.result != rl::test_result_success) {
            last_report.print();
            good = false;
        }
    }
    return good;
}

/* In the first of the small worlds that shows it. */
static bool finds(const weakening &with)
{
    for (const shape &in : shapes) {
        outcome out = search(&in, &with);

        if (out.result == rl::test_result_success)
            continue;
        std::printf("%s: %s in run %lu of: %s\n", with.name, rl::test_result_str(out.result),
                    out.runs + 1, in.name);
        if (out.result == with.found_as)
            return true;
        std::printf("expected: %s\n", rl::test_result_str(with.found_as));
        last_report.print();
        return false;
    }
    std::printf("%s: not found\n", with.name);
    return false;
}

int main()
{
    bool good = holds_as_it_is();

    for (const weakening &with : weakenings)
        good = finds(with) && good;
    return good ? 0 : 1;
}
