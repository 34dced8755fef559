"""A network that cannot do it is a row with its reason; the others run."""

from __future__ import annotations

import pytest
from drawn_folder import draw_folder

import bench
from registry.errors import ConstructionError, UnsuitableError

pytestmark = pytest.mark.usefixtures("hastened_runs")

_FILE = """
import torch
from torch import nn


class Small(nn.Sequential):
    input_shape = (3, 8, 8)

    def __init__(self, num_classes):
        super().__init__(nn.Flatten(), nn.Linear(3 * 8 * 8, num_classes))


class Unbuildable(Small):
    def __init__(self, num_classes):
        raise KeyError("depth")


class Pair(Small):
    def forward(self, images):
        return super().forward(images), images


class Convolved(nn.Module):
    input_shape = (8, 8, 3)

    def __init__(self, num_classes):
        super().__init__()
        self.layer = nn.Conv2d(3, num_classes, 8)

    def forward(self, images):
        return self.layer(images).flatten(1)


class Last(nn.Sequential):
    input_shape = (8, 8, 3)

    def __init__(self, num_classes):
        super().__init__(nn.Flatten(), nn.Linear(8 * 8 * 3, num_classes))


class Four(Last):
    input_shape = (4, 8, 6)
"""


@pytest.fixture(scope="module")
def records(tmp_path_factory):
    """The records of one run of networks that fail and one that does not, by class."""
    folder = tmp_path_factory.mktemp("rows")
    (folder / "nets.py").write_text(_FILE)
    (folder / "raises.py").write_text("raise SystemExit('no licence')\n")
    names = ("Small", "Unbuildable", "Pair", "Convolved", "Last", "Four")
    models = [f"{folder}/nets.py:{name}" for name in names]
    results = bench.run(
        [*models, f"{folder}/raises.py:Net"],
        draw_folder(folder / "drawn"),
        runs=folder / "runs",
        epochs=1,
        threads=1,
        layout="contiguous",
        progress=False,
        isolate=False,
        recipe="demo",
    )
    return {each.model.rpartition(":")[2]: each for each in results.records}


def test_the_network_that_can_runs(records):
    """Whatever stands beside it."""
    assert records["Small"].status == "ok"


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("Unbuildable", "failed with num_classes=2: KeyError: 'depth'"),
        ("Pair", "cannot be compared: it returns a tuple"),
        ("Convolved", "an input_shape is (channels, height, width)"),
        ("Last", "takes images of 8 channels, input_shape (8, 8, 3) (channels come first)"),
        ("Four", "takes images of 4 channels, input_shape (4, 8, 6): pictures have 3 channels"),
        ("Net", "raises.py could not be run: SystemExit: no licence"),
    ],
)
def test_a_network_that_cannot_is_a_row_with_its_reason(records, name, reason):
    """Its status is failed, and the reason names the network or its file on one line."""
    record = records[name]

    assert record.status == "failed"
    assert reason in record.error
    assert ".py" in record.error
    assert "\n" not in record.error


@pytest.mark.parametrize(
    ("name", "error", "reason"),
    [
        ("Unbuildable", ConstructionError, "KeyError: 'depth'"),
        ("Last", UnsuitableError, "takes images of 8 channels"),
    ],
)
def test_a_run_of_which_no_network_can_ends_before_it_begins(tmp_path, name, error, reason):
    """There is nothing to compare, so no folder is made."""
    (tmp_path / "nets.py").write_text(_FILE)

    with pytest.raises(error, match=reason):
        bench.run([f"{tmp_path}/nets.py:{name}"], runs=tmp_path / "runs", progress=False)
    assert not (tmp_path / "runs").exists()
