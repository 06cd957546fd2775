// The small text files that people write: keys.txt, a linker's map, the lab's configuration and its ledger. The first byte says which.
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "cli/parity_config.h"
#include "cli/symbols.h"
#include "fuzz.h"
#include "parity/ledger.h"
#include "xex/keys.h"

static void keys(const char *path)
{
    struct error err = {0};
    struct xex_keys found;
    FUZZ_CHECK(xex_find_keys(&found, NULL, path, &err) || err.message[0]);
}

static void map(const char *path)
{
    struct error err = {0};
    struct symbols l = {0};
    char name[64];
    bool ok = symbols_add_map(&l, path, &err);
    FUZZ_CHECK(ok == (l.count != 0) && (ok || err.message[0]));
    symbols_settle(&l);
    for (size_t i = 0; i < l.count; i++)
        FUZZ_CHECK(symbols_at(&l, l.at[i].address) == &l.at[i] && symbols_describe(&l, l.at[i].address, name, sizeof name) &&
                   (!i || l.at[i - 1].address < l.at[i].address));
    symbols_describe(&l, 0xFFFFFFFF, name, sizeof name);
    symbols_describe(&l, 0, name, sizeof name);
    symbols_finish(&l);
}

static void config(const char *path)
{
    struct error err = {0};
    struct parity_config c;
    if (!parity_config_read(&c, path, &err)) {
        FUZZ_CHECK(err.message[0]);
        return;
    }
    FUZZ_CHECK(c.title && c.reference_count && c.ledger && c.log && (c.executable || c.command));
    char *words = parity_expand(c.command ? c.command : "{log}", &(struct parity_words){.log = c.log, .title = c.title});
    FUZZ_CHECK(words);
    free(words);
    parity_config_free(&c);
}

static void ledger(const char *path)
{
    struct error err = {0};
    struct par_ledger l;
    if (!par_ledger_read(&l, path, &err)) {
        FUZZ_CHECK(err.message[0]);
        return;
    }
    char *line = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&line, &size);
    FUZZ_CHECK(out);
    for (size_t i = 0; i < l.count; i++) { // a row that is printed is read as the same
        struct par_ledger_row again;
        rewind(out);
        par_ledger_print(out, &l.rows[i]);
        FUZZ_CHECK(!fflush(out) && par_ledger_parse(&again, line) && again.matched == l.rows[i].matched && !strcmp(again.title, l.rows[i].title));
    }
    par_ledger_draw_text(out, &l, NULL);
    par_ledger_draw_svg(out, &l, l.count ? l.rows[0].title : NULL);
    fclose(out);
    free(line);
    par_ledger_free(&l);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static void (*const readers[])(const char *path) = {keys, map, config, ledger};
    char path[40];
    if (!size)
        return 0;
    int fd = memfd_create("text", MFD_CLOEXEC);
    FUZZ_CHECK(fd >= 0 && write(fd, data + 1, size - 1) == (ssize_t)size - 1);
    snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
    readers[data[0] % 4](path);
    close(fd);
    return 0;
}
