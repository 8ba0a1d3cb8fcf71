"""The export of predictions: every column, escaped formulas, a batch at a time."""

import csv
import io
import json
from datetime import date

import pytest
from django.contrib.auth import get_user_model
from pyarrow import parquet

from ml.stones import EXAMPLES
from predictor.history import batches
from predictor.models import Prediction, Review
from predictor.review.export import COLUMNS, KINDS, as_csv, as_json_lines, as_parquet

pytestmark = pytest.mark.django_db


@pytest.fixture
def answers(live_models, client):
    """A graded answer, a coded answer and a refusal; the API's responses to the first two."""
    said = [
        client.get("/api/predict", EXAMPLES[scheme][0] | {"asking": "900"}).json()
        for scheme in ("graded", "coded")
    ]
    client.get("/api/predict?carat=abc&volume=3&cut=1")
    Review.objects.create(
        prediction_id=said[0]["id"],
        actual_price=812.5,
        sold_on=date(2026, 3, 1),
        source="=till",
        note="@home",
        by=get_user_model().objects.create_user("rita"),
    )
    return said


def read(ending):
    content = b"".join(KINDS[ending][0](Prediction.objects.all()))
    if ending == "csv":
        return [*csv.DictReader(io.StringIO(content.decode("utf-8-sig")))]
    if ending == "jsonl":
        return [json.loads(line) for line in content.splitlines()]
    return parquet.read_table(io.BytesIO(content)).to_pylist()


@pytest.mark.parametrize("ending", KINDS)
def test_every_kind_holds_what_was_answered(answers, ending):
    rows = read(ending)
    assert [[*row] for row in rows] == [[*COLUMNS]] * 3
    for row, said in zip(rows, answers, strict=False):
        assert row["id"] == said["id"]
        assert float(row["predicted_price"]) == said["predicted_price"]
        assert [float(row[end]) for end in ("low", "high")] == [
            said["price_range"][end] for end in ("low", "high")
        ]
        assert float(row["percentile"]) == said["asking"]["percentile"]
        assert {name: str(row[name]) for name in said["features"]} == {
            name: str(value) for name, value in said["features"].items()
        }
        assert (str(row["version"]), row["currency"]) == ("1", "USD")
    assert float(rows[0]["actual_price"]) == 812.5
    assert rows[0]["reviewed_by"] == "rita"
    assert "carat" in rows[2]["error"]
    assert str(rows[2]["status"]) == "400"
    assert rows[2]["predicted_price"] in ("", None)


def test_cells_that_a_spreadsheet_would_run_are_disarmed_in_csv_only(answers):
    [told, *_] = read("csv")
    assert (told["review_source"], told["review_note"]) == ("'=till", "'@home")
    assert read("jsonl")[0]["review_source"] == "=till"


@pytest.mark.parametrize("make", [as_csv, as_json_lines, as_parquet])
def test_a_large_export_comes_in_parts_and_each_row_once(answers, make, monkeypatch):
    monkeypatch.setattr("predictor.review.export.in_batches", batches_of_two)
    parts = [part for part in make(Prediction.objects.all()) if part]
    assert len(parts) >= 2
    content = b"".join(parts)
    for row in Prediction.objects.all():
        assert make is as_parquet or content.count(str(row.pk).encode()) == 1
    if make is as_parquet:
        assert parquet.read_table(io.BytesIO(content)).num_rows == 3


def batches_of_two(rows, size, find):
    rows = [*rows.order_by("pk")]
    yield rows[:2]
    yield rows[2:]


def test_batches_hold_every_row_once_the_oldest_first(answers):
    found = [*batches.in_batches(Prediction.objects.all(), 2)]
    assert [len(batch) for batch in found] == [2, 1]
    assert [row for batch in found for row in batch] == [*Prediction.objects.order_by("pk")]


@pytest.mark.parametrize("make", [as_csv, as_json_lines, as_parquet])
def test_an_export_that_is_given_up_leaves_nothing_open(answers, make, monkeypatch):
    monkeypatch.setattr("predictor.review.export.in_batches", batches_of_two)
    parts = make(Prediction.objects.all())
    assert next(parts)
    parts.close()
    assert b"".join(make(Prediction.objects.all()))
