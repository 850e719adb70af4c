/* SPDX-License-Identifier: ISC */
/*
 * A backend alone: see the header.
 */
#include "alone.h"

struct fake_device device;

void set_up(void)
{
    fake_device_init(&device);
}

void set_up_connected(void)
{
    set_up();
    fake_connect(&device);
}

void tear_down(void)
{
    simback_backend_destroy(device.backend);
    device.backend = NULL;
    CU_ASSERT_EQUAL(device.host.mapped, 0);
    CU_ASSERT_EQUAL(device.host.wrong, 0);
    CU_ASSERT_FALSE(device.host.watching);
    for (uint32_t i = 0; i < FAKE_PORTS; i++)
        CU_ASSERT_FALSE(device.host.port_bound[i]);
    fake_device_fini(&device);
    CU_ASSERT_EQUAL(device.host.allocations, 0);
}

void again(const struct simback_dialect *dialect)
{
    tear_down();
    set_up();
    fake_use(&device, dialect);
}

void front(unsigned state)
{
    fake_front_state(&device, state);
    CU_ASSERT_TRUE(fake_settle(&device));
}

void front_node(const char *name, const char *value)
{
    char path[FAKE_PATH];

    snprintf(path, sizeof(path), FAKE_FRONT "/%s", name);
    fake_put(&device.host, path, value);
}

void back_is(unsigned state)
{
    if (fake_back_state(&device) != state)
        printf("\n    %s is in %u, expected %u", device.options.dialect->name,
               fake_back_state(&device), state);
    CU_ASSERT_EQUAL(fake_back_state(&device), state);
}

bool complains(const char *words)
{
    const bool found = strstr(simback_backend_complaint(device.backend), words) != NULL;

    if (!found)
        printf("\n    \"%s\" not in: %s", words, simback_backend_complaint(device.backend));
    return found;
}

uint64_t complaints(void)
{
    struct simback_backend_counters now;

    simback_backend_get_counters(device.backend, &now);
    return now.complaints;
}

struct simback_fault any_request(enum simback_fault_action action)
{
    return (struct simback_fault){
        .ops = SIMBACK_FAULT_ANY, .last_512 = UINT64_MAX, .percent = 100, .action = action};
}

void add_fault(const struct simback_fault *fault)
{
    CU_ASSERT_EQUAL(simback_backend_add_fault(device.backend, fault), 0);
}
