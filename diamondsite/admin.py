"""The first page of the admin: what the last day was like, the two lights, what waits for review."""

from django.contrib.admin import AdminSite
from django.utils.translation import gettext_lazy

from predictor.models import Drawn, Light, MonitoredDay


class DiamondsAdminSite(AdminSite):
    """Django's admin with a summary for whoever may see it."""

    site_header = site_title = gettext_lazy("Diamond prices")

    def index(self, request, extra_context=None):
        return super().index(request, {**self.summary(request), **(extra_context or {})})

    def summary(self, request):
        """The template's variables: `lights`, `last_day`, `waiting`."""
        found = {}
        if request.user.has_perm("predictor.view_light"):
            found["lights"] = Light.objects.select_related("version").defer("version__card")
            found["last_day"] = MonitoredDay.objects.last()
        if request.user.has_perm("predictor.view_sample"):
            found["waiting"] = Drawn.objects.filter(prediction__review=None).count()
        return found
