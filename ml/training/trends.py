"""Training stones, and the trend that a forest of them is grown on. Called only by ml.training."""

import math
from dataclasses import dataclass

import numpy as np

from ml import dataset
from ml.forest.asked import BoostedTrend, RidgeTrend
from ml.forest.matrix import as_matrix, features_of, features_of_many, of_each
from ml.forest.shops import ShopStep
from ml.forest.trend import (
    KNOTS,
    Curve,
    LevelCurves,
    Sizes,
    Trend,
    lookup_tables,
    ramps,
    trend_regressors,
)
from ml.vocabulary import DEFAULT, Vocabulary

from . import boosting, networks
from .exact import rounded, solved
from .shops import expected_step, learn_step, shop_of, stone_numbers

FOLDS = 5
"""Folds of the graded stones: for the boosted trend, and for the range."""

RIDGE = 1.0
"""The ridge penalty, chosen on splits that no reported figure uses."""

REGRESSOR_BITS, TARGET_BITS = 16, 14
"""Binary places of the ridge's numbers: few enough for exact sums of 65,535 products."""


def nobody(trees):
    """Reports no progress."""


@dataclass(frozen=True)
class Stones:
    """Training stones of a scheme: matrix float32 (n, p), price in USD, float64 (n,), and number, equal for
    all listings of one stone, (n,)."""

    scheme: str
    matrix: np.ndarray
    price: np.ndarray
    number: np.ndarray
    vocabulary: Vocabulary = DEFAULT

    @classmethod
    def of(cls, frame, scheme, vocabulary=DEFAULT):
        """From a DataFrame with the vocabulary's columns and `price`; ValueError as ml.forest.matrix."""
        matrix = as_matrix(frame, scheme, vocabulary)
        if vocabulary.optional:
            keys = dataset.listing_keys(frame)
            number = np.array([*map({key: n for n, key in enumerate(sorted({*keys}))}.get, keys)])
        else:
            number = stone_numbers(matrix.astype(np.float64)) if scheme == "graded" else None
        return cls(scheme, matrix, frame.price.to_numpy(np.float64), number, vocabulary)

    def __getitem__(self, rows):
        number = None if self.number is None else self.number[rows]
        return Stones(self.scheme, self.matrix[rows], self.price[rows], number, self.vocabulary)

    @property
    def sizes(self):
        """The Sizes of the matrix."""
        return Sizes.of(self.scheme, self.vocabulary)

    @property
    def round_stones(self):
        """The table's round stones: all if the shape is not stated."""
        if "shape" not in self.vocabulary.names:
            return self.table
        place = self.vocabulary.columns(self.scheme).index("shape")
        return self.table[self.table[:, place] == self.vocabulary.numbers["shape"].get("Round")]

    @property
    def has_shops(self):
        """Whether the order of x and y can show the shop: with optional properties x is the length."""
        return self.scheme == "graded" and not self.vocabulary.optional

    @property
    def log_price(self):
        """log(USD), float64 (n,)."""
        return rounded(of_each(math.log, self.price))

    @property
    def log_carat(self):
        """float64 (n,)."""
        return of_each(math.log, self.matrix[:, 0])

    @property
    def table(self):
        """The matrix as float64."""
        return self.matrix.astype(np.float64)


@dataclass(frozen=True)
class Trained:
    """What a forest of n training stones is grown on.

    trend: a RidgeTrend or BoostedTrend for stones that are asked for. level: the trend of the training
    stones themselves, log price; relative: their log price above it (n,). inputs: what the trees split on,
    float32 (n, q). arrays: of the trend, as a forest file holds them. shops: what a shop should add.
    """

    stones: Stones
    trend: RidgeTrend | BoostedTrend
    level: np.ndarray
    relative: np.ndarray
    inputs: np.ndarray
    arrays: dict
    shops: ShopStep

    @classmethod
    def of(cls, stones, seed, fold=None, advance=nobody):
        """fold: that of each graded stone, for the boosted trend (n,); by default as from `folds_of`."""
        if stones.scheme == "coded":
            return cls._of_coded(stones)
        fold = folds_of(stones, seed) if fold is None else fold
        return cls._of_graded(stones, seed, fold, advance)

    @classmethod
    def _of_coded(cls, stones):
        log_price = stones.log_price
        ridge = fit_trend(stones, log_price)
        trend = RidgeTrend(ridge, stones.scheme)
        level, inputs = trend.asked(stones.matrix, stones.log_carat)[0]
        arrays = ridge.arrays()
        return cls(stones, trend, level, log_price - level, inputs, arrays, ShopStep.none())

    @classmethod
    def _of_graded(cls, stones, seed, fold, advance):
        log_price, shop = stones.log_price, shop_of(stones.table)
        step = learn_step(stones.table, log_price) if stones.has_shops else ShopStep.none()
        shops = _rounded_step(step)
        first, ridge = in_first_shop(stones, log_price, shops, shop)
        smooth = ridge.of(stones.table, stones.log_carat)
        features = features_of_many(stones.matrix, smooth, stones.vocabulary)
        weight = np.sqrt(stones.price)
        curve = Curve(fit_curve(stones.log_carat, first))
        base = smooth if stones.vocabulary.optional else curve.of(stones.log_carat)
        names, target = features_of(stones.vocabulary), rounded(first - base)
        grown = boosting.grow(features, names, target, weight, fold, seed, advance)
        trained = networks.train(features, names, target, fold, seed, advance)
        level = base + ((1 - networks.SHARE) * grown.own + trained.own)
        inputs = np.column_stack([features, level.astype(np.float32)])
        expected = _rounded_step(expected_step(shops, rounded((first - level).std())))
        value = (1 - networks.SHARE) * grown.tables["value"]
        tables = {
            "boosted": grown.tables | {"curve": curve.values, "value": value},
            "network": trained.tables,
            "shops": shops.arrays(),
            "expected": expected.arrays(),
        }
        arrays = ridge.arrays() | {
            f"{prefix}_{name}": table
            for prefix, some in tables.items()
            for name, table in some.items()
        }
        trend = BoostedTrend(ridge, arrays, stones.vocabulary)
        return cls(stones, trend, level, first - level, inputs, arrays, expected)

    def asked(self, matrix):
        """The Asked of other stones, float32 (n, p)."""
        return self.trend.asked(matrix, of_each(math.log, matrix[:, 0]))[0]

    def added(self, matrix, log_price):
        """What the shops of other stones, float32 (n, p), add to their first shop's log price; (n,)."""
        added = self.shops.added(log_price, of_each(math.log, matrix[:, 0]))
        return np.where(shop_of(matrix.astype(np.float64)) > 0, added, 0)


def _rounded_step(shops):
    return ShopStep(*(rounded(part) for part in (shops.log_edges, shops.carat_edges, shops.values)))


def in_first_shop(stones, log_price, shops, shop):
    """The log price of graded stones in the first shop (n,), and the ridge trend of it.

    Where two prices of the first shop lead to the listed one, the trend of a first choice says which.
    """
    first = shops.first_shop_log(log_price, stones.log_carat, shop)
    likely = fit_trend(stones, first).of(stones.table, stones.log_carat)
    first = shops.first_shop_log(log_price, stones.log_carat, shop, likely)
    return first, fit_trend(stones, first)


def folds_of(stones, seed):
    """The fold of each graded stone, 0 to FOLDS - 1: all listings of a stone are in one; (n,)."""
    number = np.unique(stones.number, return_inverse=True)[1]
    return np.random.default_rng([seed, 5]).permutation(number.max() + 1)[number] % FOLDS


def fit_trend(stones, log_price):
    """The Trend of some stones: a ridge on log price, centred so that the intercept is not penalised.

    log_price: float64 (n,). The sums are exact, so they are the same on every processor.
    """
    regressors = trend_regressors(stones.table, stones.sizes)
    coefficients, level = _ridge(regressors, log_price)
    curves, slopes, added = lookup_tables(coefficients, level, stones.sizes)
    levels = LevelCurves(rounded(added.values), rounded(added.colors), added.counts)
    return Trend(rounded(curves), rounded(slopes), levels)


def fit_curve(log_carat, log_price):
    """The values of a Curve: the same over weight only; float64 (knots,)."""
    coefficients, level = _ridge(ramps(log_carat), log_price)
    return rounded(level + (ramps(KNOTS) * coefficients).sum(axis=1))


def _ridge(regressors, target):
    """(coefficients (k,), intercept) of a ridge regression; regressors: float64 (n, k)."""
    regressors = rounded(regressors, REGRESSOR_BITS)
    level, count = rounded(target.mean()), len(target)
    target = rounded(target - level, TARGET_BITS)
    sums, centre = regressors.sum(axis=0), regressors.sum(axis=0) / count
    normal = regressors.T @ regressors - sums[:, None] * centre + RIDGE * np.eye(len(centre))
    coefficients = solved(normal, regressors.T @ target - sums * (target.sum() / count))
    return coefficients, level + target.sum() / count - (centre * coefficients).sum()
