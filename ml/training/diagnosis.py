"""The numbers of a model card: how far a forest can be trusted, measured on its held-out stones.

Called by training, which stores them with the forest; the page and the command print the stored numbers.
No clock, thread or unordered sum is used: the same forest and stones give the same numbers.
"""

import math
from dataclasses import dataclass

import numpy as np

from ml import dataset
from ml.forest.keys import keys_of
from ml.forest.price_forest import X, Y
from ml.stones import (
    CARAT_BANDS,
    CODES,
    COVERAGE,
    DEPTH_TOLERANCE,
    derived_depth,
    ends_of_band,
)
from ml.vocabulary import DEFAULT

from . import growing, trends
from .coherence import coherence
from .conditional import brier_gain, worst_slab

FORMAT = 1
LEVEL, RESAMPLES = 0.95, 1000
MIN_STONES = 30
"""The fewest held-out stones for which a band is reported."""

BINS = 40
SHUFFLED, REPEATS = 1500, 3
"""The number of held-out stones that permutation importance is measured on, and of repetitions."""


@dataclass(frozen=True)
class Judged:
    """The recorded prices of n stones, and the forest's answers; USD, float64 (n,)."""

    price: np.ndarray
    answer: np.ndarray
    low: np.ndarray
    high: np.ndarray

    @classmethod
    def of(cls, forest, stones):
        """The forest's answers to held-out stones."""
        answers = forest.answer_many(forest.matrix(stones))
        columns = np.array([(one.price, one.low, one.high) for one in answers])
        return cls(stones.price.to_numpy(np.float64), *np.ascontiguousarray(columns.T))

    def __getitem__(self, rows):
        return Judged(self.price[rows], self.answer[rows], self.low[rows], self.high[rows])

    @property
    def error(self):
        """Answer less recorded price, USD."""
        return self.answer - self.price

    @property
    def inside(self):
        """Whether the recorded price lies in the range."""
        return (self.low <= self.price) & (self.price <= self.high)

    @property
    def width(self):
        """The range's width as a ratio of the answer."""
        return (self.high - self.low) / self.answer


def diagnose(forest, held_out):
    """All figures of the model card, as plain numbers, strings, lists and dicts.

    held_out: a DataFrame of the scheme's clean stones with `price` (USD), that the forest was not
    trained on. Also prices SHUFFLED * REPEATS stones for each column: a few seconds.
    """
    judged, seed = Judged.of(forest, held_out), forest.metadata["seed"]
    keys = dataset.stone_keys(held_out)
    return {
        "format": FORMAT,
        "made": _made(forest),
        "intervals": intervals(judged, keys, seed),
        "unseen": _unseen(forest, judged, keys),
        "bands": bands(held_out, judged, forest.vocabulary),
        "deciles": {
            "price": deciles(judged, judged.answer),
            "width": deciles(judged, judged.width),
        },
        "density": density(judged),
        "tenths": tenths(forest, held_out, judged),
        "importance": importance(forest, held_out, seed),
        "support": support(forest, held_out, judged),
        "coherence": _coherence(forest, held_out, seed),
        "conditional": conditional(forest, held_out, judged, seed),
    }


def _made(forest):
    """The figures of training: trees, the folds of the boosted trend, whether networks are half of it, and
    the folds the range was learned from (none: out of bag)."""
    graded = forest.scheme == "graded"
    return {
        **({"boosted_folds": trends.FOLDS, "networks": True} if graded else {}),
        "trees": int(forest.arrays["starts"].shape[1]),
        "coverage": COVERAGE,
        "range_folds": trends.FOLDS if graded else 0,
        "range_fold_trees": growing.FOLD_TREES if graded else 0,
        "held_out_share": dataset.HELD_OUT_SHARE,
        "split_seed": None if graded else dataset.CODED_SPLIT_SEED,
    }


# Scores


def _addends(judged):
    """The addends of the scores, for each stone; float64 (n, 7)."""
    error, price = judged.error, judged.price
    columns = np.ones(len(price)), error**2, np.abs(error), np.abs(error / price), judged.inside
    return np.column_stack([*columns, price, price**2])


def _scores_of_sums(sums):
    """Scores from sums of `_addends`, float64 (…, 7): R², RMSE, MAE (USD), MAPE, coverage (ratios)."""
    count, square, absolute, relative, inside, price, price_square = np.moveaxis(sums, -1, 0)
    return {
        "r2": 1 - square / (price_square - price**2 / count),
        "rmse": np.sqrt(square / count),
        "mae": absolute / count,
        "mape": relative / count,
        "coverage": inside / count,
    }


def intervals(judged, keys, seed):
    """Percentile bootstrap intervals of the scores, {score: [low, high]} under `scores`.

    keys: one for each row, equal for listings of one stone. Those are drawn together, because their
    errors are not independent; stones: the number of keys. Source: Efron and Tibshirani (1993), 13.
    """
    numbers = {}
    stone = np.array([numbers.setdefault(key, len(numbers)) for key in keys])
    sums = np.column_stack([np.bincount(stone, column) for column in _addends(judged).T])
    rng, size = np.random.default_rng([seed, 1]), len(sums)
    resampled = [sums[rng.integers(size, size=size)].sum(axis=0) for _ in range(RESAMPLES)]
    ends = [(1 - LEVEL) / 2, (1 + LEVEL) / 2]
    scores = {
        name: np.quantile(values, ends).tolist()
        for name, values in _scores_of_sums(np.array(resampled)).items()
    }
    return {"level": LEVEL, "resamples": RESAMPLES, "stones": size, "scores": scores}


def _unseen(forest, judged, keys):
    """Scores on the held-out rows with no other listing in the training stones; stones: their number."""
    trained = {*keys_of(forest)}
    rows = np.flatnonzero([key not in trained for key in keys])
    if not rows.size:
        return {"stones": 0}
    scores = _scores_of_sums(_addends(judged[rows]).sum(axis=0))
    return {"stones": len(rows)} | {name: float(score) for name, score in scores.items()}


# Bands


def bands(stones, judged, vocabulary=DEFAULT):
    """Error and coverage by carat, by quintile of the answered price, by grade or level, by shared code.

    Carats run from `from` to under `to`, None for an open end. Grades are the recorded ones, even if the
    forest gets codes. Bands of fewer than MIN_STONES are left out.
    """
    found = [
        *_carat_bands(stones, judged),
        *_quintiles(judged),
        *_grade_bands(stones, judged, vocabulary),
    ]
    return [band for band in found if band["count"] >= MIN_STONES]


def _carat_bands(stones, judged):
    place = np.searchsorted(CARAT_BANDS, stones.carat.to_numpy(np.float64), side="right")
    for number in range(len(CARAT_BANDS) + 1):
        low, high = ends_of_band(number)
        band = {"by": "carat", "from": low, "to": high}
        yield band | _measured(judged[place == number])


def _quintiles(judged):
    for rows in ranked(judged.answer, 5):
        yield {"by": "price", **_span(judged.answer[rows]), **_measured(judged[rows])}


def _grade_bands(stones, judged, vocabulary):
    for field, grades in vocabulary.choices.items():
        recorded = stones.get(f"{field}_grade", stones[field]).to_numpy()
        for grade in grades:
            yield {"by": field, "grade": grade, **_measured(judged[recorded == grade])}
        for code, grades in CODES[field].items() if f"{field}_grade" in stones else ():
            if len(grades) > 1:
                has_code = stones[field].to_numpy() == code
                yield {
                    "by": field,
                    "code": code,
                    "grades": list(grades),
                    **_measured(judged[has_code]),
                }


def _measured(judged):
    """A band's numbers: bias is the mean of answer less price; mae_error the standard error of the MAE, as
    if listings of one stone were independent; USD."""
    if not len(judged.price):
        return {"count": 0}
    error = judged.error
    return {
        "count": len(error),
        "mae": float(np.abs(error).mean()),
        "mae_error": float(np.abs(error).std() / math.sqrt(max(len(error) - 1, 1))),
        "mape": float(np.abs(error / judged.price).mean()),
        "bias": float(error.mean()),
        "coverage": float(judged.inside.mean()),
    }


def ranked(values, parts):
    """Rows in `parts` groups of nearly equal size, from the smallest values to the largest."""
    return [rows for rows in np.array_split(np.argsort(values, kind="stable"), parts) if rows.size]


def _span(values):
    return {"from": float(values.min()), "to": float(values.max())}


def deciles(judged, values):
    """By decile of `values`: coverage, the range's mean width (a ratio of the price), and the 10, 50
    and 90 % quantiles of the recorded prices (USD)."""
    return [
        _span(values[rows])
        | {
            "count": len(rows),
            "coverage": float(judged.inside[rows].mean()),
            "width": float(judged.width[rows].mean()),
            "actual": np.quantile(judged.price[rows], [0.1, 0.5, 0.9]).tolist(),
        }
        for rows in ranked(values, 10)
    ]


def density(judged):
    """The number of stones by predicted and actual price, in BINS equal steps of log price.

    from, to: USD, the ends of both axes; cells: [step of predicted, step of actual, stones], without
    empty ones.
    """
    both = judged.answer, judged.price
    low, high = float(min(map(np.min, both))), float(max(map(np.max, both)))
    steps = [np.floor(BINS * np.log(usd / low) / np.log(high / low)) for usd in both]
    cell = np.stack([step.clip(0, BINS - 1).astype(int) for step in steps], axis=1)
    cells, counts = np.unique(cell, axis=0, return_counts=True)
    listed = np.column_stack([cells, counts]).tolist()
    return {"bins": BINS, "from": low, "to": high, "cells": listed}


def tenths(forest, held_out, judged):
    """The number of recorded prices in each tenth of their predicted distribution: ten counts, which are
    equal if the distribution is right. Source: Dawid (1984), the probability integral transform.
    """
    percentile = forest.percentile(held_out, judged.price)
    return np.histogram(percentile, np.arange(0, 101, 10))[0].tolist()


# Out of distribution


def support(forest, held_out, judged):
    """The number of held-out stones that are extrapolations, or not round, and the error of their prices.

    {"dearest": the highest recorded price, "most": percent by which diameters may differ, "factor":
    by which comparables may be adjusted (None for the coded scheme),
    "extrapolated", "not_round", "rest": the numbers of each band}.
    """
    lacking, other_shape = _beyond(forest, held_out)
    return {
        "dearest": forest.support.dearest,
        "most": 100 * forest.support.roundness,
        "factor": math.exp(forest.support.adjusted) if forest.scheme == "graded" else None,
        "extrapolated": _measured(judged[lacking]),
        "not_round": _measured(judged[other_shape]),
        "rest": _measured(judged[~(lacking | other_shape)]),
    }


def _beyond(forest, stones):
    """The stones that get the warning extrapolated, and those that get not_round; boolean (n,) each."""
    answers = forest.answer_many(forest.matrix(stones))
    lacking = np.array([answer.extrapolated for answer in answers])
    if forest.scheme == "coded":
        return lacking, np.zeros(len(stones), bool)
    x, y = stones.x.to_numpy(np.float64), stones.y.to_numpy(np.float64)
    return lacking, np.maximum(x, y) / np.minimum(x, y) - 1 > forest.support.roundness


# From one stone to a better one


def _coherence(forest, held_out, seed):
    sizes = held_out[["x", "y", "z"]].to_numpy(np.float64)
    matrix = forest.matrix(held_out)
    return coherence(forest.price, matrix, forest.scheme, seed, sizes, forest.vocabulary)


# Whether coverage is right for every kind of stone


def conditional(forest, held_out, judged, seed):
    """Coverage by quintile of the range's width, in the worst slab, and whether it is predictable which
    stones are covered: {"quintiles": ratios, "inputs": names, "slab", "brier"}; see conditional.py."""
    matrix = forest.matrix(held_out).astype(np.float64)
    inputs = np.column_stack([matrix, np.log(judged.answer), judged.width])
    shop = [matrix[:, X] - matrix[:, Y]] if forest.scheme == "graded" else []
    spread = inputs.std(axis=0)
    standard = (inputs - inputs.mean(axis=0)) / np.where(spread > 0, spread, 1)
    quintiles = [float(judged.inside[rows].mean()) for rows in ranked(judged.width, 5)]
    return {
        "quintiles": quintiles,
        "inputs": [*forest.columns, "price", "width"],
        "slab": worst_slab(standard, judged.inside, seed),
        "brier": brier_gain(np.column_stack([inputs, *shop]), judged.inside, seed),
    }


# Importance of the inputs


def importance(forest, held_out, seed):
    """How much the MAE grows (USD) when an input is shuffled among held-out stones.

    The last entry shuffles weight and size together: each is a proxy of the other. Source: Breiman
    (2001), section 10.
    """
    rng = np.random.default_rng([seed, 2])
    some = np.sort(rng.permutation(len(held_out))[:SHUFFLED])
    stones = held_out.iloc[some]
    matrix, price = forest.matrix(stones), stones.price.to_numpy(np.float64)
    mae = np.abs(forest.price(matrix) - price).mean()
    sizes = [name for name in forest.columns if name in ("carat", "x", "y", "z", "volume")]
    inputs = []
    for names in [*([name] for name in forest.columns), sizes]:
        columns = [forest.columns.index(name) for name in names]
        error = forest.price(_shuffled(matrix, columns, rng)).reshape(REPEATS, -1) - price
        grown = np.abs(error).mean(axis=1) - mae
        inputs.append({"inputs": names, "increase": float(grown.mean()), **_span(grown)})
    return {"stones": len(price), "repeats": REPEATS, "mae": float(mae), "inputs": inputs}


def _shuffled(matrix, columns, rng):
    """REPEATS copies of a matrix stacked, with the rows of the columns shuffled in each copy."""
    copies = []
    for _ in range(REPEATS):
        copy = matrix.copy()
        copy[:, columns] = matrix[np.ix_(rng.permutation(len(matrix)), columns)]
        copies.append(copy)
    return np.concatenate(copies)


# The data


def faults(raw):
    """The faults that remain in a table of stones, {fault: rows}, and the widest gap in its prices (USD).

    raw: as from ml.dataset.load. Rows without a diameter or height have no depth.
    """
    measured = raw[(raw[["x", "y", "z"]] > 0).all(axis=1)]
    off = measured.depth - derived_depth(measured.x, measured.y, measured.z)
    width = np.sort(raw[["x", "y"]].to_numpy(), axis=1)
    stones = raw.drop(columns=["price", "cut"]).assign(x=width[:, 0], y=width[:, 1])
    prices = np.unique(raw.price[raw.price > 0].to_numpy())
    gap = int(np.argmax(prices[1:] / prices[:-1]))
    return {
        "depth_disagrees": int((off.abs() > DEPTH_TOLERANCE).sum()),
        "copies": int(raw.duplicated().sum()),
        "listed_again": int(stones.duplicated().sum()),
        "price_gap": prices[gap : gap + 2].tolist(),
    }
