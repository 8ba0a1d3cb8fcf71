"""What all the project's commands share: what their caller can mend is told in one line."""

import os
import re
import sys

from django.core.management.base import BaseCommand, CommandError
from django.db import Error as DatabaseUnusable

NOT_PREPARED = re.compile(r"no such (table|column)|(relation|column) .* does not exist")


class PlainCommand(BaseCommand):
    """A command without tracebacks for what its caller can mend (--traceback shows them)."""

    def create_parser(self, *args, **kwargs):
        """Wrong arguments are told in one line, without the usage above it; --help has that."""
        parser = super().create_parser(*args, **kwargs)
        parser.print_usage = lambda file=None: None
        return parser

    def execute(self, *args, **options):
        try:
            output = super().execute(*args, **options)
            self.stdout.flush()
            return output
        except (DatabaseUnusable, OSError) as error:
            _give_up_full_output()
            raise CommandError(_told(error)) from error


def kept_text(option, text):
    """The text of an option, as a database can keep it; CommandError where it is blank or cannot be."""
    if not text.strip():
        raise CommandError(f"{option} is empty: say it for whoever reads the history")
    try:
        text.encode()
    except UnicodeEncodeError:
        raise CommandError(f"{option} is not UTF-8: {text!r}") from None
    if "\0" in text:
        raise CommandError(f"{option} holds a NUL: {text!r}")
    return text


def _told(error):
    said = str(error).strip().partition("\n")[0]
    if isinstance(error, OSError):
        return f"{error.filename}: {error.strerror}" if error.filename else error.strerror or said
    if NOT_PREPARED.search(said):
        return f"the database is not prepared ({said}): run manage.py migrate"
    return f"the database is unusable: {said}"


def _give_up_full_output():
    """What standard output cannot take any more would be tried again, and told, at the exit."""
    try:
        sys.stdout.flush()
    except OSError:
        with open(os.devnull, "wb") as nowhere:  # noqa: PTH123
            os.dup2(nowhere.fileno(), sys.stdout.fileno())
