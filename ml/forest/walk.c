/* The walk down the trees of a forest, as nodes.py describes it, and the sums over its leaves.

   Built by `python -m ml.forest` where there is a C compiler; called by native.py alone. All sums are
   of whole numbers, so they are numpy's to the last bit, in whatever order they are added. */

#include <stdint.h>
#include <string.h>

enum { PLACE = 32, FEATURE = 59, SUMS = 6, MOST_FEATURES = 15, SIDE = 16 };

typedef struct {
    const int64_t *nodes;
    const int32_t *starts;
    const uint16_t *members;
    int64_t router, trees, features;
} Forest;

/* A stone's keys; keys[-1] is LEAF, so that a leaf steps to itself. */
static void set_keys(int64_t *keys, const float *values, int64_t features)
{
    keys[-1] = (int64_t)(UINT64_MAX << FEATURE);
    for (int64_t feature = 0; feature < features; feature++) {
        int32_t bits;
        memcpy(&bits, values + feature, sizeof bits);
        bits ^= (bits >> 31) & 0x7FFFFFFF;
        keys[feature] = (feature << FEATURE) + bits + ((int64_t)1 << 31);
    }
}

static int64_t step(const int64_t *nodes, const int64_t *keys, int64_t word)
{
    return nodes[(word - keys[word >> FEATURE]) >> PLACE];
}

static int64_t cell_of(const Forest *forest, const int64_t *keys)
{
    int64_t word = forest->nodes[forest->router];
    while (word >= 0)
        word = step(forest->nodes, keys, word);
    return word & UINT32_MAX;
}

/* Some walks side by side, so that each hides the others' waits for memory. */
static void descend(const int64_t *nodes, const int64_t *const keys[SIDE], int64_t word[SIDE])
{
    int64_t all;
    do {
        all = -1;
        for (int side = 0; side < SIDE; side++) {
            word[side] = step(nodes, keys[side], word[side]);
            all &= word[side];
        }
    } while (all >= 0);
}

static void add_leaf(int64_t *sums, int64_t stride, const uint16_t *members, int64_t leaf)
{
    const uint16_t *head = members + (leaf & UINT32_MAX);
    sums[0] += head[1];
    sums[stride] += head[2];
    sums[2 * stride] += head[3];
    sums[3 * stride] += head[4];
    sums[4 * stride] += (int64_t)head[4] * head[4];
    sums[5 * stride] += head[5];
}

/* One stone: its leaves' words (trees) and their sums (SUMS). */
void one(const Forest *forest, const float *values, int64_t *leaves, int64_t *sums)
{
    int64_t own[MOST_FEATURES + 1], word[SIDE];
    const int64_t *keys[SIDE];
    set_keys(own + 1, values, forest->features);
    for (int side = 0; side < SIDE; side++)
        keys[side] = own + 1;
    const int32_t *starts = forest->starts + cell_of(forest, own + 1) * forest->trees;
    memset(sums, 0, SUMS * sizeof *sums);
    for (int64_t tree = 0; tree < forest->trees; tree += SIDE) {
        int64_t left = forest->trees - tree, count = left < SIDE ? left : SIDE;
        for (int64_t side = 0; side < SIDE; side++)
            word[side] = forest->nodes[starts[tree + (side < count ? side : 0)]];
        descend(forest->nodes, keys, word);
        for (int64_t side = 0; side < count; side++) {
            leaves[tree + side] = word[side];
            add_leaf(sums + 0, 1, forest->members, word[side]);
        }
    }
}

/* Two stones, one after the other: leaves (2 * trees), sums (2 * SUMS). */
void two(const Forest *forest, const float *values, int64_t *leaves, int64_t *sums)
{
    one(forest, values, leaves, sums);
    one(forest, values + forest->features, leaves + forest->trees, sums + SUMS);
}

/* The router's cells of n stones; values: n rows of features. */
void cells(const Forest *forest, const float *values, int64_t n, int32_t *cells)
{
    int64_t keys[MOST_FEATURES + 1];
    for (int64_t row = 0; row < n; row++) {
        set_keys(keys + 1, values + row * forest->features, forest->features);
        cells[row] = (int32_t)cell_of(forest, keys + 1);
    }
}

/* Adds up n stones tree by tree, so that a tree stays in the cache; sums: SUMS rows of n, from 0.
   room: n rows of features + 1 keys. */
void many(const Forest *forest, const float *values, const int32_t *cells, int64_t n,
          int64_t *room, int64_t *sums)
{
    int64_t width = forest->features + 1, word[SIDE];
    const int64_t *keys[SIDE];
    for (int64_t row = 0; row < n; row++)
        set_keys(room + row * width + 1, values + row * forest->features, forest->features);
    for (int64_t tree = 0; tree < forest->trees; tree++)
        for (int64_t row = 0; row < n; row += SIDE) {
            int64_t left = n - row, count = left < SIDE ? left : SIDE;
            for (int64_t side = 0; side < SIDE; side++) {
                int64_t here = row + (side < count ? side : 0);
                keys[side] = room + here * width + 1;
                word[side] = forest->nodes[forest->starts[cells[here] * forest->trees + tree]];
            }
            descend(forest->nodes, keys, word);
            for (int64_t side = 0; side < count; side++)
                add_leaf(sums + row + side, n, forest->members, word[side]);
        }
}
