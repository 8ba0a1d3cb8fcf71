"""Makes a registered version live, or takes an older one back."""

from django.core.management.base import CommandError

from ml.forest.artifact import ForestFileError
from ml.stones import SCHEMES
from predictor.models import ModelVersion
from predictor.versions.activation import activate, live_version

from ._plain import PlainCommand, caller, kept_text


class Command(PlainCommand):
    help = "Make a version live; also the way back to an older one."

    def add_arguments(self, parser):
        parser.add_argument("scheme", choices=list(SCHEMES))
        parser.add_argument("number", type=int)
        parser.add_argument("--why", required=True, help="kept in the history of activations")

    def handle(self, *, scheme, number, why, **options):
        version = ModelVersion.objects.filter(scheme=scheme, number=number).first()
        if version is None:
            raise CommandError(f"there is no version {number} of {scheme}; see: manage.py models")
        why = kept_text("--why", why)
        if version == live_version(scheme):
            self.stdout.write(f"{version} is live already; nothing changed")
            return
        try:
            activation = activate(version, caller(), why)
        except (ForestFileError, OSError) as error:
            raise CommandError(f"{version} stays as it is: {error}") from None
        self.stdout.write(f"{version} is live in the place of {activation.replaced or 'none'}")
