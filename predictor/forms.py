"""The home page's form: labels, units and widgets. Validation is the service's."""

from django import forms
from django.utils.translation import gettext_lazy as _

from ml.stones import CODES, EXAMPLES, GRADES, MEASURES, SCHEMES

LABELS = {
    "carat": _("Carat"),
    "cut": _("Cut"),
    "color": _("Color"),
    "clarity": _("Clarity"),
    "depth": _("Depth"),
    "table": _("Table"),
    "x": _("Length x"),
    "y": _("Width y"),
    "z": _("Height z"),
    "volume": _("Volume x · y · z"),
}


class StoneForm(forms.Form):
    """A stone of one scheme; every field is text, so that what was typed stays as it was."""

    def __init__(self, scheme, data=None):
        super().__init__(data)
        self.scheme = scheme
        for name in SCHEMES[scheme]:
            self.fields[name] = _measure(scheme, name) if name in MEASURES else _grade(scheme, name)

    def payload(self):
        """The stone as the service takes it; a decimal comma is a decimal point."""
        typed = {name: self.data.get(name, "") for name in self.fields}
        return {name: value.replace(",", ".") for name, value in typed.items()}

    def show(self, errors):
        """Puts the service's errors at their fields."""
        for name, messages in errors.items():
            self.add_error(name if name in self.fields else None, list(map(str, messages)))


def _measure(scheme, name):
    example = EXAMPLES[scheme][0][name]
    widget = forms.TextInput(attrs={"inputmode": "decimal", "autocomplete": "off"})
    field = forms.CharField(required=False, label=LABELS[name], widget=widget)
    field.unit, field.example = MEASURES[name].unit, f"{example:g}"
    return field


def _grade(scheme, name):
    if scheme == "graded":
        choices = [(grade, grade) for grade in reversed(GRADES[name])]
    else:
        choices = [(code, f"{code}: {', '.join(some)}") for code, some in CODES[name].items()]
    widget = forms.Select(choices=[("", "…"), *choices])
    return forms.CharField(required=False, label=LABELS[name], widget=widget)
