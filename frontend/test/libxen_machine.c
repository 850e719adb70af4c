/* SPDX-License-Identifier: ISC */
/*
 * A folder that looks like a Xen domain's root to the platform, made anew for each test.
 */
#include "libxen_machine.h"

#include "cunit_main.h"
#include "fake_libxen.h"

#include <dirent.h>
#include <sys/stat.h>

static const char pattern[] = "/tmp/simblk-libxen-XXXXXX";

char root[sizeof(pattern)];
char text[BLKFRONT_LIBXEN_TEXT];
char log_text[BLKFRONT_LIBXEN_TEXT];
struct blkfront_libxen *xen;
const struct blkfront_platform *platform;

static unsigned files_at_begin;

const char *below(const char *path)
{
    static char whole[256];

    snprintf(whole, sizeof(whole), "%s%s", root, path);
    return whole;
}

void put_file(const char *path, const char *content)
{
    FILE *file = fopen(below(path), "w");

    CU_ASSERT_PTR_NOT_NULL_FATAL(file);
    fputs(content, file);
    fclose(file);
}

static void make_root(void)
{
    static const char *const folders[] = {"/dev",
                                          "/dev/xen",
                                          "/sys",
                                          "/sys/hypervisor",
                                          "/sys/module",
                                          "/sys/module/xen_gntalloc",
                                          "/sys/module/xen_gntalloc/parameters",
                                          "/sys/bus",
                                          "/sys/bus/xen",
                                          "/sys/bus/xen/devices"};

    snprintf(root, sizeof(root), "%s", pattern);
    if (mkdtemp(root) == NULL)
        abort();
    for (size_t i = 0; i < sizeof(folders) / sizeof(folders[0]); i++)
        mkdir(below(folders[i]), 0755);
    put_file("/sys/hypervisor/type", "xen\n");
    put_file("/dev/xen/gntalloc", "");
    put_file("/dev/xen/evtchn", "");
    put_file("/sys/module/xen_gntalloc/parameters/limit", "1024\n");
}

static void remove_root(void)
{
    char command[64];

    snprintf(command, sizeof(command), "rm -rf %s", root);
    if (system(command) != 0)
        abort();
}

/* Of this process, with the one that looks: the same each time. */
static unsigned open_files(void)
{
    DIR *folder = opendir("/proc/self/fd");
    unsigned count = 0;

    if (folder == NULL)
        abort();
    while (readdir(folder) != NULL)
        count++;
    closedir(folder);
    return count;
}

static void keep_line(void *context, const char *line)
{
    (void)context;
    snprintf(log_text, sizeof(log_text), "%s", line);
}

void begin(void)
{
    xen = NULL;
    text[0] = '\0';
    log_text[0] = '\0';
    make_root();
    fake_libxen_reset();
    files_at_begin = open_files();
}

int try_open(void)
{
    const struct blkfront_libxen_options options = {.log = keep_line, .root = root};

    text[0] = '\0';
    return blkfront_libxen_open(&options, &xen, text);
}

void open_it(void)
{
    CU_ASSERT_EQUAL_FATAL(try_open(), 0);
    platform = blkfront_libxen_platform(xen);
}

bool ledger_is_empty(void)
{
    struct blkfront_libxen_ledger ledger, nothing;

    memset(&nothing, 0, sizeof(nothing));
    blkfront_libxen_get_ledger(xen, &ledger);
    return memcmp(&ledger, &nothing, sizeof(ledger)) == 0;
}

static bool nothing_is_open(void)
{
    return fake_libxen.stores == 0 && fake_libxen.grant_handles == 0 &&
           fake_libxen.event_handles == 0 && fake_libxen.shared_pages == 0 &&
           fake_libxen.ports == 0 && fake_libxen.watches == 0 && fake_libxen.transactions == 0;
}

void end(void)
{
    blkfront_libxen_close(xen);
    CU_ASSERT(nothing_is_open());
    CU_ASSERT_EQUAL(open_files(), files_at_begin);
    remove_root();
}
