from __future__ import annotations

import os
import subprocess
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
import timm
import torch
from safetensors.torch import save
from torch import nn
from torchvision import models

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
    done = subprocess.run(
        [sys.executable, "-c", _TIMMS, str(kept)], env=os.environ, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr[-2000:]
    plain, trained, trainable = torch.load(kept, weights_only=True)

    assert torch.equal(trained["conv1.0.weight"], state["conv1.0.weight"])
    assert not torch.equal(plain["conv1.0.weight"], state["conv1.0.weight"])
    assert trained["fc.weight"].shape == (2, state["fc.weight"].shape[1])
    assert trainable == ["fc.weight", "fc.bias"]
    assert any(path.endswith("/model.safetensors") for path in asked)
