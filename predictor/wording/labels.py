"""What the parts of a stone, the schemes and the causes of dropped rows are called."""

from django.utils.translation import gettext_lazy as _
from django.utils.translation import gettext_noop

LABELS = {
    "carat": _("Carat weight"),
    "cut": _("Cut"),
    "color": _("Color"),
    "clarity": _("Clarity"),
    "depth": _("Depth"),
    "table": _("Table"),
    "x": _("First diameter x"),
    "y": _("Second diameter y"),
    "z": _("Depth (height) z"),
    "volume": _("Volume x · y · z"),
}


SCHEME_TITLES = {
    "graded": _("Grading report"),
    "coded": _("Coded grades"),
}


CAUSES = (
    gettext_noop("zero dimension"),
    gettext_noop("outside the IQR fences"),
    gettext_noop("heavier than solid diamond of its size"),
    gettext_noop("lighter than any cut of its size"),
    gettext_noop("outside the accepted bounds"),
)
"""Why ml.dataset drops a row, for the translators."""
