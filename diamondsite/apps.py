"""Which site Django admin is: the one of admin.py beside this file."""

from django.contrib.admin.apps import AdminConfig


class DiamondsAdminConfig(AdminConfig):
    default_site = "diamondsite.admin.DiamondsAdminSite"
