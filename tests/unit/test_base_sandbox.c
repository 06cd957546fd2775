// What a process in the sandbox can and cannot do. Each case runs in a child, because there is no way back.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/sandbox.h"

enum { SKIPPED = 77 };

struct place {
    char outside[64], inside[80];
};

static void put_text(const char *folder, const char *name)
{
    char path[160];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    FILE *f = fopen(path, "w");
    assert_non_null(f);
    fputs("text", f);
    fclose(f);
}

static int setup(void **state)
{
    struct place *p = calloc(1, sizeof *p);
    strcpy(p->outside, "/tmp/xenolith-sandbox-XXXXXX");
    if (!mkdtemp(p->outside))
        return -1;
    snprintf(p->inside, sizeof p->inside, "%s/inside", p->outside);
    mkdir(p->inside, 0755);
    put_text(p->outside, "secret");
    put_text(p->inside, "file");
    *state = p;
    return 0;
}

static int teardown(void **state)
{
    struct place *p = *state;
    static const char *const names[] = {"secret", "made", "inside/file", "inside/made", "inside/renamed", "inside", ""};
    char path[160];
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        snprintf(path, sizeof path, "%s/%s", p->outside, names[i]);
        remove(path);
    }
    free(p);
    return 0;
}

static int open_in(const char *folder, const char *name, int flags)
{
    char path[160];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    int fd = open(path, flags, 0644);
    if (fd >= 0)
        close(fd);
    return fd >= 0 ? 0 : errno;
}

// In the child: true where the condition holds, else says which did not.
static bool so(bool condition, const char *text)
{
    if (!condition)
        fprintf(stderr, "not so: %s (%s)\n", text, strerror(errno));
    return condition;
}
#define SO(condition) so(condition, #condition)

static bool files_read_only(const struct place *p, const struct sandbox_state *s)
{
    (void)s;
    return SO(open_in(p->inside, "file", O_RDONLY) == 0) && SO(open_in(p->outside, "secret", O_RDONLY) == EACCES) &&
           SO(open_in(p->inside, "../secret", O_RDONLY) == EACCES) && SO(open_in(p->inside, "file", O_WRONLY) == EACCES) &&
           SO(open_in(p->inside, "made", O_WRONLY | O_CREAT) == EACCES) && SO(open_in("/etc", "passwd", O_RDONLY) == EACCES) &&
           SO(open_in(p->outside, "", O_RDONLY | O_DIRECTORY) == EACCES) && SO(open_in(p->inside, "", O_RDONLY | O_DIRECTORY) == 0);
}

static bool files_writable(const struct place *p, const struct sandbox_state *s)
{
    char from[160], to[160];
    (void)s;
    snprintf(from, sizeof from, "%s/made", p->inside);
    snprintf(to, sizeof to, "%s/renamed", p->inside);
    return SO(open_in(p->inside, "made", O_RDWR | O_CREAT | O_TRUNC) == 0) && SO(rename(from, to) == 0) && SO(unlink(to) == 0) &&
           SO(open_in(p->outside, "made", O_RDWR | O_CREAT) == EACCES);
}

static void *add_one(void *number)
{
    ++*(int *)number;
    return NULL;
}

static bool calls(const struct place *p, const struct sandbox_state *s)
{
    char *program[] = {(char[]){"/bin/true"}, NULL};
    (void)p;
    (void)s;
    pthread_t thread;
    int number = 1;
    void *code = mmap(NULL, 4096, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    bool ok = SO(code == MAP_FAILED && errno == EPERM);
    code = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    return ok && SO(code != MAP_FAILED) && SO(mprotect(code, 4096, PROT_READ | PROT_EXEC) == -1 && errno == EPERM) &&
           SO(mprotect(code, 4096, PROT_NONE) == 0) && SO(socket(AF_INET, SOCK_STREAM, 0) == -1 && errno == EPERM) &&
           SO(execv(program[0], program) == -1 && errno == EPERM) && SO(fork() == -1 && errno == EPERM) &&
           SO(kill(getppid(), 0) == -1 && errno == EPERM) && SO(memfd_create("x", 0) == -1 && errno == EPERM) &&
           SO(!setpriority(PRIO_PROCESS, 0, 19) && setpriority(PRIO_PROCESS, (id_t)getppid(), 19) == -1 && errno == EPERM) &&
           SO(setpriority(PRIO_PGRP, 0, 19) == -1 && errno == EPERM) && SO(setpriority(PRIO_USER, 0, 19) == -1 && errno == EPERM) &&
           SO(!pthread_create(&thread, NULL, add_one, &number) && !pthread_join(thread, NULL) && number == 2);
}

static bool new_code(const struct place *p, const struct sandbox_state *s)
{
    (void)p;
    (void)s;
    void *code = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    return SO(code != MAP_FAILED) && SO(mprotect(code, 4096, PROT_READ | PROT_EXEC) == 0) && SO(memfd_create("x", 0) >= 0);
}

static void in_sandbox(const struct place *p, bool writable, bool code, bool (*body)(const struct place *, const struct sandbox_state *))
{
    fflush(NULL);
    pid_t child = fork();
    assert_true(child >= 0);
    if (!child) {
        struct sandbox_state s;
        sandbox_enter(&(struct sandbox_request){.read = {p->inside}, .write = {writable ? p->inside : NULL}, .new_code = code}, &s);
        if (!s.files || !s.calls) {
            fprintf(stderr, "sandbox: %s\n", s.message);
            _exit(SKIPPED);
        }
        _exit(body(p, &s) ? 0 : 1);
    }
    int status;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFEXITED(status));
    if (WEXITSTATUS(status) == SKIPPED) {
        print_message("this build or host has no sandbox\n");
        skip();
    }
    assert_int_equal(WEXITSTATUS(status), 0);
}

static void test_files_read_only(void **state)
{
    in_sandbox(*state, false, false, files_read_only);
}

static void test_files_writable(void **state)
{
    in_sandbox(*state, true, false, files_writable);
}

static void test_calls(void **state)
{
    in_sandbox(*state, false, false, calls);
}

static void test_new_code(void **state)
{
    in_sandbox(*state, false, true, new_code);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_files_read_only, setup, teardown),
        cmocka_unit_test_setup_teardown(test_files_writable, setup, teardown),
        cmocka_unit_test_setup_teardown(test_calls, setup, teardown),
        cmocka_unit_test_setup_teardown(test_new_code, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
