"""A picture of the files that would not be used, as far as they can be drawn."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import matplotlib
from PIL import Image, ImageDraw, ImageFont

from bench.data.check import Manifest
from bench.data.decode_pool import thumbnails
from bench.data.find import Reject
from bench.system.display import display
from registry.errors import RunError

MOST_TILES = 60
_COLUMNS = 6
_PICTURE, _GAP, _LINE, _FONT_SIZE = 190, 14, 16, 12  # pixels
_NAME_LINES, _REASON_LINES = 2, 3
_TEXT = _LINE * (_NAME_LINES + _REASON_LINES)
_WIDTH, _HEIGHT = _PICTURE + _GAP, _PICTURE + _TEXT + 2 * _GAP
_SECONDS = 2.0  # a thumbnail that takes longer is not worth the wait
_PAPER, _TILE, _INK, _FAINT, _REASON_INK = "#FFFFFF", "#E4E4E4", "#202020", "#707070", "#A84300"


def write_sheet(path: Path, manifest: Manifest, *, threads: int = 2) -> None:
    """Write a PNG of the rejects that claim to be images: each drawn, with its name and reason.

    What can be decoded of a damaged file is drawn, by processes that it may do harm to; the others
    are grey. More than 60 are counted, not drawn.

    Raises:
        RunError: it can't be written.
    """
    rejects = [reject for reject in manifest.rejects if not reject.by_name]
    sheet = draw_sheet(rejects, manifest.folder, threads=threads)
    try:
        sheet.save(path, "PNG")
    except OSError as error:
        raise RunError(f"can't write the sheet {path}: {error.strerror or error}") from error


def draw_sheet(rejects: Sequence[Reject], folder: Path, *, threads: int = 2) -> Image.Image:
    """Return the sheet of `rejects`, whose names are paths below `folder`."""
    shown = rejects[:MOST_TILES]
    pictures = thumbnails(
        [folder / each.name for each in shown], size=_PICTURE, threads=threads, seconds=_SECONDS
    )
    rows = max(1, -(-len(shown) // _COLUMNS))
    columns = max(3, min(_COLUMNS, len(shown)))  # the heading needs three
    heading = 3 * _LINE
    sheet = Image.new("RGB", (columns * _WIDTH + _GAP, heading + rows * _HEIGHT + _GAP), _PAPER)
    pen, font = ImageDraw.Draw(sheet), _font(_FONT_SIZE + 4)
    pen.text((_GAP, _GAP), _heading(len(rejects)), fill=_INK, font=font)
    for number, (reject, picture) in enumerate(zip(shown, pictures, strict=True)):
        row, column = divmod(number, columns)
        _draw_tile(sheet, (_GAP + column * _WIDTH, heading + row * _HEIGHT), reject, picture)
    return sheet


def _heading(count: int) -> str:
    if not count:
        return "no file was rejected"
    more = f", and {count - MOST_TILES:,} more" if count > MOST_TILES else ""
    return f"{min(count, MOST_TILES)} rejected files{more}" if count > 1 else "1 rejected file"


def _draw_tile(
    sheet: Image.Image, corner: tuple[int, int], reject: Reject, picture: Image.Image | None
) -> None:
    pen, font = ImageDraw.Draw(sheet), _font(_FONT_SIZE)
    left, top = corner
    pen.rectangle((left, top, left + _PICTURE - 1, top + _PICTURE - 1), fill=_TILE)
    if picture is None:
        middle = (left + _PICTURE // 2, top + _PICTURE // 2)
        pen.text(middle, "can't be drawn", fill=_FAINT, font=font, anchor="mm")
    else:
        room = _PICTURE - picture.width, _PICTURE - picture.height
        sheet.paste(picture, (left + room[0] // 2, top + room[1] // 2))
    lines = [(line, _INK) for line in _wrap(display(reject.name), font, _NAME_LINES)]
    lines += [(line, _REASON_INK) for line in _wrap(display(reject.reason), font, _REASON_LINES)]
    for number, (line, ink) in enumerate(lines):
        pen.text((left, top + _PICTURE + 4 + number * _LINE), line, fill=ink, font=font)


def _wrap(text: str, font: ImageFont.FreeTypeFont, most: int) -> list[str]:
    """Return `text` in at most `most` lines of a tile's width; what is cut ends in three dots."""
    lines: list[str] = []
    while text and len(lines) < most:
        length = len(text)
        while length > 1 and font.getlength(text[:length]) > _PICTURE:
            length -= 1
        space = text.rfind(" ", 0, length + 1)
        if length < len(text) and space > 0:
            length = space
        lines.append(text[:length])
        text = text[length:].lstrip()
    if text:
        lines[-1] = lines[-1][:-3] + "..."
    return lines


def _font(size: int) -> ImageFont.FreeTypeFont:
    """Return the font that matplotlib brings: it has Greek, Cyrillic, Hebrew and Arabic, too."""
    path = Path(matplotlib.get_data_path(), "fonts", "ttf", "DejaVuSans.ttf")
    return ImageFont.truetype(str(path), size, layout_engine=ImageFont.Layout.BASIC)
