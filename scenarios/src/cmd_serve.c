/* SPDX-License-Identifier: ISC */
/*
 * simblk serve: simback as a live backend for a guest's frontend. This file reads the scenario; who
 * serves it is serve_xen.c, or live_none.c where there is no Xen.
 */
#include "serve.h"
#include "tool.h"

#include "scenario/table.h"
#include "step_play.h"
#include "step_values.h"

#include <blkfront/blkif.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Where a backend writes the guest's own words, what the guest has put there is not known any more.
 */
static const char *guests_own(const struct scenario_step *step)
{
    uint64_t offset;

    if (step->opcode == STEP_RING_INDEX) {
        const uint64_t field = scenario_value(step, FIELD_RING_INDEX_FIELD);

        return field == CHOICE_INDEX_REQ_PROD || field == CHOICE_INDEX_RSP_EVENT
                   ? "req_prod and rsp_event are the guest's"
                   : NULL;
    }
    offset = scenario_value(step, FIELD_RING_POKE_OFFSET);
    return offset < BLKIF_WIRE_RING_HEADER ? "the ring's header is moved by `ring index`" : NULL;
}

/* What has no meaning where the guest is the application. */
static const char *misplaced(const struct scenario_step *step)
{
    if (step_play_knows(step))
        return NULL;
    switch (step->opcode) {
    case STEP_BACKEND:
    case STEP_RING_RESPOND: return NULL;
    case STEP_RING_INDEX:
    case STEP_RING_POKE: return guests_own(step);
    case STEP_RUN:
        return scenario_given(step, FIELD_RUN_TIME) ? NULL : "only `run time=...` means something";
    default: return "of the steps only those of the backend have a place here";
    }
}

static bool is_dialect(const struct scenario_step *step)
{
    return step->opcode == STEP_DIALECT ||
           (scenario_row(step->opcode)->flags & SCENARIO_ROW_OF_DIALECT) != 0;
}

static int read_steps(struct serve_options *serve, const char *path)
{
    const struct scenario_program *program = &serve->program;
    bool has_backend = false;

    for (size_t i = 0; i < program->step_count; i++) {
        const struct scenario_step *step = &program->steps[i];
        const char *wrong = misplaced(step);

        if (scenario_dialect_step(&serve->dialects, program, step) != SCENARIO_OK)
            wrong = "what comes of it is no dialect";
        else if (is_dialect(step))
            wrong = NULL;
        if (step->opcode == STEP_BACKEND && has_backend)
            wrong = "there is one device, which has its backend already";
        if (wrong != NULL)
            return tool_error("%s:%u: %s", path, step->position.line, wrong);
        if (step->opcode != STEP_BACKEND)
            continue;
        has_backend = true;
        step_backend(step, &serve->backend);
        serve->backend.dialect = scenario_dialect_of(&serve->dialects, program,
                                                     scenario_value(step, FIELD_BACKEND_DIALECT));
    }
    if (!has_backend || serve->backend.dialect == NULL)
        return tool_error("%s: there is no `backend` of a dialect that is known", path);
    return TOOL_OK;
}

/* What a scenario of the runner must have, an expectation, this one cannot: so it is only parsed.
 */
static int load(struct serve_options *serve, const char *path)
{
    struct scenario_problems problems;
    size_t length = 0;
    char *text = tool_read_file(path, &length);
    int rc = TOOL_OK;

    if (text == NULL)
        return TOOL_USAGE;
    scenario_problems_init(&problems);
    if (scenario_parse(&serve->program, text, length, &problems) != SCENARIO_OK)
        rc = tool_error("%s:%u: %s", path, problems.count != 0 ? problems.list[0].position.line : 0,
                        problems.count != 0 ? problems.list[0].text : "no memory");
    free(text);
    return rc == TOOL_OK ? read_steps(serve, path) : rc;
}

int cmd_serve(int argc, char **argv)
{
    struct serve_options *serve = calloc(1, sizeof(*serve));
    uint64_t domain = 0, vdev = SCENARIO_VDEV_OF_DISK(0);
    int rest = 0, rc;

    if (serve == NULL)
        return tool_error("no memory");
    const struct tool_option options[] = {
        {"--domain", TOOL_NUMBER, "N", "the guest; default 0, this domain itself", &domain, NULL},
        {"--vdev", TOOL_NUMBER, "N", "number of the device; default 51712 (xvda)", &vdev, NULL},
        {"--disk", TOOL_TEXT, "FILE", "an image; default: memory, as large as the scenario says",
         &serve->disk, NULL},
        {"--seconds", TOOL_NUMBER, "N", "how long; default: until a signal or the guest's end",
         &serve->seconds, NULL},
        {"--strict", TOOL_FLAG, NULL, "a broken SHOULD counts, too", &serve->strict, NULL},
        {"--trace", TOOL_FLAG, NULL, "all that happens, as it does", &serve->trace, NULL},
        {"--json", TOOL_FLAG, NULL, "the report at the end alone, for programs", &serve->json,
         NULL},
    };

    simback_backend_options_init(&serve->backend);
    scenario_program_init(&serve->program);
    rc = tool_options(tool_command_find("serve"), options, 7, argc, argv, &rest);
    if (rc == -1 && (rest != 1 || domain > 32767 || vdev > UINT32_MAX))
        rc = tool_error("serve: needs one scenario, a domain and a device that there can be");
    if (rc == -1)
        rc = load(serve, argv[1]);
    if (rc == TOOL_OK && rest == 1) {
        serve->backend.front_domid = (uint16_t)domain;
        serve->backend.vdev = (uint32_t)vdev;
        rc = serve_guest(serve);
    }
    scenario_program_fini(&serve->program);
    free(serve);
    return rc;
}
