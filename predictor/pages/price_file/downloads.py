"""Responses with files, and the headers of pages whose address is all that protects them."""

from functools import wraps

from django.http import HttpResponse
from django.utils.cache import add_never_cache_headers
from django.utils.http import content_disposition_header


def csv_response(text, name):
    """The response with a CSV file."""
    response = HttpResponse(text.encode(), content_type="text/csv; charset=utf-8")
    response["Content-Disposition"] = content_disposition_header(True, name)
    return response


def secret(view):
    """Decorates a view that shows what a user sent: no cache keeps it, no search engine lists it."""

    @wraps(view)
    def wrapped(request, *arguments, **options):
        response = view(request, *arguments, **options)
        add_never_cache_headers(response)
        response["X-Robots-Tag"] = "noindex"
        return response

    return wrapped
