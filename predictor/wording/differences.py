"""Names of the parts of a difference between two prices (ml/forest/differences.py)."""

from django.utils.translation import gettext_lazy as _

PART_NAMES = {
    "entered": _("new stones"),
    "left": _("removed stones"),
    "recorded": _("stones at another price"),
    "weights": _("the same stones with other shares"),
    "trend": _("trend at this stone"),
    "comparables": _("trend at the stones behind the price"),
    "outside": _("table for stones outside the training data"),
}
