"""gzip both ways: reads compressed bodies, with limits, and compresses responses for clients that
accept it."""

import zlib

from django.conf import settings
from django.middleware.gzip import GZipMiddleware
from django.utils.cache import patch_vary_headers
from rest_framework.exceptions import ParseError, UnsupportedMediaType

from .accepting import names
from .exceptions import TooLarge

WORTH_IT = 1024
"""Responses of at most this many bytes are sent uncompressed."""

A_GZIP = 16 + zlib.MAX_WBITS


class UnknownEncoding(UnsupportedMediaType):
    """A body with an encoding other than gzip; the header names those accepted (RFC 9110, 12.5.3)."""

    default_detail = "Unknown Content-Encoding “{media_type}”. Send gzip, or the body as it is."
    headers = {"Accept-Encoding": "gzip"}


def unpacked(body, meta):
    """A body without the Content-Encoding of its request; ParseError, TooLarge or UnknownEncoding.

    Decompression stops at the size limit of a plain body. meta: the request's META.
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
    """Compresses responses over 1 kB for clients that accept gzip, except those with a CSRF token.

    If a page shows a secret next to text that an attacker can choose, the size of its gzip
    reveals the secret bit by bit (BREACH). Django masks its tokens anew for each page and pads each
    gzip at random; both make that more expensive, neither prevents it. Pages with a form are few
    and short, so they are sent uncompressed.
    """

    def process_response(self, request, response):
        if response.streaming or len(response.content) <= WORTH_IT or has_token(request):
            return response
        if accepts_gzip(request):
            return super().process_response(request, response)
        patch_vary_headers(response, ["Accept-Encoding"])
        return response


def has_token(request):
    """Whether a CSRF token was created for the response to this request."""
    return "CSRF_COOKIE_NEEDS_UPDATE" in request.META


def accepts_gzip(request):
    """Whether Accept-Encoding names gzip, with a weight above zero."""
    return names(request.META.get("HTTP_ACCEPT_ENCODING", ""), "gzip")
