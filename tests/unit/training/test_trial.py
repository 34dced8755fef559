from __future__ import annotations

import signal
from dataclasses import replace

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn import functional as F

from bench.data.batch_options import Augmentation
from bench.data.check import check
from bench.data.decode import decode
from bench.data.find import find
from bench.data.loader import Batch
from bench.data.loader import TrainingDataset as ImageDataset
from bench.data.split import stratified_split
from bench.data.transform import GREY, evaluation_pixels, normalize_batch
from bench.runs.progress import Progress
from bench.training.recipe import DEFAULT, TEXTBOOK
from bench.training.spec import TrialSpec
from bench.training.train_state import TrainState
from bench.training.trial import run_trial
from zoo import LENET5


class Grey(nn.Module):
    """The smallest network that can learn: one linear layer on a grey image."""

    def __init__(self, num_classes: int, pretrained: bool = False) -> None:
        super().__init__()
        self.fc = nn.Linear(1024, num_classes)

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        """Return logits."""
        return self.fc(images.flatten(1))


class Raising(Grey):
    """A network that fails while it is trained."""

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        """Fail in training mode."""
        if self.training:
            raise RuntimeError("out of\nluck")
        return super().forward(images)


class NotANumber(Grey):
    """A network whose logits are no numbers."""

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        """Return NaN."""
        return super().forward(images) * torch.nan


class Infinite(Grey):
    """A network that prints, learns, and gives no numbers when it is evaluated."""

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        """Return infinity outside of training."""
        print("chatter")  # noqa: T201
        return super().forward(images) * (1 if self.training else torch.inf)


class Stopping(Grey):
    """A network during whose training somebody presses Ctrl-C."""

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        """Interrupt in training mode."""
        if self.training:
            raise KeyboardInterrupt
        return super().forward(images)


def _spec(name: str = "Grey", **changes) -> TrialSpec:
    contract = replace(LENET5.contract, parameters=2050)
    architecture = replace(LENET5, name="mine", constructor=f"{__name__}:{name}", contract=contract)
    options = {
        "model": "mine",
        "architecture": architecture,
        "origin": "here",
        "recipe": replace(DEFAULT, epochs=3, batch_size=4, initialization="own"),
        "classes": ("cat", "dog"),
        "split_fingerprint": "",
        "seed": 0,
    }
    return TrialSpec(**options | changes)


@pytest.fixture
def split(drawn):
    """16 images to train, 4 to validate, 4 to test."""
    return stratified_split(check(find(drawn)))


def _run(spec, split):
    return run_trial(spec, split, Progress(shown=False))


def test_a_trial_is_repeatable(split):
    """Two runs with one seed give the same answers, byte for byte, and the same weights."""
    first, second = _run(_spec(), split), _run(_spec(), split)

    assert np.array_equal(first.test.probabilities, second.test.probabilities)
    state = first.last_weights.state
    assert all(torch.equal(state[name], value) for name, value in second.last_weights.state.items())


@pytest.mark.parametrize("trained", [False, True])
def test_first_weights_fit_the_images(split, trained):
    """Filters are fitted before the first step, which takes its time; trained weights are kept."""
    own = _spec(recipe=replace(TEXTBOOK, epochs=1, batch_size=4, learning_rate=1e-9))
    fitted = replace(own, recipe=replace(own.recipe, initialization="patches"))
    if trained:
        arguments = (("pretrained", True),)
        fitted = replace(fitted, architecture=replace(fitted.architecture, arguments=arguments))
    first, second = _run(own, split), _run(fitted, split)
    weights = [result.last_weights.state["fc.weight"] for result in (first, second)]

    assert first.record.initialization_seconds == 0
    assert (second.record.initialization_seconds > 0) is not trained
    assert torch.allclose(*weights, atol=1e-6) is trained


def test_another_seed_is_another_trial(split):
    """The seed changes weights, order and augmentation, and so the answers."""
    first, second = _run(_spec(), split), _run(_spec(seed=1), split)

    assert not np.array_equal(first.test.probabilities, second.test.probabilities)
    assert first.record.spec.id != second.record.spec.id


def test_the_record_is_complete(split):
    """A finished trial says how every epoch went and what the test gave."""
    record = _run(_spec(), split).record

    assert (record.status, record.phase, record.contract) == ("ok", "done", "verified (meta)")
    assert [epoch.epoch for epoch in record.history] == [1, 2, 3]
    assert (record.test_images, record.parameters) == (4, 2050)
    assert 0 <= record.data_wait_seconds <= record.train_seconds


def test_the_best_weights_are_a_copy(split):
    """They are those of the best epoch, not a reference that went on training."""
    spec = _spec(recipe=replace(TEXTBOOK, epochs=4, batch_size=4, learning_rate=0.05))
    result = _run(spec, split)
    best = result.record.best.epoch
    again = _run(replace(spec, recipe=replace(spec.recipe, epochs=best)), split)

    assert result.best_weights.epoch == best
    state = again.last_weights.state
    assert all(torch.equal(state[n], value) for n, value in result.best_weights.state.items())


@pytest.mark.parametrize(
    ("name", "status", "phase", "error"),
    [
        ("Raising", "failed", "train", "RuntimeError: out of luck"),
        ("NotANumber", "diverged", "train", "the training loss is nan in epoch 1, step 1"),
        ("Infinite", "diverged", "validate", "the loss in evaluation is nan"),
        ("Stopping", "interrupted", "train", "stopped by the user"),
    ],
)
def test_a_failure_is_a_record(split, name, status, phase, error):
    """Whatever happens in a trial ends as one line, not as an exception."""
    signal.signal(signal.SIGINT, signal.default_int_handler)  # ignored in a background job
    record = _run(_spec(name), split).record

    assert (record.status, record.phase, record.error) == (status, phase, error)


def test_a_failure_while_weights_are_fitted_is_a_record(split):
    """The first pass through the network is that of fitting its weights."""
    spec = _spec("Raising")
    record = _run(
        replace(spec, recipe=replace(spec.recipe, initialization="patches")), split
    ).record

    assert (record.status, record.phase) == ("failed", "initialize")


def test_a_broken_contract_is_refused_before_any_epoch(split):
    """The record names promised and built; nothing was trained."""
    spec = _spec()
    contract = replace(spec.architecture.contract, parameters=7)
    liar = replace(spec, architecture=replace(spec.architecture, contract=contract))

    record = _run(liar, split).record

    assert (record.status, record.contract, record.history) == ("failed", "broken", ())
    assert "2,050 parameters, promised 7" in record.error


def test_the_callers_random_state_and_threads_are_kept(split):
    """A notebook's own random numbers go on as if no trial had run."""
    threads = torch.get_num_threads()
    torch.manual_seed(3)
    expected = torch.rand(1)
    torch.manual_seed(3)
    _run(_spec(), split)

    assert torch.equal(torch.rand(1), expected)
    assert torch.get_num_threads() == threads


def test_one_training_step_is_enough(split):
    """One epoch of one batch ends with a table, schedule included."""
    spec = _spec(recipe=replace(DEFAULT, epochs=1, batch_size=64))

    assert _run(spec, split).record.status == "ok"


class Leaving(Grey):
    """A network that tries to end the whole process."""

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        """Leave in training mode."""
        if self.training:
            raise SystemExit(0)
        return super().forward(images)


def test_a_network_cannot_end_the_comparison(split):
    """Even SystemExit(0) is one failed row."""
    record = _run(_spec("Leaving"), split).record

    assert record.status == "failed"
    assert record.error.startswith("SystemExit: 0")


def test_what_a_network_prints_stays_off_stdout(split, capsys):
    """A plugin that prints while it is trained does not get between a program and its JSON."""
    _run(_spec("Infinite"), split)
    told = capsys.readouterr()

    assert told.out == ""
    assert "chatter" in told.err


class Hungry(Grey):
    """A network for which there is no memory."""

    def __init__(self, num_classes: int) -> None:
        raise MemoryError("of 4 GB")


def test_want_of_memory_is_told_whatever_is_made_of_it(split):
    """The constructor's failure is another error, with that for its cause."""
    record = _run(_spec("Hungry"), split).record

    assert (record.status, record.phase) == ("out-of-memory", "contract")
    assert "the constructor" in record.error


def test_the_seed_decides_the_first_weights(split):
    """Trained by hardly anything, they are still those that the seed gave."""
    recipe = replace(TEXTBOOK, epochs=1, batch_size=16, learning_rate=1e-12)
    one, again, other = (_run(_spec(recipe=recipe, seed=seed), split) for seed in (0, 0, 1))
    weights = [result.last_weights.state["fc.weight"] for result in (one, again, other)]

    assert torch.equal(weights[0], weights[1])
    assert (weights[0] - weights[2]).abs().max() > 1e-3


@pytest.mark.parametrize("smoothing", [0.0, 0.4])
def test_label_smoothing_is_in_the_loss(smoothing):
    """The steps train by the recipe's share of it; the loss that is told is that one."""
    network = nn.Linear(3, 2)
    images, labels = torch.eye(3), torch.tensor([0, 1, 1])
    expected = F.cross_entropy(network(images), labels, label_smoothing=smoothing).item()
    recipe = replace(TEXTBOOK, label_smoothing=smoothing)
    cpu = torch.device("cpu")
    steps = TrainState(network, recipe, device=cpu, precision=torch.float32, phases=None)
    tally = steps.epoch([Batch(images=images, labels=labels)])

    assert tally.mean_loss == pytest.approx(expected)


def test_test_images_are_seen_as_they_are_and_in_their_order(split):
    """Centres, neither cut at random nor mirrored nor shuffled: by hand the answers are these."""
    spec = _spec()
    result = _run(spec, split)
    shape = spec.architecture.contract.input_shape
    pixels = [evaluation_pixels(np.asarray(decode(image.file.path)), shape) for image in split.test]
    network = Grey(2).eval()
    network.load_state_dict(result.last_weights.state)
    with torch.inference_mode():
        expected = network(normalize_batch(pixels, GREY)).softmax(1)

    assert result.test.labels.tolist() == [image.file.label for image in split.test]
    assert np.allclose(result.test.probabilities, expected, atol=1e-6)


def test_training_images_are_cut_and_ordered_as_the_recipe_says(split, monkeypatch):
    """Its augmentation and its batches reach what makes them, and the seed, too."""
    seen = []
    monkeypatch.setattr(
        "bench.training.trial_batches.TrainingDataset",
        lambda **how: seen.append(how) or ImageDataset(**how),
    )
    how = Augmentation(scale=(0.1, 0.2), flip_probability=0.0)
    recipe = replace(TEXTBOOK, epochs=1, augmentation=how, stratified_batches=True)
    _run(_spec(recipe=recipe, seed=5, fidelity="fast"), split)

    for view in seen:
        assert (view["augmentation"], view["stratified"]) == (how, True)
        assert (view["seed"], view["fidelity"]) == (5, "fast")
    assert [file.name for file in seen[-1]["files"]] == [i.file.name for i in split.train]
