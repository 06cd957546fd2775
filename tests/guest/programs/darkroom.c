// darkroom: a picture goes through stages in threads of their own, band by band: drawn, developed (tone curve), dithered to sixteen
// colours, packed by an LZ coder of its own and filed. Stages hand bands on through queues of kernel semaphores; a timer's
// deferred call meters how full those are. The file is read back, unpacked, compared, and written as a BMP, which is checked too.
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <xenolith/xboxkrnl.h>

enum { WIDTH = 160, HEIGHT = 112, BAND = 8, BANDS = HEIGHT / BAND, QUEUE = 4, COLOURS = 16 };

struct band {
    int number, packed_bytes;
    float light[BAND][WIDTH];
    uint8_t pixels[BAND * WIDTH]; // indexes of colours
    uint8_t packed[BAND * WIDTH * 9 / 8 + 16];
};

// ---- Queues: a ring that blocks who finds it full or empty

struct queue {
    KSEMAPHORE room, filled;
    KSPIN_LOCK lock;
    uint32_t head, tail;
    struct band *ring[QUEUE];
    uint32_t depth_sum;
};

static void queue_init(struct queue *q)
{
    memset(q, 0, sizeof *q);
    KeInitializeSemaphore(&q->room, QUEUE, QUEUE);
    KeInitializeSemaphore(&q->filled, 0, QUEUE);
}

static void give(struct queue *q, struct band *b)
{
    KeWaitForSingleObject(&q->room, Executive, UserMode, FALSE, NULL);
    KIRQL old = KfAcquireSpinLock(&q->lock);
    q->ring[q->head++ % QUEUE] = b;
    KfReleaseSpinLock(&q->lock, old);
    KeReleaseSemaphore(&q->filled, 0, 1, FALSE);
}

static struct band *take(struct queue *q)
{
    KeWaitForSingleObject(&q->filled, Executive, UserMode, FALSE, NULL);
    KIRQL old = KfAcquireSpinLock(&q->lock);
    struct band *b = q->ring[q->tail++ % QUEUE];
    KfReleaseSpinLock(&q->lock, old);
    KeReleaseSemaphore(&q->room, 0, 1, FALSE);
    return b;
}

// ---- Stages

static struct queue drawn, developed, dithered, empty; // `empty` brings bands back to be drawn again
static KEVENT started, failed;

static float light_at(int x, int y)
{
    double cr = -2.1 + 2.8 * x / WIDTH, ci = -1.0 + 2.0 * y / HEIGHT, r = 0, i = 0;
    for (int n = 0; n < 60; n++) {
        double t = r * r - i * i + cr;
        i = 2 * r * i + ci;
        r = t;
        if (r * r + i * i > 16)
            return (float)((n + 1 - log2(log(r * r + i * i) / 2)) / 60);
    }
    return 1;
}

static uint32_t draw(void *unused)
{
    (void)unused;
    KeWaitForSingleObject(&started, Executive, UserMode, FALSE, NULL);
    for (int n = 0; n < BANDS; n++) {
        struct band *b = take(&empty);
        b->number = n;
        for (int y = 0; y < BAND; y++)
            for (int x = 0; x < WIDTH; x++)
                b->light[y][x] = light_at(x, n * BAND + y);
        give(&drawn, b);
    }
    return 0;
}

static uint32_t develop(void *unused)
{
    (void)unused;
    for (int n = 0; n < BANDS; n++) {
        struct band *b = take(&drawn);
        for (int y = 0; y < BAND; y++)
            for (int x = 0; x < WIDTH; x++) {
                float l = fminf(1, fmaxf(0, b->light[y][x]));
                b->light[y][x] = powf(l, 1 / 2.2f) * (1 - 0.15f * hypotf((float)x / WIDTH - 0.5f, (float)(n * BAND + y) / HEIGHT - 0.5f));
            }
        give(&developed, b);
    }
    return 0;
}

// The error of each pixel goes to those to the right and below (Floyd and Steinberg), from band to band too.
static uint32_t dither(void *unused)
{
    static float error[2][WIDTH + 2];
    (void)unused;
    for (int n = 0; n < BANDS; n++) {
        struct band *b = take(&developed);
        for (int y = 0; y < BAND; y++) {
            float *here = error[y & 1], *below = error[~y & 1];
            memset(below, 0, sizeof error[0]);
            for (int x = 0; x < WIDTH; x++) {
                float want = b->light[y][x] * (COLOURS - 1) + here[x + 1], have = fminf(COLOURS - 1, fmaxf(0, rintf(want)));
                b->pixels[y * WIDTH + x] = (uint8_t)have;
                here[x + 2] += (want - have) * 7 / 16;
                below[x] += (want - have) * 3 / 16;
                below[x + 1] += (want - have) * 5 / 16;
                below[x + 2] += (want - have) * 1 / 16;
            }
        }
        give(&dithered, b);
    }
    return 0;
}

// ---- The coder: groups of eight items with a byte of flags before; an item is a byte, or a distance and a length (3-18)

static int match_length(const uint8_t *a, const uint8_t *b, const uint8_t *end)
{
    int n = 0;
    while (n < 18 && b + n < end && a[n] == b[n])
        n++;
    return n;
}

static int pack(const uint8_t *in, int size, uint8_t *out)
{
    uint8_t *start = out, *flags = NULL;
    int recent[256][4] = {{0}}; // positions plus one where two bytes like these began, the latest first
    for (int at = 0, item = 0; at < size; item++) {
        int best = 0, from = 0, length = 1;
        int *places = recent[(in[at] * 16 + (at + 1 < size ? in[at + 1] : 0)) & 0xFF];
        for (int i = 0; i < 4 && places[i] && at + 1 - places[i] < 4096; i++) {
            int n = match_length(in + places[i] - 1, in + at, in + size);
            if (n > best) {
                best = n;
                from = places[i] - 1;
            }
        }
        if (item % 8 == 0)
            *(flags = out++) = 0;
        if (best >= 3) {
            *flags |= (uint8_t)(1 << item % 8);
            *out++ = (uint8_t)((at - from) >> 4);
            *out++ = (uint8_t)((at - from) << 4 | (best - 3));
            length = best;
        } else {
            *out++ = in[at];
        }
        memmove(places + 1, places, 3 * sizeof *places);
        places[0] = at + 1;
        at += length;
    }
    return (int)(out - start);
}

// Returns how many bytes came out; -1 when the input is no packed band.
static int unpack(const uint8_t *in, int size, uint8_t *out, int room)
{
    int made = 0;
    for (int at = 0, item = 0, flags = 0; at < size; item++) {
        if (item % 8 == 0)
            flags = in[at++];
        if (flags >> item % 8 & 1) {
            if (at + 2 > size)
                return -1;
            int distance = in[at] << 4 | in[at + 1] >> 4, length = (in[at + 1] & 15) + 3;
            if (!distance || distance > made || made + length > room)
                return -1;
            for (int i = 0; i < length; i++, made++)
                out[made] = out[made - distance];
            at += 2;
        } else if (at < size) {
            if (made == room)
                return -1;
            out[made++] = in[at++];
        }
    }
    return made;
}

// ---- The last stage: to the file, with a table of what is where at its end

struct entry {
    uint32_t offset, bytes, check;
};

static struct entry entries[BANDS];
static uint8_t whole[HEIGHT * WIDTH];

static uint32_t file_bands(void *unused)
{
    FILE *out = fopen("game:\\darkroom.dat", "wb");
    (void)unused;
    if (!out)
        KeSetEvent(&failed, 0, FALSE);
    for (int n = 0; n < BANDS; n++) {
        struct band *b = take(&dithered);
        b->packed_bytes = pack(b->pixels, sizeof b->pixels, b->packed);
        entries[n] = (struct entry){out ? (uint32_t)ftell(out) : 0, (uint32_t)b->packed_bytes, RtlComputeCrc32(0, b->pixels, sizeof b->pixels)};
        memcpy(&whole[b->number * BAND * WIDTH], b->pixels, sizeof b->pixels);
        if (!out || fwrite(b->packed, 1, entries[n].bytes, out) != entries[n].bytes)
            KeSetEvent(&failed, 0, FALSE);
        give(&empty, b);
    }
    if (!out || fwrite(entries, sizeof *entries, BANDS, out) != BANDS || fclose(out))
        KeSetEvent(&failed, 0, FALSE);
    return 0;
}

// ---- The meter, at the timer's level: it may not wait

static struct queue *const queues[] = {&drawn, &developed, &dithered, &empty};
static uint32_t readings;

static void meter(KDPC *dpc, void *context, void *a, void *b)
{
    (void)dpc, (void)context, (void)a, (void)b;
    readings++;
    for (int i = 0; i < 4; i++) {
        KeAcquireSpinLockAtRaisedIrql(&queues[i]->lock);
        queues[i]->depth_sum += queues[i]->head - queues[i]->tail;
        KeReleaseSpinLockFromRaisedIrql(&queues[i]->lock);
    }
}

static int process(void)
{
    static uint32_t (*const stages[])(void *) = {draw, develop, dither, file_bands};
    enum { STAGES = sizeof stages / sizeof *stages };
    HANDLE handles[STAGES];
    void *objects[STAGES];
    KWAIT_BLOCK blocks[STAGES]; // a thread has three of its own
    KTIMER timer;
    KDPC dpc;
    for (int i = 0; i < 4; i++)
        queue_init(queues[i]);
    struct band *bands = MmAllocatePhysicalMemoryEx(0, QUEUE * sizeof *bands, PAGE_READWRITE, 0, 0xFFFFFFFF, 0x1000);
    for (int i = 0; bands && i < QUEUE; i++)
        give(&empty, &bands[i]);
    KeInitializeEvent(&started, NotificationEvent, FALSE);
    KeInitializeEvent(&failed, NotificationEvent, FALSE);
    KeInitializeDpc(&dpc, meter, NULL);
    KeInitializeTimerEx(&timer, NotificationTimer, 1);
    for (int i = 0; i < STAGES; i++)
        if (!bands || !NT_SUCCESS(ExCreateThread(&handles[i], 0x8000, NULL, NULL, stages[i], NULL, 1u << (25 + i))) ||
            !NT_SUCCESS(ObReferenceObjectByHandle(handles[i], NULL, &objects[i])))
            return 0;
    KeSetTimerEx(&timer, (uint64_t)-1000, 1, &dpc);
    KeSetEvent(&started, 0, FALSE);
    NTSTATUS ended = KeWaitForMultipleObjects(STAGES, objects, WaitAll, Executive, UserMode, FALSE, NULL, blocks);
    KeCancelTimer(&timer);
    for (int i = 0; i < STAGES; i++) {
        ObDereferenceObject(objects[i]);
        NtClose(handles[i]);
    }
    int64_t at_once = 0;
    int good = ended == STATUS_SUCCESS && KeWaitForSingleObject(&failed, Executive, UserMode, FALSE, &at_once) == STATUS_TIMEOUT;
    MmFreePhysicalMemory(0, bands);
    printf("%d bands, metered: %s\n", BANDS, readings > 3 ? "often" : "hardly");
    for (int i = 0; i < 4; i++)
        printf("queue %d held %.2f bands at a time\n", i, readings ? (double)queues[i]->depth_sum / readings : 0.0);
    return good;
}

// ---- Back again

static int read_back(uint8_t *picture)
{
    struct entry table[BANDS];
    uint8_t packed[sizeof((struct band *)0)->packed];
    uint32_t total = 0;
    int wrong = 0;
    FILE *in = fopen("game:\\darkroom.dat", "rb");
    if (!in || fseek(in, -(long)sizeof table, SEEK_END) || fread(table, sizeof *table, BANDS, in) != BANDS)
        return 0;
    for (int n = BANDS - 1; n >= 0; n--) { // backwards, so that every band is looked for
        uint8_t *to = picture + n * BAND * WIDTH;
        int made = -1;
        if (table[n].bytes <= sizeof packed && !fseek(in, (long)table[n].offset, SEEK_SET) && fread(packed, 1, table[n].bytes, in) == table[n].bytes)
            made = unpack(packed, (int)table[n].bytes, to, BAND * WIDTH);
        wrong += made != BAND * WIDTH || RtlComputeCrc32(0, to, BAND * WIDTH) != table[n].check;
        total += table[n].bytes;
    }
    printf("%" PRIu32 " bytes for %d pixels, %d bands wrong; a damaged one: %s\n", total, WIDTH * HEIGHT, wrong,
           unpack((const uint8_t[]){1, 0xFF, 0xF0}, 3, packed, 100) < 0 ? "refused" : "taken");
    return !fclose(in) && !wrong;
}

static void little(uint8_t *at, uint32_t value, int bytes)
{
    for (int i = 0; i < bytes; i++)
        at[i] = (uint8_t)(value >> 8 * i);
}

// Four bits a pixel, the lowest line first.
static int write_bmp(const uint8_t *picture)
{
    enum { HEAD = 14 + 40 + 4 * COLOURS, ROW = WIDTH / 2 };
    uint8_t *bmp = calloc(1, HEAD + ROW * HEIGHT), *line = bmp ? bmp + HEAD : NULL;
    if (!bmp)
        return 0;
    memcpy(bmp, "BM", 2);
    const uint32_t fields[][3] = {{2, HEAD + ROW * HEIGHT, 4}, {10, HEAD, 4}, {14, 40, 4}, {18, WIDTH, 4}, {22, HEIGHT, 4}, {26, 1, 2}, {28, 4, 2}};
    for (size_t i = 0; i < sizeof fields / sizeof *fields; i++)
        little(bmp + fields[i][0], fields[i][1], (int)fields[i][2]);
    for (uint32_t i = 0; i < COLOURS; i++)
        little(bmp + 54 + 4 * i, i * 0x110D08 + (COLOURS - 1 - i) * 0x06, 4);
    for (int y = HEIGHT - 1; y >= 0; y--, line += ROW)
        for (int x = 0; x < ROW; x++)
            line[x] = (uint8_t)(picture[y * WIDTH + 2 * x] << 4 | picture[y * WIDTH + 2 * x + 1]);
    FILE *out = fopen("game:\\darkroom.bmp", "wb");
    int good = out && fwrite(bmp, 1, HEAD + ROW * HEIGHT, out) == HEAD + ROW * HEIGHT && !fclose(out);
    uint8_t head[54];
    FILE *in = fopen("game:\\darkroom.bmp", "rb");
    good = good && in && fread(head, 1, sizeof head, in) == sizeof head && !memcmp(head, bmp, sizeof head) && !fseek(in, 0, SEEK_END) &&
           ftell(in) == HEAD + ROW * HEIGHT && !fclose(in);
    printf("the BMP: %d bytes, check %08x, %s\n", HEAD + ROW * HEIGHT, (unsigned)RtlComputeCrc32(0, bmp, HEAD + ROW * HEIGHT), good ? "as written" : "wrong");
    free(bmp);
    return good;
}

int main(void)
{
    uint8_t *picture = malloc(sizeof whole);
    if (!picture || !process() || !read_back(picture) || memcmp(picture, whole, sizeof whole) || !write_bmp(picture))
        return 1;
    for (int y = 4; y < HEIGHT; y += 8) {
        for (int x = 1; x < WIDTH; x += 3)
            putchar(" .,:;-~+=*oO#%&@"[picture[y * WIDTH + x]]);
        putchar('\n');
    }
    free(picture);
    if (remove("game:\\darkroom.dat") || remove("game:\\darkroom.bmp"))
        return 2;
    puts("darkroom: done");
    return 0;
}
