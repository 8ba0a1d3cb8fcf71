"""The entry point for prices: validate, price, record, answer. Views, pages and commands call it."""

import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial
from typing import Any, NamedTuple, NoReturn

import numpy as np
from django.db import Error as DatabaseUnusable
from django.db import transaction
from django.utils.translation import gettext
from rest_framework.exceptions import ValidationError

from ml.forest import Answer, PriceForest
from predictor.errors import HistoryUnavailable, NoLiveForest
from predictor.history.idempotency import Key
from predictor.history.record import cut, record
from predictor.models import ModelVersion, Prediction, may_be_recorded
from predictor.receipts.services import receipt_of
from predictor.telemetry import metrics
from predictor.telemetry.tracing import span, trace_id
from predictor.versions.live import LiveModel, Registry, VersionUnusable, registry

from .answers import described
from .assumptions import Assumed, assume, price_readings
from .serializers import (
    VALIDATORS,
    Features,
    Options,
    Stone,
    Validators,
    validate_options,
    validators_of,
)
from .warnings import Warned, answers_with_warnings, warnings_of

REFUSED, NO_FOREST = 400, 503
"""The recorded status of requests without a price."""

REFUSALS = ValidationError, NoLiveForest
"""The errors with which such a request is recorded."""

Sent = Mapping[str, Any] | None
"""Options as sent."""

Priced = tuple[LiveModel, Answer, list[Warned]]
"""What a stone was priced by, its answer and its warnings."""

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

    def quote(
        self, payload: Any, caller: Caller, options: Sent = None, key: Key | None = None
    ) -> Prediction:
        """The recorded answer to one stone as sent; a Prediction.

        options: {"include": "comparables", "k": "5"} as sent, for its `comparables`; {"include": "receipt"}
        for its `receipt`; {"asking": "3100"} for the percentile of an asking price; {"assume": "true"} to
        price a grade that the data does not have as the nearest one. key: keeps the answer with the record.
        Raises ValidationError (recorded as refused), NoLiveForest (recorded), HistoryUnavailable, KeyTaken,
        KeysUnusable.
        """
        begun = time.perf_counter()
        try:
            with span("validate"):
                currency_of = partial(self._currency_of, payload)
                wanted = validate_options(options or {}, currency_of=currency_of)
                model, features, assumed = self._read(payload, wanted.assume, wanted.version)
            with span("price"):
                forest = _forest_for(model, assumed)
                answer = forest.answer(forest.row(features), wanted.comparables)
        except REFUSALS as error:
            _record_refusal(caller, begun, error)
            raise
        warnings, request = warnings_of(features, model.forest, answer), cut(caller.request)
        prediction = _new_prediction(model, features, answer, warnings, request, caller)
        if assumed:
            _add_assumed([prediction], [(features, assumed)], model.forest)
        _compare(prediction, model.forest, answer, wanted.asking)
        if wanted.receipt:
            _sign([prediction])
        prediction.latency_ms = _milliseconds_since(begun)
        _record_or_refuse([prediction], key=key)
        return prediction

    def model(self, scheme: str, number: int | None) -> LiveModel:
        """The model of a version of a scheme, None for the active one. Raises NoLiveForest, ValidationError
        for a version that cannot answer, VersionUnavailable."""
        if number is None:
            return self.registry.live(scheme)
        try:
            return self.registry.named(scheme, number)
        except ModelVersion.DoesNotExist:
            raise ValidationError({"version": [_unknown_version(scheme, number)]}) from None
        except VersionUnusable:
            message = gettext("Version {number} of {scheme} cannot answer: its file is not kept.")
            message = message.format(scheme=scheme, number=number)
            raise ValidationError({"version": [message]}) from None

    def _currency_of(self, payload: object, number: int | None) -> str:
        """The currency code of a stone's price; "" if it gets none."""
        try:
            return self._read(payload, True, number)[0].version.currency
        except (ValidationError, NoLiveForest):
            return ""

    def validators(self) -> Validators:
        """What the graded version that prices takes; raises Unavailable."""
        return _validators(self._graded([], None))

    def _read(
        self, payload: Any, assumes: bool, number: int | None = None
    ) -> tuple[LiveModel, Features, list[Assumed]]:
        """(the model that prices a stone as sent, its features, what was assumed). Errors as in `model`."""
        graded = self._graded([payload], number)
        validators = _validators(graded)
        stone, assumed = assume(payload, validators.vocabulary) if assumes else (payload, [])
        scheme, features = validators.validate(stone)
        return self._model(scheme, number, graded), features, assumed

    def _graded(self, payloads: list[Any], number: int | None) -> LiveModel | None:
        """The graded model, which says what a stone may have: the same one then prices the stone. None if
        there is none, and for a list of coded stones that asks for a version of theirs."""
        try:
            if number is None:
                return self.registry.live("graded")
            if all(isinstance(one, dict) and "volume" in one for one in payloads):
                return None
            return self.registry.named("graded", number)
        except (NoLiveForest, ModelVersion.DoesNotExist, VersionUnusable):
            return None

    def _model(self, scheme: str, number: int | None, graded: LiveModel | None) -> LiveModel:
        return graded if graded and scheme == "graded" else self.model(scheme, number)

    def preview(self, payload: object) -> Prediction:
        """What `quote` would answer now, for a page that updates while the user types: a Prediction that
        is not recorded, and neither is a refusal. Grades may be assumed. Raises ValidationError,
        NoLiveForest."""
        model, features, assumed = self._read(payload, True)
        answer = _forest_for(model, assumed).answer(model.forest.row(features))
        warnings = warnings_of(features, model.forest, answer)
        prediction = _new_prediction(model, features, answer, warnings, "", Caller("form"))
        if assumed:
            _add_assumed([prediction], [(features, assumed)], model.forest)
        return prediction

    def quote_all(
        self,
        payloads: list[Any],
        requests: Iterable[str],
        caller: Caller,
        options: Sent = None,
        also: Also = None,
        askings: Sequence[float | None] = (),
        key: Key | None = None,
    ) -> list[Prediction]:
        """The recorded answers to a list of stones, all or none; Predictions in the same order.

        requests: the text recorded for each stone, read only if all are valid. Options and errors as in
        `quote`; a refused list is recorded as one refusal. also: called with the predictions in the
        transaction that records them, to save related rows. askings: the asking price of each stone, in the
        model's currency, None for none; () if none has one.
        """
        begun = time.perf_counter()
        try:
            with span("validate"):
                wanted = validate_options(options or {}, len(payloads))
                graded = self._graded(payloads, wanted.version)
                validators = _validators(graded)
                known, assumes = validators.vocabulary, wanted.assume
                sent = [assume(one, known) if assumes else (one, []) for one in payloads]
                stones = validators.validate_all([stone for stone, _ in sent])
            with span("price"):
                may_match = [may_be_recorded(assumed) for _, assumed in sent]
                priced = self._price_all(stones, wanted, may_match, graded)
        except REFUSALS as error:
            _record_refusal(caller, begun, error)
            raise
        predictions = _new_predictions(priced, stones, requests, caller)
        _add_all_assumed(predictions, stones, [assumed for _, assumed in sent], priced)
        _compare_all(predictions, priced, askings)
        if wanted.receipt:
            _sign(predictions)
        for prediction in predictions:
            prediction.latency_ms = _milliseconds_since(begun)
        _record_or_refuse(predictions, also, key)
        return predictions

    def refuse(self, errors: dict[str, Any], caller: Caller) -> NoReturn:
        """Records a request that could not be parsed, then raises its ValidationError."""
        refusal = ValidationError(errors)
        _record_refusal(caller, time.perf_counter(), refusal)
        raise refusal

    def _price_all(
        self, stones: list[Stone], wanted: Options, may_match: list[bool], graded: LiveModel | None
    ) -> list[Priced]:
        """[(model, answer, warnings), …] in the stones' order; each scheme is priced in one batch.

        may_match: whether the training data may have each stone itself.
        """
        priced: list[Any] = [None] * len(stones)
        for scheme in dict.fromkeys(scheme for scheme, _ in stones):
            model = self._model(scheme, wanted.version, graded)
            places = [place for place, stone in enumerate(stones) if stone[0] == scheme]
            some = [stones[place][1] for place in places]
            may_be = [may_match[place] for place in places]
            answered = _answer_all(model.forest, some, wanted.comparables, may_be)
            for place, answer in zip(places, answered, strict=True):
                priced[place] = model, *answer
        return priced


SHOWN_VERSIONS = 20
"""The most versions that a message names, the newest ones."""


def _unknown_version(scheme: str, number: int) -> str:
    """The message for a version that does not exist; it names those that do. Causes a query."""
    numbers = ModelVersion.objects.filter(scheme=scheme).values_list("number", flat=True)
    known = sorted(numbers.order_by("-number")[:SHOWN_VERSIONS])
    message = gettext("There is no version {number} of {scheme}; there are {numbers}.")
    return message.format(number=number, scheme=scheme, numbers=", ".join(map(str, known)))


def live_validators() -> Validators:
    """The Validators of the graded version that this process answers from; causes no query."""
    return _validators(registry.loaded().get("graded"))


def _validators(graded: LiveModel | None) -> Validators:
    """Those of a version; of the shipped table's vocabulary if there is none."""
    return validators_of(graded.forest, graded.version.number) if graded else VALIDATORS


def _record_refusal(caller: Caller, begun: float, error: ValidationError | NoLiveForest) -> None:
    if isinstance(error, ValidationError):
        refusal = _new_refusal(caller, begun, REFUSED, error.detail)
    else:
        refusal = _new_refusal(caller, begun, NO_FOREST, str(error.message))
    _record_or_refuse([refusal])


def _new_refusal(caller: Caller, begun: float, status: int, error: Any) -> Prediction:
    return Prediction(
        source=caller.source,
        client=caller.client,
        status=status,
        request=cut(caller.request),
        trace_id=trace_id(),
        latency_ms=_milliseconds_since(begun),
        error=error,
    )


def _forest_for(model: LiveModel, assumed: list[Assumed]) -> PriceForest:
    """The model's forest; by its trees only, if what was assumed makes the stone another one."""
    return model.forest if may_be_recorded(assumed) else model.forest.by_trees


def _answer_all(
    forest: PriceForest, stones: list[Features], k: int, may_match: list[bool]
) -> list[tuple[Answer, list[Warned]]]:
    """Answers with k comparables, and their warnings; pricing one stone directly is faster than a batch
    of one."""
    rows = forest.rows(stones)
    if k or len(rows) == 1:
        by_trees = forest.by_trees
        answers = [
            (forest if may_be else by_trees).answer(row, k)
            for row, may_be in zip(rows, may_match, strict=True)
        ]
        return [(a, warnings_of(s, forest, a)) for s, a in zip(stones, answers, strict=True)]
    found = forest.answers(rows, turned=True, may_match=np.array(may_match))
    return answers_with_warnings(stones, forest, found)


def _add_assumed(
    predictions: list[Prediction],
    stones: list[tuple[Features, list[Assumed]]],
    forest: PriceForest,
) -> None:
    """Adds to predictions what was assumed of their stones, with the prices of the other readings."""
    for prediction, assumed in zip(predictions, price_readings(stones, forest), strict=True):
        prediction.assumed = assumed


def _add_all_assumed(
    predictions: list[Prediction],
    stones: list[Stone],
    assumed: list[list[Assumed]],
    priced: list[Priced],
) -> None:
    """The same for a list; all that were assumed are of one scheme, as only grades by their names are."""
    if places := [place for place, one in enumerate(assumed) if one]:
        some = [(stones[place][1], assumed[place]) for place in places]
        _add_assumed([predictions[place] for place in places], some, priced[places[0]][0].forest)


def _compare(
    prediction: Prediction, forest: PriceForest, answer: Answer, asking: float | None
) -> None:
    """Adds an asking price, if there is one, and its percentile: rounded to a tenth, None for a forest
    without quantiles."""
    if asking is not None:
        percentile = forest.percentile_of(answer, asking)
        prediction.asking = asking
        prediction.percentile = None if percentile is None else round(percentile, 1)


def _compare_all(
    predictions: list[Prediction], priced: list[Priced], askings: Sequence[float | None]
) -> None:
    """The same for a list; () if no stone has an asking price."""
    for prediction, (model, answer, _), asking in zip(predictions, priced, askings, strict=False):
        _compare(prediction, model.forest, answer, asking)


def _new_predictions(
    priced: list[Priced], stones: list[Stone], requests: Iterable[str], caller: Caller
) -> list[Prediction]:
    return [
        _new_prediction(model, features, answer, warnings, request, caller)
        for (model, answer, warnings), (_, features), request in zip(
            priced, stones, requests, strict=True
        )
    ]


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
        {
            **features,
            "source": caller.source,
            "client": caller.client,
            "scheme": model.version.scheme,
            "request": request,
            "price": answer.price,
            "low": answer.low,
            "high": answer.high,
            "warnings": warnings,
            "trace_id": trace_id(),
            "features": features,
        },
    )
    if answer.comparables:
        prediction.comparables = described(model.forest, answer.comparables)
    return prediction


def _sign(predictions: list[Prediction]) -> None:
    """Adds their receipts. KeysUnusable, before anything is recorded."""
    for prediction in predictions:
        prediction.receipt = receipt_of(prediction)


def _record_or_refuse(
    predictions: list[Prediction], also: Also = None, key: Key | None = None
) -> None:
    """Records all or none; if the history cannot be written, counts that and raises HistoryUnavailable."""
    try:
        with span("record"):
            if also is None:
                record(predictions, key)
            else:
                with transaction.atomic():
                    record(predictions)
                    also(predictions)
    except DatabaseUnusable as error:
        metrics.RECORD_FAILURES.inc()
        raise HistoryUnavailable from error


def _milliseconds_since(begun: float) -> float:
    return round((time.perf_counter() - begun) * 1000, 3)
