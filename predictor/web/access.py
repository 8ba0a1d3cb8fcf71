"""Who may use the API, and how often: tokens, the throttle, and the page of a locked log-in.

Called by the views, the pages and django-axes. By default the API is open: then nothing here
queries the database or the cache, unless a request has a token.
"""

import logging
import math
import time

from django.conf import settings
from django.core.cache import cache
from django.db import Error as DatabaseUnusable
from django.shortcuts import render
from rest_framework.authentication import TokenAuthentication, get_authorization_header
from rest_framework.exceptions import AuthenticationFailed, NotAuthenticated

from predictor.errors import Unavailable

from .clients import counted_address
from .exceptions import TooManyRequests

log = logging.getLogger(__name__)


class TokenAccess(TokenAuthentication):
    """`Authorization: Bearer <key>`, or `Token` instead, as in DRF; causes one query.

    Refused requests are counted by address. Over API_THROTTLE no token from that address is looked
    up any more, not even a valid one: otherwise keys could be tried as fast as the server answers.
    """

    keyword = "Bearer"

    def authenticate(self, request):
        if get_authorization_header(request).lower().split()[:1] == [b"token"]:
            self.keyword = "Token"
        address = f"turned-away:{counted_address(request)}"
        if settings.API_THROTTLE:
            throttle.check(address)
        try:
            found = super().authenticate(request)
            if found is None and settings.API_ACCESS == "token":
                raise NotAuthenticated
        except (AuthenticationFailed, NotAuthenticated):
            if settings.API_THROTTLE:
                throttle.count(address)
            raise
        return found

    def authenticate_header(self, request):
        return "Bearer, Token"

    def authenticate_credentials(self, key):
        # Nothing else can be a key, and PostgreSQL does not accept a NUL.
        if not (key.isascii() and key.isalnum()):
            raise AuthenticationFailed
        try:
            return super().authenticate_credentials(key)
        except DatabaseUnusable as error:
            raise Unavailable from error


class Throttle:
    """Counts each client's requests in the configured cache; with Redis, across all workers.

    A class because it remembers that the cache failed: requests are then let in uncounted, and the
    cache is not used for a while, because a throttle must never cost an answer.
    """

    rest = 5
    """Seconds before a cache that failed is used again."""

    def __init__(self):
        self._asleep_until = -math.inf

    def count(self, client):
        """Counts a client's request; raises TooManyRequests over API_THROTTLE, with the time to wait.

        A period begins with the client's first request. A list of stones is one request.
        """
        self._refuse_over(_seconds_to_wait, client)

    def check(self, client):
        """Raises TooManyRequests if the client's count has reached API_THROTTLE; counts nothing."""
        self._refuse_over(_seconds_left, client)

    def _refuse_over(self, wait_of, client):
        if time.monotonic() < self._asleep_until:
            return
        try:
            wait = wait_of(client, *settings.API_THROTTLE)
        except _cache_errors() as error:
            self._asleep_until = time.monotonic() + self.rest
            log.warning("requests are not counted for %s s: the cache failed: %s", self.rest, error)
            return
        if wait:
            raise TooManyRequests(wait)


throttle = Throttle()


def _seconds_to_wait(client, most, seconds):
    """Counts a request; returns the seconds to wait if the client is now over the limit, else 0."""
    now = time.time()
    started = cache.get_or_set(f"throttle:{client}", now, seconds)
    if _incremented(f"throttle:{client}:{started}", 2 * seconds) <= most:
        return 0
    return _rest(started, now, seconds)


def _seconds_left(client, most, seconds):
    """The seconds until another request of the client is let in; 0 for none."""
    started = cache.get(f"throttle:{client}")
    if started is None or cache.get(f"throttle:{client}:{started}", 0) < most:
        return 0
    return _rest(started, time.time(), seconds)


def _rest(started, now, seconds):
    """The whole seconds left of a period, at least one."""
    return min(max(math.ceil(started + seconds - now), 1), seconds)


def _incremented(key, timeout):
    try:
        return cache.incr(key)
    except ValueError:  # the first one of its period
        return 1 if cache.add(key, 1, timeout) else cache.incr(key)


def _cache_errors():
    """The errors that the cache may raise; redis is imported only when the cache has failed."""
    from redis.exceptions import RedisError

    return RedisError


def count_request(request, user=None):
    """Counts a request for the user of its token, else for the client's address."""
    if settings.API_THROTTLE:
        throttle.count(f"user:{user.pk}" if user else f"address:{counted_address(request)}")


def locked_out(request, response, credentials):
    """The page for a user and address with too many failed log-ins; called by django-axes."""
    wait = settings.AXES_COOLOFF_TIME
    page = render(request, "locked_out.html", {"minutes": wait.seconds // 60}, status=429)
    page["Retry-After"] = str(wait.seconds)
    return page
