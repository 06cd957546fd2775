// types.h: scalars that gain meaning: guest addresses.
#pragma once
#include <stdint.h>

typedef uint32_t gva; // guest virtual address
typedef uint32_t gpa; // guest physical (bus) address, 0 to 0x1FFFFFFF
