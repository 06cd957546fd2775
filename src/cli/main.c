#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "cli/cli.h"
#include "cli/commands.h"

static void usage(FILE *out)
{
    fputs("usage: xenolith COMMAND [ARGUMENTS]\n\n", out);
    for (const struct cmd *c = commands; c->name; c++)
        fprintf(out, "  %-10s %s\n", c->name, c->summary);
    fputs("\n`xenolith COMMAND --help` says more.\n", out);
}

// Output that did not arrive (a full disk) is a failure too.
static int flushed(const struct cmd *c, int status)
{
    if (fflush(stdout) == 0 && !ferror(stdout))
        return status;
    fprintf(stderr, "xenolith %s: standard output: %s\n", c->name, errno ? strerror(errno) : "cannot be written");
    return CLI_ERROR;
}

int main(int argc, char **argv)
{
    if (argc < 2) {
        usage(stderr);
        return CLI_USAGE;
    }
    if (!strcmp(argv[1], "--help") || !strcmp(argv[1], "help")) {
        usage(stdout);
        return CLI_OK;
    }
    for (const struct cmd *c = commands; c->name; c++)
        if (!strcmp(argv[1], c->name))
            return flushed(c, c->run(argc - 1, argv + 1));
    fprintf(stderr, "xenolith: no command '%s'; `xenolith help` lists them\n", argv[1]);
    return CLI_USAGE;
}
