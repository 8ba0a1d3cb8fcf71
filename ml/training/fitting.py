"""Fit a forest, calibrate its range, score it on held-out stones, compare two.

Called by the retrain command and the tests.
"""

import platform
from dataclasses import asdict

import joblib
import numpy as np
import sklearn
from pandas.api.types import is_numeric_dtype

from ml import dataset
from ml.forest import PriceForest
from ml.forest.arrays import with_prefix
from ml.forest.keys import all_keys_of
from ml.forest.shops import ShopStep
from ml.stones import BASIS, GRADES, KEY_BYTES, MEASURES, SCHEMES
from ml.vocabulary import DEFAULT

from . import boosting, calibration, growing, networks, trends
from .beyond import learn_beyond
from .diagnosis import diagnose, faults
from .flatten import MOST_STONES
from .recorded import learn_reach
from .support import learn_support
from .trends import Stones, Trained
from .vocabulary import learn_vocabulary

SEED = 2022
FLAT_TOLERANCE = 1e-6
MIN_STONES = 1000
MIN_DIFFERENT = 30
"""The fewest distinct stones, with a third as many distinct prices, to train on and to score on."""


class NotEnoughStones(ValueError):
    """Fewer usable stones than a forest can be trained, calibrated and scored on."""


def train(
    raw, scheme, seed=SEED, progress=None, data_sha256="", basis=BASIS, grow=None, public=None
):
    """Clean, split, fit and score: returns a forest whose metadata describes how it was trained.

    raw: as from ml.dataset.load. progress: called with (trees done, trees in all). basis: that of the
    prices. grow: as in `fit`. public: as in ml.vocabulary. Raises
    NotEnoughStones under 1,000 usable rows, ValueError for an unknown scheme.
    """
    cleaned = dataset.clean(raw, scheme)
    stones = cleaned.stones
    if len(stones) < MIN_STONES:
        left_out = "".join(f"; {n:,} {cause}" for cause, n in cleaned.dropped.items() if n)
        raise NotEnoughStones(f"{len(stones)} usable rows; a forest needs {MIN_STONES:,}{left_out}")
    trained_on, held_out = dataset.split(stones, scheme)
    _refuse_alike(trained_on, "train on")
    _refuse_alike(held_out, "score on")
    vocabulary = learn_vocabulary(stones, trained_on, public) if scheme == "graded" else DEFAULT
    forest = fit(at_most(trained_on), scheme, seed, progress, grow, vocabulary)
    held_out = at_most(held_out)
    forest.metadata |= {"data_sha256": data_sha256, "basis": asdict(basis)}
    forest.metadata["scores"] = score(forest, held_out)
    forest.metadata["rows"] = {
        "raw": len(raw),
        "dropped": cleaned.dropped,
        "clean": len(stones),
        "training": min(len(trained_on), MOST_STONES),
        "held out": len(held_out),
    }
    forest.metadata["card"] = diagnose(forest, held_out) | {"faults": faults(raw)}
    return forest


def _refuse_alike(stones, purpose):
    """Raises NotEnoughStones for too few distinct stones, or too few distinct prices."""
    different, prices = len({*dataset.stone_keys(stones)}), stones.price.nunique()
    if different < MIN_DIFFERENT or prices < MIN_DIFFERENT // 3:
        raise NotEnoughStones(
            f"{different} different stones at {prices} different prices to {purpose}; a forest needs "
            f"{MIN_DIFFERENT} at {MIN_DIFFERENT // 3}"
        )


def at_most(stones, most=MOST_STONES):
    """The stones, or the `most` of them with the lowest keys, so that a later list has the same ones."""
    if len(stones) <= most:
        return stones
    keys = dataset.listing_keys(stones)
    order = sorted(range(len(keys)), key=keys.__getitem__)
    return stones.iloc[sorted(order[:most])]


def fit(stones, scheme, seed=SEED, progress=None, grow=None, vocabulary=DEFAULT):
    """A PriceForest fitted on all the given stones, its range calibrated on answers by trees that have
    not seen them.

    stones: a DataFrame with the vocabulary's columns and `price` (USD). progress: called with (trees
    done, trees in all). grow: what grows the trees, by default this machine; ml.distributed.Grower uses
    a cluster. The flat forest is checked against scikit-learn's own predictions;
    RuntimeError if they differ by more than 1e-6. ValueError as in ml.forest.matrix.as_matrix.
    """
    known = Stones.of(stones, scheme, vocabulary)
    advance = _counting(progress, scheme)
    final = growing.Grown(
        Trained.of(known, seed, advance=advance), seed, advance=advance, grow=grow
    )
    if scheme == "coded":
        some, unseen = final.unseen_out_of_bag()
        known = known[some]
    else:
        unseen = growing.unseen_in_folds(known, seed, advance, grow)
    ranges = calibration.learn(known, unseen)
    arrays = final.arrays(ranges) | recorded(stones, vocabulary)
    made = _how_it_was_made(stones, scheme, seed, vocabulary)
    forest = PriceForest(arrays, made)
    _check_flat(forest, final)
    return PriceForest(arrays | _support(forest, final.stones) | _listings(final, unseen), made)


def _support(forest, known):
    """The tables of the support, and of the prices outside it."""
    adjustments = forest.adjustments(known.matrix)
    tables = {"support": learn_support(known, adjustments)}
    if known.scheme == "graded":
        tables["beyond"] = learn_beyond(forest, known)
    return {
        f"{prefix}_{name}": array for prefix, some in tables.items() for name, array in some.items()
    }


def _listings(final, unseen):
    """How far prices are from those of a stone's other listings, if these are nearer than the trees."""
    stones = final.stones
    if stones.scheme == "coded":
        return {}
    shops = ShopStep.of_arrays(with_prefix(final.trained.arrays, "shops_"))
    reach = learn_reach(stones.matrix, stones.price, unseen.answer, shops)
    return {} if np.isnan(reach).all() else {"listings_reach": reach}


def _counting(progress, scheme):
    """A function of the number of trees just grown, that reports the total so far to `progress`."""
    total, folds = growing.TREES, trends.FOLDS
    if scheme == "graded":
        total += folds * growing.FOLD_TREES + folds**2 * (boosting.COUNTED + networks.COUNTED)
    done = 0

    def advance(trees):
        nonlocal done
        done += trees
        if progress:
            progress(done, total)

    return advance


def recorded(stones, vocabulary=DEFAULT):
    """The stones as recorded, as arrays: grades as uint8 ranks if their names are known, numbers as
    float64. The keys of report numbers, where there are some, are apart."""
    arrays = _report_keys(stones)
    for name in vocabulary.names:
        numbers = {level: number for number, level in enumerate(vocabulary.levels(name))}
        arrays[f"recorded_{name}"] = stones[name].map(numbers).to_numpy(np.uint8)
    for column in dataset.COLUMNS:
        values = stones.get(f"{column}_grade", stones.get(column))
        if values is None:
            continue
        if column in GRADES and not is_numeric_dtype(values):
            arrays[f"recorded_{column}"] = values.map(vocabulary.numbers[column]).to_numpy(np.uint8)
        else:
            arrays[f"recorded_{column}"] = values.to_numpy(np.float64)
    return arrays


def _report_keys(stones):
    """{"report_keys": uint8 (n, 16)}; {} without report numbers. A stone without one has its own key."""
    if "report" not in stones:
        return {}
    keys = b"".join(dataset.listing_keys(stones))
    return {"report_keys": np.frombuffer(keys, np.uint8).reshape(-1, KEY_BYTES)}


def _check_flat(forest, final):
    """Raises RuntimeError if the flat forest's answers differ from scikit-learn's, on its own stones."""
    inputs = final.inputs[:: len(final.inputs) // 2000 + 1]
    ours, theirs = forest.target_means(inputs), final.forest.predict(inputs)
    theirs = theirs if theirs.ndim == 1 else theirs[:, 0]
    worst = np.max(np.abs(ours - theirs)) / np.mean(np.abs(theirs))
    if not worst <= FLAT_TOLERANCE:
        raise RuntimeError(f"the flat forest differs from scikit-learn's by a ratio of {worst:.2g}")


def _how_it_was_made(stones, scheme, seed, vocabulary):
    return vocabulary.as_metadata() | {
        "scheme": scheme,
        "columns": vocabulary.columns(scheme),
        "seed": seed,
        "versions": {
            "python": platform.python_version(),
            "numpy": np.__version__,
            "scikit-learn": sklearn.__version__,
            "joblib": joblib.__version__,
        },
        "training_ranges": {
            column: [float(stones[column].min()), float(stones[column].max())]
            for column in SCHEMES[scheme]
            if column in MEASURES
        },
    }


def score(forest, stones):
    """Scores on stones that the forest has not seen: R², RMSE, MAE (USD), MAPE, coverage (ratios)."""
    price = stones.price.to_numpy(np.float64)
    low, high = forest.price_range(stones).T
    inside = (low <= price) & (price <= high)
    return _errors(price, forest.price(stones)) | {
        "coverage": float(inside.mean()),
        "stones": len(stones),
    }


def score_of_trend(forest, stones):
    """The same for the forest's trend without its trees; it has no range, so no coverage."""
    price = stones.price.to_numpy(np.float64)
    return _errors(price, forest.trend_price(stones)) | {"coverage": None, "stones": len(stones)}


def _errors(price, answer):
    error = answer - price
    return {
        "r2": float(1 - (error**2).sum() / ((price - price.mean()) ** 2).sum()),
        "rmse": float(np.sqrt((error**2).mean())),
        "mae": float(np.abs(error).mean()),
        "mape": float(np.abs(error / price).mean()),
    }


def held_out_of(raw, scheme):
    """The clean stones of a table that its forests are not trained on; a DataFrame."""
    return dataset.split(dataset.clean(raw, scheme).stones, scheme)[1]


def unseen_by_both(raw, candidate, live):
    """The candidate's held-out stones that the active forest was not trained on either; a DataFrame.

    Both are forests of one scheme; `raw` is the table that the candidate was trained on. Raises
    ml.forest.keys.NoStoneKeys if the active forest's file does not have its stones' measurements.
    """
    held_out = held_out_of(raw, candidate.scheme)
    return held_out[~dataset.is_among(held_out, all_keys_of(live))]
