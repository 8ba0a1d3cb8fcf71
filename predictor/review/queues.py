"""The order in which the answers of a sample are reviewed: as they were drawn, so that those reviewed first
are a random sample too. Called by the admin's links from record to record."""

from predictor.models import Review, SampledPrediction
from predictor.review.judging import open_to


def next_drawn(sample, rows, by, after=None):
    """The first answer of a sample that a reviewer can review, in the order drawn; None without one.

    sample: its number; rows: a queryset of Predictions that contains it; after: the id to continue from.
    """
    places = _drawn(sample).filter(prediction=after).values_list("place", flat=True)
    ahead = {"samples__sample": sample, "samples__place__gt": places.first() or 0}
    return open_to(rows, by).filter(**ahead).order_by("samples__place").first()


def progress(sample):
    """(reviewed, drawn): counts of a sample's answers."""
    drawn = _drawn(sample)
    return Review.objects.filter(prediction__in=drawn.values("prediction")).count(), drawn.count()


def _drawn(sample):
    return SampledPrediction.objects.filter(sample=sample)
