"""The WSGI application that gunicorn serves: the site, given complete bodies."""

import io
import os
import time

from django.conf import settings
from django.core.wsgi import get_wsgi_application
from gunicorn.http.errors import InvalidChunkSize, NoMoreData

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "diamondsite.settings")

site = get_wsgi_application()

from predictor.api.quick import Quick  # noqa: E402  # once the apps are loaded

quick = Quick()

MOUNT = settings.FORCE_SCRIPT_NAME or ""
"""The path where the site is mounted. A proxy may pass it on or remove it; direct requests need not
have it."""

STEP = 8192
"""How many bytes of a chunked body are read at a time."""

LONGEST_TYPES = 1000
"""Characters of a header that names media types; browsers send some 200."""

WORK = 0.5
"""Seconds of processor time for the chunks of one body: 2 MB in usual chunks take a hundredth of
that."""


def application(environ, start_response):
    """The site. A body is read before the site sees it, so an incomplete one is never used, and a
    chunked one gets a length, without which Django treats it as empty."""
    inside = environ["PATH_INFO"].removeprefix(MOUNT)
    if inside[:1] in ("", "/"):
        environ["PATH_INFO"] = inside
    _leave_out_unreadable_types(environ)
    if "HTTP_TRANSFER_ENCODING" in environ:
        body = _joined(environ["wsgi.input"])
        environ |= {"wsgi.input": io.BytesIO(body), "CONTENT_LENGTH": str(len(body))}
    elif 0 < int(environ.get("CONTENT_LENGTH") or 0) <= settings.DATA_UPLOAD_MAX_MEMORY_SIZE:
        environ["wsgi.input"] = io.BytesIO(
            _whole(environ["wsgi.input"], int(environ["CONTENT_LENGTH"]))
        )
    return quick(environ, start_response) or site(environ, start_response)


def _leave_out_unreadable_types(environ):
    """Takes the parameters from a Content-Type, and all from an Accept, that Django could fail on: long
    ones, and those with an encoding of their own (RFC 2231), which no browser sends there."""
    for name in ("CONTENT_TYPE", "HTTP_ACCEPT"):
        sent = environ.get(name, "")
        if len(sent) > LONGEST_TYPES or ("*" in sent and "'" in sent):
            environ[name] = sent.partition(";")[0] if name == "CONTENT_TYPE" else ""


def _whole(stream, length):
    """A body of a known length; gunicorn's NoMoreData, so no request, if its client disconnected
    before its end."""
    body = stream.read(length)
    if len(body) < length:
        raise NoMoreData
    return body


def _joined(stream):
    """A chunked body, up to one byte over the limit; gunicorn's 400 if its chunks are so small that
    joining them takes too much processor time."""
    body, started = io.BytesIO(), time.thread_time()
    while body.tell() <= settings.DATA_UPLOAD_MAX_MEMORY_SIZE and (part := stream.read(STEP)):
        body.write(part)
        if time.thread_time() - started > WORK:
            raise InvalidChunkSize("the chunks of this body are too small")
    return body.getvalue()
