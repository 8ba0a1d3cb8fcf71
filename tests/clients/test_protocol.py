"""Triton's and MLServer's clients work unchanged, and the protocol's own OpenAPI document is met."""

import json
import subprocess
from collections import Counter
from pathlib import Path

import pytest
import schemathesis
from django.conf import settings
from django.db import connections
from hypothesis import settings as hypothesis
from schemathesis.engine import events, from_schema
from schemathesis.openapi.checks import UndefinedStatusCode

from diamondsite.wsgi import application
from ml.stones import EXAMPLES
from predictor.models import Prediction

ENVIRONMENT = settings.BASE_DIR / ".venv-clients"
pytestmark = [
    pytest.mark.usefixtures("live_models"),
    pytest.mark.skipif(not ENVIRONMENT.exists(), reason="needs the clients: make test-clients"),
]

STONES = {
    "graded": [EXAMPLES["graded"][0], EXAMPLES["graded"][0] | {"carat": 0.72, "cut": "Fair"}],
    "coded": [*EXAMPLES["coded"]],
}


def ran(script, *arguments):
    """The JSON that a script prints, run with the Python of .venv-clients."""
    command = [ENVIRONMENT / "bin" / "python", Path(__file__).with_name(script), *arguments]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout.splitlines()[-1])


@pytest.mark.parametrize("scheme", STONES)
def test_triton(live_server, scheme):
    found = ran(
        "triton.py", live_server.url.removeprefix("http://"), scheme, json.dumps(STONES[scheme])
    )
    rows = Prediction.objects.filter(status=200).order_by("pk")
    assert [row.features for row in rows] == STONES[scheme] * 3
    prices = [row.predicted_price for row in rows[:2]]
    assert found["prices"] == [prices] * 3
    assert (found["id"], found["currency"]) == ("7", ["USD", "USD"])
    assert found["low"] == [row.whole_low for row in rows[:2]]
    assert found["comparables"] == [2, 2]
    assert found["refusal"] == f"inputs are missing: {'z' if scheme == 'graded' else 'volume'}"
    assert Prediction.objects.get(status=400).error == {"non_field_errors": [found["refusal"]]}


@pytest.mark.parametrize("scheme", STONES)
def test_mlserver(live_server, scheme):
    found = ran("mlserver_codecs.py", live_server.url, scheme, json.dumps(STONES[scheme]))
    rows = Prediction.objects.order_by("pk")
    assert [row.features for row in rows] == STONES[scheme] * 2
    assert found["prices"] == [[row.predicted_price for row in rows[:2]]] * 2
    assert found["currency"] == ["USD", "USD"]
    assert found["frame"] == [row.whole_low for row in rows[:2]]


@pytest.fixture
def site(kept_connection):
    """The site as a WSGI application; schemathesis's threads share the connection of the test."""
    shared = connections["default"]

    def served(environ, start_response):
        connections["default"] = shared
        environ.pop("HTTP_ACCEPT_ENCODING", None)
        return application(environ, start_response)

    shared.inc_thread_sharing()
    yield served
    shared.dec_thread_sharing()


CONFIG = {
    "seed": 4,
    "cache": {"enabled": False},
    "operations": [
        {"include-method": "GET", "generation": {"mode": "positive"}}
    ],  # any model name is valid
    "checks": {
        "positive_data_acceptance": {"enabled": False}
    },  # few generated tensors describe a stone
    "generation": {
        "max-examples": hypothesis.default.max_examples // 16,
        "database": "none",
        "no-shrink": True,
    },
}


def map_case(context, case):
    """schemathesis's hook: two of three generated names become a model's, two of three requests a
    stone's."""
    spoilt = case.meta and any(made.mode.is_negative for made in case.meta.components.values())
    if case.path_parameters and not spoilt:
        odd = len(str(case.path_parameters)) % 3
        own = {"model_name": "graded", "model_version": "1"} if odd else {}
        case.path_parameters |= {name: own[name] for name in case.path_parameters if name in own}
        if odd and isinstance(case.body, dict) and len(str(case.body)) % 3:
            case.body["inputs"] = tensors(STONES["graded"][0])
    return case


def filter_failure(context, failure, case, response):
    """schemathesis's hook: returns False for a failure to ignore."""
    return not (isinstance(failure, UndefinedStatusCode) and response.status_code == 404)


def tensors(stone):
    kinds = {str: "BYTES", float: "FP64"}
    return [
        {"name": name, "shape": [1], "datatype": kinds[type(value)], "data": [value]}
        for name, value in stone.items()
    ]


def test_the_protocols_own_document(site):
    """The document that MLServer ships, without its extensions, streams and generated text, and
    without a type that JSON does not have. It does not list the answer for an unknown model."""
    [path] = ENVIRONMENT.glob("lib/python3*/site-packages/mlserver/rest/openapi/dataplane.json")
    document = json.loads(path.read_text().replace('"bytes"', '"string"'))
    document["paths"] = {
        name: item
        for name, item in document["paths"].items()
        if "stream" not in name and "generate" not in name
    }
    schema = schemathesis.openapi.from_dict(document, config=schemathesis.Config.from_dict(CONFIG))
    schema.app = site
    schema.hook(map_case)
    schema.hook(filter_failure)
    problems, statuses = [], Counter()
    for event in from_schema(schema).execute():
        if isinstance(event, events.ScenarioFinished):
            checks = [check for some in event.recorder.checks.values() for check in some]
            problems += [check.failure_info for check in checks if check.failure_info]
            answers = [one.response for one in event.recorder.interactions.values()]
            statuses.update(answer.status_code for answer in answers if answer)
        elif isinstance(event, events.NonFatalError | events.FatalError | events.Interrupted):
            problems.append(event)
    told = [
        f"{problem.failure}\n{problem.code_sample}"
        if hasattr(problem, "failure")
        else str(getattr(problem, "info", problem))
        for problem in problems
    ]
    assert not problems, "\n\n".join(told[:5])
    assert statuses.keys() >= {200, 400, 404}, statuses
    assert Prediction.objects.filter(status=200).count() > 10
