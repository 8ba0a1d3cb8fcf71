"""gzip both ways: compressed bodies, within bounds, and compressed answers for clients that accept them."""

import gzip
import json
import re
import zlib

import pytest

from ml.stones import EXAMPLES
from predictor.models import Prediction
from tests.posting import post

STONE = EXAMPLES["coded"][0]
BODY = json.dumps(STONE).encode()
PACKED = gzip.compress(BODY, mtime=0)
MOST = 2 * 1024 * 1024
BROKEN = "The body is not gzip, though its Content-Encoding says so."
CUT = "The body’s gzip ends too early."
FOLLOWED = "Something follows the end of the body’s gzip."

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("live_models")]


def packed(client, body, encoding="gzip"):
    """The response to a body sent with this Content-Encoding."""
    return post(client, body, headers={"Content-Encoding": encoding})


@pytest.mark.parametrize("encoding", ["gzip", "GZIP"])
def test_a_packed_stone_is_priced_and_recorded_unpacked(client, encoding):
    response = packed(client, PACKED, encoding)
    assert (response.status_code, response.json()["features"]) == (200, STONE)
    assert Prediction.objects.get().request == BODY.decode()


def test_a_packed_list_is_priced(client):
    response = packed(client, gzip.compress(json.dumps([STONE] * 1000).encode()))
    assert (response.status_code, len(response.json())) == (200, 1000)


@pytest.mark.parametrize("encoding", ["identity", ""])
def test_a_body_that_is_said_to_be_plain_is(client, encoding):
    assert packed(client, BODY, encoding).status_code == 200


@pytest.mark.parametrize(
    ("body", "message"),
    [
        pytest.param(b"", CUT, id="nothing"),
        pytest.param(BODY, BROKEN, id="plain"),
        pytest.param(zlib.compress(BODY), BROKEN, id="deflate"),
        pytest.param(PACKED[:-1], CUT, id="without its last byte"),
        pytest.param(PACKED[:20], CUT, id="cut"),
        pytest.param(PACKED[:-8] + bytes(8), BROKEN, id="wrong checksum"),
        pytest.param(PACKED + b"x", FOLLOWED, id="more"),
        pytest.param(PACKED * 2, FOLLOWED, id="two"),
    ],
)
def test_a_broken_packing_is_refused_in_words_and_recorded(client, body, message):
    response = packed(client, body)
    assert (response.status_code, response.json()) == (400, {"non_field_errors": [message]})
    row = Prediction.objects.get()
    assert (row.status, row.error) == (400, response.json())


@pytest.mark.parametrize("encoding", ["deflate", "br", "zstd", "x-gzip", "gzip, gzip", "x" * 99])
def test_another_packing_is_refused_with_what_is_taken(client, encoding):
    response = packed(client, BODY, encoding)
    assert response.status_code == 415
    message = f"Unknown Content-Encoding “{encoding[:40]}”. Send gzip, or the body as it is."
    assert response.json() == {"detail": message}
    assert response["Accept-Encoding"] == "gzip"
    assert not Prediction.objects.exists()


@pytest.mark.parametrize("size", [MOST + 1, 50 * MOST])
def test_a_bomb_is_refused_before_it_goes_off(client, size):
    compressor = zlib.compressobj(9, wbits=31)
    bomb = b"".join(
        [
            *(compressor.compress(bytes(MOST)) for _ in range(size // MOST)),
            compressor.compress(bytes(size % MOST)),
            compressor.flush(),
        ]
    )
    response = packed(client, bomb)
    assert response.status_code == 413
    assert response.json() == {"detail": "The request body is too large: the limit is 2 MB."}
    assert not Prediction.objects.exists()


def test_two_megabytes_may_be_packed(client):
    assert packed(client, gzip.compress(BODY.ljust(MOST))).status_code == 200


def asked(client, path, accepted, data=None):
    return client.get(path, data, headers={"Accept-Encoding": accepted})


@pytest.mark.parametrize("path", ["/api/model", "/api/schema", "/models/coded/1/", "/nowhere/"])
def test_a_long_answer_is_packed_where_asked_for(client, path):
    plain, packed = asked(client, path, ""), asked(client, path, "br, gzip")
    assert "Content-Encoding" not in plain
    assert packed["Content-Encoding"] == "gzip"
    assert packed["Content-Length"] == str(len(packed.content))
    assert len(packed.content) < len(plain.content)
    contents = [
        re.sub(rb'nonce="[^"]+"', b"", one)
        for one in (plain.content, gzip.decompress(packed.content))
    ]
    assert contents[0] == contents[1]
    for answer in (plain, packed):
        assert "Accept-Encoding" in answer["Vary"]


def test_a_list_is_packed_where_asked_for(client):
    headers = {"Accept-Encoding": "gzip"}
    response = client.post("/api/predict", [STONE] * 9, "application/json", headers=headers)
    assert len(json.loads(gzip.decompress(response.content))) == 9


@pytest.mark.parametrize("accepted", ["gzip;q=0", "gzip; q=0.0", "br", "xgzip", "*", ""])
def test_it_is_not_packed_where_not_asked_for(client, accepted):
    assert "Content-Encoding" not in asked(client, "/api/model", accepted)


def test_a_short_answer_is_not_packed(client):
    response = asked(client, "/api/predict", "gzip", STONE)
    assert len(response.content) < 1024
    assert "Content-Encoding" not in response
    assert "Vary" not in response


@pytest.mark.parametrize("path", ["/", "/?scheme=coded&carat=1", "/admin/login/", "/admin/"])
def test_a_page_with_a_token_is_never_packed(admin_client, path):
    response = asked(admin_client, path, "gzip")
    if response.status_code == 200:
        assert "csrfmiddlewaretoken" in response.text
    assert "Content-Encoding" not in response
