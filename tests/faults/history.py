"""What every fault test checks in the history: each answer is recorded once and correctly."""

import math
from collections import Counter
from uuid import UUID

from django.db import connection

from bench.sites import FILL
from ml.stones import COVERAGE
from predictor.models import Prediction
from predictor.replay.services import replayed

from .conftest import POSTGRES

HALF_A_CENT = 0.005


def fill(rows):
    """Records this many answers with SQL, without a server."""
    with connection.cursor() as cursor:
        for statement in FILL["PostgreSQL" if POSTGRES else "SQLite"](1, rows):
            cursor.execute(statement)
        if POSTGRES:
            cursor.execute("RESET session_replication_role")


def assert_recorded(answers):
    """Each (stone as sent, answer) has exactly one row, with the same values, and can be replayed."""
    rows = Prediction.objects.prefetch_related("version").in_bulk(
        [answer["id"] for _, answer in answers]
    )
    times = Counter(Prediction.objects.values_list("carat", flat=True))
    assert len(rows) == len(answers) > 0
    for stone, answer in answers:
        row = rows[UUID(answer["id"])]
        assert times[stone["carat"]] == 1
        assert stone == answer["features"] == row.features
        assert_says(answer, row)
        assert_replayed(row)


def assert_says(answer, row):
    """The answer matches the row: price, range and version."""
    assert row.status == 200
    assert answer["predicted_price"] == math.trunc(row.price)
    low, high = math.floor(row.low), math.ceil(row.high)
    coverage = None if row.is_extrapolated else COVERAGE
    assert answer["price_range"] == {"low": low, "high": high, "coverage": coverage}
    codes = [warning["code"] for warning in answer["warnings"]]
    assert codes == [warning["code"] for warning in row.warnings]
    assert answer["model"] == {"scheme": row.scheme, "version": row.version.number}


def assert_replayed(row):
    """The version that a row names gives the same price and range again, to the cent."""
    again = replayed(row)
    assert abs(again.price - row.price) < HALF_A_CENT
    assert abs(again.low - row.low) < HALF_A_CENT
    assert abs(again.high - row.high) < HALF_A_CENT
