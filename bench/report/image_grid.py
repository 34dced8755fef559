"""Grids of test images, each with the model's prediction."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from PIL import Image, ImageOps

from bench.data.check import CheckedImage
from bench.data.pixel_source import PixelSource
from bench.report.tiles import FRAME, PICTURE, Text, Tile, draw_tiles
from bench.system.atomic_files import whole_file
from bench.system.display import BAD, GOOD
from bench.training.evaluation import Evaluation

_MOST_IMAGES, _COLUMNS = 20, 5
_SIDE = PICTURE - 2 * FRAME


def draw_grid(
    images: Sequence[CheckedImage],
    source: PixelSource,
    classes: Sequence[str],
    test: Evaluation,
    path: Path,
    title: str,
) -> None:
    """Draw the first test images to `path`, each with its prediction: ✓ green, ✗ red."""
    tiles = list[Tile]()
    for index, image in enumerate(images[:_MOST_IMAGES]):
        picture = Image.fromarray(source.full(image.file))
        picture.thumbnail((_SIDE, _SIDE))
        picture = ImageOps.scale(picture, _SIDE / max(picture.size))
        predicted = int(test.predicted[index])
        right = predicted == int(test.labels[index])
        share = float(test.probabilities[index, predicted])
        ink, sign = (GOOD, "✓") if right else (BAD, "✗")
        prediction = Text(text=f"{share:.0%} {classes[predicted]}", ink=ink, sign=sign)
        texts = (prediction, Text(text=image.file.name, lines=2))
        tiles.append(Tile(picture=picture, texts=texts, frame=ink))
    with whole_file(path) as partial:
        draw_tiles(title, tiles, columns=_COLUMNS).save(partial, "PNG")
