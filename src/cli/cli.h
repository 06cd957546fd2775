// cli.h: the command line's commands: one file cmd_<name>.c each, found by name at build time.
#pragma once

// Exit statuses of the program itself; 0-99 of `run` are the title's own.
enum cli_status {
    CLI_OK = 0,
    CLI_FAILED = 1,       // the command ran and its answer is "no" (a failed case, a difference)
    CLI_USAGE = 2,        // bad arguments
    CLI_ERROR = 100,      // a host failure: file missing, malformed, out of memory
    CLI_GUEST_CRASH = 101,// the title faulted, trapped or ran an illegal instruction
    CLI_MISSING = 102,    // the title called an absent export and --on-missing is stop
    CLI_TIMEOUT = 103,    // --max-time passed
    CLI_WEDGED = 104,     // every thread waits and nothing can wake one
};

// A command: argv[0] is its name. Prints for people to stdout, errors to stderr, and returns the exit status.
typedef int cmd_function(int argc, char **argv);

struct cmd {
    const char *name;
    cmd_function *run;
    const char *summary;
};

// Each cmd_<name>.c has, behind its includes, one line `COMMAND(name, "summary")` and then the body of the function.
#define COMMAND(name, summary)  \
    cmd_function cmd_##name;    \
    int cmd_##name(int argc, char **argv)
