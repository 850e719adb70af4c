/* SPDX-License-Identifier: ISC */
/*
 * What a domain holds, for the oracle and for tests: the parts count as they go.
 */
#include "internal.h"

#include <string.h>

void simback_get_ledger(const struct simback_world *world, uint16_t domid,
                        struct simback_ledger *ledger)
{
    const struct domain *domain = domain_find(world, domid);

    memset(ledger, 0, sizeof(*ledger));
    if (domain != NULL)
        *ledger = domain->ledger;
}
