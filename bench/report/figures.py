"""Learning curves, and test photographs under each model's own answer."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator
from PIL import Image

from bench.data.check import CheckedImage
from bench.data.pixel_source import PixelSource
from bench.evaluate import Evaluation
from bench.report.display import BAD, GOOD, display

_COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000", "#F0E442")
_GRID_IMAGES, _GRID_COLUMNS, _THUMBNAIL = 20, 5, (320, 320)


def draw_curves(history: pd.DataFrame, path: Path) -> None:
    """Draw loss and accuracy by epoch to `path`: dashed on training images, solid on validation."""
    figure = Figure(figsize=(11, 4.5), layout="constrained")
    FigureCanvasAgg(figure)
    losses, accuracies = figure.subplots(1, 2)
    _curves(losses, history, "loss", "loss (nats per image)")
    _curves(accuracies, history, "accuracy", "accuracy")
    accuracies.set_ylim(0, 1)
    accuracies.legend(frameon=False, fontsize="small", loc="lower right")
    figure.savefig(path, dpi=120)


def _curves(axes: Axes, history: pd.DataFrame, column: str, label: str) -> None:
    for index, (model, rows) in enumerate(history.groupby("model", sort=False)):
        means = rows.groupby("epoch")[[f"train_{column}", f"validation_{column}"]].mean()
        colour = _COLOURS[index % len(_COLOURS)]
        name = display(str(model))
        axes.plot(means.index, means.iloc[:, 0], "--", color=colour, label=f"{name}, training")
        axes.plot(means.index, means.iloc[:, 1], "-o", ms=3, color=colour, label=name)
    axes.set_xlabel("epoch")
    axes.set_ylabel(label)
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    axes.spines[["top", "right"]].set_visible(False)
    axes.grid(alpha=0.25)


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
    figure = Figure(figsize=(2.4 * _GRID_COLUMNS, 0.5 + 2.6 * rows), layout="constrained")
    FigureCanvasAgg(figure)
    figure.suptitle(title)
    for index, axes in enumerate(figure.subplots(rows, _GRID_COLUMNS, squeeze=False).flat):
        axes.set_axis_off()
        if index < shown:
            picture = Image.fromarray(source.full(images[index].file))
            _photograph(axes, picture, images[index].file.name, classes, test, index)
    figure.savefig(path, dpi=100)


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
        f"{'✓' if right else '✗'} {display(classes[predicted])} {share:.0%}",
        color=GOOD if right else BAD,
        parse_math=False,
    )
    place: dict[str, Any] = {"ha": "center", "va": "top", "transform": axes.transAxes}
    axes.text(0.5, -0.02, display(name), fontsize=7, parse_math=False, **place)
