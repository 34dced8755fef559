from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from PIL import Image, ImageColor, ImageFont

from bench.report import tiles
from bench.report.image_grid import draw_grid
from bench.report.tiles import _drawable, _font
from bench.system.display import BAD, GOOD
from bench.training.evaluation import Evaluation

_TOP, _LEFT, _STEP = 48, 14, tiles.PICTURE + 14


def _drawn(folder, count, *, wrong=(), classes=("cat", "dog"), name="cat", size=(30, 40)):
    """Return the pixels of a grid of black photographs, all of the first class."""
    labels = np.zeros(count, dtype=np.int64)
    probabilities = np.array([[0.2, 0.8] if n in wrong else [0.9, 0.1] for n in range(count)])
    test = Evaluation(labels=labels, probabilities=probabilities, loss=0.5, accuracy=0.5)
    images = [SimpleNamespace(file=Path(f"{name}.{number}.jpg")) for number in range(count)]
    source = SimpleNamespace(full=lambda file: np.zeros((*size, 3), dtype=np.uint8))
    draw_grid(images, source, classes, test, folder / "grid.png", name)
    with Image.open(folder / "grid.png") as grid:
        return np.asarray(grid)


def test_right_is_green_and_wrong_is_red(tmp_path):
    """By the frame, and by the sign and the words below it."""
    pixels = _drawn(tmp_path, 2, wrong=(1,))

    for number, colour in enumerate((GOOD, BAD)):
        left, bottom = _LEFT + number * _STEP, _TOP + tiles.PICTURE
        sign = pixels[bottom + 4 : bottom + 20, left : left + 14].reshape(-1, 3)
        assert tuple(pixels[_TOP, left]) == ImageColor.getrgb(colour)
        assert ImageColor.getrgb(colour) in {tuple(pixel) for pixel in sign.tolist()}


def test_a_grid_has_twenty_photographs_at_most(tmp_path):
    """In rows of five, each as large as it can be, and one alone has a grid, too."""
    twenty, one = _drawn(tmp_path, 20), _drawn(tmp_path, 1, size=(4, 4))

    assert _drawn(tmp_path, 25).shape == twenty.shape
    assert twenty.shape[1] == _LEFT + 5 * _STEP
    assert not one[_TOP + 10 : _TOP + 180, _LEFT + 10 : _LEFT + 180].any()


@pytest.mark.parametrize(
    "name", ["W" * 200, "a photograph of " * 20, "猫" * 70, "\x1b[31m\u202e$x$"]
)
def test_no_text_leaves_its_tile(name, tmp_path):
    """Between the tiles, below them and beside the heading nothing is drawn, whatever the names."""
    pixels = _drawn(tmp_path, 10, classes=(name, name), name=name)
    gaps = [pixels[_TOP:, _LEFT + n * _STEP - 9 : _LEFT + n * _STEP] for n in range(6)]

    assert all((gap == 255).all() for gap in gaps)
    assert (pixels[_TOP - 8 : _TOP] == 255).all()
    assert (pixels[:, -9:] == 255).all()


def test_a_letter_that_no_font_has_is_written_out(monkeypatch):
    """Rather than drawn as a box; what the font has is drawn as it is."""
    monkeypatch.setattr(tiles, "_FONTS", ())
    font = _font.__wrapped__(12)

    assert isinstance(font, ImageFont.FreeTypeFont)
    assert _drawable("cat 猫\x1b", font) == "cat \\u732b\\x1b"
