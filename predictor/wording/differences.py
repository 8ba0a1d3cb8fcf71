"""Names of the parts of a difference between two prices (ml/forest/differences.py); why there is none."""

from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from .labels import LABELS

PART_NAMES = {
    "entered": _("new stones"),
    "left": _("removed stones"),
    "recorded": _("stones at another price"),
    "weights": _("the same stones with other shares"),
    "trend": _("trend at this stone"),
    "comparables": _("trend at the stones behind the price"),
    "outside": _("table for stones outside the training data"),
    "listing": _("listing of the stone itself"),
}


def not_known(number, name, value):
    """A sentence: version `number` does not know a grade or property, as PriceForest.unknown_in has it."""
    if value == "":
        return gettext("Version {number} does not accept stones without a cut grade.").format(
            number=number
        )
    what = " ".join(filter(None, (str(LABELS[name]).lower(), value)))
    return gettext("Version {number} does not accept {what}.").format(number=number, what=what)
