"""The list of samples, with the error and coverage on live requests that each estimates."""

from django.contrib import admin
from django.urls import reverse
from django.utils.html import format_html
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from predictor.admin.readonly import ReadOnlyAdmin
from predictor.models import Review, Sample
from predictor.review.sampling import estimate
from predictor.wording.figures import number, percent


@admin.register(Sample)
class SampleAdmin(ReadOnlyAdmin):
    list_display = ["__str__", "created", "by", "seed", "by_price", "population", "judged"]
    list_per_page = 20  # each counts up to 10,000 reviews
    fields = [
        "created",
        "by",
        "seed",
        "by_price",
        "query",
        "population",
        "queue",
        "error",
        "inside",
    ]
    readonly_fields = ["queue", "error", "inside"]

    @admin.display(description=gettext_lazy("reviewed"))
    def judged(self, sample):
        done = Review.objects.filter(prediction__in=sample.predictions.values("prediction")).count()
        return _("{done} of {all}").format(
            done=number(done), all=number(sample.predictions.count())
        )

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

    @admin.display(description=gettext_lazy("mean error (MAE)"))
    def error(self, sample):
        return _estimated(sample, "mae", lambda value: number(value, 1))

    @admin.display(description=gettext_lazy("prices inside their range"))
    def inside(self, sample):
        return _estimated(sample, "coverage", percent)


def _estimated(sample, name, write):
    """A figure with its standard error, and the number of answers it is based on."""
    if "estimate" not in vars(sample):  # once for all figures of a page
        sample.estimate = estimate(sample)
    told = sample.estimate
    left_out = _(
        "Left out: {count} with an actual price, because others drawn before them have no review."
    ).format(count=number(told["left_out"]))
    return f"{_figure(told, name, write)} {left_out if told['left_out'] else ''}".strip()


def _figure(told, name, write):
    if name not in told:
        return _("At least two actual prices are needed; {judged} of {drawn} have one.").format(
            **told
        )
    return _("{value} ± {error}, from {judged} of {population}").format(
        value=write(told[name]),
        error=write(told[f"{name}_error"]),
        judged=number(told["judged"]),
        population=number(told["population"]),
    )
