"""What all the project's commands share: what their caller can mend is told in one line."""

import getpass
import os
import re
from contextlib import suppress

from django.core.management.base import BaseCommand, CommandError
from django.db import Error as DatabaseUnusable

from predictor.errors import store_errors
from predictor.telemetry.redaction import redacted

NOT_PREPARED = re.compile(
    r"no such (table|column)|(relation|column) \S+( of relation \S+)? does not exist"
)

CONTROL = re.compile(r"[\0-\x1f]")


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
            raise CommandError(redacted(_told(error))) from error
        except store_errors() as error:
            raise CommandError(f"the store of the forests: {redacted(str(error))}") from error


def kept_text(option, text):
    """The text of an option, as a database can keep it; CommandError where it is blank or cannot be."""
    if not text.strip():
        raise CommandError(f"{option} is empty; it is shown in the history")
    try:
        text.encode()
    except UnicodeEncodeError:
        raise CommandError(f"{option} is not UTF-8: {text!r}") from None
    if "\0" in text:
        raise CommandError(f"{option} contains a NUL character: {text!r}")
    return text


def caller():
    """The name of whoever called the command; the number of a user without one, as containers have."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):  # until Python 3.12, from 3.13 on
        return str(os.getuid())


def _told(error):
    said = str(error).strip().partition("\n")[0]
    if isinstance(error, OSError):
        return f"{error.filename}: {error.strerror}" if error.filename else error.strerror or said
    if NOT_PREPARED.search(said):
        return f"the database is not prepared ({said}): run manage.py migrate"
    return f"the database is unusable: {said}"


def folder_name(name, text):
    """An argument that names a folder; CommandError where it is blank or cannot be told in one line."""
    if not text.strip() or CONTROL.search(text):
        raise CommandError(f"{name} is not a valid folder name: {text!r}")
    return text


class Forgiving:
    """An output that may be full or gone without stopping the command: it has more to do than to tell."""

    def __init__(self, out):
        self._out = out

    def __getattr__(self, name):
        return getattr(self._out, name)

    def write(self, text):
        with suppress(OSError):
            self._out.write(text)

    def flush(self):
        with suppress(OSError):
            self._out.flush()
