"""Days and times as command options."""

from datetime import UTC, datetime, time

from django.core.management.base import CommandError
from django.utils.dateparse import parse_date, parse_datetime
from django.utils.timezone import make_aware


def moment(text, option="--since"):
    """The start of a day, or a time; CommandError for anything else."""
    try:
        day = parse_date(text)
        if found := datetime.combine(day, time.min) if day else parse_datetime(text):
            return (found if found.tzinfo else make_aware(found)).astimezone(UTC)
    except (ValueError, OverflowError):
        pass
    today = datetime.now(UTC).date()
    raise CommandError(
        f"{option} {text!r} is not a valid date; use YYYY-MM-DD, for example {today}"
    )
