// xenolith completion: a script for the shell. Commands come from the table; options from each command's own --help when the
// user asks, so that they cannot drift.
#include <stdio.h>
#include <string.h>

#include "cli/cli.h"
#include "cli/commands.h"

static const char help[] =
    "usage: xenolith completion bash\n"
    "\n"
    "Prints a completion script: commands and their parts, long options and their values, files.\n"
    "\n"
    "Example: source <(xenolith completion bash)\n";

static const char script[] =
    "\"\n"
    "    local command=${COMP_WORDS[1]} before=${COMP_WORDS[COMP_CWORD - 1]} text kinds values\n"
    "    if [ \"$COMP_CWORD\" -eq 1 ]; then\n"
    "        mapfile -t COMPREPLY < <(compgen -W \"$commands\" -- \"$word\")\n"
    "        return\n"
    "    fi\n"
    "    text=$(\"${COMP_WORDS[0]}\" \"$command\" --help 2>/dev/null)\n"
    "    kinds=$(sed -nE \"s/^(usage:|      ) xenolith $command ([a-z]+)( .*)?\\$/\\\\2/p\" <<<\"$text\" | sort -u)\n"
    "    if [ \"$COMP_CWORD\" -gt 2 ] && grep -qx -- \"${COMP_WORDS[2]}\" <<<\"$kinds\"; then\n"
    "        text=$(\"${COMP_WORDS[0]}\" \"$command\" \"${COMP_WORDS[2]}\" --help 2>/dev/null)\n"
    "    fi\n"
    "    values=$(grep -oE -- \"$before [a-z0-9]+([|][a-z0-9]+)+\" <<<\"$text\" | head -n 1 | cut -d ' ' -f 2 | tr '|' ' ')\n"
    "    if [[ $before == --* && -n $values ]]; then\n"
    "        mapfile -t COMPREPLY < <(compgen -W \"$values\" -- \"$word\")\n"
    "    elif [[ $word == -* ]]; then\n"
    "        options=$(grep -oE -- '--[a-z][a-z-]*' <<<\"$text\" | sort -u)\n"
    "        mapfile -t COMPREPLY < <(compgen -W \"$options\" -- \"$word\")\n"
    "    elif [ \"$COMP_CWORD\" -eq 2 ] && [ -n \"$kinds\" ]; then\n"
    "        mapfile -t COMPREPLY < <(compgen -W \"$kinds\" -- \"$word\")\n"
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
