"""Alarms of a version of a shop's list: also the optional properties that are stated are compared."""

from datetime import UTC, datetime, timedelta

import pytest
from django.urls import reverse

from predictor.models import Alarm, MonitoredDay, Prediction
from predictor.models.ids import uuid7
from predictor.monitoring.alarms import look
from predictor.monitoring.bins import bins_of
from predictor.versions.activation import activate
from predictor.versions.live import registry
from predictor.versions.store import register

FIRST = datetime(2026, 11, 1, 12, tzinfo=UTC)
pytestmark = pytest.mark.django_db


@pytest.fixture
def version(live_models, own_forest):
    version = register(own_forest, "tests")
    activate(version)
    registry.refresh()
    return version


@pytest.fixture
def recorded(version, own_forest):
    """Returns a function that records a day's answers for 60 of the training stones."""

    def record(day, **changes):
        stones = [own_forest.recorded(row) for row in range(day * 60, day * 60 + 60)]
        for stone in stones:
            del stone["price"]
            stone |= changes
        for stone, answer in zip(
            stones, own_forest.answer_many(own_forest.rows(stones)), strict=True
        ):
            Prediction.objects.create(
                id=uuid7(),
                created=FIRST + timedelta(days=day),
                source="api",
                request="",
                scheme="graded",
                version=version,
                price=answer.price,
                low=answer.low,
                high=answer.high,
                latency_ms=1.5,
                **stone,
            )

    return record


def alarm():
    look()
    return Alarm.objects.get(kind="inputs", version__number=2)


def test_stated_levels_are_counted(version, own_forest):
    bins = bins_of(version)
    assert {*own_forest.vocabulary.names} <= {*bins}
    assert [*bins["origin"].levels] == ["Lab-grown", "Natural"]
    assert bins["origin"].count(["Natural", None, "Natural"]).tolist() == [0, 2]


def test_another_mix_of_shapes_is_an_alarm(recorded, admin_client):
    for day in range(4):
        recorded(day)
    assert not alarm().active
    for day in (4, 5, 6):
        recorded(day, shape="Oval")
    found = alarm()
    assert found.active
    [segment] = [one for one in found.segments if one["column"] == "shape"]
    assert (segment["grade"], segment["now"]) == ("Oval", 1.0)
    text = admin_client.get(
        reverse("admin:predictor_alarm_changelist"), headers={"accept-language": "en"}
    ).text
    assert "Shape: Oval" in text
    assert "shape=Oval" in text


def test_what_is_not_stated_is_not_counted(recorded):
    for day in range(7):
        recorded(day, **dict.fromkeys(("polish", "symmetry", "laboratory", "fluorescence")))
    assert not alarm().active


def test_days_that_were_read_before_have_no_counts_of_them(recorded):
    recorded(0)
    alarm()
    [day] = MonitoredDay.objects.all()
    for tally in day.tallies.values():
        del tally["shape"]
    MonitoredDay.objects.update(tallies=day.tallies, whole=True)
    recorded(1)
    assert not alarm().active
