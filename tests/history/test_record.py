"""How the history is written: each row once and complete, over a working connection."""

import pytest
from django.db import DEFAULT_DB_ALIAS, IntegrityError, OperationalError, connections, transaction
from django.forms.models import model_to_dict

from ml.stones import EXAMPLES
from predictor.history import inserts
from predictor.history import record as recording
from predictor.history.commits import A_FEW
from predictor.models import Prediction

CODED = EXAMPLES["coded"][0]


def answers(version, count):
    """The given number of unsaved answers, all different."""
    return [
        Prediction(
            source="api",
            client="é",
            scheme="coded",
            request="carat=0.37&x=“'\\",
            **{**CODED, "table": 50 + place},
            price=851.5,
            low=700.25,
            high=1e3,
            version=version,
            latency_ms=0.25,
            warnings=[{"code": "depth_disagrees", "value": 59.2, "text": "’"}],
        )
        for place in range(count)
    ]


@pytest.mark.django_db
@pytest.mark.parametrize("count", [1, 2, 100])
def test_rows_read_back_as_they_were_made(live_models, count):
    made = answers(live_models["coded"], count)
    recording.record(made)
    for prediction, row in zip(made, Prediction.objects.order_by("id"), strict=True):
        codes = {name: str(CODED[name]) for name in ("cut", "color", "clarity")}
        assert model_to_dict(row) == model_to_dict(prediction) | codes
        assert (row.id, row.created) == (prediction.id, prediction.created)


@pytest.mark.django_db
def test_a_refusal_reads_back_as_it_was_made():
    refusal = Prediction(source="api", status=400, request="", latency_ms=1, error={"carat": ["?"]})
    recording.record([refusal])
    row = Prediction.objects.get()
    assert (row.error, row.warnings, row.price, row.version) == ({"carat": ["?"]}, [], None, None)


@pytest.mark.django_db
@pytest.mark.parametrize("count", [1, 1000])
def test_the_statement_is_compiled_once(
    live_models, django_assert_max_num_queries, monkeypatch, count
):
    recording.record(answers(live_models["coded"], 1))
    monkeypatch.setattr(inserts, "InsertQuery", None)
    with django_assert_max_num_queries(3):  # BEGIN, INSERT, COMMIT
        recording.record(answers(live_models["coded"], count))
    assert Prediction.objects.count() == 1 + count


@pytest.fixture
def dies_once(monkeypatch):
    """A connection that turns out to be closed when the first rows are sent over it."""
    attempts = []
    insert = inserts.insert

    def fail_first(rows, connection):
        attempts.append(len(rows))
        if len(attempts) == 1:
            raise OperationalError("server closed the connection unexpectedly")
        insert(rows, connection)

    monkeypatch.setattr(inserts, "insert", fail_first)
    return attempts


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("count", [1, 3])
def test_rows_are_sent_once_more_where_the_connection_was_dead(
    live_models, monkeypatch, dies_once, count
):
    monkeypatch.setattr(connections[DEFAULT_DB_ALIAS], "is_usable", lambda: False)
    recording.record(answers(live_models["coded"], count))
    assert dies_once == [count, count]
    assert Prediction.objects.count() == count


@pytest.mark.django_db(transaction=True)
def test_rows_are_not_sent_again_over_a_connection_that_is_alive(live_models, dies_once):
    with pytest.raises(OperationalError):
        recording.record(answers(live_models["coded"], 1))
    assert dies_once == [1]
    assert not Prediction.objects.exists()


@pytest.mark.django_db
def test_an_answer_is_made_as_django_makes_it(live_models):
    given = {
        **CODED,
        "source": "api",
        "scheme": "coded",
        "request": "carat=1",
        "price": 851.5,
        "low": 700.25,
        "high": 1e3,
        "warnings": [],
        "latency_ms": 0.25,
    }
    made = Prediction.made(live_models["coded"], given)
    usual = Prediction(version=live_models["coded"], **given)
    made.id, made.created = usual.id, usual.created
    assert model_to_dict(made) == model_to_dict(usual)
    assert {name: value for name, value in vars(made).items() if name != "_state"} == {
        name: value for name, value in vars(usual).items() if name != "_state"
    }
    assert (made._state.adding, made.version) == (True, live_models["coded"])
    others = [Prediction.made(live_models["coded"], {}) for _ in range(2)]
    assert others[0].warnings is not others[1].warnings


@pytest.mark.django_db
def test_rows_of_one_statement_are_recorded_all_or_none(live_models):
    connection = connections[DEFAULT_DB_ALIAS]
    made = answers(live_models["coded"], A_FEW)
    rows = [recording._row_of(prediction, connection) for prediction in made]
    inserts.insert(rows[:5], connection)
    with pytest.raises(IntegrityError), transaction.atomic():
        inserts.insert(rows[4:], connection)
    recorded = Prediction.objects.order_by("id").values_list("id", flat=True)
    assert list(recorded) == [prediction.id for prediction in made[:5]]


@pytest.mark.postgresql
@pytest.mark.django_db
def test_postgresql_prepares_one_statement_for_rows_in_whatever_order(live_models):
    connection = connections[DEFAULT_DB_ALIAS]
    statements = "SELECT count(*) FROM pg_prepared_statements WHERE statement LIKE 'INSERT%'"

    def count():
        with connection.cursor() as cursor:
            cursor.execute(statements)
            return cursor.fetchone()[0]

    def refusal():
        return Prediction(source="api", status=400, request="", latency_ms=1, error={"carat": []})

    recording.record([*answers(live_models["coded"], 1), refusal()])
    before = count()
    recording.record([refusal(), *answers(live_models["coded"], 1)])
    assert (before > 0, count()) == (True, before)
