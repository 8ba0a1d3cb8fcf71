"""The home page's form: labels, units, hints and widgets. Validation is the service's."""

from urllib.parse import urlencode

from django import forms
from django.urls import reverse
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from ml.stones import CODES, EXAMPLES, GRADES, MEASURES, SCHEMES
from predictor.wording.figures import figure
from predictor.wording.labels import LABELS

HINTS = {
    "carat": _("1 ct is 0.2 g"),
    "cut": _("quality of the cut"),
    "color": _("D is colorless, J has a tint"),
    "clarity": _("IF is flawless inside, I1 visibly included"),
    "depth": _("height to average width"),
    "table": _("top facet to average width"),
    "x": _("the first of the report’s measurements"),
    "y": _("the second of them"),
    "z": _("the last of them, from table to culet"),
    "volume": _("first diameter × second diameter × height"),
}

GROUPS = {
    _("Weight and grades"): ("carat", "cut", "color", "clarity"),
    _("Proportions"): ("depth", "table"),
    _("Size"): ("x", "y", "z", "volume"),
}

KEPT_IN_ADDRESS = 40
"""How many characters of a typed value an address repeats."""

OTHER = "other-"
"""Before the names of what was typed in the other scheme's form, which hidden fields keep."""

ALIKE = set(SCHEMES["graded"]) & set(SCHEMES["coded"]) & set(MEASURES)
"""What both forms ask for in the same way."""


class StoneForm(forms.Form):
    """A stone of one scheme; every field is text, so that what was typed stays as it was."""

    def __init__(self, scheme, data=None, initial=None):
        super().__init__(data, initial=initial)
        self.scheme = scheme = scheme if scheme in SCHEMES else "graded"
        for name in SCHEMES[scheme]:
            field_of = _measure_field if name in MEASURES else _grade_field
            self.fields[name] = field_of(scheme, name)

    def groups(self):
        """[(title, bound fields), …] in the order of a grading report."""
        return [
            (title, [self[name] for name in names if name in self.fields])
            for title, names in GROUPS.items()
        ]

    def payload(self):
        """The stone as the service takes it; a decimal comma is a decimal point."""
        return {name: _with_point(self.data.get(name, "")) for name in self.fields}

    def show(self, errors):
        """Puts the service's errors at their fields."""
        for name, messages in errors.items():
            self.add_error(name if name in self.fields else None, list(map(str, messages)))

    def kept(self):
        """[(name, value), …] of what was typed in the other scheme's form."""
        names = [f"{OTHER}{name}" for names in SCHEMES.values() for name in names]
        typed = self._typed()
        return [(name, typed[name]) for name in dict.fromkeys(names) if typed.get(name)]

    def address(self, place="#form"):
        """Where this form is to be had again, with what is in it."""
        own = {name: self._typed().get(name, "") for name in self.fields}
        return form_address(self.scheme, {**own, **dict(self.kept())}, place)

    def other_address(self, scheme):
        """Where another scheme's form is to be had, with what is in this one: to show, or to keep."""
        typed = self._typed()
        if scheme == self.scheme:
            return self.address()
        stone = {name: typed.get(name if name in ALIKE else OTHER + name, "")
                 for name in SCHEMES[scheme]}  # fmt: skip
        kept = {OTHER + name: typed.get(name, "") for name in self.fields if name not in ALIKE}
        return form_address(scheme, {**stone, **kept})

    def _typed(self):
        return self.data if self.is_bound else self.initial


def form_address(scheme, stone, place="#form"):
    """The address of a scheme's form with a stone filled in."""
    values = {name: str(value)[:KEPT_IN_ADDRESS] for name, value in stone.items() if value != ""}
    return f"{reverse('home')}?{urlencode({'scheme': scheme, **values})}{place}"


def _with_point(typed):
    return typed.replace(",", ".") if typed.count(",") == 1 and "." not in typed else typed


def _measure_field(scheme, name):
    widget = forms.TextInput(attrs={"inputmode": "decimal", "autocomplete": "off"})
    field = _text_field(scheme, name, widget)
    field.unit = MEASURES[name].unit
    return field


def _grade_field(scheme, name):
    if scheme == "graded":
        choices = [(grade, grade) for grade in reversed(GRADES[name])]
    else:
        choices = [(code, f"{code}: {', '.join(some)}") for code, some in CODES[name].items()]
    return _text_field(scheme, name, forms.Select(choices=[("", gettext("choose")), *choices]))


def _text_field(scheme, name, widget):
    example = EXAMPLES[scheme][0][name]
    shown = example if isinstance(example, str) else figure(example)
    coded = scheme == "coded" and name in CODES
    about = gettext("a code, see the legend") if coded else HINTS[name]
    hint = gettext("{hint}; e.g. {example}").format(hint=about, example=shown)
    return forms.CharField(required=False, label=LABELS[name], help_text=hint, widget=widget)
