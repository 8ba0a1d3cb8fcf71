"""What the commands about one version share."""

from django.core.management.base import CommandError

from predictor.models import ModelVersion


def version_of(scheme, number):
    """The registered version of this number; CommandError if there is none."""
    version = ModelVersion.objects.filter(scheme=scheme, number=number).first()
    if version is None:
        raise CommandError(f"there is no version {number} of {scheme}; see: manage.py models")
    return version
