"""The sections of a model card on coherence between similar stones and on coverage in groups not
chosen beforehand."""

import math

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from predictor.model_cards.blocks import Section, Table, Text
from predictor.wording.figures import number, percent
from predictor.wording.labels import LABELS

STEPS = {
    "color": gettext_lazy("one color grade better"),
    "clarity": gettext_lazy("one clarity grade better"),
    "carat 1%": gettext_lazy("1% heavier, the same proportions"),
    "carat 5%": gettext_lazy("5% heavier, the same proportions"),
    "carat 10%": gettext_lazy("10% heavier, the same proportions"),
}
NAMED = 2
"""The most inputs that describe a slab."""


def coherence(stored):
    """How often a better stone gets a lower price."""
    measured, title = stored.get("coherence"), _("Consistency between similar stones")
    if measured is None:
        return Section("coherence", title, [Text(_not_measured())])
    about = _(
        "How often the price of a stone falls by more than 1% when the stone gets "
        "better, for {stones} test stones. Changing the measurements by 0.01 mm, the "
        "precision of a report, changes one price in twenty by more than {wobble}."
    ).format(stones=number(measured["stones"]), wobble=percent(measured["wobble"]))
    rows = [[str(name), percent(measured[step])] for step, name in STEPS.items()]
    head = [_("Change"), _("Lower price")]
    table = Table("coherence-table", _("Prices that change in the wrong direction"), head, rows)
    return Section("coherence", title, [Text(about), table])


def conditional(stored):
    """Coverage by width of the range, and in the group with the lowest coverage."""
    measured, title = stored.get("conditional"), _("Coverage by group")
    if measured is None:
        return Section("conditional", title, [Text(_not_measured())])
    rows = [
        [
            _("narrowest fifth of the ranges"),
            _("second fifth"),
            _("third fifth"),
            _("fourth fifth"),
            _("widest fifth of the ranges"),
        ][: len(measured["quintiles"])],
        map(percent, measured["quintiles"]),
    ]
    rows = [list(row) for row in zip(*rows, strict=True)]
    head = [_("Test stones"), _("In range")]
    table = Table("everyone", _("Coverage by width of the range, in fifths"), head, rows)
    return Section("conditional", title, [Text(_slab(measured)), Text(_brier(measured)), table])


def _slab(measured):
    """A description of the worst slab: the inputs with the largest weights in its direction, and
    their signs."""
    slab = measured["slab"]
    weights = sorted(
        zip(slab["direction"], measured["inputs"], strict=True), key=lambda one: -abs(one[0])
    )
    names = {**LABELS, "price": _("price"), "width": _("width of the range")}
    # A slab in the middle has no sign; only its inputs are named.
    sign = math.copysign(1, slab["from"] + slab["to"])
    upwards, downwards = _("higher {input}"), _("lower {input}")
    inputs = [
        (upwards if sign * weight > 0 else downwards).format(input=_lower(str(names[name])))
        for weight, name in weights[:NAMED]
    ]
    return _(
        "The group with the lowest coverage of 1,000 random combinations of all inputs was found on "
        "one half of the test stones and measured on the other half: {share} of the stones, mostly "
        "with {inputs}; their coverage is {coverage}."
    ).format(
        share=percent(slab["share"]), inputs=", ".join(inputs), coverage=percent(slab["coverage"])
    )


def _lower(label):
    return label[0].lower() + label[1:]


def _brier(measured):
    brier = measured["brier"]
    if brier is None:
        return _("There are too few test stones to measure conditional coverage.")
    return _(
        "A classifier that predicts from the stone, its price and its range whether the range "
        "covers the price improves the Brier score of a constant prediction of 80% by {gain} ± "
        "{error}; 0 would be ideal."
    ).format(gain=number(brier["gain"], 4), error=number(brier["error"], 4))


def _not_measured():
    return _("This was not measured for this version.")
