"""The ranges of the coded scheme on random splits of its rows, compared with gradient boosting; a section
of bench/model.py."""

from functools import partial

import numpy as np
from sklearn.model_selection import train_test_split

from bench import boosters
from bench.by_stone import winkler
from ml import dataset, training
from ml.forest.matrix import as_matrix
from ml.stones import COVERAGE, GRADES

SEEDS = (1, 2, 3, 4, 5)
FEWEST = 300
"""The fewest held-out stones of a group whose coverage counts."""

CARAT_BANDS = (0, 0.5, 0.7, 0.9, 1, 1.2, 1.5, 2, np.inf)
OPPONENTS = {"LightGBM": boosters.lightgbm_ends, "CatBoost": boosters.catboost_ends}


def ranges(report, options):
    """Coverage, Winkler score and coverage by group of the coded scheme."""
    seeds = SEEDS[: 1 if options.quick else None]
    splits = [_range_scores(report, seed) for seed in seeds]
    report.table(f"80% ranges, coded: mean of {len(seeds)} random splits", _range_rows(splits))


def _range_scores(report, seed):
    """For one split: Winkler score and coverage by model; our coverage and size by group."""
    stones = dataset.clean(dataset.load(), "coded").stones
    train, held_out = train_test_split(stones, test_size=0.3, random_state=seed)
    price = held_out.price.to_numpy(np.float64)
    forest = training.fit(train, "coded", seed)
    ends = {"ours": forest.price_range(held_out)}
    for name, quantiles in OPPONENTS.items():
        predict = quantiles(as_matrix(train, "coded"), np.log(train.price), seed)
        ends[name] = np.exp(np.sort(predict(as_matrix(held_out, "coded")), axis=1))
    answer = forest.price(held_out)
    ordered = bool(np.all((ends["ours"][:, 0] <= answer) & (answer <= ends["ours"][:, 1])))
    scores = {
        "winkler": {name: winkler(price, *end.T) for name, end in ends.items()},
        "coverage": {name: inside(price, end).mean() for name, end in ends.items()},
        "groups": _groups(held_out, answer, inside(price, ends["ours"])),
        "ordered": ordered,
    }
    scores_text = (f"{n} {scores['winkler'][n]:.0f} ({scores['coverage'][n]:.3f})" for n in ends)
    report.progress(f"ranges, seed {seed}: Winkler (coverage): {', '.join(scores_text)}")
    return scores


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
    opponent = min(OPPONENTS, key=score.get)
    ratio = score["ours"] / score[opponent]
    groups, faulty = _judged(splits)
    yield "coverage", "0.79 to 0.81", f"{coverage['ours']:.4f}", 0.79 <= coverage["ours"] <= 0.81
    yield "Winkler score, ratio to the better opponent", "<= 0.97", f"{ratio:.4f}", ratio <= 0.97
    for name in score:
        measured = f"{score[name]:.1f} USD (coverage {coverage[name]:.3f})"
        yield f"Winkler score, {name}", "", measured, None
    good = f"{groups - len(faulty)} of {groups}"
    yield "groups of 300: 80% within 4 points + 2 s.e.", f"{groups} of {groups}", good, not faulty
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
        room = 0.04 + 2 * np.sqrt(COVERAGE * (1 - COVERAGE) / count)
        if abs(covered - COVERAGE) > room:
            faulty.append(f"{group}: {covered:.3f} of {count:.0f} stones; room {room:.3f}")
    return judged, faulty
