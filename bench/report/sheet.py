"""A picture of the files that would not be used, as far as they can be drawn."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from PIL import Image

from bench.data.check import Manifest
from bench.data.decode_pool import thumbnails
from bench.data.find import Reject
from bench.report.tiles import PICTURE, Text, Tile, draw_tiles
from registry.errors import RunError

MOST_TILES = 60
_COLUMNS = 6
_SECONDS = 2.0  # a thumbnail that takes longer is not worth the wait
_REASON_INK = "#A84300"


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
        [folder / each.name for each in shown], size=PICTURE, threads=threads, seconds=_SECONDS
    )
    tiles = [
        Tile(
            picture=picture,
            texts=(Text(text=reject.name, lines=2),
                   Text(text=reject.reason, lines=3, ink=_REASON_INK)),
        )
        for reject, picture in zip(shown, pictures, strict=True)
    ]  # fmt: skip
    return draw_tiles(_heading(len(rejects)), tiles, columns=_COLUMNS)


def _heading(count: int) -> str:
    if not count:
        return "no file was rejected"
    more = f", and {count - MOST_TILES:,} more" if count > MOST_TILES else ""
    return f"{min(count, MOST_TILES)} rejected files{more}" if count > 1 else "1 rejected file"
