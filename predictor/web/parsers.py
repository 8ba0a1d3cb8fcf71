"""Parses requests into payloads: query strings, JSON bodies, form posts."""

import json
import math
import re
from urllib.parse import parse_qsl

import msgspec
from django.conf import settings
from django.utils.translation import gettext as _
from rest_framework.exceptions import ParseError
from rest_framework.parsers import BaseParser

from ml.stones import LONGEST
from predictor.history.record import KEPT_OF_REQUEST
from predictor.pricing.serializers import MAX_STONES

from .encodings import unpacked

LARGE = re.compile(rb"[0-9.](?:[eE]|(?<![0-9].)[0-9]{%d})" % LONGEST)
"""Matches a text that may have a number too large for a float, or longer than any accepted one."""


MOST_VALUES = 50_000
"""The most values in a body: 1,000 stones have some 10,000, and each takes time."""


class StrictJsonParser(BaseParser):
    """JSON as in the RFC: UTF-8, no NaN; a repeated name becomes a list of its values.

    The body may be compressed with gzip.
    """

    media_type = "application/json"

    def parse(self, stream, media_type=None, parser_context=None):
        return read_json(unpacked(stream.read(), parser_context["request"].META))


def read_json(content):
    """Parses JSON from bytes; ParseError if it is invalid, or has more values than stones need."""
    if sum(map(content.count, (b",", b"[", b"{"))) > MOST_VALUES:
        raise ParseError(
            _("Over {count} values: give at most {most} stones in one request.").format(
                count=f"{MOST_VALUES:,}", most=MAX_STONES
            )
        )
    if (stones := _flat(content)) is not None:
        return stones
    try:
        text = content.decode("utf-8")
        number = _finite if LARGE.search(content) else None
        return json.loads(
            text,
            parse_constant=_no_constant,
            parse_float=number,
            parse_int=number,
            object_pairs_hook=gathered,
        )
    except RecursionError:
        raise ParseError(_("The JSON is nested too deeply.")) from None
    except UnicodeDecodeError:
        raise ParseError(_("The body is not UTF-8.")) from None
    except ValueError as error:
        raise ParseError(_("The body is not JSON: {why}.").format(why=error)) from None


def _flat(content):
    """A stone, or a list of stones, without a repeated name, in a fifth of the time; None for any other
    JSON, and for numbers that Python may read in another way."""
    if LARGE.search(content):
        return None
    try:
        found = msgspec.json.decode(content)
    except (msgspec.DecodeError, RecursionError, UnicodeError):
        return None
    stones = found if isinstance(found, list) else [found]
    if not all(type(stone) is dict for stone in stones):
        return None
    # A name that is repeated, or in an object in a stone, has a colon, too.
    return found if sum(map(len, stones)) == content.count(b":") else None


def _no_constant(name):
    raise ValueError(f"{name} is not allowed")


def _finite(digits):
    """An int or float; a number too large for either stays text, which no field accepts as a number."""
    if len(digits) > LONGEST or not math.isfinite(float(digits)):
        return digits
    return int(digits) if digits.lstrip("-").isdecimal() else float(digits)


def parameters(query):
    """A query string's parameters, as `gathered`; ValueError if there are too many.

    query: bytes. To make a QueryDict first would take twice as long, and so would parse_qsl for a text
    without escapes.
    """
    text, most = query.decode(errors="replace"), settings.DATA_UPLOAD_MAX_NUMBER_FIELDS
    if "%" in text or text.count("&") >= most:
        return gathered(parse_qsl(text, keep_blank_values=True, max_num_fields=most))
    pairs = text.replace("+", " ").split("&")
    return gathered([pair.partition("=")[::2] for pair in pairs if pair])


def gathered(pairs):
    """{name: value}, or a list of the values for a name that is repeated."""
    once = dict(pairs)
    if len(once) == len(pairs):
        return once
    values = {}
    for name, value in pairs:
        values.setdefault(name, []).append(value)
    return {name: some[0] if len(some) == 1 else some for name, some in values.items()}


LONGEST_CHARACTER = 4
"""Bytes in UTF-8; a character that is cut in two lies after what is recorded."""


def as_text(body):
    """The part of a body that is recorded, as text that any database accepts: undecodable bytes and
    NULs are escaped."""
    some = body[: KEPT_OF_REQUEST + LONGEST_CHARACTER]
    return some.decode("utf-8", "backslashreplace").replace("\x00", "\\x00")
