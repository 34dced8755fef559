from __future__ import annotations

import os
import signal
import stat
import threading
import time
from dataclasses import replace

import pytest
import torch
from torch import nn

from bench.data.check import check
from bench.data.find import find
from bench.data.pixel_source import DirectPixels
from bench.data.split import stratified_split
from bench.engines.process import Job, TrialProcess
from bench.progress import Progress
from bench.recipe import DEFAULT
from bench.record import TrialSpec
from zoo import LENET5


class Grey(nn.Sequential):
    """One linear layer on a grey image."""

    def __init__(self, num_classes: int) -> None:
        super().__init__(nn.Flatten(), nn.Linear(1024, num_classes))


class Breaking(Grey):
    """It is killed in the middle of a message."""

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        """Begin a long message, and die."""
        for descriptor in range(3, 64):
            try:
                if stat.S_ISSOCK(os.fstat(descriptor).st_mode):
                    os.write(descriptor, b"\0\0\xff\xff half of it")
            except OSError:
                continue
        os.kill(os.getpid(), signal.SIGKILL)
        return super().forward(images)


@pytest.fixture
def job(drawn, tmp_path):
    """One epoch of a tiny network."""
    split = stratified_split(check(find(drawn)))
    contract = replace(LENET5.contract, parameters=2050)
    architecture = replace(LENET5, constructor=f"{__name__}:Grey", contract=contract)
    spec = TrialSpec(
        model="mine",
        architecture=architecture,
        origin="here",
        recipe=replace(DEFAULT, epochs=1, batch_size=4),
        classes=("cat", "dog"),
        split_fingerprint="",
        seed=0,
    )
    return Job(
        spec=spec,
        split=split,
        source=DirectPixels(),
        folder=tmp_path,
        checkpoints=tmp_path / "checkpoints",
        cadence={},
        profile=False,
        weights=False,
        timeout=None,
        memory_bytes=None,
    )


def test_a_stop_before_the_job_was_read_is_an_interruption(job):
    """It is to be gone on with, and not a failure for good."""
    process = TrialProcess()
    threading.Timer(0.3, process.stop).start()  # torch takes longer to import
    record = process.run(job, Progress(shown=False)).record

    assert (record.status, record.error) == ("interrupted", "stopped by the user")


def test_a_kill_in_the_middle_of_a_message_is_a_kill(job):
    """It is not taken for a message that nobody can understand."""
    architecture = replace(job.spec.architecture, constructor=f"{__name__}:Breaking")
    spec = replace(job.spec, architecture=architecture)
    record = TrialProcess().run(replace(job, spec=spec), Progress(shown=False)).record

    assert (record.status, record.error) == ("killed", "its process was ended by SIGKILL")
    assert record.phase == "contract"


def test_a_deadline_leaves_no_thread_behind(job):
    """A trial that is done in time is not ended after all."""
    before = threading.active_count()
    record = TrialProcess().run(replace(job, timeout=60.0), Progress(shown=False)).record
    time.sleep(0.1)

    assert record.status == "ok"
    assert threading.active_count() == before
