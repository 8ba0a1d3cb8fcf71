"""W3C trace context: a client's trace is recorded, logged and sent back; OpenTelemetry gets spans."""

import json
import logging
from unittest.mock import Mock
from uuid import uuid4

import pytest
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from ml.stones import EXAMPLES
from predictor.history.commits import NeedsThread
from predictor.models import Prediction
from predictor.telemetry import tracing
from predictor.telemetry.logs import JsonFormatter
from tests.posting import post

CODED = EXAMPLES["coded"][0]
TRACE, SPAN = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"
SENT = f"00-{TRACE}-{SPAN}-01"

VALID = {
    SENT: (TRACE, SPAN, 1),
    f"00-{TRACE}-{SPAN}-00": (TRACE, SPAN, 0),
    f"00-{TRACE}-{SPAN}-ff": (TRACE, SPAN, 255),
    f"01-{TRACE}-{SPAN}-03": (TRACE, SPAN, 3),
    f"fe-{TRACE}-{SPAN}-01-what-comes-later": (TRACE, SPAN, 1),
    f"cc-{TRACE}-{SPAN}-01-": (TRACE, SPAN, 1),
}
INVALID = [
    "",
    "00",
    f" {SENT}",
    f"{SENT} ",
    f"{SENT}\n",
    SENT.upper(),
    f"00-{TRACE.upper()}-{SPAN}-01",
    f"00-{TRACE}-{SPAN.upper()}-01",
    f"ff-{TRACE}-{SPAN}-01",
    f"0-{TRACE}-{SPAN}-01",
    f"000-{TRACE}-{SPAN}-01",
    f"00-{'0' * 32}-{SPAN}-01",
    f"00-{TRACE}-{'0' * 16}-01",
    f"00-{TRACE[:-1]}-{SPAN}-01",
    f"00-{TRACE}a-{SPAN}-01",
    f"00-{TRACE}-{SPAN[:-1]}-01",
    f"00-{TRACE}-{SPAN}-1",
    f"00-{TRACE}-{SPAN}-0g",
    f"00-{TRACE}-{SPAN}-01-",
    f"00-{TRACE}-{SPAN}-01-more",
    f"01-{TRACE}-{SPAN}-01more",
    f"01-{TRACE}-{SPAN}-01.more",
    f"00_{TRACE}_{SPAN}_01",
    f"{SENT},{SENT}",
    f"00-{TRACE}-{SPAN}-01".replace("4", "٤"),
    f"01-{TRACE}-{SPAN}-01-{'x' * tracing.LONGEST}",
]

once = pytest.mark.once


@once
@pytest.mark.parametrize(("sent", "read"), VALID.items())
def test_a_valid_traceparent_is_read(sent, read):
    assert tracing.parent_of(sent) == read


@once
@pytest.mark.parametrize("sent", INVALID)
def test_an_invalid_traceparent_is_ignored(sent):
    assert tracing.parent_of(sent) is None


class Lines(logging.Handler):
    """Keeps each line of the log as a server writes it, read as JSON."""

    def __init__(self):
        super().__init__()
        self.kept = []

    def emit(self, record):
        self.kept.append(json.loads(JsonFormatter().format(record)))


@pytest.fixture
def lines(caplog, live_models):
    """A call returns the lines of the log so far."""
    caplog.set_level("INFO", "request")
    logging.getLogger().addHandler(handler := Lines())
    yield lambda: handler.kept
    logging.getLogger().removeHandler(handler)


def ask(client, sent=SENT, **parameters):
    headers = {"traceparent": sent, "tracestate": "rojo=1"}
    return client.get("/api/predict", CODED | parameters, headers=headers)


@pytest.mark.usefixtures("live_models")
class TestWithoutOpenTelemetry:
    def test_an_answer_has_its_trace_in_the_record_the_log_and_the_response(self, client, lines):
        response = ask(client)
        assert response.status_code == 200
        version, trace, span, flags = response["traceresponse"].split("-")
        assert (version, trace, flags) == ("00", TRACE, "00")
        assert tracing.parent_of(response["traceresponse"])
        assert span != SPAN
        assert Prediction.objects.get(pk=response.json()["id"]).trace_id == TRACE
        assert lines()[-1].items() >= {"trace_id": TRACE, "span_id": span}.items()
        assert "tracestate" not in response

    def test_a_refusal_and_a_list_have_it_too(self, client):
        headers = {"HTTP_TRACEPARENT": SENT}
        assert ask(client, carat="none").status_code == 400
        assert post(client, [CODED, EXAMPLES["graded"][0]], **headers).status_code == 200
        assert [*Prediction.objects.values_list("trace_id", flat=True)] == [TRACE] * 3

    @pytest.mark.parametrize("sent", [None, "00-junk", f"ff-{TRACE}-{SPAN}-01"])
    def test_without_a_valid_one_there_is_none(self, client, lines, sent):
        headers = {"traceparent": sent} if sent else {}
        response = client.get("/api/predict", CODED, headers=headers)
        assert response.status_code == 200
        assert "traceresponse" not in response
        assert Prediction.objects.get().trace_id is None
        assert "trace_id" not in lines()[-1]

    def test_the_next_request_of_the_thread_has_no_trace(self, client):
        ask(client)
        client.get("/api/predict", CODED)
        rows = Prediction.objects.order_by("pk")
        assert [*rows.values_list("trace_id", flat=True)] == [TRACE, None]

    def test_other_lines_of_the_request_have_it(self, client, lines, monkeypatch):
        monkeypatch.setattr("predictor.api.views.as_json", lambda prediction: 1 / 0)
        client.raise_request_exception = False
        response = ask(client)
        assert response.status_code == 500
        assert response["traceresponse"].split("-")[1] == TRACE
        assert [line["trace_id"] for line in lines() if "traceback" in line] == [TRACE]


@pytest.fixture
def spans(monkeypatch):
    """OpenTelemetry set up; a call returns {name: span} of the finished ones."""
    exporter, provider = InMemorySpanExporter(), TracerProvider(shutdown_on_exit=False)
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    monkeypatch.setattr(tracing, "_tracer", provider.get_tracer("tests"))
    return lambda: {one.name: one for one in exporter.get_finished_spans()}


@pytest.mark.usefixtures("live_models")
class TestWithOpenTelemetry:
    def test_the_steps_are_spans_of_the_clients_trace(self, client, spans):
        response = ask(client)
        found = spans()
        assert [*found] == ["validate", "price", "record", "GET"]
        whole = found["GET"]
        assert f"{whole.context.trace_id:032x}" == TRACE
        assert f"{whole.parent.span_id:016x}" == SPAN
        assert whole.parent.trace_state.get("rojo") == "1"
        assert whole.attributes == {
            "http.request.method": "GET",
            "url.path": "/api/predict",
            "http.response.status_code": 200,
        }
        assert {found[step].parent.span_id for step in ("validate", "price", "record")} == {
            whole.context.span_id
        }
        assert response["traceresponse"] == f"00-{TRACE}-{whole.context.span_id:016x}-01"

    def test_a_list_has_the_same_spans(self, client, spans):
        post(client, [CODED, CODED])
        assert [*spans()] == ["validate", "price", "record", "POST"]

    def test_without_a_traceparent_a_trace_begins_here_and_is_recorded(self, client, spans):
        response = client.get("/api/predict", CODED)
        trace = f"{spans()['GET'].context.trace_id:032x}"
        assert response["traceresponse"].split("-")[1] == trace
        assert Prediction.objects.get().trace_id == trace

    def test_what_the_client_does_not_sample_is_not_sent(self, client, spans):
        response = ask(client, SENT[:-1] + "0")
        assert response["traceresponse"].endswith("-00")
        assert response["traceresponse"].split("-")[1] == TRACE
        assert spans() == {}

    def test_a_request_that_another_thread_starts_again_sends_no_span(
        self, client, spans, monkeypatch
    ):
        monkeypatch.setattr("predictor.api.views.needs_no_check", Mock(side_effect=NeedsThread))
        with pytest.raises(NeedsThread):
            client.get("/api/predict", CODED)
        assert spans() == {}

    def test_a_secret_address_is_shortened_as_in_the_log(self, client, spans):
        id_ = uuid4()
        assert client.get(f"/file/{id_}/").status_code == 404
        assert spans()["GET"].attributes["url.path"] == f"/file/{str(id_)[:8]}…/"

    def test_a_refused_value_is_not_sent(self, client, spans):
        assert ask(client, carat="secret").status_code == 400
        assert "secret" not in spans()["validate"].to_json()

    def test_an_error_is_one_in_its_span(self, client, spans, monkeypatch):
        monkeypatch.setattr("predictor.api.views.as_json", lambda prediction: 1 / 0)
        client.raise_request_exception = False
        assert ask(client).status_code == 500
        assert spans()["GET"].status.is_ok is False
        assert spans()["record"].status.is_ok
