// flow.c: which slots have to be stored and loaded where: two data-flow passes over the guest's blocks and their events.
#include "cpu/recompiler/unit_parts.h"

// Those that are variables in loops only.
struct rc_set unit_loop_slots(void)
{
    struct rc_set all = rc_set_of_range(0, sizeof(struct ppc_state)), fprs = rc_set_of_range(FPR, FPR_END - FPR);
    rc_set_subtract(&all, &fprs);
    return all;
}

static void flow_dirty(struct unit *u, struct guest_block *g, struct rc_set *dirty, bool choose)
{
    *dirty = g->dirty;
    for (uint32_t i = 0; i < g->event_count; i++) {
        struct event *e = &u->events[g->first_event + i];
        if (e->kind == EVENT_DEFINE || e->kind == EVENT_CHANGE)
            rc_set_add(dirty, e->slot);
        if (e->kind == EVENT_FORGET)
            rc_set_remove(dirty, e->slot);
        if (e->kind != EVENT_SPILL)
            continue;
        if (choose)
            e->chosen = rc_set_common(dirty, &e->range);
        if (e->all)
            *dirty = (struct rc_set){0};
    }
}

static bool pass_on(struct unit *u, struct guest_block *g, const struct rc_set *dirty)
{
    bool changed = false;
    struct rc_set outside = *dirty, in_loops = unit_loop_slots();
    rc_set_subtract(&outside, &in_loops);
    for (unsigned i = 0; i < g->successor_count; i++) {
        struct guest_block *to = &u->blocks[g->successors[i]];
        changed |= rc_set_unite(&to->dirty, to->in_loop ? dirty : &outside);
    }
    for (uint32_t i = 0; g->leads_to_targets && i < u->block_count; i++)
        if (u->blocks[i].is_target)
            changed |= rc_set_unite(&u->blocks[i].dirty, u->blocks[i].in_loop ? dirty : &outside);
    return changed;
}

static void find_dirty(struct unit *u)
{
    struct rc_set dirty;
    for (bool changed = true; changed;) {
        changed = false;
        for (uint32_t i = 0; i < u->block_count; i++) {
            flow_dirty(u, &u->blocks[i], &dirty, false);
            changed |= pass_on(u, &u->blocks[i], &dirty);
        }
    }
    for (uint32_t i = 0; i < u->block_count; i++)
        flow_dirty(u, &u->blocks[i], &dirty, true);
}

static struct rc_set live_behind(const struct unit *u, const struct guest_block *g)
{
    struct rc_set live = {0};
    for (unsigned i = 0; i < g->successor_count; i++)
        rc_set_unite(&live, &u->blocks[g->successors[i]].live);
    for (uint32_t i = 0; g->leads_to_targets && i < u->block_count; i++)
        if (u->blocks[i].is_target)
            rc_set_unite(&live, &u->blocks[i].live);
    return live;
}

static struct rc_set flow_live(struct unit *u, struct guest_block *g, bool choose)
{
    struct rc_set live = live_behind(u, g), in_loops = unit_loop_slots();
    for (uint32_t i = g->event_count; i > 0; i--) {
        struct event *e = &u->events[g->first_event + i - 1];
        switch (e->kind) {
        case EVENT_USE:
        case EVENT_CHANGE: // where it does not happen, the old value stays
            rc_set_add(&live, e->slot);
            break;
        case EVENT_DEFINE:
        case EVENT_FORGET:
            rc_set_remove(&live, e->slot);
            break;
        case EVENT_SPILL:
            rc_set_unite(&live, &e->chosen);
            break;
        case EVENT_NONE:
            break;
        case EVENT_RELOAD:
            if (choose) {
                e->chosen = rc_set_common(&live, &e->range);
                if (!g->in_loop && !e->edge)
                    rc_set_subtract(&e->chosen, &in_loops);
            }
            if (e->all)
                rc_set_subtract(&live, &e->range);
            break;
        }
    }
    if (!g->in_loop)
        rc_set_subtract(&live, &in_loops);
    return live;
}

static void find_live(struct unit *u)
{
    for (bool changed = true; changed;) {
        changed = false;
        for (uint32_t i = u->block_count; i > 0; i--) {
            struct rc_set live = flow_live(u, &u->blocks[i - 1], false);
            changed |= rc_set_unite(&u->blocks[i - 1].live, &live);
        }
    }
    for (uint32_t i = 0; i < u->block_count; i++)
        flow_live(u, &u->blocks[i], true);
}

void unit_find_transfers(struct unit *u)
{
    find_dirty(u);
    find_live(u);
}
