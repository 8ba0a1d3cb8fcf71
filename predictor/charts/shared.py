"""The picture of a quote for links that people share (PNG), and the site's logo, drawn by Pillow.

Pillow is imported when a picture is drawn, because few processes draw any. Called by the pages.
"""

from dataclasses import dataclass
from functools import lru_cache
from io import BytesIO
from pathlib import Path

FONTS = Path(__file__).parent / "fonts"

SIZES = {"wide": (1200, 630), "square": (1080, 1080)}
"""px; the picture's sizes: for previews of links, and for a message or a story."""

PAPER, INK, MUTED, LINE = "#ffffff", "#1a2026", "#55606b", "#dce0e4"
ACCENT, SPAN = "#1d5480", "#a9c8e0"
"""The colours of the pages."""

TONES = {"below": "#17653a", "fair": "#17653a", "high": "#7d5600", "far_above": "#a31d1d"}
"""The colours of the verdicts, as on the pages."""

MARGIN = 80
RANGE = (0.16, 0.84)
"""Where the range begins and ends, as ratios of the width."""

BEYOND = 0.2
"""How far outside the range a mark may be, in widths of the range."""

LOGO = (
    ((9, 6), (23, 6), (29, 14), (16, 27), (3, 14), (9, 6)),
    ((3, 14), (29, 14)),
    ((9, 6), (12, 14), (16, 27), (20, 14), (23, 6)),
    ((12, 14), (16, 6), (20, 14)),
)
"""The logo's lines in a square of 32: as logo.svg has them."""

SMOOTH = 4
"""The logo is drawn this many times larger, and reduced, for smooth lines."""


@dataclass(frozen=True)
class SharedPicture:
    """The texts of the picture, and the place of the price in its range, a ratio.

    word: the verdict on the asking price, of one of TONES, "" without one; both: the two prices in a
    sentence; asked: the place of the asking price.
    """

    site: str
    stone: str
    price: str
    low: str
    high: str
    range: str
    basis: str
    place: float
    word: str = ""
    tone: str = ""
    both: str = ""
    asked: float = 0.5


def draw(texts, size):
    """The picture of a quote in one of SIZES: PNG, bytes."""
    from PIL import Image, ImageDraw

    width, height = SIZES[size]
    image = Image.new("RGB", (width, height), PAPER)
    pen = ImageDraw.Draw(image)
    step = height // 9
    image.paste(logo(56), (MARGIN, step - 28))
    _write(pen, texts.site, (MARGIN + 76, step), 30, INK, width, bold=True)
    _write(pen, texts.stone, (MARGIN, step * 2.4), 44, INK, width, bold=True)
    if texts.word:
        _write(pen, texts.word, (MARGIN, step * 3.6), 84, TONES[texts.tone], width, bold=True)
        _write(pen, texts.both, (MARGIN, step * 4.6), 36, INK, width)
    else:
        _write(pen, texts.price, (MARGIN, step * 4), 110, ACCENT, width, bold=True)
    _draw_range(pen, texts, width, step * 5.7)
    _write(pen, texts.range, (MARGIN, step * 7.4), 30, INK, width)
    _write(pen, texts.basis, (MARGIN, step * 8.2), 26, MUTED, width)
    return _png(image)


def _draw_range(pen, texts, width, y):
    """The range as a band, the price as a mark on it, the ends below it."""
    low, high = (MARGIN + share * (width - 2 * MARGIN) for share in RANGE)
    pen.line((MARGIN, y, width - MARGIN, y), LINE, 4)
    pen.rounded_rectangle((low, y - 22, high, y + 22), 6, SPAN)
    marks = [(texts.place, ACCENT), *([(texts.asked, INK)] if texts.word else ())]
    for place, color in marks:
        at = low + min(max(place, -BEYOND), 1 + BEYOND) * (high - low)
        pen.rounded_rectangle((at - 4, y - 36, at + 4, y + 36), 4, color)
    for x, text in ((low, texts.low), (high, texts.high)):
        pen.text((x, y + 52), text, INK, _font(28), "mm")


def _write(pen, text, place, points, color, width, bold=False):
    """Writes one line, smaller if it would be wider than the picture; width: the picture's, px."""
    room = width - MARGIN - place[0]
    font = _font(points, bold)
    if (wide := font.getlength(text)) > room:
        font = _font(int(points * room / wide), bold)
    pen.text(place, text, color, font, "lm")


@lru_cache(maxsize=16)
def _font(points, bold=False):
    from PIL import ImageFont

    return ImageFont.truetype(FONTS / f"DejaVuSans{'-Bold' if bold else ''}.ttf", points)


def logo(size):
    """The logo as a square Pillow image on white; size: px."""
    from PIL import Image, ImageDraw

    scale = size * SMOOTH / 32
    image = Image.new("RGB", (size * SMOOTH,) * 2, PAPER)
    pen = ImageDraw.Draw(image)
    for line in LOGO:
        points = [(x * scale, y * scale) for x, y in line]
        pen.line(points, ACCENT, round(2 * scale), "curve")
    return image.resize((size, size), Image.Resampling.LANCZOS)


def _png(image):
    written = BytesIO()
    image.save(written, "PNG", optimize=True)
    return written.getvalue()
