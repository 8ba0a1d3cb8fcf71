"""Accuracy and ranges on held-out stones, compared with gradient boosting with the settings of the
design.

Learning rates and subsampling are the best found for the opponents on splits 101 and 102, which are
not reported here. All models get the same rows, the same features and the log price as target.
"""

from functools import cache, partial

import numpy as np
from sklearn.model_selection import train_test_split

from ml import dataset, training
from ml.forest.matrix import as_matrix, inputs_of_many
from ml.stones import COVERAGE, GRADES

SEEDS = (1, 2, 3, 4, 5)
SCHEMES = ("graded", "coded")
ALPHA = 1 - COVERAGE
FEWEST = 300
"""The fewest held-out stones of a group whose coverage counts."""

CARAT_BANDS = (0, 0.5, 0.7, 0.9, 1, 1.2, 1.5, 2, np.inf)
SAMPLED = dict(subsample=0.8, colsample_bytree=0.8, n_jobs=-1)
QUANTILES = (ALPHA / 2, 1 - ALPHA / 2)


# The stones


def stones_of(scheme):
    """The 47,520 rows of the coded scheme, with the columns of the given scheme; a DataFrame."""
    stones = dataset.clean(dataset.load(), "coded").stones
    if scheme == "coded":
        return stones
    return stones.assign(**{grade: stones[f"{grade}_grade"] for grade in GRADES})


def inputs_of(stones, scheme):
    """The opponents' inputs: our features, without our trend; float32 (n, q)."""
    inputs = inputs_of_many(as_matrix(stones, scheme), np.zeros(len(stones)), scheme)
    return inputs if scheme == "coded" else inputs[:, :-1]


def halves(stones, seed):
    """A random 70:30 split: (training, held out)."""
    return train_test_split(stones, test_size=0.3, random_state=seed)


@cache
def forest_of(scheme, seed):
    """Our forest for a random split; both sections use the same one."""
    return training.fit(halves(stones_of(scheme), seed)[0], scheme, seed)


# The opponents: (inputs, log price, seed) -> a model with `predict`


def xgboost(inputs, target, seed):
    from xgboost import XGBRegressor

    model = XGBRegressor(
        n_estimators=800, max_depth=8, learning_rate=0.03, random_state=seed, **SAMPLED
    )
    return model.fit(inputs, target)


def lightgbm(inputs, target, seed, **options):
    from lightgbm import LGBMRegressor

    model = LGBMRegressor(
        n_estimators=2000,
        num_leaves=64,
        learning_rate=0.02,
        random_state=seed,
        subsample_freq=1,
        verbose=-1,
        **SAMPLED,
        **options,
    )
    return model.fit(inputs, target).booster_


def catboost(inputs, target, seed, loss="RMSE"):
    from catboost import CatBoostRegressor

    model = CatBoostRegressor(
        iterations=3000,
        depth=8,
        loss_function=loss,
        random_seed=seed,
        verbose=0,
        allow_writing_files=False,
    )
    return model.fit(inputs, target)


def lightgbm_quantiles(train, target, seed, inputs):
    ends = [lightgbm(train, target, seed, objective="quantile", alpha=end) for end in QUANTILES]
    return np.column_stack([end.predict(inputs) for end in ends])


def catboost_quantiles(train, target, seed, inputs):
    loss = f"MultiQuantile:alpha={QUANTILES[0]:.1f},{QUANTILES[1]:.1f}"
    return catboost(train, target, seed, loss).predict(inputs)


BOOSTERS = {"XGBoost": xgboost, "LightGBM": lightgbm, "CatBoost": catboost}
QUANTILE_BOOSTERS = {"LightGBM": lightgbm_quantiles, "CatBoost": catboost_quantiles}


# Accuracy


def accuracy(report, quick):
    """RMSE and MAE over random splits, and on all possible stones."""
    stones = stones_of("graded")
    scores = [
        _errors(report, forest_of("graded", seed), *halves(stones, seed), seed)
        for seed in SEEDS[: 1 if quick else None]
    ]
    report.table(
        f"Accuracy, graded: mean of {len(scores)} random 70:30 splits of {len(stones):,} rows",
        _accuracy_rows(scores),
    )
    possible = dataset.clean(dataset.load(), "graded").stones
    train, held_out = dataset.split(possible, "graded")
    forest = training.fit(train, "graded")
    scores = _errors(report, forest, train, held_out, training.SEED)
    rows = [
        (name, "reported", " ".join(f"{key} {value:.1f}" for key, value in errors.items()), None)
        for name, errors in scores.items()
    ]
    report.table(
        f"Accuracy, graded: all {len(possible):,} physically possible stones, one split", rows
    )


def _errors(report, forest, train, held_out, seed):
    """{model: {error: USD}} on the held-out stones."""
    report.progress(f"accuracy, seed {seed}")
    models = {"ours": forest.price}
    for name, fit in BOOSTERS.items():
        fitted = fit(inputs_of(train, "graded"), np.log(train.price), seed)
        models[name] = lambda stones, fitted=fitted: np.exp(
            fitted.predict(inputs_of(stones, "graded"))
        )
    large = held_out[held_out.carat >= 2]
    scores = {}
    for name, price in models.items():
        scores[name] = _two_errors(price, held_out)
        if len(large):
            scores[name] |= {f"{k} from 2 ct": v for k, v in _two_errors(price, large).items()}
    report.progress(", ".join(f"{k} {s['RMSE']:.1f} / {s['MAE']:.1f}" for k, s in scores.items()))
    return scores


def _two_errors(price, stones):
    error = price(stones) - stones.price.to_numpy(np.float64)
    return {"RMSE": np.sqrt((error**2).mean()), "MAE": np.abs(error).mean()}


def _accuracy_rows(scores):
    mean = {
        name: {
            error: np.mean([split[name][error] for split in scores]) for error in ("RMSE", "MAE")
        }
        for name in scores[0]
    }
    for error in ("RMSE", "MAE"):
        best = min(BOOSTERS, key=lambda name: mean[name][error])
        ours, theirs = mean["ours"][error], mean[best][error]
        yield f"{error}, USD", f"<= {theirs:.1f} ({best})", f"{ours:.1f}", ours <= theirs
        others = ", ".join(f"{name} {mean[name][error]:.1f}" for name in BOOSTERS)
        yield "", "", others, None


# Ranges


def ranges(report, quick):
    """Coverage, Winkler score and coverage by group, of both schemes."""
    seeds = SEEDS[: 1 if quick else None]
    for scheme in SCHEMES:
        splits = [_range_scores(report, scheme, seed) for seed in seeds]
        report.table(
            f"80 % ranges, {scheme}: mean of {len(seeds)} random splits", _range_rows(splits)
        )


def _range_scores(report, scheme, seed):
    """For one split: Winkler score and coverage by model; our coverage and size by group."""
    train, held_out = halves(stones_of(scheme), seed)
    price = held_out.price.to_numpy(np.float64)
    forest = forest_of(scheme, seed)
    ends = {"ours": forest.price_range(held_out)}
    for name, quantiles in QUANTILE_BOOSTERS.items():
        log_ends = quantiles(
            inputs_of(train, scheme), np.log(train.price), seed, inputs_of(held_out, scheme)
        )
        ends[name] = np.exp(np.sort(log_ends, axis=1))
    answer = forest.price(held_out)
    ordered = bool(np.all((ends["ours"][:, 0] <= answer) & (answer <= ends["ours"][:, 1])))
    scores = {
        "winkler": {name: winkler(price, *end.T) for name, end in ends.items()},
        "coverage": {name: inside(price, end).mean() for name, end in ends.items()},
        "groups": _groups(held_out, answer, inside(price, ends["ours"])),
        "ordered": ordered,
    }
    scores_text = (f"{n} {scores['winkler'][n]:.0f} ({scores['coverage'][n]:.3f})" for n in ends)
    report.progress(f"ranges, {scheme}, seed {seed}: Winkler (coverage): {', '.join(scores_text)}")
    return scores


def winkler(price, low, high):
    """The mean interval score, USD: width, and 2 / alpha a dollar outside (Gneiting, Raftery 2007)."""
    outside = np.maximum(low - price, 0) + np.maximum(price - high, 0)
    return float(np.mean(high - low + 2 / ALPHA * outside))


def inside(price, ends):
    return (ends[:, 0] <= price) & (price <= ends[:, 1])


def _groups(stones, answer, covered):
    """{group: (stones, coverage)} by quintile of actual and predicted price, carat and grade."""
    price, carat = stones.price.to_numpy(), stones.carat.to_numpy()
    quintile = partial(np.quantile, q=(0.2, 0.4, 0.6, 0.8))
    labels = {
        "price quintile": np.searchsorted(quintile(price), price, side="right") + 1,
        "quintile of our price": np.searchsorted(quintile(answer), answer, side="right") + 1,
        "carat from": np.array(CARAT_BANDS)[np.searchsorted(CARAT_BANDS, carat, side="right") - 1],
        **{grade: stones[grade].to_numpy() for grade in GRADES},
    }
    return {
        f"{name} {value}": (int((label == value).sum()), float(covered[label == value].mean()))
        for name, label in labels.items()
        for value in sorted(set(label.tolist()))
    }


def _range_rows(splits):
    coverage = _mean(splits, "coverage")
    score = _mean(splits, "winkler")
    opponent = min(QUANTILE_BOOSTERS, key=score.get)
    ratio = score["ours"] / score[opponent]
    groups, faulty = _judged(splits)
    yield "coverage", "0.79 to 0.81", f"{coverage['ours']:.4f}", 0.79 <= coverage["ours"] <= 0.81
    yield "Winkler score, ratio to the better opponent", "<= 0.97", f"{ratio:.4f}", ratio <= 0.97
    for name in score:
        measured = f"{score[name]:.1f} USD (coverage {coverage[name]:.3f})"
        yield f"Winkler score, {name}", "", measured, None
    good = f"{groups - len(faulty)} of {groups}"
    yield "groups of 300: 80 % within 4 points + 2 s.e.", f"{groups} of {groups}", good, not faulty
    for text in faulty:
        yield "  outside", "", text, False
    ordered = all(split["ordered"] for split in splits)
    yield "low <= price <= high", "always", "always" if ordered else "not always", ordered


def _mean(splits, score):
    return {name: np.mean([split[score][name] for split in splits]) for name in splits[0][score]}


def _judged(splits):
    """The number of groups that are large enough, and those with a mean coverage too far from 80 %."""
    judged, faulty = 0, []
    for group in sorted(set.union(*(set(split["groups"]) for split in splits))):
        found = [split["groups"][group] for split in splits if group in split["groups"]]
        count, covered = np.mean(found, axis=0)
        if count < FEWEST:
            continue
        judged += 1
        room = 0.04 + 2 * np.sqrt(COVERAGE * ALPHA / count)
        if abs(covered - COVERAGE) > room:
            faulty.append(f"{group}: {covered:.3f} of {count:.0f} stones; room {room:.3f}")
    return judged, faulty
