// The encoder of LZX: greedy matches from hash chains, Huffman codes for each block. Made so that the reader meets every form of
// block; it packs well enough, not best.
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "xex/lzx.h"

#define MATCH_LEAST   3u // two bytes of a new place are no gain
#define MATCH_MOST    257u
#define CHAIN_MOST    32u // places tried for one match
#define HASH_BITS     17u
#define SLOTS_MOST    50u
#define MAIN_MOST     (256u + 8u * SLOTS_MOST)
#define LENGTHS       249u
#define PRETREE       20u
#define ALIGNED       8u
#define CODE_MOST     16u // bits of a code
#define BLOCK_FRAMES  4u
#define BLOCK_BYTES   (BLOCK_FRAMES * LZX_FRAME)
#define STORED_HEADER 16u
#define NO_NODE       UINT16_MAX

struct token { // a literal, or a match
    uint32_t extra;  // bits behind the symbol, `extra_bits` of them
    uint16_t symbol; // of the main tree
    uint8_t extra_bits, length; // length: symbol of the length tree, where the main symbol's low bits are 7
};

struct code {
    uint8_t bits[MAIN_MOST];
    uint16_t word[MAIN_MOST];
};

struct writer {
    uint8_t *out;
    size_t used;
    uint32_t held; // bits that make no word yet, in the low end
    unsigned held_bits;
};

struct packer {
    const struct lzx_plain *in;
    uint8_t *bytes; // reference, then data
    uint32_t slots;
    int32_t *head, *previous; // hash -> last place; place -> the one before
    uint32_t repeated[3];
    struct token *tokens;
    size_t token_count;
    uint8_t main_before[MAIN_MOST], length_before[LENGTHS];
    struct writer w;
    uint32_t *frame_ends; // bytes written at the end of each frame
};

// ---- Bits: 16-bit little-endian words, filled from the top

static void put(struct writer *w, uint32_t value, unsigned bits)
{
    for (unsigned i = bits; i-- > 0;) {
        w->held = w->held << 1 | (value >> i & 1);
        if (++w->held_bits == 16) {
            le16_set(w->out + w->used, (uint16_t)w->held);
            w->used += 2;
            w->held = 0;
            w->held_bits = 0;
        }
    }
}

static void align(struct writer *w)
{
    if (w->held_bits)
        put(w, 0, 16 - w->held_bits);
}

// ---- Huffman codes

struct node {
    uint32_t weight;
    uint16_t parent;
};

static void two_lightest(const struct node *nodes, const uint16_t *live, unsigned alive, unsigned *lightest, unsigned *next)
{
    unsigned a = 0, b = 1;
    for (unsigned i = 1; i < alive; i++) {
        if (nodes[live[i]].weight < nodes[live[a]].weight) {
            b = a;
            a = i;
        } else if (i > 1 && nodes[live[i]].weight < nodes[live[b]].weight) {
            b = i;
        }
    }
    *lightest = a;
    *next = b;
}

// The depth of each symbol with a weight in the tree; returns the greatest.
static unsigned tree_depths(const uint32_t *weights, unsigned symbols, uint8_t *bits)
{
    struct node nodes[2 * MAIN_MOST];
    uint16_t leaf[MAIN_MOST], live[MAIN_MOST];
    unsigned count = 0, alive = 0, longest = 0;
    for (unsigned i = 0; i < symbols; i++) {
        leaf[i] = NO_NODE;
        if (!weights[i])
            continue;
        nodes[count] = (struct node){weights[i], NO_NODE};
        leaf[i] = live[alive++] = (uint16_t)count++;
    }
    while (alive > 1) {
        unsigned a, b;
        two_lightest(nodes, live, alive, &a, &b);
        nodes[count] = (struct node){nodes[live[a]].weight + nodes[live[b]].weight, NO_NODE};
        nodes[live[a]].parent = nodes[live[b]].parent = (uint16_t)count;
        live[a] = (uint16_t)count++;
        live[b] = live[--alive];
    }
    for (unsigned i = 0; i < symbols; i++) {
        unsigned depth = 0;
        for (uint16_t n = leaf[i]; n != NO_NODE && nodes[n].parent != NO_NODE; n = nodes[n].parent)
            depth++;
        bits[i] = (uint8_t)depth;
        longest = depth > longest ? depth : longest;
    }
    return longest;
}

// Lengths of a code for symbols that occur, none longer than `most`. Two symbols at least get one: readers want whole codes.
static void code_lengths(const uint32_t *counts, unsigned symbols, unsigned most, uint8_t *bits)
{
    uint32_t weights[MAIN_MOST];
    unsigned used = 0;
    for (unsigned i = 0; i < symbols; i++) {
        weights[i] = counts[i];
        used += counts[i] != 0;
    }
    for (unsigned i = 0; used < 2; i++)
        if (!weights[i]) {
            weights[i] = 1;
            used++;
        }
    while (tree_depths(weights, symbols, bits) > most)
        for (unsigned i = 0; i < symbols; i++) // flatter
            weights[i] = weights[i] ? weights[i] / 2 + 1 : 0;
}

static void code_words(struct code *c, unsigned symbols)
{
    uint32_t next = 0;
    for (unsigned length = 1; length <= CODE_MOST; length++, next <<= 1)
        for (unsigned i = 0; i < symbols; i++)
            if (c->bits[i] == length)
                c->word[i] = (uint16_t)next++;
}

static void make_code(struct code *c, const uint32_t *counts, unsigned symbols, unsigned most)
{
    memset(c, 0, sizeof *c);
    code_lengths(counts, symbols, most, c->bits);
    code_words(c, symbols);
}

static void put_symbol(struct writer *w, const struct code *c, unsigned symbol)
{
    put(w, c->word[symbol], c->bits[symbol]);
}

// ---- The lengths of a code, as differences to the block before, themselves coded

struct step {
    uint8_t symbol, extra, extra_bits, then; // then: the second symbol of a run of equals, PRETREE: none
};

static unsigned run_of(const uint8_t *bits, unsigned at, unsigned end, unsigned most)
{
    unsigned n = 1;
    while (at + n < end && n < most && bits[at + n] == bits[at])
        n++;
    return n;
}

static void put_lengths(struct writer *w, uint8_t *before, const uint8_t *bits, unsigned from, unsigned to)
{
    struct step steps[MAIN_MOST];
    unsigned count = 0;
    uint32_t counts[PRETREE] = {0};
    for (unsigned at = from, n; at < to; at += n) {
        uint8_t difference = (uint8_t)((before[at] + 17 - bits[at]) % 17);
        n = run_of(bits, at, to, bits[at] ? 5 : 51);
        if (!bits[at] && n >= 20)
            steps[count++] = (struct step){18, (uint8_t)(n - 20), 5, PRETREE};
        else if (!bits[at] && n >= 4)
            steps[count++] = (struct step){17, (uint8_t)(n - 4), 4, PRETREE};
        else if (bits[at] && n >= 4)
            steps[count++] = (struct step){19, (uint8_t)(n - 4), 1, difference};
        else
            steps[count++] = (struct step){difference, 0, 0, PRETREE};
        if (n < 4)
            n = 1;
        counts[steps[count - 1].symbol]++;
        if (steps[count - 1].then != PRETREE)
            counts[steps[count - 1].then]++;
    }
    struct code pretree;
    make_code(&pretree, counts, PRETREE, 15);
    for (unsigned i = 0; i < PRETREE; i++)
        put(w, pretree.bits[i], 4);
    for (unsigned i = 0; i < count; i++) {
        put_symbol(w, &pretree, steps[i].symbol);
        put(w, steps[i].extra, steps[i].extra_bits);
        if (steps[i].then != PRETREE)
            put_symbol(w, &pretree, steps[i].then);
    }
    memcpy(before + from, bits + from, to - from);
}

// ---- Matches

static unsigned slot_bits(unsigned slot)
{
    return slot < 4 ? 0 : slot < 36 ? slot / 2 - 1 : 17;
}

// A distance, 2 more than it is, as slot and the bits behind it.
static unsigned slot_of(uint32_t formatted, uint32_t *extra)
{
    uint32_t base = 0;
    for (unsigned slot = 0;; slot++) {
        uint32_t size = 1u << slot_bits(slot);
        if (formatted - base < size) {
            *extra = formatted - base;
            return slot;
        }
        base += size;
    }
}

static uint32_t hash(const uint8_t *p)
{
    return (uint32_t)((p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16) * 2654435761u) >> (32 - HASH_BITS);
}

static uint32_t match_length(const uint8_t *a, const uint8_t *b, uint32_t most)
{
    uint32_t n = 0;
    while (n < most && a[n] == b[n])
        n++;
    return n;
}

static void remember(struct packer *p, size_t at, size_t end)
{
    if (end - at < MATCH_LEAST)
        return;
    uint32_t h = hash(p->bytes + at);
    p->previous[at] = p->head[h];
    p->head[h] = (int32_t)at;
}

// The longest match at `at`, of `most` bytes; its distance.
static uint32_t find_match(const struct packer *p, size_t at, uint32_t most, uint32_t *distance)
{
    uint32_t best = 0, limit = p->in->window - 3;
    if (most < MATCH_LEAST)
        return 0;
    int32_t place = p->head[hash(p->bytes + at)];
    for (unsigned i = 0; i < CHAIN_MOST && place >= 0 && at - (size_t)place <= limit && best < most; i++, place = p->previous[place]) {
        uint32_t n = match_length(p->bytes + place, p->bytes + at, most);
        if (n >= MATCH_LEAST && n > best) {
            best = n;
            *distance = (uint32_t)(at - (size_t)place);
        }
    }
    return best;
}

static struct token match_token(unsigned slot, uint32_t extra, uint32_t length)
{
    uint32_t header = length - 2 < 7 ? length - 2 : 7;
    return (struct token){extra, (uint16_t)(256 + 8 * slot + header), (uint8_t)slot_bits(slot), (uint8_t)(header == 7 ? length - 9 : 0)};
}

// One of the last three distances, where it matches nearly as well as a new one.
static bool take_repeated(struct packer *p, size_t at, uint32_t most, uint32_t best, uint32_t *length)
{
    for (unsigned i = 0; i < 3; i++) {
        uint32_t distance = p->repeated[i];
        if (distance > at)
            continue;
        uint32_t n = match_length(p->bytes + at - distance, p->bytes + at, most);
        if (n < 2 || n + 1 < best)
            continue;
        p->repeated[i] = p->repeated[0];
        p->repeated[0] = distance;
        p->tokens[p->token_count++] = match_token(i, 0, n);
        *length = n;
        return true;
    }
    return false;
}

static uint32_t next_token(struct packer *p, size_t at, uint32_t most)
{
    uint32_t distance = 0, best = find_match(p, at, most, &distance), length, extra;
    if (take_repeated(p, at, most, best, &length))
        return length;
    if (!best) {
        p->tokens[p->token_count++] = (struct token){.symbol = p->bytes[at]};
        return 1;
    }
    unsigned slot = slot_of(distance + 2, &extra);
    p->tokens[p->token_count++] = match_token(slot, extra, best);
    p->repeated[2] = p->repeated[1];
    p->repeated[1] = p->repeated[0];
    p->repeated[0] = distance;
    return best;
}

// Tokens of a block; none crosses the end of a frame.
static void find_tokens(struct packer *p, size_t from, size_t size)
{
    size_t start = p->in->reference_size + from, whole = p->in->reference_size + p->in->size;
    p->token_count = 0;
    for (size_t done = 0; done < size;) {
        size_t frame_left = LZX_FRAME - done % LZX_FRAME, left = size - done < frame_left ? size - done : frame_left;
        uint32_t n = next_token(p, start + done, left < MATCH_MOST ? (uint32_t)left : MATCH_MOST);
        for (uint32_t i = 0; i < n; i++)
            remember(p, start + done + i, whole);
        done += n;
    }
}

// ---- Blocks

static uint32_t token_bytes(const struct token *t)
{
    return t->symbol < 256 ? 1 : (t->symbol & 7) == 7 ? 9u + t->length : 2u + (t->symbol & 7);
}

static bool is_long(const struct token *t)
{
    return t->symbol >= 256 && (t->symbol & 7) == 7;
}

struct counts {
    uint32_t main[MAIN_MOST], length[LENGTHS], aligned[ALIGNED];
};

static void count_symbols(const struct packer *p, struct counts *n)
{
    *n = (struct counts){0};
    for (size_t i = 0; i < p->token_count; i++) {
        const struct token *t = &p->tokens[i];
        n->main[t->symbol]++;
        if (is_long(t))
            n->length[t->length]++;
        if (t->extra_bits >= 3)
            n->aligned[t->extra & 7]++;
    }
}

static void put_token(struct writer *w, const struct token *t, const struct code *main, const struct code *length, const struct code *aligned)
{
    put_symbol(w, main, t->symbol);
    if (is_long(t))
        put_symbol(w, length, t->length);
    if (aligned && t->extra_bits >= 3) {
        put(w, t->extra >> 3, t->extra_bits - 3u);
        put_symbol(w, aligned, t->extra & 7);
    } else {
        put(w, t->extra, t->extra_bits);
    }
}

static void put_block_header(struct writer *w, unsigned type, size_t size)
{
    put(w, type, 3);
    put(w, (uint32_t)size, 24);
}

// Type 1 verbatim, 2 aligned: the low three bits of distances have a code.
static void put_coded(struct packer *p, size_t from, size_t size, bool is_aligned)
{
    struct counts n;
    struct code main, length, aligned;
    unsigned main_symbols = 256 + 8 * p->slots;
    count_symbols(p, &n);
    make_code(&main, n.main, main_symbols, CODE_MOST);
    make_code(&length, n.length, LENGTHS, CODE_MOST);
    make_code(&aligned, n.aligned, ALIGNED, 7);
    put_block_header(&p->w, is_aligned ? 2 : 1, size);
    for (unsigned i = 0; is_aligned && i < ALIGNED; i++)
        put(&p->w, aligned.bits[i], 3);
    put_lengths(&p->w, p->main_before, main.bits, 0, 256);
    put_lengths(&p->w, p->main_before, main.bits, 256, main_symbols);
    put_lengths(&p->w, p->length_before, length.bits, 0, LENGTHS);
    size_t at = from;
    for (size_t i = 0; i < p->token_count; i++) {
        put_token(&p->w, &p->tokens[i], &main, &length, is_aligned ? &aligned : NULL);
        at += token_bytes(&p->tokens[i]);
        if (at % LZX_FRAME == 0 || at == p->in->size) {
            align(&p->w);
            p->frame_ends[(at - 1) / LZX_FRAME] = (uint32_t)p->w.used;
        }
    }
}

static void put_stored(struct packer *p, size_t from, size_t size, const uint32_t repeated[3])
{
    put_block_header(&p->w, 3, size);
    put(&p->w, 0, 16 - p->w.held_bits); // a whole word where it is aligned already
    for (int i = 0; i < 3; i++, p->w.used += 4)
        le32_set(p->w.out + p->w.used, repeated[i]);
    for (size_t at = 0; at < size; at += LZX_FRAME) {
        size_t piece = size - at < LZX_FRAME ? size - at : LZX_FRAME;
        memcpy(p->w.out + p->w.used, p->bytes + p->in->reference_size + from + at, piece);
        p->w.used += piece;
        if (piece % 2)
            p->w.out[p->w.used++] = 0;
        p->frame_ends[(from + at) / LZX_FRAME] = (uint32_t)p->w.used;
    }
}

static void put_block(struct packer *p, size_t from, size_t size)
{
    struct writer start = p->w;
    uint32_t repeated[3];
    uint8_t main_before[MAIN_MOST], length_before[LENGTHS];
    memcpy(repeated, p->repeated, sizeof repeated);
    memcpy(main_before, p->main_before, sizeof main_before);
    memcpy(length_before, p->length_before, sizeof length_before);
    if (p->in->form != LZX_STORED_BLOCKS) {
        find_tokens(p, from, size);
        put_coded(p, from, size, p->in->form != LZX_VERBATIM_BLOCKS);
        if (p->in->form != LZX_BEST_BLOCKS || p->w.used - start.used < size + STORED_HEADER)
            return;
    }
    p->w = start;
    memcpy(p->repeated, repeated, sizeof repeated);
    memcpy(p->main_before, main_before, sizeof main_before);
    memcpy(p->length_before, length_before, sizeof length_before);
    put_stored(p, from, size, repeated);
}

static unsigned slots_of(uint32_t window)
{
    unsigned bits = (unsigned)__builtin_ctz(window);
    return bits == 21 ? 50 : bits == 20 ? 42 : 2 * bits;
}

static bool start_packer(struct packer *p, struct lzx_packed *out)
{
    size_t whole = p->in->reference_size + p->in->size, frames = p->in->size / LZX_FRAME + 1;
    p->bytes = malloc(whole + 1);
    p->head = malloc(sizeof *p->head << HASH_BITS);
    p->previous = malloc((whole + 1) * sizeof *p->previous);
    p->tokens = malloc(BLOCK_BYTES * sizeof *p->tokens);
    out->frame_ends = p->frame_ends = calloc(frames, sizeof *p->frame_ends);
    // A byte takes 16 bits at the worst, and a block's codes 2 KB.
    out->data = p->w.out = malloc(2 * p->in->size + 0x1000 * (p->in->size / BLOCK_BYTES + 1));
    if (!p->bytes || !p->head || !p->previous || !p->tokens || !out->frame_ends || !out->data)
        return false;
    if (p->in->reference_size)
        memcpy(p->bytes, p->in->reference, p->in->reference_size);
    memcpy(p->bytes + p->in->reference_size, p->in->data, p->in->size);
    memset(p->head, 0xFF, sizeof *p->head << HASH_BITS);
    for (size_t i = 0; i < p->in->reference_size; i++)
        remember(p, i, whole);
    return true;
}

bool lzx_compress(const struct lzx_plain *in, struct lzx_packed *out, struct error *err)
{
    *out = (struct lzx_packed){0};
    if (in->window < LZX_WINDOW_MIN || in->window > LZX_WINDOW_MAX || in->window & (in->window - 1) || in->reference_size > in->window)
        return error_set(err, ERR_ARGUMENT, "LZX window of 0x%x bytes for a reference of 0x%zx", in->window, in->reference_size);
    struct packer p = {.in = in, .slots = slots_of(in->window), .repeated = {1, 1, 1}};
    bool ok = start_packer(&p, out);
    if (ok) {
        put(&p.w, 0, 1); // no E8 translation
        for (size_t at = 0; at < in->size; at += BLOCK_BYTES)
            put_block(&p, at, in->size - at < BLOCK_BYTES ? in->size - at : BLOCK_BYTES);
        out->size = p.w.used;
        out->frame_count = (in->size + LZX_FRAME - 1) / LZX_FRAME;
    } else {
        lzx_packed_free(out);
        error_set(err, ERR_MEMORY, "no memory to compress 0x%zx bytes", in->size);
    }
    free(p.bytes);
    free(p.head);
    free(p.previous);
    free(p.tokens);
    return ok;
}

void lzx_packed_free(struct lzx_packed *p)
{
    free(p->data);
    free(p->frame_ends);
    *p = (struct lzx_packed){0};
}
