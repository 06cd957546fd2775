// commands.h: the generated table of commands.
#pragma once
#include "cli/cli.h"

extern const struct cmd commands[]; // ends with a NULL name
