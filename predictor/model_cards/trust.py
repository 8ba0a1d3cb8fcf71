"""The sections of a model card on how accurate and reliable a version is, as measured at training."""

from itertools import groupby

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from predictor.charts import svg
from predictor.charts import text as text_charts
from predictor.model_cards.blocks import Plot, Section, Table, Text
from predictor.wording.figures import carats, currency, money, number, percent, signed
from predictor.wording.labels import LABELS

SCORES = {
    "mae": (gettext_lazy("Mean error (MAE)"), lambda score: money(score, 1)),
    "mape": (gettext_lazy("Mean relative error (MAPE)"), lambda score: percent(score, 2)),
    "rmse": (gettext_lazy("Root mean square error (RMSE)"), lambda score: money(score, 1)),
    "r2": (gettext_lazy("Explained variance (R²)"), lambda score: number(score, 4)),
    "coverage": (gettext_lazy("Prices inside their range"), percent),
}
"""The label of each score, and its format."""


def _in_money(title):
    """A title with the currency of its amounts."""
    return title.format(currency=currency())


def scores(version, stored):
    head, scores = [_("Score"), _("Value")], version.scores
    rows = [[str(title), write(scores[name])] for name, (title, write) in SCORES.items()]
    blocks = [
        Text(
            _("On {count} test rows that were not used for training.").format(
                count=number(scores["stones"])
            )
        )
    ]
    if stored:
        head, rows = _with_intervals(head, rows, stored)
        blocks.append(Text(_how_sure(scores, stored)))
    blocks.insert(1, Table("scores", _("Scores on the test set"), head, rows))
    return Section("scores", _("Scores"), blocks)


def _with_intervals(head, rows, stored):
    """The score table with its intervals and, if some held-out stones also occur in training,
    the scores without those."""
    intervals, unseen = stored["intervals"], stored["unseen"]
    level = percent(intervals["level"], 0)
    head = [*head, _("{level} from").format(level=level), _("{level} to").format(level=level)]
    if others := _some_were_seen(stored):
        head.append(_("Without other listings in training"))
    for row, (name, (_title, write)) in zip(rows, SCORES.items(), strict=True):
        row += [write(end) for end in intervals["scores"][name]]
        if others:
            row.append(write(unseen[name]))
    return head, rows


def _some_were_seen(stored):
    held_out = sum(decile["count"] for decile in stored["deciles"]["price"])
    return 0 < stored["unseen"]["stones"] < held_out


def _how_sure(scores, stored):
    intervals = stored["intervals"]
    text = _(
        "The intervals are those of {resamples} bootstrap samples of the {stones} different stones "
        "among these rows."
    ).format(resamples=number(intervals["resamples"]), stones=number(intervals["stones"]))
    if not _some_were_seen(stored):
        return text
    others = _(
        "For {count} of these rows the training data contains another listing of the "
        "same stone. The last column leaves them out; use it for comparisons."
    )
    return f"{text} {others.format(count=number(scores['stones'] - stored['unseen']['stones']))}"


def agreement(stored):
    about = _(
        "Each square shows the test stones of one predicted and one actual price, "
        "both on a logarithmic scale; a darker color means more stones. On the "
        "dashed line both prices are equal."
    )
    head = [
        _in_money(_("Predicted price ({currency})")),
        _("Stones"),
        _("10th percentile"),
        _("Median"),
        _("90th percentile"),
    ]
    rows = [
        [_span(decile), number(decile["count"]), *map(number, decile["actual"])]
        for decile in stored["deciles"]["price"]
    ]
    title, stored = _("Test stones by predicted and actual price"), stored["density"]
    table = Table("actual", _("Actual prices by predicted price"), head, rows)
    places = svg.density(stored) | {
        "predicted": head[0],
        "actual": _in_money(_("Actual price ({currency})")),
    }
    text = text_charts.density_text(stored)
    plot = Plot("density", "density", title, about, places, text, table)
    return Section("agreement", _("Predicted against actual price"), [plot])


def _span(ends, write=number):
    return _("{low} to {high}").format(low=write(ends["from"]), high=write(ends["to"]))


def calibration(stored):
    by_price, by_width = stored["deciles"]["price"], stored["deciles"]["width"]
    aim = stored["made"]["coverage"]
    promise = _(
        "{aim} of the prices should be inside their range, for any price and any "
        "width of the range."
    )
    price, width = (
        _in_money(_("Predicted price ({currency})")),
        _("Width of the range (% of the price)"),
    )
    price_rows = _coverage_rows(by_price, number), by_price
    width_rows = _coverage_rows(by_width, percent), by_width
    return Section(
        "calibration",
        _("Coverage of the range"),
        [
            Text(promise.format(aim=percent(aim, 0))),
            _coverage_plot("by-price", _("Coverage by predicted price"), price, *price_rows, aim),
            _coverage_plot(
                "by-width", _("Coverage by width of the range"), width, *width_rows, aim
            ),
        ],
    )


def _coverage_rows(deciles, write):
    return [
        [_span(one, write), number(one["count"]), percent(one["coverage"]), percent(one["width"])]
        for one in deciles
    ]


def _coverage_plot(name, title, by, rows, deciles, aim):
    """The chart of coverage by decile."""
    shares = [decile["coverage"] for decile in deciles]
    about = _(
        "Ten groups of about {count} test stones, lowest first: the coverage is "
        "{lowest} to {highest}. The dashed line is the target of {aim}; the band "
        "contains 95% of such groups if the coverage is exactly on target."
    ).format(
        count=number(deciles[0]["count"]),
        lowest=percent(min(shares)),
        highest=percent(max(shares)),
        aim=percent(aim, 0),
    )
    bars = [(f"{place}", share, percent(share)) for place, share in enumerate(shares, start=1)]
    head = [by, _("Stones"), _("In range"), _("Mean width")]
    table = Table(f"{name}-table", _("{title}, in figures").format(title=title), head, rows)
    places, text = svg.coverage(deciles, aim), text_charts.bars_text(bars, most=1)
    return Plot("coverage", name, title, about, places, text, table)


def tenths(stored):
    """Whether the whole distribution of prices is right, not only its range."""
    counts, title = stored.get("tenths"), _("Calibration of the distribution")
    if counts is None:
        missing = _("This was not measured for this version.")
        return Section("tenths", title, [Text(missing)])
    about = _(
        "For each test stone, the chart shows which share of its predicted "
        "distribution lies below its actual price. If the distribution is "
        "calibrated, every tenth contains 10% of the test stones."
    )
    names = [
        _("{low} to {high}").format(low=percent(place / 10, 0), high=percent((place + 1) / 10, 0))
        for place in range(len(counts))
    ]
    shares = [count / sum(counts) for count in counts]
    bars = list(zip(names, shares, strict=True))
    text = text_charts.bars_text([(*bar, percent(bar[1])) for bar in bars])
    head = [_("Share of the predicted distribution below"), _("Stones"), _("Share of stones")]
    rows = [
        [name, number(count), percent(share)]
        for name, count, share in zip(names, counts, shares, strict=True)
    ]
    title_of_plot = _("Actual prices in the predicted distribution")
    in_figures = _("{title}, in figures").format(title=title_of_plot)
    table = Table("tenths-table", in_figures, head, rows)
    places = svg.bars(bars, percent)
    return Section(
        "tenths", title, [Plot("bars", "tenths-plot", title_of_plot, about, places, text, table)]
    )


def bands(stored):
    about = _(
        "Bias is the mean of the predicted minus the actual price: above zero, these "
        "stones are priced too high. Very small groups are left out."
    )
    blocks = [Text(about)]
    coded = any("code" in band for band in stored["bands"])
    if coded:
        blocks.append(
            Text(
                _(
                    "The grades are those in the data. The model only gets the codes, so it prices "
                    "the best grades of a code too low and the worst too high; the range is "
                    "calibrated for the code as a whole."
                )
            )
        )
    titles = {"price": _in_money(_("Predicted price ({currency})")), **LABELS}
    for by, some in groupby(stored["bands"], key=lambda band: band["by"]):
        head = [
            str(titles[by]),
            _("Stones"),
            _in_money(_("MAE ({currency})")),
            _("MAPE"),
            _in_money(_("Bias ({currency})")),
            _("In range"),
        ]
        title = _("Error and coverage: {by}").format(by=head[0][0].lower() + head[0][1:])
        blocks.append(Table(f"band-{by}", title, head, [_band_row(band) for band in some]))
    return Section("bands", _("Error and coverage by group of stones"), blocks)


def _band_row(band):
    return [band_name(band), *_band_cells(band)]


def _band_cells(band):
    return [
        number(band["count"]),
        number(band["mae"]),
        percent(band["mape"]),
        signed(band["bias"]),
        percent(band["coverage"]),
    ]


def band_name(band):
    """The label of a stored band of stones."""
    if "grade" in band:
        return band["grade"]
    if "code" in band:
        grades = ", ".join(band["grades"])
        return _("code {code}: {grades}").format(code=band["code"], grades=grades)
    if band["by"] == "price":
        return _span(band)
    return carats(band["from"], band["to"])


def importance(stored):
    measured = stored["importance"]
    inputs = sorted(measured["inputs"], key=lambda one: -one["increase"])
    names = [", ".join(str(LABELS[name]) for name in one["inputs"]) for one in inputs]
    about = _(
        "How much the mean error grows when an input is shuffled among {stones} test "
        "stones with a mean error of {mae}; the mean of {repeats} shufflings. Weight "
        "and dimensions can replace each other, so one row shuffles them together. "
        "This shows what the model depends on, not what makes a diamond expensive."
    ).format(
        stones=number(measured["stones"]), mae=money(measured["mae"]), repeats=measured["repeats"]
    )
    increases = [one["increase"] for one in inputs]
    bars = list(zip(names, increases, strict=True))
    text = text_charts.bars_text([(*bar, money(bar[1])) for bar in bars])
    head = [_("Input shuffled"), _("Mean error grows by"), _("Least"), _("Most")]
    rows = [
        [name, money(one["increase"], 1), money(one["from"], 1), money(one["to"], 1)]
        for name, one in zip(names, inputs, strict=True)
    ]
    title, places = _("Permutation importance"), svg.bars(bars)
    in_figures = _("{title}, in figures").format(title=title)
    table = Table("importance-table", in_figures, head, rows)
    plot = Plot("bars", "importance-plot", title, about, places, text, table)
    return Section("importance", _("What the price depends on"), [plot])


def support(stored):
    """The out-of-distribution checks: how many held-out stones get a warning, and how accurate
    their prices are."""
    measured = stored.get("support")
    about = _(
        "A price is an extrapolation if the data has hardly any stone of its color "
        "and clarity at its weight, or none at its price: the most expensive stone "
        "costs {dearest}."
    )
    factor = _(
        "It is also an extrapolation if the stones behind it have to be adjusted by "
        "a factor of more than {factor}."
    )
    wider = _("Its range is wider, and the coverage of the range is unknown.")
    rising = _(
        "Its price comes from a table that is fitted to the trees and always rises "
        "with weight, color and clarity."
    )
    shape = _(
        "There is also a warning if the diameters differ by more than {most}: all "
        "stones in the data are round."
    )
    title = _("Out of distribution")
    if measured is None:
        missing = _("This was not measured for this version.")
        return Section("support", title, [Text(missing)])
    texts = [about.format(dearest=money(measured["dearest"]))]
    if measured.get("factor"):
        texts += [factor.format(factor=number(measured["factor"], 2)), wider, rising]
    else:
        texts.append(wider)
    kinds = {
        "extrapolated": _("Extrapolations"),
        "not_round": _("Not round"),
        "rest": _("All others"),
    }
    if not measured["most"]:
        del kinds["not_round"]
    else:
        texts.append(shape.format(most=percent(measured["most"] / 100)))
    head = [
        _("Test stones"),
        _("Stones"),
        _in_money(_("MAE ({currency})")),
        _("MAPE"),
        _in_money(_("Bias ({currency})")),
        _("In range"),
    ]
    rows = [[name, *_measured_cells(measured[kind])] for kind, name in kinds.items()]
    table = Table("beyond", _("Error and coverage where data is sparse"), head, rows)
    return Section("support", title, [Text(" ".join(texts)), table])


def _measured_cells(band):
    return _band_cells(band) if band["count"] else ["0", "–", "–", "–", "–"]
