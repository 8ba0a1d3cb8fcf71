"""The usual way of each step that the application does in its own way; bench/answer_worker.py measures
an answer with each of them in turn, bench/answer.py reports them.

A way that is hardly slower is no reason for own code.
"""

import json
import logging
import re
from contextlib import ExitStack, contextmanager
from functools import cache
from unittest.mock import patch
from urllib.parse import parse_qsl

from predictor.history import inserts
from predictor.models import Prediction
from predictor.web.parsers import gathered


def _by_djangos_cursor(rows, connection):
    with connection.cursor() as cursor:
        cursor.execute(_statement(connection.vendor), *rows)


@cache
def _statement(vendor):
    return re.sub(r"\?|\$\d+", "%s", inserts._statement(vendor, 1))


def _saved(predictions, key=None):
    for prediction in predictions:
        prediction.save(force_insert=True)


def _constructed(version, values):
    return Prediction(
        version=version, **{name: one for name, one in values.items() if name != "features"}
    )


def _by_parse_qsl(query):
    return gathered(parse_qsl(query.decode(errors="replace"), keep_blank_values=True))


def _logged(level, line):
    logging.getLogger("request").log(level, line)


def _compact(content):
    return json.dumps(content, ensure_ascii=False, separators=(",", ":")).encode()


WAYS = {
    "Django's request and response": [("diamondsite.wsgi.quick", lambda *_: None)],
    "parse_qsl": [("predictor.api.views.parameters", _by_parse_qsl)],
    "the validators, field by field": [
        ("predictor.pricing.serializers.Validators.well_formed", lambda self, payload: None)
    ],
    "a check of the host each time": [
        ("predictor.api.quick.MOST_HOSTS", 0),
        ("diamondsite.wsgi.quick.known_hosts", set()),
    ],
    "Django's constructor": [("predictor.models.Prediction.made", _constructed)],
    "Model.save": [("predictor.pricing.services.record", _saved)],
    "Django's cursor": [("predictor.history.inserts.insert", _by_djangos_cursor)],
    "json, to write": [
        ("predictor.json_text.dumps", json.dumps),
        ("predictor.json_text.encode", _compact),
    ],
    "a LogRecord": [("predictor.web.middleware.log_request", _logged)],
}
"""{usual way: [(what it replaces, by what), …]}"""


@contextmanager
def usual(way):
    """A context in which a step is done in its usual way; "" for none."""
    with ExitStack() as stack:
        for place, other in WAYS.get(way, ()):
            stack.enter_context(patch(place, other))
        yield
