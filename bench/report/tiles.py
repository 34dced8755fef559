"""Pictures in rows with lines of text below them, drawn by Pillow: a contact sheet."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import cache

from PIL import Image, ImageDraw, ImageFont

from bench.system.display import short

PICTURE, FRAME = 190, 5  # pixels: either side, and the part of it that a frame takes
INK = "#202020"
_GAP, _LINE, _FONT_SIZE, _SIGN = 14, 16, 12, 10  # pixels
_LEAST_COLUMNS = 3  # what the heading needs
_MOST_CELLS = 200  # of a text, more than has room
_PAPER, _EMPTY, _FAINT = "#FFFFFF", "#E4E4E4", "#707070"
_STROKES = {  # of signs that not every font has
    "✓": (((0, 5), (4, 9), (10, 0)),),
    "✗": (((0, 0), (9, 9)), ((0, 9), (9, 0))),
}
_FONTS = ("DejaVuSans.ttf", "Arial Unicode.ttf", "segoeui.ttf")  # many scripts; Pillow's has ASCII


@dataclass(frozen=True, slots=True, kw_only=True)
class Text:
    """Text below a picture: on how many lines at most, in what colour, and after which sign."""

    text: str
    lines: int = 1
    ink: str = INK
    sign: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Tile:
    """A picture, or None where it can't be drawn, the colour around it, and the text below it."""

    picture: Image.Image | None
    texts: tuple[Text, ...]
    frame: str = _EMPTY


def draw_tiles(heading: str, tiles: Sequence[Tile], *, columns: int) -> Image.Image:
    """Return `tiles` below `heading`, at most `columns` in a row; whatever the text is, it fits."""
    columns = max(_LEAST_COLUMNS, min(columns, len(tiles)))
    rows = max(1, -(-len(tiles) // columns))
    lines = max((sum(each.lines for each in tile.texts) for tile in tiles), default=0)
    width, height = PICTURE + _GAP, PICTURE + lines * _LINE + 2 * _GAP
    top = 3 * _LINE
    sheet = Image.new("RGB", (columns * width + _GAP, top + rows * height + _GAP), _PAPER)
    font = _font(_FONT_SIZE + 4)
    (line,) = _wrap(_drawable(heading, font), font, columns * width - _GAP, 1) or [""]
    ImageDraw.Draw(sheet).text((_GAP, _GAP), line, fill=INK, font=font)
    for number, tile in enumerate(tiles):
        row, column = divmod(number, columns)
        _draw_tile(sheet, _GAP + column * width, top + row * height, tile)
    return sheet


def _draw_tile(sheet: Image.Image, left: int, top: int, tile: Tile) -> None:
    pen, font = ImageDraw.Draw(sheet), _font(_FONT_SIZE)
    square = (left, top, left + PICTURE - 1, top + PICTURE - 1)
    pen.rectangle(square, fill=_EMPTY, outline=tile.frame, width=FRAME)
    if tile.picture is None:
        middle = (left + PICTURE // 2, top + PICTURE // 2)
        pen.text(middle, "can't be drawn", fill=_FAINT, font=font, anchor="mm")
    else:
        room = PICTURE - tile.picture.width, PICTURE - tile.picture.height
        sheet.paste(tile.picture, (left + room[0] // 2, top + room[1] // 2))
    place = top + PICTURE + 4
    for each in tile.texts:
        begin = _SIGN + 6 if each.sign else 0
        for stroke in _STROKES.get(each.sign, ()):
            points = [(left + x, place + 3 + y) for x, y in stroke]
            pen.line(points, fill=each.ink, width=2)
        for line in _wrap(_drawable(each.text, font), font, PICTURE - begin, each.lines):
            pen.text((left + begin, place), line, fill=each.ink, font=font)
            place += _LINE


def _wrap(text: str, font: ImageFont.FreeTypeFont, width: int, most: int) -> list[str]:
    """Return `text` in at most `most` lines of `width`; what is cut ends in three dots."""
    lines: list[str] = []
    while text and len(lines) < most:
        length = len(text)
        while length > 1 and font.getlength(text[:length]) > width:
            length -= 1
        space = text.rfind(" ", 0, length + 1)
        if length < len(text) and space > 0 and len(lines) + 1 < most:
            length = space
        lines.append(text[:length])
        text = text[length:].lstrip()
    if text:
        lines[-1] = lines[-1][:-3] + "..."
    return lines


def _drawable(text: str, font: ImageFont.FreeTypeFont) -> str:
    r"""Return `text` made harmless; a letter that `font` lacks is written out, as `\u732b`."""
    alone = font.font_variant(layout_engine=ImageFont.Layout.BASIC)
    missing = _shape("\uffff", alone)
    return "".join(
        letter.encode("unicode_escape").decode() if _shape(letter, alone) == missing else letter
        for letter in short(text, _MOST_CELLS)
    )


def _shape(letter: str, font: ImageFont.FreeTypeFont) -> tuple[tuple[int, int], bytes]:
    mask = font.getmask(letter)
    return mask.size, bytes(mask)


@cache
def _font(size: int) -> ImageFont.FreeTypeFont:
    """Return a font of this machine with the letters of many scripts, or else Pillow's own."""
    for name in _FONTS:
        with suppress(OSError):
            return ImageFont.truetype(name, size)
    return ImageFont.load_default(size)  # type: ignore[return-value]
