// solver: satisfiability of Boolean formulas. Problems are written as DIMACS files and read back; each is cut into cubes (all
// values of its three busiest variables), which worker threads take from a queue and search; the first model ends the others. The
// answer goes to a file, and what that says is checked against the problem's file.
#include <assert.h>
#include <errno.h>
#include <setjmp.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <threads.h>
#include <time.h>

enum { WORKERS = 4, SPLIT = 3, CUBES = 1 << SPLIT };

// ---- Formulas: a literal is a variable's number from 1 up, negative where it must be false

struct clause {
    int count, *literals;
};

struct formula {
    int variables, count, room;
    struct clause *clauses;
    struct clause *occurrences; // [literal + variables]: numbers of the clauses that have it
    int *order;                 // variables, the busiest first
};

static void *need(void *memory)
{
    if (!memory) {
        perror("solver");
        exit(98);
    }
    return memory;
}

static void push(struct clause *c, int number)
{
    if (!(c->count & (c->count - 1))) // room is doubled at powers of two
        c->literals = need(realloc(c->literals, sizeof(int) * (size_t)(c->count ? 2 * c->count : 1)));
    c->literals[c->count++] = number;
}

static struct clause *new_clause(struct formula *f)
{
    if (f->count == f->room)
        f->clauses = need(realloc(f->clauses, sizeof *f->clauses * (size_t)(f->room = 2 * f->room + 16)));
    f->clauses[f->count] = (struct clause){0};
    return &f->clauses[f->count++];
}

static void add(struct formula *f, int a, int b, int c)
{
    struct clause *to = new_clause(f);
    for (int i = 0, all[] = {a, b, c}; i < 3; i++)
        if (all[i])
            push(to, all[i]);
}

static void discard(struct formula *f)
{
    for (int i = 0; i < f->count; i++)
        free(f->clauses[i].literals);
    for (int i = 0; f->occurrences && i <= 2 * f->variables; i++)
        free(f->occurrences[i].literals);
    free(f->clauses);
    free(f->occurrences);
    free(f->order);
    *f = (struct formula){0};
}

// ---- Problems

// Every pigeon has a hole, no two the same one.
static void pigeons(struct formula *f, int pigeon_count, int holes)
{
    f->variables = pigeon_count * holes;
    for (int p = 0; p < pigeon_count; p++) {
        struct clause *some = new_clause(f);
        for (int h = 1; h <= holes; h++)
            push(some, p * holes + h);
    }
    for (int h = 1; h <= holes; h++)
        for (int p = 0; p < pigeon_count; p++)
            for (int q = 0; q < p; q++)
                add(f, -(p * holes + h), -(q * holes + h), 0);
}

static void queens(struct formula *f, int n, int unused)
{
    (void)unused;
    f->variables = n * n;
    for (int row = 0; row < n; row++) {
        struct clause *some = new_clause(f);
        for (int column = 1; column <= n; column++)
            push(some, row * n + column);
    }
    for (int a = 0; a < n * n; a++)
        for (int b = 0; b < a; b++) {
            int rows = a / n - b / n, columns = abs(a % n - b % n);
            if (!rows || !columns || rows == columns)
                add(f, -(a + 1), -(b + 1), 0);
        }
}

// Three random variables a clause.
static void noise(struct formula *f, int variables, int clauses)
{
    f->variables = variables;
    for (int i = 0; i < clauses; i++) {
        int v[3];
        for (int k = 0; k < 3; k++)
            v[k] = (rand() % variables + 1) * (rand() & 0x100 ? 1 : -1);
        add(f, v[0], v[1], v[2]);
    }
}

static const struct problem {
    const char *name;
    void (*make)(struct formula *, int, int);
    int a, b;
    bool satisfiable;
} problems[] = {
    {"pigeons", pigeons, 7, 6, false}, {"queens", queens, 9, 0, true},         {"three-queens", queens, 3, 0, false},
    {"loose", noise, 70, 240, true},   {"tight", noise, 90, 420, false},
};

// ---- Files

static FILE *open_as(const char *name, const char *kind, const char *mode)
{
    char path[64];
    snprintf(path, sizeof path, "%s.%s", name, kind);
    FILE *file = fopen(path, mode);
    if (!file)
        fprintf(stderr, "%s: %s\n", path, strerror(errno));
    return file;
}

static bool write_formula(const struct formula *f, const char *name)
{
    FILE *out = open_as(name, "cnf", "w");
    if (!out)
        return false;
    fprintf(out, "c %s, written by solver\np cnf %d %d\n", name, f->variables, f->count);
    for (int i = 0; i < f->count; i++) {
        for (int k = 0; k < f->clauses[i].count; k++)
            fprintf(out, "%d ", f->clauses[i].literals[k]);
        fputs("0\n", out);
    }
    return !fclose(out);
}

static bool read_formula(struct formula *f, const char *name)
{
    char line[256];
    int clauses = -1, literal;
    FILE *in = open_as(name, "cnf", "r");
    if (!in)
        return false;
    while (clauses < 0 && fgets(line, sizeof line, in))
        if (line[0] != 'c' && sscanf(line, "p cnf %d %d", &f->variables, &clauses) != 2)
            break;
    for (struct clause *c = NULL; f->variables > 0 && fscanf(in, "%d", &literal) == 1 && abs(literal) <= f->variables;) {
        c = c ? c : new_clause(f);
        if (literal)
            push(c, literal);
        else
            c = NULL;
    }
    return !fclose(in) && f->count == clauses;
}

// ---- The search: unit propagation, then the first free variable both ways

struct search {
    const struct formula *f;
    jmp_buf leave; // somebody else was first
    signed char *value;
    int *trail, length;
    long decisions, conflicts;
};

static struct {
    const struct formula *f;
    mtx_t lock;
    cnd_t changed;
    int next, done, winner; // cubes handed out and finished; the cube that has a model, or -1
    signed char *model;
    long decisions, conflicts;
} work;
static atomic_bool found;
static tss_t own_search;

static int truth(const struct search *s, int literal)
{
    return literal > 0 ? s->value[literal] : -s->value[-literal];
}

static bool set(struct search *s, int literal)
{
    if (truth(s, literal))
        return truth(s, literal) > 0;
    s->value[abs(literal)] = literal > 0 ? 1 : -1;
    s->trail[s->length++] = literal;
    return true;
}

// Sets what a clause demands that has one literal left; false when one has none.
static bool check(struct search *s, const struct clause *c)
{
    int left = 0, last = 0;
    for (int i = 0; i < c->count && left < 2; i++) {
        int t = truth(s, c->literals[i]);
        if (t > 0)
            return true;
        if (!t && ++left)
            last = c->literals[i];
    }
    return left > 1 || (left == 1 && set(s, last));
}

static bool propagate(struct search *s, int from)
{
    for (; from < s->length; from++) {
        const struct clause *hit = &s->f->occurrences[s->f->variables - s->trail[from]];
        for (int i = 0; i < hit->count; i++)
            if (!check(s, &s->f->clauses[hit->literals[i]])) {
                s->conflicts++;
                return false;
            }
    }
    return true;
}

static bool solve(struct search *s, int from)
{
    if (atomic_load_explicit(&found, memory_order_relaxed))
        longjmp(s->leave, 1);
    if (!propagate(s, from))
        return false;
    const int *v = s->f->order, *end = v + s->f->variables;
    while (v < end && s->value[*v])
        v++;
    if (v == end)
        return true;
    for (int sign = 1; sign >= -1; sign -= 2) {
        int length = s->length;
        s->decisions++;
        if (set(s, sign * *v) && solve(s, length))
            return true;
        while (s->length > length)
            s->value[abs(s->trail[--s->length])] = 0;
    }
    return false;
}

static bool search_cube(struct search *s, int cube)
{
    memset(s->value, 0, (size_t)s->f->variables + 1);
    s->length = 0;
    for (int i = 0; i < s->f->count; i++) // clauses that begin with one literal, or none
        if (s->f->clauses[i].count < 2 && !check(s, &s->f->clauses[i]))
            return false;
    for (int i = 0; i < SPLIT; i++)
        if (!set(s, cube >> i & 1 ? s->f->order[i] : -s->f->order[i]))
            return false;
    return !setjmp(s->leave) && solve(s, 0);
}

// At a worker's end, by the thread-specific slot: its counts join the others'.
static void end_search(void *pointer)
{
    struct search *s = pointer;
    mtx_lock(&work.lock);
    work.decisions += s->decisions;
    work.conflicts += s->conflicts;
    mtx_unlock(&work.lock);
    free(s->value);
    free(s->trail);
    free(s);
}

static int worker(void *unused)
{
    struct search *s = need(calloc(1, sizeof *s));
    (void)unused;
    s->f = work.f;
    s->value = need(malloc((size_t)s->f->variables + 1));
    s->trail = need(malloc(sizeof(int) * (size_t)s->f->variables));
    tss_set(own_search, s);
    int searched = 0;
    mtx_lock(&work.lock);
    while (work.next < CUBES && !found) {
        int cube = work.next++;
        mtx_unlock(&work.lock);
        bool sat = search_cube(s, cube);
        searched++;
        mtx_lock(&work.lock);
        work.done++;
        if (sat && work.winner < 0) {
            work.winner = cube;
            memcpy(work.model, s->value, (size_t)s->f->variables + 1);
            found = true;
        }
        cnd_signal(&work.changed);
    }
    mtx_unlock(&work.lock);
    thrd_exit(searched);
}

// Waits for the queue's end, 50 ms at a time. Returns how often it looked while nothing had come.
static int watch(void)
{
    int idle = 0;
    mtx_lock(&work.lock);
    while (work.done < CUBES && !found) {
        struct timespec until;
        timespec_get(&until, TIME_UTC);
        until.tv_nsec += 50 * 1000 * 1000;
        until.tv_sec += until.tv_nsec / 1000000000;
        until.tv_nsec %= 1000000000;
        idle += cnd_timedwait(&work.changed, &work.lock, &until) == thrd_timedout;
    }
    mtx_unlock(&work.lock);
    return idle;
}

static const struct formula *sorting;

static int busier(const void *a, const void *b)
{
    int x = *(const int *)a, y = *(const int *)b, n = sorting->variables;
    const struct clause *o = sorting->occurrences;
    int difference = (o[n + y].count + o[n - y].count) - (o[n + x].count + o[n - x].count);
    return difference ? difference : x - y;
}

static void prepare(struct formula *f)
{
    f->occurrences = need(calloc(2 * (size_t)f->variables + 1, sizeof *f->occurrences));
    f->order = need(malloc(sizeof(int) * (size_t)f->variables));
    for (int i = 0; i < f->count; i++)
        for (int k = 0; k < f->clauses[i].count; k++)
            push(&f->occurrences[f->variables + f->clauses[i].literals[k]], i);
    for (int i = 0; i < f->variables; i++)
        f->order[i] = i + 1;
    sorting = f;
    qsort(f->order, (size_t)f->variables, sizeof *f->order, busier);
}

static void search_all(const char *name)
{
    thrd_t threads[WORKERS];
    int searched[WORKERS];
    for (int i = 0; i < WORKERS; i++)
        if (thrd_create(&threads[i], worker, NULL) != thrd_success)
            exit(97);
    assert(!thrd_equal(thrd_current(), threads[0]));
    int idle = watch();
    for (int i = 0; i < WORKERS; i++)
        thrd_join(threads[i], &searched[i]);
    printf("%s: %d variables, %d clauses; %s; %ld decisions, %ld conflicts; cubes by worker %d %d %d %d%s\n", name, work.f->variables,
           work.f->count, work.winner < 0 ? "no model" : "a model", work.decisions, work.conflicts, searched[0], searched[1], searched[2],
           searched[3], idle ? ", took a while" : "");
}

// ---- The answer, as solvers write it, and whether it is right

static bool write_answer(const char *name)
{
    FILE *out = open_as(name, "out", "w");
    if (!out)
        return false;
    fprintf(out, "s %s\n", work.winner < 0 ? "UNSATISFIABLE" : "SATISFIABLE");
    for (int i = 1; work.winner >= 0 && i <= work.f->variables; i++)
        fprintf(out, "%s%d%s", i % 10 == 1 ? "v " : "", work.model[i] < 0 ? -i : i, i % 10 == 0 ? "\n" : " ");
    return fputs(work.winner < 0 ? "" : "0\n", out) >= 0 && !fclose(out);
}

static bool answer_is_right(const struct problem *p, const struct formula *f)
{
    bool *holds = need(calloc(2 * (size_t)f->variables + 1, sizeof *holds)), sat = false;
    int wrong = 0;
    char line[256], *state;
    FILE *in = open_as(p->name, "out", "r");
    while (in && fgets(line, sizeof line, in)) {
        sat = sat || !strcmp(line, "s SATISFIABLE\n");
        for (char *word = *line == 'v' ? strtok_r(line + 1, " \n", &state) : NULL; word; word = strtok_r(NULL, " \n", &state))
            holds[f->variables + strtol(word, NULL, 10)] = true;
    }
    for (int i = 0; sat && i < f->count; i++) {
        int k = 0;
        while (k < f->clauses[i].count && !holds[f->variables + f->clauses[i].literals[k]])
            k++;
        wrong += k == f->clauses[i].count;
    }
    free(holds);
    return in && !fclose(in) && sat == p->satisfiable && !wrong;
}

static bool remove_as(const char *name, const char *kind)
{
    char path[64];
    snprintf(path, sizeof path, "%s.%s", name, kind);
    return !remove(path);
}

int main(void)
{
    int right = 0, count = (int)(sizeof problems / sizeof *problems);
    srand(2005);
    if (mtx_init(&work.lock, mtx_plain) || cnd_init(&work.changed) || tss_create(&own_search, end_search))
        return 96;
    for (const struct problem *p = problems; p < problems + count; p++) {
        struct formula made = {0}, f = {0};
        p->make(&made, p->a, p->b);
        if (!write_formula(&made, p->name) || !read_formula(&f, p->name))
            return 95;
        assert(f.variables == made.variables && f.count == made.count);
        prepare(&f);
        work.f = &f;
        work.model = need(malloc((size_t)f.variables + 1));
        work.next = work.done = 0;
        work.decisions = work.conflicts = 0;
        work.winner = -1;
        found = false;
        search_all(p->name);
        right += write_answer(p->name) && answer_is_right(p, &f);
        free(work.model);
        discard(&made);
        discard(&f);
        if (!remove_as(p->name, "cnf") || !remove_as(p->name, "out"))
            return 94;
    }
    tss_delete(own_search);
    cnd_destroy(&work.changed);
    mtx_destroy(&work.lock);
    printf("solver: %d of %d answers are right\n", right, count);
    return right != count;
}
