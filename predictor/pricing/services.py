"""The entry point for prices: validate, price, record, answer. Views, pages and commands call it."""

import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from typing import Any, NamedTuple, NoReturn

import numpy as np
from django.db import Error as DatabaseUnusable
from django.db import transaction
from rest_framework.exceptions import ValidationError

from ml.forest import Answer, PriceForest
from ml.forest.matrix import row_of
from predictor.errors import HistoryUnavailable, NoLiveForest
from predictor.history.record import cut, record
from predictor.models import Prediction
from predictor.telemetry import metrics
from predictor.versions.live import LiveModel, Registry, registry

from .answers import described
from .serializers import Features, Stone, validate, validate_all, validate_options
from .warnings import Warned, answers_with_warnings, warnings_of

REFUSED, NO_FOREST = 400, 503
"""The recorded status of requests without a price."""


Sent = Mapping[str, Any] | None
"""Options as sent."""

Also = Callable[[list[Prediction]], None] | None
"""What is saved with predictions, in their transaction."""


class Caller(NamedTuple):
    """Where a request came from, and its text as sent."""

    source: str
    client: str = ""
    request: str = ""


class PricePredictor:
    """Answers prices, and records each answer before returning it.

    A class, because callers differ in the registry of forests that they use.
    """

    def __init__(self, registry: Registry = registry) -> None:
        self.registry = registry

    def quote(self, payload: Any, caller: Caller, options: Sent = None) -> Prediction:
        """The recorded answer to one stone as sent; a Prediction.

        options: {"include": "comparables", "k": "5"} as sent, for its `comparables`; {"asking": "3100"}
        for the percentile of an asking price.
        Raises ValidationError (recorded as refused), NoLiveForest (recorded), HistoryUnavailable.
        """
        begun = time.perf_counter()
        with self._refusals_recorded(caller, begun):
            currency_of = partial(self._currency_of, payload)
            wanted = validate_options(options or {}, currency_of=currency_of)
            scheme, features = validate(payload)
            model = self.registry.live(scheme)
            answer = model.forest.answer(row_of(features, scheme), wanted.comparables)
        warnings, request = warnings_of(features, model.forest, answer), cut(caller.request)
        prediction = _new_prediction(model, features, answer, warnings, request, caller)
        if wanted.asking is not None:
            prediction.asking = wanted.asking
            prediction.percentile = _percentile_of(model.forest, answer, wanted.asking)
        prediction.latency_ms = _milliseconds_since(begun)
        _record_or_refuse([prediction])
        return prediction

    def _currency_of(self, payload: object) -> str:
        """The currency code of a stone's price; "" if it gets none."""
        try:
            return self.registry.live(validate(payload)[0]).version.currency
        except (ValidationError, NoLiveForest):
            return ""

    def preview(self, payload: object) -> Prediction:
        """What `quote` would answer now, for a page that updates while the user types: a Prediction that
        is not recorded, and neither is a refusal. Raises ValidationError, NoLiveForest."""
        scheme, features = validate(payload)
        model = self.registry.live(scheme)
        answer = model.forest.answer(row_of(features, scheme))
        warnings = warnings_of(features, model.forest, answer)
        return _new_prediction(model, features, answer, warnings, "", Caller("form"))

    def quote_all(
        self,
        payloads: list[Any],
        requests: Iterable[str],
        caller: Caller,
        options: Sent = None,
        also: Also = None,
    ) -> list[Prediction]:
        """The recorded answers to a list of stones, all or none; Predictions in the same order.

        requests: the text recorded for each stone, read only if all are valid. Options and errors as in
        `quote`; a refused list is recorded as one refusal. also: called with the predictions in the
        transaction that records them, to save related rows.
        """
        begun = time.perf_counter()
        with self._refusals_recorded(caller, begun):
            k = validate_options(options or {}, len(payloads)).comparables
            stones = validate_all(payloads)
            priced = self._price_all(stones, k)
        predictions = [
            _new_prediction(model, features, answer, warnings, request, caller)
            for (model, answer, warnings), (_, features), request in zip(
                priced, stones, requests, strict=True
            )
        ]
        for prediction in predictions:
            prediction.latency_ms = _milliseconds_since(begun)
        _record_or_refuse(predictions, also)
        return predictions

    def refuse(self, errors: dict[str, Any], caller: Caller) -> NoReturn:
        """Records a request that could not be parsed, then raises its ValidationError."""
        with self._refusals_recorded(caller, time.perf_counter()):
            raise ValidationError(errors)

    @contextmanager
    def _refusals_recorded(self, caller: Caller, begun: float) -> Iterator[None]:
        try:
            yield
        except ValidationError as error:
            _record_or_refuse([_new_refusal(caller, begun, REFUSED, error.detail)])
            raise
        except NoLiveForest as error:
            _record_or_refuse([_new_refusal(caller, begun, NO_FOREST, str(error.message))])
            raise

    def _price_all(
        self, stones: list[Stone], k: int
    ) -> list[tuple[LiveModel, Answer, list[Warned]]]:
        """[(model, answer, warnings), …] in the stones' order; each scheme is priced in one batch."""
        priced: list[Any] = [None] * len(stones)
        for scheme in dict.fromkeys(scheme for scheme, _ in stones):
            model = self.registry.live(scheme)
            places = [place for place, stone in enumerate(stones) if stone[0] == scheme]
            answered = _answer_all(model.forest, [stones[place][1] for place in places], k)
            for place, answer in zip(places, answered, strict=True):
                priced[place] = model, *answer
        return priced


def _new_refusal(caller: Caller, begun: float, status: int, error: Any) -> Prediction:
    return Prediction(
        source=caller.source,
        client=caller.client,
        status=status,
        request=cut(caller.request),
        latency_ms=_milliseconds_since(begun),
        error=error,
    )


def _answer_all(
    forest: PriceForest, stones: list[Features], k: int
) -> list[tuple[Answer, list[Warned]]]:
    """Answers with k comparables, and their warnings; pricing one stone directly is faster than a batch
    of one."""
    rows = [row_of(stone, forest.scheme) for stone in stones]
    if k or len(rows) == 1:
        answers = [forest.answer(row, k) for row in rows]
        return [(a, warnings_of(s, forest, a)) for s, a in zip(stones, answers, strict=True)]
    return answers_with_warnings(stones, forest, forest.answers(np.array(rows), turned=True))


def _percentile_of(forest: PriceForest, answer: Answer, asking: float) -> float | None:
    """Rounded to a tenth of a percent; None for a forest without quantiles."""
    percentile = forest.percentile_of(answer, asking)
    return None if percentile is None else round(percentile, 1)


def _new_prediction(
    model: LiveModel,
    features: Features,
    answer: Answer,
    warnings: list[Warned],
    request: str,
    caller: Caller,
) -> Prediction:
    prediction = Prediction.made(
        model.version,
        source=caller.source,
        client=caller.client,
        scheme=model.version.scheme,
        request=request,
        price=answer.price,
        low=answer.low,
        high=answer.high,
        warnings=warnings,
        **features,
    )
    if answer.comparables:
        prediction.comparables = described(model.forest, answer.comparables)
    return prediction


def _record_or_refuse(predictions: list[Prediction], also: Also = None) -> None:
    """Records all or none; if the history cannot be written, counts that and raises HistoryUnavailable."""
    try:
        if also is None:
            record(predictions)
        else:
            with transaction.atomic():
                record(predictions)
                also(predictions)
    except DatabaseUnusable as error:
        metrics.RECORD_FAILURES.inc()
        raise HistoryUnavailable from error


def _milliseconds_since(begun: float) -> float:
    return round((time.perf_counter() - begun) * 1000, 3)
