#include "cli/json.h"

#include <stdio.h>
#include <stdlib.h>

#include "cli/cli.h"

json_object *cli_json(json_object *made)
{
    if (made)
        return made;
    fputs("xenolith: out of memory\n", stderr);
    exit(CLI_ERROR);
}
