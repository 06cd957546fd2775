#include <stdio.h>

#include "cli/cli.h"

COMMAND(version, "print the version")
{
    (void)argc;
    (void)argv;
    puts("xenolith 0.1.0");
    return CLI_OK;
}
