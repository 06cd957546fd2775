// xenolith completion: a script for the shell. Commands come from the table; options from each command's own --help when the
// user asks, so that they cannot drift.
#include <stdio.h>
#include <string.h>

#include "cli/cli.h"
#include "cli/commands.h"

static const char help[] =
    "usage: xenolith completion bash\n"
    "\n"
    "Prints a completion script: commands, their long options, files.\n"
    "\n"
    "Example: source <(xenolith completion bash)\n";

static const char script[] =
    "\"\n"
    "    if [ \"$COMP_CWORD\" -eq 1 ]; then\n"
    "        mapfile -t COMPREPLY < <(compgen -W \"$commands\" -- \"$word\")\n"
    "    elif [[ $word == -* ]]; then\n"
    "        options=$(\"${COMP_WORDS[0]}\" \"${COMP_WORDS[1]}\" --help 2>/dev/null | grep -oE -- '--[a-z][a-z-]*' | sort -u)\n"
    "        mapfile -t COMPREPLY < <(compgen -W \"$options\" -- \"$word\")\n"
    "    else\n"
    "        mapfile -t COMPREPLY < <(compgen -f -- \"$word\")\n"
    "    fi\n"
    "}\n"
    "complete -o filenames -F _xenolith xenolith\n";

COMMAND(completion, "print a completion script for bash")
{
    if (argc == 2 && !strcmp(argv[1], "--help")) {
        fputs(help, stdout);
        return CLI_OK;
    }
    if (argc != 2 || strcmp(argv[1], "bash") != 0) {
        fputs(help, stderr);
        return CLI_USAGE;
    }
    fputs("_xenolith()\n{\n    local word=${COMP_WORDS[COMP_CWORD]} options commands=\"help", stdout);
    for (const struct cmd *c = commands; c->name; c++)
        printf(" %s", c->name);
    fputs(script, stdout);
    return CLI_OK;
}
