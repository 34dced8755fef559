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
from bench.runs.progress import Progress
from bench.training.recipe import DEFAULT
from bench.training.spec import TrialSpec
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

    assert (record.status, record.error) == ("killed", "its process was killed by SIGKILL")
    assert record.phase == "contract"


def test_a_deadline_leaves_no_thread_behind(job, server):
    """A trial that is done in time is not ended after all."""
    before = threading.active_count()
    process = TrialProcess(server.begin())
    record = process.run(replace(job, timeout=60.0), Progress(shown=False)).record
    time.sleep(0.1)

    assert record.status == "ok"
    assert threading.active_count() == before


_WAITING = """
import os, subprocess, time

def do(connection):
    print(os.getpid(), subprocess.Popen(["sleep", "600"]).pid, flush=True)
    time.sleep(600)
"""


@pytest.fixture
def light_server(tmp_path, monkeypatch):
    """A server, without torch, of processes that begin another, say both numbers, and wait."""
    (tmp_path / "waiting_child.py").write_text(_WAITING)
    monkeypatch.syspath_prepend(tmp_path)
    boot = spawn._BOOT.replace("(sys.argv[3]))", "(sys.argv[3]), 'waiting_child')")
    monkeypatch.setattr(spawn, "_BOOT", boot)
    server = TrialServer()
    yield server
    server.close()


def test_a_server_that_was_killed_is_begun_anew(light_server):
    """What it had begun is killed with it; the next process is begun by another."""
    first = light_server.begin()
    orphan = int(os.read(first.output, 100).split()[1])
    os.kill(light_server._process.pid, signal.SIGKILL)
    second = light_server.begin()
    said = os.read(second.output, 100)
    codes = first.wait(30), second.poll()
    _end(first, second)

    assert codes == (-signal.SIGKILL, None)
    assert _gone(orphan)
    assert int(said.split()[0]) == second.pid


def test_what_a_trial_has_begun_is_killed_with_it(light_server):
    """Its whole process group, at once."""
    begun = light_server.begin()
    both = [int(number) for number in os.read(begun.output, 100).split()]
    begun.kill()
    code = begun.wait(30)
    _end(begun)

    assert code == -signal.SIGKILL
    assert _gone(*both)


def _end(*begun):
    for each in begun:
        each.kill()
        each.wait(30)
        each.close()
        os.close(each.output)


def _gone(*numbers):
    until = time.monotonic() + 30
    while any(map(_runs, numbers)) and time.monotonic() < until:
        time.sleep(0.01)
    return not any(map(_runs, numbers))


def _runs(pid):
    try:
        return "State:\tZ" not in Path(f"/proc/{pid}/status").read_text()
    except OSError:
        return False


def test_a_trial_runs_where_it_was_asked_for(light_server, tmp_path, monkeypatch):
    """Its paths may be relative, whatever folder its server was begun in."""
    folder = tmp_path / "elsewhere"
    folder.mkdir()
    monkeypatch.chdir(folder)
    begun = light_server.begin()
    os.read(begun.output, 100)
    where = Path(f"/proc/{begun.pid}/cwd").resolve()
    _end(begun)

    assert where == folder.resolve()


def test_a_server_that_can_begin_nothing_says_why(monkeypatch):
    """One line with the last that it said, and no wait without an end."""
    monkeypatch.setattr("bench.engines.spawn._BOOT", "raise SystemExit('no torch here')")
    server = TrialServer()
    with pytest.raises(RunError, match=r"the trial server exited with code 1: no torch here"):
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
    boot = spawn._BOOT.replace("serve(", "child.can_fork_now = lambda: False; serve(")
    monkeypatch.setattr(spawn, "_BOOT", f"from bench.engines import child; {boot}")
    other = TrialServer()
    record = TrialProcess(other.begin()).run(job, Progress(shown=False)).record
    other.close()

    assert (record.status, record.digest) == ("ok", expected.digest)


class Sleeping(Grey):
    """It takes longer to be built than it may, and then says that nobody has ended it."""

    def __init__(self, num_classes: int) -> None:
        time.sleep(5)
        raise RuntimeError("nobody has ended it")


class Hungry(Grey):
    """It asks for 4 GiB, without touching them."""

    def __init__(self, num_classes: int) -> None:
        super().__init__(num_classes)
        self.eaten = torch.empty(2**32, dtype=torch.uint8, device="cpu")


def _of(job, name, **changes):
    architecture = replace(job.spec.architecture, constructor=f"{__name__}:{name}")
    return replace(job, spec=replace(job.spec, architecture=architecture), **changes)


def test_a_trial_that_takes_too_long_is_ended(job, server):
    """Its status says so, with the seconds that it had."""
    process = TrialProcess(server.begin())
    record = process.run(_of(job, "Sleeping", timeout=4.0), Progress(shown=False)).record

    assert (record.status, record.phase) == ("timeout", "contract")
    assert "not finished within the 4 s of --timeout" in record.error


def test_a_trial_holds_no_more_than_it_may(job, server):
    """What it asks for beyond is an error of its own, and no other process's end."""
    process = TrialProcess(server.begin())
    record = process.run(_of(job, "Hungry", memory_bytes=3 * 2**30), Progress(shown=False)).record

    assert (record.status, record.phase) == ("out-of-memory", "contract")
