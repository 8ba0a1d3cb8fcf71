"""Many reviews are saved all or none, without holding up prices: few statements, short transactions."""

from uuid import UUID

import pytest
from django.contrib.auth import get_user_model
from django.utils import timezone

from bench.transactions import watched
from predictor.history.batches import WRITTEN_AT_ONCE
from predictor.history.pruning import AT_A_TIME, prune_rows
from predictor.models import Prediction, Review, ReviewLock
from predictor.review import judging, saving
from predictor.review.sampling import draw

MANY = 2 * WRITTEN_AT_ONCE + 50
pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("in_english")]


@pytest.fixture
def ids(live_models):
    """The ids of more answers than one transaction writes."""
    values = {"status": 200, "request": "", "latency_ms": 1, "scheme": "coded", "price": 1000}
    version = live_models["coded"]
    rows = [
        Prediction(id=UUID(int=place), version=version, low=900, high=1100, **values)
        for place in range(1, MANY + 1)
    ]
    Prediction.objects.bulk_create(rows)
    return [row.pk for row in rows]


@pytest.fixture
def rita():
    return get_user_model().objects.create_user("rita")


def file_of(ids, price=1010, source="till"):
    return ("id,price,source\n" + "".join(f"{pk},{price},{source}\n" for pk in ids)).encode()


def read(ids, by, **values):
    return judging.read_prices(file_of(ids, **values), "prices.csv", by)


def versions():
    """The history's (place of the prediction, price, kind of change, who), in the order written."""
    rows = Review.history.order_by("history_id")
    found = rows.values_list("prediction_id", "actual_price", "history_type", "history_user")
    return [(pk.int, *others) for pk, *others in found]


def test_a_file_is_saved_by_one_statement_and_its_history_in_short_transactions(ids, rita):
    with watched() as transactions:
        assert read(ids, rita).kept == MANY
    assert sorted(one.rows for one in transactions)[-1] == MANY
    assert max(one.rows for one in transactions if one.rows < MANY) == WRITTEN_AT_ONCE
    assert len(transactions) == 4
    told = Review.objects.values_list("actual_price", "source", "by", "state")
    assert {*told} == {(1010, "till", rita.pk, "checked")}
    assert versions() == [(pk.int, 1010, "+", rita.pk) for pk in ids]


def test_a_file_that_is_sent_again_saves_nothing_twice(ids, rita):
    for _ in range(2):
        assert read(ids, rita).kept == MANY
    with watched() as transactions:
        read(ids, rita)
    assert transactions == []
    assert len(versions()) == Review.objects.count() == MANY


def test_a_file_replaces_earlier_reviews_and_keeps_them_in_the_history(ids, rita):
    for pk in ids[:2]:
        judging.judge(Prediction.objects.get(pk=pk), rita, state="disputed", note="low")
    read(ids[1:], rita)
    told = Review.objects.order_by("prediction_id").values_list("state", "actual_price", "note")
    assert [*told[:3]] == [("disputed", None, "low"), ("checked", 1010, ""), ("checked", 1010, "")]
    kinds = Review.history.filter(prediction_id=ids[1]).order_by("history_id")
    assert [*kinds.values_list("history_type", "note")] == [("+", "low"), ("~", "")]


def test_a_file_with_a_prediction_that_another_has_open_saves_nothing(ids, rita):
    otto = get_user_model().objects.create_user("otto")
    until = timezone.now() + timezone.timedelta(minutes=1)
    ReviewLock.objects.create(prediction_id=ids[-1], by=otto, until=until)
    assert read(ids, rita).errors == [(None, str(ids[-1]), "otto is reviewing it.")]
    assert not Review.objects.exists()
    assert ReviewLock.objects.count() == 1


class Killed(BaseException):
    """The process ends here."""


@pytest.mark.parametrize(("phase", "kept"), [("_make_visible", 0), ("complete_history", MANY)])
def test_a_file_that_is_killed_is_saved_whole_or_not_at_all_and_can_be_sent_again(
    ids, rita, monkeypatch, phase, kept
):
    calls = []

    def killed(*args):
        calls.append(args)
        if phase == "_make_visible" or len(calls) == 2:
            raise Killed

    with monkeypatch.context() as patch:
        patch.setattr(saving, phase, killed)
        with pytest.raises(Killed):
            read(ids, rita)
    assert (Review.objects.count(), versions()) == (kept, [])
    read(ids, rita)
    assert Review.objects.count() == MANY
    assert versions() == [(pk.int, 1010, "+", rita.pk) for pk in ids]


def test_no_version_is_lost_when_a_review_is_replaced_before_its_history_is_written(
    ids, rita, monkeypatch
):
    with monkeypatch.context() as patch:
        patch.setattr(saving, "complete_history", lambda ids: None)
        read(ids, rita)
    assert versions() == []
    read(ids, rita, price=1020)
    judging.judge(Prediction.objects.get(pk=ids[0]), rita, state="disputed")
    told = Review.history.filter(prediction_id=ids[0]).order_by("history_id")
    assert [*told.values_list("actual_price", flat=True)] == [1010, 1020, None]
    assert len(versions()) == 2 * MANY + 1


def test_a_mark_skips_what_was_reviewed_meanwhile(ids, rita):
    judging.judge(Prediction.objects.get(pk=ids[0]), rita, state="disputed")
    assert judging.mark(ids, rita, "checked", "all") == MANY - 1
    assert Review.objects.filter(state="checked", note="all").count() == MANY - 1
    assert Review.history.count() == MANY


def test_a_sample_is_saved_by_one_transaction(ids):
    with watched() as transactions:
        sample = draw(Prediction.objects.all(), MANY, seed=1)
    assert [one.rows for one in transactions] == [MANY + 1]
    assert sorted(sample.predictions.values_list("place", flat=True)) == [*range(1, MANY + 1)]


def test_pruning_writes_few_rows_at_a_time_and_reads_none_of_them(ids, rita):
    read(ids, rita)
    with watched() as transactions:
        assert prune_rows(Prediction.objects.order_by("pk")) == MANY
    # Each prediction, its review, and the deletion in the history; and SQLite's row that allows it.
    assert {one.rows for one in transactions} <= {3 * AT_A_TIME, 3 * AT_A_TIME + 2, 150, 152}
    assert len(transactions) == MANY // AT_A_TIME + 1
    assert Review.history.filter(history_type="-", history_user=rita).count() == MANY
    assert not Review.objects.exists()
