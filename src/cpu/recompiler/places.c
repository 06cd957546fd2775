#include "cpu/recompiler/places.h"

#include <stdlib.h>
#include <string.h>

enum { EXPECTED = 1, FOUND = 2, HELD = 4 };

bool places_create(struct places *p, LLVMContextRef context, const struct rc_plan *plans, uint32_t count)
{
    *p = (struct places){.plans = plans, .plan_count = count, .context = context};
    p->first_line = calloc((size_t)count + 1, sizeof *p->first_line);
    p->stores = calloc(count ? count : 1, sizeof *p->stores);
    if (!p->first_line || !p->stores)
        return false;
    p->first_line[0] = 2; // line 0: none; line 1: LLVM's own, where a function starts
    for (uint32_t i = 0; i < count; i++)
        p->first_line[i + 1] = p->first_line[i] + plans[i].count;
    p->seen = calloc(p->first_line[count], 1);
    return p->seen != NULL;
}

void places_destroy(struct places *p)
{
    free(p->first_line);
    free(p->seen);
    free(p->stores);
    *p = (struct places){0};
}

static void add_flag(struct places *p, LLVMModuleRef module, const char *name, unsigned value)
{
    LLVMValueRef v = LLVMConstInt(LLVMInt32TypeInContext(p->context), value, false);
    LLVMAddModuleFlag(module, LLVMModuleFlagBehaviorWarning, name, strlen(name), LLVMValueAsMetadata(v));
}

void places_begin_module(struct places *p, LLVMModuleRef module)
{
    add_flag(p, module, "Debug Info Version", LLVMDebugMetadataVersion());
    add_flag(p, module, "Dwarf Version", 4);
    p->builder = LLVMCreateDIBuilder(module);
    p->file = LLVMDIBuilderCreateFile(p->builder, "guest", 5, "", 0);
    LLVMDIBuilderCreateCompileUnit(p->builder, LLVMDWARFSourceLanguageC, p->file, "", 0, true, "", 0, 0, "", 0, LLVMDWARFEmissionLineTablesOnly, 0,
                                   false, false, "", 0, "", 0);
    p->type = LLVMDIBuilderCreateSubroutineType(p->builder, p->file, NULL, 0, LLVMDIFlagZero);
}

void places_begin_unit(struct places *p, LLVMValueRef function, uint32_t plan)
{
    p->plan = plan;
    p->scope = LLVMDIBuilderCreateFunction(p->builder, p->file, "", 0, "", 0, p->file, 1, p->type, true, true, 1, LLVMDIFlagZero, true);
    LLVMSetSubprogram(function, p->scope);
}

LLVMMetadataRef places_location(struct places *p, uint32_t insn)
{
    return p->stores[p->plan] ? NULL : LLVMDIBuilderCreateDebugLocation(p->context, p->first_line[p->plan] + insn, 0, p->scope, NULL);
}

void places_ticks_held(struct places *p, uint32_t insn)
{
    p->seen[p->first_line[p->plan] + insn] |= HELD;
}

LLVMMetadataRef places_nowhere(struct places *p)
{
    return LLVMDIBuilderCreateDebugLocation(p->context, 0, 0, p->scope, NULL);
}

void places_end_module(struct places *p)
{
    LLVMDIBuilderFinalize(p->builder);
    LLVMDisposeDIBuilder(p->builder);
    p->builder = NULL;
}

void places_expect(struct places *p, LLVMModuleRef module)
{
    for (uint32_t i = 0; i < p->first_line[p->plan_count]; i++)
        p->seen[i] &= HELD;
    for (LLVMValueRef f = LLVMGetFirstFunction(module); f; f = LLVMGetNextFunction(f))
        for (LLVMBasicBlockRef b = LLVMGetFirstBasicBlock(f); b; b = LLVMGetNextBasicBlock(b))
            for (LLVMValueRef i = LLVMGetFirstInstruction(b); i; i = LLVMGetNextInstruction(i)) {
                LLVMMetadataRef location = LLVMInstructionGetDebugLoc(i);
                if (location)
                    p->seen[LLVMDILocationGetLine(location)] |= EXPECTED;
            }
}

bool places_found(struct places *p, const struct linked *linked)
{
    uint32_t end = p->first_line[p->plan_count];
    for (size_t i = 0; i < linked->lines.count; i++)
        if (linked->lines.rows[i].line < end) // 0 and 1 are nobody's
            p->seen[linked->lines.rows[i].line] |= FOUND;
    bool all = true;
    for (uint32_t i = 0; i < p->plan_count; i++)
        for (uint32_t line = p->first_line[i]; line < p->first_line[i + 1]; line++)
            if ((p->seen[line] & ~HELD) == EXPECTED) {
                p->stores[i] = true;
                all = false;
            }
    return all;
}

static uint32_t pc_of(const struct places *p, uint32_t line)
{
    uint32_t low = 0, high = p->plan_count;
    while (low + 1 < high) {
        uint32_t middle = (low + high) / 2;
        if (p->first_line[middle] <= line)
            low = middle;
        else
            high = middle;
    }
    return p->plans[low].insns[line - p->first_line[low]].pc | (p->seen[line] & HELD ? RC_TICKS_HELD : 0);
}

// At one place, what a unit's start says comes first.
static int by_offset(const void *a, const void *b)
{
    const struct rc_place *x = a, *y = b;
    if (x->offset != y->offset)
        return x->offset < y->offset ? -1 : 1;
    return (y->pc == RC_NO_PLACE) - (x->pc == RC_NO_PLACE);
}

// One row each for those that follow each other and say the same.
static uint32_t unite(struct rc_place *places, uint32_t count)
{
    uint32_t kept = 0;
    for (uint32_t i = 0; i < count; i++)
        if (!kept || places[i].pc != places[kept - 1].pc)
            places[kept++] = places[i];
    return kept;
}

bool places_append(const struct places *p, const struct linked *linked, struct rc_code *out)
{
    size_t most = linked->lines.count + p->plan_count, start = (linked->size + 3) & ~(size_t)3;
    struct rc_place *places = calloc(most ? most : 1, sizeof *places);
    uint8_t *bytes = realloc(linked->bytes, start + most * sizeof *places + sizeof(uint32_t));
    if (bytes)
        out->bytes = bytes;
    if (!places || !bytes) {
        free(places);
        return false;
    }
    uint32_t count = 0, end = p->first_line[p->plan_count];
    for (uint32_t i = 0; i < p->plan_count; i++) // nothing of the unit before holds here
        places[count++] = (struct rc_place){linked->offsets[i], RC_NO_PLACE};
    for (size_t i = 0; i < linked->lines.count; i++) {
        const struct line_row *row = &linked->lines.rows[i];
        if (row->line >= p->first_line[0] && row->line < end)
            places[count++] = (struct rc_place){(uint32_t)row->address, pc_of(p, row->line)};
    }
    qsort(places, count, sizeof *places, by_offset);
    count = unite(places, count);
    memset(bytes + linked->size, 0, start - linked->size);
    memcpy(bytes + start, places, count * sizeof *places);
    memcpy(bytes + start + count * sizeof *places, &count, sizeof count);
    out->size = start + count * sizeof *places + sizeof count;
    out->table_bytes = out->size - start;
    free(places);
    return true;
}
