"""Validates a stone in either scheme, for the API, the form and batches.

What a graded stone may have depends on the version that prices it: the fields are made once for each
vocabulary (ml.vocabulary), as Validators, whose `validate` and `validate_all` are what the service calls.
"""

import difflib
import json
import math
import re
from collections.abc import Callable, Mapping
from functools import lru_cache, partial
from typing import Annotated, Any, Literal, NamedTuple, NoReturn

import msgspec
from django.utils.translation import get_language
from django.utils.translation import gettext as _
from rest_framework.exceptions import ErrorDetail, ValidationError

from ml.forest import PriceForest
from ml.stones import (
    CODES,
    LONGEST,
    LOWEST_FILL,
    MEASURES,
    PRICE,
    SCHEMES,
    SOLID_DIAMOND,
    Measure,
    bounded,
)
from ml.tables.amounts import OTHER_CURRENCY, AmountError, read_amount
from ml.tables.grades import assumed_grades
from ml.vocabulary import DEFAULT, NOT_STATED, OPTIONAL, Vocabulary
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

MAX_UNKNOWN = 20
"""The most unknown parameters of one stone that are named: finding similar names takes time."""

WRONG = 50
"""After this many wrong stones of a list, only one unknown parameter of each is named."""

COUNT = re.compile(r"\d{1,3}", re.ASCII)
VERSION = re.compile(r"[1-9]\d{0,8}", re.ASCII)
COMPARABLES, RECEIPT = INCLUDED = ("comparables", "receipt")
"""What the option `include` can add to an answer."""

OPTIONS = ("include", "k", "asking", "assume", "version")
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
            _("a number from {low} to {high}{unit}")
            .format(low=figure(self.low), high=figure(self.high), unit=self.measure.suffix)
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

    def __init__(self, name: str, grades: tuple[str, ...], vocabulary: Vocabulary) -> None:
        super().__init__(name)
        self.grades, self.vocabulary = grades, vocabulary
        self.spelling = {grade.lower(): grade for grade in grades}

    def accepted(self) -> str:
        return _("one of {choices}").format(choices=", ".join(self.grades))

    def usual(self, data: Any) -> str | None:
        return data if isinstance(data, str) and data in self.grades else None

    def parse(self, value: Any) -> str:
        grade = isinstance(value, str) and self.spelling.get(value.lower())
        if not grade:
            self.refuse_grade(value)
        return grade

    def refuse_grade(self, value: object) -> NoReturn:
        """Raises ValidationError; for a grade that could be assumed, with how to allow that."""
        grades: tuple[str, ...] = ()
        if isinstance(value, str):
            _word, grades = assumed_grades(self.name, value, self.vocabulary)
        message = _("“{value}” is not a {field} grade: give {accepted}.")
        if grades:
            message = _(
                "“{value}” is not a {field} grade: give {accepted}, or assume=true to price it as {grade}."
            )
        self.refuse(message, value=shown(value), field=self.name, grade=next(iter(grades), ""))


class OptionalGrade(GradeField):
    """A grade that a stone may have not: NOT_STATED if it is absent or empty."""

    not_stated: Any = NOT_STATED

    def run_validation(self, value: object = ABSENT) -> Any:
        empty = isinstance(value, str) and not bounded(value).strip()
        if value is ABSENT or value is None or empty:
            return self.not_stated
        return super().run_validation(value)


class LevelField(OptionalGrade):
    """A value of an optional property, in any letter case; None, not stated, if it is absent or empty."""

    not_stated = None

    def refuse_grade(self, value: object) -> NoReturn:
        message = _("“{value}” is not an accepted {field}: give {accepted}.")
        self.refuse(message, value=shown(value), field=self.name)


class StoneValidator:
    """Validates a stone of one scheme; its weight and size must be possible for a diamond.

    number: that of the version, None if it is not known.
    """

    def __init__(self, scheme: str, vocabulary: Vocabulary, number: int | None) -> None:
        self.number, self.is_graded = number, scheme == "graded"
        self.fields = {name: _field_for(scheme, name, vocabulary) for name in SCHEMES[scheme]}
        if self.is_graded:
            self.fields |= {
                name: LevelField(name, levels, vocabulary)
                for name, levels in levels_of(vocabulary).items()
            }

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
                value = field.run_validation(data.get(name, ABSENT))
            except ValidationError as error:
                errors[name] = error.detail
            else:
                if value is not None:
                    features[name] = value
        strange = [name for name in data if name not in self.fields]
        errors |= {shown(name): self.unknown(name) for name in strange[:most_unknown]}
        if errors:
            raise ValidationError(errors)
        return features

    def unknown(self, name: str) -> list[str]:
        """The message for a parameter that is not in the scheme, or that the version does not know."""
        if self.is_graded and name in OPTIONAL:
            return [self._not_known(name)]
        near = difflib.get_close_matches(name[:SHOWN].lower(), self.fields, 1, 0.5)
        if near:
            return [_("Unknown parameter. Did you mean {name}?").format(name=near[0])]
        return [_("Unknown parameter; there are {names}.").format(names=", ".join(self.fields))]

    def _not_known(self, name: str) -> str:
        names = ", ".join(self.fields)
        if self.number is None:
            return _("This version does not accept {name}; it accepts {names}.").format(
                name=name, names=names
            )
        message = _("Version {number} does not accept {name}; it accepts {names}.")
        return message.format(number=self.number, name=name, names=names)

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


def levels_of(vocabulary: Vocabulary) -> dict[str, tuple[str, ...]]:
    """{optional property: its levels} that a graded stone may state; a fact of the version is one level."""
    known = {one.name: one.stated for one in vocabulary.optional}
    known |= {name: (value,) for name, value in vocabulary.facts.items()}
    return {name: known[name] for name in OPTIONAL if name in known}


def _field_for(scheme: str, name: str, vocabulary: Vocabulary) -> StoneField:
    if measure := _measure_of(scheme, name, vocabulary):
        return MeasureField(name, measure)
    if scheme == "coded":
        return CodeField(name, CODES[name])
    kind = OptionalGrade if _may_lack(name, vocabulary) else GradeField
    return kind(name, vocabulary.grades[name], vocabulary)


def _measure_of(scheme: str, name: str, vocabulary: Vocabulary) -> Measure | None:
    return (MEASURES if scheme == "coded" else vocabulary.measures).get(name)


def _may_lack(name: str, vocabulary: Vocabulary) -> bool:
    return name == "cut" and vocabulary.without_cut


def _type_of(scheme: str, name: str, vocabulary: Vocabulary) -> tuple[Any, ...]:
    """(what msgspec accepts for a parameter, its default if it may be absent): less than its field accepts,
    so that it never decides otherwise."""
    if measure := _measure_of(scheme, name, vocabulary):
        return (Annotated[float, msgspec.Meta(ge=measure.low, le=measure.high)],)
    if scheme == "coded":
        return (Literal[tuple(CODES[name])],)
    default = (NOT_STATED,) if _may_lack(name, vocabulary) else ()
    return Literal[(*vocabulary.grades[name], *default)], *default


def _struct_of(scheme: str, vocabulary: Vocabulary) -> Any:
    """A struct of what programs usually send; optional properties that are not stated are UNSET."""
    fields: list[Any] = [(name, *_type_of(scheme, name, vocabulary)) for name in SCHEMES[scheme]]
    if scheme == "graded":
        fields += [
            (name, Literal[levels] | msgspec.UnsetType, msgspec.UNSET)
            for name, levels in levels_of(vocabulary).items()
        ]
    return msgspec.defstruct(scheme, fields, forbid_unknown_fields=True, kw_only=True)


class Validators:
    """The validators of both schemes for one vocabulary; shared by all requests, for they have no state.

    number: that of the graded version with the vocabulary, for messages; None if it is not known.
    """

    def __init__(self, vocabulary: Vocabulary = DEFAULT, number: int | None = None) -> None:
        self.vocabulary, self.has_optional = vocabulary, bool(levels_of(vocabulary))
        self.of = {scheme: StoneValidator(scheme, vocabulary, number) for scheme in SCHEMES}
        self._structs = {scheme: _struct_of(scheme, vocabulary) for scheme in SCHEMES}

    def __getitem__(self, scheme: str) -> StoneValidator:
        return self.of[scheme]

    def validate(self, payload: object, most_unknown: int = MAX_UNKNOWN) -> Stone:
        """(scheme, features) of a stone as sent; raises ValidationError with DRF's {field: [message]}.

        most_unknown: the most unknown parameters that are named.
        """
        if not isinstance(payload, dict):
            raise _refusal(
                _("“{value}” is not a stone: give an object.").format(value=shown(payload))
            )
        if stone := self.well_formed(payload):
            self.of[stone[0]].validate(stone[1])
            return stone
        scheme = self.scheme_of(payload)
        return scheme, self.of[scheme].run_validation(payload, most_unknown)

    def well_formed(self, payload: dict[str, Any]) -> Stone | None:
        """(scheme, features) of a stone as programs usually send it, all numbers or all text, read in one
        pass; None for any other, which the validators read, or refuse, field by field."""
        scheme = "coded" if "volume" in payload else "graded"
        in_text = isinstance(payload.get("carat"), str)
        try:
            if in_text and len("".join(payload.values())) > LONGEST:
                return None
            stone = msgspec.convert(payload, self._structs[scheme], strict=not in_text)
        except (TypeError, UnicodeError, msgspec.ValidationError):
            return None
        features = msgspec.structs.asdict(stone)
        if self.has_optional:
            features = {name: one for name, one in features.items() if one is not msgspec.UNSET}
        return scheme, features

    def validate_all(self, payloads: list[Any]) -> list[Stone]:
        """[(scheme, features), …] of a list of stones.

        Raises ValidationError with an entry for each wrong stone: its `row`, counted from 0, and its
        errors.
        """
        if not payloads:
            raise _refusal(_("An empty list: give at least one stone."))
        if len(payloads) > MAX_STONES:
            raise _refusal(too_many(len(payloads)))
        stones: list[Stone] = []
        wrong: list[dict[str, Any]] = []
        for place, payload in enumerate(payloads):
            try:
                stones.append(self.validate(payload, MAX_UNKNOWN if len(wrong) < WRONG else 1))
            except ValidationError as error:
                wrong.append(in_row(place, error.detail))
        if wrong:
            raise rows_refusal(wrong)
        return stones

    def scheme_of(self, payload: Mapping[str, Any]) -> str:
        """The scheme of a stone as sent; raises ValidationError if it is unclear or mixes both."""
        given = {scheme for scheme, names in ONLY_ONE.items() if names & payload.keys()}
        grades = self.vocabulary.grades
        of_grades = (self._of_grade(name, payload[name]) for name in grades if name in payload)
        given |= set(filter(None, of_grades))
        if len(given) == 1:
            return given.pop()
        problem = _("This mixes the two schemes.") if given else _("Cannot determine the scheme.")
        raise _refusal(f"{problem} {_needs()}")

    def _of_grade(self, name: str, value: Any) -> str | None:
        """The scheme that a grade belongs to; None if it is in neither."""
        if not isinstance(value, str):
            return (
                "coded" if isinstance(value, int | float) and not isinstance(value, bool) else None
            )
        value = bounded(value).strip()
        if CODE_TEXT.fullmatch(value):
            return "coded"
        field = self.of["graded"].fields[name]
        return (
            "graded" if isinstance(field, GradeField) and value.lower() in field.spelling else None
        )


ASKING = MeasureField("asking", PRICE)
VALIDATORS = Validators()
"""Those of the shipped table's vocabulary."""

validate = VALIDATORS.validate


@lru_cache(maxsize=8)
def validators_of(forest: PriceForest, number: int | None = None) -> Validators:
    """The Validators of a forest's vocabulary; number: that of its version."""
    return Validators(forest.vocabulary, number)


class Options(NamedTuple):
    """Options besides the stone: the number of comparables (0: none), the asking price whose percentile
    is wanted (in the model's currency; None: none), whether grades may be assumed, the number of the
    model's version (None: the active one), and whether the answer is signed."""

    comparables: int = 0
    asking: float | None = None
    assume: bool = False
    version: int | None = None
    receipt: bool = False


NO_OPTIONS = Options()


def _no_currency(version: int | None) -> str:
    return ""


def validate_options(
    options: Mapping[str, Any],
    stones: int | None = None,
    currency_of: Callable[[int | None], str] = _no_currency,
) -> Options:
    """The Options as sent: {"include": …, "k": …, "asking": …}; stones: the length of a list; currency_of:
    (version, None for the active one) -> the code that an asking price must be in, "" if there is none.

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
    version = _version(options)
    asking = _asking(options, stones is not None, partial(currency_of, version))
    return Options(k, asking, _may_assume(options), version, RECEIPT in _included(options))


def _version(options: Mapping[str, Any]) -> int | None:
    if "version" not in options:
        return None
    sent = options["version"]
    if not (isinstance(sent, str) and VERSION.fullmatch(sent)):
        raise ValidationError({"version": [_("Give one version number.")]})
    return int(sent)


def _may_assume(options: Mapping[str, Any]) -> bool:
    sent = options.get("assume", "false")
    word = sent.lower() if isinstance(sent, str) else ""
    if word not in ("true", "false"):
        raise ValidationError({"assume": [_("Give true or false, once.")]})
    return word == "true"


def _comparables(options: Mapping[str, Any]) -> int:
    included = _included(options)
    if COMPARABLES not in included and "k" not in options:
        return 0
    if COMPARABLES not in included:
        raise ValidationError({"k": [_("Only with include=comparables.")]})
    k = options.get("k", str(DEFAULT_COMPARABLES))
    if not (isinstance(k, str) and COUNT.fullmatch(k) and 1 <= int(k) <= MAX_COMPARABLES):
        message = _("Give a whole number from 1 to {most}, once.")
        raise ValidationError({"k": [message.format(most=MAX_COMPARABLES)]})
    return int(k)


def _included(options: Mapping[str, Any]) -> list[str]:
    """What the answer is to include, of INCLUDED."""
    if "include" not in options:
        return []
    sent = options["include"]
    names = sent.split(",", len(INCLUDED)) if isinstance(sent, str) else []
    if not names or len({*names} & {*INCLUDED}) != len(names):
        raise ValidationError({"include": [_("Use comparables, receipt or comparables,receipt.")]})
    return names


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


def too_many(count: int) -> str:
    """The message for a list with too many stones."""
    message = _("{count} stones: give at most {most} in one request.")
    return message.format(count=count, most=MAX_STONES)


def in_row(place: int, errors: dict[str, Any]) -> dict[str, Any]:
    """A stone's errors with its index in the list as `row`, even if a parameter is called row."""
    given = {"row": place, **errors}
    if "row" in errors:
        given |= {"row": place, "non_field_errors": [f"row: {errors['row'][0]}"]}
    return given


def _needs() -> str:
    return _(
        "coded needs {coded} (grades as integers); graded needs {graded} (grades as names)."
    ).format(**{scheme: ", ".join(names) for scheme, names in SCHEMES.items()})


def rows_refusal(errors: list[dict[str, Any]]) -> ValidationError:
    """The error of a list; errors: as from in_row, one for each wrong row."""
    refusal = ValidationError()
    refusal.detail = errors  # DRF's constructor would turn the row's number into text
    return refusal


def _refusal(message: str) -> ValidationError:
    return ValidationError({"non_field_errors": [ErrorDetail(message, code="invalid")]})
