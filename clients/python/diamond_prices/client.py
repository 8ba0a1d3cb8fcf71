"""The client: it sends each request until it has an answer, with a key, so that a price has one record."""

import random
import time
from collections.abc import Iterable, Iterator
from itertools import islice
from typing import Any, Self, TypeVar
from uuid import UUID, uuid4

import httpx

from .models import Outcome, Quote, ReportedOutcome, Stone

AT_ONCE = 1000
"""The most stones, or outcomes, in one request."""

MOST_COMPARABLES = 5000
"""The most comparables in the answers to one request."""

LATER = {429, 502, 503, 504}
"""The statuses of requests that may succeed later; also 409 with Retry-After."""

FIRST_WAIT, LONGEST_WAIT = 0.5, 30.0
"""Seconds before the second attempt, which are doubled for each further one, and their maximum."""

T = TypeVar("T")


class ApiError(Exception):
    """The service did not do what was asked. status: of HTTP; detail: the answer's JSON, or its text."""

    def __init__(self, status: int, detail: Any) -> None:
        super().__init__(f"{status}: {detail}")
        self.status, self.detail = status, detail


class Refused(ApiError):
    """The request is wrong; `detail` says what, by field, for a list by row."""


class Unavailable(ApiError):
    """No answer after all attempts; `status` is 0 if there was no connection."""


class DiamondPrices:
    """A connection to the service: `with DiamondPrices("https://…", token="…") as api: …`.

    timeout: seconds for one attempt; attempts: how often a request is sent at most.
    """

    def __init__(
        self,
        url: str,
        token: str = "",
        *,
        timeout: float = 10,
        attempts: int = 6,
        transport: httpx.BaseTransport | None = None,
    ) -> None:
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        self.attempts = attempts
        self.http = httpx.Client(
            base_url=url, headers=headers, timeout=timeout, transport=transport
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()

    def close(self) -> None:
        """Closes the connection."""
        self.http.close()

    def price(
        self,
        stone: Stone,
        *,
        version: int | None = None,
        comparables: int = 0,
        asking: float | None = None,
        assume: bool = False,
        receipt: bool = False,
        key: str = "",
    ) -> Quote:
        """The price of a stone. key: an Idempotency-Key, if the caller has to repeat the call itself."""
        options = _options(version, comparables, asking, assume, receipt)
        sent = stone.model_dump(exclude_none=True)
        return Quote.model_validate(self._send("POST", "/api/predict", sent, options, key))

    def prices(
        self,
        stones: Iterable[Stone],
        *,
        version: int | None = None,
        comparables: int = 0,
        assume: bool = False,
        receipt: bool = False,
    ) -> Iterator[Quote]:
        """The prices of any number of stones in their order, up to 1,000 in one request."""
        options = _options(version, comparables, None, assume, receipt)
        for some in _batches(stones, min(AT_ONCE, MOST_COMPARABLES // max(comparables, 1) or 1)):
            sent = [stone.model_dump(exclude_none=True) for stone in some]
            for quote in self._send("POST", "/api/predict", sent, options):
                yield Quote.model_validate(quote)

    def recorded(self, id_: UUID | str) -> Quote:
        """A recorded answer again, without its comparables and receipt."""
        return Quote.model_validate(self._send("GET", f"/api/predictions/{id_}"))

    def report(self, outcome: Outcome) -> ReportedOutcome:
        """Reports what a stone cost in the end."""
        sent = outcome.model_dump(mode="json", exclude={"id"}, exclude_none=True)
        path = f"/api/predictions/{outcome.id}/actual"
        return ReportedOutcome.model_validate(self._send("POST", path, sent))

    def report_all(self, outcomes: Iterable[Outcome]) -> Iterator[ReportedOutcome]:
        """Reports any number of outcomes, 1,000 in one request, each all or none."""
        for some in _batches(outcomes, AT_ONCE):
            sent = [one.model_dump(mode="json", exclude_none=True) for one in some]
            for reported in self._send("POST", "/api/predictions/actual", sent):
                yield ReportedOutcome.model_validate(reported)

    def _send(
        self,
        method: str,
        path: str,
        content: Any = None,
        options: dict[str, str] | None = None,
        key: str = "",
    ) -> Any:
        """The JSON of the answer; every attempt has the same key. Raises Refused, Unavailable, ApiError."""
        headers = {"Idempotency-Key": key or str(uuid4())}
        failure = Unavailable(0, "no attempt was made")
        response: httpx.Response | None = None
        for attempt in range(self.attempts):
            if attempt:
                time.sleep(_wait(attempt, response))
            response = None
            try:
                response = self.http.request(
                    method, path, json=content, params=options, headers=headers
                )
            except httpx.TransportError as error:
                failure = Unavailable(0, str(error))
                continue
            if not _is_temporary(response):
                return _content(response)
            failure = Unavailable(response.status_code, _detail(response))
        raise failure


def _options(
    version: int | None, comparables: int, asking: float | None, assume: bool, receipt: bool
) -> dict[str, str]:
    """The parameters of a request for prices."""
    included = ["comparables"] * bool(comparables) + ["receipt"] * receipt
    options = {
        "version": version,
        "asking": asking,
        "k": comparables or None,
        "include": ",".join(included) or None,
        "assume": "true" if assume else None,
    }
    return {name: str(value) for name, value in options.items() if value is not None}


def _batches(items: Iterable[T], size: int) -> Iterator[list[T]]:
    iterator = iter(items)
    while some := list(islice(iterator, size)):
        yield some


def _is_temporary(response: httpx.Response) -> bool:
    is_in_progress = response.status_code == 409 and "Retry-After" in response.headers
    return is_in_progress or response.status_code in LATER


def _wait(attempt: int, response: httpx.Response | None) -> float:
    """The seconds before an attempt, counted from 0: as the last response says, else longer each time."""
    said = "" if response is None else response.headers.get("Retry-After", "")
    if said.isdecimal():
        return min(float(said), LONGEST_WAIT)
    longest = min(FIRST_WAIT * 2 ** (attempt - 1), LONGEST_WAIT)
    return random.uniform(longest / 2, longest)  # noqa: S311 - clients that failed together come back apart


def _content(response: httpx.Response) -> Any:
    if response.is_success:
        return response.json()
    kind = Refused if response.status_code == 400 else ApiError
    raise kind(response.status_code, _detail(response))


def _detail(response: httpx.Response) -> Any:
    """The JSON of an error; its text if it is not JSON, as from a proxy."""
    try:
        return response.json()
    except ValueError:
        return response.text[:500]
