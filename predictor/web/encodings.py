"""gzip both ways: bodies that come packed, within bounds, and answers that are packed where asked for."""

import re
import zlib

from django.conf import settings
from django.middleware.gzip import GZipMiddleware
from django.utils.cache import patch_vary_headers
from rest_framework.exceptions import ParseError, UnsupportedMediaType

from .exceptions import TooLarge

WORTH_IT = 1024
"""Answers of so many bytes or fewer are sent as they are."""

A_GZIP = 16 + zlib.MAX_WBITS
ZERO = re.compile(r"q=0(\.0*)?")


class UnknownEncoding(UnsupportedMediaType):
    """A body that is packed in a way other than gzip; the header says so to programs (RFC 9110, 12.5.3)."""

    default_detail = "Unknown Content-Encoding “{media_type}”. Send gzip, or the body as it is."
    headers = {"Accept-Encoding": "gzip"}


def unpacked(body, meta):
    """A body without the Content-Encoding of its request; ParseError, TooLarge or UnknownEncoding.

    Nothing is unpacked beyond what a plain body may have. meta: the request's META.
    """
    encoding = meta.get("HTTP_CONTENT_ENCODING", "")
    if encoding.lower() in ("", "identity"):
        return body
    if encoding.lower() != "gzip":
        raise UnknownEncoding(encoding[:40])
    most, stream = settings.DATA_UPLOAD_MAX_MEMORY_SIZE, zlib.decompressobj(A_GZIP)
    try:
        content = stream.decompress(body, most + 1)
    except zlib.error:
        raise ParseError("The body is not gzip, though its Content-Encoding says so.") from None
    if len(content) > most:
        raise TooLarge
    if not stream.eof:
        raise ParseError("The body’s gzip ends too early.")
    if stream.unused_data:
        raise ParseError("Something follows the end of the body’s gzip.")
    return content


class Compression(GZipMiddleware):
    """Packs answers over 1 kB for clients that take gzip, but none that holds a CSRF token.

    Where a page shows a secret beside what an attacker may choose, the size of its gzip tells the secret
    bit by bit (BREACH). Django masks its tokens anew for each page and pads each gzip at random; both make
    that dearer, neither rules it out. Pages with a form are few and short, so they go out unpacked.
    """

    def process_response(self, request, response):
        if response.streaming or len(response.content) <= WORTH_IT or has_token(request):
            return response
        if accepts_gzip(request):
            return super().process_response(request, response)
        patch_vary_headers(response, ["Accept-Encoding"])
        return response


def has_token(request):
    """Whether the answer to this request was given a CSRF token to show."""
    return "CSRF_COOKIE_NEEDS_UPDATE" in request.META


def accepts_gzip(request):
    """Whether Accept-Encoding names gzip, with a weight above zero."""
    for offer in request.META.get("HTTP_ACCEPT_ENCODING", "").lower().split(","):
        name, _, weight = offer.partition(";")
        if name.strip() == "gzip":
            return not ZERO.fullmatch(weight.strip())
    return False
