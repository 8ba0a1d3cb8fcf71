"""Labels of a stone's parameters, of the schemes and of the causes of dropped rows."""

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
    "shape": _("Shape"),
    "origin": _("Origin"),
    "laboratory": _("Laboratory"),
    "polish": _("Polish"),
    "symmetry": _("Symmetry"),
    "fluorescence": _("Fluorescence"),
}
"""Of the parameters of both schemes, then of the optional properties of an own list."""

OF_SHAPES = {"x": _("Length x"), "y": _("Width y")}


def label_of(name, of_shapes=False):
    """The label of a parameter; of_shapes: of stones that may have another shape than round."""
    return OF_SHAPES.get(name, LABELS[name]) if of_shapes else LABELS[name]


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
    gettext_noop("weight and measurements impossible for the shape"),
    gettext_noop("length and width impossible for the shape"),
)
"""Why ml.dataset drops a row, for the translators."""


SHAPES = {
    "round": _("Round"),
    "princess": _("Princess"),
    "cushion": _("Cushion"),
    "oval": _("Oval"),
    "emerald": _("Emerald cut"),
    "pear": _("Pear"),
    "marquise": _("Marquise"),
    "radiant": _("Radiant"),
    "asscher": _("Asscher"),
    "heart": _("Heart"),
}
"""Names of shapes in reports; the shipped table has only round stones."""


LEVELS = {
    "Natural": _("Natural"),
    "Lab-grown": _("Laboratory-grown"),
    "Treated": _("Treated"),
    "None": _("None"),
    "Faint": _("Faint"),
    "Medium": _("Medium"),
    "Strong": _("Strong"),
    "Very Strong": _("Very strong"),
}
"""Names of origins and of degrees of fluorescence."""


def level_label(name, level):
    """A level of an optional property in the reader's language; a laboratory or a grade as on reports."""
    if name == "shape":
        return str(SHAPES.get(level.lower(), level))
    return str(LEVELS.get(level, level)) if name in ("origin", "fluorescence") else level


GRADE_HELP = {
    "Poor": _("most of the light is lost"),
    "Fair": _("much of the light is lost"),
    "Good": _("reflects most of the light"),
    "Very Good": _("nearly as bright as the best"),
    "Premium": _("bright, slightly different proportions"),
    "Excellent": _("the brightest proportions by GIA"),
    "Ideal": _("the brightest proportions"),
    "J": _("visible faint tint"),
    "I": _("faint tint next to a whiter stone"),
    "H": _("nearly colorless"),
    "G": _("nearly colorless, looks white when set"),
    "F": _("colorless to all but experts"),
    "E": _("colorless, traces visible only to experts"),
    "D": _("entirely colorless"),
    "I3": _("inclusions seen at once, which make the stone darker and weaker"),
    "I2": _("inclusions easily seen with the naked eye"),
    "I1": _("inclusions seen with the naked eye"),
    "SI3": _("inclusions easily seen at 10×, often with the naked eye"),
    "SI2": _("inclusions easily seen at 10×, some with the naked eye"),
    "SI1": _("inclusions seen at 10×, rarely with the naked eye"),
    "VS2": _("small inclusions, seen at 10×"),
    "VS1": _("small inclusions, hard to see at 10×"),
    "VVS2": _("tiny inclusions, very hard to see at 10×"),
    "VVS1": _("tiny inclusions, extremely hard to see at 10×"),
    "IF": _("internally flawless"),
    "FL": _("flawless, also on its surface"),
}
"""A short explanation of each grade."""
