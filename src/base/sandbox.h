// sandbox.h: gives up, for good and for the whole process, what running a title does not need.
// Life: once, after everything was opened and before the first guest instruction. There is no way back.
// Threads: system calls are restricted for all threads of the process, files for the calling thread and those that it starts later.
// What the host lacks (landlock, seccomp) is left out, and said.
#pragma once
#include <stdbool.h>

enum { SANDBOX_PATHS = 4 };

struct sandbox_request {
    const char *read[SANDBOX_PATHS];  // files and folders that stay readable, with all that lies in them; NULL: none
    const char *write[SANDBOX_PATHS]; // likewise, and files in them may be made, changed and removed
    bool new_code;                    // memory may still be made executable (mmap, mprotect), and files of memory made; else only what already is
};

struct sandbox_state {
    bool files; // no file but those of the request can be opened
    bool calls; // no system call but those of sandbox.def works: no network, no program, no process
    char message[256]; // what holds now and what the host lacks, for a person
};

// In a build with a sanitizer nothing is given up (leak detection needs ptrace), and the message says so.
void sandbox_enter(const struct sandbox_request *request, struct sandbox_state *out);
