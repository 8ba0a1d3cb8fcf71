"""The SVG charts: axes with round ticks, and every value at its place on the axis."""

from itertools import pairwise

import numpy as np
import pytest

from predictor.charts.svg import (
    LABEL,
    PLAIN,
    SEQUENCE,
    asking_against_estimate,
    colors_of,
    histogram,
    padded,
    price_against_carat,
)


def labels(axis):
    return [tick["label"] for tick in axis.ticks(lambda value: f"{value:g}")]


@pytest.mark.parametrize(
    ("low", "high", "log", "told"),
    [
        (0, 1000, False, ["0", "200", "400", "600", "800", "1000"]),
        (0.62, 0.78, False, ["0.65", "0.7", "0.75"]),
        (326, 18823, True, ["500", "1000", "2000", "5000", "10000"]),
        (0.9, 1.1, True, ["0.9", "0.95", "1", "1.05", "1.1"]),
        (5, 5, False, ["5"]),
    ],
)
def test_an_axis_has_round_values(low, high, log, told):
    assert labels(PLAIN.across(low, high, log)) == told


@pytest.mark.parametrize("count", [1, 5, 8, 12, 23, 32])
def test_each_grade_has_a_color_of_its_own(count):
    colors = colors_of(count)
    assert len({*colors}) == count
    assert colors[0] == SEQUENCE[0]
    assert count < 8 or colors[-1] == SEQUENCE[-1]
    assert all(len(color) == 7 for color in colors)


def test_values_lie_where_the_axis_says():
    x, y = PLAIN.across(0, 10), PLAIN.upwards(1, 100, log=True)
    assert x.at(5) == (x.begin + x.end) / 2
    assert y.at(10) == pytest.approx((y.begin + y.end) / 2)
    assert y.at(100) < y.at(1)


@pytest.mark.parametrize("log", [False, True])
def test_there_is_room_around_values_even_where_they_are_alike(log):
    low, high = padded([3.0, 3.0], log)
    assert low < 3 < high


def test_a_comparable_with_more_weight_has_the_larger_dot():
    chart = price_against_carat([(0.7, 2500, 0.1), (0.71, 2600, 0.2)], 0.7, 2550)
    first, second = chart["dots"]
    assert float(first["r"]) < float(second["r"])
    assert float(first["x"]) < float(second["x"])
    assert float(first["y"]) > float(second["y"])
    assert chart["this"]["x"] == first["x"]


def test_a_histogram_holds_all_of_the_weight():
    generator = np.random.default_rng(1)
    values, weights = generator.normal(3000, 300, 500), generator.random(500)
    weights /= weights.sum()
    chart = histogram(values, weights, {"low": 2600.0, "this": 3000.0, "high": 3400.0})
    assert sum(bar["share"] for bar in chart["bars"]) == pytest.approx(1)
    for bar in chart["bars"][1:-1]:
        inside = (values >= bar["from"]) & (values < bar["to"])
        assert bar["share"] == pytest.approx(weights[inside].sum())
    assert (
        float(chart["marks"]["low"]) < float(chart["marks"]["this"]) < float(chart["marks"]["high"])
    )


@pytest.mark.parametrize("spread", [0.01, 0.05, 0.1, 0.15, 0.22, 0.3, 0.5, 0.9])
@pytest.mark.parametrize("middle", [400, 851, 2155, 7929, 14100])
def test_a_histogram_has_two_to_four_labels(middle, spread):
    values = np.linspace(middle * (1 - spread), middle * (1 + spread), 200)
    marks = {"low": values[20], "this": middle, "high": values[180]}
    chart = histogram(values, np.full(200, 1 / 200), marks)
    assert 2 <= len(chart["across"]) <= 4


def test_a_histogram_of_one_stone_has_one_bar():
    chart = histogram(np.array([3000.0]), np.array([1.0]), {"this": 3000.0})
    assert [bar["share"] for bar in chart["bars"]] == [1.0]


def test_an_asking_price_over_its_estimate_is_above_the_line():
    stones = {"below": [(1000, 500)], "within": [], "above": [(1000, 2000), (1000, 2000)]}
    chart = asking_against_estimate(stones)
    assert [group["name"] for group in chart["groups"]] == ["below", "above"]
    begin, end = (list(map(float, one.split())) for one in chart["line"][1:].split("L"))
    for group, is_above in zip(chart["groups"], (False, True), strict=True):
        assert group["path"].count("M") == 1  # stones at one place are drawn once
        x, y = map(float, group["path"][1:].removesuffix("h0").split())
        on_line = begin[1] + (x - begin[0]) / (end[0] - begin[0]) * (end[1] - begin[1])
        assert (y < on_line) == is_above


def test_the_amounts_below_an_axis_have_room():
    chart = asking_against_estimate({"within": [(300, 300), (900_000, 900_000)]})
    places = [float(tick["at"]) for tick in chart["across"]]
    assert len(places) > 2
    assert all(right - left >= LABEL for left, right in pairwise(places))
