// parity_config.h: what `xenolith parity` runs and compares: a JSON file, docs/parity-ledger.md.
// Life: parity_config_read, parity_config_free.
#pragma once
#include <stdbool.h>
#include <stddef.h>

#include "base/error.h"
#include "parity/parity.h"

enum { PARITY_MAX_LIST = 32 };

struct parity_config {
    char *folder;     // of the file: relative paths start there
    char *title;      // name in the ledger
    char *executable; // NULL where a command needs none
    char *command;    // template that leaves a log at {log}; NULL: this program runs the executable
    char *bisect_command, *build; // templates, bisect only; NULL: `command`, none
    char *ledger, *log;
    char *options[PARITY_MAX_LIST]; // of xenolith run
    size_t option_count;
    char *references[PARITY_MAX_LIST];
    size_t reference_count;
    struct par_options compare;
};

bool parity_config_read(struct parity_config *out, const char *path, struct error *err);
void parity_config_free(struct parity_config *c);

// What a template's words become; NULL ones become nothing. Values are quoted for the shell.
struct parity_words {
    const char *log, *executable, *title, *worktree, *commit;
};
// malloc'd, or NULL without memory. Unknown words in braces stay as they are.
char *parity_expand(const char *template, const struct parity_words *words);

// Runs a shell command in `folder` (NULL: here), its output on standard error. The exit status, -1: could not be run.
int parity_shell(const char *command, const char *folder);
// The first line that a program prints, in `folder`; argv ends with NULL. False: it failed.
bool parity_first_line(char *out, size_t size, const char *folder, const char *const *argv);
// Leaves a log at c->log: by the command or by running the executable.
bool parity_make_log(const struct parity_config *c, struct error *err);
