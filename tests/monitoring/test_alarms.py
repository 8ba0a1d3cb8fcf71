"""Alarms on recorded answers: inactive on the training stones, active with day and segment after a
change."""

import json
from datetime import UTC, date, datetime, timedelta
from io import StringIO

import numpy as np
import pytest
from django.core.management import call_command
from django.utils import timezone

from ml.stones import GRADES, SCHEMES, code_of
from predictor.models import Alarm, MonitoredDay, Prediction, Review, Sample, SampledPrediction
from predictor.models.ids import uuid7
from predictor.monitoring import alarms, expected
from predictor.monitoring.alarms import acknowledge, look
from predictor.monitoring.bins import bins_of, training_stones
from predictor.monitoring.days import count_days
from predictor.monitoring.errors import judged_at_random
from predictor.monitoring.expected import errors_of_days
from predictor.monitoring.findings import Finding

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


def as_recorded(forest):
    """The training stones as the history records them: {column: values}, grades as names or codes."""
    found = {name: np.asarray(values) for name, values in forest.recorded_columns.items()}
    if forest.scheme == "coded":
        found["volume"] = (found["x"] * found["y"] * found["z"]).round(3)
    for name in GRADES:
        names = [GRADES[name][rank] for rank in found[name]]
        coded = forest.scheme == "coded"
        found[name] = [str(code_of(name, one)) for one in names] if coded else names
    return found


@pytest.mark.parametrize("scheme", SCHEMES)
def test_a_versions_bins_hold_its_stones_as_they_are_recorded(live_models, small_forests, scheme):
    stones, bins = as_recorded(small_forests[scheme]), bins_of(live_models[scheme])
    assert list(bins) == [*SCHEMES[scheme], "price"]
    for name in SCHEMES[scheme]:
        counts, rest = bins[name].count(stones[name]), bins[name].expected
        worth = bins[name].counts.sum() / (counts - rest).sum()
        assert 0.7 < worth <= 1
        assert bins[name].counts == pytest.approx((counts - rest) * worth)
        assert counts.sum() == len(stones["carat"])


def test_a_group_of_bins_is_named_by_its_ends(live_models):
    carat, color = (bins_of(live_models["graded"])[name] for name in ("carat", "color"))
    last = len(carat.counts) - 1
    assert carat.named(0) == {"from": None, "to": 0.28}
    assert carat.named(last)["to"] is None
    assert carat.named(last + 1) == {"from": None, "to": carat.named(1)["to"]}
    assert color.named(0) == {"grade": "J"}


@pytest.mark.parametrize("scheme", SCHEMES)
def test_the_tables_own_stones_through_the_api_give_no_alarm(
    client, live_models, small_forests, scheme
):
    stones = as_recorded(small_forests[scheme])
    columns = [np.array(stones[name]).tolist() for name in SCHEMES[scheme]]
    rows = [dict(zip(SCHEMES[scheme], row, strict=True)) for row in zip(*columns, strict=True)]
    for place in range(0, 2000, 1000):
        answer = client.post("/api/predict", rows[place : place + 1000], "application/json")
        assert answer.status_code == 200
    look()
    found = alarm(scheme=scheme)
    assert Prediction.objects.filter(status=200).count() == len(rows[:2000])
    assert (found.active, found.evidence < 1) == (False, True)
    assert found.observed == len({*map(str, rows[:2000])})  # the same stone counts once


@pytest.mark.parametrize("scheme", SCHEMES)
def test_the_stones_trained_on_leave_it_dark(recorded, small_forests, scheme):
    for day in range(5):
        recorded(day, by_chance(scheme, small_forests, day, 80), scheme)
    look()
    found = alarm(scheme=scheme)
    assert (found.active, 380 <= found.observed <= 400) == (False, True)
    assert found.evidence < 1


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


@pytest.fixture
def priced():
    """Returns a function that draws answers in a sample and stores actual prices for them: factor times
    the answer, give or take what the range allows; arrived: when."""

    def priced(rows, factor, spread=1.0, arrived=FIRST, query="", drawn=True):
        rng = np.random.default_rng(2)
        sample = Sample.objects.create(seed=1, population=len(rows), query=query)
        for place, row in enumerate(rows, start=1):
            reach = spread * rng.normal() * (row.high - row.low) / 2.56
            review = Review(prediction=row, actual_price=max(row.price * factor + reach, 1.0))
            review._history_date = arrived
            review.save()
            if drawn:
                SampledPrediction.objects.create(
                    sample=sample, prediction=row, place=place, stands_for=1
                )

    return priced


@pytest.mark.parametrize(
    ("factor", "spread", "moved", "way"),
    [
        (1.0, 1.0, set(), None),
        (1.0, 0.0, {"place"}, "nearer"),
        (1.6, 1.0, {"error", "outside", "place"}, "higher"),
        (0.7, 1.0, {"error", "outside", "place"}, "lower"),
    ],
)
def test_the_other_alarm_names_what_moved_and_which_way(
    recorded, priced, small_forests, factor, spread, moved, way
):
    for day in range(3):
        rows = recorded(day, by_chance("graded", small_forests, day, 60))
        priced(rows, factor, spread, FIRST + timedelta(days=day))
    look()
    found = alarm("error")
    changes = {one["column"]: one for one in found.segments}
    assert (found.active, found.observed) == (bool(moved), 180)
    assert {*changes} & {"error", "outside", "place"} == moved
    if moved:
        assert found.began == FIRST.date()
        assert changes["place"]["way"] == way
        assert changes["place"]["now"] > 2 * changes["place"]["before"]
    if "error" in moved:
        registered = alarm("error").version.scores["mape"]
        assert changes["error"]["before"] == registered < changes["error"]["now"]
        assert "carat" in changes or "cut" in changes or "color" in changes


def test_only_answers_drawn_at_random_count(recorded, priced, small_forests):
    rows = recorded(0, by_chance("graded", small_forests, 1, 90))
    priced(rows[:30], 1.6, drawn=False)
    priced(rows[30:60], 1.6, query="?color=J")
    priced(rows[60:], 1.6, query="created__range__gte_0=2026-11-01&scheme__exact=graded")
    look()
    assert alarm("error").observed == 30
    Sample.objects.update(by_worth=True)
    look()
    assert alarm("error").observed == 0


def test_of_answers_that_stand_for_unequal_numbers_equal_ones_count(
    recorded, priced, small_forests
):
    rows = recorded(0, by_chance("graded", small_forests, 1, 400))
    priced(rows, 1.0)
    SampledPrediction.objects.filter(place__lte=200).update(stands_for=0.25)
    judged = {one.prediction.pk for one in judged_at_random(rows[0].version)}
    counts = [sum(row.pk in judged for row in some) for some in (rows[:200], rows[200:])]
    assert counts[1] == 200
    assert 30 <= counts[0] <= 70


def test_prices_that_arrive_after_the_acknowledgement_count_for_older_answers(
    recorded, priced, small_forests
):
    rows = recorded(0, by_chance("graded", small_forests, 1, 120))
    priced(rows[:60], 1.6, arrived=FIRST)
    look()
    acknowledge(alarm("error"), "rita", "a wrong currency")
    look()
    assert (alarm("error").active, alarm("error").observed) == (False, 0)
    later = timezone.now() + timedelta(days=2)
    priced(rows[60:], 1.6, arrived=later)
    look()
    found = alarm("error")
    assert (found.active, found.observed, found.began) == (True, 60, later.date())


def test_the_ranges_say_what_error_to_expect(recorded, priced, small_forests):
    for day in range(3):
        rows = recorded(day, by_chance("graded", small_forests, day, 150))
        if day:
            priced(rows, 1.0)
    count_days()
    *days, (none, whole, actual, reviews) = errors_of_days(
        rows[0].version, MonitoredDay.objects.all()
    )
    assert [(day, count) for day, _, _, count in days] == [
        (date(2026, 11, 1), 0),
        (date(2026, 11, 2), 150),
        (date(2026, 11, 3), 150),
    ]
    assert days[0][2] is None
    assert (none, reviews) == (None, 300)
    assert whole.low < actual < whole.high
    assert whole.high - whole.low < days[1][1].high - days[1][1].low


def test_of_many_actual_errors_the_newest_answers_count(
    recorded, priced, small_forests, monkeypatch
):
    for day in range(2):
        rows = recorded(day, by_chance("graded", small_forests, day, 60))
        priced(rows, 1.0)
    count_days()
    monkeypatch.setattr(expected, "MOST_ACTUAL", 80)
    found = errors_of_days(rows[0].version, MonitoredDay.objects.all())
    assert [reviews for *_, reviews in found] == [20, 60, 80]


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
    assert seen == [(0, 1), (1, 1)]


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
    assert "color J: 100.0%" in out
    status, out = monitor(json=True)
    told = {(one["scheme"], one["kind"]): one for one in json.loads(out)}
    assert status == 1
    assert told["graded", "inputs"]["alarm"] is True
    assert told["graded", "inputs"]["began"] == "2026-11-01"
    assert told["coded", "error"]["alarm"] is False


def test_without_any_answer_all_is_quiet(live_models):
    assert monitor()[0] == 0
    assert not MonitoredDay.objects.exists()


def test_without_a_live_version_there_is_no_light(db):
    assert monitor(json=True) == (0, "[]\n")
