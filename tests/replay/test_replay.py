"""Replaying recorded answers: the same prices by their own versions, the differences by another."""

import re
from io import StringIO
from unittest.mock import Mock

import pytest
from django.core.management import CommandError, call_command

from predictor.models import Prediction
from predictor.models.ids import uuid7
from predictor.replay import services
from predictor.replay.services import compare
from predictor.versions.store import register

pytestmark = pytest.mark.django_db
OTHER = "carat=0.7&cut=Ideal&color=G&clarity=VS1&depth=61.5&table=56&x=5.7&y=5.73&z=3.51"
CODED = "carat=0.37&cut=3&color=0&clarity=2&depth=59.2&table=61.0&volume=60.063"


@pytest.fixture
def answers(live_models, client):
    """Three graded answers, a coded one and a refusal."""
    for carat in (0.7, 1.2, 0.4):
        client.get(f"/api/predict?{OTHER}&carat={carat}".replace("carat=0.7&", "", 1))
    client.get(f"/api/predict?{CODED}")
    client.get("/api/predict?carat=abc&volume=3&cut=1")
    assert Prediction.objects.filter(status=200).count() == 4


@pytest.fixture
def other(live_models, other_forests):
    """A second graded version, not active."""
    return register(other_forests["graded"], "tests")


def replay(**options):
    out = StringIO()
    try:
        call_command("replay", stdout=out, **options)
    except SystemExit as stop:
        return stop.code, out.getvalue()
    return 0, out.getvalue()


def falsified(**values):
    """A copy of the newest answer with values that the version did not give."""
    row = Prediction.objects.filter(status=200).first()
    row.pk = uuid7()
    for name, value in values.items():
        setattr(row, name, value)
    row.save(force_insert=True)
    return row


def test_what_was_answered_comes_out_the_same(answers):
    status, out = replay(verify=True)
    assert status == 0
    assert "4 of 4 predictions are reproduced to the cent" in out


@pytest.mark.parametrize("name", ["price", "low", "high"])
def test_a_record_that_does_not_is_reported_and_fails_the_run(answers, name):
    off = {"price": 0.01, "low": -0.01, "high": 0.01}[name]
    row = Prediction.objects.filter(status=200).first()
    wrong = falsified(**{name: getattr(row, name) + off})
    status, out = replay(verify=True)
    assert status == 1
    assert f"{wrong.pk}: {name} " in out
    assert "4 of 5 predictions are reproduced" in out


def test_a_version_whose_file_is_gone_fails_the_run(answers, live_models, monkeypatch):
    monkeypatch.setattr(
        services, "forest_of", Mock(side_effect=FileNotFoundError(2, "No such file", "x.joblib"))
    )
    status, out = replay(verify=True)
    assert status == 1
    assert "its version cannot be loaded" in out


def test_another_version_is_compared_row_by_row(answers, other, other_forests):
    found = compare(Prediction.objects.all(), other)
    rows = Prediction.objects.filter(scheme="graded", status=200)
    assert found.all.rows == sum(found.bars) == len(rows) == 3
    changes = {}
    for row in rows:
        [answer] = services.answers_of(other_forests["graded"], [row])
        changes[str(row.pk)] = answer.price / row.price - 1
    assert found.all.mean == pytest.approx(sum(changes.values()) / 3)
    told = found.in_order()
    assert {key: change for key, change, *_ in told} == pytest.approx(changes)
    assert [abs(change) for _, change, *_ in told] == sorted(
        map(abs, changes.values()), reverse=True
    )
    assert {key: group.rows for key, group in found.of("carat").items()} == {0: 1, 2: 1, 3: 1}
    assert {key: group.rows for key, group in found.of("color").items()} == {"G": 3}


def test_the_command_shows_it_in_tables(answers, other):
    status, out = replay(number=other.number)
    assert status == 0
    assert re.search(r"3 predictions repeated with graded 2: prices [+-]\d+\.\d\d% on average", out)
    for head in ("change of the price", "color", "largest changes", "1.0 to 1.5 ct"):
        assert head in out


def test_the_last_ones_and_those_since_a_day_only(answers, other):
    assert "2 predictions repeated with" in replay(number=other.number, count=2)[1]
    assert "no predictions match" in replay(number=other.number, since="2100-01-01")[1]
    assert "4 of 4" in replay(verify=True, since="2020-01-01T12:00")[1]


@pytest.mark.parametrize(
    "since", ["", "yesterday", "2026-13-01", "2026-02-30", "01.02.2026", "0001-01-01"]
)
def test_what_is_not_a_day_is_refused(answers, since, settings):
    settings.TIME_ZONE = "Europe/Warsaw"  # in which the first day begins before the first year
    with pytest.raises(CommandError, match="is not a valid date; use YYYY-MM-DD, for example 2"):
        replay(verify=True, since=since)


@pytest.mark.parametrize("arguments", [["--last", "0"], ["--last", "x"], ["--last", "-3"], []])
def test_wrong_arguments_are_reported(answers, arguments):
    with pytest.raises(CommandError):
        call_command("replay", *(["--verify"] if arguments else []), *arguments)
