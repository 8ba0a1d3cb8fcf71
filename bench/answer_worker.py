"""Calls the WSGI application in a loop and measures its processor time; bench/answer.py starts it.

It runs in any checkout of the project, so it uses only what older ones have, too. Each line of stdin
asks for a round, {"kind", "count", "vary"}; the reply is {variation, "" for none: µs for a request}. The
variations are "parts" (each left out) or "usual" (each step of usual.py, which only this checkout can do).
Each of the latter is measured between two measurements without it, because the machine's speed changes:
its reply is the ratio.
"""

import gc
import io
import json
import os
import sys
import time
from contextlib import nullcontext, suppress
from pathlib import Path
from tempfile import TemporaryFile
from unittest.mock import patch

PARTS = {
    "log line": "predictor.web.middleware._log",
    "counts": "predictor.web.middleware._count",
    "record": "predictor.pricing.services._record_or_refuse",
    "statement": "predictor.history.inserts.insert",
    "answer": "predictor.api.views.as_json",
    "quote": "predictor.pricing.services.PricePredictor.quote",
}
"""What is left out in turn; a list is measured only as a whole."""


def started():
    """The application, as a worker of the server has set it up, and its Prediction model."""
    os.environ["DJANGO_SETTINGS_MODULE"] = "diamondsite.settings"
    os.environ["LOG_FORMAT"] = "json"
    sys.stdout = TemporaryFile("w")  # noqa: SIM115 - the lines of the requests
    from diamondsite.wsgi import application
    from predictor.versions.live import registry

    with suppress(ImportError):  # only older checkouts have it
        from predictor.web.shortcut import skip_chores

        skip_chores()
    registry.keep_fresh()
    return application


def environ_of(line):
    """The WSGI environment of a query string, or of a list in JSON."""
    body = line.encode() if line.startswith("[") else b""
    return {
        "REQUEST_METHOD": "POST" if body else "GET",
        "PATH_INFO": "/api/predict",
        "QUERY_STRING": "" if body else line,
        "CONTENT_TYPE": "application/json" if body else "",
        "CONTENT_LENGTH": str(len(body)),
        "HTTP_HOST": "127.0.0.1",
        "SERVER_NAME": "127.0.0.1",
        "SERVER_PORT": "80",
        "REMOTE_ADDR": "127.0.0.1",
        "wsgi.url_scheme": "http",
        "body": body,
    }


def answered(application, environ):
    """The body of a response; its status has to be 200."""
    statuses = []
    environ = environ | {"wsgi.input": io.BytesIO(environ["body"]), "wsgi.errors": sys.stderr}
    response = application(environ, lambda status, headers: statuses.append(status))
    content = b"".join(response)
    if hasattr(response, "close"):
        response.close()
    if statuses != ["200 OK"]:
        raise RuntimeError(f"{statuses}: {content!r}")
    return content


def microseconds(application, environs):
    """The processor time of a request, its system calls included."""
    gc.collect()
    gc.freeze()
    started = time.process_time()
    for environ in environs:
        answered(application, environ)
    return (time.process_time() - started) / len(environs) * 1e6


def without(part):
    """A context in which a part does nothing; the last prediction is in the place of all others."""
    if not part:
        return nullcontext()
    if part == "quote":
        from predictor.models import Prediction

        last = Prediction.objects.select_related("version").first()
        return patch(PARTS[part], lambda *arguments, **named: last)
    return patch(PARTS[part], lambda *arguments, **named: None)


def variations(vary):
    """(name, a context that varies the application), …, first the application as it is."""
    if vary == "parts":
        return ((part, without(part)) for part in ("", *PARTS))
    return [("", nullcontext())]


def in_usual_ways(application, environs):
    """{"": µs as it is, usual way: its share of that}."""
    from bench.usual import WAYS, usual

    found, before = {}, microseconds(application, environs)
    for way in WAYS:
        with usual(way):
            answered(application, environs[0])
            other = microseconds(application, environs)
        after = microseconds(application, environs)
        found[way], before = 2 * other / (before + after), after
    return {"": before, **found}


def measured(application, environs, vary):
    if vary == "usual":
        return in_usual_ways(application, environs)
    found = {}
    for name, context in variations(vary):
        with context:
            answered(application, environs[0])
            found[name] = microseconds(application, environs)
    return found


def main(folder):
    replies = os.fdopen(os.dup(1), "w")
    application = started()
    for line in sys.stdin:
        options = json.loads(line)
        lines = (Path(folder) / f"{options['kind']}.txt").read_text().splitlines()
        environs = [environ_of(one) for one in lines[: options["count"]]]
        found = measured(application, environs, options.get("vary"))
        replies.write(json.dumps(found) + "\n")
        replies.flush()


if __name__ == "__main__":
    main(sys.argv[1])
