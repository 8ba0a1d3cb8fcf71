"""Why two versions answer one stone differently, as the blocks of a card. Called by the admin and the page
that compares quotes."""

import math

from django.utils.translation import gettext as _

from predictor.charts import svg
from predictor.charts.text import bars_text
from predictor.model_cards.blocks import Plot, Table, Text
from predictor.wording.differences import PART_NAMES
from predictor.wording.figures import money, number, percent, signed_percent, weight

LEAST = 0.00005
"""The smallest part that is mentioned, in log price: smaller ones are 0.0 %."""


def difference_blocks(found, one, other, name="why"):
    """The blocks of a Difference between two ModelVersions, in the current currency; name: of their ids."""
    parts = [
        (_label(found, part), size) for part, size in found.parts.items() if abs(size) >= LEAST
    ]
    sentence = Text(_sentence(found, other, parts))
    if not parts:
        return [sentence]
    return [
        sentence,
        Text(_explanation(found)),
        _plot(parts, name),
        _stones(found, one, other, name),
    ]


def _label(found, part):
    """A part's name, with the number of its stones."""
    count = found.counts.get(part)
    return f"{PART_NAMES[part]} ({number(count)})" if count else str(PART_NAMES[part])


def as_change(size):
    """A part, in log price, as a relative change of the price."""
    return signed_percent(math.expm1(size))


def _sentence(found, other, parts):
    prices = {"before": money(found.before, 2), "after": money(found.after, 2)}
    if not parts:
        return _("Version {number} gives the same price: {after}.").format(
            number=other.number, **prices
        )
    sentence = _("Version {number} gives {after} instead of {before} ({change}): {parts}.")
    change = signed_percent(found.after / found.before - 1)
    listed = ", ".join(f"{label} {as_change(size)}" for label, size in parts)
    return sentence.format(number=other.number, change=change, parts=listed, **prices)


def _explanation(found):
    change = signed_percent(found.after / found.before - 1)
    return _(
        "Each part multiplies the price; together they give {change}. The price is a mean of recorded "
        "prices, adjusted to this stone: a new or removed stone, or one with another share, changes it as "
        "far as its own adjusted price differs. The trend is what adjusts them."
    ).format(change=change)


def _plot(parts, name):
    title = _("Parts of the change")
    rows = [[label, as_change(size)] for label, size in parts]
    table = Table(
        f"{name}-table",
        _("{title}, in figures").format(title=title),
        [_("Part"), _("Change")],
        rows,
    )
    about = _("How much each part changes the price; bars to the left make it lower.")
    text = bars_text([(label, abs(size), as_change(size)) for label, size in parts])
    return Plot("bars", f"{name}-parts", title, about, svg.bars(parts, as_change), text, table)


def _stones(found, one, other, name):
    """The training stones of the largest parts."""
    head = [
        _("Stone"),
        _("Change"),
        _("Share in version {number}").format(number=one.number),
        _("Share in version {number}").format(number=other.number),
        _("Price"),
        _("Adjusted price"),
        _("Part"),
    ]
    rows = [
        [
            _stone_name(moved.stone),
            as_change(moved.part),
            percent(moved.before),
            percent(moved.after),
            money(moved.stone["price"]),
            money(moved.adjusted),
            str(PART_NAMES[moved.kind]),
        ]
        for moved in found.stones
    ]
    return Table(f"{name}-stones", _("Stones with the largest parts"), head, rows)


def _stone_name(stone):
    return f"{weight(stone['carat'])}, {stone['cut']}, {stone['color']}, {stone['clarity']}"
