"""The home page's form: labels, units, hints and widgets. Validation is the service's."""

import random
from urllib.parse import urlencode

from django import forms
from django.urls import reverse
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from ml.stones import BASIS, CODES, EXAMPLES, MEASURES, SCHEMES, bounded, code_of
from ml.tables.grades import NOT_IN_DATA, assumed_grades
from ml.vocabulary import OPTIONAL
from predictor.pages.stone_form import parsing
from predictor.pricing.answers import shown_stone
from predictor.pricing.serializers import LevelField, MeasureField
from predictor.pricing.services import live_validators
from predictor.wording.figures import figure
from predictor.wording.labels import GRADE_HELP, SHAPES, label_of, level_label

HINTS = {
    "shape": _("round diamonds only"),
    "carat": _("1 ct is 0.2 g"),
    "cut": _("quality of the cut"),
    "color": _("absence of color"),
    "clarity": _("absence of inclusions"),
    "depth": _(
        "height divided by the average diameter; leave it empty to compute it from the measurements"
    ),
    "table": _("width of the table divided by the average diameter"),
    "x": _("first measurement on the report; or paste the whole line here"),
    "y": _("second measurement on the report"),
    "z": _("third measurement on the report: the height, from table to culet"),
    "volume": _("first diameter × second diameter × height; or paste the line of measurements"),
}

HINTS_OF_SHAPES = {
    "depth": _(
        "height divided by the width, of a round stone by the average diameter; leave it empty to "
        "compute it from the measurements"
    ),
    "table": _("width of the table divided by the width of the stone"),
    "x": _("first measurement on the report, the length; or paste the whole line here"),
    "y": _("second measurement on the report, the width"),
}
"""Those of versions that have other shapes than round."""

LINE = "5.70 - 5.73 x 3.51 mm"
"""An example of the measurements as reports print them."""

GROUPS = {
    _("Shape and measurements"): ("shape", "x", "y", "z", "volume"),
    _("Weight and grades"): ("carat", "color", "clarity", "cut"),
    _("Proportions"): ("depth", "table"),
    _("If the report states it"): tuple(OPTIONAL)[1:],
}
"""The fields in the order of a grading report."""

KEPT_IN_ADDRESS = 40
"""How many characters of a typed value are kept in an address."""

OTHER = "other-"
"""The prefix of the hidden fields that keep what was typed in the other scheme's form."""

ALIKE = set(SCHEMES["graded"]) & set(SCHEMES["coded"]) & set(MEASURES) | {"asking"}
"""The fields that are the same in both forms."""


class StoneForm(forms.Form):
    """A stone of one scheme. Every field is text, so that what was typed is kept as it was, up to
    the longest text that is read.

    live: the active model, whose training ranges the hints show; None without one.
    """

    def __init__(self, scheme, data=None, initial=None, live=None):
        super().__init__(_bounded(data), initial=_bounded(initial))
        self.scheme, self.validators = scheme, live_validators()
        self.of_shapes = scheme == "graded" and self.validators.vocabulary.has_other_shapes
        ranges = live.forest.metadata["training_ranges"] if live else {}
        self.fields["asking"] = _asking_field(live.version.currency if live else BASIS.currency)
        if scheme == "graded" and not self.validators.vocabulary.typical:
            self.fields["shape"] = _shape_field()
        for name, field in self.validators[scheme].fields.items():
            if isinstance(field, MeasureField):
                self.fields[name] = _measure_field(scheme, name, ranges.get(name), self.of_shapes)
            elif isinstance(field, LevelField):
                self.fields[name] = _level_field(field, self.validators.vocabulary)
            else:
                self.fields[name] = _grade_field(scheme, name, self.validators.vocabulary)
        for field in self.fields.values():
            field.validators = []  # the service refuses null characters, in its own words

    def groups(self):
        """[(title, bound fields), …] in the order of a grading report."""
        groups = [
            (title, [self[name] for name in names if name in self.fields])
            for title, names in GROUPS.items()
        ]
        return [(title, fields) for title, fields in groups if fields]

    def parsed(self):
        """The values of the fields: a ParsedStone."""
        return parsing.read(self.scheme, self.data, validators=self.validators)

    def show(self, errors, choices=None):
        """Adds errors to their fields, with the choices to replace a refused value: {field: ((value,
        label), …)}.

        The first field with an error gets the focus.
        """
        for name, messages in errors.items():
            self.add_error(name if name in self.fields else None, list(map(str, messages)))
        for name, values in (choices or {}).items():
            self.fields[name].choices_instead = values
        order = ["asking", *(name for names in GROUPS.values() for name in names)]
        wrong = [name for name in order if name in self.errors]
        if wrong:
            self.fields[wrong[0]].widget.attrs["autofocus"] = True

    def kept(self):
        """[(name, value), …] of what was typed in the other scheme's form."""
        names = [f"{OTHER}{name}" for name in _names_of_forms()]
        found = self._filled()
        return [(name, found[name]) for name in dict.fromkeys(names) if found.get(name)]

    def address(self, place="#form"):
        """The address of this form with its values."""
        own = {name: self._filled().get(name, "") for name in self.fields}
        return form_address(self.scheme, {**own, **dict(self.kept())}, place)

    def other_address(self, scheme):
        """The address of another scheme's form with the values of this one, to show or to keep."""
        found = self._filled()
        if scheme == self.scheme:
            return self.address()
        stone = {
            name: found.get(name if name in ALIKE else OTHER + name, "")
            for name in _names_of_form(scheme)
        }
        kept = {OTHER + name: found.get(name, "") for name in self.fields if name not in ALIKE}
        return form_address(scheme, {**stone, **kept})

    def _filled(self):
        return self.data if self.is_bound else self.initial


def _bounded(data):
    """The texts of a form, each cut to the length that is read; None without any."""
    return data and {
        name: bounded(value) if isinstance(value, str) else value for name, value in data.items()
    }


def _names_of_form(scheme):
    return ("asking", *(OPTIONAL if scheme == "graded" else ()), *SCHEMES[scheme])


def _names_of_forms():
    return [name for scheme in SCHEMES for name in _names_of_form(scheme)]


def chosen_scheme(data):
    """The scheme of a form's data."""
    scheme = data.get("scheme")
    return scheme if scheme in SCHEMES else "graded"


def form_address(scheme, stone, place="#form"):
    """The address of a scheme's form with a stone filled in."""
    values = {name: str(value)[:KEPT_IN_ADDRESS] for name, value in stone.items() if value != ""}
    return f"{reverse('home')}?{urlencode({'scheme': scheme, **values})}{place}"


def example_stone(scheme, forest):
    """A random recorded stone, as the form takes it; a fixed one if no version is active."""
    if forest is None:
        return EXAMPLES[scheme][0]
    row = random.randrange(len(forest.recorded_columns["price"]))  # noqa: S311
    return as_filled(shown_stone(forest, row), scheme)


def as_filled(stone, scheme):
    """A recorded stone as values of a scheme's form."""
    if scheme == "coded":
        volume = round(stone["x"] * stone["y"] * stone["z"], 3) if "x" in stone else stone["volume"]
        codes = {
            name: code_of(name, stone[name]) if isinstance(stone[name], str) else stone[name]
            for name in CODES
        }
        stone = {**stone, **codes, "volume": volume}
    names = (*SCHEMES[scheme], *(OPTIONAL if scheme == "graded" else ()))
    return {
        name: f"{stone[name]:.10g}" if name in MEASURES else stone[name]
        for name in names
        if name in stone
    }


def _measure_field(scheme, name, recorded, of_shapes):
    widget = forms.TextInput(attrs={"inputmode": "decimal", "autocomplete": "off"})
    if name in ("x", "volume"):
        del widget.attrs["inputmode"]  # the measurements on one line have more than digits
    hint = HINTS_OF_SHAPES.get(name, HINTS[name]) if of_shapes else HINTS[name]
    if name in ("x", "volume"):
        hint = gettext("{hint}, “{example}”").format(hint=hint, example=LINE)
    elif recorded:
        ends = {"low": figure(recorded[0]), "high": figure(recorded[1])}
        hint = gettext("{hint}; in the data: {low} to {high}").format(hint=hint, **ends)
    else:
        example = figure(EXAMPLES[scheme][0][name])
        hint = gettext("{hint}; e.g. {example}").format(hint=hint, example=example)
    field = _text_field(name, hint, widget, of_shapes)
    field.unit = MEASURES[name].unit
    return field


def _level_field(field, vocabulary):
    """A select of an optional property, with "not stated" first."""
    fact = vocabulary.facts.get(field.name)
    hint = gettext("as on the report; leave it if the report does not state it")
    if fact:
        hint = gettext("all stones of the list are of this kind")
    choices = [(level, level_label(field.name, level)) for level in field.grades]
    widget = forms.Select(choices=[("", gettext("not stated")), *choices])
    return _text_field(field.name, hint, widget)


def _grade_field(scheme, name, vocabulary):
    if scheme == "graded":
        choices = _named_choices(name, vocabulary)
        hint = gettext("{hint}, best to worst").format(hint=HINTS[name])
        grades = [grade for grade in reversed(vocabulary.grades[name]) if grade in GRADE_HELP]
        hint = "\n".join([hint, *(f"{grade}: {GRADE_HELP[grade]}" for grade in grades)])
    else:
        choices = [(code, f"{code}: {', '.join(some)}") for code, some in CODES[name].items()]
        hint = gettext("a code, worst to best; see the legend")
    none = gettext("not stated") if name == "cut" and vocabulary.without_cut else gettext("choose")
    widget = forms.Select(choices=[("", none), *choices])
    return _text_field(name, hint, widget)


def _named_choices(name, vocabulary):
    """The choices of a grade, best to worst: laboratories' grades that are priced as others, those of the
    data, and those that get no price."""
    known = vocabulary.grades[name]
    words = [word for word in NOT_IN_DATA[name] if not {word, word[:1]} & {*known}]
    found = {word: assumed_grades(name, word, vocabulary)[1] for word in words}
    assumed = {word: grades[0] for word, grades in found.items() if grades}
    titles = [gettext("priced as {grade}").format(grade=grade) for grade in assumed.values()]
    others = [(word, word) for word in words if word not in assumed]
    return [
        *((title, [(word, word)]) for title, word in zip(titles, assumed, strict=True)),
        *((grade, grade) for grade in reversed(known)),
        *([(gettext("not in the data"), others)] if others else []),
    ]


def _asking_field(currency):
    widget = forms.TextInput(attrs={"inputmode": "decimal", "autocomplete": "off"})
    hint = gettext("what the seller asks, to see whether it is fair; you can leave it empty")
    field = forms.CharField(
        required=False, label=gettext("Asking price"), help_text=hint, widget=widget
    )
    field.unit = currency
    return field


def _shape_field():
    widget = forms.Select(choices=SHAPES.items())
    return forms.CharField(
        required=False, label=_("Shape"), help_text=HINTS["shape"], widget=widget
    )


def _text_field(name, hint, widget, of_shapes=False):
    label = label_of(name, of_shapes)
    return forms.CharField(required=False, label=label, help_text=hint, widget=widget)
