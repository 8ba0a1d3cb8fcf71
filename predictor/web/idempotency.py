"""Idempotency-Key: a request that is sent again gets the recorded answer again, without a second record.

As in the IETF draft draft-ietf-httpapi-idempotency-key-header and in Stripe's API, but also for GET, which
records a price, too. Only answers are kept, no errors: a refused request may be corrected and sent again.
Two requests at once both compute their answer; the database lets one record it, and the other gets that.
"""

import hashlib
import json
import zlib

from django.http import HttpResponse
from rest_framework.exceptions import APIException

from predictor.history.idempotency import Key, KeyTaken, find
from predictor.pricing.services import Caller

from .access import client_of
from .exceptions import RetryLater
from .parsers import as_text
from .programs import client_name

HEADER, LONGEST = "HTTP_IDEMPOTENCY_KEY", 255
ACCEPTED = f"Give 1 to {LONGEST} visible ASCII characters, with or without double quotes."
REPLAYED = "Idempotent-Replayed"
IN_FINGERPRINT = (
    "REQUEST_METHOD",
    "PATH_INFO",
    "QUERY_STRING",
    "HTTP_CONTENT_ENCODING",
    "HTTP_INFERENCE_HEADER_CONTENT_LENGTH",
)
"""What must be the same, besides the body, when a request is sent again."""


class KeyReused(APIException):
    """The key belongs to another request."""

    status_code = 422
    default_detail = "This Idempotency-Key was used for another request. Send a new one."


class StillInProgress(RetryLater):
    """The key's first answer is not available yet."""

    status_code = 409
    default_detail = "A request with this Idempotency-Key is in progress. Try again later."


def once(request, user, service, answer):
    """The response of `answer`, once for each Idempotency-Key of a client; later ones are the same again.

    answer: (request, the client's name, Key or None without one) -> HttpResponse. It passes the Key to
    `service`, which keeps the response that it writes. An invalid key is refused (400) and recorded. Raises
    KeyReused, StillInProgress.
    """
    client = client_name(user)
    sent = request.META.get(HEADER)
    if sent is None:
        return answer(request, client, None)
    text = as_text(request.body or request.META["QUERY_STRING"].encode("latin-1"))
    request.caller = Caller("api", client, text)
    word = read_key(sent) or service.refuse({"Idempotency-Key": [ACCEPTED]}, request.caller)
    own = Key(_digest(client_of(request, user), word), _fingerprint(request))
    if kept := find(own.digest):
        return _replayed(kept, own)
    try:
        return answer(request, client, own)
    except KeyTaken:
        return _replayed(find(own.digest), own)


def read_key(sent):
    """The key that a header has: a quoted string as in RFC 9651, or the same without quotes; "" if it is
    neither, or too long."""
    text = sent.strip(" \t") if len(sent) <= 2 * LONGEST + 2 else ""
    if text.startswith('"'):
        text = _unquoted(text)
    elif " " in text or '"' in text:
        return ""
    return text if len(text) <= LONGEST and text.isascii() and text.isprintable() else ""


def _unquoted(text):
    """The content of a quoted string; "" if it is not one. Only quotes and backslashes may be escaped."""
    try:
        content = json.loads(text)
    except ValueError:
        return ""
    return content if json.dumps(content) == text else ""


def _digest(*texts):
    return hashlib.sha256("\n".join(texts).encode()).hexdigest()


def _fingerprint(request):
    """The SHA-256 of what makes a request the same when it is sent again."""
    parts = [request.META.get(name, "") for name in IN_FINGERPRINT]
    return _digest(*parts, hashlib.sha256(request.body).hexdigest())


def _replayed(kept, own):
    """The response that is kept, if it is that of the same request."""
    if kept is None:  # it expired at this moment
        raise StillInProgress(1)
    if kept.fingerprint != own.fingerprint:
        raise KeyReused
    headers = {**kept.headers, REPLAYED: "true"}
    return HttpResponse(zlib.decompress(kept.content), headers=headers)
