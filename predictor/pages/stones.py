"""The data page: the recorded stones by weight and price, and what a better grade costs at each
size."""

from functools import lru_cache

import numpy as np
from django.shortcuts import render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from ml.stones import GRADES, MEASURES, bounded
from ml.tables.amounts import read_measure
from predictor.charts.svg import PLAIN, cloud, colors_of, padded
from predictor.pages.stone_form.forms import as_filled, form_address
from predictor.pricing.alternatives import rounded_as_reported
from predictor.pricing.amounts import amount_typed
from predictor.pricing.answers import shown_stone
from predictor.pricing.serializers import shown
from predictor.pricing.shapes import round_ones
from predictor.quotes.presentation import diameters
from predictor.versions.live import registry
from predictor.wording.figures import (
    hundredths,
    in_currency,
    money,
    number,
    signed_money,
    weight,
)
from predictor.wording.labels import LABELS, level_label
from predictor.wording.sentences import prices_sentence

SIZES = (0.3, 0.5, 0.7, 1.0, 1.5, 2.0)
"""ct; the weights in the table of costs, and those at which grades are compared."""

COMPARED, NEAR = 1.0, 1.1
"""ct, the weight at which grades are compared by default; and up to which multiple of it."""

TENTH = 0.1
USUAL = {"cut": "Very Good", "color": "G", "clarity": "VS2"}
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
    levels = forest.vocabulary.choices
    grades = {
        name: [one for one in some if one in query.getlist(name)] for name, some in levels.items()
    }
    by = query.get("by") if query.get("by") in levels else "color"
    at = {str(size): size for size in SIZES}.get(query.get("at"), COMPARED)
    rows = _chosen(forest, ranges, grades)
    usual = _usual_grades(forest, grades)
    return {
        "basis": prices_sentence(live.version.basis),
        "version": live.version,
        "ranges": [_range_field(name, query, wrong, live) for name in RANGES],
        "grades": [
            _grade_field(name, levels[name], grades[name])
            for name in (*reversed(GRADES), *forest.vocabulary.names)
        ],
        "by": [
            (name, LABELS[name], name == by)
            for name in ("color", "clarity", "cut", *forest.vocabulary.names)
        ],
        "by_label": LABELS[by],
        "count": number(len(rows)),
        "all": number(len(forest.recorded_columns["price"])),
        "drawn": number(min(len(rows), CHARTED)),
        "picture": _picture(forest, rows, by) if len(rows) else None,
        "at": [(size, weight(size), size == at) for size in SIZES],
        "near": _("{low} to {high}").format(low=number(at, 2), high=weight(at * NEAR - 0.01)),
        "groups": _groups(forest, rows, by, at, usual),
        "alike": ", ".join(usual[name] for name in GRADES if name != by),
        "listed": [_listed(forest, row) for row in _spread(forest, rows)],
        "steps": [title for _, title in _steps(usual, forest.vocabulary.grades)],
        "costs": _costs(forest, tuple(usual.items())),
        "usual": f"{usual['cut']}, {usual['color']}, {usual['clarity']}",
    }


def _usual_grades(forest, grades):
    """{property: the only chosen grade, or the usual one}: of a list without the usual grade its most
    frequent one."""
    found = {}
    for name, known in forest.vocabulary.choices.items():
        if len(grades[name]) == 1:
            found[name] = grades[name][0]
        elif name in GRADES:
            found[name] = USUAL[name] if USUAL[name] in known else _most_frequent(forest, name)
    return found


@lru_cache(maxsize=16)
def _most_frequent(forest, name):
    """A grade that most of the recorded stones that state one have."""
    levels = forest.vocabulary.levels(name)
    counts = np.bincount(forest.recorded_columns[name], minlength=len(levels))
    return max((one for one in levels if one), key=lambda one: counts[levels.index(one)])


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
        if ends[0] > ends[1]:
            wrong[f"{name}_to"] = _("The upper limit is below the lower one.")
            ends = [0.0, FAR[name]]
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
    raise ValueError(_("“{value}” is not a weight in carats.").format(value=shown(text)))


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


def _grade_field(name, levels, chosen):
    return {
        "name": name,
        "label": LABELS[name],
        "choices": [(one, level_label(name, one), one in chosen) for one in levels],
    }


def _chosen(forest, ranges, grades):
    """The selected rows of the recorded stones."""
    columns = forest.recorded_columns
    chosen = np.ones(len(columns["price"]), bool)
    for name, (low, high) in ranges.items():
        chosen &= (columns[name] >= low) & (columns[name] <= high)
    for name, some in grades.items():
        if some:
            levels = forest.vocabulary.levels(name)
            chosen &= np.isin(columns[name], [levels.index(grade) for grade in some])
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
        for rank, grade in enumerate(forest.vocabulary.levels(by))
        if grade
    }
    return PLAIN.frame() | {
        "groups": [
            {"name": name, "path": path, "color": color}
            for (name, path), color in zip(cloud(groups, x, y), colors_of(len(groups)), strict=True)
            if path
        ],
        "across": x.ticks(hundredths),
        "up": y.ticks(money),
    }


def _groups(forest, rows, by, at, usual):
    """Of the stones near one weight: their number and median price, by grade, worst first; and the
    estimates of stones of this weight that are alike in all else."""
    columns = forest.recorded_columns
    stone, levels = usual_stone(forest, at) | usual, forest.vocabulary.choices[by]
    alike = [forest.row({**stone, by: grade}) for grade in levels]
    estimates = forest.by_trees.answers(np.array(alike)).price.tolist()
    near = rows[(columns["carat"][rows] >= at) & (columns["carat"][rows] < at * NEAR)]
    found = []
    for grade, estimate, color in zip(levels, estimates, colors_of(len(levels)), strict=True):
        rank = forest.vocabulary.levels(by).index(grade)
        some = near[columns[by][near] == rank]
        if len(some):
            label, median = level_label(by, grade), float(np.median(columns["price"][some]))
            counted = number(len(some))
            found.append((color, label, counted, money(median), money(estimate)))
    return found


def _spread(forest, rows):
    """A few of the rows, from the cheapest to the most expensive."""
    order = rows[np.argsort(forest.recorded_columns["price"][rows], kind="stable")]
    return order[np.linspace(0, len(order) - 1, min(len(order), LISTED)).astype(int)]


def _listed(forest, row):
    stone, price = shown_stone(forest, int(row)), forest.recorded_columns["price"][row]
    sizes = diameters(stone)
    return {
        "price": money(float(price)),
        "name": ", ".join([weight(stone["carat"]), *_words(stone)]),
        "size": f"{sizes}\xa0mm" if sizes else "",
        "address": form_address("graded", as_filled(stone, "graded")),
    }


def _words(stone):
    """The shape and the grades of a stone, where it states them."""
    names = ("shape", *GRADES)
    return [level_label(name, stone[name]) for name in names if name in stone]


def _steps(usual, grades):
    """[(property, its title), …] of the steps up from the usual grades; none from the best grade."""
    titles = {
        "carat": _("0.1 ct more"),
        "color": _("one color grade better"),
        "clarity": _("one clarity grade better"),
        "cut": _("one cut grade better"),
    }
    return [(name, title) for name, title in titles.items() if _better(usual, name, grades)]


def _costs(forest, usual):
    """The price of a stone of usual proportions at each size, and the cost of one step more."""
    return [
        {
            "size": weight(size),
            "price": money(price),
            "steps": [signed_money(step) for step in steps],
            "address": form_address("graded", stone),
        }
        for size, stone, price, steps in _priced_steps(forest, usual)
    ]


@lru_cache(maxsize=64)
def _priced_steps(forest, usual):
    """[(size, stone, price, [what each of its steps adds to the trees' estimate]), …]."""
    names = [name for name, _ in _steps(dict(usual), forest.vocabulary.grades)]
    stones = [usual_stone(forest, size) | dict(usual) for size in SIZES]
    tried = [
        one for stone in stones for one in (stone, *(_stepped(forest, stone, n) for n in names))
    ]
    matrix = np.array([forest.row(one) for one in tried])
    estimates = forest.by_trees.answers(matrix).price.reshape(len(SIZES), -1)
    prices = forest.answers(matrix[:: estimates.shape[1]]).price.tolist()
    steps = (estimates[:, 1:] - estimates[:, :1]).tolist()
    return list(zip(SIZES, stones, prices, steps, strict=True))


def _stepped(forest, stone, name):
    """The stone with a tenth of a carat more, or with the next better grade."""
    if name == "carat":
        return {**stone, **usual_stone(forest, stone["carat"] + TENTH)}
    return {**stone, name: _better(stone, name, forest.vocabulary.grades)}


def _better(stone, name, grades):
    """The next better grade; None if there is none. A weight always has a next one."""
    if name == "carat":
        return stone
    place = grades[name].index(stone[name]) + 1
    return grades[name][place] if place < len(grades[name]) else None


def usual_stone(forest, carat):
    """The usual sizes and proportions of recorded round stones at a weight: medians of their ratios; of all
    stones if none is known to be round."""
    width, depth, table = _usual_ratios(forest)
    diameter = width * carat ** (1 / 3)
    sizes = {"x": diameter, "y": diameter, "z": diameter * depth / 100}
    return {"depth": depth, "table": table, **rounded_as_reported({"carat": carat, **sizes})}


@lru_cache(maxsize=4)
def _usual_ratios(forest):
    columns = forest.recorded_columns
    ratios = columns["x"] / np.cbrt(columns["carat"]), columns["depth"], columns["table"]
    alike = round_ones(forest)
    return [float(np.median(one[alike] if alike.any() else one)) for one in ratios]
