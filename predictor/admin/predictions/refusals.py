"""How a refused request is shown: its first reason in the list, all of its wrong rows on its page.

Errors are recorded in the language of the request, English for programs. To show them in the reader's
language, the request is validated again; if that does not give the recorded errors, they are shown instead.
"""

import json
import re
from json.decoder import scanstring

from django.utils.html import format_html, format_html_join
from django.utils.translation import get_language, override
from django.utils.translation import gettext as _
from rest_framework.exceptions import ValidationError

from predictor.models import Prediction
from predictor.pricing.assumptions import assume
from predictor.pricing.serializers import OPTIONS
from predictor.pricing.services import live_validators

FIRST = re.compile(r'"([^"\\]+)": \["')
ROW = re.compile(r'"row": (\d+)')
KEPT = 120
"""How many characters of a reason the list shows."""


def in_readers_language(request, error):
    """A recorded error in the reader's language if the request as sent still gives it, else as recorded."""
    if get_language() == "en":
        return error
    sent = Prediction(request=request).request_object()
    for stone in (sent, assume(sent, live_validators().vocabulary)[0]):
        with override("en"):
            again = _errors_of(stone)
        if again == error:
            return _errors_of(stone)
    return error


def _errors_of(sent):
    try:
        if isinstance(sent, list):
            live_validators().validate_all(sent)
        else:
            live_validators().validate(
                {name: value for name, value in sent.items() if name not in OPTIONS}
            )
    except (
        ValidationError,
        AttributeError,
    ) as error:  # a text that could not be parsed has no items
        return getattr(error, "detail", None)


def reason_of(beginning, request):
    """The first message of a recorded error in the reader's language. beginning: the start of its JSON
    text; request: the start of the request."""
    try:
        error = in_readers_language(request, json.loads(beginning))
    except ValueError:  # it is longer
        return reason(beginning)
    return reason(json.dumps(error, ensure_ascii=False))


def reason(beginning):
    """The first message of a recorded error, with its field and row. beginning: the start of its
    JSON text."""
    found = FIRST.search(beginning)
    if not found:
        return _whole(beginning)
    field, row = found[1], ROW.search(beginning)
    place = _("row {row}").format(row=row[1]) if row else ""
    where = ", ".join(filter(None, [place, "" if field == "non_field_errors" else field]))
    return ": ".join(filter(None, [where, _text(beginning, found.end())]))[:KEPT]


def _whole(beginning):
    return _text(beginning, 1)[:KEPT] if beginning.startswith('"') else ""


def _text(beginning, place):
    """The JSON string that starts at a place; as much of it as there is, if it is cut off."""
    try:
        return scanstring(beginning, place, True)[0]
    except json.JSONDecodeError:
        return beginning[place:]


def wrong_rows(error):
    """[(row or None, field, message), …] of a recorded error of any shape."""
    if isinstance(error, str):
        return [(None, "", error)]
    if isinstance(error, dict):
        error = [{"row": None, **error}]
    return [
        (refused.get("row", place), "" if field == "non_field_errors" else field, message)
        for place, refused in enumerate(
            error
        )  # before 1.1 a list's valid rows had {}, and no number
        for field, messages in refused.items()
        if field != "row"
        for message in messages
    ]


def as_table(error):
    """A recorded error as a table; a long one scrolls."""
    rows = wrong_rows(error)
    listed = any(row is not None for row, _, _ in rows)
    head = [*([_("row")] if listed else []), _("parameter"), _("message")]
    cells = [(row, *rest) if listed else rest for row, *rest in rows]
    body = format_html_join("", "<tr>{}</tr>", ((_row("td", one),) for one in cells))
    table = "<table><thead><tr>{}</tr></thead><tbody>{}</tbody></table>"
    return format_html(f'<div class="sent" tabindex="0">{table}</div>', _row("th", head), body)


def _row(tag, cells):
    return format_html_join("", f"<{tag}>{{}}</{tag}>", ((cell,) for cell in cells))
