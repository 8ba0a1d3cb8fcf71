"""Tables that cannot be trained on are refused; for all others the figures are finite."""

import math

import numpy as np
import pandas as pd
import pytest

from ml import training
from ml.stones import EXAMPLES

STONE = {**EXAMPLES["graded"][0], "price": 2700.0}


def over_and_over(**changes):
    return pd.DataFrame([STONE | changes] * 3000)


REFUSED = {
    "one impossible stone": (
        lambda sample: over_and_over(carat=20.0),
        "1 different stones at 1 different prices to train on; a forest needs 30 at 10",
        "0 usable rows; a forest needs 1,000; 3,000 heavier than solid diamond of its size",
    ),
    "one stone": (
        lambda sample: over_and_over(),
        "1 different stones at 1 different prices to train on; a forest needs 30 at 10",
    ),
    "one stone at many prices": (
        lambda sample: over_and_over().assign(price=np.arange(1000.0, 4000.0)),
        "1 different stones at 2100 different prices to train on; a forest needs 30 at 10",
        "1 different stones at 3000 different prices to train on; a forest needs 30 at 10",
    ),
    "two prices": (
        lambda sample: sample.assign(price=np.where(sample.carat > 0.7, 4000.0, 900.0)),
        "1915 different stones at 2 different prices to train on; a forest needs 30 at 10",
        "2094 different stones at 2 different prices to train on; a forest needs 30 at 10",
    ),
    "prices beyond all money": (
        lambda sample: sample.assign(price=sample.price * 1e290),
        "0 usable rows; a forest needs 1,000; 2,997 outside the accepted bounds",
        "0 usable rows; a forest needs 1,000; 1 heavier than solid diamond of its size; "
        "2,996 outside the accepted bounds",
    ),
    "prices of next to nothing": (
        lambda sample: sample.assign(price=sample.price / 1e9),
        "0 usable rows; a forest needs 1,000; 2,997 outside the accepted bounds",
        "0 usable rows; a forest needs 1,000; 1 heavier than solid diamond of its size; "
        "2,996 outside the accepted bounds",
    ),
}
TAKEN = {
    "one grade": lambda sample: sample.assign(cut="Ideal", color="G", clarity="VS1"),
    "one size": lambda sample: sample.assign(carat=0.7, x=5.73, y=5.7, z=3.51, depth=61.5),
    "some prices of zero and below": lambda sample: sample.assign(
        price=np.select([sample.index % 20 == 0, sample.index % 20 == 1], [0.0, -5.0], sample.price)
    ),
    "each stone sixty times": lambda sample: pd.concat([sample.iloc[:200]] * 15, ignore_index=True),
}


@pytest.mark.parametrize("scheme", ["coded", "graded"])
@pytest.mark.parametrize("name", REFUSED)
def test_a_table_that_cannot_be_scored_is_refused(sample, name, scheme):
    make, *messages = REFUSED[name]
    with pytest.raises(training.NotEnoughStones) as caught:
        training.train(make(sample), scheme, seed=7)
    assert str(caught.value) == messages[0 if scheme == "coded" else -1]


@pytest.mark.parametrize("scheme", ["coded", "graded"])
@pytest.mark.parametrize("name", TAKEN)
def test_the_scores_and_the_card_of_any_other_are_finite(sample, name, scheme):
    forest = training.train(TAKEN[name](sample.iloc[::2]), scheme, seed=7)
    assert not unspeakable(forest.metadata["scores"])
    assert not unspeakable(forest.metadata["card"])


def test_a_table_of_which_most_rows_ask_one_price_has_a_range(sample):
    alike = sample.assign(price=np.where(sample.index % 20 == 0, sample.price, 1000.0))
    forest = training.train(alike, "graded", seed=7)
    assert np.isfinite(forest.price_range(sample)).all()
    assert not unspeakable(forest.metadata["card"])


def unspeakable(value, at=""):
    """The places in nested figures where a number is not finite."""
    if isinstance(value, dict):
        return [place for key in value for place in unspeakable(value[key], f"{at}.{key}")]
    if isinstance(value, list):
        return [place for n, part in enumerate(value) for place in unspeakable(part, f"{at}.{n}")]
    return [at] if isinstance(value, float) and not math.isfinite(value) else []
