"""Prices, in a worker, the requests that the active version has answered, with the shadow of its scheme.

Between two jobs a worker calls `catch_up`, which works for about a second. So no answer waits for a shadow:
its prices are written later, by another process, in short transactions.
"""

import logging
import time
from datetime import timedelta

from django.db import Error as DatabaseUnusable
from django.db import transaction
from django.db.models import F
from django.utils import timezone

from ml.forest.artifact import ForestFileError
from predictor.history.batches import PAUSE, WRITTEN_AT_ONCE
from predictor.history.partitions import first_id
from predictor.models import Prediction, Shadow, ShadowPrice
from predictor.models.ids import time_of
from predictor.replay.actual import trained_on
from predictor.replay.services import answers_of
from predictor.versions.live import forest_of

log = logging.getLogger(__name__)

LAG = timedelta(seconds=10)
"""How old a request has to be: an earlier one may be committed after a later one, up to this long."""

SECONDS = 1.0
"""About how long one call works."""

RETRY_SECONDS = 60.0
"""Seconds until a shadow that failed is tried again, such as one whose file could not be loaded."""


class Shadows:
    """Prices for all shadows; `catch_up` may be called by several workers at once."""

    def __init__(self):
        self.retry_at = {}  # {shadow's id: time, as of time.monotonic}, for those that failed

    def catch_up(self, seconds=SECONDS):
        """Prices requests that were recorded since the last call, the oldest first; returns how many were
        looked at. Errors of the database are raised."""
        looked_at, until = 0, time.monotonic() + seconds
        shadows = Shadow.objects.filter(ended=None).select_related("version")
        for shadow in shadows.defer("version__card"):
            if self.retry_at.get(shadow.pk, 0) > time.monotonic():
                continue
            try:
                looked_at += _work(shadow, until)
            except DatabaseUnusable:
                raise
            except (ForestFileError, OSError) as error:
                log.warning("shadow %s could not be loaded: %s", shadow.version, error)
                self._postpone(shadow, str(error))
            except Exception as error:  # the other scheme's shadow must still work
                log.exception("shadow %s failed", shadow.version)
                self._postpone(shadow, f"{type(error).__name__}: {error}")
        return looked_at

    def _postpone(self, shadow, why):
        self.retry_at[shadow.pk] = time.monotonic() + RETRY_SECONDS
        Shadow.objects.filter(pk=shadow.pk).exclude(failure=why).update(failure=why)


def _work(shadow, until):
    """Prices batches until there are no more, or the time is over; returns how many requests it looked at.

    A pause after each batch lets others write.
    """
    looked_at = 0
    while rows := _next(shadow):
        begun = time.monotonic()
        prices, unpriced = _priced(shadow, rows)
        written = time.monotonic()
        if not _write(shadow, rows[-1].pk, prices, unpriced):
            break  # another worker has done it, or the shadow has ended
        looked_at += len(rows)
        if time.monotonic() > until or len(rows) < WRITTEN_AT_ONCE:
            break
        time.sleep(PAUSE * (time.monotonic() - written) + (written - begun))
    return looked_at


def _next(shadow):
    """The next Predictions of any scheme, in the order of their ids: a query that cannot take long."""
    rows = Prediction.objects.filter(pk__gt=shadow.reached, pk__lt=first_id(timezone.now() - LAG))
    rows = rows.select_related("version").defer("request", "version__card").order_by("pk")
    return list(rows[:WRITTEN_AT_ONCE])


def _priced(shadow, rows):
    """The ShadowPrices of what the active version has answered, and the number of those without one."""
    rows = [row for row in rows if row.status == 200 and row.version_id == shadow.against_id]
    forest = forest_of(shadow.version)
    known = [row for row in rows if not forest.unknown_in(row.features)]
    answers = answers_of(forest, known) if known else []
    prices = [_price(shadow, *both) for both in zip(known, answers, strict=True)]
    return prices, len(rows) - len(known)


def _price(shadow, prediction, answer):
    return ShadowPrice(
        prediction=prediction,
        shadow=shadow,
        price=answer.price,
        low=answer.low,
        high=answer.high,
        trained_on=trained_on(prediction, shadow.version),
    )


@transaction.atomic
def _write(shadow, reached, prices, unpriced):
    """Stores prices, and how far the shadow is; False if that has changed meanwhile."""
    row = Shadow.objects.filter(pk=shadow.pk, reached=shadow.reached, ended=None)
    counts = {"priced": F("priced") + len(prices), "unpriced": F("unpriced") + unpriced}
    if not row.update(reached=reached, failure="", **counts):
        return False
    ShadowPrice.objects.bulk_create(prices)
    shadow.reached = reached
    return True


def figures():
    """For the metrics: [(scheme, the number of its shadow's version, the age in seconds of the oldest
    request that it has not looked at), …]. Causes a query for each."""
    return [
        (shadow.scheme, shadow.version.number, _behind(shadow))
        for shadow in Shadow.objects.filter(ended=None).select_related("version")
    ]


def _behind(shadow):
    rows = Prediction.objects.filter(pk__gt=shadow.reached).order_by("pk")
    oldest = rows.values_list("pk", flat=True).first()
    return max((timezone.now() - time_of(oldest)).total_seconds(), 0) if oldest else 0
