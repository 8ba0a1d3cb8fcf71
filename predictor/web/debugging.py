"""Keeps secrets in addresses off Django's error page with DEBUG=true. Named in the settings."""

from django.views.debug import SafeExceptionReporterFilter

from predictor.telemetry.redaction import redacted


class AddressesWithoutSecrets(SafeExceptionReporterFilter):
    """Django hides settings and variables with names like a secret's; REDIS_URL is not one of them."""

    def cleanse_setting(self, key, value):
        cleansed = super().cleanse_setting(key, value)
        return redacted(cleansed) if isinstance(cleansed, str) else cleansed
