"""The vocabulary of a version: the grades, the optional properties and the bounds that it was trained on.

A forest file has it in its metadata; a file without one has DEFAULT, the vocabulary of the project's own
table. ml.dataset learns it from a list; the API, forms and pages read it from PriceForest.vocabulary.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from .stones import GRADES, MEASURES, SCHEMES, Measure, bounded

NOT_STATED = ""
"""The value of a property that is not stated. It is level 0 of each optional property."""

ROUND = "Round"
"""The level of round stones."""

FEW = 30
"""A grade or level with fewer stones than this is known, but prices of it are uncertain."""

TRADE_GRADES = {
    "cut": ("Poor", "Fair", "Good", "Very Good", "Premium", "Excellent", "Ideal"),
    "color": tuple("ZYXWVUTSRQPONMLKJIHGFED"),
    "clarity": ("I3", "I2", "I1", "SI3", "SI2", "SI1", "VS2", "VS1", "VVS2", "VVS1", "IF", "FL"),
}
"""All grades of the trade that a list may have, worst to best."""

FINISH = ("Poor", "Fair", "Good", "Very Good", "Excellent", "Ideal")
OPTIONAL: dict[str, tuple[str, ...]] = {
    "shape": (),
    "origin": (),
    "laboratory": (),
    "polish": FINISH,
    "symmetry": FINISH,
    "fluorescence": ("Very Strong", "Strong", "Medium", "Faint", "None"),
}
"""The optional properties; those that the trade ranks have their levels here, worst to best."""

MOST_LEVELS = 32
"""The most levels of an optional property, without NOT_STATED."""


def is_of_width(shape: str) -> bool:
    """Whether the depth of a shape is in % of its width: of all shapes that are not round."""
    return shape not in (NOT_STATED, ROUND)


class VocabularyError(ValueError):
    """Metadata that is not a vocabulary; the message names the part that is wrong."""


@dataclass(frozen=True)
class Property:
    """An optional property of a version.

    levels: NOT_STATED, then the levels that the version was trained on. ordered: whether these are ranked
    by the trade, worst to best; otherwise they are in the order of their mean log price. assumed: the
    level as which a stone is priced if the property is not stated; NOT_STATED if enough training stones
    did not state it either: then the forest has learned the prices of those.
    """

    name: str
    levels: tuple[str, ...]
    ordered: bool = False
    assumed: str = NOT_STATED

    @property
    def stated(self) -> tuple[str, ...]:
        """The levels that can be chosen, without NOT_STATED."""
        return self.levels[1:]


@dataclass(frozen=True)
class Typical:
    """The usual proportions of a shape: (low, median, high), the 0.1 %, 50 % and 99.9 % quantiles of the
    list's stones. fill: carat / (x * y * z), ct/mm³; ratio: longer over shorter side."""

    fill: tuple[float, float, float]
    ratio: tuple[float, float, float]


@dataclass(frozen=True)
class Vocabulary:
    """What a graded version accepts.

    grades: {cut, color, clarity: names, worst to best}. without_cut: whether a stone may have no cut grade,
    as those of other shapes than round. optional: Properties. facts: {property: the one value that all its
    stones have}. few: {property: {grade or level: stones}} of those with fewer than FEW. measures: the
    bounds of the numbers. typical: {shape: Typical}; {} for the project's own table. public: the columns of
    recorded stones that may be shown; None for all.
    """

    grades: Mapping[str, tuple[str, ...]] = field(default_factory=lambda: GRADES)
    without_cut: bool = False
    optional: tuple[Property, ...] = ()
    facts: Mapping[str, str] = field(default_factory=dict)
    few: Mapping[str, Mapping[str, int]] = field(default_factory=dict)
    measures: Mapping[str, Measure] = field(default_factory=lambda: MEASURES)
    typical: Mapping[str, Typical] = field(default_factory=dict)
    public: tuple[str, ...] | None = None

    @cached_property
    def names(self) -> tuple[str, ...]:
        """The names of the optional properties."""
        return tuple(one.name for one in self.optional)

    @property
    def choices(self) -> dict[str, tuple[str, ...]]:
        """{grade or optional property: the names that a stone can state}, worst to best if they have an
        order."""
        return {**self.grades, **{one.name: one.stated for one in self.optional}}

    @property
    def has_other_shapes(self) -> bool:
        """Whether stones may have another shape than round."""
        return any(shape != ROUND for shape in self.typical)

    def columns(self, scheme: str) -> tuple[str, ...]:
        """The columns of a forest's matrix: those of the scheme, then the optional ones."""
        return (*SCHEMES[scheme], *self.names)

    def levels(self, name: str) -> tuple[str, ...]:
        """The names of a grade or an optional property by their number in the matrix, from 0; KeyError for
        another property. A cut that may be missing has NOT_STATED as 0."""
        if name == "cut" and self.without_cut:
            return (NOT_STATED, *self.grades["cut"])
        if name in self.grades:
            return tuple(self.grades[name])
        return self.property_called(name).levels

    def property_called(self, name: str) -> Property:
        """The optional property of this name; KeyError if the version does not have it."""
        for one in self.optional:
            if one.name == name:
                return one
        raise KeyError(name)

    def number(self, name: str, value: str | None) -> int:
        """The number of a grade or level in the matrix; KeyError if the version does not know it.

        None and "" are not stated: an optional property is then its assumed level.
        """
        return self.numbers[name][value or NOT_STATED]

    def unknown_in(self, stone: Mapping[str, str | None]) -> list[tuple[str, str | None]]:
        """[(grade or property, its value), …] of a graded stone, {column: value}, that the version does not
        know; the value is None for a property of which it knows none."""
        found: list[tuple[str, str | None]] = [
            (name, stone[name] or NOT_STATED)
            for name in GRADES
            if (stone[name] or NOT_STATED) not in self.numbers[name]
        ]
        for name, value in ((name, stone.get(name)) for name in OPTIONAL):
            has_any = name in (*self.names, *self.facts)
            if value and value not in self.numbers.get(name, (self.facts.get(name),)):
                found.append((name, value if has_any else None))
        return found

    @cached_property
    def numbers(self) -> dict[str, dict[str, int]]:
        """{grade or optional property: {value: its number in the matrix}}."""
        found = {
            name: {value: number for number, value in enumerate(self.levels(name))}
            for name in (*self.grades, *self.names)
        }
        for one in self.optional:
            found[one.name][NOT_STATED] = found[one.name][one.assumed]
        return found

    def sizes(self) -> tuple[int, int, int]:
        """The number of cuts, colors and clarities in the matrix."""
        cut, color, clarity = (len(self.levels(name)) for name in ("cut", "color", "clarity"))
        return cut, color, clarity

    def has_few(self, name: str, value: str) -> int | None:
        """The number of training stones of a grade or level that has only a few; otherwise None."""
        return self.few.get(name, {}).get(value)

    # In a forest file

    @classmethod
    def of(cls, metadata: Mapping[str, Any]) -> "Vocabulary":
        """The vocabulary in a forest file's metadata; DEFAULT if it has none. Raises VocabularyError."""
        found = metadata.get("vocabulary")
        return DEFAULT if found is None else _read(found)

    def as_metadata(self) -> dict[str, Any]:
        """The vocabulary as plain dicts and lists, for a forest file: {} for DEFAULT, otherwise
        {"vocabulary": …}."""
        if self == DEFAULT:
            return {}
        found = {
            "grades": {name: list(levels) for name, levels in self.grades.items()},
            "without_cut": self.without_cut,
            "optional": [
                {
                    "name": one.name,
                    "levels": list(one.levels),
                    "ordered": one.ordered,
                    "assumed": one.assumed,
                }
                for one in self.optional
            ],
            "facts": dict(self.facts),
            "few": {name: dict(counts) for name, counts in self.few.items()},
            "measures": {name: [one.low, one.high] for name, one in self.measures.items()},
            "typical": {
                shape: {"fill": list(one.fill), "ratio": list(one.ratio)}
                for shape, one in self.typical.items()
            },
            "public": None if self.public is None else list(self.public),
        }
        return {"vocabulary": found}


DEFAULT = Vocabulary()
"""The vocabulary of the project's own table, and of all forest files without one."""


# Checks of metadata


def _read(found: Any) -> Vocabulary:
    """A Vocabulary of plain dicts and lists; VocabularyError where it is not one."""
    _check(isinstance(found, dict), "vocabulary", "is not a dict")
    typical, public = _dict(found, "typical"), found.get("public")
    return Vocabulary(
        grades=_grades(_dict(found, "grades")),
        without_cut=_bool(found, "without_cut"),
        optional=_optional(found.get("optional")),
        facts={_text(k, "facts"): _text(v, "facts") for k, v in _dict(found, "facts").items()},
        few={
            _text(name, "few"): {
                _text(k, "few"): _count(v) for k, v in _dict(counts, None, "few").items()
            }
            for name, counts in _dict(found, "few").items()
        },
        measures=_measures(_dict(found, "measures")),
        typical={_text(shape, "typical"): _typical(one) for shape, one in typical.items()},
        public=None if public is None else _texts(public, "public"),
    )


def _check(holds: bool, part: str, fault: str) -> None:
    if not holds:
        raise VocabularyError(f"vocabulary: {part} {fault}")


def _dict(found: Any, key: str | None, part: str = "") -> dict[str, Any]:
    value, part = (found.get(key), key) if key else (found, part)
    _check(isinstance(value, dict) and len(value) <= 100, part, "is not a dict of at most 100")
    return value


def _bool(found: Mapping[str, Any], part: str) -> bool:
    value = found.get(part)
    _check(isinstance(value, bool), part, "is not true or false")
    return bool(value)


def _text(value: Any, part: str) -> str:
    _check(isinstance(value, str) and value == bounded(value), part, "has a value that is not text")
    return str(value)


def _texts(value: Any, part: str) -> tuple[str, ...]:
    _check(isinstance(value, list | tuple) and len(value) <= 1 + MOST_LEVELS, part, "is not a list")
    texts = tuple(_text(one, part) for one in value)
    _check(len({*texts}) == len(texts), part, "has a value twice")
    return texts


def _count(value: Any) -> int:
    _check(type(value) is int and value >= 0, "few", "has a value that is not a count")
    return int(value)


def _numbers(value: Any, count: int, part: str) -> tuple[float, ...]:
    _check(isinstance(value, list | tuple) and len(value) == count, part, f"is not {count} numbers")
    _check(all(type(one) in (int, float) for one in value), part, f"is not {count} numbers")
    numbers = tuple(map(float, value))
    _check(all(0 < one < 1e9 for one in numbers), part, "is out of bounds")
    _check(list(numbers) == sorted(numbers), part, "does not rise")
    return numbers


def _grades(found: Mapping[str, Any]) -> dict[str, tuple[str, ...]]:
    _check([*found] == [*GRADES], "grades", f"are not those of {', '.join(GRADES)}")
    grades = {name: _texts(levels, "grades") for name, levels in found.items()}
    for name, levels in grades.items():
        _check(bool(levels), "grades", f"has no {name}")
        in_order = tuple(one for one in TRADE_GRADES[name] if one in levels)
        _check(levels == in_order, "grades", f"has a {name} that the trade does not know")
    return grades


def _optional(found: Any) -> tuple[Property, ...]:
    _check(isinstance(found, list | tuple), "optional", "is not a list")
    some = tuple(_property(one) for one in found)
    names = [one.name for one in some]
    _check(names == [name for name in OPTIONAL if name in names], "optional", "has other names")
    return some


def _property(found: Any) -> Property:
    part = "optional"
    name = _text(_dict(found, None, part).get("name"), part)
    levels, assumed = _texts(found.get("levels"), part), _text(found.get("assumed"), part)
    _check(name in OPTIONAL, part, "has a name that is not known")
    _check(levels[:1] == (NOT_STATED,) and len(levels) > 1, part, f"has no levels of {name}")
    _check(assumed in levels, part, f"assumes a {name} that it does not have")
    return Property(name, levels, _bool(found, "ordered"), assumed)


def _measures(found: Mapping[str, Any]) -> dict[str, Measure]:
    _check({*found} == {*MEASURES}, "measures", f"are not those of {', '.join(MEASURES)}")
    ends = {name: _numbers(found[name], 2, "measures") for name in MEASURES}
    return {name: Measure(one.unit, *ends[name]) for name, one in MEASURES.items()}


def _typical(found: Any) -> Typical:
    some = _dict(found, None, "typical")
    fill, ratio = (_numbers(some.get(name), 3, "typical") for name in ("fill", "ratio"))
    return Typical((fill[0], fill[1], fill[2]), (ratio[0], ratio[1], ratio[2]))
