"""A finished run opened for a follow-up: its networks answer as they did, or it is refused."""

from __future__ import annotations

import shutil

import numpy as np
import pytest
import torch
from followed import trained

from bench.followup.finished_run import finished_run
from bench.followup.kept_parts import KeptParts
from bench.runs.progress import Progress
from bench.training.evaluate import evaluate
from registry.errors import DataError, RunError

_QUIET = Progress(shown=False)


@pytest.fixture(scope="module")
def run(tmp_path_factory, hastened_runs):
    """A run of two tiny networks with one seed."""
    return trained(tmp_path_factory.mktemp("followed"))


@pytest.fixture
def copied(run, tmp_path):
    """The folder of that run, and one of its images, as a copy that may be harmed."""
    return shutil.copytree(run, tmp_path / run.name)


def test_the_networks_answer_as_they_did(run):
    """Each on its test images: the same probabilities."""
    with finished_run(run, "runs", _QUIET) as opened:
        for trial in opened.trials:
            batches = opened.batches(trial).evaluation(opened.images(trial))
            answer = evaluate(opened.network(trial), batches.epoch(), device=torch.device("cpu"))

            assert np.allclose(answer.probabilities, trial.test.probabilities, atol=1e-5)
    assert len(opened.trials) == 2


def test_missing_weights_are_told_in_one_line(copied):
    """With the option that keeps them."""
    next(copied.rglob("weights.safetensors")).unlink()

    with (
        pytest.raises(RunError, match=r"weights of 1 of 2 networks: .* without --no-weights"),
        finished_run(copied, "runs", _QUIET),
    ):
        pass


def test_a_changed_image_is_named(run, tmp_path):
    """Before any network is asked."""
    image = run.parent.parent / "drawn" / "Cat" / "cat.3.jpg"
    before = image.read_bytes()
    shutil.copyfile(image.with_name("cat.4.jpg"), image)
    try:
        with (
            finished_run(run, "runs", _QUIET) as opened,
            pytest.raises(DataError, match=r"not those that it had: \S*cat.3.jpg"),
        ):
            opened.images(opened.trials[0])
    finally:
        image.write_bytes(before)


def test_missing_images_are_told(run):
    """The folder is named."""
    drawn = run.parent.parent / "drawn"
    drawn.rename(drawn.with_name("away"))
    try:
        with finished_run(run, "runs", _QUIET) as opened, pytest.raises(DataError, match="drawn"):
            opened.images(opened.trials[0])
    finally:
        drawn.with_name("away").rename(drawn)


def test_kept_parts_come_back_for_their_key_alone(tmp_path):
    """Another setting, or a damaged file, has none."""
    kept = KeptParts(tmp_path, "stress")
    kept.keep({"weights": "a", "severity": 1}, {"said": np.arange(3)})

    assert kept.read({"severity": 1, "weights": "a"})["said"].tolist() == [0, 1, 2]
    assert kept.read({"weights": "b", "severity": 1}) is None
    (file,) = (tmp_path / "followups" / "parts" / "stress").iterdir()
    file.write_bytes(file.read_bytes()[:20])
    assert kept.read({"weights": "a", "severity": 1}) is None
