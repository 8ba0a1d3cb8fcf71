"""The sections of a model card on what a version is for and how it was made."""

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from ml.stones import MEASURES, SCHEMES
from predictor.model_cards.blocks import Facts, Items, Section, Table, Text
from predictor.wording.figures import figure, money, number, percent
from predictor.wording.labels import LABELS
from predictor.wording.sentences import money_name

_PROMISES = {
    "asking": gettext_lazy(
        "It returns the asking price of a round diamond in {money} of about {year}, "
        "with a price range and comparable stones."
    ),
    "paid": gettext_lazy(
        "It returns the price paid for a round diamond in {money} of about {year}, "
        "with a price range and comparable stones."
    ),
}
_PRICES_NOT_MEANT = {
    "asking": gettext_lazy("what buyers paid: the table holds asking prices"),
    "paid": gettext_lazy("what shops ask: the table holds paid prices"),
}


def use(version):
    promise = _PROMISES[version.price_kind]
    if version.scheme == "graded":
        about = _("It takes the data of a grading report: grade names and measurements.")
    else:
        about = _(
            "It takes coded grades and one volume. A code stands for several grades: "
            "if you know the grades, use the graded scheme."
        )
    return Section(
        "use",
        _("Intended use"),
        [
            Text(f"{promise.format(year=version.price_year, money=money_name())} {about}"),
            Items(
                _("Suitable for"),
                [
                    _(
                        "a first estimate of what shops asked for similar stones, "
                        "and of the spread of prices"
                    ),
                    _("comparing stones: the effect of another grade or a little more weight"),
                    _("finding recorded stones similar to a given one"),
                ],
            ),
            Items(
                _("Not suitable for"),
                [
                    _("today’s market: the data ends in about {year}").format(
                        year=version.price_year
                    ),
                    _("appraisals, insurance, loans or sales: nobody has seen the stone"),
                    _PRICES_NOT_MEANT[version.price_kind],
                    _(
                        "shapes other than round; laboratory-grown, treated or "
                        "fancy-colored diamonds: the data does not contain them "
                        "separately"
                    ),
                    _(
                        "stones outside the ranges below: they are priced with a "
                        "warning, but the price is a guess"
                    ),
                ],
            ),
        ],
    )


def model(version, stored):
    live = version.activations.filter(live=True).exists()
    facts = [
        (_("State"), _("active") if live else _("not active"), False),
        (_("Inputs"), ", ".join(str(LABELS[name]) for name in SCHEMES[version.scheme]), False),
    ]
    if not stored:
        missing = _(
            "This version was registered before model cards were introduced, so only "
            "its scores are known. A retrained version has a full card."
        )
        return Section("model", _("The model"), [Facts(facts), Text(missing)])
    made = stored["made"]
    facts.append((_("Trees"), number(made["trees"]), False))
    return Section("model", _("The model"), [Facts(facts), Text(_recipe(version.scheme, made))])


def _recipe(scheme, made):
    """A description of how the price and the range are computed."""
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


def data(version, stored):
    rows = version.rows
    about = _(
        "{rows} rows of stones: {kind} in {money} of about {year}. Source: {source}. The table that "
        "comes with this product, and all that is known of it, is in the folder “data”; the "
        "checksum below tells whether this version was made from it."
    )
    cleaning = [
        [_("Rows in the table"), number(rows["raw"])],
        *([_(cause), f"−{number(count)}"] for cause, count in rows["dropped"].items() if count),
        [_("Clean stones"), number(rows["clean"])],
        [_("for training"), number(rows["training"])],
        [_("for testing"), number(rows["held out"])],
    ]
    blocks = [
        Text(
            about.format(
                rows=number(rows["raw"]),
                kind=version.get_price_kind_display(),
                money=money_name(),
                year=version.price_year,
                source=version.price_source,
            )
        ),
        Table("cleaning", _("Cleaning and split"), [_("Rows"), _("Count")], cleaning),
    ]
    if stored:
        blocks += [Text(_split(version.scheme, stored["made"])), *_fault_table(stored["faults"])]
    return Section("data", _("The data and its known errors"), [*blocks, _range_table(version)])


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


def _fault_table(faults):
    rows = [
        [_("stated depth disagrees with x, y, z by more than 1 point"), faults["depth_disagrees"]],
        [_("exact copies of an earlier row"), faults["copies"]],
        [
            _("an earlier stone again: all alike but the price, or x and y exchanged"),
            faults["listed_again"],
        ],
    ]
    low, high = map(money, faults["price_gap"])
    yield Table(
        "faults",
        _("Known errors in the data that are not removed"),
        [_("Fault"), _("Rows")],
        [[fault, number(count)] for fault, count in rows],
    )
    yield Text(_("No stone is priced between {low} and {high}.").format(low=low, high=high))


def _range_table(version):
    rows = []
    for name, ends in version.training_ranges.items():
        unit = MEASURES[name].unit
        rows.append([f"{LABELS[name]} ({unit})", *map(figure, ends)])
    head = [_("Measure"), _("From"), _("To")]
    return Table("ranges", _("Ranges of the stones trained on"), head, rows)


def origin(version):
    libraries = ", ".join(f"{name} {of}" for name, of in version.library_versions.items())
    return Section(
        "origin",
        _("Origin"),
        [
            Facts(
                [
                    (_("Created"), f"{version.created:%Y-%m-%d %H:%M} UTC", False),
                    (_("By"), version.created_by or "–", False),
                    (_("Random seed"), str(version.seed), False),
                    (_("Libraries"), libraries, False),
                    (_("SHA-256 of the data"), version.data_sha256, True),
                    (_("SHA-256 of the forest"), version.sha256, True),
                ]
            )
        ],
    )
