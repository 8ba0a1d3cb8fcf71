"""The whole distribution of a price, compared with other models of it; for bench/model.py."""

import numpy as np

from bench.coherence import possible
from bench.quality import SAMPLED, inputs_of
from ml import dataset, training

LEVELS = np.arange(1, 100) / 100
RATIO = 0.97
"""The most our loss may be, as a ratio to the best opponent's."""

QUICK_ROWS = 8000


def lightgbm(inputs, target, inputs_held_out, seed):
    """One model for each level, each of 400 trees."""
    from lightgbm import LGBMRegressor

    columns = [
        LGBMRegressor(
            objective="quantile",
            alpha=level,
            n_estimators=400,
            num_leaves=64,
            learning_rate=0.05,
            random_state=seed,
            subsample_freq=1,
            verbose=-1,
            **SAMPLED,
        )
        .fit(inputs, target)
        .booster_.predict(inputs_held_out)
        for level in LEVELS
    ]
    return np.column_stack(columns)


def catboost(inputs, target, inputs_held_out, seed):
    """One model for all levels."""
    from catboost import CatBoostRegressor

    levels = ",".join(f"{level:.2f}" for level in LEVELS)
    model = CatBoostRegressor(
        iterations=1000,
        depth=6,
        learning_rate=0.1,
        loss_function=f"MultiQuantile:alpha={levels}",
        random_seed=seed,
        verbose=0,
        allow_writing_files=False,
    )
    return model.fit(inputs, target).predict(inputs_held_out)


def quantile_forest(inputs, target, inputs_held_out, seed):
    """Meinshausen's quantile regression forest (2006), as in the package of that name."""
    from quantile_forest import RandomForestQuantileRegressor

    model = RandomForestQuantileRegressor(100, min_samples_leaf=5, random_state=seed, n_jobs=-1)
    return model.fit(inputs, target).predict(inputs_held_out, quantiles=LEVELS.tolist())


OPPONENTS = {"CatBoost": catboost, "LightGBM": lightgbm, "quantile-forest": quantile_forest}


def pinball(price, quantiles):
    """Mean pinball loss over stones and levels, USD; price (n,), quantiles (n, levels)."""
    error = price[:, None] - quantiles
    return float(np.maximum(LEVELS * error, (LEVELS - 1) * error).mean())


def distribution(report, quick):
    """Pinball loss over 99 levels, half of the CRPS, on the project's split."""
    train, held_out = dataset.split(possible(), "graded")
    if quick:
        train = train.sample(QUICK_ROWS, random_state=training.SEED)
    forest = training.fit(train, "graded")
    price = held_out.price.to_numpy(np.float64)
    losses = {"ours": pinball(price, forest.quantiles(held_out, LEVELS))}
    known, target = inputs_of(train, "graded"), np.log(train.price)
    inputs_held_out = inputs_of(held_out, "graded")
    for name, predict in OPPONENTS.items():
        report.progress(f"distribution, {name}")
        log_prices = np.sort(predict(known, target, inputs_held_out, training.SEED), axis=1)
        losses[name] = pinball(price, np.exp(log_prices))
    best = min(OPPONENTS, key=losses.get)
    ratio = losses["ours"] / losses[best]
    texts = (f"CRPS {2 * loss:.1f}, pinball {loss:.2f}" for loss in losses.values())
    rows = [(name, "", text, None) for name, text in zip(losses, texts, strict=True)]
    rows.append(("ours against the best", f"<= {RATIO} ({best})", f"{ratio:.3f}", ratio <= RATIO))
    tenths = np.histogram(forest.percentile(held_out, price), np.arange(0, 101, 10))[0]
    shares = " ".join(f"{share:.1%}" for share in tenths / len(price))
    rows.append(("of the held-out prices, in each tenth", "10 % each", shares, None))
    report.table("The distribution of prices, 99 levels", rows)
