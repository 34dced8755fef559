"""Test photographs under each model's own answer, and how pictures of matplotlib are drawn."""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import matplotlib
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from PIL import Image

from bench.data.check import CheckedImage
from bench.data.pixel_source import PixelSource
from bench.system.atomic_files import whole_file
from bench.system.display import BAD, GOOD, short
from bench.training.evaluate import Evaluation

NAME_CELLS, _TICKET_CELLS, _TITLE_CELLS = 40, 20, 100  # what a figure has room for
_GRID_IMAGES, _GRID_COLUMNS, _THUMBNAIL = 20, 5, (320, 320)


@contextmanager
def drawing(path: Path, inches: tuple[float, float], *, dpi: int) -> Iterator[Figure]:
    """Yield a figure that is saved to `path` in the end; its text is shown letter by letter.

    Else a `$` in a name begins a formula, which may fail, and a script without a font warns.
    """
    with (
        matplotlib.rc_context({"text.parse_math": False, "text.usetex": False}),
        warnings.catch_warnings(),
    ):
        warnings.filterwarnings("ignore", message="Glyph .* missing from font")
        figure = Figure(figsize=inches, layout="constrained")
        FigureCanvasAgg(figure)
        yield figure
        with whole_file(path) as partial:
            figure.savefig(partial, format="png", dpi=dpi)


def draw_grid(
    images: Sequence[CheckedImage],
    source: PixelSource,
    classes: Sequence[str],
    test: Evaluation,
    path: Path,
    title: str,
) -> None:
    """Draw the first test images to `path`, each titled with what the model said of it.

    ✓ and green where it was right, ✗ and red where it was wrong.
    """
    shown = min(len(images), _GRID_IMAGES)
    rows = -(-shown // _GRID_COLUMNS)
    with drawing(path, (2.4 * _GRID_COLUMNS, 0.5 + 2.6 * rows), dpi=100) as figure:
        figure.suptitle(short(title, _TITLE_CELLS))
        for index, axes in enumerate(figure.subplots(rows, _GRID_COLUMNS, squeeze=False).flat):
            axes.set_axis_off()
            if index < shown:
                picture = Image.fromarray(source.full(images[index].file))
                _photograph(axes, picture, images[index].file.name, classes, test, index)


def _photograph(
    axes: Axes,
    picture: Image.Image,
    name: str,
    classes: Sequence[str],
    test: Evaluation,
    index: int,
) -> None:
    picture.thumbnail(_THUMBNAIL)
    axes.imshow(picture)
    predicted = int(test.predicted[index])
    right = predicted == int(test.labels[index])
    share = float(test.probabilities[index, predicted])
    axes.set_title(
        f"{'✓' if right else '✗'} {short(classes[predicted], _TICKET_CELLS)} {share:.0%}",
        color=GOOD if right else BAD,
    )
    place: dict[str, Any] = {"ha": "center", "va": "top", "transform": axes.transAxes}
    axes.text(0.5, -0.02, short(name, NAME_CELLS), fontsize=7, **place)
