"""Small finished runs with trained weights, for the tests of what follows the table."""

from __future__ import annotations

from pathlib import Path

from drawn_folder import draw_folder

import bench

_NETWORKS = '''from torch import nn


class Colours(nn.Sequential):
    """Weighs the colours of 16 x 16 cells."""

    input_shape = (3, 16, 16)

    def __init__(self, num_classes):
        super().__init__(nn.Flatten(), nn.Linear(3 * 16 * 16, num_classes))


class Means(nn.Sequential):
    """Weighs the mean of each colour."""

    input_shape = (3, 16, 16)

    def __init__(self, num_classes):
        super().__init__(nn.AvgPool2d(16), nn.Flatten(), nn.Linear(3, num_classes))
'''


def trained(folder: Path, *, each: int = 40, **options: object) -> Path:
    """Return the folder of a finished run of two tiny networks, `Colours` and `Means`.

    Its images are drawn in `folder/drawn`: `each` cats and dogs; `options` are those of a run.
    """
    network = folder / "tiny.py"
    network.write_text(_NETWORKS, encoding="utf-8")
    drawn = draw_folder(folder / "drawn", each=each)
    asked = {"epochs": 2, "isolate": False, "progress": False, "runs": folder / "runs"}
    names = [f"{network}:Colours", f"{network}:Means"]
    return bench.run(names, drawn, **asked | options).folder
