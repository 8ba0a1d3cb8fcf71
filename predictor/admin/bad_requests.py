"""What the admin answers to an address or a form that no list, page or database can make sense of.

Django looks at the names in an address, but hands most values on: a number that no column holds, a NUL,
a range of one. What comes of them is as different as the databases.
"""

import logging

from django.contrib.admin.views.main import ERROR_FLAG
from django.core.exceptions import FieldError
from django.db import DataError, OperationalError, ProgrammingError
from django.shortcuts import redirect
from django.views.defaults import bad_request

log = logging.getLogger(__name__)

NONSENSE = (
    ArithmeticError,
    DataError,
    FieldError,
    LookupError,
    ProgrammingError,
    TypeError,
    ValueError,
)
"""What values that make no sense end in, before the database or in it."""

SQLITES_REGEX = "user-defined function raised exception"
"""How SQLite tells of a regular expression that is none."""


class BadRequestMiddleware:
    """Back to the whole list, as Django itself does, or a 400; with nothing sent an error stays a 500."""

    def __init__(self, get_response):
        self.get_response = get_response

    def __call__(self, request):
        return self.get_response(request)

    def process_exception(self, request, error):
        match = request.resolver_match
        sent = request.GET or request.POST or match.kwargs
        if match.namespace != "admin" or not sent or not _is_nonsense(error):
            return None
        log.warning("the admin was sent what makes no sense to it (%s)", type(error).__name__)
        is_list = request.method == "GET" and match.url_name.endswith("_changelist")
        if is_list and ERROR_FLAG not in request.GET:
            return redirect(f"{request.path}?{ERROR_FLAG}=1")
        return bad_request(request, error)


def _is_nonsense(error):
    if isinstance(error, OperationalError):
        return SQLITES_REGEX in str(error)
    return isinstance(error, NONSENSE)
