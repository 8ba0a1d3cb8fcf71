"""The model card of a version: what it is for, what it was made of, how far to trust it.

Called by the page and by the command `model_card`. Sections hold blocks, and a block knows its
template and its Markdown, so that both tell the same. Every figure is what training stored.
"""

from dataclasses import dataclass
from itertools import groupby

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from ml.stones import MEASURES, PRICE_YEAR, SCHEMES

from . import plots
from .answers import figure
from .figures import number, percent, signed, usd
from .forms import LABELS

FORMAT = 1
"""The form of stored figures that is known here; a card of none or another says so."""

SCORES = {
    "mae": (gettext_lazy("Mean error (MAE)"), lambda score: usd(score, 1)),
    "mape": (gettext_lazy("Mean relative error (MAPE)"), lambda score: percent(score, 2)),
    "rmse": (gettext_lazy("Root mean square error (RMSE)"), lambda score: usd(score, 1)),
    "r2": (gettext_lazy("Explained variance (R²)"), lambda score: number(score, 4)),
    "coverage": (gettext_lazy("Prices inside their range"), percent),
}
"""What each score is called, and how it is written."""


@dataclass(frozen=True)
class Text:
    """A paragraph."""

    text: str
    template = "predictor/card/text.html"

    def markdown(self):
        return self.text


@dataclass(frozen=True)
class Items:
    """A short list under its own heading."""

    title: str
    items: list
    template = "predictor/card/items.html"

    def markdown(self):
        return "\n".join([f"### {self.title}", "", *(f"- {item}" for item in self.items)])


@dataclass(frozen=True)
class Facts:
    """Rows of (label, value, whether the value is code)."""

    rows: list
    template = "predictor/card/facts.html"

    def markdown(self):
        return "\n".join(f"- {label}: {f'`{value}`' if code else value}"
                         for label, value, code in self.rows)  # fmt: skip


@dataclass(frozen=True)
class Table:
    """A table; the first cell of a row is its head, the others are figures."""

    name: str
    title: str
    head: list
    rows: list
    template = "predictor/card/table.html"

    def markdown(self):
        lines = [self.head, ["---"] + ["---:"] * (len(self.head) - 1), *self.rows]
        table = "\n".join(f"| {' | '.join(map(str, cells))} |" for cells in lines)
        return f"### {self.title}\n\n{table}"


@dataclass(frozen=True)
class Plot:
    """A picture of some kind: what it shows in words, its places, the same as text and as a table."""

    kind: str
    name: str
    title: str
    about: str
    places: dict
    text: str
    table: Table
    template = "predictor/card/plot.html"

    @property
    def picture(self):
        return f"predictor/card/{self.kind}.html"

    def markdown(self):
        drawn = f"### {self.title}\n\n{self.about}\n\n```text\n{self.text}\n```"
        return f"{drawn}\n\n{self.table.markdown()}"


@dataclass(frozen=True)
class Section:
    """A part of the card."""

    name: str
    title: str
    blocks: list

    def markdown(self):
        return "\n\n".join([f"## {self.title}", *(block.markdown() for block in self.blocks)])


@dataclass(frozen=True)
class Card:
    """The whole card, in the language that was active when it was built."""

    title: str
    sections: list

    def markdown(self):
        """The card as Markdown, ending in a newline."""
        return "\n\n".join([f"# {self.title}", *(part.markdown() for part in self.sections)]) + "\n"


def build(version):
    """The Card of a ModelVersion, in the active language. Causes one query."""
    stored = version.card if version.card.get("format") == FORMAT else None
    sections = [
        _use(version),
        _made(version, stored),
        _data(version, stored),
        _scores(version, stored),
        *([part(stored) for part in (_agreement, _ranges, _bands, _inputs)] if stored else []),
        _origin(version),
    ]
    scheme = version.get_scheme_display()
    title = _("Model card: {scheme}, version {number}")
    return Card(title.format(scheme=scheme, number=version.number), sections)


def _use(version):
    promise = _(
        "It answers with the asking price, in US dollars of about {year}, of a polished, "
        "round-cut diamond, with its range and the recorded stones that it rests on."
    )
    if version.scheme == "graded":
        about = _("It is asked with what a grading report says: grades by name, and measurements.")
    else:
        about = _(
            "It is asked with coded grades and one volume. A code stands for several grades: if "
            "the grades are known, ask the graded scheme."
        )
    return Section("use", _("What it is for"), [
        Text(f"{promise.format(year=PRICE_YEAR)} {about}"),
        Items(_("Made for"), [
            _("a first idea of what shops asked for such a stone, and of how far prices spread"),
            _("comparing stones: what another grade or a little more weight makes"),
            _("finding recorded stones like a given one"),
        ]),
        Items(_("Not made for"), [
            _("today’s market: nothing here follows prices after about {year}").format(
                year=PRICE_YEAR),
            _("an appraisal, insurance, a loan or a sale: nobody here has seen the stone"),
            _("what buyers paid: the table holds asking prices"),
            _("shapes other than round; laboratory-grown, treated or fancy-colored diamonds: the "
              "table does not tell them apart"),
            _("stones outside the ranges below: they get an answer with a warning, but it is a "
              "guess"),
        ]),
    ])  # fmt: skip


def _made(version, stored):
    live = version.activations.filter(live=True).exists()
    facts = [
        (_("State"), _("live") if live else _("not live"), False),
        (_("Inputs"), ", ".join(str(LABELS[name]) for name in SCHEMES[version.scheme]), False),
    ]
    if not stored:
        missing = _(
            "This version was registered before model cards were kept: beyond its scores, how far "
            "it is to be trusted was not measured. A retrained version has all of it."
        )
        return Section("model", _("The model"), [Facts(facts), Text(missing)])
    made = stored["made"]
    facts.append((_("Trees"), number(made["trees"]), False))
    return Section("model", _("The model"), [Facts(facts), Text(_recipe(version.scheme, made))])


def _recipe(scheme, made):
    """How the price and the range come about, in words."""
    aim = percent(made["coverage"], 0)
    if scheme == "coded":
        return _(
            "A random forest on the raw price, scikit-learn’s defaults throughout: the price is a "
            "weighted mean of recorded prices. The {aim} range is learnt from training stones, "
            "each priced by the trees that did not draw it."
        ).format(aim=aim)
    return _(
        "A smooth trend of the logarithm of price, and extremely randomized trees on what the "
        "trend leaves open: the price is a weighted geometric mean of recorded prices, each "
        "adjusted along the trend. The {aim} range is learnt from training stones, in {folds} "
        "folds, each priced by {trees} trees that were grown without it."
    ).format(aim=aim, folds=made["range_folds"], trees=made["range_fold_trees"])


def _data(version, stored):
    rows = version.rows
    about = _(
        "{rows} rows of stones as shops listed them, with asking prices in US dollars of about "
        "{year}. The table that comes with this product, and all that is known of it, is in the "
        "folder “data”; the checksum below tells whether this version was made from it."
    )
    cleaning = [
        [_("Rows in the table"), number(rows["raw"])],
        *([_(cause), f"−{number(count)}"] for cause, count in rows["dropped"].items() if count),
        [_("Clean stones"), number(rows["clean"])],
        [_("to train on"), number(rows["training"])],
        [_("held out"), number(rows["held out"])],
    ]
    blocks = [
        Text(about.format(rows=number(rows["raw"]), year=PRICE_YEAR)),
        Table("cleaning", _("Cleaning and split"), [_("Rows"), _("Count")], cleaning),
    ]
    if stored:
        blocks += [Text(_split(version.scheme, stored["made"])), *_faults(stored["faults"])]
    return Section("data", _("The data and its faults"), [*blocks, _training_ranges(version)])


def _split(scheme, made):
    share = percent(made["held_out_share"], 0)
    if scheme == "coded":
        return _(
            "{share} of the rows are held out, shuffled with seed {seed}: the original recipe. Two "
            "listings of one stone may stand on either side."
        ).format(share=share, seed=made["split_seed"])
    return _(
        "About {share} of the stones are held out, by a hash of the stone itself: all listings of "
        "one stone stand on one side, and stay there when the table grows."
    ).format(share=share)


def _faults(faults):
    rows = [
        [_("stated depth disagrees with x, y, z by more than 1 point"), faults["depth_disagrees"]],
        [_("exact copies of an earlier row"), faults["copies"]],
        [_("an earlier stone again: all alike but the price, or x and y exchanged"),
         faults["listed_again"]],
    ]  # fmt: skip
    low, high = map(usd, faults["price_gap"])
    yield Table(
        "faults",
        _("Faults of the table that no cleaning removes"),
        [_("Fault"), _("Rows")],
        [[fault, number(count)] for fault, count in rows],
    )
    yield Text(_("No stone is priced between {low} and {high}.").format(low=low, high=high))


def _training_ranges(version):
    rows = []
    for name, ends in version.training_ranges.items():
        unit = MEASURES[name].unit
        rows.append([f"{LABELS[name]} ({unit})", *map(figure, ends)])
    head = [_("Measure"), _("From"), _("To")]
    return Table("ranges", _("Ranges of the stones trained on"), head, rows)


def _scores(version, stored):
    head, scores = [_("Score"), _("Value")], version.scores
    rows = [[str(title), write(scores[name])] for name, (title, write) in SCORES.items()]
    blocks = [Text(_("On {count} held-out rows, which the forest has never seen.").format(
        count=number(scores["stones"])))]  # fmt: skip
    if stored:
        head, rows = _with_intervals(head, rows, stored)
        blocks.append(Text(_how_sure(scores, stored)))
    blocks.insert(1, Table("scores", _("Scores on held-out stones"), head, rows))
    return Section("scores", _("Scores"), blocks)


def _with_intervals(head, rows, stored):
    """The score table with its intervals and, where some were seen, the scores without those."""
    intervals, unseen = stored["intervals"], stored["unseen"]
    level = percent(intervals["level"], 0)
    head = [*head, _("{level} from").format(level=level), _("{level} to").format(level=level)]
    if others := _some_were_seen(stored):
        head.append(_("Never listed in training"))
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
        "Of {count} rows another listing of the same stone was trained on; the last column is "
        "without them, and is the one to compare with."
    )
    return f"{text} {others.format(count=number(scores['stones'] - stored['unseen']['stones']))}"


def _agreement(stored):
    about = _(
        "Each square stands for the held-out stones of one predicted and one actual price, both on "
        "a logarithmic scale; the fuller its color, the more. On the dashed line both are equal."
    )
    head = [
        _("Predicted price (USD)"),
        _("Stones"),
        _("10% below"),
        _("Half below"),
        _("90% below"),
    ]
    rows = [
        [_span(decile), number(decile["count"]), *map(number, decile["actual"])]
        for decile in stored["deciles"]["price"]
    ]
    title, stored = _("Held-out stones by predicted and actual price"), stored["density"]
    table = Table("actual", _("Actual prices by predicted price"), head, rows)
    places, text = plots.density(stored), plots.density_text(stored)
    plot = Plot("density", "density", title, about, places, text, table)
    return Section("agreement", _("Predicted against actual price"), [plot])


def _span(ends, write=number):
    return _("{low} to {high}").format(low=write(ends["from"]), high=write(ends["to"]))


def _ranges(stored):
    by_price, by_width = stored["deciles"]["price"], stored["deciles"]["width"]
    aim = stored["made"]["coverage"]
    promise = _(
        "{aim} of the prices should lie in their range, whatever the price and however wide the "
        "range."
    )
    price, width = _("Predicted price (USD)"), _("Width of the range, of the price")
    price_rows = _coverage_rows(by_price, number), by_price
    width_rows = _coverage_rows(by_width, percent), by_width
    return Section("calibration", _("How well the range holds"), [
        Text(promise.format(aim=percent(aim, 0))),
        _coverage("by-price", _("Coverage by predicted price"), price, *price_rows, aim),
        _coverage("by-width", _("Coverage by width of the range"), width, *width_rows, aim),
    ])  # fmt: skip


def _coverage_rows(deciles, write):
    return [
        [_span(one, write), number(one["count"]), percent(one["coverage"]), percent(one["width"])]
        for one in deciles
    ]


def _coverage(name, title, by, rows, deciles, aim):
    """The plot of coverage by decile."""
    shares = [decile["coverage"] for decile in deciles]
    about = _(
        "Ten groups of about {count} held-out stones, the lowest first: in each {lowest} to "
        "{highest} of the prices lie in their range. The dashed line is the aim of {aim}, the band "
        "what chance alone allows 95% of such groups."
    ).format(
        count=number(deciles[0]["count"]),
        lowest=percent(min(shares)),
        highest=percent(max(shares)),
        aim=percent(aim, 0),
    )
    bars = [(f"{place}", share, percent(share)) for place, share in enumerate(shares, start=1)]
    head = [by, _("Stones"), _("In range"), _("Mean width")]
    table = Table(f"{name}-table", _("{title}, in figures").format(title=title), head, rows)
    places, text = plots.coverage(deciles, aim), plots.bars_text(bars, most=1)
    return Plot("coverage", name, title, about, places, text, table)


def _bands(stored):
    about = _(
        "Bias is the mean of predicted less actual price: above zero, such stones are priced too "
        "high. Groups of very few stones are left out."
    )
    blocks = [Text(about)]
    coded = any("code" in band for band in stored["bands"])
    if coded:
        blocks.append(Text(_(
            "The grades are those on record. The forest is only told the codes, so it prices the "
            "best grades of a code too low and the worst too high; the code’s own row is what the "
            "range is made to hold for."
        )))  # fmt: skip
    titles = {"price": _("Predicted price (USD)"), **LABELS}
    for by, some in groupby(stored["bands"], key=lambda band: band["by"]):
        head = [
            str(titles[by]),
            _("Stones"),
            _("MAE (USD)"),
            _("MAPE"),
            _("Bias (USD)"),
            _("In range"),
        ]
        title = _("Error and coverage: {by}").format(by=head[0][0].lower() + head[0][1:])
        blocks.append(Table(f"band-{by}", title, head, [_band_row(band) for band in some]))
    return Section("bands", _("Error and coverage by kind of stone"), blocks)


def _band_row(band):
    return [
        _band_name(band), number(band["count"]), number(band["mae"]), percent(band["mape"]),
        signed(band["bias"]), percent(band["coverage"]),
    ]  # fmt: skip


def _band_name(band):
    if "grade" in band:
        return band["grade"]
    if "code" in band:
        grades = ", ".join(band["grades"])
        return _("code {code}: {grades}").format(code=band["code"], grades=grades)
    if band["by"] == "price":
        return _span(band)
    if band["from"] is None:
        return _("under {high} ct").format(high=figure(band["to"]))
    if band["to"] is None:
        return _("{low} ct and more").format(low=figure(band["from"]))
    return _("{low} to under {high} ct").format(low=figure(band["from"]), high=figure(band["to"]))


def _inputs(stored):
    measured = stored["importance"]
    inputs = sorted(measured["inputs"], key=lambda one: -one["increase"])
    names = [", ".join(str(LABELS[name]) for name in one["inputs"]) for one in inputs]
    about = _(
        "How much the mean error grows when an input is shuffled among {stones} held-out stones "
        "whose mean error is {mae}; the mean of {repeats} shufflings. Weight and dimensions stand "
        "for each other, so the model can do without one of them: one row shuffles them together. "
        "It tells what this model leans on, not what makes a diamond dear."
    ).format(
        stones=number(measured["stones"]), mae=usd(measured["mae"]), repeats=measured["repeats"]
    )
    increases = [one["increase"] for one in inputs]
    bars = list(zip(names, increases, strict=True))
    text = plots.bars_text([(*bar, usd(bar[1])) for bar in bars])
    head = [_("Input shuffled"), _("Mean error grows by"), _("Least"), _("Most")]
    rows = [
        [name, usd(one["increase"], 1), usd(one["from"], 1), usd(one["to"], 1)]
        for name, one in zip(names, inputs, strict=True)
    ]
    title, places = _("Permutation importance"), plots.bars(bars)
    in_figures = _("{title}, in figures").format(title=title)
    table = Table("importance-table", in_figures, head, rows)
    plot = Plot("bars", "importance-plot", title, about, places, text, table)
    return Section("importance", _("What the price leans on"), [plot])


def _origin(version):
    libraries = ", ".join(f"{name} {of}" for name, of in version.library_versions.items())
    return Section("origin", _("Origin"), [Facts([
        (_("Created"), f"{version.created:%Y-%m-%d %H:%M} UTC", False),
        (_("By"), version.created_by or "–", False),
        (_("Random seed"), str(version.seed), False),
        (_("Libraries"), libraries, False),
        (_("SHA-256 of the data"), version.data_sha256, True),
        (_("SHA-256 of the forest"), version.sha256, True),
    ])])  # fmt: skip
