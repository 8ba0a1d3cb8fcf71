"""How the admin answers an address or a form with values that no list, page or database can use.

Django checks the names in an address, but passes most values on: a number too large for the column,
a NUL, a range with one value. Each database raises a different error for them.
"""

import logging
import sqlite3

from django.contrib import messages
from django.contrib.admin.views.main import ERROR_FLAG
from django.core.exceptions import FieldError, ValidationError
from django.db import DataError, IntegrityError, ProgrammingError
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.defaults import bad_request

log = logging.getLogger(__name__)

UNREADABLE = (
    ArithmeticError,
    DataError,
    FieldError,
    LookupError,
    ProgrammingError,
    TypeError,
    ValidationError,
    ValueError,
)
"""The errors that invalid values raise, before the database or in it."""


NOT_UNIQUE = ("23505", sqlite3.SQLITE_CONSTRAINT_UNIQUE, sqlite3.SQLITE_CONSTRAINT_PRIMARYKEY)
"""The error codes of PostgreSQL and SQLite for a row that already exists."""


class BadRequestMiddleware:
    """Redirects to the unfiltered list, as Django itself does, or answers 400. With nothing sent,
    an error stays a 500.

    If another user has saved the same row since the form was checked, shows the existing rows.
    """

    def __init__(self, get_response):
        self.get_response = get_response

    def __call__(self, request):
        return self.get_response(request)

    def process_exception(self, request, error):
        match = request.resolver_match
        if match.namespace == "admin" and request.method == "POST" and _is_there_already(error):
            return _what_is_there(request)
        sent = request.GET or request.POST or match.kwargs
        if match.namespace != "admin" or not sent or not isinstance(error, UNREADABLE):
            return None
        log.warning("the admin received an invalid request (%s)", type(error).__name__)
        is_list = request.method == "GET" and match.url_name.endswith("_changelist")
        if is_list and ERROR_FLAG not in request.GET:
            return redirect(f"{request.path}?{ERROR_FLAG}=1")
        return bad_request(request, error)


def _is_there_already(error):
    cause = error.__cause__
    codes = (getattr(cause, name, None) for name in ("sqlstate", "sqlite_errorcode"))
    return isinstance(error, IntegrityError) and any(code in NOT_UNIQUE for code in codes)


def _what_is_there(request):
    """Redirects to the list, or to the form again, with a message why nothing was saved."""
    message = _("Nothing was saved: someone saved the same a moment ago. This is the saved state.")
    messages.error(request, message)
    model, _dash, view = request.resolver_match.url_name.rpartition("_")
    return redirect(
        reverse(f"admin:{model}_changelist") if view == "add" else request.get_full_path()
    )
