"""Alarms on recorded answers: inactive on the training stones, active with day and segment after a
change."""

import json
from datetime import UTC, date, datetime, timedelta
from io import StringIO

import numpy as np
import pytest
from django.core.management import call_command
from django.utils import timezone

from ml.stones import CODES, GRADES, SCHEMES
from predictor.models import Alarm, MonitoredDay, Prediction, Review
from predictor.models.ids import uuid7
from predictor.monitoring import alarms
from predictor.monitoring.alarms import Finding, acknowledge, look
from predictor.monitoring.bins import bins_of, training_stones
from predictor.monitoring.days import count_days

FIRST = datetime(2026, 11, 1, 12, tzinfo=UTC)
pytestmark = pytest.mark.django_db


@pytest.fixture
def recorded(live_models, small_forests):
    """Returns a function that records a day's answers for rows of the training stones, and returns them."""

    def record(day, rows, scheme="graded", **more):
        forest, version = small_forests[scheme], live_models[scheme]
        stones = training_stones(forest)[rows]
        made = []
        for stone, answer in zip(stones, forest.answer_many(stones), strict=True):
            features = dict(zip(SCHEMES[scheme], stone.tolist(), strict=True))
            for name in GRADES:
                rank = int(features[name])
                features[name] = GRADES[name][rank] if scheme == "graded" else str(rank)
            made.append(
                Prediction(
                    id=uuid7(),
                    created=FIRST + timedelta(days=day),
                    source="api",
                    request="",
                    scheme=scheme,
                    version=version,
                    price=answer.price,
                    low=answer.low,
                    high=answer.high,
                    latency_ms=1.5,
                    **(features | more),
                )
            )
        return Prediction.objects.bulk_create(made)

    return record


def by_chance(scheme, small_forests, seed, many):
    rng = np.random.default_rng(seed)
    return rng.integers(0, len(training_stones(small_forests[scheme])), many)


def alarm(kind="inputs", scheme="graded"):
    return Alarm.objects.get(kind=kind, version__scheme=scheme)


@pytest.mark.parametrize("scheme", SCHEMES)
def test_a_versions_bins_hold_its_training_stones(live_models, small_forests, scheme):
    stones = training_stones(small_forests[scheme])
    bins = bins_of(live_models[scheme])
    assert list(bins) == [*SCHEMES[scheme], "price"]
    for place, name in enumerate(SCHEMES[scheme]):
        values = stones[:, place]
        if name in GRADES:
            names = GRADES[name] if scheme == "graded" else [str(code) for code in CODES[name]]
            first = 0 if scheme == "graded" else min(CODES[name])
            values = [names[int(value) - first] for value in values]
        counts = bins[name].count(values)
        assert counts.sum() == len(stones)
        assert counts / len(stones) == pytest.approx(bins[name].shares, abs=1e-3)
        assert bins[name].shares.sum() == pytest.approx(1)


@pytest.mark.parametrize("scheme", SCHEMES)
def test_the_stones_trained_on_leave_it_dark(recorded, small_forests, scheme):
    for day in range(5):
        recorded(day, by_chance(scheme, small_forests, day, 80), scheme)
    look()
    found = alarm(scheme=scheme)
    assert (found.active, found.observed) == (False, 400)
    assert found.evidence < 100


def test_stones_of_one_color_light_it_with_day_and_place(recorded, small_forests):
    for day in range(4):
        recorded(day, by_chance("graded", small_forests, day, 60))
    for day in (4, 5):
        recorded(day, by_chance("graded", small_forests, day, 60), color="J")
    look()
    found = alarm()
    assert (found.active, found.began) == (True, date(2026, 11, 5))
    assert found.segments[0]["column"] == "color"
    assert found.segments[0]["grade"] == "J"
    assert found.segments[0]["now"] == 1.0


def test_an_alarm_stays_until_it_is_acknowledged_and_then_begins_anew(recorded, small_forests):
    recorded(0, by_chance("graded", small_forests, 1, 100), color="J")
    look()
    for day in range(1, 20):
        recorded(day, by_chance("graded", small_forests, day, 60))
    look()
    assert alarm().active
    acknowledge(alarm(), "rita", "a dealer's list")
    look()
    found = alarm()
    assert (found.active, found.acknowledged_by, found.why) == (False, "rita", "a dealer's list")
    assert found.counted_from == timezone.now().date() + timedelta(days=1)
    assert found.observed == 0


def test_what_is_acknowledged_while_the_days_are_read_stays_acknowledged(live_models, monkeypatch):
    look()
    Alarm.objects.filter(kind="inputs").update(active=True)

    def find(version, counted_from):
        if version.scheme == "graded":
            assert acknowledge(alarm(), "rita", "a dealer's list")
        return Finding(evidence={"carat": 99.0}, moved=["carat"])

    monkeypatch.setattr(alarms, "inputs_of", find)
    look()
    found = alarm()
    assert (found.active, found.acknowledged_by, found.why) == (False, "rita", "a dealer's list")


def test_of_two_who_acknowledge_an_alarm_the_first_is_kept(live_models):
    look()
    Alarm.objects.filter(kind="inputs").update(active=True)
    one, other = alarm(), alarm()
    assert acknowledge(one, "rita", "a dealer's list")
    assert not acknowledge(other, "otto", "no idea")
    assert alarm().acknowledged_by == "rita"


@pytest.mark.parametrize(("off", "active"), [(1.0, False), (1.6, True)])
def test_actual_prices_light_the_other(recorded, small_forests, off, active):
    rng = np.random.default_rng(2)
    for day in range(4):
        for row in recorded(day, by_chance("graded", small_forests, day, 25)):
            spread = (row.high - row.low) / 2.56
            actual = (row.price + rng.normal() * spread) * (off if day > 1 else 1)
            Review.objects.create(prediction=row, actual_price=max(actual, 1.0))
    look()
    found = alarm("error")
    assert (found.active, found.observed) == (active, 100)
    assert not active or (found.began >= date(2026, 11, 2) and found.segments)


def test_a_day_is_read_once_and_today_again(recorded, small_forests):
    recorded(0, by_chance("graded", small_forests, 1, 10))
    Prediction.objects.create(
        source="form",
        status=400,
        request="",
        latency_ms=3,
        error={"carat": ["“x” is not a number"]},
        created=FIRST,
    )
    Prediction.objects.create(source="api", status=400, request="", latency_ms=3, error="no object")
    count_days()
    past, today = MonitoredDay.objects.all()
    assert (past.whole, today.whole) == (True, False)
    assert past.figures["requests"] == {"api 200": 10, "form 400": 1}
    assert past.figures["refusals"] == {'carat: "“x” is not a number"': 1}
    assert past.figures["answers"] == 10
    assert past.figures["latency"][0] == 1.5
    seen = []
    count_days(lambda done, total: seen.append((done, total)))
    assert seen == [(1, 1)]


def monitor(**options):
    out = StringIO()
    try:
        call_command("monitor", stdout=out, **options)
    except SystemExit as stop:
        return stop.code, out.getvalue()
    return 0, out.getvalue()


def test_the_command_is_quiet_and_says_so(recorded, small_forests):
    recorded(0, by_chance("graded", small_forests, 1, 30))
    status, out = monitor()
    assert status == 0
    assert "quiet" in out
    assert "ALARM" not in out


def test_the_command_ends_with_1_on_an_alarm(recorded, small_forests):
    recorded(0, by_chance("graded", small_forests, 1, 100), color="J")
    status, out = monitor()
    assert status == 1
    assert "ALARM" in out
    assert "color J: 100%" in out
    status, out = monitor(json=True)
    told = {(one["scheme"], one["light"]): one for one in json.loads(out)}
    assert status == 1
    assert told["graded", "inputs"]["alarm"] is True
    assert told["graded", "inputs"]["began"] == "2026-11-01"
    assert told["coded", "error"]["alarm"] is False


def test_without_any_answer_all_is_quiet(live_models):
    assert monitor()[0] == 0
    assert not MonitoredDay.objects.exists()


def test_without_a_live_version_there_is_no_light(db):
    assert monitor(json=True) == (0, "[]\n")
