// The result for a terminal: ten lines that say it all, then each divergence with its evidence.
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "parity/parity.h"

enum { SHOWN = 12 };

static void verdict(FILE *out, const struct par_result *r)
{
    if (r->same) {
        fputs("SAME      no divergence but what rules tolerate\n", out);
        return;
    }
    fputs("DIVERGED ", out);
    for (unsigned i = 0; i < PAR_CLASS_COUNT; i++)
        if (r->by_class[i])
            fprintf(out, " %s %" PRIu64, par_class_name((enum par_class)i), r->by_class[i]);
    fputc('\n', out);
}

static void inputs(FILE *out, const struct par_result *r)
{
    size_t bad = 0;
    for (size_t i = 0; i < r->input_count; i++) {
        const struct par_input *in = &r->inputs[i];
        bool first = i == 0 || i + 1 == r->input_count;
        bad += in->bad || in->truncated;
        if (first)
            fprintf(out, "%s %s: %s, %s, %" PRIu64 " calls, %" PRIu64 " frames%s\n", i ? "ours     " : "reference", in->path, in->form,
                    *in->engine ? in->engine : "engine unknown", in->calls, in->frames, in->truncated ? ", cut off" : "");
    }
    if (r->input_count > 2) {
        uint64_t kinds = 0, used = 0;
        for (size_t i = 0; i < r->jitter_count; i++) {
            kinds += 1;
            used += r->jitter[i].used;
        }
        fprintf(out, "envelope  of %zu runs of the reference: %" PRIu64 " things vary among them and excuse %" PRIu64
                " differences; what varies in half of its runs is missed with %.3g %%\n", r->input_count - 1, kinds, used, 100 * r->missed_half);
    }
    for (size_t i = 0; bad && i < r->input_count; i++)
        if (r->inputs[i].bad)
            fprintf(out, "BAD INPUT %s: %" PRIu64 " %s passed over, the first at %s %" PRIu64 ": %s\n", r->inputs[i].path, r->inputs[i].bad,
                    !strcmp(r->inputs[i].form, "binary") ? "chunks" : "lines", !strcmp(r->inputs[i].form, "binary") ? "byte" : "line",
                    r->inputs[i].first_bad, r->inputs[i].first_bad_text);
}

static void threads(FILE *out, const struct par_result *r)
{
    const struct par_thread *main_thread = r->main_thread < r->thread_count ? &r->threads[r->main_thread] : NULL;
    if (!main_thread)
        fputs("main      neither log has a call of it\n", out);
    else
        fprintf(out, "main      %" PRIu64 " of %" PRIu64 " events match (ours has %" PRIu64 ")%s\n", r->matched_prefix, main_thread->reference_total,
                main_thread->total, main_thread->divergences ? "" : ", to the end");
    if (r->matched_by_ordinal != r->matched_prefix)
        fprintf(out, "          %" PRIu64 " with wrong regions set aside (allocations by ordinal)\n", r->matched_by_ordinal);
    fputs("threads  ", out);
    for (size_t i = 0; i < r->thread_count && i < 10; i++) {
        const struct par_thread *t = &r->threads[i];
        if (t->is_main)
            continue;
        fprintf(out, " %" PRIu32 "/%" PRIu32 ": %" PRIu64 " of %" PRIu64 "/%" PRIu64 "%s%s", t->reference_tid, t->tid, t->matched, t->reference_total,
                t->total, t->divergences ? " DIVERGED" : "", i + 1 < r->thread_count ? "," : "");
    }
    fputs(r->thread_count > 1 ? " (prefixes)\n" : " no other calls\n", out);
}

static void summary(FILE *out, const struct par_result *r)
{
    const struct par_coverage *c = &r->coverage;
    fprintf(out, "fields    %" PRIu64 " compared, %" PRIu64 " equal, %" PRIu64 " masked, %" PRIu64 " known to one log only\n", c->compared, c->equal,
            c->masked, c->unknown);
    if (r->fast) {
        fputs("rules     none needed: every event is encoded alike\n", out);
        return;
    }
    fputs("rules    ", out);
    for (unsigned i = 0; i < PAR_RULE_COUNT; i++)
        if (r->rules[i].count)
            fprintf(out, " %s %" PRIu64, par_rule_name((enum par_rule)i), r->rules[i].count);
    fputc('\n', out);
}

static void events_before(FILE *out, const char *head, const struct par_shown *rows, unsigned count)
{
    if (!count)
        return;
    fprintf(out, "    %s\n", head);
    for (unsigned i = 0; i < count; i++)
        fprintf(out, "      %8" PRIu64 "  %s\n", rows[i].index, rows[i].text ? rows[i].text : "?");
}

static void one(FILE *out, const struct par_result *r, const struct par_divergence *x, bool evidence)
{
    const struct par_thread *t = &r->threads[x->thread];
    fprintf(out, "\n%s%s: %s %s at %" PRIu64 " (ours %" PRIu64 ") of thread %" PRIu32 "/%" PRIu32 "%s", x->tolerated ? "tolerated " : "",
            par_class_name(x->class), x->call, x->field, x->reference_index, x->index, t->reference_tid, t->tid, t->is_main ? ", main" : "");
    if (x->count > 1)
        fprintf(out, ", %" PRIu64 " times", x->count);
    fprintf(out, "\n    %s\n", x->why ? x->why : "");
    if (x->has_values)
        fprintf(out, "    reference %s, ours %s\n", x->reference_words ? x->reference_words : "?", x->words ? x->words : "?");
    fprintf(out, "    reference: %s\n    ours:      %s\n", x->reference.text ? x->reference.text : "(no such call)",
            x->ours.text ? x->ours.text : "(no such call)");
    uint32_t lr = x->reference.lr ? x->reference.lr : x->ours.lr;
    if (lr)
        fprintf(out, "    called from 0x%08" PRIx32 "\n", lr);
    const struct par_shown *deep = x->reference.stack_count > x->ours.stack_count ? &x->reference : &x->ours;
    for (unsigned i = 1; i < deep->stack_count; i++)
        fprintf(out, "           from 0x%08" PRIx32 "\n", deep->stack[i]);
    if (evidence) {
        events_before(out, "before, reference:", x->reference_before, x->reference_before_count);
        events_before(out, "before, ours:", x->before, x->before_count);
        events_before(out, "after, reference:", x->reference_after, x->reference_after_count);
        events_before(out, "after, ours:", x->after, x->after_count);
    }
    fprintf(out, "    next: %s\n", x->next);
}

void par_write_text(FILE *out, const struct par_result *r)
{
    verdict(out, r);
    inputs(out, r);
    threads(out, r);
    summary(out, r);
    const struct par_divergence *first = NULL;
    for (size_t i = 0; i < r->divergence_count && !first; i++)
        first = r->divergences[i].tolerated ? NULL : &r->divergences[i];
    if (first)
        fprintf(out, "first     %s: %s %s at %" PRIu64 ": %s\nnext      %s\n", par_class_name(first->class), first->call, first->field,
                first->reference_index, first->why ? first->why : "", first->next);
    for (size_t i = 0; i < r->jitter_count && i < SHOWN; i++)
        fprintf(out, "%s  %s (%" PRIu64 " times, excuses %" PRIu64 " here)\n", i ? "        " : "jitter  ", r->jitter[i].what, r->jitter[i].count,
                r->jitter[i].used);
    for (size_t i = 0; i < r->divergence_count && i < SHOWN; i++)
        one(out, r, &r->divergences[i], &r->divergences[i] == first);
    if (r->divergence_count > SHOWN)
        fprintf(out, "\n%zu further causes: --json or --html shows them\n", r->divergence_count - SHOWN);
}
