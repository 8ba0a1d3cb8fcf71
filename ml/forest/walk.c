/* The walk down the trees of a forest, as nodes.py describes it, and the sums over its leaves.

   Built by `python -m ml.forest` where there is a C compiler; called by native.py alone. All sums are
   of whole numbers, so they are numpy's to the last bit, in whatever order they are added. Prices are
   worked out as price_forest.py does, in the same order of operations, so they are the same, too. */

#include <math.h>
#include <stdint.h>
#include <string.h>

enum { PLACE = 32, FEATURE = 59, SUMS = 6, MOST_FEATURES = 16, SIDE = 16 };
enum { CARAT, CUT, COLOR, CLARITY, DEPTH, TABLE, X, Y, Z, GRADED };
enum { VOLUME = 9, RIDGE = 13, SHOP = 14, TREND = 15 };
static const double LEAST = 0.001953125; /* 2**-9, as widths.py has it. */
enum { LEAVES = 32, EVERY = 128, AT_ONCE = 7, FULL_INPUT = 4096 };

typedef struct {
    const int64_t *nodes;
    const int32_t *starts;
    const uint16_t *members;
    int64_t router, trees, features;
} Forest;

/* A value as a number in the same order, as nodes.py has it. */
static uint32_t in_order(float value)
{
    int32_t bits;
    memcpy(&bits, &value, sizeof bits);
    return (uint32_t)(bits ^ ((bits >> 31) & 0x7FFFFFFF)) + ((uint32_t)1 << 31);
}

/* A stone's keys; keys[-1] is LEAF, so that a leaf steps to itself. */
static void set_keys(int64_t *keys, const float *values, int64_t features)
{
    keys[-1] = (int64_t)(UINT64_MAX << FEATURE);
    for (int64_t feature = 0; feature < features; feature++)
        keys[feature] = (feature << FEATURE) + in_order(values[feature]);
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
            __builtin_prefetch(forest->members + (word[side] & UINT32_MAX));
        }
    }
    for (int64_t tree = 0; tree < forest->trees; tree++)
        add_leaf(sums, 1, forest->members, leaves[tree]);
}

/* The trees of the boosted trend, as masks.py has them. */
typedef struct {
    const uint32_t *thresholds, *masks;
    const uint16_t *tree;
    const int64_t *begins;
    const uint32_t *rows, *reached;
    const int64_t *first_rows;
    const uint32_t *values;
    int64_t shared, trees;
    double base, unit;
} Boosted;

/* A value of one feature: its row, and the first split after it. */
typedef struct {
    uint32_t value;
    const uint32_t *row;
    int64_t next, end;
} Found;

/* How many of some ascending numbers are below a value. */
static int64_t below(const uint32_t *numbers, int64_t count, uint32_t value)
{
    const uint32_t *from = numbers;
    while (count > 0) {
        int64_t half = (count + 1) / 2;
        from += from[half - 1] < value ? half : 0;
        count -= half;
    }
    return from - numbers;
}

static Found find(const Boosted *b, int64_t feature, float value)
{
    const int64_t *first = b->first_rows + feature;
    Found found = {in_order(value), NULL, b->begins[feature], b->begins[feature + 1]};
    int64_t row = below(b->reached + first[0] + 1, first[1] - first[0] - 1, found.value);
    found.row = b->rows + (first[0] + row) * b->trees;
    found.next += row * EVERY;
    return found;
}

/* Excludes leaves by the splits after the row. */
static void exclude(const Boosted *b, Found found, uint32_t *masks)
{
    for (int64_t split = found.next; split < found.end && b->thresholds[split] < found.value; split++)
        masks[b->tree[split]] &= b->masks[split];
}

/* What AT_ONCE features from one on leave of masks (trees,). */
static void exclude_some(const Boosted *b, const float *features, int64_t from, uint32_t *restrict masks)
{
    Found found[AT_ONCE];
    for (int64_t at = 0; at < AT_ONCE; at++)
        found[at] = find(b, from + at, features[from + at]);
    const uint32_t *r0 = found[0].row, *r1 = found[1].row, *r2 = found[2].row, *r3 = found[3].row;
    const uint32_t *r4 = found[4].row, *r5 = found[5].row, *r6 = found[6].row;
    for (int64_t tree = 0; tree < b->trees; tree++)
        masks[tree] &= r0[tree] & r1[tree] & r2[tree] & r3[tree] & r4[tree] & r5[tree] & r6[tree];
    for (int64_t at = 0; at < AT_ONCE; at++)
        exclude(b, found[at], masks);
}

/* The sum over the leaves of some trees; masks: without the shop. */
static int64_t boosted_sum(const Boosted *b, const uint32_t *masks, const uint32_t *by_shop, int64_t from, int64_t to)
{
    int64_t sum = 0;
    for (int64_t tree = from; tree < to; tree++)
        sum += b->values[tree * LEAVES + __builtin_ctz(masks[tree] & by_shop[tree])];
    return sum;
}

/* The sums over all trees: of a stone, and (with 2 orders) of it with its diameters in the other order. Only the
   trees after the shared ones split on the shop. */
static void boosted_sums(const Boosted *b, const float *features, int64_t orders, int64_t sums[2])
{
    uint32_t masks[b->trees], by_shop[b->trees];
    memset(masks, 0xFF, sizeof masks);
    for (int64_t from = 0; from < SHOP; from += AT_ONCE)
        exclude_some(b, features, from, masks);
    int64_t shared = boosted_sum(b, masks, masks, 0, b->shared);
    for (int64_t order = 0; order < orders; order++) {
        Found shop = find(b, SHOP, order ? -features[SHOP] : features[SHOP]);
        memcpy(by_shop, shop.row, sizeof by_shop);
        exclude(b, shop, by_shop);
        sums[order] = shared + boosted_sum(b, masks, by_shop, b->shared, b->trees);
    }
}

/* The networks of the trend, as network.py has them. */
typedef struct {
    const int64_t *feature;
    const double *low, *scale;
    const int16_t *first, *second, *third;
    const int32_t *first_bias, *second_bias, *third_bias;
    int64_t nets, inputs, units[2], shifts[2];
    double unit;
} Networks;

static void set_network_inputs(const Networks *n, const float *features, int16_t *inputs)
{
    for (int64_t input = 0; input < n->inputs; input++) {
        double value = (features[n->feature[input]] - n->low[input]) * n->scale[input];
        inputs[input] = (int16_t)fmin(fmax(value, 0.0), FULL_INPUT);
    }
}

/* The sum of a unit: its bias, and its weights times what the layer below gives. */
static int32_t unit_sum(int32_t bias, const int16_t *weights, const int16_t *below, int64_t count)
{
    int32_t sum = bias;
    for (int64_t place = 0; place < count; place++)
        sum += weights[place] * below[place];
    return sum;
}

static void set_units(const int32_t *bias, const int16_t *weights, const int16_t *below, int64_t inputs,
                      int64_t shift, int64_t units, int16_t *found)
{
    for (int64_t unit = 0; unit < units; unit++) {
        int32_t sum = unit_sum(bias[unit], weights + unit * inputs, below, inputs) >> shift;
        found[unit] = (int16_t)(sum < 0 ? 0 : sum > INT16_MAX ? INT16_MAX : sum);
    }
}

/* The sum of the outputs of all networks. */
static int64_t networks_sum(const Networks *n, const float *features)
{
    int16_t inputs[n->inputs], first[n->units[0]], second[n->units[1]];
    int64_t sum = 0;
    set_network_inputs(n, features, inputs);
    for (int64_t net = 0; net < n->nets; net++) {
        int64_t at = net * n->units[0], next = net * n->units[1];
        set_units(n->first_bias + at, n->first + at * n->inputs, inputs, n->inputs, n->shifts[0], n->units[0], first);
        set_units(n->second_bias + next, n->second + next * n->units[0], first, n->units[0], n->shifts[1],
                  n->units[1], second);
        sum += unit_sum(n->third_bias[net], n->third + next, second, n->units[1]);
    }
    return sum;
}

/* What the second shop adds to the log price: ranges of log price and of log carat, and a value in each. */
typedef struct {
    const double *log_edges, *carat_edges, *values;
    int64_t logs, carats;
} Shops;

static int64_t range_of(double value, const double *edges, int64_t count)
{
    int64_t from = 0;
    while (from < count) {
        int64_t middle = (from + count) / 2;
        if (edges[middle] < value)
            from = middle + 1;
        else
            count = middle;
    }
    return from;
}

/* Values at knots; a curve for each color and clarity, or cut, color and clarity. */
typedef struct {
    const double *values, *knots;
    int64_t count;
} Curves;

/* A forest with its tables, as the modules of this package have them. */
typedef struct {
    Forest forest;
    Curves trend, carat, price, beyond, weight;
    const double *slopes, *cut, *disagreement, *offset, *floor, *step;
    const double *low, *high, *usual_depth, *usual_table;
    double scales[4], least, unit, level_least, level_unit, dearest, adjusted, wider;
    int64_t columns, colors, clarities, has_level, has_support, has_beyond, has_boosted;
    Boosted boosted;
    Shops shops;
    Boosted widths[2];
    int64_t has_widths;
    Networks networks;
    int64_t has_networks;
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
    double mean, log_price, added, price, adjustment;
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

/* What the trees split on without a boosted trend, as matrix.py has it. */
static void set_plain_inputs(const Prices *p, const Stone *stone, float *inputs)
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

/* FEATURES of matrix.py. */
static void set_features(const Stone *stone, float *inputs)
{
    const double *row = stone->row;
    double smaller = row[X] < row[Y] ? row[X] : row[Y], larger = row[X] > row[Y] ? row[X] : row[Y];
    double volume = row[X] * row[Y] * row[Z];
    for (int64_t column = 0; column <= TABLE; column++)
        inputs[column] = (float)row[column];
    inputs[6] = (float)smaller;
    inputs[7] = (float)larger;
    inputs[8] = (float)row[Z];
    inputs[9] = (float)volume;
    inputs[10] = (float)(row[CARAT] / volume);
    inputs[11] = (float)(larger / smaller);
    inputs[12] = (float)fmod(rint(100 * row[TABLE]), 100);
    inputs[13] = (float)stone->trend;
    inputs[SHOP] = row[X] > row[Y] ? 1 : row[X] < row[Y] ? -1 : 0;
}

/* The same stone with its diameters in the other order. */
static void turn(Stone *stone)
{
    double first = stone->row[X];
    stone->row[X] = stone->row[Y];
    stone->row[Y] = first;
}

/* Adds the boosted trend, from the sum over its trees, to a stone and to what the forest's trees split on. */
static void add_boosted(const Prices *p, Stone *stone, int64_t sum, float *inputs)
{
    double curve = on_curve(stone->log_carat, &p->weight, 0);
    double added = p->boosted.base + p->boosted.unit * (double)sum;
    if (p->has_networks)
        added = added + p->networks.unit * (double)networks_sum(&p->networks, inputs);
    stone->trend = curve + added;
    inputs[TREND] = (float)stone->trend;
}

static double beyond_log_price(const Prices *p, const Stone *stone)
{
    double usual = proportions(p, p->usual_depth[stone->cut], p->usual_table[stone->cut]);
    return on_curve(stone->log_carat, &p->beyond, stone->cell)
        + proportions(p, stone->row[4], stone->row[5]) - usual;
}

static double added_by_shop(const Prices *p, const Stone *stone, double log_price)
{
    if (!p->has_boosted || stone->row[X] <= stone->row[Y])
        return 0.0;
    int64_t carat = range_of(stone->log_carat, p->shops.carat_edges, p->shops.carats);
    int64_t first = range_of(log_price, p->shops.log_edges, p->shops.logs);
    return p->shops.values[first * (p->shops.carats + 1) + carat];
}

static Settled settle(const Prices *p, const Stone *stone, const int64_t *sums)
{
    Settled s;
    double trees = (double)p->forest.trees;
    s.mean = p->least + p->unit * (double)(sums[2] + sums[3] * 65536) / trees;
    s.log_price = p->columns < GRADED ? log(s.mean) : stone->trend + s.mean;
    s.added = added_by_shop(p, stone, s.log_price);
    s.price = p->columns < GRADED ? s.mean : exp(s.log_price + s.added);
    s.adjustment = p->has_level
        ? stone->trend - (p->level_least + p->level_unit * (double)sums[5] / trees) : 0.0;
    s.lacking = p->has_support
        && (!(p->low[stone->pair] <= stone->row[0] && stone->row[0] <= p->high[stone->pair])
            || s.price > p->dearest || fabs(s.adjustment) > p->adjusted);
    if (s.lacking && p->has_beyond) {
        s.log_price = beyond_log_price(p, stone);
        s.added = 0.0;
        s.price = exp(s.log_price);
    }
    return s;
}

/* Multiplies the ends of a range, in log price, as widths.py does; features: those of the boosted trend. */
static void widen(const Prices *p, const float *features, double log_price, double away[2])
{
    float inputs[MOST_FEATURES];
    memcpy(inputs, features, sizeof inputs);
    inputs[VOLUME] = (float)log_price;
    inputs[RIDGE] = (float)(away[1] - away[0]);
    for (int end = 0; end < 2; end++) {
        const Boosted *trees = &p->widths[end];
        int64_t sum[2];
        boosted_sums(trees, inputs, 1, sum);
        double factor = fmax(trees->base + trees->unit * (double)sum[0], 0.0);
        away[end] = (end ? fmax(away[end], LEAST) : fmin(away[end], -LEAST)) * factor;
    }
}

static void set_range(const Prices *p, const Stone *stone, const Settled *s, const int64_t *sums,
                      const float *features, double ends[2])
{
    double carat[2], price[2], away[2], trees = (double)p->forest.trees, offset = stone->trend - s->log_price;
    double spread = (double)(p->forest.trees * sums[4] - sums[3] * sums[3]);
    double deviation = p->unit * 65536 * sqrt(spread) / trees;
    if (p->columns < GRADED)
        deviation /= s->price;
    on_range_curve(stone->log_carat, &p->carat, stone->pair, carat);
    on_range_curve(s->log_price, &p->price, stone->pair, price);
    for (int end = 0; end < 2; end++) {
        away[end] = p->floor[end] + p->step[end] * ((double)sums[end] / trees)
            + p->cut[stone->cut * 2 + end] + p->disagreement[end] * deviation
            + p->offset[end] * offset + carat[end] + price[end];
        away[end] = end ? fmax(away[end], 0.0) : fmin(away[end], 0.0);
    }
    if (p->has_widths && !s->lacking)
        widen(p, features, s->log_price, away);
    for (int end = 0; end < 2; end++) {
        ends[end] = s->price * exp(away[end]);
        if (s->lacking)
            ends[end] = s->price * exp(p->wider * log(ends[end] / s->price));
    }
    if (s->lacking) {
        ends[0] = fmin(ends[0], exp(stone->trend + s->added));
        ends[1] = fmax(ends[1], exp(stone->trend + s->added));
    }
}

/* The answer to one stone: sent (columns); its leaves' words (2 * trees). */
void answer(const Prices *p, const float *sent, int64_t *leaves, Answer *answer)
{
    Stone stone;
    float inputs[MOST_FEATURES] = {0}, asked[MOST_FEATURES];
    int64_t sums[SUMS], others[SUMS];
    double ends[2];
    read_stone(p, sent, &stone);
    int64_t of_trend[2], has_other = p->columns == GRADED && stone.row[X] != stone.row[Y];
    if (p->has_boosted) {
        set_features(&stone, inputs);
        boosted_sums(&p->boosted, inputs, 1 + has_other, of_trend);
        add_boosted(p, &stone, of_trend[0], inputs);
    } else
        set_plain_inputs(p, &stone, inputs);
    one(&p->forest, inputs, leaves, sums);
    memcpy(asked, inputs, sizeof asked);
    answer->turned = NAN;
    if (has_other) {
        Stone other = stone;
        turn(&other);
        if (p->has_boosted) {
            inputs[SHOP] = -inputs[SHOP];
            add_boosted(p, &other, of_trend[1], inputs);
        } else {
            inputs[X] = (float)other.row[X];
            inputs[Y] = (float)other.row[Y];
        }
        one(&p->forest, inputs, leaves + p->forest.trees, others);
        answer->turned = settle(p, &other, others).price;
    }
    Settled settled = settle(p, &stone, sums);
    set_range(p, &stone, &settled, sums, asked, ends);
    answer->price = settled.price;
    answer->low = ends[0];
    answer->high = ends[1];
    answer->adjustment = settled.adjustment;
    answer->lacking = settled.lacking;
    answer->comparables_trend =
        settled.lacking && p->has_beyond ? log(settled.price) - settled.mean : stone.trend + settled.added;
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

/* The sums over the boosted trend's trees of n stones; values: n rows of features, at most SHOP + 1;
   sums: (n, orders). */
void boosted(const Boosted *boosted, const float *values, int64_t n, int64_t features, int64_t orders, int64_t *sums)
{
    float row[SHOP + 1] = {0};
    for (int64_t stone = 0; stone < n; stone++) {
        memcpy(row, values + stone * features, features * sizeof *row);
        boosted_sums(boosted, row, orders, sums + stone * orders);
    }
}

/* The sums of the networks' outputs of n stones, as `boosted` has those of its trees. */
void networks(const Networks *networks, const float *values, int64_t n, int64_t features, int64_t orders, int64_t *sums)
{
    float row[SHOP + 1] = {0};
    for (int64_t stone = 0; stone < n; stone++) {
        memcpy(row, values + stone * features, features * sizeof *row);
        for (int64_t order = 0; order < orders; order++) {
            sums[stone * orders + order] = networks_sum(networks, row);
            row[SHOP] = -row[SHOP];
        }
    }
}
