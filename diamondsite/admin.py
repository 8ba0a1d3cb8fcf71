"""The site's Django admin: a summary on its first page, and lists with limited counts and searches."""

from django import forms
from django.contrib.admin import AdminSite, ModelAdmin, ShowFacets
from django.contrib.admin.forms import AdminAuthenticationForm
from django.contrib.auth.forms import UsernameField
from django.contrib.auth.models import User
from django.db.models import Exists, OuterRef
from django.utils.translation import gettext_lazy

from ml.stones import LONGEST
from predictor.jobs.queue import is_worker_missing
from predictor.models import Alarm, MonitoredDay, Review, SampledPrediction
from predictor.review.queues import waiting_for

COUNTED = 10_000
"""The most unreviewed answers that the first page counts."""


class BoundedAdmin:
    """Mixed into every model admin, those of other packages too: nothing reads a whole table for a
    count, and no address makes the database match a regular expression, which can take very
    long."""

    show_facets = ShowFacets.NEVER
    show_full_result_count = False
    date_hierarchy = None

    def lookup_allowed(self, lookup, value, request=None):
        return not lookup.endswith("regex") and super().lookup_allowed(lookup, value, request)

    def get_search_results(self, request, queryset, search_term):
        """None for a text over LONGEST: each of its words is a condition more, and SQLite takes 1,000."""
        if len(search_term) > LONGEST:
            return queryset.none(), False
        return super().get_search_results(request, queryset, search_term)


class LoginForm(AdminAuthenticationForm):
    """Refuses a name longer than any valid one, before it is looked up and counted as a failure."""

    username = UsernameField(
        max_length=User._meta.get_field("username").max_length,
        widget=forms.TextInput(attrs={"autofocus": True}),
    )


class DiamondsAdminSite(AdminSite):
    """Django's admin with a summary for users who may see it."""

    login_form = LoginForm
    site_header = site_title = gettext_lazy("Diamond prices")

    def register(self, model_or_iterable, admin_class=None, **options):
        admin_class = admin_class or ModelAdmin
        bounded = type(admin_class.__name__, (BoundedAdmin, admin_class), {})
        super().register(model_or_iterable, bounded, **options)

    def get_log_entries(self, request):
        """By id, which is the order of time, and without the user, whom no page shows: otherwise a
        database would sort all of a user's entries."""
        entries = super().get_log_entries(request).order_by("-pk")
        return entries.select_related(None).select_related("content_type")

    def index(self, request, extra_context=None):
        return super().index(request, {**self.summary(request), **(extra_context or {})})

    def summary(self, request):
        """The template's variables: `alarms`, `last_day`, `waiting`, `assigned`, `worker_missing`."""
        found = {}
        if request.user.has_perm("predictor.export_prediction"):
            found["worker_missing"] = is_worker_missing()
        if request.user.has_perm("predictor.view_alarm"):
            found["alarms"] = Alarm.objects.select_related("version").defer("version__card")
            found["last_day"] = MonitoredDay.objects.last()
        if request.user.has_perm("predictor.view_sample"):
            judged = Review.objects.filter(prediction=OuterRef("prediction"))
            waiting = SampledPrediction.objects.filter(~Exists(judged)).order_by()
            found["waiting"] = waiting[:COUNTED].count()
            found["assigned"] = waiting_for(request.user)
        return found
