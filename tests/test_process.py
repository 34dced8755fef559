from __future__ import annotations

import os
import signal
import stat
import threading
import time
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from torch import nn

from bench.data.check import check
from bench.data.find import find
from bench.data.pixel_source import DirectPixels
from bench.data.split import stratified_split
from bench.engines import spawn
from bench.engines.process import Job, TrialProcess
from bench.engines.spawn import TrialServer
from bench.progress import Progress
from bench.recipe import DEFAULT
from bench.record import TrialSpec
from registry.errors import RunError
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


@pytest.fixture(scope="module")
def server():
    """A server as the program has it: a new process that imports torch."""
    server = TrialServer()
    yield server
    server.close()


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


def test_a_stop_before_the_job_was_read_is_an_interruption(job, server):
    """It is to be gone on with, and not a failure for good."""
    process = TrialProcess(server.begin())
    process.stop()
    record = process.run(job, Progress(shown=False)).record

    assert (record.status, record.error) == ("interrupted", "stopped by the user")


def test_a_kill_in_the_middle_of_a_message_is_a_kill(job, server):
    """It is not taken for a message that nobody can understand."""
    architecture = replace(job.spec.architecture, constructor=f"{__name__}:Breaking")
    spec = replace(job.spec, architecture=architecture)
    process = TrialProcess(server.begin())
    record = process.run(replace(job, spec=spec), Progress(shown=False)).record

    assert (record.status, record.error) == ("killed", "its process was ended by SIGKILL")
    assert record.phase == "contract"


def test_a_deadline_leaves_no_thread_behind(job, server):
    """A trial that is done in time is not ended after all."""
    before = threading.active_count()
    process = TrialProcess(server.begin())
    record = process.run(replace(job, timeout=60.0), Progress(shown=False)).record
    time.sleep(0.1)

    assert record.status == "ok"
    assert threading.active_count() == before


def test_a_server_that_was_killed_is_begun_anew(job):
    """What it had begun is killed with it; the next trial is done by another."""
    server = TrialServer()
    first = server.begin()
    os.kill(server._process.pid, signal.SIGKILL)
    record = TrialProcess(server.begin()).run(job, Progress(shown=False)).record
    code = first.wait(10)
    first.close()
    server.close()

    assert code == -signal.SIGKILL
    assert not Path(f"/proc/{first.pid}").exists() or "(zombie)" in _state(first.pid)
    assert record.status == "ok"


def _state(pid):
    return Path(f"/proc/{pid}/status").read_text().partition("State:")[2].splitlines()[0]


def test_a_server_that_can_begin_nothing_says_why(monkeypatch):
    """One line with the last that it said, and no wait without an end."""
    monkeypatch.setattr("bench.engines.spawn._BOOT", "raise SystemExit('no torch here')")
    server = TrialServer()
    with pytest.raises(RunError, match=r"the process that starts them left with 1: no torch here"):
        server.begin()
    server.close()


def test_trials_of_one_server_know_nothing_of_each_other(job, server):
    """Each has all that the first had: generators, threads, and no descriptor of the others."""
    records = [TrialProcess(server.begin()).run(job, Progress(shown=False)).record for _ in "ab"]

    assert {record.status for record in records} == {"ok"}
    assert records[0].digest == records[1].digest


def test_without_forks_a_trial_has_a_new_interpreter(job, server, monkeypatch):
    """Where CUDA's driver was loaded, a fork could not use it: the same result, more slowly."""
    expected = TrialProcess(server.begin()).run(job, Progress(shown=False)).record
    boot = spawn._BOOT.replace("serve(", "child._can_fork = lambda: False; serve(")
    monkeypatch.setattr(spawn, "_BOOT", f"from bench.engines import child; {boot}")
    other = TrialServer()
    record = TrialProcess(other.begin()).run(job, Progress(shown=False)).record
    other.close()

    assert (record.status, record.digest) == ("ok", expected.digest)
