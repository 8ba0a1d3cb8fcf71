"""Recorded answers stay: the database refuses raw SQL that changes them, and deletes rows only if
that is allowed."""

import pytest
from django.db import Error, IntegrityError, connection, transaction

from predictor.history.deletion import deletion_allowed
from predictor.models import Prediction

SAID = "recorded predictions are neither changed nor deleted"
ONE = dict(source="api", request="", latency_ms=1, status=400, error={})

pytestmark = pytest.mark.django_db


@pytest.fixture
def row():
    return Prediction.objects.create(**ONE)


def raw(statement):
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(statement)


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE predictor_prediction SET price = 1",
        "UPDATE predictor_prediction SET id = id",
        "DELETE FROM predictor_prediction",
        "DELETE FROM predictor_prediction WHERE status = 400",
        pytest.param(
            "SET CONSTRAINTS ALL IMMEDIATE; TRUNCATE predictor_prediction CASCADE",
            marks=pytest.mark.postgresql,
        ),
    ],
)
def test_raw_sql_is_refused_and_changes_nothing(row, statement):
    with pytest.raises(IntegrityError, match=SAID):
        raw(statement)
    assert Prediction.objects.values().get() == Prediction.objects.filter(pk=row.pk).values().get()


def test_django_is_refused_too(row):
    for act in (row.delete, row.save, Prediction.objects.all().delete):
        with pytest.raises(IntegrityError, match=SAID), transaction.atomic():
            act()
    with pytest.raises(IntegrityError, match=SAID), transaction.atomic():
        Prediction.objects.update(price=1)
    assert Prediction.objects.get() == row


def test_with_deletion_allowed_rows_leave_but_none_is_changed(row):
    with pytest.raises(IntegrityError, match=SAID), deletion_allowed():
        Prediction.objects.update(latency_ms=2)
    with deletion_allowed():
        Prediction.objects.all().delete()
    assert not Prediction.objects.exists()


def test_deletion_is_refused_again_afterwards(row):
    with deletion_allowed():
        pass
    with pytest.raises(IntegrityError, match=SAID):
        raw("DELETE FROM predictor_prediction")


def test_deletion_is_refused_again_after_an_error(row):
    with pytest.raises(Error), deletion_allowed():
        raw("DELETE FROM no_such_table")
    with pytest.raises(IntegrityError, match=SAID):
        raw("DELETE FROM predictor_prediction")
