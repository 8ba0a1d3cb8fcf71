"""What another version would have answered, and two versions' cards side by side: before an
activation."""

from itertools import pairwise

from django import forms
from django.urls import path, reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from ml.forest.artifact import ForestFileError
from ml.stones import ends_of_band
from predictor.charts import svg
from predictor.charts import text as text_charts
from predictor.model_cards.blocks import Facts, Plot, Table
from predictor.model_cards.trust import band_name
from predictor.models import ModelVersion
from predictor.replay.services import STEPS, answered, compare, last
from predictor.wording.figures import carats, number, percent, signed_percent
from predictor.wording.labels import LABELS

SEES_VERSIONS = "predictor.view_modelversion"
MOST = 20_000
"""The most answers that a page replays; the command takes any number."""


class ReplayForm(forms.Form):
    """Which version to use, and for how many answers."""

    against = forms.ModelChoiceField(
        label=gettext_lazy("Version"), queryset=ModelVersion.objects.defer("card")
    )
    last = forms.IntegerField(
        label=gettext_lazy("Number of newest predictions"),
        min_value=1,
        max_value=MOST,
        initial=1000,
        required=False,
    )


class ReplayMixin:
    """Mixed into the admin of predictions."""

    def get_urls(self):
        view = self.guarded(self.replay_view, SEES_VERSIONS)
        return [path("replay/", view, name="prediction-replay"), *super().get_urls()]

    def replay_view(self, request):
        """Replays the answers that match the filter with another version."""
        form = ReplayForm(request.GET if "against" in request.GET else None)
        title = _("Compare with another version")
        kept = [(name, sent) for name, sent in request.GET.items() if name not in form.fields]
        shown = {}
        if form.is_valid():
            rows, _query = self.rows_of_view(request)
            version, count = form.cleaned_data["against"], form.cleaned_data["last"] or 1000
            try:
                found = compare(last(answered(rows, version.scheme), count), version)
            except (ForestFileError, OSError) as error:
                form.add_error("against", str(error))
            else:
                shown = {"version": version, "rows": number(found.all.rows)}
                shown |= told(found) if found.all.rows else {}
        return self.page(request, "replay", title, form=form, kept=kept, **shown)


def told(found):
    """A Comparison for display: its `blocks`, as model cards have them, and its `largest` changes."""
    return {
        "blocks": [_facts(found), _bars(found), *_groups(found)],
        "largest": [
            (
                reverse("admin:predictor_prediction_change", args=[key]),
                key,
                signed_percent(change),
                number(old),
                number(new),
            )
            for key, change, old, new in found.in_order()
        ],
    }


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
                carats(*ends_of_band(key)) if name == "carat" else key,
                number(group.rows),
                signed_percent(group.mean),
                percent(group.mean_away),
            ]
            for key, group in found.of(name).items()
        ]
        head = [title, _("Answers"), _("Mean change"), _("Up or down")]
        yield Table(f"by-{name}", title, head, rows)


# Two cards side by side


def side_by_side(one, other):
    """[(part, [(label, value of one, value of the other, whether they differ), …]), …] of two
    ModelVersions."""
    parts = [(_("Origin"), _origin), (_("Scores"), _scores), (_("Error and coverage"), _bands)]
    return [(title, _paired(part(one), part(other))) for title, part in parts]


def _paired(one, other):
    names = dict.fromkeys([*one, *other])
    pairs = [(name, one.get(name, "–"), other.get(name, "–")) for name in names]
    return [(*pair, pair[1] != pair[2]) for pair in pairs]


def _origin(version):
    return {
        _("created"): f"{version.created:%Y-%m-%d}",
        _("sha256 of the data"): version.data_sha256[:12],
        _("prices"): f"{version.currency} {version.price_year}, {version.get_price_kind_display()}",
        _("seed"): str(version.seed),
        _("Training stones"): number(version.rows.get("training", 0)),
        _("library versions"): ", ".join(
            f"{name} {number_}" for name, number_ in sorted(version.library_versions.items())
        ),
    }


def _scores(version):
    scores = version.scores
    return {
        _("MAE"): number(scores["mae"], 1),
        _("RMSE"): number(scores["rmse"], 1),
        "R²": number(scores["r2"], 4),
        _("coverage"): percent(scores["coverage"]),
    }


def _bands(version):
    return {
        f"{LABELS.get(band['by'], _('price'))}: {band_name(band)}": "{} · {}".format(
            number(band["mae"]), percent(band["coverage"])
        )
        for band in version.card.get("bands", ())
        if band["by"] != "price"
    }
