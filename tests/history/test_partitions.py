"""The history by month on PostgreSQL: nothing is lost, and an old month is dropped."""

import re
import secrets
from datetime import UTC, datetime, timedelta
from io import StringIO
from uuid import UUID

import pytest
from django.contrib.auth import get_user_model
from django.core.management import call_command
from django.db import IntegrityError, connection, transaction
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from pyarrow import parquet

from predictor.history import partitions, pruning
from predictor.history.pruning import prune
from predictor.models import Prediction, Review, ShadowPrice
from predictor.models.ids import time_of
from predictor.versions.shadows import start

pytestmark = [pytest.mark.django_db, pytest.mark.postgresql]

START = datetime(2025, 1, 15, tzinfo=UTC)
"""When the history is partitioned: everything before March is then one partition."""


def made(moment):
    """A Prediction whose id and time are those of a moment."""
    id_ = UUID(int=partitions.first_id(moment).int | 7 << 76 | 2 << 62 | secrets.randbits(62))
    return Prediction.objects.create(
        id=id_, created=moment, source="api", request="a", latency_ms=1, status=400, error={}
    )


@pytest.fixture
def old():
    """Five predictions from before the history was partitioned."""
    return [made(START - timedelta(days=days)) for days in range(5)]


@pytest.fixture
def by_month(old, monkeypatch):
    """A partitioned history: five old predictions, and one in each month from March to June."""
    settle()
    with monkeypatch.context() as patch:
        patch.setattr(partitions, "AHEAD", 6)
        patch.setattr(timezone, "now", lambda: START)
        partitions.partition(lambda line: None)
    return [made(datetime(2025, month, 10, tzinfo=UTC)) for month in (3, 4, 5, 6)]


def rows_by_table():
    """{the end of a partition's name: its number of predictions}, of those that have any."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT tableoid::regclass::text, count(*) FROM predictor_prediction GROUP BY 1"
        )
        return {name.removeprefix("predictor_prediction_"): n for name, n in cursor.fetchall()}


def run(statement):
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(statement)
        return cursor.fetchall() if cursor.description else []


def settle():
    """Checks all foreign keys, as at the end of a transaction: PostgreSQL changes no table before."""
    run("SET CONSTRAINTS ALL IMMEDIATE")


DEFINITIONS = [
    "SELECT indexdef FROM pg_indexes WHERE tablename = 'predictor_prediction'",
    "SELECT conname, pg_get_constraintdef(oid) FROM pg_constraint "
    "WHERE conrelid = 'predictor_prediction'::regclass",
    "SELECT conname, pg_get_constraintdef(oid) FROM pg_constraint "
    "WHERE confrelid = 'predictor_prediction'::regclass AND conparentid = 0",
    "SELECT pg_get_triggerdef(oid) FROM pg_trigger "
    "WHERE tgrelid = 'predictor_prediction'::regclass AND NOT tgisinternal",
]
"""The history's indexes, constraints, foreign keys to it, and triggers."""


def definitions():
    """The results of DEFINITIONS, as for a table without partitions."""
    rows = [row for statement in DEFINITIONS for row in run(statement)]
    return {tuple(text.replace("ON ONLY ", "ON ") for text in row) for row in rows}


def test_the_table_keeps_its_rows_indexes_constraints_and_triggers(old):
    before = definitions()
    rows = list(Prediction.objects.order_by("pk").values())
    settle()
    out = StringIO()
    call_command("partition_history", stdout=out)
    assert list(Prediction.objects.order_by("pk").values()) == rows
    assert definitions() == before
    last = partitions.partitions()[-1].end
    assert last == partitions.months_after(timezone.now(), partitions.AHEAD)
    assert out.getvalue().endswith(f"The history has partitions up to {last:%Y-%m-%d}.\n")
    assert not run("SELECT 1 FROM pg_constraint WHERE NOT convalidated AND conparentid = 0")


def test_each_month_has_its_partition(by_month):
    assert rows_by_table() == {
        "before_2025_03": 5, "2025_03": 1, "2025_04": 1, "2025_05": 1, "2025_06": 1,
    }  # fmt: skip


def test_an_id_is_looked_up_in_one_partition(by_month):
    plan = Prediction.objects.filter(pk=by_month[1].pk).explain()
    assert re.findall(r"Scan.* on (\S+)", plan) == ["predictor_prediction_2025_04"]


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE predictor_prediction SET price = 1",
        "DELETE FROM predictor_prediction",
        "UPDATE predictor_prediction_2025_03 SET price = 1",
        "DELETE FROM predictor_prediction_before_2025_03",
        *(
            f"SET CONSTRAINTS ALL IMMEDIATE; TRUNCATE predictor_prediction{part} CASCADE"
            for part in ("", "_2025_03", "_before_2025_03", "_default")
        ),
    ],
)
def test_raw_sql_is_refused_in_partitions_too(by_month, statement):
    with pytest.raises(IntegrityError, match="neither changed nor deleted"):
        run(statement)
    assert Prediction.objects.count() == 9


def test_what_is_later_than_all_months_is_recorded_and_gets_its_partition(by_month):
    late = made(datetime(2031, 5, 5, tzinfo=UTC))
    assert rows_by_table()["default"] == 1
    settle()
    partitions.partition(lambda line: None)
    assert rows_by_table()["before_2031_07"] == 1
    assert Prediction.objects.get(pk=late.pk).created == time_of(late.pk)
    made(datetime(2031, 7, 1, tzinfo=UTC))
    assert rows_by_table()["default"] == 1


def pruned(moment, **options):
    settle()
    return prune(moment, **options)


def test_old_months_are_dropped_and_archived_before(by_month, tmp_path):
    expected = {row.pk.hex for row in Prediction.objects.filter(pk__lt=by_month[2].pk)}
    assert pruned(datetime(2025, 5, 20, tzinfo=UTC), archive=tmp_path) == 8
    assert [*Prediction.objects.order_by("pk")] == [by_month[3]]
    names = {one.name.removeprefix("predictor_prediction_") for one in partitions.partitions()}
    assert not names & {"before_2025_03", "2025_03", "2025_04"}
    assert "2025_05" in names, "a month that has not ended is pruned row by row"
    archived = [
        parquet.read_table(file).column("id").to_pylist() for file in tmp_path.glob("*.parquet")
    ]
    assert {id_ for ids in archived for id_ in ids} >= expected
    assert sum(map(len, archived)) == 8


@pytest.mark.parametrize("keep", [True, False])
def test_reviewed_rows_of_a_dropped_month_are_kept_if_asked(by_month, keep):
    by = get_user_model().objects.create_user("rita")
    reviewed = by_month[0]
    Review.objects.create(prediction=reviewed, note="odd", by=by)
    gone = 6 - keep
    assert pruned(datetime(2025, 4, 5, tzinfo=UTC), keep_reviewed=keep) == gone
    assert Prediction.objects.count() == 9 - gone
    assert [*Review.objects.values_list("prediction", flat=True)] == [reviewed.pk] * keep
    assert pruned(datetime(2025, 4, 5, tzinfo=UTC), keep_reviewed=keep) == 0
    if keep:
        assert rows_by_table()["2025_03"] == 1
        with pytest.raises(IntegrityError, match="neither changed nor deleted"):
            run("UPDATE predictor_prediction SET price = 1")
        with pytest.raises(IntegrityError, match="foreign key"):
            run(
                "SET CONSTRAINTS ALL IMMEDIATE; SET LOCAL diamonds.door = 'open'; "
                "DELETE FROM predictor_prediction WHERE status = 400"
            )


def test_while_the_history_is_locked_only_reviews_of_old_predictions_are_read(by_month):
    with CaptureQueriesContext(connection) as queries:
        assert pruned(datetime(2025, 4, 5, tzinfo=UTC)) == 6
    copied = [one["sql"] for one in queries if "_kept SELECT" in one["sql"]]
    assert len(copied) == 2
    for sql in copied:
        assert sql.count("WHERE prediction_id < ") == len(partitions.OF_PREDICTIONS)


def test_prices_of_a_shadow_are_deleted_with_their_month(by_month, later):
    reviewed, dropped, stays = by_month[0], by_month[1], by_month[3]
    Review.objects.create(prediction=reviewed, note="odd")
    shadow = start(later)
    ShadowPrice.objects.bulk_create(
        ShadowPrice(prediction=one, shadow=shadow, price=2, low=1, high=3, trained_on=False)
        for one in (reviewed, dropped, stays)
    )
    assert pruned(datetime(2025, 5, 5, tzinfo=UTC), keep_reviewed=True) == 6
    kept = ShadowPrice.objects.order_by("pk").values_list("pk", flat=True)
    assert [*kept] == [reviewed.pk, stays.pk]


def test_each_price_of_a_shadow_in_a_dropped_month_is_read_once(by_month, later, monkeypatch):
    monkeypatch.setattr(pruning, "READ", 2)
    shadow = start(later)
    ShadowPrice.objects.bulk_create(
        ShadowPrice(prediction=one, shadow=shadow, price=2, low=1, high=3, trained_on=False)
        for one in by_month
    )
    moment = datetime(2025, 5, 1, tzinfo=UTC)
    rows = pruning.made_before(moment)
    with CaptureQueriesContext(connection) as queries:
        pruning._delete_shadow_prices(rows, moment)
    read = [one["sql"] for one in queries if one["sql"].startswith("SELECT")]
    gone = [one for one in by_month if one.created < moment]
    assert len(read) == len(gone) // 2 + 1 > 1
    assert all('"prediction_id" > ' in sql for sql in read[1:])
    assert not ShadowPrice.objects.filter(prediction__in=rows).exists()
    assert ShadowPrice.objects.count() == len(by_month) - len(gone)


def test_a_prediction_recorded_late_keeps_its_month_from_being_dropped(by_month):
    late = made(datetime(2025, 3, 20, tzinfo=UTC))
    run("SET LOCAL session_replication_role = replica")  # without triggers
    Prediction.objects.filter(pk=late.pk).update(created=datetime(2025, 8, 1, tzinfo=UTC))
    assert pruned(datetime(2025, 4, 5, tzinfo=UTC)) == 6
    assert Prediction.objects.filter(pk=late.pk).exists()
