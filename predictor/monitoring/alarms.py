"""Which lights are red: a look into one small table, for the metrics."""

from predictor.models import Light


def alarms():
    """[(kind, scheme, whether it is red), …] of the live versions' lights; django.db.Error."""
    rows = Light.objects.filter(version__activations__live=True)
    return [*rows.values_list("kind", "version__scheme", "red")]
