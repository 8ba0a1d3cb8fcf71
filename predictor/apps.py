"""The predictor app: answers prices and keeps their record."""

from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class PredictorConfig(AppConfig):
    name = "predictor"
    verbose_name = _("Diamond prices")

    def ready(self):
        from . import checks  # noqa: F401
