"""Who may use the API, and how often: tokens, the throttle, and the page of a locked log-in.

Called by the views, the pages and django-axes. By default the API is open: then nothing here
queries the database or the cache, unless a request has a token.
"""

import logging
import math
import time
from typing import NamedTuple

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

POLICY = "requests"
"""The name of API_THROTTLE in the headers of an answer."""


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


class Usage(NamedTuple):
    """What a client has used of a rate: `used` requests of at most `most` in `seconds`, of which `rest` are
    left."""

    most: int
    seconds: int
    used: int
    rest: int

    @property
    def headers(self):
        """RateLimit-Policy and RateLimit (IETF draft-ietf-httpapi-ratelimit-headers-10)."""
        left = max(self.most - self.used, 0)
        return {
            "RateLimit-Policy": f'"{POLICY}";q={self.most};w={self.seconds}',
            "RateLimit": f'"{POLICY}";r={left};t={self.rest}',
        }


class Throttle:
    """Counts each client's requests in the configured cache; with Redis, across all workers.

    A class because it remembers that the cache failed: requests are then let in uncounted, and the
    cache is not used for a while, because a throttle must never cost an answer.
    """

    rest = 5
    """Seconds before a cache that failed is used again."""

    def __init__(self):
        self._asleep_until = -math.inf

    def count(self, client, rate=None):
        """Counts a client's request; raises TooManyRequests over a rate, with the time to wait.

        rate: (requests, seconds), by default API_THROTTLE. A period begins with the client's first request.
        A list of stones is one request.
        """
        _refuse(self.counted(client, rate))

    def counted(self, client, rate=None):
        """Counts a client's request; its Usage, None if the cache failed."""
        return self._usage(_count, client, rate or settings.API_THROTTLE)

    def check(self, client):
        """Raises TooManyRequests if the client's count has reached API_THROTTLE; counts nothing."""
        _refuse(self._usage(_with_another, client, settings.API_THROTTLE))

    def _usage(self, find, client, rate):
        if time.monotonic() < self._asleep_until:
            return None
        try:
            return Usage(*rate, *find(client, rate[1]))
        except _cache_errors() as error:
            self._asleep_until = time.monotonic() + self.rest
            log.warning("requests are not counted for %s s: the cache failed: %s", self.rest, error)
            return None


throttle = Throttle()


def _refuse(usage):
    if usage and usage.used > usage.most:
        raise TooManyRequests(usage.rest)


def _count(client, seconds):
    """Counts a request; (the requests of the client's period, the seconds that are left of it)."""
    now = time.time()
    started = cache.get_or_set(f"throttle:{client}", now, seconds)
    used = _incremented(f"throttle:{client}:{started}", 2 * seconds)
    return used, _rest(started, now, seconds)


def _with_another(client, seconds):
    """The same if the client sent another request, without counting one."""
    started = cache.get(f"throttle:{client}")
    if started is None:
        return 0, seconds
    used = cache.get(f"throttle:{client}:{started}", 0) + 1
    return used, _rest(started, time.time(), seconds)


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
    """Counts a request of a client; keeps the Usage in the request's `usage`."""
    if settings.API_THROTTLE:
        request.usage = throttle.counted(client_of(request, user))
        _refuse(request.usage)


def client_of(request, user=None):
    """A text that identifies a client: by the user of its token, else by its address."""
    return f"user:{user.pk}" if user else f"address:{counted_address(request)}"


def locked_out(request, response, credentials):
    """The page for a user and address with too many failed log-ins; called by django-axes."""
    wait = settings.AXES_COOLOFF_TIME
    page = render(request, "locked_out.html", {"minutes": wait.seconds // 60}, status=429)
    page["Retry-After"] = str(wait.seconds)
    return page
