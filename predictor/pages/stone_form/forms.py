"""The home page's form: labels, units, hints and widgets. Validation is the service's."""

import random
from urllib.parse import urlencode

from django import forms
from django.urls import reverse
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from ml.stones import CODES, EXAMPLES, GRADES, MEASURES, SCHEMES, bounded, code_of
from predictor.pages.stone_form import parsing
from predictor.wording.figures import figure
from predictor.wording.labels import GRADE_HELP, LABELS, SHAPES

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

LINE = "5.70 - 5.73 x 3.51 mm"
"""An example of the measurements as reports print them."""

GROUPS = {
    _("Shape and measurements"): ("shape", "x", "y", "z", "volume"),
    _("Weight and grades"): ("carat", "color", "clarity", "cut"),
    _("Proportions"): ("depth", "table"),
}
"""The fields in the order of a grading report."""

KEPT_IN_ADDRESS = 40
"""How many characters of a typed value are kept in an address."""

OTHER = "other-"
"""The prefix of the hidden fields that keep what was typed in the other scheme's form."""

ALIKE = set(SCHEMES["graded"]) & set(SCHEMES["coded"]) & set(MEASURES)
"""The fields that are the same in both forms."""


class StoneForm(forms.Form):
    """A stone of one scheme. Every field is text, so that what was typed is kept as it was, up to
    the longest text that is read.

    forest: the active one, whose training ranges the hints show; None without one.
    """

    def __init__(self, scheme, data=None, initial=None, forest=None):
        super().__init__(_bounded(data), initial=_bounded(initial))
        self.scheme = scheme
        ranges = forest.metadata["training_ranges"] if forest else {}
        if scheme == "graded":
            self.fields["shape"] = _shape_field()
        for name in SCHEMES[scheme]:
            if name in MEASURES:
                self.fields[name] = _measure_field(scheme, name, ranges.get(name))
            else:
                self.fields[name] = _grade_field(scheme, name)

    def groups(self):
        """[(title, bound fields), …] in the order of a grading report."""
        return [
            (title, [self[name] for name in names if name in self.fields])
            for title, names in GROUPS.items()
        ]

    def parsed(self):
        """The values of the fields: a ParsedStone."""
        return parsing.read(self.scheme, SCHEMES[self.scheme], self.data)

    def show(self, errors, choices=None):
        """Adds errors to their fields, with the choices to replace a refused grade.

        The first field with an error gets the focus.
        """
        for name, messages in errors.items():
            self.add_error(name if name in self.fields else None, list(map(str, messages)))
        for name, grades in (choices or {}).items():
            self.fields[name].choices_instead = grades
        order = [name for names in GROUPS.values() for name in names]
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
    return (*(("shape",) if scheme == "graded" else ()), *SCHEMES[scheme])


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
    return as_filled(forest.recorded(row), scheme)


def as_filled(stone, scheme):
    """A recorded stone as values of a scheme's form."""
    if scheme == "coded":
        volume = round(stone["x"] * stone["y"] * stone["z"], 3) if "x" in stone else stone["volume"]
        codes = {
            name: code_of(name, stone[name]) if isinstance(stone[name], str) else stone[name]
            for name in CODES
        }
        stone = {**stone, **codes, "volume": volume}
    return {
        name: stone[name] if name in CODES else f"{stone[name]:.10g}" for name in SCHEMES[scheme]
    }


PLACES = {"x": 2, "y": 2, "z": 2, "volume": 3}
"""The decimal places of sizes in reports."""


def as_reported(features):
    """A computed stone with the values as a report and the form have them."""
    return {
        name: f"{round(value, PLACES[name]):.10g}" if name in PLACES else value
        for name, value in features.items()
    }


def _measure_field(scheme, name, recorded):
    widget = forms.TextInput(attrs={"inputmode": "decimal", "autocomplete": "off"})
    if name in ("x", "volume"):
        del widget.attrs["inputmode"]  # the measurements on one line have more than digits
    hint = HINTS[name]
    if name in ("x", "volume"):
        hint = gettext("{hint}, “{example}”").format(hint=hint, example=LINE)
    elif recorded:
        ends = {"low": figure(recorded[0]), "high": figure(recorded[1])}
        hint = gettext("{hint}; in the data: {low} to {high}").format(hint=hint, **ends)
    else:
        example = figure(EXAMPLES[scheme][0][name])
        hint = gettext("{hint}; e.g. {example}").format(hint=hint, example=example)
    field = _text_field(name, hint, widget)
    field.unit = MEASURES[name].unit
    return field


def _grade_field(scheme, name):
    if scheme == "graded":
        choices = [(grade, f"{grade} – {GRADE_HELP[grade]}") for grade in GRADES[name]]
        others = [(word, word) for word in parsing.NOT_IN_DATA[name]]
        choices += [(gettext("not in the data"), others)]
        hint = gettext("{hint}, worst to best").format(hint=HINTS[name])
    else:
        choices = [(code, f"{code}: {', '.join(some)}") for code, some in CODES[name].items()]
        hint = gettext("a code, worst to best; see the legend")
    widget = forms.Select(choices=[("", gettext("choose")), *choices])
    return _text_field(name, hint, widget)


def _shape_field():
    widget = forms.Select(choices=SHAPES.items())
    return forms.CharField(
        required=False, label=_("Shape"), help_text=HINTS["shape"], widget=widget
    )


def _text_field(name, hint, widget):
    return forms.CharField(required=False, label=LABELS[name], help_text=hint, widget=widget)
