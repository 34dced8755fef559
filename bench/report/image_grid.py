"""Test photographs under each model's own answer."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from PIL import Image, ImageOps

from bench.data.check import CheckedImage
from bench.data.pixel_source import PixelSource
from bench.report.tiles import FRAME, PICTURE, Text, Tile, draw_tiles
from bench.system.atomic_files import whole_file
from bench.system.display import BAD, GOOD
from bench.training.evaluate import Evaluation

_GRID_IMAGES, _GRID_COLUMNS = 20, 5
_SIDE = PICTURE - 2 * FRAME


def draw_grid(
    images: Sequence[CheckedImage],
    source: PixelSource,
    classes: Sequence[str],
    test: Evaluation,
    path: Path,
    title: str,
) -> None:
    """Draw the first test images to `path`, each with what the model said of it.

    ✓ and green where it was right, ✗ and red where it was wrong.
    """
    tiles = [
        _photograph(image, source, classes, test, index)
        for index, image in enumerate(images[:_GRID_IMAGES])
    ]
    with whole_file(path) as partial:
        draw_tiles(title, tiles, columns=_GRID_COLUMNS).save(partial, "PNG")


def _photograph(
    image: CheckedImage, source: PixelSource, classes: Sequence[str], test: Evaluation, index: int
) -> Tile:
    picture = Image.fromarray(source.full(image.file))
    picture.thumbnail((_SIDE, _SIDE))
    picture = ImageOps.scale(picture, _SIDE / max(picture.size))
    predicted = int(test.predicted[index])
    right = predicted == int(test.labels[index])
    share = float(test.probabilities[index, predicted])
    ink, sign = (GOOD, "✓") if right else (BAD, "✗")
    said = Text(text=f"{share:.0%} {classes[predicted]}", ink=ink, sign=sign)
    return Tile(picture=picture, texts=(said, Text(text=image.file.name, lines=2)), frame=ink)
