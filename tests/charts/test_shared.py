"""The picture of a quote for shared links: its size, its texts inside it, and the logo."""

from io import BytesIO

import pytest
from PIL import Image, ImageFont

from predictor.charts.shared import (
    ACCENT,
    BEYOND,
    FONTS,
    INK,
    MARGIN,
    PAPER,
    SIZES,
    TONES,
    SharedPicture,
    draw,
    logo,
)

TEXTS = SharedPicture(
    site="Ceny diamentów",
    stone="Diament: 0,70 ct, Very Good, H, VVS2",
    price="12 155 USD",
    low="11 906 USD",
    high="12 395 USD",
    range="Przedział 80%: od 11 906 USD do 12 395 USD.",
    basis="Cena ofertowa w dolarach amerykańskich z około 2008 roku.",
    place=0.5,
)


def drawn(size, **changes):
    return Image.open(BytesIO(draw(SharedPicture(**{**vars(TEXTS), **changes}), size)))


@pytest.mark.parametrize("size", SIZES)
def test_it_has_its_size_and_the_price_in_the_middle_of_the_range(size):
    image = drawn(size)
    assert (image.format, image.size) == ("PNG", SIZES[size])
    width, height = image.size
    mark = image.convert("RGB").getpixel((width // 2, int(height // 9 * 5.7)))
    assert mark == tuple(bytes.fromhex(ACCENT.lstrip("#")))


@pytest.mark.parametrize("tone", TONES)
@pytest.mark.parametrize("asked", [-50.0, 0.9, 1e6])
def test_a_verdict_has_its_colour_and_its_mark_inside(tone, asked):
    image = drawn("wide", word="Uczciwa", tone=tone, both="Oferta 3 500 USD", asked=asked)
    shades = {color for _, color in image.convert("RGB").getcolors(1 << 20)}
    assert tuple(bytes.fromhex(TONES[tone].lstrip("#"))) in shades
    place = 0.16 + min(max(asked, -BEYOND), 1 + BEYOND) * 0.68
    at = MARGIN + place * (image.width - 2 * MARGIN)
    mark = image.convert("RGB").getpixel((int(at), int(image.height // 9 * 5.7)))
    assert mark == tuple(bytes.fromhex(INK.lstrip("#")))


@pytest.mark.parametrize("text", ["stone", "price", "range", "basis", "site"])
def test_a_long_text_is_made_smaller_and_stays_inside(text):
    image = drawn("wide", **{text: "W" * 80})
    edge = image.crop((image.width - MARGIN + 4, 0, image.width, image.height))
    assert edge.getcolors() == [(edge.width * edge.height, (255, 255, 255))]


@pytest.mark.parametrize("name", ["DejaVuSans.ttf", "DejaVuSans-Bold.ttf"])
def test_the_fonts_have_the_letters_of_both_languages(name):
    font = ImageFont.truetype(FONTS / name, 20)
    missing = bytes(font.getmask("\uffff"))
    letters = "ąćęłńóśźżĄĆĘŁŃÓŚŹŻ$€£₪₹¥–—−·×,.%"
    assert [one for one in letters if bytes(font.getmask(one)) == missing] == []


def test_the_logo_is_a_square_with_a_light_edge():
    image = logo(64)
    assert image.size == (64, 64)
    assert image.getpixel((0, 0)) == tuple(bytes.fromhex(PAPER.lstrip("#")))
