"""What Django's page about an error shows with DEBUG=true: no secrets in addresses, either. Named by the
settings."""

from django.views.debug import SafeExceptionReporterFilter

from predictor.telemetry.redaction import redacted


class AddressesWithoutSecrets(SafeExceptionReporterFilter):
    """Django hides settings and variables that are called like a secret; REDIS_URL is not."""

    def cleanse_setting(self, key, value):
        cleansed = super().cleanse_setting(key, value)
        return redacted(cleansed) if isinstance(cleansed, str) else cleansed
