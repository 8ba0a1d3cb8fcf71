"""The list of samples, with the error and coverage on live requests that each estimates."""

from django.contrib import admin
from django.urls import reverse
from django.utils.html import format_html, format_html_join
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from predictor.admin.readonly import ReadOnlyAdmin
from predictor.models import Sample
from predictor.review.queues import agreement_of, progress, progress_by_reviewer
from predictor.review.sampling import estimate
from predictor.wording.figures import number, percent

SHOWN = 20
"""How many predictions with different reviews are listed."""


@admin.register(Sample)
class SampleAdmin(ReadOnlyAdmin):
    list_display = ["__str__", "created", "by", "seed", "way", "population", "judged"]
    list_per_page = 20  # each counts up to 10,000 reviews
    fields = [
        "created",
        "by",
        "seed",
        "way",
        "twice",
        "query",
        "population",
        "queue",
        "reviewers",
        "error",
        "inside",
        "agreement",
    ]
    readonly_fields = ["way", "queue", "reviewers", "error", "inside", "agreement"]

    @admin.display(description=gettext_lazy("chances"))
    def way(self, sample):
        if sample.by_worth:
            return _("larger where a review is worth more")
        return _("the same number from each price band") if sample.by_price else _("alike")

    @admin.display(description=gettext_lazy("reviewed"))
    def judged(self, sample):
        done, drawn = map(number, progress(sample.pk))
        return _("{done} of {all}").format(done=done, all=drawn)

    @admin.display(description=gettext_lazy("to review"))
    def queue(self, sample):
        address = reverse("admin:prediction-next")
        rows = reverse("admin:predictor_prediction_changelist")
        return format_html(
            '<a href="{}?_changelist_filters=sample%3D{}">{}</a> · <a href="{}?sample={}">{}</a>',
            address,
            sample.pk,
            _("review the next"),
            rows,
            sample.pk,
            self.judged(sample),
        )

    @admin.display(description=gettext_lazy("reviewers"))
    def reviewers(self, sample):
        rows = progress_by_reviewer(sample)
        text = _("{user}: {reviewed} reviewed, {assigned} assigned, {second} second reviews")
        lines = [
            (text.format(user=user, assigned=assigned, reviewed=first, second=second),)
            for user, assigned, first, second in rows
        ]
        return format_html_join("", "<div>{}</div>", lines) or "–"

    @admin.display(description=gettext_lazy("agreement of two reviews"))
    def agreement(self, sample):
        found = agreement_of(sample)
        if found is None:
            return "–"
        lines = [
            _("{same} of {pairs} have the same status (kappa {kappa}).").format(
                same=found.same_state, pairs=found.pairs, kappa=_figure_or_dash(found.kappa)
            ),
            _(
                "{same} of {pairs} have actual prices within 1% (median difference {median})."
            ).format(
                same=found.same_price,
                pairs=found.prices,
                median="–" if found.difference is None else percent(found.difference),
            ),
        ]
        page = "admin:predictor_prediction_change"
        links = [(reverse(page, args=[pk]), pk) for pk in found.different[:SHOWN]]
        return format_html(
            "{}{}",
            format_html_join("", "<div>{}</div>", ((line,) for line in lines)),
            format_html_join("", '<div><a href="{}">{}</a></div>', links),
        )

    @admin.display(description=gettext_lazy("mean error (MAE)"))
    def error(self, sample):
        return _estimated(sample, "mae", lambda value: number(value, 1))

    @admin.display(description=gettext_lazy("prices inside their range"))
    def inside(self, sample):
        return _estimated(sample, "coverage", percent)


def _figure_or_dash(value):
    return "–" if value is None else number(value, 2)


def _estimated(sample, name, write):
    """A figure with its standard error, and the number of answers it is based on."""
    if "estimate" not in vars(sample):  # once for all figures of a page
        sample.estimate = estimate(sample)
    results = sample.estimate
    left_out = _(
        "Left out: {count} with an actual price, because others drawn before them have no review."
    ).format(count=number(results["left_out"]))
    return f"{_figure(results, name, write)} {left_out if results['left_out'] else ''}".strip()


def _figure(results, name, write):
    if name not in results:
        return _("At least two actual prices are needed; {judged} of {drawn} have one.").format(
            **results
        )
    return _("{value} ± {error}, from {judged} of {population}").format(
        value=write(results[name]),
        error=write(results[f"{name}_error"]),
        judged=number(results["judged"]),
        population=number(results["population"]),
    )
