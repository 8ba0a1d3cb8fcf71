"""Quotes side by side: a row for each property, its best value marked, and which quote is the best
buy and why."""

from itertools import pairwise

from django.utils.translation import gettext as _

from ml.stones import grades_of
from ml.vocabulary import TRADE_GRADES
from predictor.model_cards.blocks import Text
from predictor.model_cards.differences import difference_blocks
from predictor.pages.quotes.asking import forest_if_kept, with_asking
from predictor.pricing.face_up import face_up
from predictor.quotes.presentation import grade_text, range_text, short_name
from predictor.replay.differences import UNEXPLAINED, NotKnown, why
from predictor.wording.figures import in_currency, money, number, signed_percent, weight
from predictor.wording.labels import LABELS
from predictor.wording.sentences import FAIRNESS, SIGNS

SAME = 0.001
"""The ratio of two prices up to which they count as the same."""


def compared(predictions, askings, names):
    """The contents of the comparison page: `columns`, `rows` and the `verdict`.

    askings: an asking price for each, in its own currency, or None. names: a name for each, or "".
    """
    names = distinct(predictions, names)
    faces = [_face_up(one) for one in predictions]
    rows = [*_price_rows(predictions, askings), *_stone_rows(predictions, faces)]
    return {
        "columns": list(zip(predictions, names, strict=True)),
        "rows": [row for row in rows if any(row["cells"])],
        "verdict": _verdict(predictions, askings, names),
        "changes": _changes(predictions),
    }


def distinct(predictions, names):
    """A name for each quote: the given one, else the stone's; numbered where several are the same."""
    found = [name or short_name(one) for one, name in zip(predictions, names, strict=True)]
    return [
        f"{name} ({found[: place + 1].count(name)})" if found.count(name) > 1 else name
        for place, name in enumerate(found)
    ]


def _changes(predictions):
    """Why the price of a stone changed between quotes of different versions: [(title, blocks), …]."""
    by_stone = {}
    for one in sorted(predictions, key=lambda one: one.pk):
        stone = one.scheme, one.version.currency, *one.features.values()
        by_stone.setdefault(stone, []).append(one)
    pairs = [pair for quotes in by_stone.values() for pair in pairwise(quotes)]
    return [
        _change(*pair, f"why-{place}")
        for place, pair in enumerate(pairs)
        if pair[0].version != pair[1].version
    ]


def _change(one, other, name):
    title = _("Why the price changed: {name}").format(name=short_name(other))
    try:
        found = why(one, other.version)
    except NotKnown as error:
        return title, [Text(str(error))]
    except UNEXPLAINED:
        missing = _("This cannot be explained, because a version is no longer available.")
        return title, [Text(missing)]
    with in_currency(other.version.currency):
        return title, difference_blocks(found, one.version, other.version, name)


def _face_up(prediction):
    forest = forest_if_kept(prediction)
    return forest and face_up(prediction.features, forest)


def _row(label, why, texts, values=None, best=min):
    """A row of the table; values: what `best` compares, None if a value is missing."""
    known = [value for value in values or [] if value is not None]
    marked = len(known) == len(texts) and len(set(known)) > 1
    top = best(known) if marked else None
    cells = [
        {"text": text, "best": marked and value == top} if text else None
        for text, value in zip(texts, values or texts, strict=True)
    ]
    return {"label": label, "why": why if marked else "", "cells": cells}


def _price_rows(predictions, askings):
    comparable = all(_is_of_like_basis(predictions[0], one) for one in predictions)
    widths = [(one.high - one.low) / one.price for one in predictions]
    ratios = _ratios(predictions, askings)
    return [
        _row(
            _("Our estimate"),
            "",
            _money(predictions, [p.predicted_price for p in predictions]),
        ),
        _row(
            _("Asking price"),
            _("lowest"),
            _money(predictions, askings),
            askings if comparable else None,
        ),
        _row(
            _("Asking price compared with our estimate"),
            _("best value"),
            [ratio and signed_percent(ratio - 1) for ratio in ratios],
            ratios,
        ),
        _row(_("Verdict on the asking price"), "", _words(predictions, askings)),
        _row(
            _("Price per carat"),
            "",
            _money(predictions, [one.price_per_carat for one in predictions]),
        ),
        _row(
            _("Range"),
            _("narrowest compared with its price"),
            [_range(one) for one in predictions],
            widths,
        ),
    ]


def _stone_rows(predictions, faces):
    rows = [
        _row(
            LABELS["carat"],
            _("heaviest"),
            [weight(one.carat) for one in predictions],
            [one.carat for one in predictions],
            max,
        )
    ]
    alike = len({one.scheme for one in predictions}) == 1
    for name in ("color", "clarity", "cut"):
        texts = [grade_text(name, one.features[name], one.scheme) for one in predictions]
        ranks = [_rank(name, one) for one in predictions]
        rows.append(_row(LABELS[name], _("best grade"), texts, ranks if alike else None, max))
    rows.append(
        _row(
            _("Diameter"),
            _("looks largest"),
            [face and f"{number(face.diameter, 2)}\xa0mm" for face in faces],
            [face and face.diameter for face in faces],
            max,
        )
    )
    rows.append(
        _row(
            _("Diameter compared with the usual one"),
            _("widest for its weight"),
            [face and signed_percent(face.share) for face in faces],
            [face and face.share for face in faces],
            max,
        )
    )
    return rows


def _money(predictions, amounts):
    texts = []
    for one, amount in zip(predictions, amounts, strict=True):
        with in_currency(one.version.currency):
            texts.append(amount and money(amount))
    return texts


def _range(prediction):
    with in_currency(prediction.version.currency):
        return range_text(prediction)


def _ratios(predictions, askings):
    return [
        asking and asking / one.predicted_price
        for one, asking in zip(predictions, askings, strict=True)
    ]


def _words(predictions, askings):
    """The word for each asking price; None without one."""
    found = [
        with_asking(one, price) if price else None
        for one, price in zip(predictions, askings, strict=True)
    ]
    return [one and f"{SIGNS[one.fairness]} {FAIRNESS[one.fairness]}" for one in found]


def _verdict(predictions, askings, names):
    """Which quote is the best buy, and why; or why there is none."""
    ratios = _ratios(predictions, askings)
    if all(ratios):
        best = min(range(len(ratios)), key=ratios.__getitem__)
        if _ties(ratios, best):
            return _("A tie: the lowest asking prices are the same compared with our estimates.")
        return _(
            "Best buy: {name}. Its asking price is the lowest compared with our estimate ({share})."
        ).format(name=names[best], share=signed_percent(ratios[best] - 1))
    prices = [one.price for one in predictions]
    best = min(range(len(prices)), key=prices.__getitem__)
    others = [one for place, one in enumerate(predictions) if place != best]
    if all(_is_no_worse(predictions[best], one) for one in others):
        if _ties(prices, best):
            return _(
                "A tie: the cheapest stones cost the same. Enter the asking prices to compare them."
            )
        return _("Best buy: {name}. It costs least and is no worse in weight and grades.").format(
            name=names[best]
        )
    return _(
        "The cheapest stone is not the best in both weight and grades. Enter all asking prices to "
        "see which stone is the best value."
    )


def _ties(values, best):
    """Whether another value differs from the lowest by less than a thousandth of it."""
    return sum(value <= values[best] * (1 + SAME) for value in values) > 1


def _is_no_worse(one, other):
    if one.scheme != other.scheme or not _is_of_like_basis(one, other):
        return False
    grades = all(_rank(name, one) >= _rank(name, other) for name in ("color", "clarity", "cut"))
    return grades and one.carat >= other.carat


def _rank(name, prediction):
    """The rank of a grade in the trade's order; -1 if it is not stated."""
    grade, coded = prediction.features[name], prediction.scheme == "coded"
    order = grades_of(name, "coded") if coded else TRADE_GRADES[name]
    return order.index(grade) if grade in order else -1


def _is_of_like_basis(one, other):
    """Whether the prices of two answers can be compared."""
    return one.version.basis.is_like(other.version.basis)
