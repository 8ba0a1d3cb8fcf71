"""What all the project's commands share: errors that the user can fix are reported in one line."""

import getpass
import os
import re
from contextlib import suppress

from django.core.management.base import BaseCommand, CommandError
from django.db import Error as DatabaseUnusable
from django.db import connection

from predictor.errors import store_errors
from predictor.telemetry.redaction import redacted

NOT_PREPARED = re.compile(
    r"no such (table|column)|(relation|column) \S+( of relation \S+)? does not exist"
)

CONTROL = re.compile(r"[\0-\x1f]")


class PlainCommand(BaseCommand):
    """A command without tracebacks for errors that the user can fix (--traceback shows them)."""

    def create_parser(self, *args, **kwargs):
        """Reports wrong arguments in one line, without the usage, which --help shows."""
        parser = super().create_parser(*args, **kwargs)
        parser.print_usage = lambda file=None: None
        return parser

    def execute(self, *args, **options):
        try:
            output = super().execute(*args, **options)
            self.stdout.flush()
            return output
        except (DatabaseUnusable, OSError) as error:
            raise CommandError(in_one_line(error)) from error
        except store_errors() as error:
            raise CommandError(f"the store of the forests: {redacted(str(error))}") from error


def kept_text(option, text):
    """The text of an option, checked to fit the database; CommandError if it is blank or does
    not."""
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
    """The name of the user who called the command; in a container the user may have only a number."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):  # KeyError until Python 3.12, OSError from 3.13 on
        return str(os.getuid())


def seed(text):
    """A seed that scikit-learn accepts: 0 to 2**32 - 1."""
    number = int(text)
    if not 0 <= number < 2**32:
        raise ValueError(text)
    return number


def in_one_line(error):
    """A database's error or an OSError as a line that says what to do, without secrets."""
    return redacted(_reason(error))


def _reason(error):
    first = str(error).strip().partition("\n")[0]
    if isinstance(error, OSError):
        return f"{error.filename}: {error.strerror}" if error.filename else error.strerror or first
    if first == "unable to open database file":
        first = f"{first} {connection.settings_dict['NAME']}"
    if NOT_PREPARED.search(first):
        return f"the database is not prepared ({first}): run manage.py migrate"
    return f"the database is unusable: {first}"


def path_name(name, text, kind="folder"):
    """The name of a folder or a file; CommandError if it is blank or does not fit on one line."""
    if not text.strip() or CONTROL.search(text):
        raise CommandError(f"{name} is not a valid {kind} name: {text!r}")
    return text


class Forgiving:
    """An output stream that may be full or closed without stopping the command."""

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
