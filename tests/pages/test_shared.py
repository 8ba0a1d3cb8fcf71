"""What previews of a link show: titles, descriptions, the quote's picture; the icon and the manifest."""

import re
import uuid
from io import BytesIO

import pytest
from PIL import Image

from predictor.charts.shared import SIZES
from predictor.models import Prediction
from predictor.pages.quotes import shared

from .helpers import ENGLISH, POLISH, page, quoted, submit


@pytest.fixture(autouse=True)
def nothing_kept():
    shared._drawn.cache_clear()


def meta(response, name):
    return re.findall(rf'<meta (?:name|property)="{name}" content="([^"]*)">', page(response))


@pytest.mark.parametrize(("headers", "language"), [(ENGLISH, "en"), (POLISH, "pl")])
def test_a_quote_has_a_title_a_description_and_a_picture(client, live_models, headers, language):
    response, row = quoted(client, headers=headers)
    [title] = meta(response, "og:title")
    assert title.endswith("ct, Ideal, G, VS1")
    assert meta(response, "description") == meta(response, "og:description")
    assert "2008" in meta(response, "description")[0]
    assert meta(response, "og:url") == [f"http://testserver{row.get_absolute_url()}"]
    assert meta(response, "og:image") == [
        f"http://testserver{row.get_absolute_url()}picture-{language}-{size}.png" for size in SIZES
    ]
    assert meta(response, "og:image:width") == ["1200", "1080"]
    assert meta(response, "og:image:height") == ["630", "1080"]


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("language", ["en", "pl"])
def test_the_picture_is_drawn_in_its_size_and_may_be_kept(client, live_models, size, language):
    _, row = quoted(client)
    address = f"{row.get_absolute_url()}picture-{language}-{size}.png"
    response = client.get(address)
    assert (response.status_code, response["Content-Type"]) == (200, "image/png")
    assert response["Cache-Control"] == "public, max-age=86400"
    assert response["Content-Language"] == language
    assert Image.open(BytesIO(response.content)).size == SIZES[size]
    again = client.get(address, headers=POLISH)
    assert again.content == response.content
    assert shared._drawn.cache_info().hits == 1


def test_the_two_languages_are_two_pictures(client, live_models):
    _, row = quoted(client)
    first, second = (
        client.get(f"{row.get_absolute_url()}picture-{language}-wide.png").content
        for language in ("en", "pl")
    )
    assert first != second


def test_a_recorded_asking_price_is_in_the_picture_and_the_description(client, live_models):
    response, row = quoted(client, asking="90000")
    assert meta(response, "og:description")[0].startswith("Far above. The asking price of $90,000")
    picture = client.get(f"{row.get_absolute_url()}picture-en-wide.png").content
    shades = {color for _, color in Image.open(BytesIO(picture)).getcolors(1 << 20)}
    assert tuple(bytes.fromhex("a31d1d")) in shades


def test_the_number_of_kept_pictures_is_bounded():
    assert shared._drawn.cache_info().maxsize == shared.KEPT


@pytest.mark.parametrize("name", ["de-wide", "en-huge", "en-wide.jpg"])
def test_an_unknown_language_or_size_is_not_found(client, live_models, name):
    _, row = quoted(client)
    assert client.get(f"{row.get_absolute_url()}picture-{name}.png").status_code == 404


def test_a_refusal_and_an_unknown_quote_have_no_picture(client, live_models):
    submit(client, carat="abc")
    for id_ in (Prediction.objects.get().pk, uuid.uuid4()):
        assert client.get(f"/quotes/{id_}/picture-en-wide.png").status_code == 404


def test_pictures_count_as_requests(client, live_models, settings):
    _, row = quoted(client)
    settings.API_THROTTLE = (1, 60)
    address = f"{row.get_absolute_url()}picture-en-wide.png"
    assert [client.get(address).status_code for _ in range(2)] == [200, 429]


@pytest.mark.parametrize("path", ["/", "/stones/", "/file/", "/models/", "/api/docs"])
def test_every_page_has_a_description_a_picture_and_icons(client, live_models, path):
    response = client.get(path, headers=ENGLISH)
    assert meta(response, "description")[0]
    assert meta(response, "og:image") == ["http://testserver/static/predictor/icon-512.png"]
    text = page(response)
    assert '<link rel="manifest" href="/manifest.webmanifest">' in text
    assert '<link rel="icon" sizes="32x32" href="/static/predictor/favicon.ico">' in text


def test_the_icon_is_found_without_reading_a_page(client, db):
    response = client.get("/favicon.ico")
    assert (response.status_code, response.url) == (302, "/static/predictor/favicon.ico")


@pytest.mark.parametrize(
    ("headers", "name"), [(ENGLISH, "Diamond prices"), (POLISH, "Ceny diamentów")]
)
def test_the_manifest_is_in_the_readers_language(client, db, headers, name):
    response = client.get("/manifest.webmanifest", headers=headers)
    shown = response.json()
    assert response["Content-Type"] == "application/manifest+json"
    assert (shown["name"], shown["start_url"]) == (name, "/")
    assert [icon["sizes"] for icon in shown["icons"]] == ["192x192", "512x512"]
