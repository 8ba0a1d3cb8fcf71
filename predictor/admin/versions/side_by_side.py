"""Two model cards side by side: what differs beyond its intervals, and which version is better in it.

Whether two figures differ is judged by the interval of their difference, made of both figures' own 95 %
intervals (Zou and Donner, 2008). It treats the figures as independent, so for two versions that were scored
on the same stones it is too wide, and marks too little. Scores have bootstrap intervals in the card.
Coverage in a group of stones has Wilson's interval, the error there the standard error of newer cards.
"""

import math
from dataclasses import dataclass

from django.utils.translation import gettext as _

from ml.stones import COVERAGE
from predictor.model_cards.trust import SCORES, band_name
from predictor.wording.figures import in_currency, number, percent
from predictor.wording.labels import LABELS

REACH = 1.96
"""Standard errors on either side of a figure, for an interval of 95 %."""

IN_MONEY = ("mae", "rmse")


@dataclass(frozen=True)
class Figure:
    """A figure of a card, its text and its 95 % interval (None if it is unknown); worse: a number that is
    smaller for a better figure."""

    value: float
    text: str
    low: float | None
    high: float | None
    worse: float

    def differs(self, other):
        """Whether another figure differs by more than the interval of their difference."""
        if None in (self.low, other.low):
            return False
        low, high = sorted((self, other), key=lambda one: one.value)
        gap = math.hypot(low.high - low.value, high.value - high.low)
        return high.value - low.value > gap


def side_by_side(one, other):
    """[(part, [(label, cell of one, cell of other), …]), …] of two ModelVersions; a cell is a text and
    whether its version is better."""
    comparable = one.basis.is_like(other.basis)
    parts = [(_("Scores"), _scores), (_("Error and coverage"), _bands)]
    measured = [
        (title, [part(version, comparable) for version in (one, other)]) for title, part in parts
    ]
    tables = [(title, _rows(*figures)) for title, figures in measured]
    origin = zip(_origin(one).items(), _origin(other).values(), strict=True)
    facts = [(name, (first, False), (second, False)) for (name, first), second in origin]
    return [*tables, (_("Origin"), facts)]


def verdict(versions, parts):
    """A sentence on how many figures of each ModelVersion are better; parts: as from side_by_side."""
    rows = [row for _title, rows in parts for row in rows]
    counts = [sum(row[place][1] for row in rows) for place in (1, 2)]
    if not any(counts):
        return _("No figure differs by more than its interval allows.")
    each = _(
        "{one} is better in {first} figures, {other} in {second}; all others are within their intervals."
    )
    return each.format(one=versions[0], first=counts[0], other=versions[1], second=counts[1])


def _rows(one, other):
    names = dict.fromkeys([*one, *other])
    return [(name, *_judged(one.get(name), other.get(name))) for name in names]


def _judged(one, other):
    """The cells of two Figures; a Figure may be missing in a card."""
    differs = one and other and one.differs(other)
    return [
        (mine.text if mine else "–", bool(differs and mine.worse < its.worse))
        for mine, its in ((one, other), (other, one))
    ]


def _scores(version, comparable):
    """{label: Figure} of the scores on the test set."""
    intervals = version.card.get("intervals", {}).get("scores", {})
    with in_currency(version.currency):
        return {
            str(label): _score(name, version.scores[name], intervals.get(name), write, comparable)
            for name, (label, write) in SCORES.items()
        }


def _score(name, value, interval, write, comparable):
    text = write(value)
    if interval:
        low, high = map(write, interval)
        text = _("{value} ({low} to {high})").format(value=text, low=low, high=high)
    if not interval or (name in IN_MONEY and not comparable):
        interval = None, None
    worse = {"coverage": abs(value - COVERAGE), "r2": -value}.get(name, value)
    return Figure(value, text, *interval, worse)


def _bands(version, comparable):
    """{label: Figure} of the error and the coverage in each group of stones."""
    figures = {}
    for band in version.card.get("bands", ()):
        if band["by"] != "price":  # whose ends are other prices in each card
            name = f"{LABELS[band['by']]}: {band_name(band)}"
            figures[_("{group}, error").format(group=name)] = _error(band, comparable)
            figures[_("{group}, coverage").format(group=name)] = _coverage(band)
    return figures


def _error(band, comparable):
    value, error = band["mae"], band.get("mae_error")
    reach = REACH * error if comparable and error else None
    ends = (None, None) if reach is None else (value - reach, value + reach)
    return Figure(value, number(value), *ends, value)


def _coverage(band):
    value = band["coverage"]
    return Figure(value, percent(value), *wilson(value, band["count"]), abs(value - COVERAGE))


def wilson(share, count):
    """Wilson's 95 % interval (1927) of a share of `count` stones."""
    square = REACH**2 / count
    middle = (share + square / 2) / (1 + square)
    reach = REACH * math.sqrt(share * (1 - share) / count + square / (4 * count)) / (1 + square)
    return middle - reach, middle + reach


def _origin(version):
    return {
        _("created"): f"{version.created:%Y-%m-%d}",
        _("sha256 of the data"): version.data_sha256[:12],
        _("prices"): f"{version.currency} {version.price_year}, {version.get_price_kind_display()}",
        _("seed"): str(version.seed),
        _("Training stones"): number(version.rows.get("training", 0)),
        _("library versions"): ", ".join(
            f"{name} {number_}" for name, number_ in sorted(version.library_versions.items())
        ),
    }
