// recompiler.c: the shared object's door, and the way from plans to code.
#include <llvm-c/Analysis.h>
#include <llvm-c/Support.h>
#include <llvm-c/Target.h>
#include <llvm-c/TargetMachine.h>
#include <llvm-c/Transforms/PassBuilder.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bitcode_data.h"
#include "cpu/recompiler/interface.h"
#include "cpu/recompiler/layout.h"
#include "cpu/recompiler/link.h"
#include "cpu/recompiler/places.h"
#include "cpu/recompiler/specialise.h"
#include "cpu/recompiler/unit.h"

// As one-semantics.md found: more passes cost twice the time and make nothing faster.
static const char loop_passes[] = "function(sroa,early-cse<memssa>,instcombine<no-verify-fixpoint>,simplifycfg,loop-mssa(licm),sink,dse)";
static const char straight_passes[] = "function(sroa,early-cse<memssa>)";

struct rc {
    LLVMContextRef context;
    struct rc_templates *templates;
    LLVMTargetMachineRef quick, optimised;
};

static void rc_destroy(struct rc *rc)
{
    if (!rc)
        return;
    if (rc->quick)
        LLVMDisposeTargetMachine(rc->quick);
    if (rc->optimised)
        LLVMDisposeTargetMachine(rc->optimised);
    rc_templates_destroy(rc->templates);
    if (rc->context)
        LLVMContextDispose(rc->context);
    free(rc);
}

static LLVMTargetMachineRef machine(LLVMTargetRef target, LLVMCodeGenOptLevel level)
{
    return LLVMCreateTargetMachine(target, "x86_64-pc-linux-gnu", RC_HOST_CPU, "", level, LLVMRelocPIC, LLVMCodeModelSmall);
}

// LLVM's list of targets is the process's: threads that each make a recompiler must not add to it at once.
static void initialise_llvm(void)
{
    LLVMInitializeX86TargetInfo();
    LLVMInitializeX86Target();
    LLVMInitializeX86TargetMC();
    LLVMInitializeX86AsmPrinter();
    LLVMInitializeX86AsmParser(); // of accesses.c
    // The first makes `base + distance` of small constants where large ones are about: longer code, and a register less. The second
    // makes one counter and distances from it of pointers that a loop moves on: with a guest's registers all live, more is spilled.
    static const char *const options[] = {"xenolith", "-disable-constant-hoisting", "-disable-lsr"};
    LLVMParseCommandLineOptions(3, options, NULL);
}

static bool rc_create(struct rc **out, struct error *err)
{
    struct rc *rc = calloc(1, sizeof *rc);
    if (!rc)
        return error_set(err, ERR_MEMORY, "no memory for the recompiler");
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    pthread_once(&once, initialise_llvm);
    LLVMTargetRef target;
    char *message = NULL;
    rc->context = LLVMContextCreate();
    LLVMContextSetDiscardValueNames(rc->context, false);
    if (LLVMGetTargetFromTriple("x86_64-pc-linux-gnu", &target, &message)) {
        error_set(err, ERR_STATE, "LLVM cannot make code for this host: %s", message);
        LLVMDisposeMessage(message);
        rc_destroy(rc);
        return false;
    }
    rc->quick = machine(target, LLVMCodeGenLevelNone);
    rc->optimised = machine(target, LLVMCodeGenLevelLess);
    if (!rc_templates_create(&rc->templates, rc->context, err)) {
        rc_destroy(rc);
        return false;
    }
    *out = rc;
    return true;
}

static LLVMModuleRef build_module(struct rc *rc, const struct rc_plan *plans, uint32_t count, enum rc_tier tier, struct places *places)
{
    LLVMModuleRef module = LLVMModuleCreateWithNameInContext("units", rc->context);
    LLVMTargetDataRef layout = LLVMCreateTargetDataLayout(rc->quick);
    LLVMSetModuleDataLayout(module, layout);
    LLVMDisposeTargetData(layout);
    LLVMSetTarget(module, "x86_64-pc-linux-gnu");
    places_begin_module(places, module);
    bool ok = true;
    for (uint32_t i = 0; i < count && ok; i++)
        ok = rc_build_unit(rc->templates, rc->context, module, i, &plans[i], tier, places);
    places_end_module(places);
    if (ok)
        return module;
    LLVMDisposeModule(module);
    return NULL;
}

static bool optimise(struct rc *rc, LLVMModuleRef module, bool loops, struct error *err)
{
    LLVMPassBuilderOptionsRef options = LLVMCreatePassBuilderOptions();
    LLVMErrorRef failure = LLVMRunPasses(module, loops ? loop_passes : straight_passes, rc->optimised, options);
    LLVMDisposePassBuilderOptions(options);
    if (!failure)
        return true;
    char *message = LLVMGetErrorMessage(failure);
    error_set(err, ERR_STATE, "LLVM: %s", message);
    LLVMDisposeErrorMessage(message);
    return false;
}

static bool verify(LLVMModuleRef module, struct error *err)
{
    char *message = NULL;
    bool broken = LLVMVerifyModule(module, LLVMReturnStatusAction, &message);
    if (broken)
        error_set(err, ERR_STATE, "wrong IR: %s", message);
    LLVMDisposeMessage(message);
    return !broken;
}

static bool emit(struct rc *rc, LLVMModuleRef module, enum rc_tier tier, uint32_t count, struct linked *out, struct error *err)
{
    LLVMMemoryBufferRef object;
    char *message = NULL;
    LLVMTargetMachineRef target = tier == RC_OPTIMISED ? rc->optimised : rc->quick;
    if (LLVMTargetMachineEmitToMemoryBuffer(target, module, LLVMObjectFile, &message, &object)) {
        error_set(err, ERR_STATE, "LLVM: %s", message);
        LLVMDisposeMessage(message);
        return false;
    }
    bool ok = rc_link((const uint8_t *)LLVMGetBufferStart(object), LLVMGetBufferSize(object), count, out, err);
    LLVMDisposeMemoryBuffer(object);
    return ok;
}

// For developers: XENOLITH_RC_DUMP names a folder that gets each unit's IR and code (objdump -D -b binary -m i386:x86-64).
static void dump(LLVMModuleRef module, uint32_t pc, const char *kind, const uint8_t *bytes, size_t size)
{
    const char *folder = getenv("XENOLITH_RC_DUMP");
    char path[4096];
    if (!folder)
        return;
    snprintf(path, sizeof path, "%s/%08x.%s", folder, pc, kind);
    if (!bytes) {
        char *message = NULL; // LLVM writes one where the file cannot be made
        LLVMPrintModuleToFile(module, path, &message);
        LLVMDisposeMessage(message);
        return;
    }
    FILE *f = fopen(path, "wb");
    if (f) {
        fwrite(bytes, 1, size, f);
        fclose(f);
    }
}

enum { ATTEMPTS = 8 }; // each failed one makes an instruction called out of line

// One way from plans to code. `again`: it failed, but the next will not for the same reason.
static bool try(struct rc *rc, const struct rc_plan *plans, uint32_t count, enum rc_tier tier, struct places *places, struct rc_code *out,
                bool *again, struct error *err)
{
    *again = true;
    LLVMModuleRef module = build_module(rc, plans, count, tier, places);
    if (!module)
        return error_set(err, ERR_STATE, "a unit cannot be translated");
    bool loops = false;
    for (uint32_t i = 0; i < count; i++)
        loops |= rc_has_loop(&plans[i]);
    struct linked linked = {.offsets = out->offsets};
    bool ok = (!getenv("XENOLITH_RC_VERIFY") || verify(module, err)) && (tier == RC_QUICK || optimise(rc, module, loops, err));
    if (ok && count)
        dump(module, plans[0].entries[0], "ll", NULL, 0);
    if (ok)
        places_expect(places, module);
    ok = ok && emit(rc, module, tier, count, &linked, err);
    LLVMDisposeModule(module);
    *again = ok && !places_found(places, &linked);
    out->bytes = linked.bytes;
    ok = ok && !*again && (places_append(places, &linked, out) || error_set(err, ERR_MEMORY, "no memory for compiled code"));
    free(linked.lines.rows);
    if (ok && count)
        dump(NULL, plans[0].entries[0], "bin", out->bytes, out->size - out->table_bytes);
    if (!ok)
        free(out->bytes);
    return ok;
}

static bool rc_compile(struct rc *rc, const struct rc_plan *plans, uint32_t count, enum rc_tier tier, struct rc_code *out,
                       struct error *err)
{
    struct places places;
    *out = (struct rc_code){.offsets = calloc(count ? count : 1, sizeof *out->offsets)};
    bool ok = places_create(&places, rc->context, plans, count) && out->offsets, again = ok;
    if (!ok)
        error_set(err, ERR_MEMORY, "no memory for compiled code");
    for (int i = 0; i < ATTEMPTS && again; i++)
        ok = try(rc, plans, count, tier, &places, out, &again, err);
    places_destroy(&places);
    for (uint32_t i = 0; i < count; i++)
        out->instructions += plans[i].count;
    if (!ok)
        free(out->offsets);
    return ok;
}

static void rc_free_code(struct rc_code *code)
{
    free(code->bytes);
    free(code->offsets);
    *code = (struct rc_code){0};
}

static void rc_list_out_of_line(struct rc *rc, void (*report)(void *user, const char *id), void *user)
{
    static const char *const ids[PPC_OPCODE_COUNT] = {
#define OPCODE(id, text, value, mask, kind, variant, operands) #id,
#include "ppc/opcodes.def"
#undef OPCODE
    };
    for (unsigned op = 0; op < PPC_OPCODE_COUNT; op++)
        if (!rc_can_specialise(rc->templates, (enum ppc_opcode)op, ppc_opcodes[op].value))
            report(user, ids[op]);
}

const struct rc_api *xenolith_recompiler(void)
{
    static const struct rc_api api = {
        .version = RC_LLVM_VERSION,
        .semantics = RC_SEMANTICS,
        .layout = RC_LAYOUT,
        .create = rc_create,
        .destroy = rc_destroy,
        .compile = rc_compile,
        .free_code = rc_free_code,
        .list_out_of_line = rc_list_out_of_line,
    };
    return &api;
}
