"""The errors of two versions on reviewed stones: paired, by how they came to be reviewed."""

import csv
import io
import math

import numpy as np
import pandas as pd
import pytest
from django.core.management import CommandError, call_command

from ml.forest.differences import PARTS
from ml.stones import EXAMPLES
from predictor.models import ModelVersion, Prediction, Review, Sample, SampledPrediction
from predictor.replay.actual import CHOSEN, FEWEST, LATER, TRAINED_ON, Paired
from predictor.replay.services import compare
from predictor.versions.live import forest_of

GRADED = EXAMPLES["graded"][0]


def paired(before, after, weights):
    found = Paired()
    for errors in zip(before, after, weights, strict=True):
        found.add(*errors)
    return found


def test_the_interval_is_the_one_of_the_weighted_mean_difference():
    before, after = np.arange(40.0), np.arange(40.0)[::-1] ** 1.1
    weights = np.where(np.arange(40) % 2, 1.0, 3.0)
    found, difference = paired(before, after, weights), after - before
    mean = np.average(difference, weights=weights)
    assert found.maes == pytest.approx(
        [np.average(one, weights=weights) for one in (before, after)]
    )
    assert found.difference == pytest.approx(mean)
    error = np.sqrt((weights**2 * (difference - mean) ** 2).sum() * 40 / 39) / weights.sum()
    assert found.interval == pytest.approx((mean - 1.96 * error, mean + 1.96 * error), rel=1e-4)


def test_the_interval_contains_the_difference_in_95_of_100_samples():
    """Sampled with unequal probabilities from a skewed population, as errors are."""
    rng = np.random.default_rng(5)
    before = rng.lognormal(4, 1, 20_000)
    after = before * rng.lognormal(-0.03, 0.3, 20_000)
    share = before / before.sum()
    inside = 0
    for _ in range(400):
        drawn = rng.choice(len(before), 300, p=share)
        low, high = paired(before[drawn], after[drawn], 1 / share[drawn]).interval
        inside += low < (after - before).mean() < high
    assert 0.92 < inside / 400 < 0.98


def test_few_stones_have_no_interval():
    some = np.ones(FEWEST)
    assert paired(some, some, some).interval == (0, 0)
    assert paired(some[1:], some[1:], some[1:]).interval is None


# Recorded answers with actual prices

pytestmark = pytest.mark.django_db


@pytest.fixture
def reviewed(client, live_models, small_forests):
    """Three answers with an actual price, one drawn in a sample, one chosen, one a training stone; and an
    answer without a price."""
    forest = small_forests["graded"]
    trained = {name: forest.recorded(0)[name] for name in forest.columns}
    stones = [GRADED | {"carat": 0.75}, GRADED | {"carat": 0.76}, trained, GRADED]
    rows = [
        Prediction.objects.get(pk=client.get("/api/predict", stone).json()["id"])
        for stone in stones
    ]
    for row, factor in zip(rows, (1.2, 0.9, 1.1), strict=False):
        Review.objects.create(prediction=row, actual_price=row.price * factor)
    sample = Sample.objects.create(seed=1, population=100)
    for place in (0, 2):
        SampledPrediction.objects.create(
            sample=sample, prediction=rows[place], place=place + 1, stands_for=50
        )
    return rows, sample


def test_random_and_chosen_reviews_are_kept_apart(reviewed, later, later_forests):
    rows, sample = reviewed
    groups = compare(Prediction.objects.all(), later).errors.groups
    assert {group: one.rows for group, one in groups.items()} == {
        sample.pk: 1,
        CHOSEN: 1,
        TRAINED_ON: 1,
    }
    for group, row in ((sample.pk, rows[0]), (CHOSEN, rows[1])):
        price = later_forests["graded"].price(pd.DataFrame([row.features]))[0]
        actual = row.review.actual_price
        assert groups[group].maes == pytest.approx((abs(row.price - actual), abs(price - actual)))
    assert groups[sample.pk].weight == 50


def test_stones_drawn_after_one_without_a_review_are_left_out(reviewed, later):
    rows, sample = reviewed
    drawn = SampledPrediction.objects.filter(sample=sample)
    drawn.filter(prediction=rows[2]).delete()  # a training stone
    drawn.filter(prediction=rows[0]).update(place=3)
    SampledPrediction.objects.create(sample=sample, prediction=rows[3], place=2, stands_for=50)
    groups = compare(Prediction.objects.all(), later).errors.groups
    assert set(groups) == {LATER, CHOSEN, TRAINED_ON}
    drawn.filter(prediction=rows[3]).update(place=4)
    groups = compare(Prediction.objects.all(), later).errors.groups
    assert set(groups) == {sample.pk, CHOSEN, TRAINED_ON}


def test_the_first_reviews_of_a_sample_by_worth_have_the_chances_of_that_part(reviewed, later):
    rows, _sample = reviewed
    sample = Sample.objects.create(seed=2, population=100, by_worth=True, threshold=8.0)
    for place, row, priority in ((1, rows[0], 50.0), (2, rows[3], 30.0)):
        drawn = {"prediction": row, "place": place, "priority": priority, "weight": 10.0}
        SampledPrediction.objects.create(sample=sample, stands_for=1.0, **drawn)
    groups = compare(Prediction.objects.all(), later).errors.groups
    assert groups[sample.pk].weight == 3
    Review.objects.create(prediction=rows[3])
    groups = compare(Prediction.objects.all(), later).errors.groups
    assert groups[sample.pk].weight == 1


def test_actual_prices_in_another_currency_are_left_out(reviewed, later):
    ModelVersion.objects.filter(pk=later.pk).update(currency="EUR")
    found = compare(Prediction.objects.all(), ModelVersion.objects.get(pk=later.pk))
    assert found.all.rows == 4
    assert (found.errors.groups, found.parts.rows) == ({}, 0)


def test_the_command_compares_the_errors_and_writes_each_answer(reviewed, later, tmp_path):
    out, path = io.StringIO(), tmp_path / "replay.csv"
    call_command("replay", number=later.number, csv=str(path), stdout=out)
    rows, sample = reviewed
    assert f"on 1 reviewed stones (sample {sample.pk}): version 1 MAE" in out.getvalue()
    assert "on 1 reviewed stones (chosen): version 1 MAE" in out.getvalue()
    assert "1 reviewed stones are left out: a version was trained on them" in out.getvalue()
    assert "why prices changed (4 predictions)" in out.getvalue()
    assert "stones at another price" in out.getvalue()
    with path.open(encoding="utf-8-sig") as file:
        lines = [*csv.DictReader(file)]
    assert [line["id"] for line in lines] == [str(row.pk) for row in rows]
    assert [line["review"] for line in lines] == [f"sample {sample.pk}", CHOSEN, TRAINED_ON, ""]
    for line, row in zip(lines, rows, strict=True):
        parts = sum(float(line[f"part_{name}"]) for name in PARTS)
        assert parts == pytest.approx(math.log(float(line["new_price"]) / row.price), abs=1e-9)
        if line["actual_price"]:
            actual = float(line["actual_price"])
            assert float(line["error"]) == pytest.approx(abs(row.price - actual))
            assert float(line["new_error"]) == pytest.approx(abs(float(line["new_price"]) - actual))


def test_the_parts_of_a_replay_sum_to_its_mean_change(reviewed, later):
    parts = compare(Prediction.objects.all(), later).parts
    answers = dict(Prediction.objects.values_list("pk", "price"))
    found = compare(Prediction.objects.all(), later).in_order()
    logs = [math.log(new / old) for _key, _change, old, new, _parts in found]
    assert len(logs) == len(answers) == parts.rows
    assert sum(mean for mean, _size in parts.means.values()) == pytest.approx(sum(logs) / len(logs))


def test_the_changes_of_a_version_that_cannot_be_loaded_are_not_explained(
    reviewed, later, tmp_path, monkeypatch
):
    def load(version):
        if version != later:
            raise FileNotFoundError("no such file")
        return forest_of(version)

    monkeypatch.setattr("predictor.replay.differences.forest_of", load)
    out, path = io.StringIO(), tmp_path / "replay.csv"
    call_command("replay", number=later.number, csv=str(path), stdout=out)
    assert "4 predictions repeated with graded 2" in out.getvalue()
    assert "why prices changed" not in out.getvalue()
    assert [line["part_entered"] for line in csv.DictReader(path.read_text().splitlines())] == [
        ""
    ] * 4


@pytest.mark.parametrize("path", ["{folder}", "{folder}/none/x.csv"])
def test_a_file_that_cannot_be_written_is_an_error(reviewed, later, tmp_path, path):
    with pytest.raises(CommandError, match="directory"):
        call_command("replay", number=later.number, csv=path.format(folder=tmp_path))
