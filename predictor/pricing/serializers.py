"""Validates a stone in either scheme, for the API, the form and batches.

The fields are made from ml.stones once; `validate` and `validate_all` are what the service calls.
"""

import difflib
import json
import math
import re
from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import Annotated, Any, Literal, NamedTuple, NoReturn

import msgspec
from django.utils.translation import get_language
from django.utils.translation import gettext as _
from rest_framework.exceptions import ErrorDetail, ValidationError

from ml.stones import (
    CODES,
    GRADES,
    LONGEST,
    LOWEST_FILL,
    MEASURES,
    PRICE,
    SCHEMES,
    SOLID_DIAMOND,
    Measure,
    bounded,
    grades_of,
)
from ml.tables.amounts import OTHER_CURRENCY, AmountError, read_amount
from predictor.wording.figures import figure, number

Features = dict[str, Any]
"""A valid stone: {parameter: value}."""

Stone = tuple[str, Features]
"""A valid stone with its scheme: (scheme, features)."""

NUMBER_TEXT = re.compile(r"[+-]?(\d+(\.\d*)?|\.\d+)(e[+-]?\d+)?", re.IGNORECASE | re.ASCII)
CODE_TEXT = re.compile(r"[+-]?\d{1,9}(\.0*)?", re.ASCII)
NOT_FINITE = {"nan", "inf", "infinity"}
ABSENT = object()
"""Stands for a value that was not sent."""

SHOWN = 40
"""The number of characters of a refused value that its message repeats."""

UNPRINTABLE = re.compile(r"[\x00-\x1f\x7f-\x9f\ud800-\udfff]")

SPELLING_OF = {name: {grade.lower(): grade for grade in grades} for name, grades in GRADES.items()}
"""The grades' usual spellings by their names in lower case."""

MAX_UNKNOWN = 20
"""The most unknown parameters of one stone that are named: finding similar names takes time."""

WRONG = 50
"""After this many wrong stones of a list, only one unknown parameter of each is named."""

COUNT = re.compile(r"\d{1,3}", re.ASCII)
OPTIONS = ("include", "k", "asking")
"""Query parameters that do not describe the stone."""

DEFAULT_COMPARABLES, MAX_COMPARABLES = 5, 50
MAX_STONES = 1000
MOST_OF_LIST = MAX_STONES * DEFAULT_COMPARABLES
"""The most comparables in all for a list; ten times as many take ten times as long as the prices."""

ONLY_ONE = {"coded": {"volume"}, "graded": {"x", "y", "z"}}
"""Parameters whose name identifies the scheme."""


def shown(value: object) -> str:
    """A refused value as its message repeats it: short, with characters that can be stored and sent."""
    if isinstance(value, list | dict):
        return "[…]" if isinstance(value, list) else "{…}"
    text = value if isinstance(value, str) else json.dumps(value)
    text = text if len(text) <= SHOWN else text[:SHOWN] + "…"
    return UNPRINTABLE.sub(lambda found: ascii(found[0])[1:-1], text)


@lru_cache(maxsize=256)
def _accepted(field: "StoneField", language: str) -> str:
    """A description of what a field accepts; cached, because a list may have thousands of errors."""
    return field.accepted()


class StoneField:
    """A parameter. Refuses absent, empty, repeated and nested values; subclasses parse the others."""

    def __init__(self, name: str) -> None:
        self.name = name

    def accepted(self) -> str:
        """What the field accepts, in the reader's language."""
        raise NotImplementedError

    def usual(self, data: Any) -> Any:
        """The value of the most common kind of input, without errors; None for any other."""
        raise NotImplementedError

    def parse(self, value: Any) -> Any:
        """The value of an input that is neither absent, empty nor nested; raises ValidationError."""
        raise NotImplementedError

    def refuse(self, message: str, **parts: object) -> NoReturn:
        """Raises ValidationError; message: what is wrong; {accepted} stands for what the field accepts."""
        accepted = _accepted(self, get_language())
        raise ValidationError(message.format(accepted=accepted, **parts))

    def run_validation(self, value: object = ABSENT) -> Any:
        """The value of the input; raises ValidationError."""
        if value is ABSENT:
            self.refuse(_("Missing: give {accepted}."))
        if isinstance(value, list):
            self.refuse(_("{count} values: give {accepted}, once."), count=len(value))
        if isinstance(value, dict):
            self.refuse(_("An object: give {accepted}."))
        value = bounded(value).strip() if isinstance(value, str) else value
        if value in (None, ""):
            self.refuse(_("Empty: give {accepted}."))
        return self.parse(value)


class MeasureField(StoneField):
    """A finite number within the bounds of its measure."""

    def __init__(self, name: str, measure: Measure) -> None:
        super().__init__(name)
        self.measure, self.low, self.high = measure, measure.low, measure.high

    def accepted(self) -> str:
        return (
            _("a number from {low} to {high} {unit}")
            .format(low=figure(self.low), high=figure(self.high), unit=self.measure.unit)
            .rstrip()
        )

    def usual(self, data: Any) -> float | None:
        if isinstance(data, str) and NUMBER_TEXT.fullmatch(bounded(data)):
            number = float(data)
            return number if self.low <= number <= self.high else None
        usual = type(data) in (float, int) and self.low <= data <= self.high
        return float(data) if usual else None

    def parse(self, value: Any) -> float:
        number = self.number(value)
        if not math.isfinite(number):
            self.refuse_infinite(value)
        if not self.low <= number <= self.high:
            self.refuse(_("“{value}” is out of bounds: give {accepted}."), value=shown(value))
        return number

    def number(self, value: Any) -> float:
        if isinstance(value, str) and value.lower().lstrip("+-") in NOT_FINITE:
            self.refuse_infinite(value)
        if isinstance(value, bool) or (isinstance(value, str) and not NUMBER_TEXT.fullmatch(value)):
            self.refuse_text(value)
        try:
            return float(value)
        except OverflowError:
            return math.inf

    def refuse_text(self, value: object) -> NoReturn:
        self.refuse(_("“{value}” is not a number: give {accepted}."), value=shown(value))

    def refuse_infinite(self, value: object) -> NoReturn:
        self.refuse(_("“{value}” is not a finite number: give {accepted}."), value=shown(value))


class CodeField(StoneField):
    """An integer code of the coded scheme."""

    def __init__(self, name: str, codes: dict[int, tuple[str, ...]]) -> None:
        super().__init__(name)
        self.codes = codes
        self.as_sent = {str(code): code for code in codes} | {code: code for code in codes}

    def accepted(self) -> str:
        meanings = [f"{code} ({', '.join(grades)})" for code, grades in self.codes.items()]
        return _("one of {choices}").format(choices=", ".join(meanings))

    def usual(self, data: Any) -> int | None:
        return self.as_sent.get(data) if type(data) in (str, int) else None

    def parse(self, value: Any) -> int:
        whole = not isinstance(value, bool) and CODE_TEXT.fullmatch(str(value))
        code = int(float(value)) if whole else None
        if code not in self.codes:
            message = _("“{value}” is not a {field} code: give {accepted}.")
            self.refuse(message, value=shown(value), field=self.name)
        return code


class GradeField(StoneField):
    """A grade's name, in any letter case; the value is its usual spelling."""

    def __init__(self, name: str, grades: tuple[str, ...]) -> None:
        super().__init__(name)
        self.grades = grades
        self.spelling = SPELLING_OF[name]

    def accepted(self) -> str:
        return _("one of {choices}").format(choices=", ".join(self.grades))

    def usual(self, data: Any) -> str | None:
        return data if isinstance(data, str) and data in self.grades else None

    def parse(self, value: Any) -> str:
        grade = isinstance(value, str) and self.spelling.get(value.lower())
        if not grade:
            message = _("“{value}” is not a {field} grade: give {accepted}.")
            self.refuse(message, value=shown(value), field=self.name)
        return grade


class StoneValidator:
    """Validates a stone of one scheme; its weight and size must be possible for a diamond."""

    def __init__(self, scheme: str) -> None:
        self.fields = {name: _field_for(scheme, name) for name in SCHEMES[scheme]}

    def run_validation(self, data: object, most_unknown: int = MAX_UNKNOWN) -> Features:
        """{name: value} of a stone as sent; raises ValidationError. most_unknown: as in `validate`."""
        return self.validate(self.to_internal_value(data, most_unknown))

    def to_internal_value(self, data: object, most_unknown: int = MAX_UNKNOWN) -> Features:
        if not isinstance(data, dict):
            raise _refusal(_("“{value}” is not a stone: give an object.").format(value=shown(data)))
        features: Features = {}
        errors: dict[str, Any] = {}
        for name, field in self.fields.items():
            try:
                features[name] = field.run_validation(data.get(name, ABSENT))
            except ValidationError as error:
                errors[name] = error.detail
        strange = [name for name in data if name not in features and name not in errors]
        errors |= {shown(name): self.unknown(name) for name in strange[:most_unknown]}
        if errors:
            raise ValidationError(errors)
        return features

    def unknown(self, name: str) -> list[str]:
        """The message for a parameter that is not in the scheme."""
        near = difflib.get_close_matches(name[:SHOWN].lower(), self.fields, 1, 0.5)
        if near:
            return [_("Unknown parameter. Did you mean {name}?").format(name=near[0])]
        return [_("Unknown parameter; there are {names}.").format(names=", ".join(self.fields))]

    def validate(self, features: Features) -> Features:
        carat, volume = features["carat"], volume_of(features)
        heaviest, lightest = SOLID_DIAMOND * volume, LOWEST_FILL * volume
        if carat > heaviest:
            message = _("{carat} ct is impossible: solid diamond of this size weighs {limit} ct.")
            raise _impossible(message, carat, heaviest)
        if carat < lightest:
            message = _(
                "{carat} ct is impossible: no cut of this size weighs less than {limit} ct."
            )
            raise _impossible(message, carat, lightest)
        return features


def _impossible(message: str, carat: float, limit: float) -> ValidationError:
    return ValidationError({"carat": [message.format(carat=figure(carat), limit=number(limit, 2))]})


def volume_of(features: Features) -> Any:
    """Volume in mm³ of the box around a stone: as sent (coded), or x * y * z."""
    if "volume" in features:
        return features["volume"]
    return features["x"] * features["y"] * features["z"]


def _field_for(scheme: str, name: str) -> StoneField:
    if name in MEASURES:
        return MeasureField(name, MEASURES[name])
    if scheme == "coded":
        return CodeField(name, CODES[name])
    return GradeField(name, GRADES[name])


ASKING = MeasureField("asking", PRICE)
VALIDATORS = {scheme: StoneValidator(scheme) for scheme in SCHEMES}
"""One instance for each scheme, shared by all requests: it has no state."""


def validate(payload: object, most_unknown: int = MAX_UNKNOWN) -> Stone:
    """(scheme, features) of a stone as sent; raises ValidationError with DRF's {field: [message]}.

    most_unknown: the most unknown parameters that are named.
    """
    if not isinstance(payload, dict):
        raise _refusal(_("“{value}” is not a stone: give an object.").format(value=shown(payload)))
    if stone := well_formed(payload):
        VALIDATORS[stone[0]].validate(stone[1])
        return stone
    scheme = scheme_of(payload)
    return scheme, VALIDATORS[scheme].run_validation(payload, most_unknown)


def _type_of(scheme: str, name: str) -> Any:
    """What msgspec accepts for a parameter: less than its field, so that it never decides otherwise."""
    if measure := MEASURES.get(name):
        return Annotated[float, msgspec.Meta(ge=measure.low, le=measure.high)]
    return Literal[grades_of(name, scheme)]


WELL_FORMED: dict[str, Any] = {
    scheme: msgspec.defstruct(
        scheme, [(name, _type_of(scheme, name)) for name in names], forbid_unknown_fields=True
    )
    for scheme, names in SCHEMES.items()
}


def well_formed(payload: dict[str, Any]) -> Stone | None:
    """(scheme, features) of a stone as programs usually send it, all numbers or all text, read in one
    pass; None for any other, which the validators read, or refuse, field by field."""
    scheme = "coded" if "volume" in payload else "graded"
    in_text = isinstance(payload.get("carat"), str)
    try:
        if in_text and len("".join(payload.values())) > LONGEST:
            return None
        stone = msgspec.convert(payload, WELL_FORMED[scheme], strict=not in_text)
    except (TypeError, UnicodeError, msgspec.ValidationError):
        return None
    return scheme, msgspec.structs.asdict(stone)


class Options(NamedTuple):
    """Options besides the stone: the number of comparables (0: none), and the asking price whose percentile
    is wanted (in the model's currency; None: none)."""

    comparables: int = 0
    asking: float | None = None


NO_OPTIONS = Options()


def validate_options(
    options: Mapping[str, Any], stones: int | None = None, currency_of: Callable[[], str] = str
) -> Options:
    """The Options as sent: {"include": …, "k": …, "asking": …}; stones: the length of a list;
    currency_of: returns the code that an asking price must be in, "" if there is none.

    Raises ValidationError with {option: [message]}.
    """
    if not options:
        return NO_OPTIONS
    unknown = [name for name in options if name not in OPTIONS][:MAX_UNKNOWN]
    if unknown:
        message = _("Unknown option; there are {names}.").format(names=", ".join(OPTIONS))
        raise ValidationError({shown(name): [message] for name in unknown})
    k = _comparables(options)
    if (stones or 0) * k > MOST_OF_LIST:
        message = _("{k} for each of {count} stones: give at most {most} comparables in all.")
        raise ValidationError({"k": [message.format(k=k, count=stones, most=MOST_OF_LIST)]})
    return Options(k, _asking(options, stones is not None, currency_of))


def _comparables(options: Mapping[str, Any]) -> int:
    if not {"include", "k"} & options.keys():
        return 0
    if options.get("include") != "comparables":
        raise ValidationError({"include": [_("Use include=comparables, or omit it.")]})
    k = options.get("k", str(DEFAULT_COMPARABLES))
    if not (isinstance(k, str) and COUNT.fullmatch(k) and 1 <= int(k) <= MAX_COMPARABLES):
        message = _("Give a whole number from 1 to {most}, once.")
        raise ValidationError({"k": [message.format(most=MAX_COMPARABLES)]})
    return int(k)


def _asking(
    options: Mapping[str, Any], of_list: bool, currency_of: Callable[[], str]
) -> float | None:
    if "asking" not in options:
        return None
    if of_list:
        raise ValidationError(
            {"asking": [_("An asking price can be sent for one stone, not for a list.")]}
        )
    try:
        return ASKING.run_validation(options["asking"])
    except ValidationError as error:
        other = _other_currency(options["asking"], currency_of())
        raise ValidationError({"asking": [other] if other else error.detail}) from None


def _other_currency(value: object, currency: str) -> str:
    """The message for an amount with a currency other than the answer's; "" for anything else.

    Such text is refused in any case: this API takes plain numbers, without a currency.
    """
    if not (currency and isinstance(value, str)):
        return ""
    try:
        read_amount(value, currency)
    except AmountError as error:
        if error.sentence == OTHER_CURRENCY:
            return _(error.sentence).format(**{n: shown(v) for n, v in error.values.items()})
    return ""


def validate_all(payloads: list[Any]) -> list[Stone]:
    """[(scheme, features), …] of a list of stones.

    Raises ValidationError with an entry for each wrong stone: its `row`, counted from 0, and its errors.
    """
    if not payloads:
        raise _refusal(_("An empty list: give at least one stone."))
    if len(payloads) > MAX_STONES:
        raise _refusal(too_many(len(payloads)))
    stones: list[Stone] = []
    wrong: list[dict[str, Any]] = []
    for place, payload in enumerate(payloads):
        try:
            stones.append(validate(payload, MAX_UNKNOWN if len(wrong) < WRONG else 1))
        except ValidationError as error:
            wrong.append(_in_row(place, error.detail))
    if wrong:
        refusal = ValidationError()
        refusal.detail = wrong  # DRF's constructor would turn the row's number into text
        raise refusal
    return stones


def too_many(count: int) -> str:
    """The message for a list with too many stones."""
    message = _("{count} stones: give at most {most} in one request.")
    return message.format(count=count, most=MAX_STONES)


def _in_row(place: int, errors: dict[str, Any]) -> dict[str, Any]:
    """A stone's errors with its index in the list as `row`, even if a parameter is called row."""
    given = {"row": place, **errors}
    if "row" in errors:
        given |= {"row": place, "non_field_errors": [f"row: {errors['row'][0]}"]}
    return given


def scheme_of(payload: Mapping[str, Any]) -> str:
    """The scheme of a stone as sent; raises ValidationError if it is unclear or mixes both."""
    given = {scheme for scheme, names in ONLY_ONE.items() if names & payload.keys()}
    of_grades = (_scheme_of_grade(name, payload[name]) for name in GRADES if name in payload)
    given |= set(filter(None, of_grades))
    if len(given) == 1:
        return given.pop()
    problem = _("This mixes the two schemes.") if given else _("Cannot determine the scheme.")
    raise _refusal(f"{problem} {_needs()}")


def _scheme_of_grade(name: str, value: Any) -> str | None:
    """The scheme that a grade belongs to; None if it is in neither."""
    if not isinstance(value, str):
        return "coded" if isinstance(value, int | float) and not isinstance(value, bool) else None
    value = bounded(value).strip()
    if CODE_TEXT.fullmatch(value):
        return "coded"
    return "graded" if value.lower() in SPELLING_OF[name] else None


def _needs() -> str:
    return _(
        "coded needs {coded} (grades as integers); graded needs {graded} (grades as names)."
    ).format(**{scheme: ", ".join(names) for scheme, names in SCHEMES.items()})


def _refusal(message: str) -> ValidationError:
    return ValidationError({"non_field_errors": [ErrorDetail(message, code="invalid")]})
