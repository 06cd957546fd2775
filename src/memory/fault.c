#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <string.h>
#include <ucontext.h>

#include "memory/space.h"

// The variables that must outlive any address space: a process has one handler for a signal, whoever was there before
// must still be asked, and a handler learns only from its thread whose guest was running.
static pthread_mutex_t install_lock = PTHREAD_MUTEX_INITIALIZER;
static struct {
    struct sigaction segv, bus;
} previous;
static _Thread_local struct mem_scope *innermost;
static _Thread_local volatile sig_atomic_t chaining; // the previous handler runs

static void on_fault(int number, siginfo_t *info, void *context);

static bool is_ours(const struct sigaction *action)
{
    return action->sa_flags & SA_SIGINFO && action->sa_sigaction == on_fault;
}

// Installs the handler unless it is the present one. Whoever replaced it since (a test framework does, for each test)
// becomes the one that is asked next.
static bool install(int number, struct sigaction *old)
{
    struct sigaction now, action;
    if (sigaction(number, NULL, &now))
        return false;
    if (is_ours(&now))
        return true;
    memset(&action, 0, sizeof action);
    action.sa_sigaction = on_fault;
    action.sa_flags = SA_SIGINFO | SA_NODEFER;
    sigemptyset(&action.sa_mask);
    *old = now;
    return !sigaction(number, &action, NULL);
}

bool mem_fault_install(struct error *err)
{
    pthread_mutex_lock(&install_lock);
    const bool ok = install(SIGSEGV, &previous.segv) && install(SIGBUS, &previous.bus);
    const int number = errno;
    pthread_mutex_unlock(&install_lock);
    return ok || error_set(err, ERR_STATE, "installing the fault handler failed: %s", strerror(number));
}

// Where the guest is entered from outside: one system call. It cannot fail after mem_create has done the same.
static void ensure_installed(void)
{
    struct sigaction now;
    if (sigaction(SIGSEGV, NULL, &now) || !is_ours(&now))
        (void)mem_fault_install(NULL);
    chaining = 0; // a handler before ours may have jumped away
}

void mem_scope_enter(struct mem_scope *scope, struct mem *m)
{
    scope->mem = m;
    scope->fault = (struct mem_fault){0};
    scope->at_fault = NULL;
    scope->outer = innermost;
    if (!innermost)
        ensure_installed();
    innermost = scope;
}

void mem_scope_leave(struct mem_scope *scope)
{
    innermost = scope->outer;
}

// The innermost scope whose address space, guards included, holds the host address.
static struct mem_scope *scope_of(uint64_t host)
{
    for (struct mem_scope *s = innermost; s; s = s->outer)
        if (host - ((uint64_t)(uintptr_t)s->mem->base - GUARD_SIZE) < GUEST_SIZE + 2 * GUARD_SIZE)
            return s;
    return NULL;
}

static void chain(int number, siginfo_t *info, void *context)
{
    const struct sigaction *old = number == SIGBUS ? &previous.bus : &previous.segv;
    // Returning from the default action repeats the access, which then ends the process with the right signal. The same
    // where the previous handler asks us in turn: nobody wants this fault.
    const bool nobody = !(old->sa_flags & SA_SIGINFO) && (old->sa_handler == SIG_DFL || old->sa_handler == SIG_IGN);
    if (nobody || chaining) {
        signal(number, SIG_DFL);
        return;
    }
    chaining = 1;
    if (old->sa_flags & SA_SIGINFO)
        old->sa_sigaction(number, info, context);
    else
        old->sa_handler(number);
    chaining = 0;
}

static void on_fault(int number, siginfo_t *info, void *context)
{
    const uint64_t host = (uint64_t)(uintptr_t)info->si_addr;
    const int saved_errno = errno;
    // Positive codes come from the kernel; a signal that somebody sent carries no address.
    struct mem_scope *scope = info->si_code > 0 ? scope_of(host) : NULL;
    if (!scope) {
        chain(number, info, context);
        errno = saved_errno;
        return;
    }
    const ucontext_t *u = context;
    if (scope->at_fault)
        scope->at_fault(scope->user, context);
    struct mem *m = scope->mem;
    const uint64_t offset = host - (uint64_t)(uintptr_t)m->base;
    const gva address = (gva)offset;
    const struct mem_mmio *window = offset < GUEST_SIZE ? mem_mmio_at(m, address) : NULL;
    if (window && mem_mmio_access(window, context, host, address)) {
        errno = saved_errno;
        return;
    }
    const bool write = (u->uc_mcontext.gregs[REG_ERR] & 2) != 0; // bit 1 of the page fault code
    if (write && offset < GUEST_SIZE && (m->access[address / HOST_PAGE] & (MEM_WRITE | MEM_WATCHED)) == (MEM_WRITE | MEM_WATCHED)) {
        mem_unwatch(m, address);
        errno = saved_errno;
        return; // and the access happens
    }
    scope->fault.address = address;
    scope->fault.write = write;
    innermost = scope;
    // Who calls this handler for us (a thread sanitizer) may have blocked all signals: then the next fault would end the process.
    pthread_sigmask(SIG_SETMASK, &u->uc_sigmask, NULL);
    siglongjmp(scope->env, 1);
}
