"""The queues of samples: assigned to reviewers, and reviewed twice without seeing the first review."""

import threading
from contextlib import suppress
from datetime import timedelta

import pytest
from django.contrib.auth.models import User
from django.db import connections
from django.utils import timezone

from predictor.models import Prediction, Review, ReviewLock, SecondReview
from predictor.review import locking
from predictor.review.judging import ChangedError, judge
from predictor.review.locking import TakenError, take
from predictor.review.queues import (
    agreement_of,
    is_second,
    judge_again,
    next_drawn,
    progress_by_reviewer,
    waiting_for,
)
from predictor.review.sampling import draw

pytestmark = pytest.mark.django_db
ALL = Prediction.objects


@pytest.fixture
def rita(db):
    return User.objects.create(username="rita")


@pytest.fixture
def otto(db):
    return User.objects.create(username="otto")


def places(sample):
    return [one.prediction for one in sample.predictions.order_by("place")]


def test_each_reviewer_has_a_queue_of_their_own(answers, rita, otto):
    sample = draw(ALL.all(), 3, 1, reviewers=[rita.pk, otto.pk])
    first, second, third = places(sample)
    assert next_drawn(sample.pk, ALL.all(), rita) == first
    assert next_drawn(sample.pk, ALL.all(), rita, after=first.pk) == third
    assert next_drawn(sample.pk, ALL.all(), otto) == second
    assert [(one.pk, count) for one, count in waiting_for(rita)] == [(sample.pk, 2)]
    judge(second, otto, state="checked")
    assert next_drawn(sample.pk, ALL.all(), otto) is None
    assert waiting_for(otto) == []
    assert progress_by_reviewer(sample) == [(otto, 1, 1, 0), (rita, 2, 0, 0)]


def test_a_second_review_is_by_another_and_kept_beside_the_first(answers, rita, otto):
    sample = draw(ALL.all(), 3, 1, twice=True)
    first = places(sample)[0]
    judge(first, rita, state="checked", actual_price=3000)
    assert next_drawn(sample.pk, ALL.all(), rita) == places(sample)[1]
    assert next_drawn(sample.pk, ALL.all(), otto) == first
    assert is_second(sample.pk, first, otto)
    assert not is_second(sample.pk, first, rita)
    judge_again(first, otto, state="disputed", actual_price=3300, note="n", source="till")
    assert not is_second(sample.pk, first, otto)
    assert next_drawn(sample.pk, ALL.all(), otto) == places(sample)[1]
    assert (Review.objects.get().by, Review.objects.get().state) == (rita, "checked")
    again = SecondReview.objects.get()
    assert (again.by, again.state, again.actual_price, again.note) == (otto, "disputed", 3300, "n")
    with pytest.raises(ChangedError):
        judge_again(first, rita, state="checked")


def test_a_second_review_respects_a_lock(answers, rita, otto):
    take(answers[0].pk, rita)
    with pytest.raises(TakenError):
        judge_again(answers[0], otto, state="checked")
    assert not SecondReview.objects.exists()
    judge_again(answers[0], rita, state="checked")
    assert not ReviewLock.objects.exists()


def test_the_agreement_of_two_reviews(answers, rita, otto):
    sample = draw(ALL.all(), 3, 1, twice=True)
    assert agreement_of(sample) is None
    said = [("checked", 1000, "checked", 1005), ("checked", 1000, "disputed", None)]
    said.append(("disputed", 1000, "disputed", 1100))
    for prediction, (state, price, other_state, other_price) in zip(
        places(sample), said, strict=True
    ):
        judge(prediction, rita, state=state, actual_price=price)
        judge_again(prediction, otto, other_state, other_price)
    found = agreement_of(sample)
    assert (found.pairs, found.same_state, found.prices, found.same_price) == (3, 2, 2, 1)
    assert found.kappa == pytest.approx((2 / 3 - 4 / 9) / (1 - 4 / 9))
    assert found.difference == pytest.approx((5 / 1005 + 100 / 1100) / 2)
    assert found.different == [one.pk for one in places(sample)[1:]]
    assert progress_by_reviewer(sample) == [(otto, 0, 0, 3), (rita, 0, 3, 0)]


@pytest.mark.postgresql  # SQLite has one writer at a time
@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("is_over", [True, False])
def test_of_two_who_begin_at_the_same_moment_one_gets_the_lock(
    answers, rita, otto, monkeypatch, is_over
):
    pk, outcomes, both, give = answers[0].pk, [], threading.Barrier(2, timeout=1), locking._give
    if is_over:
        past = timezone.now() - timedelta(minutes=1)
        ReviewLock.objects.create(prediction_id=pk, by=rita, until=past)

    def give_at_the_same_moment(*args):
        with suppress(threading.BrokenBarrierError):  # the other one does not get so far
            both.wait()
        return give(*args)

    def begin(by):
        try:
            outcomes.append((by, take(pk, by).by))
        except TakenError as taken:
            outcomes.append((None, taken.lock.by))
        finally:
            connections.close_all()

    monkeypatch.setattr(locking, "_give", give_at_the_same_moment)
    threads = [threading.Thread(target=begin, args=[by]) for by in (rita, otto)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    holder = ReviewLock.objects.get().by
    assert sorted(outcomes, key=str) == [(holder, holder), (None, holder)]
