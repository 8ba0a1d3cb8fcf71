"""An own list: accuracy, known effects, coverage and coherence on generated stones (own_list.py); a
section of bench/model.py."""

import time

import numpy as np

from bench import boosters, own_list
from ml import dataset, training
from ml.forest.matrix import as_matrix
from ml.training.fitting import at_most

STONES, NEW = 60_000, 20_000
WORST = 1.03
"""The largest ratio of our MAE to CatBoost's."""

LIST_SEED, SEED_OF_NEW = 1, 1000
BETWEEN = (0.78, 0.82)
CATEGORIES = ("shape", "origin", "laboratory")

ASKED = 2000
EFFECTS = {
    "lab-grown": (
        dict(origin="Natural", fluorescence="None", laboratory="IGI"),
        dict(origin="Lab-grown"),
    ),
    "EGL for GIA": (dict(origin="Natural", laboratory="GIA"), dict(laboratory="EGL")),
    "strong fluorescence of D to F": (
        dict(origin="Natural", fluorescence="None", color="E"),
        dict(fluorescence="Strong"),
    ),
    "strong fluorescence of J": (
        dict(origin="Natural", fluorescence="None", color="J"),
        dict(fluorescence="Strong"),
    ),
}
"""{effect: (what the asked stones have, what is changed)}"""

NEAR = 0.03
"""How far the mean log ratio of a recovered effect may be from the true one."""


def own(report, options):
    """The forest of a generated list against CatBoost's, and against what the generator did."""
    stones = own_list.make(STONES // 5 if options.quick else STONES, LIST_SEED).stones
    started = time.monotonic()
    forest = training.train(stones, "graded")
    report.progress(f"own: {len(stones):,} stones trained in {time.monotonic() - started:.0f} s")
    new = own_list.make(NEW, SEED_OF_NEW)
    rows = [*_error_rows(report, forest, stones, new), *_effect_rows(forest)]
    rows += _coverage_rows(forest, NEW // 5 if options.quick else NEW)
    rows += _coherence_rows(forest)
    report.table(f"A list of {len(stones):,} generated stones, new stones of the same kind", rows)


def _mae(price, answer):
    return float(np.abs(answer - price).mean())


def _error_rows(report, forest, stones, new):
    price = new.stones.price.to_numpy(np.float64)
    ours = _mae(price, forest.price(new.stones))
    trained_on = at_most(dataset.split(dataset.clean(stones, "graded").stones, "graded")[0])
    started = time.monotonic()
    theirs = _mae(price, _catboost(forest, trained_on, new.stones))
    report.progress(f"own: CatBoost in {time.monotonic() - started:.0f} s")
    least = _mae(price, np.exp(new.expected))
    yield "MAE, ours / CatBoost", f"at most {WORST}", f"{ours / theirs:.3f}", ours <= WORST * theirs
    yield (
        "MAE of ours, CatBoost, the generator's own",
        "",
        f"{ours:.1f}, {theirs:.1f}, {least:.1f}",
        None,
    )


def _catboost(forest, train, asked):
    """CatBoost's prices from the same columns, with its own treatment of categories."""
    import pandas as pd

    def table(stones):
        matrix = as_matrix(stones, "graded", forest.vocabulary)
        frame = pd.DataFrame(matrix, columns=forest.columns)
        return frame.astype(dict.fromkeys(CATEGORIES, int))

    predict = boosters.catboost(
        table(train), np.log(train.price), 1, iterations=2000, depth=6, cat_features=[*CATEGORIES]
    )
    return np.exp(predict(table(asked)))


def _effect_rows(forest):
    for name, (having, change) in EFFECTS.items():
        stones = own_list.make(ASKED, SEED_OF_NEW + 1, **having).stones
        other = stones.assign(**change)
        true = np.mean(own_list.expected_log_price(other) - own_list.expected_log_price(stones))
        found = np.mean(np.log(forest.price(other) / forest.price(stones)))
        text = f"{np.exp(found):.3f} (true {np.exp(true):.3f})"
        yield f"effect of {name}", f"within {NEAR:.0%}", text, abs(found - true) <= NEAR


def _coverage_rows(forest, count):
    low, high = BETWEEN
    for name in ("shape", "origin"):
        for place, level in enumerate(forest.vocabulary.property_called(name).stated):
            some = own_list.make(count, SEED_OF_NEW + 10 + place, **{name: level}).stones
            answers = forest.answers(forest.matrix(some))
            inside = (answers.low <= some.price) & (some.price <= answers.high)
            covered = float(inside.mean())
            text = f"{covered:.3f}; {answers.extrapolated.mean():.1%} extrapolated"
            met = low <= covered <= high
            yield f"coverage, {level}, {count:,} stones", f"{low} to {high}", text, met


def _coherence_rows(forest):
    for step, share in forest.metadata["card"]["coherence"].items():
        if step not in ("stones", "wobble"):
            yield f"coherence: price falls for better {step}", "", f"{share:.2%}", None
