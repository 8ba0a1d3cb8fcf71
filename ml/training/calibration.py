"""Learns the 80 % range from answers to training stones by trees that have not seen them.

Two weighted linear quantile regressions (Koenker and Bassett, 1978) of the log error, at 10 % and at
90 %. The regressors, for every stone: how the training stones around it spread (mean, deviation and
skewness of their log price against the trend, in neighbourhoods of five widths in each tree, averaged
over the trees), how far the trees disagree, and curves over carat and price by grade. Because the
leaves' part is linear, it is reduced to two numbers for each leaf, stored with the forest.
Called only by ml.training.
"""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from statistics import NormalDist

import numpy as np
from threadpoolctl import threadpool_limits

from ml.forest.quantiles import CURVE_LEVELS
from ml.forest.ranges import KNOTS, PRICE_KNOTS
from ml.forest.trend import crossed, hats, one_hot, optional_one_hot
from ml.stones import COVERAGE

from .exact import rounded, scales_of, solved
from .widths import ends_of, learn_widths

WIDTHS = (1, 5, 20, 50, 150)
"""A neighbourhood is the smallest ancestor of the leaf that has at least this many stones."""

TAIL = (1 - COVERAGE) / 2
FEW, FOLDS, LEAST = 10_000, 10, 0.001
"""The ends of own lists with fewer stones are widened by what folds of them show (`widening`); the nearest
that an end can be, in log price."""

PACKED = 65_535
ROUNDS = 40
DESIGN_BITS, SCALED_BITS, COEFFICIENT_BITS = 13, 18, 24
"""Binary places of the regression's numbers: few enough for exact sums of 65,535 products."""


@dataclass(frozen=True)
class Unseen:
    """The answers of trees that have not seen them, for n stones: leaves float64 (n, 15), the mean leaf
    table; disagreement, offset and log_price as in ml.forest.ranges, float64 (n,). answer: log(USD), which
    differs from log_price by what a shop adds."""

    leaves: np.ndarray
    disagreement: np.ndarray
    offset: np.ndarray
    log_price: np.ndarray
    answer: np.ndarray

    @classmethod
    def joined(cls, parts, places):
        """One Unseen of several, each at its places (index arrays) among the stones."""
        order = np.argsort(np.concatenate(places), kind="stable")
        names = cls.__dataclass_fields__
        return cls(*(np.concatenate([getattr(p, n) for p in parts])[order] for n in names))


def leaf_table(tree, leaves, weight, relative):
    """How the stones around each node spread; float64 (nodes, 3 * widths).

    tree: scikit-learn's Tree. leaves: the node of each training stone (n,). weight: the stones' weights.
    relative: their log price against the trend. Rows of nodes without stones are meaningless.
    """
    last, ancestors = _neighbourhoods(tree)
    sums, power = [], weight
    for _ in range(4):
        here = np.bincount(leaves, power, tree.node_count)
        running = np.concatenate([[0.0], np.cumsum(here)])
        sums.append(running[last + 1] - running[:-1])
        power = power * relative
    with np.errstate(invalid="ignore", divide="ignore"):
        mean, square, cube = (s / sums[0] for s in sums[1:])
    deviation = np.sqrt(np.maximum(square - mean**2, 0))
    skewness = rounded(np.cbrt(cube - 3 * mean * square + 2 * mean * mean * mean))
    return np.column_stack([part[a] for part in (mean, deviation, skewness) for a in ancestors])


def _neighbourhoods(tree):
    """The last node of each subtree (nodes are in preorder), and its ancestor for each width."""
    own = np.arange(tree.node_count)
    inner = tree.children_left >= 0
    last = _followed(np.where(inner, tree.children_right, own))
    parent = np.zeros(tree.node_count, np.intp)
    parent[tree.children_left[inner]] = parent[tree.children_right[inner]] = own[inner]
    wide = [np.where(tree.n_node_samples >= width, own, parent) for width in WIDTHS]
    return last, [_followed(pointer) for pointer in wide]


def _followed(pointer):
    """Each pointer followed to its end."""
    while not np.array_equal(further := pointer[pointer], pointer):
        pointer = further
    return pointer


def learn(known, unseen):
    """The range's coefficients from n calibration Stones (trends.py); a Coefficients."""
    knots = _apart(np.quantile(unseen.log_price, np.linspace(0, 1, PRICE_KNOTS)))
    design = _range_regressors(known, unseen, knots)
    scales = scales_of(design)
    design = rounded(design / scales, DESIGN_BITS)
    error, weight = rounded(np.log(known.price) - unseen.answer), _weights(known, unseen)
    end = partial(quantile_regression, design, error, weight)
    # With threads of their own, the two would wait for each other's; their sums are exact either way.
    with threadpool_limits(1, "blas"), ThreadPoolExecutor(2) as pool:
        ends = np.column_stack(list(pool.map(end, (TAIL, 1 - TAIL))))
    low, high = (design @ ends).T
    ends /= scales[:, None]
    if known.vocabulary.optional and len(error) < FEW:
        factors = widening(design, error, weight)
        ends, low, high = ends * factors, low * factors[0], high * factors[1]
    low, high, widths = np.minimum(low, 0), np.maximum(high, 0), {}
    if known.has_shops:
        widths = learn_widths(known.matrix, unseen, low, high, error, TAIL)
        low, high = ends_of(widths, known.matrix, unseen, low, high)
    curve = learn_curve(error, -low, high)
    return Coefficients(known.scheme, known.sizes, knots, ends, curve, widths)


def widening(design, error, weight):
    """By how much the ends have to be further away, as ratios (2,), for the share of stones outside each to
    be TAIL also for stones that the regression has not seen: with few stones it follows them too closely.

    As in cross-conformal prediction (Vovk, 2015): each fold by the regression on the others.
    """
    fold, beyond = np.arange(len(error)) % FOLDS, np.zeros((2, len(error)))
    for held_out in (fold == number for number in range(FOLDS)):
        for side, level in enumerate((TAIL, 1 - TAIL)):
            rest = ~held_out
            end = design[held_out] @ quantile_regression(
                design[rest], error[rest], weight[rest], level
            )
            end = np.minimum(end, -LEAST) if side == 0 else np.maximum(end, LEAST)
            beyond[side, held_out] = error[held_out] / end
    return rounded(np.quantile(beyond, 1 - TAIL, axis=1).clip(0))  # 0: the answer itself


def _weights(known, unseen):
    """What each stone counts: its price; with optional properties all count the same, so that the coverage
    of each level is right however dear its stones are."""
    if known.vocabulary.optional:
        return np.ones(len(known.price))
    return np.rint(np.exp(unseen.answer)) + 1


def learn_curve(error, below, above):
    """The spread of prices around their answers, in units of the distance to the range's ends; the curve
    of ml.forest.quantiles, float64 (levels,).

    error: log price less log answer; below, above: the distances, in log price, not negative; (n,).
    On a side with hardly any prices the curve is that of the normal distribution.
    """
    reach = np.where(error < 0, below, above)
    away = error[reach > 0] / reach[reach > 0]
    low, high = np.quantile(away, [TAIL, 1 - TAIL]) if away.size else (0, 0)
    if not (low < 0 < high):
        normal = NormalDist()
        return np.array([normal.inv_cdf(level) for level in CURVE_LEVELS]) / normal.inv_cdf(
            1 - TAIL
        )
    curve = np.quantile(away, CURVE_LEVELS)
    return _apart(np.where(curve < 0, curve / -low, curve / high))


def _apart(knots):
    """Ascending knots, made distinct: some are equal if many stones have one price."""
    while (equal := np.flatnonzero(np.diff(knots) < 1e-9)).size:
        knots[equal[0] + 1] = knots[equal[0]] + 1e-6
    return knots


def _range_regressors(known, unseen, price_knots):
    stones, scheme = known.table, known.scheme
    cut, color, clarity = one_hot(stones, known.sizes)
    grades = np.hstack([color, clarity]).astype(np.float64)
    carat = hats(np.log(stones[:, 0]).clip(KNOTS[0], KNOTS[-1]), KNOTS)
    price = hats(unseen.log_price.clip(price_knots[0], price_knots[-1]), price_knots)
    if scheme == "graded":
        curves = [carat, price, grades]
    else:
        curves = [crossed(carat, grades), crossed(price, grades)]
    own = [unseen.leaves, unseen.disagreement[:, None], unseen.offset[:, None]]
    return np.hstack([*own, cut, *curves, optional_one_hot(stones, known.sizes)])


def quantile_regression(design, target, weight, level):
    """Coefficients of a weighted linear quantile regression, by reweighted least squares.

    design: float64 (n, k), of whole numbers of 2**-DESIGN_BITS, at most 1; weight: whole numbers (n,).
    level: the quantile, a ratio. All products are rounded so that their sums are exact (exact.py). Source:
    Schlossmacher (1973), with a lower bound on the residuals.
    """
    floor = max(1e-3 * target.std(), 1e-9)
    residual = target - target.mean()
    for _ in range(ROUNDS):
        pull = weight * np.where(residual > 0, level, 1 - level)
        pull /= np.maximum(np.abs(residual), floor)
        root = np.sqrt(pull / pull.max())
        scaled = rounded(design * root[:, None], SCALED_BITS)
        normal = scaled.T @ scaled
        normal[np.diag_indices_from(normal)] += 1e-8 * np.trace(normal) / len(normal)
        right = (scaled * (root * target)[:, None]).sum(axis=0)
        coefficients = rounded(solved(normal, right), COEFFICIENT_BITS)
        residual = target - design @ coefficients
    return coefficients


class Coefficients:
    """Learned coefficients (k, 2) of the range's ends, split into the tables that serving looks up."""

    def __init__(self, scheme, sizes, price_knots, coefficients, curve, widths):
        cuts, colors, clarities = sizes.grades
        self.counts, self.widths = sizes.optional, widths
        levels = len(coefficients) - sum(self.counts)
        coefficients, self.level = coefficients[:levels], coefficients[levels:]
        self.leaves, rest = np.split(coefficients, [3 * len(WIDTHS)])
        self.disagreement, self.offset, rest = rest[0], rest[1], rest[2:]
        self.cut, rest = np.split(rest, [cuts])
        self.price_knots, self.curve = price_knots, curve
        if scheme == "graded":
            carat, price, color, clarity = np.split(
                rest, np.cumsum([len(KNOTS), PRICE_KNOTS, colors])
            )
            grades = color[:, None, None] + clarity[None, :, None]
            self.carat = grades + carat[None, None]
            self.price = np.broadcast_to(price, (colors, clarities, *price.shape))
        else:
            both = colors + clarities
            carat, price = np.split(rest, [len(KNOTS) * both])
            self.carat, self.price = (
                _summed(curve.reshape(-1, both, 2), colors) for curve in (carat, price)
            )

    def packed(self, of_leaves):
        """The leaves' part as integers, uint16 (leaves, 2), and the tables for ml.forest.ranges.

        of_leaves: float64 (leaves, 15), of all trees. The integers are exact to 1 / 65,535 of
        their span.
        """
        values = sum(
            part[:, None] * one for part, one in zip(of_leaves.T, self.leaves, strict=True)
        )
        floor, step = values.min(axis=0), np.ptp(values, axis=0) / PACKED
        numbers = np.rint((values - floor) / np.where(step > 0, step, 1)).astype(np.uint16)
        tables = {
            "cut": self.cut,
            "carat": self.carat,
            "price": self.price,
            "price_knots": self.price_knots,
            "disagreement": self.disagreement,
            "offset": self.offset,
            "floor": floor,
            "step": step,
            "curve": self.curve,
        }
        if self.counts:
            tables |= {"level": self.level, "counts": np.array(self.counts)}
        return numbers, tables


def _summed(curves, colors):
    """Curves of colors and of clarities (knots, both, 2), added for each pair (colors, clarities, …)."""
    by_grade = curves.transpose(1, 0, 2)
    return by_grade[:colors, None] + by_grade[None, colors:]
