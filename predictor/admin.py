"""Where Django looks for the admin: the desk's lists register themselves."""

from django.contrib import admin
from django.utils.translation import gettext_lazy

from .desk import predictions, samples, versions, views  # noqa: F401

admin.site.site_header = admin.site.site_title = gettext_lazy("Diamond prices")
