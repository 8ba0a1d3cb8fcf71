"""Training: the original recipe exactly, the same bytes from the same seed, the flat forest."""

import hashlib
import threading

import numpy as np
import pandas as pd
import pytest
from sklearn.ensemble import RandomForestRegressor

from ml import dataset, training
from ml.forest import trend
from ml.forest.keys import keys_of
from ml.stones import EXAMPLES
from ml.training import trends


@pytest.mark.long
def test_the_original_recipe_has_the_published_scores_and_gives_the_published_answers(full_coded):
    forest, held_out = full_coded
    scores = training.score(forest, held_out)
    assert round(scores["r2"], 4) == 0.9506
    assert round(scores["rmse"], 1) == 609.7
    assert round(scores["mae"], 1) == 343.9
    assert 0.79 <= scores["coverage"] <= 0.81
    prices = forest.price(pd.DataFrame(EXAMPLES["coded"]))
    assert [int(price) for price in prices] == [851, 10520]


def test_the_flat_forest_answers_as_scikit_learn_does(sample):
    training_side, held_out = dataset.split(dataset.clean(sample, "coded").stones, "coded")
    forest = training.fit(training_side, "coded", seed=3)
    columns = list(forest.columns)
    theirs = RandomForestRegressor(random_state=3).fit(training_side[columns], training_side.price)
    np.testing.assert_allclose(
        forest.price(held_out), theirs.predict(held_out[columns]), rtol=1e-12
    )


def test_a_flat_forest_that_differs_is_not_let_through(few, monkeypatch):
    monkeypatch.setattr(
        "ml.training.flatten.round_down", lambda thresholds: thresholds.astype("f4") * 0.9
    )
    with pytest.raises(RuntimeError, match=r"differs from scikit-learn's by a ratio of"):
        training.train(few, "coded")


def test_the_file_shows_how_the_forest_was_made(small_forests):
    made = small_forests["graded"].metadata
    assert made["seed"] == 7
    assert made["rows"]["raw"] == 2_997
    assert made["rows"]["training"] + made["rows"]["held out"] == made["rows"]["clean"]
    assert set(made["versions"]) == {"python", "numpy", "scikit-learn", "joblib"}
    assert set(made["training_ranges"]) == {"carat", "depth", "table", "x", "y", "z"}


def test_progress_counts_every_tree_to_the_end_in_the_thread_of_the_caller(few):
    seen, threads = [], set()

    def progress(done, total):
        seen.append((done, total))
        threads.add(threading.get_ident())

    training.train(few, "graded", progress=progress)
    assert seen == sorted(seen)
    assert seen[-1] == (1800, 1800)
    assert threads == {threading.get_ident()}


def test_too_few_stones_are_refused(sample):
    with pytest.raises(training.NotEnoughStones, match="999 usable rows; a forest needs 1,000"):
        training.train(sample[sample.x > 0].iloc[:999], "graded")


def test_scores_are_those_worked_by_hand():
    class Known:
        def price(self, stones):
            return np.array([110.0, 190.0])

        def price_range(self, stones):
            return np.array([[90.0, 120.0], [150.0, 195.0]])

    scores = training.score(Known(), pd.DataFrame({"price": [100, 200]}))
    assert scores["mae"] == 10
    assert scores["rmse"] == 10
    assert scores["mape"] == pytest.approx((0.1 + 0.05) / 2)
    assert scores["r2"] == pytest.approx(1 - 200 / 5000)
    assert scores["coverage"] == 0.5


def test_the_gate_compares_on_stones_that_neither_has_seen(sample, small_forests):
    first = small_forests["graded"]
    unseen = training.unseen_by_both(sample, first, first)
    _, held_out = dataset.split(dataset.clean(sample, "graded").stones, "graded")
    assert len(unseen) == len(held_out)
    assert not {*keys_of(first)} & set(dataset.stone_keys(unseen))


def test_the_data_file_is_the_documented_one():
    documented = (dataset.DEFAULT_PATH.parent / "README.md").read_text()
    assert hashlib.sha256(dataset.DEFAULT_PATH.read_bytes()).hexdigest() in documented
    assert dataset.DEFAULT_PATH.stat().st_size < 3_000_000


def test_the_trend_in_its_tables_is_the_fitted_formula(sample):
    stones = trends.Stones.of(dataset.clean(sample, "graded").stones, "graded")
    fitted = trends.fit_trend(stones, stones.log_price)
    design = trend.trend_regressors(stones.table, stones.sizes)
    by_least_squares, *_ = np.linalg.lstsq(design, fitted.of(stones.table), rcond=None)
    np.testing.assert_allclose(design @ by_least_squares, fitted.of(stones.table), atol=1e-8)
    one_by_one = [fitted.of_one(stone) for stone in stones.table.tolist()]
    np.testing.assert_allclose(one_by_one, fitted.of(stones.table), rtol=1e-12)
