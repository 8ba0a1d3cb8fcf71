"""Old predictions are deleted in batches, archived and verified before, and nothing else is deleted."""

import json
from datetime import datetime, timedelta
from io import StringIO
from unittest.mock import Mock

import pytest
from django.contrib.auth import get_user_model
from django.core.management import CommandError, call_command
from django.utils import timezone
from pyarrow import parquet

from predictor.history import archive, pruning
from predictor.models import (
    Prediction,
    Review,
    ReviewLock,
    Sample,
    SampledPrediction,
    SecondReview,
)

pytestmark = pytest.mark.django_db


@pytest.fixture
def history(live_models, client):
    """Ten refusals, from ten days old to one day old; that of eight days ago is reviewed, twice, locked and
    in a sample."""
    made = [
        Prediction.objects.create(
            source="api",
            request=f"carat={days}",
            latency_ms=1,
            status=400,
            error={"carat": ["x"]},
            created=timezone.now() - timedelta(days=days, hours=1),
        )
        for days in range(10, 0, -1)
    ]
    by = get_user_model().objects.create_user("rita")
    Review.objects.create(prediction=made[2], actual_price=None, note="odd", by=by)
    SecondReview.objects.create(prediction=made[2], state="checked", note="fine", by=by)
    ReviewLock.objects.create(prediction=made[2], by=by, until=timezone.now())
    sample = Sample.objects.create(seed=1, population=10)
    SampledPrediction.objects.create(sample=sample, prediction=made[2], place=1, stands_for=1)
    return made


def prune(**options):
    out = StringIO()
    call_command("prune_predictions", stdout=out, **{"older_than": "5d", **options})
    return out.getvalue()


def test_those_that_are_older_leave_with_what_was_said_of_them(history):
    assert "6 predictions deleted" in prune()
    assert [*Prediction.objects.order_by("pk")] == history[6:]
    assert not Review.objects.exists()
    assert not SecondReview.objects.exists()
    assert not SampledPrediction.objects.exists()
    assert not ReviewLock.objects.exists()
    assert Review.history.filter(history_type="-").count() == 1


def test_the_reviewed_stay_where_that_is_asked(history):
    assert "5 predictions deleted" in prune(keep_reviewed=True)
    assert [*Prediction.objects.order_by("pk")] == [history[2], *history[6:]]


def test_one_that_is_reviewed_while_the_others_are_deleted_stays(history, monkeypatch):
    def forget_and_review(ids, forget=pruning._forget):
        Review.objects.get_or_create(prediction=history[4], defaults={"note": "now"})
        return forget(ids)

    monkeypatch.setattr(pruning, "AT_A_TIME", 2)
    monkeypatch.setattr(pruning, "_forget", forget_and_review)
    assert "4 predictions deleted" in prune(keep_reviewed=True)
    assert [*Prediction.objects.order_by("pk")] == [history[2], history[4], *history[6:]]


def test_a_dry_run_only_counts(history):
    assert prune(dry_run=True) == "6 predictions would be deleted\n"
    assert Prediction.objects.count() == 10


def test_the_archive_holds_every_column_of_what_left(history, tmp_path):
    assert f"archived in {tmp_path}/old" in prune(archive=str(tmp_path / "old"))
    [file] = (tmp_path / "old").glob("*.parquet")
    rows = parquet.read_table(file).to_pylist()
    assert [row["id"] for row in rows] == [row.pk.hex for row in history[:6]]
    assert [row["request"] for row in rows] == [f"carat={days}" for days in range(10, 4, -1)]
    assert rows[0]["created"] == history[0].created
    assert json.loads(rows[0]["error"]) == {"carat": ["x"]}
    assert [row["review_note"] for row in rows] == [None, None, "odd", None, None, None]
    assert isinstance(rows[2]["review_at"], datetime)
    assert [row["second_review_note"] for row in rows] == [None, None, "fine", None, None, None]


def test_a_run_that_was_killed_after_the_archive_is_finished_by_the_next(
    history, tmp_path, monkeypatch
):
    with monkeypatch.context() as patch:
        patch.setattr(pruning, "AT_A_TIME", 2)
        forget, calls = pruning._forget, []
        patch.setattr(
            pruning,
            "_forget",
            lambda ids: (
                calls.append(ids)
                or (Mock(side_effect=KeyboardInterrupt) if calls[1:] else forget)(ids)
            ),
        )
        with pytest.raises(KeyboardInterrupt):
            prune(archive=str(tmp_path))
    assert Prediction.objects.count() == 8
    assert "4 predictions deleted" in prune(archive=str(tmp_path))
    [file] = tmp_path.glob("*.parquet")
    assert len(parquet.read_table(file)) == 6


def test_what_an_archive_holds_is_not_deleted_again_while_rows_between_are_kept(
    history, tmp_path, monkeypatch
):
    prune(archive=str(tmp_path), keep_reviewed=True)
    monkeypatch.setattr(pruning, "_forget", Mock(side_effect=AssertionError))
    assert "0 predictions deleted" in prune(archive=str(tmp_path), keep_reviewed=True)
    assert history[2] in Prediction.objects.all()


def test_a_file_that_is_not_whole_is_not_taken_for_an_archive(history, tmp_path):
    (tmp_path / f"predictions-{history[0].pk.hex}-{history[5].pk.hex}.part").write_bytes(b"PAR1")
    prune(archive=str(tmp_path))
    [file] = tmp_path.glob("*.parquet")
    assert len(archive.verified_ids(file)) == 6


def test_a_second_run_is_refused_while_one_archives(history, tmp_path, monkeypatch):
    def write_beside_another(rows, folder):
        with pytest.raises(CommandError, match="another run is archiving predictions"):
            prune(archive=str(tmp_path), older_than="8d")
        return archive.write(rows, folder)

    monkeypatch.setattr(pruning, "write", write_beside_another)
    assert "6 predictions deleted" in prune(archive=str(tmp_path))
    [file] = tmp_path.glob("*.parquet")
    assert len(archive.verified_ids(file)) == 6


def test_an_archive_that_has_changed_stops_the_run(history, tmp_path):
    file = archive.write(history[:6], tmp_path)
    file.write_bytes(file.read_bytes() + b"x")
    with pytest.raises(CommandError, match="is not what was written"):
        prune(archive=str(tmp_path))
    assert Prediction.objects.count() == 10


@pytest.mark.parametrize("days", ["", "0d", "-1", "1.5d", "365 days", "1y", "٣d", "999999d"])
def test_what_is_not_a_number_of_days_is_refused(history, days):
    with pytest.raises(CommandError, match="use a number of days, for example 365d"):
        prune(older_than=days)
    assert Prediction.objects.count() == 10


def test_an_archive_without_a_name_is_refused(history):
    with pytest.raises(CommandError, match="--archive is not a valid folder name"):
        prune(archive=" ")
    assert Prediction.objects.count() == 10
