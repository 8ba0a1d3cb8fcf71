"""Activates a registered version, or goes back to an earlier one."""

from django.core.management.base import CommandError

from ml.forest.artifact import ForestFileError
from ml.stones import SCHEMES
from predictor.versions.activation import activate, live_version

from ._plain import PlainCommand, caller, kept_text
from ._versions import version_of


class Command(PlainCommand):
    help = "Activate a version, for example to roll back to an older one."

    def add_arguments(self, parser):
        parser.add_argument("scheme", choices=list(SCHEMES))
        parser.add_argument("number", type=int)
        parser.add_argument("--why", required=True, help="reason, saved with the activation")

    def handle(self, *, scheme, number, why, **options):
        version = version_of(scheme, number)
        why = kept_text("--why", why)
        if version == live_version(scheme):
            self.stdout.write(f"{version} is already active; nothing changed")
            return
        try:
            activation = activate(version, caller(), why)
        except (ForestFileError, OSError) as error:
            raise CommandError(f"{version} was not activated: {error}") from None
        self.stdout.write(f"{version} is active now; before: {activation.replaced or 'none'}")
