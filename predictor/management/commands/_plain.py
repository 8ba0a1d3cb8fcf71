"""What all the project's commands share: a database or a disk that fails is told in one line."""

import re

from django.core.management.base import BaseCommand, CommandError
from django.db import Error as DatabaseUnusable

NOT_PREPARED = re.compile(r"no such (table|column)|(relation|column) .* does not exist")


class PlainCommand(BaseCommand):
    """A command without tracebacks for what its caller can mend (--traceback shows them)."""

    def execute(self, *args, **options):
        try:
            return super().execute(*args, **options)
        except (DatabaseUnusable, OSError) as error:
            raise CommandError(_told(error)) from error


def _told(error):
    said = str(error).strip().partition("\n")[0]
    if isinstance(error, OSError):
        return said
    if NOT_PREPARED.search(said):
        return f"the database is not prepared ({said}): run manage.py migrate"
    return f"the database is unusable: {said}"
