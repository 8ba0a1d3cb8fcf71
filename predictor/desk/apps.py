"""Where Django looks for the admin's site."""

from django.contrib.admin.apps import AdminConfig


class DeskConfig(AdminConfig):
    """Django's admin, with the desk's start page."""

    default_site = "predictor.desk.site.DeskSite"
