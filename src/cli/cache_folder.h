// cache_folder.h: where compiled code is kept.
#pragma once
#include <stddef.h>

// What --cache says: NULL (nothing said): xenolith/ in $XDG_CACHE_HOME, else in ~/.cache; "none", or no home: NULL.
const char *cli_cache_folder(const char *option, char *buffer, size_t size);
