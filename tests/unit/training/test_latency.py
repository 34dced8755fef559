from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from torch import nn

from bench.data.check import check
from bench.data.find import find
from bench.data.split import stratified_split
from bench.runs.progress import Progress
from bench.training.latency import inference_times, percentile, repeat_timing
from bench.training.layer_summary import count_multiply_adds
from bench.training.recipe import DEFAULT
from bench.training.spec import TrialSpec
from bench.training.trial import run_trial
from zoo import LENET5


class Grey(nn.Sequential):
    """One linear layer on a grey image."""

    def __init__(self, num_classes: int) -> None:
        super().__init__(nn.Flatten(), nn.Linear(1024, num_classes))


class Picky(Grey):
    """It takes no batch of one image where it is timed, which its test has not met."""

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        """Fail for one image, the walk on the meta device left out."""
        if len(images) == 1 and images.device.type != "meta":
            raise ValueError("one is not enough")
        return super().forward(images)


class Hungry(Grey):
    """There is no memory for 32 images."""

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        """Fail for many images."""
        if len(images) == 32:
            raise RuntimeError("DefaultCPUAllocator: can't allocate memory")
        return super().forward(images)


class Drawing(Grey):
    """It draws random numbers whenever it answers."""

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        """Return logits."""
        torch.rand(1)
        return super().forward(images)


@pytest.fixture
def split(drawn):
    """16 images to train, 4 to validate, 4 to test."""
    return stratified_split(check(find(drawn)))


def _run(name, split):
    contract = replace(LENET5.contract, parameters=2050)
    architecture = replace(LENET5, name="mine", constructor=f"{__name__}:{name}", contract=contract)
    spec = TrialSpec(
        model="mine",
        architecture=architecture,
        origin="here",
        recipe=replace(DEFAULT, epochs=1, batch_size=4),
        classes=("cat", "dog"),
        split_fingerprint="",
        seed=0,
    )
    return run_trial(spec, split, Progress(shown=False))


def test_a_trial_times_one_image_and_32(split):
    """Of four test images 32 are made; a network this fast is timed fifty times."""
    record = _run("Grey", split).record

    assert [time.batch for time in record.inference] == [1, 32]
    assert all(time.p50_seconds > 0 for time in record.inference)
    assert all(5 <= time.repetitions <= 50 for time in record.inference)


def test_what_fails_when_it_is_timed_fails_in_that_phase(split):
    """The row says what was being done."""
    record = _run("Picky", split).record

    assert (record.status, record.phase) == ("failed", "inference")
    assert record.error == "ValueError: one is not enough"


def test_no_memory_for_many_images_leaves_that_size_out(split):
    """Nobody asked for 32 at once: the trial is well all the same."""
    record = _run("Hungry", split).record

    assert record.status == "ok"
    assert [time.batch for time in record.inference] == [1]


def test_timing_changes_no_weights_and_no_answers(split, monkeypatch):
    """Though the network draws numbers: with and without it, all else is the same."""
    repeat_timing = _run("Drawing", split)
    monkeypatch.setattr("bench.training.trial_evaluation.inference_times", lambda *_: ())
    untimed = _run("Drawing", split)

    assert untimed.record.inference == ()
    assert repeat_timing.record.digest == untimed.record.digest
    assert np.array_equal(repeat_timing.test.probabilities, untimed.test.probabilities)
    assert all(torch.equal(repeat_timing.last_weights.state[name], value)
               for name, value in untimed.last_weights.state.items())  # fmt: skip


@pytest.mark.parametrize("layout", ["channels_last", "contiguous"])
def test_a_batch_is_of_real_images_in_the_trials_memory_order(layout):
    """In evaluation mode, without gradients, each image as it was given, over and over."""
    images, met = torch.rand(3, 3, 8, 8), []

    class Watching(nn.Module):
        def forward(self, images):
            met.append((images, self.training, torch.is_grad_enabled()))
            return images.flatten(1)

    inference_times(Watching().train(), images, layout, torch.float32)
    many, training, gradients = met[-1]

    assert torch.equal(met[0][0], images[:1])
    assert torch.equal(many, images[torch.arange(32) % 3])
    assert many.is_contiguous(memory_format=torch.channels_last) == (layout == "channels_last")
    assert (training, gradients) == (False, False)


@pytest.mark.parametrize(
    ("each", "count"), [(0.001, 50), (0.02, 20), (0.1, 5), (0.4, 3), (20.0, 1)]
)
def test_a_slow_network_is_timed_less_often(each, count):
    """50 times, or 0.4 s worth of it, five at least; but no longer than a second if it can."""
    now = [0.0]

    def measure():
        now[0] += each
        return each

    assert abs(len(repeat_timing(measure, lambda: now[0])) - count) <= 1


def test_a_long_first_pass_warms_up_alone():
    """A network of a second a batch is not run twice before it is timed."""
    calls, now = [], [0.0]

    def measure():
        now[0] += 0.3
        calls.append(now[0])
        return 0.3

    timed = repeat_timing(measure, lambda: now[0])

    assert len(calls) == len(timed) + 1


@pytest.mark.parametrize(("repetitions", "has_tail"), [(19, False), (20, True)])
def test_few_passes_have_no_95th_percentile(monkeypatch, repetitions, has_tail):
    """It would be little but the slowest of them; the median stands alone."""
    monkeypatch.setattr("bench.training.latency.repeat_timing", lambda _: [0.5] * repetitions)
    one, _ = inference_times(nn.Flatten(), torch.zeros(1, 1, 2, 2), "contiguous", torch.float32)

    assert (one.p50_seconds, one.p95_seconds) == (0.5, 0.5 if has_tail else None)


def test_the_warm_up_is_thrown_away():
    """The first two answers, which are slow, are in no figure."""
    seconds = iter([9.0, 9.0, *[1.0] * 100])

    assert set(repeat_timing(lambda: next(seconds), lambda: 0.0)) == {1.0}


def test_percentiles_are_numpys():
    """Median and 95th percentile of a skewed handful, by numpy.percentile: 3 and 8.4."""
    assert percentile([1.0, 2.0, 3.0, 4.0, 9.5], 50) == 3
    assert percentile([1.0, 2.0, 3.0, 4.0, 9.5], 95) == pytest.approx(8.4)
    assert percentile([2.5], 95) == 2.5


def test_multiply_adds_are_of_the_datas_classes(split):
    """1,024 for each class; of the record, too."""
    contract = replace(LENET5.contract, parameters=2050)
    grey = replace(LENET5, constructor=f"{__name__}:Grey", contract=contract)

    assert count_multiply_adds(grey, 10) == 10_240
    assert _run("Grey", split).record.multiply_adds == 2048


class Unruly(Grey):
    """It can't be walked through one image at a time."""

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        """Fail for one image."""
        if len(images) == 1:
            raise ValueError("one is not enough")
        return super().forward(images)


def test_what_cannot_be_counted_is_none():
    """It is no reason to refuse a network."""
    architecture = replace(LENET5, constructor=f"{__name__}:Unruly")

    assert count_multiply_adds(architecture, 2) is None
