"""Retires a version of a model, or takes that back."""

from django.core.management.base import CommandError

from ml.stones import SCHEMES
from predictor.versions.activation import restore, retire

from ._dates import moment
from ._plain import PlainCommand
from ._versions import version_of


class Command(PlainCommand):
    help = "Retire a version: programs that name it get the headers Deprecation and Sunset."

    def add_arguments(self, parser):
        parser.add_argument("scheme", choices=list(SCHEMES))
        parser.add_argument("number", type=int)
        choice = parser.add_mutually_exclusive_group()
        choice.add_argument("--until", help="the day until which it answers at least, YYYY-MM-DD")
        choice.add_argument("--undo", action="store_true", help="it is not retired any more")

    def handle(self, *, scheme, number, until, undo, **options):
        version = version_of(scheme, number)
        if undo:
            restore(version)
            self.stdout.write(f"{version} is not retired")
            return
        sunset = None if until is None else moment(until, "--until")
        try:
            retire(version, sunset)
        except ValueError as error:
            raise CommandError(f"{error}: activate another version first") from None
        self.stdout.write(f"{version} is retired" + (f", available until {until}" if until else ""))
