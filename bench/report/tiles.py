"""Contact sheets, drawn by Pillow: rejected files, and the tiles of `image_grid`."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from PIL import Image, ImageDraw, ImageFont

from bench.data.check import Manifest
from bench.data.decode_pool import thumbnails
from bench.data.find import Reject
from bench.system.display import name_breaks, short
from registry.errors import RunError

_MOST_REJECTS, _REJECT_COLUMNS = 60, 6
_SECONDS = 2.0  # the limit for a thumbnail
PICTURE, FRAME = 190, 5  # pixels: side of a picture, width of its frame
_INK, _REASON_INK = "#202020", "#A84300"
_GAP, _LINE, _FONT_SIZE, _SIGN = 14, 16, 12, 10  # pixels
_LEAST_COLUMNS = 3  # the heading needs these
_MOST_CELLS = 200  # of a text, more than fits
_PAPER, _EMPTY, _FAINT = "#FFFFFF", "#E4E4E4", "#707070"
_STROKES = {  # signs that some fonts lack
    "✓": (((0, 5), (4, 9), (10, 0)),),
    "✗": (((0, 0), (9, 9)), ((0, 9), (9, 0))),
}
_FONTS = ("DejaVuSans.ttf", "Arial Unicode.ttf", "segoeui.ttf")  # many scripts; Pillow's has ASCII


@dataclass(frozen=True, slots=True, kw_only=True)
class Text:
    """Text below a picture: its maximum of lines, its colour, and the sign before it."""

    text: str
    lines: int = 1
    ink: str = _INK
    sign: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Tile:
    """A picture, None if it cannot be drawn, with its texts and the colour of its frame."""

    picture: Image.Image | None
    texts: tuple[Text, ...]
    frame: str = _EMPTY


def write_sheet(path: Path, manifest: Manifest, *, threads: int = 2) -> None:
    """Write a PNG of the rejected image files, each with its picture, name and reason.

    Sandboxed processes decode as much of a file as they can; other tiles are grey. Only the first
    60 are drawn. Raises RunError if the PNG cannot be written.
    """
    rejects = [reject for reject in manifest.rejects if not reject.by_name]
    sheet = draw_sheet(rejects, manifest.folder, threads=threads)
    try:
        sheet.save(path, "PNG")
    except OSError as error:
        raise RunError(f"cannot write the sheet {path}: {error.strerror or error}") from error


def draw_sheet(rejects: Sequence[Reject], folder: Path, *, threads: int = 2) -> Image.Image:
    """Return the sheet of `rejects`, whose names are paths below `folder`."""
    shown = rejects[:_MOST_REJECTS]
    files = [folder / each.name for each in shown]
    pictures = thumbnails(files, size=PICTURE, threads=threads, seconds=_SECONDS)
    tiles = [
        Tile(
            picture=picture,
            texts=(Text(text=reject.name, lines=2),
                   Text(text=reject.reason, lines=3, ink=_REASON_INK)),
        )
        for reject, picture in zip(shown, pictures, strict=True)
    ]  # fmt: skip
    return draw_tiles(_heading(len(rejects)), tiles, columns=_REJECT_COLUMNS)


def _heading(count: int) -> str:
    if not count:
        return "no file was rejected"
    more = f", and {count - _MOST_REJECTS:,} more" if count > _MOST_REJECTS else ""
    return f"{min(count, _MOST_REJECTS)} rejected files{more}" if count > 1 else "1 rejected file"


def draw_tiles(heading: str, tiles: Sequence[Tile], *, columns: int) -> Image.Image:
    """Return `tiles` below `heading`, at most `columns` in a row; long texts are truncated."""
    columns = max(_LEAST_COLUMNS, min(columns, len(tiles)))
    rows = max(1, -(-len(tiles) // columns))
    lines = max((sum(each.lines for each in tile.texts) for tile in tiles), default=0)
    width, height = PICTURE + _GAP, PICTURE + lines * _LINE + 2 * _GAP
    top = 3 * _LINE
    sheet = Image.new("RGB", (columns * width + _GAP, top + rows * height + _GAP), _PAPER)
    font = _font(_FONT_SIZE + 4)
    (line,) = _wrap(_drawable(heading, font), font, columns * width - _GAP, 1) or [""]
    ImageDraw.Draw(sheet).text((_GAP, _GAP), line, fill=_INK, font=font)
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
        pen.text(middle, "cannot be drawn", fill=_FAINT, font=font, anchor="mm")
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
    """Return `text` in at most `most` lines of `width`; a truncated line ends in `...`.

    A line ends before a word, else where a file's name may break, else at any letter.
    """
    lines: list[str] = []
    while text and len(lines) < most:
        length = len(text)
        while length > 1 and font.getlength(text[:length]) > width:
            length -= 1
        ends = [text.rfind(" ", 0, length + 1)]
        ends += [each for each in reversed(name_breaks(text)) if each <= length]
        if length < len(text) and len(lines) + 1 < most:
            length = next((each for each in ends if each > 0), length)
        lines.append(text[:length])
        text = text[length:].lstrip()
    if text:
        lines[-1] = lines[-1][:-3] + "..."
    return lines


def _drawable(text: str, font: ImageFont.FreeTypeFont) -> str:
    r"""Return `text` without control characters; letters that `font` lacks become `\u732b`."""
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
    """Return a local font that covers many scripts, otherwise Pillow's own."""
    for name in _FONTS:
        with suppress(OSError):
            return ImageFont.truetype(name, size)
    return ImageFont.load_default(size)  # type: ignore[return-value]
