"""The sections of a model card on what a version is for and how it was made."""

from django.utils.timezone import localdate
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from ml.stones import MEASURES
from ml.vocabulary import Vocabulary
from predictor.model_cards.blocks import Facts, Items, Section, Table, Text
from predictor.wording.figures import figure, money, number, percent
from predictor.wording.labels import label_of
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
_PROMISES_OF_LISTS = {
    "asking": gettext_lazy(
        "It returns the asking price of a diamond in {money} of about {year}, "
        "with a price range and comparable stones."
    ),
    "paid": gettext_lazy(
        "It returns the price paid for a diamond in {money} of about {year}, "
        "with a price range and comparable stones."
    ),
}
_PRICES_NOT_MEANT = {
    "asking": gettext_lazy("what buyers paid: the data contains asking prices"),
    "paid": gettext_lazy("what shops ask: the data contains prices paid"),
}


def use(version):
    promise = (_PROMISES_OF_LISTS if version.vocabulary else _PROMISES)[version.price_kind]
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
                    _("finding stones in the data that are similar to a given one"),
                ],
            ),
            Items(
                _("Not suitable for"),
                [
                    *_of_the_past(version),
                    _("appraisals, insurance, loans or sales: nobody has seen the stone"),
                    _PRICES_NOT_MEANT[version.price_kind],
                    _unidentified(version),
                    _(
                        "stones outside the ranges below: they are priced with a "
                        "warning, but the price is a guess"
                    ),
                ],
            ),
        ],
    )


def _of_the_past(version):
    if version.price_year >= localdate().year:
        return []
    return [_("today’s market: the data ends in about {year}").format(year=version.price_year)]


def _unidentified(version):
    if version.vocabulary:
        return _(
            "fancy-colored diamonds; shapes, origins, treatments and grades that the list does not state"
        )
    return _(
        "shapes other than round; laboratory-grown, treated or fancy-colored "
        "diamonds: the data does not identify them"
    )


def model(version, stored):
    live = version.activations.filter(live=True).exists()
    facts = [
        (_("State"), _("active") if live else _("not active"), False),
        (_("Inputs"), _inputs(version), False),
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


def _inputs(version):
    vocabulary = _vocabulary(version)
    shaped = version.scheme == "graded" and vocabulary.has_other_shapes
    return ", ".join(str(label_of(name, shaped)) for name in vocabulary.columns(version.scheme))


def _vocabulary(version):
    return Vocabulary.of({"vocabulary": version.vocabulary})


def _recipe(scheme, made):
    """A description of how the price and the range are computed."""
    aim = percent(made["coverage"], 0)
    if scheme == "coded":
        return _(
            "A random forest trained on the price itself, with scikit-learn’s default settings: the "
            "price is a weighted mean of the prices in the training data. The {aim} range was "
            "calibrated on training stones, each priced only by trees that were trained without it."
        ).format(aim=aim)
    if "boosted_folds" in made:
        by = _("by gradient boosting")
        if made.get("networks"):
            by = _("half by gradient boosting, half by small neural networks")
        return _(
            "A trend of the logarithm of the price, {by}, and extremely randomized trees trained on "
            "its residuals: the price is a weighted geometric mean of the prices in the training "
            "data, each adjusted along the trend. A training stone’s own trend comes from models that "
            "were trained without it, in {boosted} folds. The {aim} range was calibrated on training "
            "stones in {folds} folds, each priced by {trees} trees and a trend that were trained "
            "without it."
        ).format(
            by=by,
            aim=aim,
            boosted=made["boosted_folds"],
            folds=made["range_folds"],
            trees=made["range_fold_trees"],
        )
    return _(
        "A smooth trend of the logarithm of the price, and extremely randomized trees trained on "
        "its residuals: the price is a weighted geometric mean of the prices in the training data, "
        "each adjusted along the trend. The {aim} range was calibrated on training stones in "
        "{folds} folds, each priced by {trees} trees that were trained without it."
    ).format(aim=aim, folds=made["range_folds"], trees=made["range_fold_trees"])


def data(version, stored):
    rows = version.rows
    about = _(
        "{rows} stones with {kind} in {money} of about {year}. Source: {source}. The folder “data” "
        "contains the dataset of this product and its description; the checksum below shows whether "
        "this version was trained on it."
    )
    cleaning = [
        [_("Rows in the data"), number(rows["raw"])],
        *([_(cause), f"−{number(count)}"] for cause, count in rows["dropped"].items() if count),
        [_("Stones after cleaning"), number(rows["clean"])],
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
            "{share} of the rows, shuffled with seed {seed}, are test rows, as in the original "
            "model. Two listings of the same stone can be in both parts."
        ).format(share=share, seed=made["split_seed"])
    return _(
        "About {share} of the stones are test stones, chosen by a hash of the stone’s properties: "
        "all listings of a stone are in the same part, and stay there when rows are added."
    ).format(share=share)


def _fault_table(faults):
    rows = [
        [_("stated depth disagrees with x, y, z by more than 1 point"), faults["depth_disagrees"]],
        [_("exact copies of an earlier row"), faults["copies"]],
        [
            _("the stone of an earlier row, with another price or cut, or with x and y exchanged"),
            faults["listed_again"],
        ],
    ]
    low, high = map(money, faults["price_gap"])
    yield Table(
        "faults",
        _("Known errors in the data that are not removed"),
        [_("Error"), _("Rows")],
        [[fault, number(count)] for fault, count in rows],
    )
    yield Text(
        _("The data has no stone priced between {low} and {high}.").format(low=low, high=high)
    )


def _range_table(version):
    rows = []
    shaped = _vocabulary(version).has_other_shapes
    for name, ends in version.training_ranges.items():
        unit = MEASURES[name].unit
        rows.append([f"{label_of(name, shaped)} ({unit})", *map(figure, ends)])
    head = [_("Property"), _("From"), _("To")]
    return Table("ranges", _("Ranges of the training stones"), head, rows)


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
                    (_("SHA-256 of the model file"), version.sha256, True),
                ]
            )
        ],
    )
