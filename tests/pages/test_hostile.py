"""Hostile requests to pages: invalid values are refused or ignored, and never cause a 500."""

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile

from ml.stones import EXAMPLES
from predictor.models import Prediction, PricedFile

from .helpers import STONES, error_at, submit

TEXTS = [
    "\0",
    "\ud800".encode("utf-8", "surrogatepass"),
    "9" * 5000,
    "🂡" * 500,
    "<b>'\"&",
    "١٢٣",
    "1e-400",
    "-0",
    "%00",
    "\u202e0.7",
    "0.7\n0.8",
    "=1+1",
    " ",
    "NaN",
    "∞",
]
ADDRESSES = [
    "/quotes/compare/?id={}",
    "/quotes/compare/?id={}&asking={}",
    "/stones/?carat_from={}&carat_to={}",
    "/stones/?price_from={}&by={}&cut={}",
    "/?scheme={}&carat={}&x={}",
    "/file/sample-{}.csv",
    "/?tab={}",
]


def quoted(text):
    from urllib.parse import quote

    return quote(text, safe="")


@pytest.mark.parametrize("text", TEXTS)
def test_an_address_with_invalid_values(client, live_models, text):
    for address in ADDRESSES:
        filled = address.replace("{}", quoted(text))
        assert client.get(filled).status_code in (200, 400, 404), address
    assert not Prediction.objects.exists()


@pytest.mark.parametrize("text", TEXTS)
def test_a_form_with_invalid_values(client, live_models, text):
    shown = text if isinstance(text, str) else text.decode("utf-8", "replace")
    sent = {"scheme": "graded", **dict.fromkeys(["shape", *EXAMPLES["graded"][0]], shown)}
    for path in ("/preview/", "/"):
        assert client.post(path, sent).status_code in (200, 400), path
    assert set(Prediction.objects.values_list("status", flat=True)) <= {400}


@pytest.mark.parametrize("name", ["asking", "carat", "cut"])
def test_a_null_character_is_one_error(client, live_models, name):
    assert len(error_at(submit(client, **{name: "9\0"}), name)) == 1


def test_an_asking_price_with_invalid_values(client, live_models):
    submit(client)
    address = Prediction.objects.get().get_absolute_url()
    for text in TEXTS:
        assert client.get(f"{address}?asking={quoted(text)}").status_code == 200, text


@pytest.mark.parametrize("text", TEXTS)
def test_a_file_with_invalid_values(client, live_models, text):
    content = text if isinstance(text, bytes) else text.encode()
    head = ",".join(STONES["graded"]).encode()
    for body in (content, head + b"\n" + content, head + b"\n" + b",".join([content] * 9)):
        response = client.post("/file/", {"file": SimpleUploadedFile("x.csv", body)})
        assert response.status_code == 400
    response = client.post("/file/", {"table": content, "name": content, "separator": content})
    assert response.status_code == 400
    assert not Prediction.objects.exists()


@pytest.mark.parametrize("place", ["name", "column", "cell"])
def test_a_nul_in_a_table_that_could_be_priced(client, live_models, place):
    nul = {name: "a\0b" if name == place else "a" for name in ("name", "column", "cell")}
    lines = [
        ",".join([*STONES["graded"], nul["column"]]),
        ",".join([*STONES["graded"].values(), nul["cell"]]),
    ]
    response = client.post("/file/", {"table": "\n".join(lines), "name": nul["name"]})
    assert response.status_code == (302 if place == "name" else 400)
    assert list(PricedFile.objects.values_list("name", flat=True)) == ["ab"] * (place == "name")


def test_a_name_with_markup_is_shown_as_it_is(client, live_models):
    lines = [",".join(STONES["graded"]), ",".join(STONES["graded"].values())]
    file = SimpleUploadedFile("<script>alert(1)</script>.csv", "\n".join(lines).encode())
    response = client.post("/file/", {"file": file})
    assert response.status_code == 200
    assert b"<script>alert" not in response.content


@pytest.mark.parametrize("name", ["sessionid", "quotes"])
def test_a_cookie_with_a_nul(client, live_models, name):
    cookie = {"cookie": f'{name}="\\000aaaaaaaaaaaaaa"'}
    for path in ("/", "/file/", "/admin/login/", "/quotes/"):
        for ask in (client.get, client.post):
            assert ask(path, headers=cookie).status_code == 400, path
