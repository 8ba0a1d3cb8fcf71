"""The WSGI application that gunicorn serves: the site, given whole bodies."""

import io
import os
import time

from django.conf import settings
from django.core.wsgi import get_wsgi_application
from gunicorn.http.errors import InvalidChunkSize, NoMoreData

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "diamondsite.settings")

site = get_wsgi_application()

MOUNT = settings.FORCE_SCRIPT_NAME or ""
"""Where the site lies. A proxy may pass that on or cut it off; who asks the server itself need not know."""

STEP = 8192
"""How many bytes of a chunked body are asked for at a time."""

WORK = 0.5
"""Seconds of the processor that the chunks of one body may take: 2 MB in usual ones take a hundredth."""


def application(environ, start_response):
    """The site. A body is read before it is looked at: none that was cut short passes for whole, and one
    that comes in chunks gets the length without which Django takes it for empty."""
    inside = environ["PATH_INFO"].removeprefix(MOUNT)
    if inside[:1] in ("", "/"):
        environ["PATH_INFO"] = inside
    if "HTTP_TRANSFER_ENCODING" in environ:
        body = _joined(environ["wsgi.input"])
        environ |= {"wsgi.input": io.BytesIO(body), "CONTENT_LENGTH": str(len(body))}
    elif 0 < int(environ.get("CONTENT_LENGTH") or 0) <= settings.DATA_UPLOAD_MAX_MEMORY_SIZE:
        environ["wsgi.input"] = io.BytesIO(
            _whole(environ["wsgi.input"], int(environ["CONTENT_LENGTH"]))
        )
    return site(environ, start_response)


def _whole(stream, length):
    """A body of an announced length; gunicorn's NoMoreData, so no request, where its client left before."""
    body = stream.read(length)
    if len(body) < length:
        raise NoMoreData
    return body


def _joined(stream):
    """A body that comes in chunks, up to one byte over the limit; gunicorn's 400 where they are so small
    that to join them takes a processor's time from others."""
    body, begun = io.BytesIO(), time.thread_time()
    while body.tell() <= settings.DATA_UPLOAD_MAX_MEMORY_SIZE and (part := stream.read(STEP)):
        body.write(part)
        if time.thread_time() - begun > WORK:
            raise InvalidChunkSize("the chunks of this body are too small")
    return body.getvalue()
