"""Networks of rare kinds in a run: trained and exported, or a row with the reason."""

from __future__ import annotations

import network_kinds as kinds
import pytest
from drawn_folder import draw_folder

import bench
from bench.runs.onnx import write_onnx
from bench.training.weights import load_network
from registry.errors import RunError

pytestmark = pytest.mark.usefixtures("hastened_runs")
_KINDS = ("quantised", "Dropper", "Frozen", "Hidden")
_FILE = """
import network_kinds

class Lazy(network_kinds.Lazy):
    input_shape = (3, 8, 8)

def scripted(num_classes):
    return network_kinds.scripted(num_classes)
scripted.input_shape = (3, 8, 8)
"""


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """The folder of one run of these networks, and their records by name."""
    folder = tmp_path_factory.mktemp("kinds")
    (folder / "net.py").write_text(_FILE)
    files = [f"{folder / 'net.py'}:{name}" for name in ("Lazy", "scripted")]
    found = bench.run(
        [*files, *map(kinds.architecture, _KINDS)],
        draw_folder(folder / "drawn"),
        runs=folder / "runs",
        epochs=1,
        threads=1,
        progress=False,
        isolate=False,
        recipe="demo",
    )
    return folder, {each.model.rpartition(":")[2]: each for each in found.records}


@pytest.mark.parametrize("model", ["Lazy", "scripted"])
def test_a_lazy_or_scripted_network_is_trained_whole(trained, model):
    """Its record has the parameters that it has once it has sizes."""
    record = trained[1][model]

    assert (record.status, record.parameters) == ("ok", kinds.SIZE)


@pytest.mark.parametrize("model", ["Lazy", "scripted"])
def test_weights_of_a_lazy_or_scripted_network_are_loaded(trained, model):
    """As `zoo export` and `zoo predict` do it."""
    file = f"{trained[0] / 'net.py'}:{model}"
    (weights,) = (trained[0] / "runs").glob(f"*/*{model}/seed-0/weights.safetensors")
    network, _ = load_network(weights, files=[file])

    assert sum(each.numel() for each in network.parameters()) == kinds.SIZE


def test_onnx_of_a_scripted_network_says_what_to_do_instead(trained, tmp_path):
    """Torch has a line about a converter, which is no option of ours."""
    pytest.importorskip("onnx")
    (weights,) = (trained[0] / "runs").glob("*/*scripted/seed-0/weights.safetensors")
    network, published = load_network(weights, files=[f"{trained[0] / 'net.py'}:scripted"])

    with pytest.raises(RunError, match="no scripted or traced network; use --safetensors"):
        write_onnx(tmp_path / "net.onnx", network, published)


@pytest.mark.parametrize(
    ("model", "reason"),
    [
        ("quantised", "quantised cannot be trained: its layer 'fc' is quantised"),
        ("frozen", "frozen cannot be trained: all its parameters are frozen"),
        ("hidden", "its blocks[0][0] is in no nn.ModuleList"),
        ("dropper", "dropper has 242 parameters after training, and was built with 243: make all"),
    ],
)
def test_a_network_that_cannot_be_trained_as_it_says_is_a_row(trained, model, reason):
    """One line says why; what it was trained as would not be what is recorded."""
    record = trained[1][model]

    assert record.status == "failed"
    assert reason in record.error
