"""Formats log records as lines: JSON for machines, text for a terminal.

The settings name the formatters; the middleware sets `request_id` and logs a dictionary a request.
"""

import logging
import re
import time
from contextvars import ContextVar
from datetime import UTC, datetime

from predictor import json_text

from . import tracing
from .redaction import redacted, without_list_ids

request_id = ContextVar("request_id", default=None)
"""The id of the request that this thread handles; added to every line logged meanwhile."""

SERVER = "diamondsite"
"""The logger that prints the site's address: the only one that never repeats a part of a request."""

root, log = logging.getLogger(), logging.getLogger("request")

SENT = re.compile(
    r"""(?P<mark>\?)\S+                            # a query string
    |(?P<detail>DETAIL:).+                         # PostgreSQL's copy of a refused row
    |(?P<reason>request\ from\ ip=\S+:\ [^:]+).+   # gunicorn's copy of what is no HTTP
    """,
    re.VERBOSE,
)
CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]")


class Refusals(logging.Filter):
    """Logs a WARNING without a traceback for each request that Django refuses as suspicious.

    Django logs an unknown host as an error of the site, and scanners cause thousands of them.
    """

    def __init__(self):
        super().__init__("django.security")

    def filter(self, record):
        if not super().filter(record):
            return True
        if record.levelno > logging.WARNING:
            record.levelno, record.levelname = logging.WARNING, "WARNING"
        record.exc_info = None
        return logging.getLogger(record.name).isEnabledFor(record.levelno)


class LineFormatter(logging.Formatter):
    """Common to both formats: message and traceback, without secrets, and inputs only if enabled."""

    def __init__(self, inputs=False):
        super().__init__()
        self.inputs = inputs

    def parts(self, record):
        """(message, traceback or ""), as they may be shown."""
        message = without_list_ids(redacted(record.getMessage()))
        traceback = self.formatException(record.exc_info) if record.exc_info else ""
        traceback = without_list_ids(redacted(traceback))
        if self.inputs or record.name == SERVER:
            return message, traceback
        return without_inputs(message), without_inputs(traceback)


class JsonFormatter(LineFormatter):
    """One JSON object on each line, in ASCII, so that no input can start a line."""

    def format(self, record):
        if isinstance(record.msg, dict):
            return json_line(record.created, record.levelname, record.name, record.msg)
        line = {}
        line["message"], traceback = self.parts(record)
        if traceback:
            line["traceback"] = traceback
        if id_ := request_id.get():
            line["request_id"] = id_
        if trace := tracing.current.get():
            line |= {"trace_id": trace.id, "span_id": trace.span_id}
        return json_line(record.created, record.levelname, record.name, line)


def json_line(created, level, logger, content):
    """A line of the JSON format."""
    time = datetime.fromtimestamp(created, UTC).isoformat(timespec="milliseconds")
    head = f'{{"time": "{time}", "level": "{level}", "logger": "{logger}", '
    return head + json_text.dumps(content)[1:]


class TextFormatter(LineFormatter):
    """A line to read in a terminal; a traceback follows, indented."""

    def format(self, record):
        message, traceback = self.parts(record)
        id_ = request_id.get()
        about = f" [{id_}]" if id_ else ""
        line = f"{self.formatTime(record)} {record.levelname} {one_line(message)}{about}"
        return "\n    ".join([line, *map(one_line, traceback.splitlines())])


class RequestLine(dict):
    """The logged data of an answered request; its text is for the terminal."""

    def __str__(self):
        text = "{method} {path} {status} in {latency_ms} ms".format_map(self)
        if self["scheme"]:
            text += ", {scheme} {version}".format_map(self)
        if "count" in self:
            text += f", {self['count']} stones"
        return text + (f", {self['inputs']}" if "inputs" in self else "")


def log_request(level, line):
    """Logs a RequestLine; if the only handler is a server's, for JSON, writes it without a LogRecord,
    whose way through the loggers takes longer than a price."""
    handlers = log.handlers + root.handlers
    if len(handlers) != 1 or type(handlers[0].formatter) is not JsonFormatter:
        log.log(level, line)
    elif log.isEnabledFor(level):
        text = json_line(time.time(), logging.getLevelName(level), log.name, line)
        with handlers[0].lock:
            handlers[0].stream.write(f"{text}\n")
            handlers[0].stream.flush()


def without_inputs(text):
    """A message without the parts that repeat request data."""
    return SENT.sub(lambda found: f"{found[found.lastgroup]}...", text)


def one_line(text):
    """A text with its control characters escaped."""
    return CONTROL.sub(lambda found: ascii(found[0])[1:-1], text)
