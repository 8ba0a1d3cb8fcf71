"""The word for an asking price, at the edges of the calibrated quantiles."""

import numpy as np
import pytest

from ml.forest.matrix import row_of
from ml.stones import EXAMPLES
from predictor.models import Prediction
from predictor.models.predictions import FAR_ABOVE

LOW, PRICE, HIGH = 900.0, 1000.0, 1200.0


def asked(asking, percentile=None, **changes):
    fields = {"low": LOW, "price": PRICE, "high": HIGH, **changes}
    return Prediction(asking=asking, percentile=percentile, **fields)


@pytest.mark.parametrize(
    ("asking", "percentile", "word", "part"),
    [
        (1.0, 0.1, "below", "below"),
        (LOW - 0.01, 9.9, "below", "below"),
        (LOW, 10.0, "fair", "lower"),
        (999.99, 49.9, "fair", "lower"),
        (1000.01, 50.1, "fair", "middle"),
        (1100.0, 72.0, "fair", "upper"),
        (HIGH, 90.0, "fair", "upper"),
        (HIGH + 0.01, 90.1, "high", "above"),
        (1300.0, 97.9, "high", "above"),
        (1301.0, 98.0, "far_above", "above"),
        (1e9, 99.9, "far_above", "above"),
        (1e9, None, "high", "above"),
        (1.0, None, "below", "below"),
        (PRICE, None, "fair", "middle"),
    ],
)
def test_the_word_and_the_part_of_the_range(asking, percentile, word, part):
    found = asked(asking, percentile)
    part = "middle" if asking == PRICE else part
    assert (found.fairness, found.part_of_range) == (word, part)


@pytest.mark.parametrize(
    ("asking", "part"), [(900, "lower"), (899, "below"), (1201, "upper"), (1202, "above")]
)
def test_the_ends_of_the_range_are_those_that_are_shown(asking, part):
    assert asked(asking, low=900.4, high=1200.3).part_of_range == part


def test_an_asking_price_at_the_end_of_a_narrow_range_has_a_part():
    assert asked(307, low=307.9, price=308, high=308.1).part_of_range == "lower"
    assert asked(309, low=307.9, price=308, high=308.1).part_of_range == "upper"


def test_a_range_of_one_price_has_a_part():
    assert asked(PRICE, low=PRICE, high=PRICE).part_of_range == "lower"


@pytest.mark.parametrize("scheme", EXAMPLES)
def test_the_words_change_at_the_forests_own_quantiles(small_forests, scheme):
    forest = small_forests[scheme]
    answer = forest.answer(row_of(EXAMPLES[scheme][0], scheme))
    ends = np.array([[answer.price, answer.low, answer.high]]).T
    [[low, high, far]] = forest.curve.prices(*ends, [0.1, 0.9, FAR_ABOVE / 100])
    assert (low, high) == pytest.approx((answer.low, answer.high))
    for asking, word in [
        (low * 0.999, "below"),
        (low * 1.001, "fair"),
        (high * 0.999, "fair"),
        (high * 1.001, "high"),
        (far * 0.999, "high"),
        (far * 1.001, "far_above"),
    ]:
        found = asked(asking, low=answer.low, price=answer.price, high=answer.high)
        found.percentile = forest.percentile_of(answer, asking)
        assert found.fairness == word, asking


def test_the_words_never_go_back_as_the_price_rises(small_forests):
    forest = small_forests["graded"]
    answer = forest.answer(row_of(EXAMPLES["graded"][0], "graded"))
    words = []
    for asking in np.geomspace(answer.price / 4, answer.price * 4, 400).tolist():
        found = asked(asking, low=answer.low, price=answer.price, high=answer.high)
        found.percentile = round(forest.percentile_of(answer, asking), 1)
        words.append(found.fairness)
    assert list(dict.fromkeys(words)) == ["below", "fair", "high", "far_above"]
    assert sorted(words, key=["below", "fair", "high", "far_above"].index) == words
