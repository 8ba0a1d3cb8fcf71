"""The app config that makes admin.py's site Django's default admin site."""

from django.contrib.admin.apps import AdminConfig


class DiamondsAdminConfig(AdminConfig):
    default_site = "diamondsite.admin.DiamondsAdminSite"
