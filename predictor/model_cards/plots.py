"""The model card's plots: places and paths for inline SVG, and the same as text.

All lengths are strings, because templates write numbers the way the reader's language does.
"""

import math

from predictor.wording.figures import money, number, percent

LEFT, TOP, INNER = 50, 10, 280
"""Where in a picture the drawing begins, and how wide it is; in the picture's own units."""

COVERAGE_HEIGHT = 160
BAR_ROW, BAR_WIDTH = 46, 250
TICKS = (200, 500, 1000, 2000, 5000, 10_000, 20_000, 50_000)
"""Labels of the price axes."""

SHADES = 6
TEXT_SHADES = " .:+*#@"
TEXT_BAR = 40


def density(stored):
    """Predicted against actual price: `shades` (a path and its opacity each) and `ticks`."""
    step = INNER // stored["bins"]
    squares = [[] for _ in range(SHADES)]
    for across, up, count in stored["cells"]:
        x, y = LEFT + step * across, TOP + INNER - step * (up + 1)
        squares[_shade(count)].append(f"M{x} {y}h{step}v{step}h-{step}z")
    span = math.log(stored["to"] / stored["from"])
    places = {
        tick: INNER * math.log(tick / stored["from"]) / span
        for tick in TICKS
        if stored["from"] <= tick <= stored["to"]
    }
    return {
        "shades": [
            {"path": "".join(paths), "opacity": f"{0.75 * (level + 1) / SHADES:.3f}"}
            for level, paths in enumerate(squares)
            if paths
        ],
        "ticks": [
            {"label": number(tick), "x": f"{LEFT + place:.1f}", "y": f"{TOP + INNER - place:.1f}"}
            for tick, place in places.items()
        ],
    }


def _shade(count):
    """One shade darker each time that the stones double."""
    return min(int(math.log2(count)), SHADES - 1)


def density_text(stored):
    """The same in characters, two steps of actual price a line."""
    bins = stored["bins"]
    lines = [[0] * bins for _ in range(bins // 2)]
    for across, up, count in stored["cells"]:
        lines[up // 2][across] += count
    drawn = [
        "".join(TEXT_SHADES[_shade(count) + 1] if count else " " for count in line).rstrip()
        for line in reversed(lines)
    ]
    return "\n".join(f"| {line}".rstrip() for line in drawn) + "\n+" + "-" * (bins + 1)


def coverage(deciles, aim):
    """Coverage by decile: `points`, the `line` through them, the aim and the `band` around it.

    The band is where chance alone puts 95 % of groups of that size, were their coverage the aim.
    """
    shares = [decile["coverage"] for decile in deciles]
    floor = math.floor(10 * min(*shares, 0.6)) / 10
    step = INNER / len(deciles)
    xs = [f"{LEFT + step * (number + 0.5):.1f}" for number in range(len(deciles))]
    ys = [_height(share, floor) for share in shares]
    half = 1.96 * math.sqrt(aim * (1 - aim) / min(decile["count"] for decile in deciles))
    top, bottom = float(_height(min(aim + half, 1), floor)), float(_height(aim - half, floor))
    return {
        "points": [
            {"x": x, "y": y, "label": label + 1, "share": percent(share)}
            for label, (x, y, share) in enumerate(zip(xs, ys, shares, strict=True))
        ],
        "line": " ".join(f"{x},{y}" for x, y in zip(xs, ys, strict=True)),
        "aim": _height(aim, floor),
        "band": {"y": f"{top:.1f}", "height": f"{bottom - top:.1f}"},
        "ticks": [
            {"label": percent(tenth / 10, 0), "y": _height(tenth / 10, floor)}
            for tenth in range(round(10 * floor), 11)
        ],
    }


def _height(share, floor):
    return f"{TOP + COVERAGE_HEIGHT * (1 - share) / (1 - floor):.1f}"


def bars(rows, write=money):
    """Horizontal bars of (label, value), under each other, and the picture's `height`.

    write: gives a value as it is to be read.
    """
    most = max(1e-9, *(value for _, value in rows))
    return {
        "height": BAR_ROW * len(rows),
        "rows": [
            {
                "label": label,
                "value": write(value),
                "y": BAR_ROW * place,
                "width": (width := f"{max(BAR_WIDTH * value / most, 1):.1f}"),
                "end": f"{float(width) + 6:.1f}",
            }
            for place, (label, value) in enumerate(rows)
        ],
    }


def bars_text(rows, most=None):
    """(label, value, its figure) as bars of text, aligned."""
    most = most or max(1e-9, *(value for _, value, _ in rows))
    widest = max(len(label) for label, *_ in rows)
    return "\n".join(
        f"{label:<{widest}}  {'█' * max(round(TEXT_BAR * value / most), 0):<{TEXT_BAR}}  {figure}"
        for label, value, figure in rows
    )
