from __future__ import annotations

import re
from dataclasses import replace

import public_networks_page
import pytest
import torch
from fuzz_weights import PUBLISHED
from paths import PLUGINS
from public_networks import PAGE, Network, Outcome, Row, catalogue

import registry
from bench.data.loader import Batch
from bench.training.recipe import DEMO
from bench.training.reproducibility import code_digest
from bench.training.sample_answer import sample_answer
from bench.training.stop import reason_of
from bench.training.train_state import TrainState
from bench.training.weights import load_network, save_weights
from registry import Architecture
from registry.checks import run_checks
from registry.checks.subject import Subject
from registry.checks.weights import _count_learned as count_learned
from registry.checks.weights import _layout_of as layout_of
from registry.errors import RegistryError, RunError, UnsuitableError

FOLDER = PLUGINS / "publicnets"
CALLS = [network.call for network in catalogue()]
_DONE = Outcome(done=True)


@pytest.fixture(autouse=True)
def _in_the_folder(monkeypatch):
    """As the study: in the folder, with the plugin on the path; with a thread, as trials are."""
    monkeypatch.chdir(FOLDER)
    monkeypatch.syspath_prepend(FOLDER)
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


def test_there_are_at_least_25_networks_and_each_is_listed_once():
    """Each entry point and each file of the folder is in the catalogue."""
    points = (FOLDER / "publicnets-1.0.dist-info" / "entry_points.txt").read_text()
    files = {call.partition(":")[0] for call in CALLS if ".py:" in call}

    assert len(CALLS) == len(set(CALLS)) >= 25
    assert {call for call in CALLS if ".py:" not in call} == set(
        re.findall(r"^public\w+", points, re.M)
    )
    assert all((FOLDER / file).is_file() for file in files)


def test_the_page_has_each_network():
    """A network that is added is measured before the page is right again."""
    rows = re.findall(r"^\| `(.+?)` \|", PAGE.read_text(encoding="utf-8"), re.M)

    assert rows == CALLS


def test_plugins_are_listed_without_a_word():
    """By the name of their entry points."""
    found = [registry.get(call) for call in CALLS if ".py:" not in call]

    assert all(isinstance(each, Architecture) for each in found)


@pytest.mark.parametrize(
    ("call", "check"),
    [
        ("public_preact", "logits"),  # small outputs are no sigmoid's
        ("public_stochastic_depth", "gradients"),  # a skipped block waits for its gradient
    ],
)
def test_a_sound_network_is_not_accused(call, check):
    """A check looks for the fault of the network, not for its own."""
    (finding,) = run_checks(registry.get(call), [check])

    assert finding.status == "kept", finding.seen


@pytest.mark.parametrize(
    ("call", "change"),
    [
        (
            "config_repo/network.py:NClasses",
            r"def make\(num_classes\): return NClasses\(n_classes=",
        ),
        ("config_repo/network.py:Classes", r"return Classes\(in_features=..., classes=num_classes"),
        ("config_repo/network.py:ArgsNet", r"it takes \(args\), .* return ArgsNet\(args=...\)"),
        ("config_repo/network.py:TenClasses", "make its last layer `num_classes` wide"),
        ("config_repo/network.py:build_model", r"network.py:\d+, in build_model\); .*argparse"),
        ("mnist_example/main.py:OldNet", "give OldNet an argument `num_classes`"),
        ("vit_repo/vit.py:SimpleViT", r"such as SimpleViT\(image_size=...\)"),
        ("vit_repo/vit.py:Fixed32", r"in forward\); .* add `input_shape = "),
        ("siamese/model.py:SiameseNetwork", "`forward` must take one batch of images"),
        ("habits/habits.py:Half", "'conv1.weight' is of float16: remove `.half"),
        ("habits/habits.py:InForward", "'fc.weight' is new.: make all layers in the constructor"),
        ("habits/habits.py:FrozenEval", "'bn' stays in training mode after `eval"),
        ("habits/habits.py:Squeezed", r"for 1 images, .*no `squeeze"),
    ],
)
def test_an_author_is_told_in_one_line_what_to_change(call, change):
    """Where a network cannot be measured."""
    with pytest.raises(RegistryError, match=change) as caught:
        registry.get(f"./{call}")
    assert "\n" not in str(caught.value)


def test_a_network_of_views_learns_from_contiguous_images():
    """It raises for channels last, as training knows."""
    subject = Subject(registry.get("./mnist_example/main.py:Net"))
    colour = Subject(registry.get("./vit_repo/vit.py:Fixed224"))

    assert layout_of(colour.network(), colour.pictures(2)) is torch.contiguous_format
    assert layout_of(subject.network(), subject.pictures(2)) is torch.contiguous_format


def test_a_network_that_changes_its_weights_in_place_learns():
    """A pass in evaluation comes between no loss and its gradient."""
    subject = Subject(registry.get("./habits/habits.py:InPlace"))
    pictures, labels = subject.pictures(8), torch.arange(8) % 2

    assert count_learned(subject.network(), pictures, labels, (1e-4,) * 6) >= 4


def test_a_missing_gradient_is_named():
    """The check says what takes it, not what torch says."""
    (finding,) = run_checks(registry.get("./habits/habits.py:NoGrad"), ["gradients"])

    assert (finding.seen, "no_grad" in finding.change) == ("logits without a gradient", True)


def test_training_without_a_gradient_is_told():
    """One line that says what takes the gradient."""
    network = registry.get("./habits/habits.py:NoGrad").build(2)
    state = TrainState(
        network, DEMO, device=torch.device("cpu"), precision=torch.float32, phases=None
    )
    batch = Batch(images=torch.zeros(2, 3, 32, 32), labels=torch.arange(2))

    with pytest.raises(UnsuitableError, match=r"have no gradient, .*: remove `no_grad`"):
        state.epoch([batch])


def test_an_error_of_a_trial_has_the_line_of_its_author():
    """By file, line and function, wherever a network comes from."""
    architecture = registry.get("public_highway")
    with pytest.raises(RuntimeError) as caught:
        architecture.build(2)(torch.zeros(2, 3, 5, 5))

    assert re.search(r" \(older.py:\d+, in forward\)$", reason_of(caught.value, architecture))


@pytest.mark.parametrize(
    ("name", "change"),
    [("HiddenBuffer", "its code is the same, .* persistent buffer"), ("ExtraState", None)],
)
def test_weights_without_all_of_a_network_are_loaded_or_told(tmp_path, name, change):
    """What no file holds is the network's own, if it then answers as it did."""
    asked = f"./habits/habits.py:{name}"
    architecture = registry.get(asked)
    network, code = architecture.build(2), code_digest(architecture)
    state = {k: each for k, each in network.state_dict().items() if isinstance(each, torch.Tensor)}
    logits = sample_answer(network, (3, 32, 32))
    told = replace(PUBLISHED, model=asked, architecture=architecture, code=code, logits=logits)
    save_weights(tmp_path / "weights.safetensors", state, told)

    if change is None:
        load_network(tmp_path / "weights.safetensors", architecture)
    else:
        with pytest.raises(RunError, match=change):
            load_network(tmp_path / "weights.safetensors", architecture)


def test_what_a_module_makes_at_import_holds_numbers():
    """Even if it is first imported where only shapes are looked at."""
    network = registry.get("./habits/at_import.py:AtImport").build(2)

    assert {each.device.type for each in network.parameters()} == {"cpu"}


@pytest.mark.filterwarnings("ignore:`torch.nn.utils.weight_norm` is deprecated:FutureWarning")
def test_a_network_with_computed_weights_is_copied_and_asked():
    """The old weight normalisation has them before its first answer, when weights are loaded."""
    network = registry.get("./habits/habits.py:OldWeightNorm").build(2)

    assert sample_answer(network, (3, 32, 32)) is not None


def test_a_faulty_network_without_a_word_is_trouble():
    """The liar of the study: five commands that say nothing."""
    steps = ("listed", "checked", "trained", "exported", "predicted")
    outcomes = dict.fromkeys(steps, _DONE)
    network = Network(call="public_x", manner="x", unusual="x")
    silent = Network(call="public_x", manner="x", unusual="x", faulty=True)

    assert Row(network=network, outcomes=outcomes).wrong == ()
    assert Row(network=silent, outcomes=outcomes).wrong == ("nothing is said of its fault",)


def test_a_traceback_is_trouble_and_counted():
    """Even of a faulty network."""
    outcomes = {"listed": Outcome(done=False, said=("x",), wrong="a traceback")}
    row = Row(network=Network(call="x", manner="x", unusual="x", faulty=True), outcomes=outcomes)

    assert row.wrong == ("listed: a traceback",)
    assert "1 ended in a traceback" in public_networks_page.page([row])
