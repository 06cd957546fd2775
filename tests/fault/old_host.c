// A host without some of the sandbox's means: old-host [landlock] [seccomp] [no-new-privs] -- COMMAND...
// Runs the command under a filter that answers as a kernel without them does.
#include <errno.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

enum { MOST = 32 };

struct program {
    struct sock_filter at[MOST];
    unsigned short count;
};

static void put(struct program *p, uint16_t code, uint32_t value, uint8_t yes, uint8_t no)
{
    p->at[p->count++] = (struct sock_filter){code, yes, no, value};
}

// A call with this number and first argument (any: UINT32_MAX) fails with `error`.
static void refuse(struct program *p, uint32_t number, uint32_t argument, uint32_t error)
{
    bool any = argument == UINT32_MAX;
    put(p, BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr), 0, 0);
    put(p, BPF_JMP | BPF_JEQ | BPF_K, number, 0, any ? 1 : 3);
    if (!any) {
        put(p, BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, args), 0, 0);
        put(p, BPF_JMP | BPF_JEQ | BPF_K, argument, 0, 1);
    }
    put(p, BPF_RET | BPF_K, SECCOMP_RET_ERRNO | error, 0, 0);
}

int main(int argc, char **argv)
{
    struct program p = {.count = 0};
    int i = 1;
    for (; i < argc && strcmp(argv[i], "--") != 0; i++) {
        if (!strcmp(argv[i], "landlock"))
            refuse(&p, SYS_landlock_create_ruleset, UINT32_MAX, ENOSYS);
        else if (!strcmp(argv[i], "seccomp"))
            refuse(&p, SYS_seccomp, SECCOMP_SET_MODE_FILTER, EINVAL);
        else if (!strcmp(argv[i], "no-new-privs"))
            refuse(&p, SYS_prctl, PR_SET_NO_NEW_PRIVS, EINVAL);
    }
    put(&p, BPF_RET | BPF_K, SECCOMP_RET_ALLOW, 0, 0);
    struct sock_fprog filter = {p.count, p.at};
    if (i + 1 >= argc)
        return 2;
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) || prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &filter)) {
        perror("old-host: this host has no seccomp");
        return 77;
    }
    execv(argv[i + 1], argv + i + 1);
    perror(argv[i + 1]);
    return 127;
}
