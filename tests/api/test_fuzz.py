"""schemathesis on the published schema: requests that the schema allows, and many that it forbids.

All checks are on. A schema cannot say which query parameters belong together, so `map_case`
completes the stones of a query string. Four failures are ignored: a valid stone whose weight is
impossible for its size, a valid stone that mixes the schemes, an accepted request whose only
invalid parameter was not sent, and an Idempotency-Key that was sent with another request before.
"""

import json
from collections import Counter
from urllib.parse import parse_qsl, urlsplit

import jsonschema_rs
import pytest
import schemathesis
from django.db import connections
from hypothesis import settings
from schemathesis.core.failures import AcceptedNegativeData
from schemathesis.engine import events, from_schema
from schemathesis.openapi.checks import RejectedPositiveData

from diamondsite.wsgi import application
from ml.stones import CODES, GRADES, LOWEST_FILL, MEASURES, SCHEMES, SOLID_DIAMOND, TYPICAL_FILL
from predictor.models import Prediction
from predictor.pricing.serializers import volume_of

LEAST_SENT = settings.default.max_examples
"""The fewest cases to send: half to each way of pricing; a quarter of them must be priced."""

CONFIG = {
    "seed": 4,
    "cache": {"enabled": False},
    "generation": {"max-examples": LEAST_SENT // 2, "database": "none", "no-shrink": True},
}
OPERATIONS = {
    "GET /api/predict",
    "POST /api/predict",
    "GET /api/model",
    "GET /api/predictions/{id}",
    "POST /api/predictions/{id}/actual",
    "POST /api/predictions/actual",
}


@pytest.fixture
def site(live_models, kept_connection):
    """The site as a WSGI application; schemathesis's threads share the connection of the test."""
    shared = connections["default"]

    def served(environ, start_response):
        connections["default"] = shared
        environ.pop("HTTP_ACCEPT_ENCODING", None)  # schemathesis asks for gzip and cannot read it
        return application(environ, start_response)

    shared.inc_thread_sharing()
    yield served
    shared.dec_thread_sharing()


@pytest.fixture
def schema(site):
    """The published schema, with all checks of schemathesis."""
    config = schemathesis.Config.from_dict(CONFIG)
    schema = schemathesis.openapi.from_wsgi("/api/schema", site, config=config)
    schema.hook(filter_failure)
    schema.hook(map_case)
    return schema


def map_case(context, case):
    """schemathesis's hook: completes an allowed query to a stone, of the scheme of its cut."""
    spoilt = case.meta and any(made.mode.is_negative for made in case.meta.components.values())
    if case.query and not spoilt:
        stone = whole(case.query) if case.method == "GET" else {}
        options = {name: case.query[name] for name in ("include", "k") if name in case.query}
        case.query = stone | options | ({"include": "comparables"} if options else {})
    return case


def whole(query):
    scheme, vocabulary = ("coded", CODES) if type(query["cut"]) is int else ("graded", GRADES)
    size = float(query["carat"]) / TYPICAL_FILL
    defaults = {"volume": size, **dict.fromkeys("xyz", size ** (1 / 3))}
    stone = {name: query.get(name, defaults.get(name)) for name in SCHEMES[scheme]}
    for name in GRADES:
        if stone[name] not in vocabulary[name]:
            stone[name] = list(vocabulary[name])[len(str(query["depth"])) % len(vocabulary[name])]
    return stone


def filter_failure(context, failure, case, response):
    """schemathesis's hook: returns False for a failure to ignore."""
    if isinstance(failure, AcceptedNegativeData):
        return not left_no_trace(case)
    if not isinstance(failure, RejectedPositiveData):
        return True
    if response.status_code == 422:
        return False
    return not any(is_mixed(stone) or is_impossible(stone) for stone in sent(response))


def left_no_trace(case):
    """Whether the only fault of a request is an empty list of a parameter, which adds nothing to
    the query string."""
    spoilt = [place.value for place, made in case.meta.components.items() if made.mode.is_negative]
    there = {name: value for name, value in case.query.items() if value != []}
    known = {parameter.name: parameter for parameter in case.operation.query}
    allowed = there.keys() <= known.keys() and all(
        jsonschema_rs.is_valid(known[name].definition["schema"], value)
        for name, value in there.items()
        if "$ref" not in str(known[name].definition)
    )
    return spoilt == ["query"] and there != case.query and allowed


def sent(response):
    """The stones of a request that the schema allows, as they were sent."""
    if response.request.method == "GET":
        return [dict(parse_qsl(urlsplit(response.request.url).query))]
    stones = json.loads(response.request.body)
    return stones if isinstance(stones, list) else [stones]


def is_mixed(stone):
    """Whether a stone has other parameters or grades than those of one scheme."""
    stone = {name: value for name, value in stone.items() if name not in ("include", "k")}
    graded = stone.keys() == set(SCHEMES["graded"])
    texts = all(str(stone.get(name)) in GRADES[name] for name in GRADES)
    codes = all(str(stone.get(name)) in map(str, CODES[name]) for name in GRADES)
    return not (texts if graded else codes and stone.keys() == set(SCHEMES["coded"]))


def is_impossible(stone):
    """Whether no diamond of this size can have this weight."""
    measures = {name: float(stone[name]) for name in MEASURES if name in stone}
    volume = volume_of(measures)
    return not LOWEST_FILL * volume <= measures["carat"] <= SOLID_DIAMOND * volume


def outcome(schema):
    """Runs schemathesis: (number of cases by operation, problems)."""
    cases, problems = Counter(), []
    for event in from_schema(schema).execute():
        if isinstance(event, events.ScenarioFinished):
            cases[event.label] += len(event.recorder.cases)
            checks = [check for some in event.recorder.checks.values() for check in some]
            problems += [check.failure_info for check in checks if check.failure_info]
        elif isinstance(event, events.NonFatalError | events.FatalError | events.Interrupted):
            problems.append(event)
    return cases, problems


@pytest.mark.fuzz
@pytest.mark.long
def test_the_service_does_what_the_schema_says_whatever_is_sent(schema):
    cases, problems = outcome(schema)
    told = [
        f"{problem.failure}\n{problem.code_sample}"
        if hasattr(problem, "failure")
        else str(getattr(problem, "info", problem))
        for problem in problems
    ]
    assert not problems, "\n\n".join(told)
    assert cases.keys() == OPERATIONS
    assert cases.total() >= LEAST_SENT, cases
    assert Prediction.objects.filter(status=200).count() >= LEAST_SENT // 4
    assert {row["status"] for row in Prediction.objects.values("status")} == {200, 400}
