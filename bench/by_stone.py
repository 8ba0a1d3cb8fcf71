"""Our graded forest compared with other models on stones that none has seen, and as published; sections of
bench/model.py.

Each result is kept in a file of its own, named by a hash of the code: an interrupted run continues, and
salts can be measured by several runs.
"""

import hashlib
import json
from functools import partial

import numpy as np
from sklearn.model_selection import train_test_split

from bench import boosters
from bench.boosters import LEVELS, our_inputs, plain_inputs
from bench.servers import ROOT
from ml import dataset, training
from ml.forest import PriceForest
from ml.forest.matrix import as_matrix
from ml.stones import COVERAGE
from ml.training.coherence import HEAVIER, coherence
from ml.training.diagnosis import Judged, conditional

SALTS = ("a", "b", "c", "d", "e")
SEEDS = (11, 12, 13, 14, 15)
STEPS = ("color", "clarity", *(f"carat {more:.0%}" for more in HEAVIER), "wobble")
BOUNDS = {
    "color": (0, 0.007),
    "clarity": (0, 0.001),
    "carat 1%": (0, 0.010),
    "carat 5%": (0, 0.008),
    "wobble": (0, 0.020),
    "worst slab": (0.785, 1),
    "lowest quintile": (0.785, 1),
    "highest quintile": (0, 0.815),
    "Brier gain": (-1, 0.0010),
}
"""Our targets: how often a better stone may cost less, the wobble, and coverage of every kind of stone."""

OURS, CATBOOST, LIKE_OURS = "ours", "CatBoost", "CatBoost, our features"
RATIOS = (
    ("RMSE", 0.980, (CATBOOST,)),
    ("MAE", 0.972, (CATBOOST,)),
    ("RMSE", 0.992, (LIKE_OURS,)),
    ("MAE", 0.992, (LIKE_OURS,)),
    ("CRPS", 0.96, (CATBOOST, "LightGBM", "quantile-forest")),
    ("Winkler", 0.92, (CATBOOST, "LightGBM")),
)
"""(score, the target of its ratio to the best of these models, the models)."""

WITHOUT = "ours, without the listings of the stone itself"
AS_PUBLISHED = {OURS: 485, WITHOUT: 500}
"""The targets as published, USD."""

PUBLISHED = {
    "ModernNCA": 492.6,
    "TabR": 513.5,
    "RealMLP": 523.9,
    "CatBoost": 524.9,
    "XGBoost": 537.7,
    "LightGBM": 543.9,
    "random forest": 590.3,
}
"""RMSE, USD, as published in the TALENT benchmark: random 64/16/20 splits of all rows."""


OTHERS_CODE = ("bench/bo*.py", "bench/by*.py", "ml/dataset.py", "ml/stones.py", "data/*.csv")
OUR_CODE = ("ml/**/*.py", *OTHERS_CODE)


def kept(folder, name, measure, code=OUR_CODE):
    """A result of this code, from its file if it was measured before.

    measure: a function that returns it; code: the patterns of the files that it depends on.
    """
    paths = sorted({path for pattern in code for path in ROOT.glob(pattern)})
    digest = hashlib.sha256(b"".join(path.read_bytes() for path in paths)).hexdigest()[:12]
    path = folder / f"{name}-{digest}.json"
    if not path.exists():
        folder.mkdir(parents=True, exist_ok=True)
        aside = path.with_suffix(".part")
        aside.write_text(json.dumps(measure()))
        aside.rename(path)
    return json.loads(path.read_text())


# By stone


def by_stone(report, options):
    """Errors, CRPS, Winkler score and coherence on splits by stone, of several hash salts."""
    salts = options.salts or SALTS[: 1 if options.quick else None]
    names = [OURS, CATBOOST] if options.quick else [*MODELS]
    found = []
    for salt in salts:
        found.append({})
        for name in names:
            report.progress(f"by stone, salt {salt}: {name}")
            measure = partial(_measured, name, salt)
            code = OUR_CODE if name == OURS else OTHERS_CODE
            scores = kept(options.folder, f"{name}-{salt}".replace(" ", "-"), measure, code)
            report.progress(", ".join(f"{score} {value:.4g}" for score, value in scores.items()))
            found[-1][name] = scores
    title = f"By stone: salts {' '.join(salts)}"
    report.table(f"{title}, ours against the best of others", [*_ratio_rows(found)])
    report.table(f"{title}, means", [*_mean_rows(found)])


def possible():
    """All physically possible stones; a DataFrame."""
    return dataset.clean(dataset.load(), "graded").stones


def _measured(name, salt):
    """{score: value} of a model on the held-out stones of a salt."""
    stones = possible()
    held = [_place(key, salt) < dataset.HELD_OUT_SHARE for key in dataset.stone_keys(stones)]
    held = np.array(held)
    return MODELS[name](stones[~held], stones[held])


def _place(key, salt):
    digest = hashlib.blake2b(key, digest_size=4, salt=salt.encode()).digest()
    return int.from_bytes(digest, "big") / 2**32


def _of_ours(train, held_out):
    forest = training.fit(train, "graded")
    ends, quantiles = forest.price_range(held_out), forest.quantiles(held_out, LEVELS)
    scores = _scores(held_out, forest.price, quantiles, ends)
    return scores | _conditional_scores(forest, held_out)


def _conditional_scores(forest, held_out):
    judged = Judged.of(forest, held_out)
    found = conditional(forest, held_out, judged, training.SEED)
    return {
        "worst slab": found["slab"]["coverage"],
        "lowest quintile": min(found["quintiles"]),
        "highest quintile": max(found["quintiles"]),
        "Brier gain": found["brier"]["gain"],
    }


def _of_catboost(train, held_out):
    return _of_boosters(
        train, held_out, boosters.catboost, boosters.catboost_levels, boosters.catboost_ends
    )


def _of_catboost_like_ours(train, held_out):
    price = _fitted(boosters.catboost, train, our_inputs)
    return _scores(held_out, price)


def _of_lightgbm(train, held_out):
    return _of_boosters(
        train, held_out, boosters.lightgbm, boosters.lightgbm_levels, boosters.lightgbm_ends
    )


def _of_quantile_forest(train, held_out):
    quantiles = _fitted(boosters.quantile_forest, train)(as_matrix(held_out, "graded"))
    ends = quantiles[:, [LEVELS.index(round(end, 2)) for end in boosters.ENDS]]
    return _distribution_scores(held_out.price.to_numpy(np.float64), quantiles, ends)


def _of_boosters(train, held_out, *models):
    price, *spread = (_fitted(model, train) for model in models)
    return _scores(held_out, price, *(one(as_matrix(held_out, "graded")) for one in spread))


MODELS = {
    OURS: _of_ours,
    CATBOOST: _of_catboost,
    LIKE_OURS: _of_catboost_like_ours,
    "LightGBM": _of_lightgbm,
    "quantile-forest": _of_quantile_forest,
}


def _fitted(model, train, inputs_of=plain_inputs):
    """A function of a matrix of graded stones that gives a model's prices, or their quantiles."""
    known = inputs_of(as_matrix(train, "graded"))
    predict = model(known, np.log(train.price.to_numpy(np.float64)), training.SEED)

    def prices(matrix):
        found = np.exp(predict(inputs_of(matrix)))
        return np.sort(found, axis=1) if found.ndim > 1 else found

    return prices


def _scores(stones, price_of, quantiles=None, ends=None):
    """All scores of a model; price_of: a function of a matrix that gives prices."""
    matrix, price = as_matrix(stones, "graded"), stones.price.to_numpy(np.float64)
    error = price_of(matrix) - price
    scores = {"RMSE": float(np.sqrt((error**2).mean())), "MAE": float(np.abs(error).mean())}
    if quantiles is not None:
        scores |= _distribution_scores(price, quantiles, ends)
    moved = coherence(price_of, matrix, "graded", training.SEED)
    return scores | {step: moved[step] for step in STEPS}


def _distribution_scores(price, quantiles, ends):
    inside = (ends[:, 0] <= price) & (price <= ends[:, 1])
    return {
        "CRPS": 2 * pinball(price, quantiles),
        "Winkler": winkler(price, *ends.T),
        "coverage": float(inside.mean()),
    }


def pinball(price, quantiles):
    """Mean pinball loss, half of the CRPS, USD; price (n,), quantiles (n, levels)."""
    error, levels = price[:, None] - quantiles, np.array(LEVELS)
    return float(np.maximum(levels * error, (levels - 1) * error).mean())


def winkler(price, low, high):
    """The mean interval score, USD: width, and 2 / alpha a dollar outside (Gneiting, Raftery 2007)."""
    outside = np.maximum(low - price, 0) + np.maximum(price - high, 0)
    return float(np.mean(high - low + 2 / (1 - COVERAGE) * outside))


def _ratio_rows(found):
    for score, most, names in RATIOS:
        names = [name for name in names if name in found[0]]
        if not names:
            continue
        best = min(names, key=lambda name: np.mean([split[name][score] for split in found]))
        ratios = [split[OURS][score] / split[best][score] for split in found]
        measured = f"{np.mean(ratios):.4f} ({min(ratios):.4f} to {max(ratios):.4f})"
        yield f"{score} / {best}'s", f"<= {most}", measured, np.mean(ratios) <= most


def _mean_rows(found):
    for name in found[0]:
        for score in found[0][name]:
            mean = float(np.mean([split[name][score] for split in found]))
            low, high = BOUNDS.get(score, (None, None)) if name == OURS else (None, None)
            target = "" if low is None else f"{max(low, 0):.4g} to {high:.4g}"
            met = None if low is None else low <= mean <= high
            yield f"{name}: {score}", target, f"{mean:.4g}", met


# As published


def as_published(report, options):
    """Random 64/16/20 splits of all possible stones, the 16 unused, as in the TALENT benchmark."""
    seeds = SEEDS[: 1 if options.quick else None]
    found = []
    for seed in seeds:
        report.progress(f"as published, seed {seed}")
        found.append(kept(options.folder, f"published-{seed}", partial(_as_published, seed)))
        report.progress(", ".join(f"{name} {rmse:.1f}" for name, rmse in found[-1].items()))
    rows = []
    for name in found[0]:
        rmse, most = [split[name] for split in found], AS_PUBLISHED.get(name)
        measured = f"{np.mean(rmse):.1f} ± {np.std(rmse):.1f}"
        rows.append((name, f"< {most}" if most else "", measured, most and np.mean(rmse) < most))
    rows.append(
        ("published", "", ", ".join(f"{name} {rmse}" for name, rmse in PUBLISHED.items()), None)
    )
    report.table(f"RMSE, USD, as published: {len(found)} random 64/16/20 splits", rows)


def _as_published(seed):
    stones = possible()
    keys = np.array(dataset.stone_keys(stones))
    rest, test = train_test_split(np.arange(len(stones)), test_size=0.2, random_state=seed)
    train, _ = train_test_split(rest, test_size=0.2, random_state=seed)
    forest = training.fit(stones.iloc[train], "graded", seed)
    new = test[~np.isin(keys[test], keys[train])]
    return {
        OURS: _rmse(forest, stones.iloc[test]),
        WITHOUT: _rmse(_without_listings(forest), stones.iloc[test]),
        "of stones without a listing in training": _rmse(forest, stones.iloc[new]),
    }


def _without_listings(forest):
    """The same forest, which does not look up whether the stone itself is recorded."""
    arrays = {n: array for n, array in forest.arrays.items() if not n.startswith("listings_")}
    return PriceForest(arrays, forest.metadata)


def _rmse(forest, stones):
    error = forest.price(stones) - stones.price.to_numpy(np.float64)
    return float(np.sqrt((error**2).mean()))
