"""The site receives complete bodies of a known length."""

import io
import json

import pytest
from gunicorn.http.errors import InvalidChunkSize, NoMoreData

from diamondsite import wsgi
from ml.stones import EXAMPLES
from predictor.models import Prediction
from tests.environs import environ_of

pytestmark = pytest.mark.django_db
STONE = json.dumps(EXAMPLES["coded"][0]).encode()


@pytest.fixture(autouse=True)
def forests(live_models, kept_connection):
    """A forest of each scheme is active."""


def status_of(body, **more):
    """The status of the site's answer to a POST."""
    environ = environ_of(body, **{"REQUEST_METHOD": "POST", "SCRIPT_NAME": "", **more})
    found = []
    b"".join(wsgi.application(environ, lambda status, headers: found.append(status)))
    return found[0]


def test_a_body_of_the_announced_length_is_priced():
    assert status_of(io.BytesIO(STONE + b"more"), CONTENT_LENGTH=str(len(STONE))) == "200 OK"
    assert Prediction.objects.get().request == STONE.decode()


@pytest.mark.parametrize("missing", [1, len(STONE)])
def test_a_body_that_was_cut_short_is_not_a_request(missing):
    with pytest.raises(NoMoreData):
        status_of(io.BytesIO(STONE[:-missing]), CONTENT_LENGTH=str(len(STONE)))
    assert not Prediction.objects.exists()


def test_a_body_in_chunks_is_priced():
    assert status_of(io.BytesIO(STONE), HTTP_TRANSFER_ENCODING="chunked") == "200 OK"
    assert Prediction.objects.get().request == STONE.decode()


def test_a_body_in_chunks_is_read_up_to_the_limit(settings):
    settings.DATA_UPLOAD_MAX_MEMORY_SIZE = 20_000
    stream = io.BytesIO(STONE.ljust(100_000))
    assert status_of(stream, HTTP_TRANSFER_ENCODING="chunked") == "413 Request Entity Too Large"
    assert stream.tell() <= 20_000 + wsgi.STEP
    assert not Prediction.objects.exists()


def test_chunks_that_cost_too_much_work_are_refused(monkeypatch):
    monkeypatch.setattr(wsgi, "WORK", -1)
    with pytest.raises(InvalidChunkSize, match="too small"):
        status_of(io.BytesIO(STONE), HTTP_TRANSFER_ENCODING="chunked")
    assert not Prediction.objects.exists()


ENCODED = ["*=foo''%41", "*=utf-8''a%00b", "*=raw_unicode_escape''%5Cud800", "* = idna''%61"]


@pytest.mark.parametrize("end", [*ENCODED, f"*{'9' * 5000}=a", "a" * 8000])
@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("/api/predict", "200 OK"),
        ("/v2/models/coded/infer", "400 Bad Request"),
        ("/preview/", "403 Forbidden"),
    ],
)
def test_a_media_type_that_django_fails_on_is_read_without_its_parameters(path, expected, end):
    kind = f"application/json; charset{end}"
    status = status_of(
        io.BytesIO(STONE), CONTENT_LENGTH=str(len(STONE)), PATH_INFO=path, CONTENT_TYPE=kind
    )
    assert status == expected  # a page misses its CSRF token
    priced = Prediction.objects.filter(status=200)
    assert priced.count() == (path == "/api/predict")


@pytest.mark.parametrize("end", [*ENCODED, f"*{'9' * 5000}=a"])
def test_a_quote_is_shown_whatever_types_are_preferred(end):
    status_of(io.BytesIO(STONE), CONTENT_LENGTH=str(len(STONE)))
    asked = {"REQUEST_METHOD": "GET", "PATH_INFO": Prediction.objects.get().get_absolute_url()}
    assert status_of(io.BytesIO(), HTTP_ACCEPT=f"text/html;q{end}", **asked) == "200 OK"
