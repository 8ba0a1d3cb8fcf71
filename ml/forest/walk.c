/* The walk down the trees of a forest, as nodes.py describes it, and the sums over its leaves.

   Built by `python -m ml.forest` where there is a C compiler; called by native.py alone. All sums are
   of whole numbers, so they are numpy's to the last bit, in whatever order they are added. Prices are
   worked out as price_forest.py does, in the same order of operations, so they are the same, too. */

#include <math.h>
#include <stdint.h>
#include <string.h>

enum { PLACE = 32, FEATURE = 59, SUMS = 6, MOST_FEATURES = 15, SIDE = 16 };
enum { X = 6, Y = 7, Z = 8, GRADED = 9 };

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
static void one(const Forest *forest, const float *values, int64_t *leaves, int64_t *sums)
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

/* Values at knots; a curve for each color and clarity, or cut, color and clarity. */
typedef struct {
    const double *values, *knots;
    int64_t count;
} Curves;

/* A forest with its tables, as price_forest.py, trend.py, ranges.py, support.py and beyond.py have them. */
typedef struct {
    Forest forest;
    Curves trend, carat, price, beyond;
    const double *slopes, *cut, *disagreement, *offset, *floor, *step;
    const double *low, *high, *usual_depth, *usual_table;
    double scales[4], least, unit, level_least, level_unit, dearest, adjusted, wider;
    int64_t columns, colors, clarities, has_level, has_support, has_beyond;
} Prices;

typedef struct {
    double price, low, high, turned, adjustment, comparables_trend, lacking;
} Answer;

/* What is known of a stone before its trees are. */
typedef struct {
    double row[MOST_FEATURES], log_carat, trend;
    int64_t cut, pair, cell;
} Stone;

typedef struct {
    double mean, log_price, price, adjustment;
    int lacking;
} Settled;

/* The place of a value between two knots: the left one's index, and how far it is from there. */
static double between(double at, const Curves *curves, int64_t *left)
{
    int64_t above = 0;
    while (above < curves->count && curves->knots[above] <= at)
        above++;
    *left = above < 1 ? 0 : above > curves->count - 1 ? curves->count - 2 : above - 1;
    return (at - curves->knots[*left]) / (curves->knots[*left + 1] - curves->knots[*left]);
}

static double on_curve(double at, const Curves *curves, int64_t curve)
{
    int64_t left;
    double share = between(at, curves, &left);
    const double *here = curves->values + curve * curves->count + left;
    return here[0] + share * (here[1] - here[0]);
}

/* Both ends of a range at once; constant outside the knots. */
static void on_range_curve(double at, const Curves *curves, int64_t curve, double ends[2])
{
    int64_t left;
    double first = curves->knots[0], last = curves->knots[curves->count - 1];
    double share = between(fmin(fmax(at, first), last), curves, &left);
    const double *here = curves->values + (curve * curves->count + left) * 2;
    for (int end = 0; end < 2; end++)
        ends[end] = here[end] + share * (here[2 + end] - here[end]);
}

static double scaled_depth(const Prices *p, double depth) { return (depth - p->scales[0]) / p->scales[1]; }
static double scaled_table(const Prices *p, double table) { return (table - p->scales[2]) / p->scales[3]; }

static double proportions(const Prices *p, double depth, double table)
{
    return p->slopes[0] * scaled_depth(p, depth) + p->slopes[1] * scaled_table(p, table);
}

static void read_stone(const Prices *p, const float *sent, Stone *stone)
{
    for (int64_t column = 0; column < p->columns; column++)
        stone->row[column] = sent[column];
    stone->cut = (int64_t)sent[1];
    stone->pair = (int64_t)sent[2] * p->clarities + (int64_t)sent[3];
    stone->cell = stone->cut * p->colors * p->clarities + stone->pair;
    stone->log_carat = log(stone->row[0]);
    stone->trend = on_curve(stone->log_carat, &p->trend, stone->cell)
        + p->slopes[0] * scaled_depth(p, stone->row[4]) + p->slopes[1] * scaled_table(p, stone->row[5]);
}

/* What the trees split on, as matrix.py has it. */
static void set_inputs(const Prices *p, const Stone *stone, float *inputs)
{
    for (int64_t column = 0; column < p->columns; column++)
        inputs[column] = (float)stone->row[column];
    if (p->columns < GRADED)
        return;
    double x = stone->row[X], y = stone->row[Y], volume = x * y * stone->row[Z];
    inputs[GRADED] = (float)volume;
    inputs[GRADED + 1] = (float)(stone->row[0] / volume);
    inputs[GRADED + 2] = (float)((x > y ? x : y) / (x < y ? x : y));
    inputs[GRADED + 3] = (float)stone->trend;
}

static double beyond_log_price(const Prices *p, const Stone *stone)
{
    double usual = proportions(p, p->usual_depth[stone->cut], p->usual_table[stone->cut]);
    return on_curve(stone->log_carat, &p->beyond, stone->cell)
        + proportions(p, stone->row[4], stone->row[5]) - usual;
}

static Settled settle(const Prices *p, const Stone *stone, const int64_t *sums)
{
    Settled s;
    double trees = (double)p->forest.trees;
    s.mean = p->least + p->unit * (double)(sums[2] + sums[3] * 65536) / trees;
    s.log_price = p->columns < GRADED ? log(s.mean) : stone->trend + s.mean;
    s.price = p->columns < GRADED ? s.mean : exp(s.log_price);
    s.adjustment = p->has_level
        ? stone->trend - (p->level_least + p->level_unit * (double)sums[5] / trees) : 0.0;
    s.lacking = p->has_support
        && (!(p->low[stone->pair] <= stone->row[0] && stone->row[0] <= p->high[stone->pair])
            || s.price > p->dearest || fabs(s.adjustment) > p->adjusted);
    if (s.lacking && p->has_beyond) {
        s.log_price = beyond_log_price(p, stone);
        s.price = exp(s.log_price);
    }
    return s;
}

static void set_range(const Prices *p, const Stone *stone, const Settled *s, const int64_t *sums,
                      double ends[2])
{
    double carat[2], price[2], trees = (double)p->forest.trees, offset = stone->trend - s->log_price;
    double spread = (double)(p->forest.trees * sums[4] - sums[3] * sums[3]);
    double deviation = p->unit * 65536 * sqrt(spread) / trees;
    if (p->columns < GRADED)
        deviation /= s->price;
    on_range_curve(stone->log_carat, &p->carat, stone->pair, carat);
    on_range_curve(s->log_price, &p->price, stone->pair, price);
    for (int end = 0; end < 2; end++) {
        double away = p->floor[end] + p->step[end] * ((double)sums[end] / trees)
            + p->cut[stone->cut * 2 + end] + p->disagreement[end] * deviation
            + p->offset[end] * offset + carat[end] + price[end];
        ends[end] = s->price * exp(end ? fmax(away, 0.0) : fmin(away, 0.0));
        if (s->lacking)
            ends[end] = s->price * exp(p->wider * log(ends[end] / s->price));
    }
    if (s->lacking) {
        ends[0] = fmin(ends[0], exp(stone->trend));
        ends[1] = fmax(ends[1], exp(stone->trend));
    }
}

/* The answer to one stone: sent (columns); its leaves' words (2 * trees). */
void answer(const Prices *p, const float *sent, int64_t *leaves, Answer *answer)
{
    Stone stone;
    float inputs[MOST_FEATURES];
    int64_t sums[SUMS], others[SUMS];
    double ends[2];
    read_stone(p, sent, &stone);
    set_inputs(p, &stone, inputs);
    one(&p->forest, inputs, leaves, sums);
    answer->turned = NAN;
    if (p->columns == GRADED && inputs[X] != inputs[Y]) {
        float first = inputs[X];
        inputs[X] = inputs[Y];
        inputs[Y] = first;
        one(&p->forest, inputs, leaves + p->forest.trees, others);
        answer->turned = settle(p, &stone, others).price;
    }
    Settled settled = settle(p, &stone, sums);
    set_range(p, &stone, &settled, sums, ends);
    answer->price = settled.price;
    answer->low = ends[0];
    answer->high = ends[1];
    answer->adjustment = settled.adjustment;
    answer->lacking = settled.lacking;
    answer->comparables_trend =
        settled.lacking && p->has_beyond ? log(settled.price) - settled.mean : stone.trend;
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
