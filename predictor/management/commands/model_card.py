"""Prints a version's model card as Markdown: the page's content, for a repository or a report."""

from django.conf import settings
from django.core.management.base import CommandError
from django.utils import translation

from ml.stones import SCHEMES
from predictor.model_cards.model_card import build
from predictor.versions.activation import live_version

from ._plain import PlainCommand
from ._versions import version_of


class Command(PlainCommand):
    help = "Print the model card of a version as Markdown; by default of the active one."

    def add_arguments(self, parser):
        parser.add_argument("scheme", choices=list(SCHEMES))
        parser.add_argument("number", type=int, nargs="?", help="default: the active version")
        parser.add_argument("--language", choices=[*dict(settings.LANGUAGES)], default="en")

    def handle(self, *, scheme, number, language, **options):
        version = live_version(scheme) if number is None else version_of(scheme, number)
        if version is None:
            raise CommandError(f"there is no active version of {scheme}; see: manage.py models")
        with translation.override(language):
            self.stdout.write(build(version).markdown(), ending="")
