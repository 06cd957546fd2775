#include "cli/cache_folder.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

const char *cli_cache_folder(const char *option, char *buffer, size_t size)
{
    const char *cache = getenv("XDG_CACHE_HOME"), *home = getenv("HOME");
    if (option)
        return strcmp(option, "none") ? option : NULL;
    int n = -1;
    if (cache && *cache == '/') // the standard ignores relative ones
        n = snprintf(buffer, size, "%s/xenolith", cache);
    else if (home && *home)
        n = snprintf(buffer, size, "%s/.cache/xenolith", home);
    return n > 0 && (size_t)n < size ? buffer : NULL;
}
