"""Charts as inline SVG, without JavaScript: positions and paths for the templates of pages, model
cards and the admin.

All lengths are strings, because templates write numbers in the reader's language.
"""

import math
from dataclasses import dataclass

import numpy as np

from predictor.wording.figures import hundredths, money, number, percent

SEQUENCE = (
    *("#b2182b", "#d6604d", "#e08a3c", "#b79a2b"),
    *("#4f9a53", "#2f93a8", "#3a6fb5", "#6a4ba3"),
)
"""The colors of grades, worst to best."""


@dataclass(frozen=True)
class Canvas:
    """The size of a chart and the margins around the plot, in the chart's own units."""

    height: float = 230
    width: float = 340
    left: float = 72
    right: float = 26
    top: float = 12
    bottom: float = 34

    def across(self, low, high, log=False):
        """The horizontal axis, from left to right."""
        return Axis(low, high, self.left, self.width - self.right, log)

    def upwards(self, low, high, log=False):
        """The vertical axis, from bottom to top."""
        return Axis(low, high, self.height - self.bottom, self.top, log)

    def frame(self):
        """The edges of the plot, for the axes' lines and titles."""
        return {
            "box": f"0 0 {self.width} {self.height}",
            "left": str(self.left),
            "right": str(self.width - self.right),
            "top": str(self.top),
            "bottom": str(self.height - self.bottom),
            "tick_y": str(self.height - self.bottom + 14),
            "tick_x": str(self.left - 5),
            "title_x": str(self.width - self.right),
            "title_y": str(self.height - 4),
        }


PLAIN = Canvas()
"""The size of the charts on pages."""

TICKS, FEW = 5, 3
LABEL = 66
"""The width of an amount below an axis."""

BARS = 14
SMALLEST, LARGEST = 2.5, 9
"""The smallest and largest radius of a dot."""

SHADES = 6
BAR_ROW, BAR_WIDTH = 46, 250


class Axis:
    """Values along one side of a chart, `low` at `begin` and `high` at `end`; log: a logarithmic
    axis."""

    def __init__(self, low, high, begin, end, log=False):
        self.scale = math.log if log else float
        self.low, self.high, self.begin, self.end, self.log = low, high, begin, end, log

    def at(self, value):
        """The position of a value."""
        span = self.scale(self.high) - self.scale(self.low)
        share = (self.scale(value) - self.scale(self.low)) / span if span else 0.5
        return self.begin + share * (self.end - self.begin)

    def ticks(self, write, steps=TICKS):
        """[{label, at}, …] at round values, about `steps` of them."""
        round_ones = _round_log if self.log else _round
        values = round_ones(self.low, self.high, steps)
        return [{"label": write(value), "at": f"{self.at(value):.1f}"} for value in values]


def _round(low, high, steps):
    """Round values between two values: steps of 1, 2 or 5 times a power of ten."""
    if high <= low:
        return [low]
    step = _round_step((high - low) / steps, (1, 2, 5, 10))
    first = math.ceil(low / step - 1e-9)
    return [round(step * place, 10) for place in range(first, math.floor(high / step + 1e-9) + 1)]


def _round_step(rough, times):
    """The smallest of the given multiples of a power of ten that is not less than the rough step."""
    power = 10 ** math.floor(math.log10(rough))
    return next(power * one for one in times if power * one >= rough)


def _round_log(low, high, steps):
    """1, 2 and 5 times the powers of ten between two values; even steps if those are too few."""
    powers = range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1)
    values = [times * 10.0**power for power in powers for times in (1, 2, 5)]
    values = [value for value in values if low <= value <= high]
    return values if len(values) >= FEW else _round(low, high, steps)


def padded(values, log=False):
    """(low, high) of the values, with a small margin on both sides."""
    low, high = float(min(values)), float(max(values))
    if log:
        room = max((math.log(high) - math.log(low)) * 0.06, 0.02)
        return low * math.exp(-room), high * math.exp(room)
    room = max((high - low) * 0.06, abs(high) * 0.02)
    return low - room, high + room


def price_against_carat(comparables, carat, price):
    """Comparables by weight and price, the size of each dot by its share; the quoted stone on the
    same axes.

    comparables: [(carat, price, share of the weight), …].
    """
    carats = [one[0] for one in comparables] + [carat]
    prices = [one[1] for one in comparables] + [price]
    x, y = PLAIN.across(*padded(carats)), PLAIN.upwards(*padded(prices))
    largest = max(share for *_, share in comparables)
    return PLAIN.frame() | {
        "dots": [
            {
                "x": f"{x.at(weight):.1f}",
                "y": f"{y.at(price):.1f}",
                "r": f"{SMALLEST + (LARGEST - SMALLEST) * math.sqrt(share / largest):.1f}",
            }
            for weight, price, share in comparables
        ],
        "this": {"x": f"{x.at(carat):.1f}", "y": f"{y.at(price):.1f}"},
        "across": x.ticks(hundredths),
        "up": y.ticks(money),
    }


def histogram(values, weights, marks):
    """The distribution of weighted values: `bars`, each with its ends and share, and the positions
    of `marks`.

    values, weights: float64 (n,), the weights sum to 1; marks: {name: value}.
    """
    order = np.argsort(values)
    reached = np.cumsum(weights[order])
    low, high = values[order][np.searchsorted(reached, [0.01, 0.99]).clip(0, len(order) - 1)]
    low, high = padded([low, high, *marks.values()])
    step = _round_step((high - low) / BARS, (1, 2, 2.5, 5, 10))
    edges = np.arange(math.floor(low / step), math.ceil(high / step) + 1) * step
    shares, _ = np.histogram(values.clip(edges[0], edges[-1]), edges, weights=weights)
    x = PLAIN.across(float(edges[0]), float(edges[-1]))
    y = PLAIN.upwards(0, max(float(shares.max()), 1e-9) * 1.1)
    floor = y.begin
    bars = [
        {
            "x": f"{x.at(left) + 0.5:.1f}",
            "width": f"{max(x.at(right) - x.at(left) - 1, 0.5):.1f}",
            "y": f"{y.at(share):.1f}",
            "height": f"{floor - y.at(share):.1f}",
            "from": float(left),
            "to": float(right),
            "share": float(share),
        }
        for left, right, share in zip(edges[:-1], edges[1:], shares.tolist(), strict=True)
    ]
    return PLAIN.frame() | {
        "bars": [bar for bar in bars if bar["share"] > 0],
        "across": _apart(x.ticks(money)),
        "marks": {name: f"{x.at(value):.1f}" for name, value in marks.items()},
        "mark_y": str(PLAIN.top + 2),
    }


def colors_of(count):
    """A color for each of `count` grades, as #rrggbb: those of SEQUENCE; for more grades than it has, in
    equal steps along it."""
    if count <= len(SEQUENCE):
        return list(SEQUENCE[:count])
    known = np.array([[*bytes.fromhex(color[1:])] for color in SEQUENCE])
    steps = np.linspace(0, len(SEQUENCE) - 1, count)
    parts = [np.interp(steps, range(len(SEQUENCE)), part).round() for part in known.T]
    return ["#" + bytes(map(int, one)).hex() for one in zip(*parts, strict=True)]


def cloud(groups, x, y):
    """Many stones as one path a group: {name: [(x, y), …]} as [(name, path), …]."""
    return [
        (name, "".join(dict.fromkeys(f"M{x.at(a):.0f} {y.at(b):.0f}h0" for a, b in points)))
        for name, points in groups.items()
    ]


def asking_against_estimate(groups):
    """Asking prices (up) against estimates (across) on like logarithmic axes, and the `line` on which they
    are equal. groups: {name: [(estimate, asking), …]}, each a path."""
    ends = padded(
        [amount for points in groups.values() for pair in points for amount in pair], log=True
    )
    x, y = (axis(*ends, log=True) for axis in (PLAIN.across, PLAIN.upwards))
    return PLAIN.frame() | {
        "groups": [{"name": name, "path": path} for name, path in cloud(groups, x, y) if path],
        "line": f"M{x.begin} {y.begin}L{x.end} {y.end}",
        "across": _apart(x.ticks(money)),
        "up": y.ticks(money),
    }


def _apart(ticks):
    """Those of the ticks whose labels have room beside each other."""
    kept = []
    for tick in ticks:
        if not kept or float(tick["at"]) - float(kept[-1]["at"]) >= LABEL:
            kept.append(tick)
    return kept


# Of the model card


def density(stored):
    """Predicted against actual price: `shades` (each a path and its opacity) and `ticks`."""
    canvas = Canvas(height=300, left=50, right=10, top=10, bottom=10)
    x, y = (
        axis(stored["from"], stored["to"], log=True) for axis in (canvas.across, canvas.upwards)
    )
    step = round((x.end - x.begin) / stored["bins"])
    squares = [[] for _ in range(SHADES)]
    for across, up, count in stored["cells"]:
        left, top = x.begin + step * across, y.begin - step * (up + 1)
        squares[shade(count)].append(f"M{left} {top}h{step}v{step}h-{step}z")
    return {
        "shades": [
            {"path": "".join(paths), "opacity": f"{0.75 * (level + 1) / SHADES:.3f}"}
            for level, paths in enumerate(squares)
            if paths
        ],
        "ticks": [
            {"label": across["label"], "x": across["at"], "y": up["at"]}
            for across, up in zip(x.ticks(number), y.ticks(number), strict=True)
        ],
    }


def shade(count):
    """The shade for the number of stones in one cell, from 0: one step darker for each doubling."""
    return min(int(math.log2(count)), SHADES - 1)


def coverage(deciles, aim):
    """Coverage by decile: `points`, the `line` through them, the aim and the `band` around it.

    By chance, 95 % of groups of that size lie in the band if their coverage is the aim.
    """
    shares = [decile["coverage"] for decile in deciles]
    canvas = Canvas(height=180, left=50, right=10, top=10, bottom=10)
    x = canvas.across(0, len(deciles))
    y = canvas.upwards(math.floor(10 * min(*shares, 0.6)) / 10, 1)
    xs = [f"{x.at(place + 0.5):.1f}" for place in range(len(deciles))]
    ys = [f"{y.at(share):.1f}" for share in shares]
    half = 1.96 * math.sqrt(aim * (1 - aim) / min(decile["count"] for decile in deciles))
    top, bottom = y.at(min(aim + half, 1)), y.at(aim - half)
    return {
        "points": [
            {"x": x, "y": y, "label": label, "share": percent(share)}
            for label, (x, y, share) in enumerate(zip(xs, ys, shares, strict=True), 1)
        ],
        "line": " ".join(f"{x},{y}" for x, y in zip(xs, ys, strict=True)),
        "aim": f"{y.at(aim):.1f}",
        "band": {"y": f"{top:.1f}", "height": f"{bottom - top:.1f}"},
        "ticks": y.ticks(lambda share: percent(share, 0)),
    }


def bars(rows, write=money):
    """Horizontal bars of (label, value), one below the other, and the chart's `height`; those of negative
    values are to the left of the others' beginning.

    write: formats a value.
    """
    values = [value for _, value in rows]
    axis = Axis(min(0, *values), max(1e-9, *values), 0, BAR_WIDTH)
    drawn = []
    for place, (label, value) in enumerate(rows):
        left, right = sorted((axis.at(0), axis.at(value)))
        width = max(right - left, 1)
        drawn.append(
            {
                "label": label,
                "value": write(value),
                "y": BAR_ROW * place,
                "x": f"{left:.1f}",
                "width": f"{width:.1f}",
                "end": f"{left + width + 6:.1f}",
            }
        )
    return {"height": BAR_ROW * len(rows), "rows": drawn}
