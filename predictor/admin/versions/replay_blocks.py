"""A replay's comparison for display: as blocks of model cards, and the table of the largest changes."""

import math
from itertools import pairwise

import numpy as np
from django.urls import reverse
from django.utils.translation import gettext as _

from ml.forest.differences import PARTS
from ml.stones import ends_of_band
from predictor.charts import svg
from predictor.charts import text as text_charts
from predictor.model_cards.blocks import Facts, Plot, Table, Text
from predictor.model_cards.differences import as_change
from predictor.replay.actual import CHOSEN, LATER, LEFT_OUT, TRAINED_ON
from predictor.replay.services import STEPS
from predictor.wording.differences import PART_NAMES, not_known
from predictor.wording.figures import (
    carats,
    in_currency,
    money,
    number,
    percent,
    signed_money,
    signed_percent,
)
from predictor.wording.labels import LABELS


def context_of(found, version):
    """A Comparison for display: its `blocks`, as model cards have them, and its `largest` changes."""
    unknown = _unknown(found, version)
    if not found.all.rows:
        return {"blocks": unknown}
    with in_currency(version.currency):
        errors = _errors(found.errors, version)
    return {
        "blocks": [
            *unknown,
            _facts(found),
            *errors,
            *_parts(found.parts),
            _bars(found),
            *_groups(found),
        ],
        "largest": _largest(found, version),
    }


def differences_of(found, version):
    """The same of a Comparison that only knows prices."""
    return {
        "blocks": [_facts(found), _bars(found), *_groups(found)],
        "prices_only": True,
        "largest": _largest(found, version),
    }


def _largest(found, version):
    return [
        (
            reverse("admin:predictor_prediction_change", args=[key]) + f"?against={version.pk}#why",
            key,
            signed_percent(change),
            number(old),
            number(new),
            _largest_part(parts),
        )
        for key, change, old, new, parts in found.in_order()
    ]


def _unknown(found, version):
    """How many stones the version does not know, by what it does not know of them."""
    return [
        Text(
            _("{sentence} Predictions without a new price: {count}.").format(
                sentence=not_known(version.number, *unknown), count=number(count)
            )
        )
        for unknown, count in found.unknown.most_common()
    ]


def _largest_part(parts):
    """The largest part of a change, in words; "–" if it cannot be explained."""
    if np.isnan(parts[0]):
        return "–"
    place = int(np.abs(parts).argmax())
    return f"{PART_NAMES[PARTS[place]]} {as_change(parts[place])}"


def _errors(errors, version):
    """The errors of both versions on reviewed stones: a sentence for each group, and what they mean."""
    groups = errors.in_order()
    if not groups:
        return [Text(_("No stone of these predictions has an actual price."))]
    one = len(errors.versions) == 1
    recorded = _version_name(*errors.versions) if one else _("the recorded answers")
    rows = [
        [_group_name(group), number(paired.rows), *_error_cells(paired)]
        for group, paired in groups
        if group not in LEFT_OUT
    ]
    head = [
        _("Reviewed stones"),
        _("Stones"),
        _("MAE of {version}").format(version=recorded),
        _("MAE of {version}").format(version=_version_name(version.number)),
        _("Difference"),
        _("95% interval"),
    ]
    left_out = {
        TRAINED_ON: _(
            "Reviewed stones that one of the versions was trained on are left out: {count}."
        ),
        LATER: _("Reviewed stones drawn after one without a review are left out: {count}."),
    }
    texts = [_("The difference is that of the same stones; below 0, the errors became smaller.")]
    texts += [
        text.format(count=number(errors.groups[group].rows))
        for group, text in left_out.items()
        if group in errors.groups
    ]
    title = _("Errors on reviewed stones")
    return [*([Table("errors", title, head, rows)] if rows else []), Text(" ".join(texts))]


def _version_name(number_):
    return _("version {number}").format(number=number_)


def _group_name(group):
    if group == CHOSEN:
        return _("chosen for review, not random")
    return _("random sample {number}").format(number=group)


def _error_cells(paired):
    interval = paired.interval
    ends = (
        _("{low} to {high}").format(low=signed_money(interval[0]), high=signed_money(interval[1]))
        if interval
        else _("too few stones")
    )
    return [*(money(mae, 1) for mae in paired.maes), signed_money(paired.difference), ends]


def _parts(parts):
    """The mean parts of the changes, with their chart."""
    if not parts.rows:
        return [
            Text(
                _(
                    "It is unknown why the prices changed: the stones of their versions are not known."
                )
            )
        ]
    title = _("Why the prices changed")
    about = _(
        "The mean of each part of the changes, of {count} predictions. Together they give the mean "
        "change in log price."
    ).format(count=number(parts.rows))
    bars = [(str(PART_NAMES[name]), mean) for name, (mean, _size) in parts.means.items()]
    rows = [
        [str(PART_NAMES[name]), as_change(mean), percent(math.expm1(size))]
        for name, (mean, size) in parts.means.items()
    ]
    head = [_("Part"), _("Mean change"), _("Up or down")]
    table = Table("parts-table", _("{title}, in figures").format(title=title), head, rows)
    text = text_charts.bars_text([(name, abs(mean), as_change(mean)) for name, mean in bars])
    return [Plot("bars", "parts", title, about, svg.bars(bars, as_change), text, table)]


def _facts(found):
    width = signed_percent(found.width.mean) if found.width.rows else "–"
    outside = percent(found.outside / found.all.rows)
    return Facts(
        [
            (_("Mean change of the price"), signed_percent(found.all.mean), False),
            (_("Up or down"), percent(found.all.mean_away), False),
            (_("Mean change of the range's width"), width, False),
            (_("Recorded prices outside the new range"), outside, False),
        ]
    )


def _bars(found):
    bars = [
        (name, count / found.all.rows) for name, count in zip(_steps(), found.bars, strict=True)
    ]
    rows = [
        [name, number(count), percent(share)]
        for (name, share), count in zip(bars, found.bars, strict=True)
    ]
    title = _("Changes of the price")
    head = [_("Change of the price"), _("Answers"), _("Share of stones")]
    in_figures = _("{title}, in figures").format(title=title)
    about = _("Share of the predictions by change of the price.")
    text = text_charts.bars_text([(*bar, percent(bar[1])) for bar in bars])
    table = Table("changes-table", in_figures, head, rows)
    return Plot("bars", "changes", title, about, svg.bars(bars, percent), text, table)


def _steps():
    ends = [signed_percent(step) for step in STEPS]
    between = [_("{low} to {high}").format(low=low, high=high) for low, high in pairwise(ends)]
    return [
        _("under {high}").format(high=ends[0]),
        *between,
        _("{low} and more").format(low=ends[-1]),
    ]


def _groups(found):
    """A table for each kind of group."""
    for name in ("carat", "cut", "color", "clarity"):
        title = str(LABELS[name])
        rows = [
            [
                carats(*ends_of_band(key)) if name == "carat" else key or _("not stated"),
                number(group.rows),
                signed_percent(group.mean),
                percent(group.mean_away),
            ]
            for key, group in found.of(name).items()
        ]
        head = [title, _("Answers"), _("Mean change"), _("Up or down")]
        yield Table(f"by-{name}", title, head, rows)
