"""W3C trace context: the trace that a request belongs to, and spans for OpenTelemetry, if they are wanted.

The middleware calls `traced` for each request, the pricing service `span` for its steps. OpenTelemetry is
imported by `set_up` only; a request without a `traceparent` then costs one look-up. Source: W3C Trace
Context, level 2, and its `traceresponse` (level 3, draft).
"""

import os
import re
from contextlib import contextmanager, nullcontext
from contextvars import ContextVar
from typing import NamedTuple

TRACEPARENT = re.compile(
    r"(?P<version>(?!ff)[0-9a-f]{2})-(?P<trace>(?!0{32})[0-9a-f]{32})"
    r"-(?P<parent>(?!0{16})[0-9a-f]{16})-(?P<flags>[0-9a-f]{2})(?P<more>-[\x21-\x7e]*)?"
)
LONGEST, LONGEST_STATE = 256, 512
"""Characters of a traceparent (version 00 has 55), and of a tracestate that is passed on."""

SAMPLED = 1
SERVICE = "diamonds"


class Trace(NamedTuple):
    """The trace of a request: its id, the id of this server's span in it (both in hexadecimal), and whether
    this server sends the span to a collector."""

    id: str
    span_id: str
    is_sampled: bool = False

    @property
    def response(self):
        """The value of the header `traceresponse`."""
        return f"00-{self.id}-{self.span_id}-{self.is_sampled:02d}"


class Parent(NamedTuple):
    """What a valid traceparent has: the ids of the trace and of the caller's span, and the flags."""

    trace: str
    span: str
    flags: int


current = ContextVar("trace", default=None)
"""The Trace of the request that this thread handles; None if it has none."""

_tracer = None
_NOTHING = nullcontext()


def parent_of(sent):
    """The Parent that a traceparent names; None for an invalid one, which is to be ignored.

    Of a version after 00 the known part is read, as the specification says.
    """
    found = TRACEPARENT.fullmatch(sent) if len(sent) <= LONGEST else None
    if not found or (found["version"] == "00" and found["more"]):
        return None
    return Parent(found["trace"], found["parent"], int(found["flags"], 16))


def trace_id():
    """The id of the current request's trace; None if it has none."""
    trace = current.get()
    return trace and trace.id


def traced(request):
    """A context in which a request is handled; its value is the Trace, or None without one."""
    sent = request.META.get("HTTP_TRACEPARENT")
    if sent is None and _tracer is None:
        return _NOTHING
    parent = parent_of(sent or "")
    if _tracer is not None:
        return _in_span(request, parent)
    return _in_trace(parent and Trace(parent.trace, os.urandom(8).hex()))


def span(name):
    """A context for a step of a request: a span in its trace, if OpenTelemetry is set up. It has no text of
    an exception, which repeats what the client sent."""
    if _tracer is None:
        return _NOTHING
    return _tracer.start_as_current_span(
        name, record_exception=False, set_status_on_exception=False
    )


@contextmanager
def _in_trace(trace):
    token = current.set(trace)
    try:
        yield trace
    finally:
        current.reset(token)


# With OpenTelemetry


def set_up(exporter):
    """Sends spans by OpenTelemetry's SDK from now on, as its own variables (OTEL_…) say.

    exporter: "otlp" (HTTP), "console", or "" for none: then nothing is imported.
    """
    global _tracer
    if not exporter:
        return
    from opentelemetry.sdk.resources import Resource
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.export import BatchSpanProcessor

    name = os.environ.get("OTEL_SERVICE_NAME") or SERVICE
    provider = TracerProvider(resource=Resource.create({"service.name": name}))
    provider.add_span_processor(BatchSpanProcessor(_exporter(exporter)))
    _tracer = provider.get_tracer(SERVICE)


def _exporter(name):
    if name == "console":
        from opentelemetry.sdk.trace.export import ConsoleSpanExporter

        return ConsoleSpanExporter()
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter

    return OTLPSpanExporter()


@contextmanager
def _in_span(request, parent):
    """The context of a request with its span, whose path and status the middleware sets by `answered`.

    A span that does not end is not sent: that of a request which leaves a worker's main thread by an
    exception that is no Exception, because another thread starts it again.
    """
    from opentelemetry.trace import SpanKind

    attributes = {"http.request.method": request.method}
    context = parent and _remote(parent, request.META.get("HTTP_TRACESTATE", ""))
    with _tracer.start_as_current_span(
        request.method, context, SpanKind.SERVER, attributes, end_on_exit=False
    ) as started:
        ids = started.get_span_context()
        trace = Trace(f"{ids.trace_id:032x}", f"{ids.span_id:016x}", ids.trace_flags.sampled)
        try:
            with _in_trace(trace):
                yield trace
        except Exception:
            started.end()
            raise
        started.end()


def _remote(parent, state):
    """OpenTelemetry's context of the caller's span."""
    from opentelemetry.trace import NonRecordingSpan, SpanContext, TraceFlags, set_span_in_context
    from opentelemetry.trace.span import TraceState

    states = TraceState.from_header([state]) if 0 < len(state) <= LONGEST_STATE else None
    ids = int(parent.trace, 16), int(parent.span, 16)
    known = SpanContext(*ids, True, TraceFlags(parent.flags & SAMPLED), states)
    return set_span_in_context(NonRecordingSpan(known))


def answered(response, path):
    """Adds the status of a response to the request's span, and the path as in the log."""
    if _tracer is not None:
        from opentelemetry.trace import Status, StatusCode, get_current_span

        started = get_current_span()
        started.set_attribute("url.path", path)
        started.set_attribute("http.response.status_code", response.status_code)
        if response.status_code >= 500:
            started.set_status(Status(StatusCode.ERROR))
