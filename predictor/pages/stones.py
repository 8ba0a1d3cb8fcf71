"""The data page: the recorded stones by weight and price, and what a better grade costs at each
size."""

from functools import lru_cache

import numpy as np
from django.shortcuts import render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from ml.forest.matrix import row_of
from ml.stones import GRADES, MEASURES, bounded
from ml.tables.amounts import read_measure
from predictor.charts.svg import PLAIN, cloud, padded
from predictor.pages.stone_form.forms import as_filled, as_reported, form_address
from predictor.pricing.amounts import amount_typed
from predictor.pricing.serializers import shown
from predictor.versions.live import registry
from predictor.wording.figures import figure, in_currency, money, number, signed_money
from predictor.wording.labels import LABELS
from predictor.wording.sentences import prices_sentence

SIZES = (0.3, 0.5, 0.7, 1.0, 1.5, 2.0)
"""ct; the weights in the table of costs."""

TENTH = 0.1
USUAL = {"cut": "Ideal", "color": "G", "clarity": "VS2"}
CHARTED, LISTED = 1500, 8
"""The most stones in the picture and in the list."""

RANGES = ("carat", "price")
FAR = {"carat": MEASURES["carat"].high, "price": 1e9}


@require_safe
def stones(request):
    """The stones that the active graded forest was trained on, filtered by weight, price and grades."""
    registry.ensure_loaded()
    live = registry.loaded().get("graded")
    if live is None:
        return render(request, "predictor/stones.html", {"gone": True}, status=503)
    with in_currency(live.version.currency):
        return render(request, "predictor/stones.html", _context(request.GET, live))


def _context(query, live):
    forest = live.forest
    ranges, wrong = _ranges(query, live)
    grades = {name: [one for one in GRADES[name] if one in query.getlist(name)] for name in GRADES}
    by = query.get("by") if query.get("by") in GRADES else "color"
    rows = _chosen(forest, ranges, grades)
    usual = {name: grades[name][0] if len(grades[name]) == 1 else USUAL[name] for name in GRADES}
    return {
        "basis": prices_sentence(live.version.basis),
        "version": live.version,
        "ranges": [_range_field(name, query, wrong, live) for name in RANGES],
        "grades": [_grade_field(name, grades[name]) for name in reversed(GRADES)],
        "by": [(name, LABELS[name], name == by) for name in ("color", "clarity", "cut")],
        "by_label": LABELS[by],
        "count": number(len(rows)),
        "all": number(len(forest.recorded_columns["price"])),
        "drawn": number(min(len(rows), CHARTED)),
        "picture": _picture(forest, rows, by) if len(rows) else None,
        "groups": _groups(forest, rows, by),
        "listed": [_listed(forest, row) for row in _spread(forest, rows)],
        "costs": _costs(forest, tuple(usual.items())),
        "usual": f"{usual['cut']}, {usual['color']}, {usual['clarity']}",
    }


def _ranges(query, live):
    """({name: (low, high)}, {field: message}) of the ranges entered."""
    found, wrong = {}, {}
    for name in RANGES:
        ends = []
        for end, none in (("from", 0.0), ("to", FAR[name])):
            text = bounded(query.get(f"{name}_{end}", "")).strip()
            try:
                ends.append(_end(name, text, live) if text else none)
            except ValueError as error:
                wrong[f"{name}_{end}"] = str(error)
                ends.append(none)
        found[name] = ends
    return found, wrong


def _end(name, text, live):
    """One end of a range as typed; ValueError with the error message."""
    if name == "price":
        prices = live.forest.recorded_columns["price"]
        likely = prices.min(), prices.max()
        return amount_typed(text, live.version.currency, likely=likely, lowest=0)
    if plain := read_measure(name, text):
        return float(plain)
    raise ValueError(_("“{value}” is not a number.").format(value=shown(text)))


def _range_field(name, query, wrong, live):
    return {
        "label": LABELS["carat"] if name == "carat" else _("Price"),
        "unit": "ct" if name == "carat" else live.version.currency,
        "ends": [
            _end_field(f"{name}_{end}", label, query, wrong)
            for end, label in (("from", _("from")), ("to", _("to")))
        ],
    }


def _end_field(name, label, query, wrong):
    value = bounded(query.get(name, ""))
    return {"id": name, "name": name, "label": label, "value": value, "wrong": wrong.get(name)}


def _grade_field(name, chosen):
    return {
        "name": name,
        "label": LABELS[name],
        "choices": [(grade, grade in chosen) for grade in GRADES[name]],
    }


def _chosen(forest, ranges, grades):
    """The selected rows of the recorded stones."""
    columns = forest.recorded_columns
    chosen = np.ones(len(columns["price"]), bool)
    for name, (low, high) in ranges.items():
        chosen &= (columns[name] >= low) & (columns[name] <= high)
    for name, some in grades.items():
        if some:
            chosen &= np.isin(columns[name], [GRADES[name].index(grade) for grade in some])
    return np.flatnonzero(chosen)


def _picture(forest, rows, by):
    """The selected stones, at most CHARTED of them, one path a grade; both axes logarithmic."""
    columns = forest.recorded_columns
    carat, price = columns["carat"][rows], columns["price"][rows]
    x, y = (
        axis(*padded([values.min(), values.max()], log=True), log=True)
        for axis, values in ((PLAIN.across, carat), (PLAIN.upwards, price))
    )
    charted = rows[np.linspace(0, len(rows) - 1, min(len(rows), CHARTED)).astype(int)]
    groups = {
        grade: [
            (float(columns["carat"][row]), float(columns["price"][row]))
            for row in charted[columns[by][charted] == rank]
        ]
        for rank, grade in enumerate(GRADES[by])
    }
    return PLAIN.frame() | {
        "groups": [
            {"name": name, "path": path, "place": place}
            for place, (name, path) in enumerate(cloud(groups, x, y))
            if path
        ],
        "across": x.ticks(figure),
        "up": y.ticks(money),
    }


def _groups(forest, rows, by):
    """The picture as a table: number of stones, and medians of weight, price and price per carat by
    grade."""
    columns = forest.recorded_columns
    found = []
    for rank, grade in enumerate(GRADES[by]):
        some = rows[columns[by][rows] == rank]
        if len(some):
            carat, price = columns["carat"][some], columns["price"][some]
            medians = (float(np.median(one)) for one in (carat, price, price / carat))
            carat, price, per_carat = medians
            found.append(
                (
                    rank,
                    grade,
                    number(len(some)),
                    f"{number(carat, 2)}\xa0ct",
                    money(price),
                    money(per_carat),
                )
            )
    return found


def _spread(forest, rows):
    """A few of the rows, from the cheapest to the most expensive."""
    order = rows[np.argsort(forest.recorded_columns["price"][rows], kind="stable")]
    return order[np.linspace(0, len(order) - 1, min(len(order), LISTED)).astype(int)]


def _listed(forest, row):
    stone = forest.recorded(int(row))
    return {
        "price": money(stone["price"]),
        "name": f"{figure(stone['carat'])}\xa0ct, {stone['cut']}, {stone['color']}, {stone['clarity']}",
        "size": " × ".join(figure(stone[name]) for name in "xyz") + "\xa0mm",
        "address": form_address("graded", as_filled(stone, "graded")),
    }


def _costs(forest, usual):
    """The price of a stone of usual proportions at each size, and the cost of one step more."""
    return [
        {
            "size": f"{figure(size)}\xa0ct",
            "price": money(price),
            "steps": ["–" if step is None else signed_money(step - price) for step in steps],
            "address": form_address("graded", as_reported(stone)),
        }
        for size, stone, price, steps in _priced_steps(forest, usual)
    ]


@lru_cache(maxsize=64)
def _priced_steps(forest, usual):
    """[(size, stone, price, [price with a tenth of a carat, a color, a clarity, a cut more]), …]."""
    tried = []
    for size in SIZES:
        stone = usual_stone(forest, size) | dict(usual)
        tried.append(stone)
        tried.append(usual_stone(forest, size + TENTH) | dict(usual))
        tried += [_better(stone, name) for name in ("color", "clarity", "cut")]
    rows = np.array([row_of(stone, "graded") for stone in tried if stone])
    prices = iter(forest.price(rows).tolist())
    prices = [stone and next(prices) for stone in tried]
    width = len(tried) // len(SIZES)
    return [
        (size, tried[first], prices[first], prices[first + 1 : first + width])
        for size, first in zip(SIZES, range(0, len(tried), width), strict=True)
    ]


def _better(stone, name):
    """The stone with the next better grade; None if there is none."""
    place = GRADES[name].index(stone[name]) + 1
    return {**stone, name: GRADES[name][place]} if place < len(GRADES[name]) else None


def usual_stone(forest, carat):
    """The usual sizes and proportions of recorded stones at a weight: medians of their ratios."""
    width, depth, table = _usual_ratios(forest)
    diameter = width * carat ** (1 / 3)
    sizes = {"x": diameter, "y": diameter, "z": diameter * depth / 100}
    return {"carat": carat, "depth": depth, "table": table, **sizes}


@lru_cache(maxsize=4)
def _usual_ratios(forest):
    columns = forest.recorded_columns
    ratios = columns["x"] / np.cbrt(columns["carat"]), columns["depth"], columns["table"]
    return [float(np.median(one)) for one in ratios]
