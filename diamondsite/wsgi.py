"""The WSGI application that gunicorn serves."""

import io
import os

from django.conf import settings
from django.core.wsgi import get_wsgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "diamondsite.settings")

site = get_wsgi_application()


def application(environ, start_response):
    """The site; a body that comes in chunks gets the length without which Django takes it for empty."""
    if "HTTP_TRANSFER_ENCODING" in environ:
        body = environ["wsgi.input"].read(settings.DATA_UPLOAD_MAX_MEMORY_SIZE + 1)
        environ |= {"wsgi.input": io.BytesIO(body), "CONTENT_LENGTH": str(len(body))}
    return site(environ, start_response)
