#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "cli/cli.h"

static const char help[] = "usage: xenolith version\n\nPrints name and version.\n\nExample: xenolith version\n";

COMMAND(version, "print the version")
{
    if (argc > 1) {
        bool asked = argc == 2 && !strcmp(argv[1], "--help");
        fputs(help, asked ? stdout : stderr);
        return asked ? CLI_OK : CLI_USAGE;
    }
    puts("xenolith 0.1.0");
    return CLI_OK;
}
