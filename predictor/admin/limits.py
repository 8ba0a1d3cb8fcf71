"""Limits on requests to the admin: a time for each query, a length for each text, and at most half
of a worker's threads.

The middleware is in MIDDLEWARE. Prices are not affected by what reviewers search for.
"""

import threading

from django.contrib import admin
from django.db import OperationalError
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _

from predictor.history.commits import shared
from predictor.history.time_limits import limited_queries, ran_out_of_time
from predictor.wording.figures import number

PATIENCE = 2
"""Seconds that a request waits for another one to finish."""


TEXT = 10_000
"""The most characters of one submitted value; more than any form needs."""


class AdminLimits:
    """Middleware. Serves at most half as many requests at once as a worker has threads. One more
    request waits a moment; others get a 503 that says when to try again."""

    def __init__(self, get_response):
        self.get_response = get_response
        self.places = Places()

    def __call__(self, request):
        if not is_admin(request):
            return self.get_response(request)
        if not self.places.take():
            text = _("Too many requests to the admin are being answered. Try again in a moment.")
            return limit_page(request, _("The admin is busy"), text, wait=PATIENCE)
        response = None
        try:
            with limited_queries():
                response = self.get_response(request)
        finally:
            if not makes_parts(response):
                self.places.leave()
        if makes_parts(response):
            response.streaming_content = Streamed(response.streaming_content, self.places.leave)
        return response

    def process_view(self, request, *args):
        """Returns the page for a text that is too long, before any form or filter reads it; None
        for others."""
        if not (is_admin(request) and has_long_text(request)):
            return None
        text = _("A text that was sent is longer than {most} characters. Shorten it.")
        title = _("The text is too long")
        return limit_page(request, title, text.format(most=number(TEXT)), status=400)

    def process_exception(self, request, error):
        """Returns the page for a query that took too long; None for any other error."""
        is_slow = isinstance(error, OperationalError) and ran_out_of_time(error)
        if not (is_slow and is_admin(request)):
            return None
        text = _(
            "The search took too long and was stopped. Narrow the filter, for example by days."
        )
        return limit_page(request, _("Search stopped"), text)


class Places:
    """The admin requests that a worker serves at once. Outside a server there is no limit."""

    def __init__(self):
        self.inside, self.served, self.changed = 0, 0, threading.Condition()

    def take(self):
        """Whether there is a free place, now or within PATIENCE seconds."""
        with self.changed:
            if shared.threads and self.inside >= shared.threads // 2 + 1:
                return False
            self.inside += 1
            free = self.changed.wait_for(self._is_free, PATIENCE)
            self.served, self.inside = self.served + free, self.inside - (not free)
            return free

    def _is_free(self):
        return not shared.threads or self.served < max(shared.threads // 2, 1)

    def leave(self):
        """Frees the place."""
        with self.changed:
            self.inside, self.served = self.inside - 1, self.served - 1
            self.changed.notify()


class Streamed:
    """The parts of a streamed response, whose queries have time limits too. `close` frees the
    place; a server calls it at the end in any case."""

    def __init__(self, parts, leave):
        self.parts, self.leave = parts, leave

    def __iter__(self):
        with limited_queries():
            yield from self.parts

    def close(self):
        leave, self.leave = self.leave, None
        if leave:
            leave()


def makes_parts(response):
    """Whether queries follow while a response is sent; none do for a file."""
    is_file = getattr(response, "file_to_stream", None) is not None
    return getattr(response, "streaming", False) and not is_file


def is_admin(request):
    """Whether an address belongs to the admin."""
    return request.path.startswith(reverse("admin:index"))


def has_long_text(request):
    """Whether a value in the address or in a submitted form is longer than TEXT."""
    sent = (request.GET, request.POST)
    values = (value for fields in sent for _name, some in fields.lists() for value in some)
    return any(len(value) > TEXT for value in values)


def limit_page(request, title, text, wait=None, status=503):
    """A page of the admin that says which limit was reached."""
    context = {**admin.site.each_context(request), "title": title, "text": text}
    response = render(request, "admin/predictor/limit.html", context, status=status)
    if wait:
        response["Retry-After"] = str(wait)
    return response
