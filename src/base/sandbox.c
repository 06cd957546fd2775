#include "base/sandbox.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define SANITIZED 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer) || __has_feature(memory_sanitizer)
#define SANITIZED 1
#endif
#endif
#ifndef SANITIZED
#define SANITIZED 0
#endif

// ---- Files: landlock. Its numbers are here, because the C library's headers may be older than the kernel.

enum {
    ACCESS_EXECUTE = 1 << 0,
    ACCESS_WRITE_FILE = 1 << 1,
    ACCESS_READ_FILE = 1 << 2,
    ACCESS_READ_DIR = 1 << 3,
    ACCESS_REMOVE_DIR = 1 << 4,
    ACCESS_REMOVE_FILE = 1 << 5,
    ACCESS_MAKE_DIR = 1 << 7,
    ACCESS_MAKE_REG = 1 << 8,
    ACCESS_REFER = 1 << 13,
    ACCESS_TRUNCATE = 1 << 14,
    ACCESS_READ = ACCESS_READ_FILE | ACCESS_READ_DIR,
    ACCESS_CHANGE = ACCESS_WRITE_FILE | ACCESS_REMOVE_DIR | ACCESS_REMOVE_FILE | ACCESS_MAKE_DIR | ACCESS_MAKE_REG | ACCESS_REFER | ACCESS_TRUNCATE,
    ACCESS_FILE = ACCESS_READ_FILE | ACCESS_WRITE_FILE | ACCESS_TRUNCATE, // what a rule on a file, not a folder, may have
    NET_ALL = 3,   // bind and connect of TCP
    SCOPE_ALL = 3, // abstract sockets and signals to other processes
    RULE_PATH_BENEATH = 1,
    ASK_VERSION = 1,
};

struct ruleset {
    uint64_t files, net, scoped;
};

struct path_rule {
    uint64_t allowed;
    int32_t folder;
} __attribute__((packed));

// What each version of landlock can refuse.
static uint64_t known_access(long version)
{
    return version < 2 ? (1 << 13) - 1 : version < 3 ? (1 << 14) - 1 : version < 5 ? (1 << 15) - 1 : (1 << 16) - 1;
}

static size_t ruleset_bytes(long version)
{
    return version < 4 ? offsetof(struct ruleset, net) : version < 6 ? offsetof(struct ruleset, scoped) : sizeof(struct ruleset);
}

// A path that is not there cannot be opened anyway.
static bool allow(int ruleset, const char *path, uint64_t access)
{
    struct stat st;
    struct path_rule rule = {.allowed = access, .folder = open(path, O_PATH | O_CLOEXEC)};
    if (rule.folder < 0)
        return true;
    if (!fstat(rule.folder, &st) && !S_ISDIR(st.st_mode))
        rule.allowed &= ACCESS_FILE;
    bool ok = !rule.allowed || !syscall(SYS_landlock_add_rule, ruleset, RULE_PATH_BENEATH, &rule, 0);
    close(rule.folder);
    return ok;
}

static bool allow_all(int ruleset, const struct sandbox_request *request, uint64_t known)
{
    bool ok = true;
    for (unsigned i = 0; i < SANDBOX_PATHS; i++) {
        if (request->read[i])
            ok = ok && allow(ruleset, request->read[i], ACCESS_READ & known);
        if (request->write[i])
            ok = ok && allow(ruleset, request->write[i], (ACCESS_READ | ACCESS_CHANGE) & known);
    }
    return ok;
}

static bool restrict_files(const struct sandbox_request *request)
{
    long version = syscall(SYS_landlock_create_ruleset, NULL, 0, ASK_VERSION);
    if (version < 1)
        return false;
    struct ruleset all = {.files = known_access(version), .net = NET_ALL, .scoped = SCOPE_ALL};
    int ruleset = (int)syscall(SYS_landlock_create_ruleset, &all, ruleset_bytes(version), 0);
    if (ruleset < 0)
        return false;
    bool ok = allow_all(ruleset, request, all.files) && !syscall(SYS_landlock_restrict_self, ruleset, 0);
    int number = errno;
    close(ruleset);
    errno = number;
    return ok;
}

// ---- System calls: a seccomp filter

enum check { ANY, WITH_CODE, NO_CODE, THREAD, TERMINAL, SELF, ITSELF, ABSENT };

static const struct {
    uint16_t number;
    uint8_t check;
} calls[] = {
#define CALL(name, check) {SYS_##name, check},
#include "base/sandbox.def"
#undef CALL
};

enum { CALLS = sizeof calls / sizeof *calls, LONGEST = 7, PROGRAM = 8 + CALLS * LONGEST };

struct program {
    struct sock_filter at[PROGRAM];
    unsigned short count;
};

static void put(struct program *p, uint16_t code, uint32_t value, uint8_t yes, uint8_t no)
{
    p->at[p->count++] = (struct sock_filter){code, yes, no, value};
}

static void load(struct program *p, size_t offset)
{
    put(p, BPF_LD | BPF_W | BPF_ABS, (uint32_t)offset, 0, 0);
}

static void answer(struct program *p, uint32_t value)
{
    put(p, BPF_RET | BPF_K, value, 0, 0);
}

// The low half of an argument, whose values all fit there.
static void load_argument(struct program *p, unsigned i)
{
    load(p, offsetof(struct seccomp_data, args) + 8 * i);
}

// The instructions for one call whose number matched; they end with an answer on every way.
static void put_check(struct program *p, enum check check, bool new_code)
{
    const uint32_t refuse = SECCOMP_RET_ERRNO | EPERM;
    switch (check) {
    case WITH_CODE:
        if (!new_code) {
            answer(p, refuse);
            return;
        }
        break;
    case NO_CODE:
        if (new_code)
            break;
        load_argument(p, 2);
        put(p, BPF_JMP | BPF_JSET | BPF_K, PROT_EXEC, 0, 1);
        answer(p, refuse);
        break;
    case THREAD:
        load_argument(p, 0);
        put(p, BPF_JMP | BPF_JSET | BPF_K, CLONE_THREAD, 1, 0);
        answer(p, refuse);
        break;
    case TERMINAL:
        load_argument(p, 1);
        put(p, BPF_JMP | BPF_JEQ | BPF_K, TCGETS, 2, 0);
        put(p, BPF_JMP | BPF_JEQ | BPF_K, TIOCGWINSZ, 1, 0);
        answer(p, refuse);
        break;
    case SELF:
        load_argument(p, 0);
        put(p, BPF_JMP | BPF_JEQ | BPF_K, (uint32_t)getpid(), 1, 0);
        answer(p, refuse);
        break;
    case ITSELF:
        load_argument(p, 0);
        put(p, BPF_JMP | BPF_JEQ | BPF_K, 0, 0, 2);
        load_argument(p, 1);
        put(p, BPF_JMP | BPF_JEQ | BPF_K, 0, 1, 0);
        answer(p, refuse);
        break;
    case ABSENT:
        answer(p, SECCOMP_RET_ERRNO | ENOSYS);
        return;
    case ANY:
        break;
    }
    answer(p, SECCOMP_RET_ALLOW);
}

static void build(struct program *p, bool new_code)
{
    enum { X32 = 0x40000000 };
    p->count = 0;
    load(p, offsetof(struct seccomp_data, arch));
    put(p, BPF_JMP | BPF_JEQ | BPF_K, AUDIT_ARCH_X86_64, 1, 0);
    answer(p, SECCOMP_RET_KILL_PROCESS);
    load(p, offsetof(struct seccomp_data, nr));
    put(p, BPF_JMP | BPF_JGE | BPF_K, X32, 0, 1);
    answer(p, SECCOMP_RET_ERRNO | EPERM);
    for (unsigned i = 0; i < CALLS; i++) {
        unsigned test = p->count;
        put(p, BPF_JMP | BPF_JEQ | BPF_K, calls[i].number, 0, 0);
        put_check(p, (enum check)calls[i].check, new_code);
        p->at[test].jf = (uint8_t)(p->count - test - 1);
    }
    answer(p, SECCOMP_RET_ERRNO | EPERM);
}

static bool restrict_calls(bool new_code)
{
    struct program p;
    build(&p, new_code);
    struct sock_fprog filter = {.len = p.count, .filter = p.at};
    // SPEC_ALLOW: without it older kernels turn speculation off, which costs the interpreter dearly; a title has no clock but
    // virtual time to measure it with.
    return !syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, SECCOMP_FILTER_FLAG_TSYNC | SECCOMP_FILTER_FLAG_SPEC_ALLOW, &filter);
}

void sandbox_enter(const struct sandbox_request *request, struct sandbox_state *out)
{
    *out = (struct sandbox_state){0};
    if (SANITIZED) {
        snprintf(out->message, sizeof out->message, "none: this is a build with a sanitizer");
        return;
    }
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)) {
        snprintf(out->message, sizeof out->message, "none: no_new_privs: %s", strerror(errno));
        return;
    }
    char files[96] = "", filter[96] = "";
    out->files = restrict_files(request);
    if (!out->files)
        snprintf(files, sizeof files, " (the host has no landlock: %s)", strerror(errno));
    out->calls = restrict_calls(request->new_code);
    if (!out->calls)
        snprintf(filter, sizeof filter, " (the host has no seccomp: %s)", strerror(errno));
    snprintf(out->message, sizeof out->message, "files: %s%s; system calls: %s%s",
             out->files ? "only those of the title" : "all", files, out->calls ? "no network, no program, no process" : "all", filter);
}
