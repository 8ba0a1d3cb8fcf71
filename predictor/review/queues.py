"""The queues of samples: in the order drawn, so that those reviewed first are a random sample too; by
reviewer; and twice, by two reviewers who do not see each other's review."""

from dataclasses import dataclass
from statistics import median

from django.contrib.auth import get_user_model
from django.db import transaction
from django.db.models import Count, Q

from predictor.models import Review, ReviewLock, Sample, SampledPrediction, SecondReview
from predictor.review.judging import ChangedError
from predictor.review.locking import refuse_if_taken, without_lock_of_others

SAME_PRICE = 0.01
"""Two actual prices that differ by less than this ratio agree."""


def next_drawn(sample, rows, by, after=None):
    """The first answer of a sample that a reviewer can review, in the order drawn; None without one.

    sample: its number; rows: a queryset of Predictions that contains it; after: the id to continue from.
    """
    places = _drawn(sample).filter(prediction=after).values_list("place", flat=True)
    ahead = {"samples__sample": sample, "samples__place__gt": places.first() or 0}
    rows = without_lock_of_others(rows.filter(status=200), by)
    return rows.filter(_open_to(by, sample), **ahead).order_by("samples__place").first()


def waiting_for(by):
    """[(Sample, number), …] of the answers that are assigned to a reviewer and have no review."""
    own = Q(predictions__reviewer=by, predictions__prediction__review=None)
    samples = Sample.objects.annotate(waiting=Count("predictions", filter=own))
    assigned = SampledPrediction.objects.filter(reviewer=by).values("sample")
    return [(one, one.waiting) for one in samples.filter(pk__in=assigned, waiting__gt=0)]


def _open_to(by, sample):
    first = Q(review=None) & (Q(samples__reviewer=None) | Q(samples__reviewer=by))
    if not Sample.objects.filter(pk=sample, twice=True).exists():
        return first
    return first | (~Q(review=None) & ~Q(review__by=by) & Q(second_review=None))


def progress(sample):
    """(reviewed, drawn): counts of a sample's answers."""
    drawn = _drawn(sample)
    return Review.objects.filter(prediction__in=drawn.values("prediction")).count(), drawn.count()


def progress_by_reviewer(sample):
    """[(user, assigned, first reviews, second reviews), …] of those who have any, by name."""
    drawn = _drawn(sample.pk)
    assigned, first, second = (
        dict(drawn.exclude(**{who: None}).order_by().values_list(who).annotate(Count("pk")))
        for who in ("reviewer", "prediction__review__by", "prediction__second_review__by")
    )
    users = get_user_model().objects.filter(pk__in=assigned.keys() | first.keys() | second.keys())
    return [
        (user, *(counts.get(user.pk, 0) for counts in (assigned, first, second)))
        for user in users.order_by("username")
    ]


def _drawn(sample):
    return SampledPrediction.objects.filter(sample=sample)


# Two reviews


def is_second(sample, prediction, by):
    """Whether a reviewer's review of an answer would be the second one, which is blind to the first."""
    asked = _drawn(sample).filter(prediction=prediction, sample__twice=True)
    return (
        asked.exists()
        and Review.objects.filter(prediction=prediction).exclude(by=by).exists()
        and not SecondReview.objects.filter(prediction=prediction).exists()
    )


def judge_again(prediction, by, state, actual_price=None, note="", **beside):
    """Saves the second review; raises TakenError, or ChangedError if there is one meanwhile. beside: what
    only a first review keeps."""
    said = {"state": state, "actual_price": actual_price, "note": note, "by": by}
    with transaction.atomic():
        refuse_if_taken(Q(prediction=prediction), by)
        review, created = SecondReview.objects.get_or_create(prediction=prediction, defaults=said)
        ReviewLock.objects.filter(prediction=prediction).delete()
    if not created:
        raise ChangedError(review)


@dataclass(frozen=True)
class Agreement:
    """How often two reviews of an answer agree. kappa: Cohen's, of the state; None if it is undefined;
    prices: pairs with two actual prices; difference: the median of their ratio's difference from 1."""

    pairs: int
    same_state: int
    kappa: float | None
    prices: int
    same_price: int
    difference: float | None
    different: list


def agreement_of(sample):
    """The Agreement of a sample's reviews; None without a second one."""
    rows = [*_drawn(sample.pk).exclude(prediction__second_review=None).values_list(*OF_PAIR)]
    if not rows:
        return None
    same = [first == second for _, first, second, *_ in rows]
    ratios = {row[0]: abs(row[3] / row[4] - 1) for row in rows if row[3] and row[4]}
    return Agreement(
        pairs=len(rows),
        same_state=sum(same),
        kappa=_kappa([row[1:3] for row in rows]),
        prices=len(ratios),
        same_price=sum(ratio < SAME_PRICE for ratio in ratios.values()),
        difference=median(ratios.values()) if ratios else None,
        different=[
            row[0]
            for row, alike in zip(rows, same, strict=True)
            if not alike or ratios.get(row[0], 0) >= SAME_PRICE
        ],
    )


OF_PAIR = (
    "prediction",
    *("prediction__review__state", "prediction__second_review__state"),
    *("prediction__review__actual_price", "prediction__second_review__actual_price"),
)


def _kappa(pairs):
    """Cohen's kappa (1960): agreement beyond that of chance."""
    n = len(pairs)
    seen = sum(first == second for first, second in pairs) / n
    by_chance = sum(
        sum(pair[0] == state for pair in pairs) * sum(pair[1] == state for pair in pairs)
        for state in Review.State.values
    ) / (n * n)
    return None if by_chance == 1 else (seen - by_chance) / (1 - by_chance)
