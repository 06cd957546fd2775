// services.c: written in assembly, because no C compiler has parameters in r13 and r14 (interface.h).
#include "cpu/services.h"

#include "cpu/engine.h"

// As numbers in the text below.
_Static_assert(RC_STATE_BIAS == 128 && offsetof(struct ppc_state, cycles) == 0, "-128(%r13) is s->cycles");
_Static_assert(offsetof(struct ppc_state, slice_end) == 128 - 120, "-120(%r13) is s->slice_end");
_Static_assert(offsetof(struct ppc_state, lr) == 128 - 112, "-112(%r13) is s->lr");
_Static_assert(RC_ENVIRONMENT_OFFSET(targets) == -56, "-56(%r14) is the table of targets");
_Static_assert(RC_LEFT == 1 && RC_ALONE == 2 && RC_SLICE == 3, "marks");

#define FUNCTION(name) ".globl " #name "\n.hidden " #name "\n.type " #name ", @function\n" #name ":\n"

__asm__(".text\n"
        // edi: target, esi: next, rcx: ticks
        FUNCTION(services_call)
        "mov %esi, %eax\n"
        "mov %rax, -112(%r13)\n"
        "shr $2, %eax\n"
        "lea (%rcx,%rax), %rdx\n" // now
        "mov %edi, %eax\n"
        "shr $2, %eax\n"
        "mov %rdx, %rcx\n"
        "sub %rax, %rcx\n"
        "cmp -120(%r13), %rdx\n"
        "jae 1f\n"
        "0: mov -56(%r14), %rdx\n"
        "mov (%rdx,%rax,8), %rax\n"
        "xor %edx, %edx\n"
        "test %rax, %rax\n"
        "jz 2f\n"
        "jmp *%rax\n"
        "1: or $3, %edi\n"
        "2: mov %edi, %eax\n"
        "mov %rcx, %rdx\n"
        "ret\n"
        // edi: target, rcx: ticks there
        FUNCTION(services_jump)
        "mov %edi, %eax\n"
        "shr $2, %eax\n"
        "jmp 0b\n"
        // C's: rdi: s, rsi: m, edx: number, rcx: ticks, r8: code, r9: quick
        FUNCTION(services_enter)
        "push %r13\n"
        "push %r14\n"
        "sub $8, %rsp\n"
        "mov %rdi, %r13\n"
        "mov %rsi, %r14\n"
        "mov %r9, %rax\n"
        "call *%r8\n"
        "3: add $8, %rsp\n"
        "pop %r14\n"
        "pop %r13\n"
        "ret\n"
        // edx: number, rcx: ticks, rax: code
        FUNCTION(services_enter_quick)
        "sub $8, %rsp\n"
        "mov %rcx, -128(%r13)\n"
        "mov %r13, %rdi\n"
        "mov %r14, %rsi\n"
        "call *%rax\n"
        "mov -128(%r13), %rdx\n"
        "add $8, %rsp\n"
        "ret\n"
        // C's: rdi: s, rsi: m, edx: target, ecx: next
        FUNCTION(services_quick_call)
        "push %r13\n"
        "push %r14\n"
        "sub $8, %rsp\n"
        "mov %rdi, %r13\n"
        "mov %rsi, %r14\n"
        "mov %edx, %edi\n"
        "mov %ecx, %esi\n"
        "mov -128(%r13), %rcx\n"
        "call services_call\n"
        "lea -1(%rax), %ecx\n"
        "test $2, %cl\n" // RC_LEFT, RC_ALONE: s->cycles is right
        "jz 3b\n"
        "mov %rdx, -128(%r13)\n"
        "jmp 3b\n"
        // C's: rdi: s, rsi: m, edx: target. Out of the quick unit, to which services_enter_quick leads always, and out of that.
        FUNCTION(services_quick_jump)
        "add $16, %rsp\n"
        "mov -128(%r13), %rcx\n"
        "mov %edx, %edi\n"
        "jmp services_jump\n");

uint32_t services_quick_return(uint8_t *s, uint8_t *m, uint32_t target, uint32_t next)
{
    (void)m;
    struct ppc_state *state = (struct ppc_state *)(void *)(s - RC_STATE_BIAS);
    uint64_t now = state->cycles + next / 4;
    state->cycles = now - target / 4;
    return target < next && __builtin_expect(now >= state->slice_end, 0) ? target | RC_SLICE : target;
}
