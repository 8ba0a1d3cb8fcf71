"""The one way in: validate, price, record, answer. Views, commands and replay all call it."""

import time
from contextlib import contextmanager
from typing import NamedTuple

import numpy as np
from django.db import Error as DatabaseUnusable
from django.db import connection, transaction
from rest_framework.exceptions import ValidationError

from ml.forest.matrix import row_of
from ml.stones import CARAT_TOLERANCE, DEPTH_TOLERANCE, PRICE_YEAR, TYPICAL_FILL, derived_depth

from . import metrics
from .connections import let_go
from .exceptions import HistoryUnavailable, NoLiveForest
from .history import record
from .models import Prediction
from .registry import forest_of, registry
from .serializers import validate, validate_all, validate_options, volume_of

KEPT_OF_REQUEST = 4096
"""How many bytes of a request's text are recorded."""


class Caller(NamedTuple):
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

    def quote(self, payload, caller, options=None):
        """The recorded answer to one stone as sent; a Prediction.

        options: {"include": "comparables", "k": "5"} as sent, for its `comparables`.
        ValidationError (recorded as refused), NoLiveForest (recorded), HistoryUnavailable.
        """
        begun = time.perf_counter()
        with self._refusals_recorded(caller, begun):
            k = validate_options(options or {})
            scheme, features = validate(payload)
            model = self.registry.live(scheme)
            answer = model.forest.answer(row_of(features, scheme), k)
        prediction = _prediction(model, features, answer, caller.request, caller)
        prediction.latency_ms = _milliseconds_since(begun)
        _record([prediction])
        return prediction

    def quote_all(self, payloads, requests, caller, options=None):
        """The recorded answers to a list of stones, all or none; Predictions in the same order.

        requests: the text of each stone as sent, read only where all are valid. Options and errors
        as in `quote`; a refused list is recorded as one refusal.
        """
        begun = time.perf_counter()
        with self._refusals_recorded(caller, begun):
            k = validate_options(options or {})
            stones = validate_all(payloads)
            priced = self._priced(stones, k)
        predictions = [
            _prediction(model, features, answer, request, caller)
            for (model, answer), (_, features), request in zip(
                priced, stones, requests, strict=True
            )
        ]
        for prediction in predictions:
            prediction.latency_ms = _milliseconds_since(begun)
        _record(predictions)
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
            refusal = Prediction(
                source=caller.source,
                client=caller.client,
                status=error.status_code,
                request=cut(caller.request),
                latency_ms=_milliseconds_since(begun),
                error=error.detail,
            )
            _record([refusal])
            raise

    def _priced(self, stones, k):
        """[(model, answer), …] in the stones' order; each scheme is priced in one go."""
        priced = [None] * len(stones)
        for scheme in dict.fromkeys(scheme for scheme, _ in stones):
            model = self.registry.live(scheme)
            places = [place for place, stone in enumerate(stones) if stone[0] == scheme]
            rows = [row_of(stones[place][1], scheme) for place in places]
            for place, answer in zip(places, _answers(model.forest, rows, k), strict=True):
                priced[place] = model, answer
        return priced


def state_of_history():
    """Whether an answer could be recorded now, in words: a row is written and taken back."""
    try:
        Prediction.objects.only("pk").first()
    except DatabaseUnusable as error:
        let_go(error)
        return "does not answer"
    try:
        with transaction.atomic():
            Prediction(source="api", status=503, request="", latency_ms=0).save(force_insert=True)
            transaction.set_rollback(True)
        if connection.vendor == "sqlite":
            with connection.cursor() as cursor:  # it writes nothing to the disk before a commit
                cursor.execute("PRAGMA user_version = 0")
    except DatabaseUnusable as error:
        let_go(error)
        return "cannot be written"
    return "ok"


def _answers(forest, rows, k):
    """Answers with k comparables; one stone is quicker by itself than as a batch of one."""
    if k or len(rows) == 1:
        return [forest.answer(row, k) for row in rows]
    return forest.answers(np.array(rows))


def comparables_of(prediction, k):
    """The k heaviest stones behind a recorded price, as `described` gives them.

    Worked out anew by the forest that gave the price, which may not be live any more; ForestFileError
    or OSError where its file is gone.
    """
    return described(forest_of(prediction.version), replayed(prediction, k))


def replayed(prediction, k=0):
    """The Answer to a recorded stone, with k comparables, by the version that gave its price.

    Its price and range are the recorded ones, to the cent. Errors as `comparables_of`.
    """
    forest = forest_of(prediction.version)
    return forest.answer(row_of(prediction.features, prediction.scheme), k)


def described(forest, answer):
    """An answer's comparables with the stones as recorded: [{stone, price, year, …}], prices in USD."""
    found = []
    for comparable in answer.comparables:
        stone = forest.recorded(comparable.row)
        del stone["price"]
        found.append(
            {
                "stone": stone,
                "price": round(comparable.price),
                "year": PRICE_YEAR,
                "weight": comparable.weight,
                "adjusted_price": round(comparable.adjusted_price, 2),
            }
        )
    return found


def _prediction(model, features, answer, request, caller):
    prediction = Prediction.made(
        model.version,
        source=caller.source,
        client=caller.client,
        scheme=model.version.scheme,
        request=cut(request),
        price=answer.price,
        low=answer.low,
        high=answer.high,
        warnings=warnings_of(features, model.forest.metadata["training_ranges"]),
        **features,
    )
    if answer.comparables:
        prediction.comparables = described(model.forest, answer)
    return prediction


def _record(predictions):
    """Records all or none; HistoryUnavailable, which is counted, where the history cannot be written."""
    try:
        record(predictions)
    except DatabaseUnusable as error:
        metrics.RECORD_FAILURES.inc()
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
