/* SPDX-License-Identifier: ISC */
/*
 * I10: each node that a frontend may publish, wrong, missing, too much, and right.
 */
#include "cunit_main.h"
#include "puppet.h"

#include <stdio.h>
#include <stdlib.h>

static struct puppet puppet;

static void set_up(void)
{
    memset(&puppet, 0, sizeof(puppet));
    puppet_begin(&puppet);
}

static void tear_down(void)
{
    puppet_end(&puppet);
}

static void opened(void)
{
    puppet_run(&puppet);
    puppet_open(&puppet);
    CU_ASSERT_EQUAL(puppet_read_back(&puppet, "state"), 2);
}

/* As the toolstack, or anybody with its rights, could. */
static void write_as_dom0(const char *directory, const char *node, const char *value)
{
    char path[160];

    snprintf(path, sizeof(path), "/local/domain/%s/%s", directory, node);
    CU_ASSERT_EQUAL(simback_store_write(puppet.world, path, value, strlen(value)), 0);
}

static void write_front(const char *node, const char *value)
{
    write_as_dom0("1/device/vbd/51712", node, value);
}

static void write_back(const char *node, const char *value)
{
    write_as_dom0("0/backend/vbd/1/51712", node, value);
}

static void i10_as_it_should_be(void)
{
    opened();
    puppet_publish(&puppet, "3");
    puppet_expect_none(&puppet);
    CU_ASSERT_EQUAL(simback_rule_checks(puppet.world, 10), 1);
}

static void i10_a_ring_of_several_pages(void)
{
    puppet.order = 2;
    opened();
    puppet_publish(&puppet, "3");
    puppet_expect_none(&puppet);
}

/* What the puppet publishes, and what else is found then. */
static const struct {
    const char *node, *value;
    bool should;
    const char *text; /* "": nothing is wrong with it */
} beside[] = {
    {"ring-page-order", "0", false, "ring-ref0 is not there"},
    {"ring-page-order", "none", false, "ring-page-order is no number"},
    {"num-ring-pages", "3", false, "num-ring-pages is 3, no power of two"},
    {"num-ring-pages", "0", false, "num-ring-pages is 0, no power of two"},
    {"num-ring-pages", "1", false, ""},
    {"multi-queue-num-queues", "1", false, ""},
    {"multi-queue-num-queues", "0", false, "0 queues are published"},
    {"multi-queue-num-queues", "2", false, "2 queues are published, the backend offers 1"},
    {"multi-queue-num-queues", "x", false, "multi-queue-num-queues is no number"},
    {"feature-persistent", "1", false, ""},
    {"feature-persistent", "2", false, "feature-persistent is 2"},
    {"feature-persistent", "yes", false, "feature-persistent is no number"},
    {"ring-ref3", "8", true, "ring-ref3 is there, and belongs to no ring"},
    {"queue-1/ring-ref", "8", true, "queue-1 is there, and belongs to no ring"},
    {"feature-large-sector-size", "1", false, ""},
};

static void i10_a_node_beside(void)
{
    for (size_t i = 0; i < sizeof(beside) / sizeof(beside[0]); i++) {
        puppet_end(&puppet);
        puppet_begin(&puppet);
        opened();
        write_front(beside[i].node, beside[i].value);
        puppet_publish(&puppet, "3");
        if (beside[i].text[0] == '\0')
            puppet_expect_none(&puppet);
        else
            puppet_expect(&puppet, 10, beside[i].should, beside[i].text);
    }
}

/* What is wrong with the puppet's own nodes: written after them, in the same transaction. */
static const struct {
    const char *node, *value;
    const char *text;
} instead[] = {
    {"protocol", "x86_16-abi", "protocol is neither"},
    {"protocol", "a protocol with a long name", "protocol is neither"},
    {"ring-ref", "none", "ring-ref is no number"},
    {"ring-ref", "4294967296", "which is no grant"},
    {"ring-ref", "4000", "which is no grant"},
    {"event-channel", "", "event-channel is no number"},
};

static void publish_with(const char *node, const char *value)
{
    const struct blkfront_platform *platform = puppet.platform;

    CU_ASSERT_EQUAL(platform->transaction_start(puppet.context, &puppet.transaction), 0);
    puppet_write_nodes(&puppet);
    if (value != NULL)
        puppet_write(&puppet, node, value);
    else
        puppet_remove(&puppet, node);
    puppet_write(&puppet, "state", "3");
    CU_ASSERT_EQUAL(platform->transaction_end(puppet.context, puppet.transaction, true), 0);
    puppet.transaction = 0;
}

static void i10_a_node_that_is_wrong(void)
{
    for (size_t i = 0; i < sizeof(instead) / sizeof(instead[0]); i++) {
        puppet_end(&puppet);
        puppet_begin(&puppet);
        opened();
        publish_with(instead[i].node, instead[i].value);
        puppet_expect(&puppet, 10, false, instead[i].text);
    }
}

/* Its frontend goes on with the one that it has read; and one that there may be is another. */
static void i10_a_backend_id_that_is_no_domains(void)
{
    static const char path[] = "/local/domain/1/device/vbd/51712/backend-id";
    char value[8];
    size_t length;

    opened();
    CU_ASSERT_EQUAL(
        puppet.platform->store_read(puppet.context, 0, path, value, sizeof(value), &length), 0);
    simback_store_write(puppet.world, path, "32752", 5);
    puppet_publish(&puppet, "3");
    puppet_expect_none(&puppet);
    puppet_end(&puppet);
    puppet_begin(&puppet);
    opened();
    simback_store_write(puppet.world, path, "32751", 5);
    CU_ASSERT_EQUAL(
        puppet.platform->store_read(puppet.context, 0, path, value, sizeof(value), &length), 0);
    puppet_publish(&puppet, "3");
    puppet_expect_nth(&puppet, 0, 10, "which domain 32751 cannot map for writing");
}

/* It may have read the one before, when nobody knew who reads. */
static void i10_a_backend_id_that_changes_behind_a_watch(void)
{
    static const char path[] = "/local/domain/1/device/vbd/51712/backend-id";

    opened();
    simback_store_write(puppet.world, path, "32751", 5);
    puppet_publish(&puppet, "3");
    puppet_expect_none(&puppet);
}

static void i10_a_grant_that_cannot_be_mapped(void)
{
    char ref[16];

    opened();
    snprintf(ref, sizeof(ref), "%u", puppet.refs[2]); /* read-only */
    publish_with("ring-ref", ref);
    puppet_expect(&puppet, 10, false, "which domain 0 cannot map for writing");
}

static void i10_a_node_that_is_missing(void)
{
    static const char *const nodes[] = {"ring-ref", "event-channel"};

    for (size_t i = 0; i < sizeof(nodes) / sizeof(nodes[0]); i++) {
        puppet_end(&puppet);
        puppet_begin(&puppet);
        opened();
        publish_with(nodes[i], NULL);
        puppet_expect(&puppet, 10, false, "is not there");
    }
}

static void i10_no_protocol_is_a_should(void)
{
    opened();
    publish_with("protocol", NULL);
    puppet_expect(&puppet, 10, true, "no protocol is published");
}

static void i10_no_protocol_with_a_backend_that_assumes_another(void)
{
    static const struct {
        enum simback_default_abi abi;
        const char *said;
    } backends[] = {
        {SIMBACK_DEFAULT_ABI_32, "no protocol is published: this backend assumes x86_32-abi"},
        {SIMBACK_DEFAULT_ABI_NONE, "no protocol is published: this backend does not connect then"},
    };

    for (size_t i = 0; i < sizeof(backends) / sizeof(backends[0]); i++) {
        struct simback_dialect dialect = *simback_dialect_find("linux");
        struct simback_backend_options options;

        dialect.default_abi = (uint8_t)backends[i].abi;
        simback_backend_options_init(&options);
        options.dialect = &dialect;
        puppet_end(&puppet);
        puppet_begin(&puppet);
        puppet.backend = simback_world_restart_backend(puppet.world, &options);
        opened();
        publish_with("protocol", NULL);
        puppet_expect(&puppet, 10, false, backends[i].said);
        puppet_end(&puppet);
        puppet_begin(&puppet);
    }
}

static void i10_more_than_the_backend_offers(void)
{
    puppet.order = 2;
    opened();
    write_back("max-ring-page-order", "1");
    puppet_publish(&puppet, "3");
    puppet_expect(&puppet, 10, false, "a ring of order 2 is published, the backend offers 1");
}

/* Its directory names another backend by now, of which it has not heard: what it has read counts.
 */
static void publish_beside(const char *offered)
{
    puppet.order = 2;
    opened();
    write_back("max-ring-page-order", offered);
    CU_ASSERT_EQUAL(puppet_read_back(&puppet, "max-ring-page-order"), atoi(offered));
    write_front("backend", "/local/domain/0/backend/vbd/1/51712/other");
    puppet_publish(&puppet, "3");
}

static void i10_as_much_as_it_has_read_of(void)
{
    publish_beside("2");
    puppet_expect_none(&puppet);
}

static void i10_more_than_it_has_read_of(void)
{
    publish_beside("1");
    puppet_expect(&puppet, 10, false, "a ring of order 2 is published, the backend offers 1");
}

static void i10_an_offer_in_pages(void)
{
    puppet.order = 2;
    opened();
    write_back("max-ring-page-order", "none");
    write_back("max-ring-pages", "4");
    puppet_publish(&puppet, "3");
    puppet_expect_none(&puppet);
}

static void i10_one_spelling_is_a_should(void)
{
    puppet.order = 2;
    opened();
    publish_with("num-ring-pages", NULL);
    puppet_expect(&puppet, 10, true, "published in one spelling only");
}

static void i10_spellings_that_differ(void)
{
    puppet.order = 2;
    opened();
    publish_with("num-ring-pages", "8");
    puppet_expect(&puppet, 10, false, "num-ring-pages is 8 beside a ring-page-order of 2");
}

static void i10_the_pages_alone(void)
{
    puppet.order = 2;
    opened();
    publish_with("ring-page-order", NULL);
    puppet_expect(&puppet, 10, true, "published in one spelling only");
}

static void i10_ring_ref_beside_ring_ref0(void)
{
    puppet.order = 2;
    opened();
    write_front("ring-ref", "8");
    puppet_publish(&puppet, "3");
    puppet_expect(&puppet, 10, true, "ring-ref is there beside ring-ref0");
}

static void i10_two_queues_and_a_ring_at_the_top(void)
{
    opened();
    write_back("multi-queue-max-queues", "2");
    for (unsigned i = 0; i < 2; i++) {
        char node[32], value[16];

        snprintf(node, sizeof(node), "queue-%u/ring-ref", i);
        snprintf(value, sizeof(value), "%u", i == 0 ? puppet.ring_refs[0] : puppet.refs[0]);
        puppet_write(&puppet, node, value);
        snprintf(node, sizeof(node), "queue-%u/event-channel", i);
        puppet_write(&puppet, node, "1");
    }
    publish_with("multi-queue-num-queues", "2");
    CU_ASSERT_EQUAL(simback_violations(puppet.world, false), 2);
    CU_ASSERT_PTR_NOT_NULL(
        strstr(simback_violation(puppet.world, 0)->text, "ring-ref is published beside 2 queues"));
    CU_ASSERT_PTR_NOT_NULL(strstr(simback_violation(puppet.world, 1)->text,
                                  "event-channel is published beside 2 queues"));
}

static void i10_a_transaction_that_did_not_come_about_is_forgotten(void)
{
    const struct blkfront_platform *platform = puppet.platform;

    opened();
    CU_ASSERT_EQUAL(platform->transaction_start(puppet.context, &puppet.transaction), 0);
    puppet_write_nodes(&puppet);
    CU_ASSERT_EQUAL(platform->transaction_end(puppet.context, puppet.transaction, false), 0);
    puppet.transaction = 0;
    puppet_publish(&puppet, "3");
    puppet_expect_none(&puppet);
}

static void i10_nodes_outside_of_the_transaction(void)
{
    opened();
    puppet_write(&puppet, "event-channel", "7");
    puppet_publish(&puppet, "3");
    puppet_expect(&puppet, 10, true, "were not written in one transaction");
}

static void i10_connected_at_once_is_judged_too(void)
{
    opened();
    write_front("num-ring-pages", "3");
    puppet_publish(&puppet, "4");
    puppet_expect(&puppet, 10, false, "no power of two");
}

static const struct unit_test tests[] = {
    UNIT_TEST(i10_as_it_should_be),
    UNIT_TEST(i10_a_ring_of_several_pages),
    UNIT_TEST(i10_a_node_beside),
    UNIT_TEST(i10_a_node_that_is_wrong),
    UNIT_TEST(i10_a_backend_id_that_is_no_domains),
    UNIT_TEST(i10_a_backend_id_that_changes_behind_a_watch),
    UNIT_TEST(i10_a_grant_that_cannot_be_mapped),
    UNIT_TEST(i10_a_node_that_is_missing),
    UNIT_TEST(i10_no_protocol_is_a_should),
    UNIT_TEST(i10_no_protocol_with_a_backend_that_assumes_another),
    UNIT_TEST(i10_more_than_the_backend_offers),
    UNIT_TEST(i10_as_much_as_it_has_read_of),
    UNIT_TEST(i10_more_than_it_has_read_of),
    UNIT_TEST(i10_an_offer_in_pages),
    UNIT_TEST(i10_one_spelling_is_a_should),
    UNIT_TEST(i10_spellings_that_differ),
    UNIT_TEST(i10_the_pages_alone),
    UNIT_TEST(i10_ring_ref_beside_ring_ref0),
    UNIT_TEST(i10_two_queues_and_a_ring_at_the_top),
    UNIT_TEST(i10_a_transaction_that_did_not_come_about_is_forgotten),
    UNIT_TEST(i10_nodes_outside_of_the_transaction),
    UNIT_TEST(i10_connected_at_once_is_judged_too),
};
UNIT_MAIN_WITH("oracle: negotiation", set_up, tear_down, tests)
