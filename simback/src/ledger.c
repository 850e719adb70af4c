/* SPDX-License-Identifier: ISC */
/*
 * What a domain holds, for the oracle and for tests: the parts count as they go.
 */
#include "internal.h"

void simback_get_ledger(const struct simback_world *world, uint16_t domid,
                        struct simback_ledger *ledger)
{
    const struct domain *domain = domain_find(world, domid);

    *ledger = domain == NULL ? (struct simback_ledger){0} : domain->ledger;
}
