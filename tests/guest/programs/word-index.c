// word-index: makes a text of its own, several threads index it by parts from the file, the index is sorted and written, then
// read back and compared with a count made another way.
#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <threads.h>
#include <xenolith/xboxkrnl.h>

enum { WORDS = 5000, VOCABULARY = 120, WORKERS = 4, BUCKETS = 97, LONGEST = 16 };

static const char text_name[] = "game:\\word-index.txt", index_name[] = "game:\\word-index.out";

// ---- The vocabulary: made-up words of two to five syllables

static char vocabulary[VOCABULARY][LONGEST];

static void make_vocabulary(void)
{
    static const char *const syllables[] = {"ka", "lo", "mi", "ren", "tu", "sha", "vor", "e", "dan", "pi"};
    srand(360);
    for (int i = 0; i < VOCABULARY; i++) {
        vocabulary[i][0] = 0;
        for (int n = 2 + rand() % 3; n > 0; n--)
            strncat(vocabulary[i], syllables[rand() % 10], LONGEST - 1 - strlen(vocabulary[i]));
    }
}

static int write_text(int *expected)
{
    FILE *f = fopen(text_name, "w");
    if (!f) {
        perror(text_name);
        return 0;
    }
    for (int i = 0; i < WORDS; i++) {
        int number = (rand() % VOCABULARY + rand() % VOCABULARY) / 2;
        char word[LONGEST];
        strcpy(word, vocabulary[number]);
        if (i % 7 == 0)
            word[0] = (char)toupper((unsigned char)word[0]);
        fprintf(f, "%s%s", word, i % 11 == 10 ? ".\n" : i % 5 == 4 ? ", " : " ");
        expected[number]++;
    }
    return fclose(f) == 0;
}

// ---- The index: a hash table that all workers share, one lock a bucket

struct entry {
    struct entry *next;
    char word[LONGEST];
    int count;
    long first; // offset in the file
};

static struct bucket {
    mtx_t lock;
    struct entry *entries;
} buckets[BUCKETS];

static unsigned hash(const char *word)
{
    unsigned h = 5381;
    for (; *word; word++)
        h = h * 33 + (unsigned char)*word;
    return h;
}

static int add(const char *word, long where)
{
    struct bucket *b = &buckets[hash(word) % BUCKETS];
    mtx_lock(&b->lock);
    struct entry *e = b->entries;
    while (e && strcmp(e->word, word) != 0)
        e = e->next;
    if (!e && (e = calloc(1, sizeof *e))) {
        strcpy(e->word, word);
        e->first = where;
        e->next = b->entries;
        b->entries = e;
    }
    if (e) {
        e->count++;
        e->first = where < e->first ? where : e->first;
    }
    mtx_unlock(&b->lock);
    return e != NULL;
}

// ---- Workers: each reads its part of the file, from the first word that begins in it

struct part {
    long begin, end;
    int words, number;
    uint64_t ticks;
};

static int read_word(FILE *f, char *word, long *where)
{
    int c = fgetc(f), n = 0;
    while (c != EOF && !isalpha(c))
        c = fgetc(f);
    *where = ftell(f) - 1;
    for (; c != EOF && isalpha(c); c = fgetc(f))
        if (n + 1 < LONGEST)
            word[n++] = (char)tolower(c);
    word[n] = 0;
    if (c != EOF)
        ungetc(c, f);
    return n;
}

static int work(void *context)
{
    struct part *p = context;
    char word[LONGEST];
    long where;
    uint64_t start = xenolith_timebase();
    FILE *f = fopen(text_name, "r");
    if (!f)
        return -1;
    if (p->begin) { // a word that crosses the border belongs to the part before
        fseek(f, p->begin - 1, SEEK_SET);
        int c = fgetc(f);
        while (c != EOF && isalpha(c))
            c = fgetc(f);
        if (c != EOF)
            ungetc(c, f);
    }
    while (read_word(f, word, &where) && where < p->end) {
        if (!add(word, where))
            break;
        p->words++;
    }
    fclose(f);
    p->ticks = xenolith_timebase() - start;
    return p->words;
}

static int index_text(void)
{
    thrd_t threads[WORKERS];
    struct part parts[WORKERS] = {0};
    FILE *f = fopen(text_name, "r");
    if (!f || fseek(f, 0, SEEK_END))
        return 0;
    long size = ftell(f);
    fclose(f);
    for (int i = 0; i < BUCKETS; i++)
        mtx_init(&buckets[i].lock, mtx_plain);
    for (int i = 0; i < WORKERS; i++) {
        parts[i].number = i;
        parts[i].begin = size * i / WORKERS;
        parts[i].end = size * (i + 1) / WORKERS;
        if (thrd_create(&threads[i], work, &parts[i]) != thrd_success)
            return 0;
    }
    int total = 0;
    for (int i = 0; i < WORKERS; i++) {
        int words = -1;
        thrd_join(threads[i], &words);
        printf("worker %d: bytes %ld to %ld, %d words\n", i, parts[i].begin, parts[i].end, words);
        if (words < 0 || !parts[i].ticks)
            return 0;
        total += words;
    }
    return total;
}

// ---- The sorted index

static int by_count(const void *a, const void *b)
{
    const struct entry *x = *(struct entry *const *)a, *y = *(struct entry *const *)b;
    return x->count != y->count ? y->count - x->count : strcmp(x->word, y->word);
}

static struct entry **collect(int *count)
{
    struct entry **all = malloc(VOCABULARY * sizeof *all);
    *count = 0;
    for (int i = 0; all && i < BUCKETS; i++)
        for (struct entry *e = buckets[i].entries; e && *count < VOCABULARY; e = e->next)
            all[(*count)++] = e;
    if (all)
        qsort(all, (size_t)*count, sizeof *all, by_count);
    return all;
}

static int write_index(struct entry **all, int count)
{
    FILE *f = fopen(index_name, "w+");
    if (!f)
        return 0;
    for (int i = 0; i < count; i++)
        fprintf(f, "%-16s %5d %8ld %6.3f%%\n", all[i]->word, all[i]->count, all[i]->first, 100.0 * all[i]->count / WORDS);
    rewind(f);
    char line[80];
    int lines = 0, good = 1;
    double percent = 0;
    while (fgets(line, sizeof line, f)) {
        char *state, *word = strtok_r(line, " ", &state), *number = strtok_r(NULL, " ", &state);
        strtok_r(NULL, " ", &state);
        char *share = strtok_r(NULL, " %", &state);
        good = good && word && number && share && !strcmp(word, all[lines]->word) && strtol(number, NULL, 10) == all[lines]->count;
        percent += share ? strtod(share, NULL) : 0;
        if (lines < 5)
            printf("%s %s times\n", word, number);
        lines++;
    }
    printf("%d lines, %.1f percent\n", lines, percent);
    return fclose(f) == 0 && good && lines == count;
}

// The same counts, from the generator: words of the vocabulary that are spelt alike are one.
static int compare(struct entry **all, int count, const int *expected)
{
    int wrong = 0;
    for (int i = 0; i < count; i++) {
        int want = 0;
        for (int k = 0; k < VOCABULARY; k++)
            want += strcmp(vocabulary[k], all[i]->word) ? 0 : expected[k];
        wrong += want != all[i]->count;
    }
    return wrong;
}

static int memory_used(void)
{
    MM_STATISTICS s = {.Length = sizeof s};
    return MmQueryStatistics(&s) == STATUS_SUCCESS && s.Title.AvailablePages > 0 && s.Title.AvailablePages < s.TotalPhysicalPages;
}

int main(void)
{
    static int expected[VOCABULARY];
    make_vocabulary();
    if (!write_text(expected))
        return 1;
    int total = index_text(), count;
    printf("%d words\n", total);
    if (total != WORDS)
        return 2;
    struct entry **all = collect(&count);
    if (!all || !write_index(all, count))
        return 3;
    int wrong = compare(all, count, expected);
    printf("%d different words, %d counts are wrong\n", count, wrong);
    if (wrong || !memory_used())
        return 4;
    free(all);
    if (remove(text_name) || remove(index_name))
        return 5;
    errno = 0;
    FILE *gone = fopen(text_name, "r");
    printf("word-index: %s\n", gone ? "left something behind" : strerror(errno));
    return gone != NULL;
}
