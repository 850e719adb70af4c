/* SPDX-License-Identifier: ISC */
/*
 * What simblk serve says at the end: what the guest has asked for, and rule by rule whether its
 * frontend kept what its backend can see.
 */
#include "report.h"
#include "serve.h"
#include "tool.h"

#include <simback/oracle.h>

#include <inttypes.h>

enum word { KEPT, BROKEN, SHOULD, NOT_SEEN, NOT_JUDGED };

static const char *const words[] = {
    [KEPT] = "kept",
    [BROKEN] = "broken",
    [SHOULD] = "kept, but not its SHOULD",
    [NOT_SEEN] = "not seen",
    [NOT_JUDGED] = "cannot be seen from a backend",
};

static enum word word_of(const struct simback_world *world, unsigned number)
{
    const uint8_t rule = (uint8_t)number;

    if ((simback_rules_judged(world) >> rule & 1) == 0)
        return NOT_JUDGED;
    if (simback_rule_violations(world, rule, false) != 0)
        return BROKEN;
    if (simback_rule_violations(world, rule, true) != 0)
        return SHOULD;
    return simback_rule_checks(world, rule) == 0 ? NOT_SEEN : KEPT;
}

/* The first violation of the rule that was kept; "" if there is none. */
static const char *first_of(const struct simback_world *world, unsigned rule)
{
    const struct simback_violation *violation;

    for (uint32_t i = 0; (violation = simback_violation(world, i)) != NULL; i++) {
        if (violation->rule == rule)
            return violation->text;
    }
    return "";
}

/* ---- for people ---- */

static void print_list(FILE *stream, const struct simback_world *world, enum word word)
{
    bool any = false;

    for (unsigned rule = 1; rule <= SIMBACK_RULES; rule++) {
        if (word_of(world, rule) != word)
            continue;
        if (!any)
            fprintf(stream, "%s:", words[word]);
        fprintf(stream, " I%u", rule);
        any = true;
    }
    if (any)
        fputc('\n', stream);
}

static void print_broken(FILE *stream, const struct simback_world *world, enum word word,
                         bool should)
{
    for (unsigned rule = 1; rule <= SIMBACK_RULES; rule++) {
        if (word_of(world, rule) == word)
            fprintf(stream, "%s, %" PRIu64 " times, first: %s\n", words[word],
                    simback_rule_violations(world, (uint8_t)rule, should), first_of(world, rule));
    }
}

static void print_text(FILE *stream, const struct serve_outcome *outcome)
{
    const struct simback_backend_counters *counters = outcome->counters;

    fprintf(stream,
            "requests: %" PRIu64 " read, %" PRIu64 " write, %" PRIu64 " flush, %" PRIu64
            " barrier, %" PRIu64 " discard, %" PRIu64 " indirect, %" PRIu64 " unknown\n",
            counters->read, counters->write, counters->flush, counters->barrier, counters->discard,
            counters->indirect, counters->unknown);
    fprintf(stream, "answered: %" PRIu64 ", of them %" PRIu64 " with an error\n",
            counters->answered, counters->errors);
    fprintf(stream, "complaints about the frontend: %" PRIu64 "%s%s\n", counters->complaints,
            counters->complaints == 0 ? "" : ", the last: ",
            counters->complaints == 0 ? "" : outcome->complaint);
    fprintf(stream,
            "The rules that its frontend has to keep (simblk explain I2 says what one is):\n");
    print_list(stream, outcome->world, KEPT);
    print_broken(stream, outcome->world, BROKEN, false);
    print_broken(stream, outcome->world, SHOULD, true);
    print_list(stream, outcome->world, NOT_SEEN);
    print_list(stream, outcome->world, NOT_JUDGED);
}

/* ---- for programs ---- */

static void print_rules(FILE *stream, const struct simback_world *world)
{
    fprintf(stream, ",\n \"rules\": [");
    for (unsigned rule = 1; rule <= SIMBACK_RULES; rule++) {
        fprintf(stream,
                "%s\n  {\"rule\": \"I%u\", \"verdict\": \"%s\", \"checks\": %" PRIu64
                ", \"violations\": %" PRIu64 ", \"should\": %" PRIu64 ", \"first\": ",
                rule == 1 ? "" : ",", rule, words[word_of(world, rule)],
                simback_rule_checks(world, (uint8_t)rule),
                simback_rule_violations(world, (uint8_t)rule, false),
                simback_rule_violations(world, (uint8_t)rule, true));
        report_json_text(stream, first_of(world, rule));
        fputc('}', stream);
    }
    fprintf(stream, "]");
}

static void print_json(FILE *stream, const struct serve_outcome *outcome)
{
    const struct simback_backend_counters *counters = outcome->counters;

    fprintf(stream, "{\"format\": \"simblk-serve\", \"version\": 1, \"connected\": %s",
            outcome->connected ? "true" : "false");
    fprintf(stream,
            ",\n \"requests\": {\"read\": %" PRIu64 ", \"write\": %" PRIu64 ", \"flush\": %" PRIu64
            ", \"barrier\": %" PRIu64 ", \"discard\": %" PRIu64 ", \"indirect\": %" PRIu64
            ", \"unknown\": %" PRIu64 "}",
            counters->read, counters->write, counters->flush, counters->barrier, counters->discard,
            counters->indirect, counters->unknown);
    fprintf(stream,
            ",\n \"answered\": %" PRIu64 ", \"errors\": %" PRIu64 ", \"complaints\": %" PRIu64
            ", \"complaint\": ",
            counters->answered, counters->errors, counters->complaints);
    report_json_text(stream, outcome->complaint);
    print_rules(stream, outcome->world);
    fprintf(stream, "}\n");
}

int serve_report(const struct serve_outcome *outcome, bool strict, bool json, FILE *stream)
{
    if (json)
        print_json(stream, outcome);
    else
        print_text(stream, outcome);
    return outcome->connected && outcome->counters->complaints == 0 &&
                   simback_violations(outcome->world, strict) == 0
               ? TOOL_OK
               : TOOL_FAILED;
}
