"""The one way in: validate, price, record, answer. Views, commands and replay all call it."""

import time
from contextlib import contextmanager
from dataclasses import dataclass

import numpy as np
from django.db import Error as DatabaseUnusable
from django.db import transaction
from rest_framework.exceptions import ValidationError

from ml.matrix import row_of
from ml.stones import CARAT_TOLERANCE, DEPTH_TOLERANCE, TYPICAL_FILL, derived_depth

from .exceptions import HistoryUnavailable, NoLiveForest
from .models import Prediction
from .registry import registry
from .serializers import validate, validate_all, volume_of

KEPT_OF_REQUEST = 4096
"""How many bytes of a request's text are recorded."""


@dataclass(frozen=True)
class Caller:
    """Where a request came from, and its text as sent."""

    source: str
    client: str = ""
    request: str = ""


class PricePredictor:
    """Answers prices and records each answer first.

    A class because its callers differ only in the registry of forests that they answer from.
    """

    def __init__(self, registry=registry):
        self.registry = registry

    def quote(self, payload, caller):
        """The recorded answer to one stone as sent; a Prediction.

        ValidationError (recorded as refused), NoLiveForest (recorded), HistoryUnavailable.
        """
        begun = time.perf_counter()
        with self._refusals_recorded(caller, begun):
            scheme, features = validate(payload)
            prediction = self._priced([(scheme, features)], [caller.request], caller, begun)[0]
        with _recording():
            prediction.save(force_insert=True)
        return prediction

    def quote_all(self, payloads, requests, caller):
        """The recorded answers to a list of stones, all or none; Predictions in the same order.

        requests: the text of each stone as sent, read only where all are valid. Errors as in
        `quote`; a refused list is recorded as one refusal.
        """
        begun = time.perf_counter()
        with self._refusals_recorded(caller, begun):
            stones = validate_all(payloads)
            predictions = self._priced(stones, list(requests), caller, begun)
        with _recording(), transaction.atomic():
            Prediction.objects.bulk_create(predictions, batch_size=100)
        return predictions

    def refuse(self, errors, caller):
        """Records a request that could not even be read, then raises its ValidationError."""
        with self._refusals_recorded(caller, time.perf_counter()):
            raise ValidationError(errors)

    @contextmanager
    def _refusals_recorded(self, caller, begun):
        try:
            yield
        except (ValidationError, NoLiveForest) as error:
            with _recording():
                Prediction(
                    source=caller.source,
                    client=caller.client,
                    status=error.status_code,
                    request=cut(caller.request),
                    latency_ms=_milliseconds_since(begun),
                    error=error.detail,
                ).save(force_insert=True)
            raise

    def _priced(self, stones, requests, caller, begun):
        """Unsaved Predictions, their ids in the stones' order; each scheme is priced in one go."""
        priced = [None] * len(stones)
        for scheme in dict.fromkeys(scheme for scheme, _ in stones):
            model = self.registry.live(scheme)
            places = [place for place, stone in enumerate(stones) if stone[0] == scheme]
            rows = [row_of(stones[place][1], scheme) for place in places]
            for place, answer in zip(places, _answers(model.forest, rows), strict=True):
                priced[place] = model, answer
        predictions = [
            _prediction(model, features, answer, request, caller)
            for (model, answer), (_, features), request in zip(priced, stones, requests, strict=True)
        ]
        for prediction in predictions:
            prediction.latency_ms = _milliseconds_since(begun)
        return predictions


def _answers(forest, rows):
    """One stone is quicker by itself than as a batch of one."""
    return [forest.answer(rows[0])] if len(rows) == 1 else forest.answers(np.array(rows))


def _prediction(model, features, answer, request, caller):
    return Prediction(
        source=caller.source,
        client=caller.client,
        scheme=model.version.scheme,
        request=cut(request),
        price=answer.price,
        low=answer.low,
        high=answer.high,
        warnings=warnings_of(features, model.forest.metadata["training_ranges"]),
        version=model.version,
        **features,
    )


@contextmanager
def _recording():
    """Turns a history that cannot be written into HistoryUnavailable."""
    try:
        yield
    except DatabaseUnusable as error:
        raise HistoryUnavailable from error


def _milliseconds_since(begun):
    return round((time.perf_counter() - begun) * 1000, 3)


def cut(text):
    """The first 4 KiB (UTF-8) of a text."""
    return text.encode()[:KEPT_OF_REQUEST].decode(errors="ignore")


def warnings_of(features, training_ranges):
    """What is odd about a valid stone: [{code, field, value, …}], each with its figures."""
    found = [
        {"code": "outside_training_range", "field": name, "value": features[name],
         "low": low, "high": high}
        for name, (low, high) in training_ranges.items()
        if not low <= features[name] <= high
    ]  # fmt: skip
    return found + _depth_warnings(features) + _carat_warnings(features)


def _depth_warnings(features):
    if "z" not in features:
        return []
    derived = derived_depth(features["x"], features["y"], features["z"])
    if abs(derived - features["depth"]) <= DEPTH_TOLERANCE:
        return []
    return [{"code": "depth_disagrees", "field": "depth", "value": features["depth"],
             "expected": round(derived, 1)}]  # fmt: skip


def _carat_warnings(features):
    expected = TYPICAL_FILL * volume_of(features)
    ratio = features["carat"] / expected - 1
    if abs(ratio) <= CARAT_TOLERANCE:
        return []
    return [{"code": "carat_disagrees", "field": "carat", "value": features["carat"],
             "expected": round(expected, 2), "percent": round(100 * ratio)}]  # fmt: skip
