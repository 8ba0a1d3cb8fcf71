"""Activates a registered version, or goes back to an earlier one; starts and ends a shadow."""

from argparse import ArgumentTypeError

from django.core.management.base import CommandError

from ml.forest.artifact import ForestFileError
from ml.stones import SCHEMES
from predictor.versions import shadows
from predictor.versions.activation import activate, end_shadow, live_version

from ._plain import PlainCommand, caller, kept_text
from ._versions import version_of

NONE = "none"


class Command(PlainCommand):
    help = (
        "Activate a version, for example to roll back to an older one. With --shadow: the version prices "
        "the requests that the active one has answered, in the worker; see the page Shadows of the admin."
    )

    def add_arguments(self, parser):
        parser.add_argument("scheme", choices=list(SCHEMES))
        parser.add_argument(
            "number", type=number_or_none, help=f"the version; {NONE} ends the scheme's shadow"
        )
        what = parser.add_mutually_exclusive_group(required=True)
        what.add_argument("--why", help="reason, saved with the activation")
        what.add_argument("--shadow", action="store_true", help="do not activate it")

    def handle(self, *, scheme, number, why, shadow, **options):
        if number == NONE:
            self.end(scheme, shadow)
            return
        version = version_of(scheme, number)
        if shadow:
            self.start(version)
        else:
            self.activate(version, kept_text("--why", why))

    def activate(self, version, why):
        """Activates a version, unless it is active."""
        if version == live_version(version.scheme):
            self.stdout.write(f"{version} is already active; nothing changed")
            return
        try:
            activation = activate(version, caller(), why)
        except (ForestFileError, OSError) as error:
            raise CommandError(f"{version} was not activated: {error}") from None
        self.stdout.write(f"{version} is active now; before: {activation.replaced or 'none'}")

    def start(self, version):
        """Starts the shadow of a version, unless it has begun."""
        before = shadows.shadow_of(version.scheme)
        if before and before.version == version:
            self.stdout.write(f"{version} has been the shadow since {before.began:%Y-%m-%d %H:%M}")
            return
        try:
            shadow = shadows.start(version, caller())
        except (shadows.ShadowRefused, ForestFileError, OSError) as error:
            raise CommandError(f"the shadow was not started: {error}") from None
        self.stdout.write(f"from now on {version} also prices what {shadow.against} answers")

    def end(self, scheme, shadow):
        """Ends a scheme's shadow."""
        if not shadow:
            raise CommandError(f"{NONE} can only be used with --shadow")
        ended = end_shadow(scheme)
        self.stdout.write(
            f"the shadow of {scheme} has ended" if ended else f"{scheme} has no shadow"
        )


def number_or_none(text):
    """The number of a version, or NONE."""
    if text == NONE:
        return text
    try:
        return int(text)
    except ValueError:
        raise ArgumentTypeError(f"{text!r} is neither a number nor {NONE}") from None
