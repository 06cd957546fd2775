// bench: branches. Quicksort of records with a compare function: unpredictable branches, calls, swaps.
#include "kernel.h"

#ifndef ROUNDS
#define ROUNDS 60
#endif
#define COUNT 20000

struct record {
    uint32_t key, order;
};
typedef int compare(const struct record *a, const struct record *b);

static struct record records[COUNT];

static int by_key(const struct record *a, const struct record *b)
{
    return a->key != b->key ? (a->key < b->key ? -1 : 1) : (a->order < b->order ? -1 : a->order > b->order);
}

static int by_order(const struct record *a, const struct record *b)
{
    return a->order < b->order ? -1 : a->order > b->order;
}

static void swap(struct record *a, struct record *b)
{
    const struct record t = *a;
    *a = *b;
    *b = t;
}

static void insertion(struct record *r, int count, compare *cmp)
{
    for (int i = 1; i < count; i++)
        for (int j = i; j > 0 && cmp(&r[j], &r[j - 1]) < 0; j--)
            swap(&r[j], &r[j - 1]);
}

static void sort(struct record *r, int count, compare *cmp)
{
    while (count > 12) {
        const struct record pivot = r[count / 2];
        int low = 0, high = count - 1;
        while (low <= high) {
            while (cmp(&r[low], &pivot) < 0)
                low++;
            while (cmp(&pivot, &r[high]) < 0)
                high--;
            if (low <= high)
                swap(&r[low++], &r[high--]);
        }
        sort(r, high + 1, cmp);
        r += low;
        count -= low;
    }
    insertion(r, count, cmp);
}

int main(void)
{
    uint32_t random = 17, sum = 1;
    for (uint32_t i = 0; i < ROUNDS; i++) {
        for (uint32_t j = 0; j < COUNT; j++)
            records[j] = (struct record){next_random(&random) & 0xFFFF, j};
        sort(records, COUNT, by_key);
        sum = fold(sum, records[i % COUNT].order);
        if ((i & 3) == 0) {
            sort(records, COUNT, by_order);
            sum = fold(sum, records[i % COUNT].key);
        }
    }
    printf("%08x\n", sum);
    return 0;
}
