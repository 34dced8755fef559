from __future__ import annotations

import threading
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save
from torch import nn
from warm import warm

from bench.runs.request import Request
from bench.runs.resolve import recipe_of
from bench.training.finetune import Backbone, head_of
from bench.training.optimizer import build_optimizer
from bench.training.recipe import DEFAULT, FINETUNE, TEXTBOOK
from bench.training.schedule import TrainingPosition, apply, settings
from registry.architecture import Architecture, Contract
from registry.errors import ConstructionError
from zoo import family_torchvision
from zoo.transfer import freeze_but, load_but_head


def _network(classes: int) -> nn.Sequential:
    return nn.Sequential(
        nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4), nn.AdaptiveAvgPool2d(1), nn.Flatten(),
        nn.Linear(4, classes),
    )  # fmt: skip


def test_all_but_the_head_is_loaded():
    """What has another shape is the head, and stays as it was built."""
    trained, network = _network(1000), _network(2)
    before = network[4].weight.clone()
    heads = load_but_head(network, trained.state_dict())

    assert heads == (network[4],)
    assert torch.equal(network[0].weight, trained[0].weight)
    assert torch.equal(network[4].weight, before)


def test_weights_of_another_network_are_refused():
    """One tensor that is missing is told by its name."""
    state = _network(1000).state_dict()
    del state["0.weight"]

    with pytest.raises(ConstructionError, match=r"the trained weights lack 0\.weight"):
        load_but_head(_network(2), state)


def test_a_frozen_backbone_stays_as_it_is():
    """Neither its parameters nor its batch normalisation change; the head is trained."""
    network = _network(2)
    freeze_but(network, network[4])
    optimizer = torch.optim.SGD([p for p in network.parameters() if p.requires_grad], lr=1.0)
    before = {name: value.clone() for name, value in network.state_dict().items()}
    network.train()(torch.randn(8, 3, 8, 8)).square().sum().backward()
    optimizer.step()
    changed = {name for name, value in network.state_dict().items()
               if not torch.equal(value, before[name])}  # fmt: skip

    assert changed == {"4.weight", "4.bias"}


def test_a_network_that_is_not_frozen_changes_everywhere():
    """So the test above could fail."""
    network = _network(2)
    optimizer = torch.optim.SGD(network.parameters(), lr=1.0)
    before = {name: value.clone() for name, value in network.state_dict().items()}
    network.train()(torch.randn(8, 3, 8, 8)).square().sum().backward()
    optimizer.step()

    assert not torch.equal(network[0].weight, before["0.weight"])
    assert not torch.equal(network[1].running_mean, before["1.running_mean"])


@pytest.mark.parametrize("frozen", [False, True])
def test_torchvisions_trained_weights_take_two_classes(monkeypatch, frozen):
    """They are loaded but for the head; nothing is fetched here, the weights are made."""
    from torchvision import models

    trained = models.squeezenet1_1(weights=None).state_dict()
    weights = models.SqueezeNet1_1_Weights
    monkeypatch.setattr(weights, "get_state_dict", lambda *_, **__: trained)
    network = family_torchvision.build(
        num_classes=2, member="squeezenet1_1", pretrained=True, frozen=frozen
    )
    trainable = [name for name, value in network.named_parameters() if value.requires_grad]

    assert torch.equal(network.features[0].weight, trained["features.0.weight"])
    assert network(torch.zeros(1, 3, 64, 64)).shape == (1, 2)
    assert (trainable == ["classifier.1.weight", "classifier.1.bias"]) is frozen


LIKE_RESNET = Architecture(
    name="timm:test_resnet",
    constructor="zoo.family_timm:build",
    contract=Contract(input_shape=(3, 32, 32), output_shape=(2,), parameters=0),
    source="timm",
    arguments=(("member", "test_resnet"),),
)
HEAD = frozenset({"4.weight", "4.bias"})


def _place(done: float) -> TrainingPosition:
    return TrainingPosition(done=done, peak=30, end=100)


def test_the_head_is_what_depends_on_the_number_of_classes():
    """Found by building a second network; no random number is taken from the first."""
    network, before = LIKE_RESNET.build(2), torch.get_rng_state()

    assert head_of(LIKE_RESNET, network, 2) == {"fc.weight", "fc.bias"}
    assert torch.equal(torch.get_rng_state(), before)


@pytest.mark.parametrize(("done", "frozen"), [(0, True), (19.9, True), (20, False), (100, False)])
def test_the_backbone_is_kept_for_its_share_of_the_training(done, frozen):
    """Its parameters and its batch normalisation; the head is trained from the first step."""
    network = _network(2).train()
    Backbone(network, HEAD, replace(FINETUNE, frozen_share=0.2)).prepare(_place(done))

    trainable = {name for name, value in network.named_parameters() if value.requires_grad}
    assert (trainable == HEAD) is frozen
    assert (len(trainable) == 6) is not frozen
    assert network[1].training is not frozen


def test_the_backbone_thaws_within_an_epoch():
    """What was put in evaluation mode for its share is in training mode after it."""
    network = _network(2).train()
    backbone = Backbone(network, HEAD, replace(FINETUNE, frozen_share=0.2))
    for done in (0, 10, 30):
        backbone.prepare(_place(done))

    assert network[1].training
    assert all(value.requires_grad for value in network.parameters())


def test_what_was_frozen_for_good_does_not_thaw():
    """`--freeze-backbone` outlasts the recipe's share."""
    network = _network(2).train()
    freeze_but(network, network[4])
    backbone = Backbone(network, HEAD, replace(FINETUNE, frozen_share=0.2))
    for done in (0, 50):
        backbone.prepare(_place(done))

    assert not network[0].weight.requires_grad
    assert not network[1].training


def test_the_backbone_learns_at_its_share_of_the_rate():
    """Ten times slower than the head, at every step of the schedule."""
    network = _network(2)
    optimizer = build_optimizer(network, replace(FINETUNE, backbone_rate=0.1), HEAD)
    rates = {}
    for done in (0, 30, 60):
        apply(optimizer, settings(FINETUNE, _place(done)))
        for group in optimizer.param_groups:
            for parameter in group["params"]:
                rates.setdefault(id(parameter), []).append(group["lr"])

    head = rates[id(network[4].weight)]
    assert head[1] == pytest.approx(FINETUNE.learning_rate)
    assert rates[id(network[0].weight)] == pytest.approx([each / 10 for each in head])
    assert rates[id(network[4].bias)] == head


_FINE_TUNED = """
import sys
from dataclasses import replace
import bench
from bench.training.recipe import FINETUNE
from hastened import hastened
data, *runs = sys.argv[1:]
with hastened():
    for place in runs:
        share = float(place.rpartition("-")[2])
        recipe = replace(FINETUNE, epochs=2, frozen_share=share, backbone_rate=0.1,
                         fresh_statistics=True)
        bench.run(["timm:test_resnet"], data, pretrained=True, recipe=recipe, runs=place,
                  isolate=False, threads=1, layout="contiguous")
"""


def test_fine_tuning_begins_with_the_head(hub, drawn, tmp_path):
    """With a share of 1 the rest ends as it was fetched; with less it does not."""
    state, _ = hub
    places = [tmp_path / f"runs-{share}" for share in (1.0, 0.5)]
    done = warm().run(["-c", _FINE_TUNED, drawn, *places])
    assert done.returncode == 0, done.stderr[-2000:]
    same = []
    for place in places:
        (weights,) = place.rglob("weights.safetensors")
        trained = load_file(weights)
        same.append({name for name in state if torch.equal(trained[name], state[name])})

    assert same[0] == state.keys() - {"fc.weight", "fc.bias"}
    assert not same[1] >= same[0]


def test_pretrained_networks_are_fine_tuned_by_default():
    """Without another recipe; what does not begin with trained weights has `default`."""
    assert recipe_of(Request(models=("x",), pretrained=True)) == FINETUNE
    assert recipe_of(Request(models=("x",), pretrained=True, recipe="textbook")) == TEXTBOOK
    assert recipe_of(Request(models=("x",), data=Path())) == DEFAULT


_TIMMS = """
import sys, torch
from registry.catalog import Catalog
architecture = Catalog.installed().get("timm:test_resnet").value
plain, trained = architecture.build(2), architecture.pretrained(frozen=True).build(2)
torch.save([plain.state_dict(), trained.state_dict(),
            [name for name, value in trained.named_parameters() if value.requires_grad]],
           sys.argv[1])
"""


@pytest.fixture
def hub(monkeypatch, tmp_path):
    """A server on this machine that has trained weights for timm; the requests it gets."""
    import timm

    state = timm.create_model("test_resnet", num_classes=1000).state_dict()
    content, asked = save({name: value.contiguous() for name, value in state.items()}), []

    class Hub(BaseHTTPRequestHandler):
        def do_HEAD(self):
            self._answer(b"")

        def do_GET(self):
            self._answer(content)

        def _answer(self, body):
            asked.append(self.path)
            found = self.path.endswith("/model.safetensors")
            self.send_response(200 if found else 404)
            self.send_header("Content-Length", str(len(content) if found else 0))
            self.send_header("ETag", '"made"')
            self.send_header("X-Repo-Commit", "0" * 40)
            self.end_headers()
            self.wfile.write(body if found else b"")

        def log_message(self, *_):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Hub)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    monkeypatch.setenv("HF_ENDPOINT", f"http://127.0.0.1:{server.server_port}")
    monkeypatch.setenv("HF_HOME", str(tmp_path / "hub"))
    monkeypatch.setenv("HF_HUB_DISABLE_TELEMETRY", "1")
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    monkeypatch.delenv("HF_HUB_OFFLINE", raising=False)
    yield state, asked
    server.shutdown()
    server.server_close()


def test_timms_trained_weights_take_two_classes(hub, tmp_path):
    """They are fetched from where timm is told to look, and loaded but for the head."""
    state, asked = hub
    kept = tmp_path / "kept.pt"
    done = warm().run(["-c", _TIMMS, kept])
    assert done.returncode == 0, done.stderr[-2000:]
    plain, trained, trainable = torch.load(kept, weights_only=True)

    assert torch.equal(trained["conv1.0.weight"], state["conv1.0.weight"])
    assert not torch.equal(plain["conv1.0.weight"], state["conv1.0.weight"])
    assert trained["fc.weight"].shape == (2, state["fc.weight"].shape[1])
    assert trainable == ["fc.weight", "fc.bias"]
    assert any(path.endswith("/model.safetensors") for path in asked)
