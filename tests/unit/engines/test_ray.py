"""Trials on a cluster of two nodes on this machine: the same answers, each recorded once."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import signal
import sys
import threading
import time
from collections import deque
from dataclasses import replace
from importlib import util
from pathlib import Path
from types import SimpleNamespace

import psutil
import pytest
import torch
from drawn_folder import draw_folder
from made_records import made_spec
from paths import PLUGINS
from torch import nn
from zoo_process import ZooProcess

import bench
from bench.data.check import check
from bench.data.find import find
from bench.data.pixel_source import DirectPixels
from bench.data.split import as_plain as split_as_plain
from bench.data.split import stratified_split
from bench.engines import ray_node
from bench.engines.executor import ExecutorConfig
from bench.engines.process import Job, as_plain, job_of
from bench.engines.ray import RayExecutor
from bench.runs.progress import Progress
from registry import Architecture, Contract
from registry.errors import RunError

pytestmark = pytest.mark.skipif(not psutil.LINUX, reason="Linux")
needs_ray = pytest.mark.skipif(util.find_spec("ray") is None, reason="ray is not installed")

_MARKS = "RAY_TEST_MARKS"  # a folder: in it a trial says that it runs, once, and waits for its end
_PATIENCE_SECONDS = 120.0


class Waiting(nn.Sequential):
    """One linear layer on a grey image. The first time that it trains it waits to be killed."""

    def __init__(self, num_classes: int) -> None:
        super().__init__(nn.Flatten(), nn.Linear(1024, num_classes))

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        """Return logits, or never."""
        if self.training and images.device.type == "cpu" and _MARKS in os.environ:
            _wait_once(Path(os.environ[_MARKS]))
        return super().forward(images)


def _wait_once(folder):
    """Say who does this, and wait, unless two have said so before."""
    if len(list(folder.iterdir())) >= 2 or (folder / str(os.getpid())).exists():
        return
    (folder / str(os.getpid())).touch()
    time.sleep(30)


WAITING = Architecture(
    name="waiting",
    constructor=f"{__name__}:Waiting",
    contract=Contract(input_shape=(1, 32, 32), output_shape=(2,), parameters=2050),
)


@pytest.fixture(scope="module")
def cluster(tmp_path_factory):
    """The address of a cluster that does no trial on its head and one on each of two nodes."""
    marks = tmp_path_factory.mktemp("marks")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER", "0")  # loopback alone
        patch.setenv("RAY_USAGE_STATS_ENABLED", "0")
        patch.setenv("RAY_worker_niceness", "0")
        patch.setenv("PYTHONPATH", os.pathsep.join(filter(None, sys.path)))
        patch.setenv(_MARKS, str(marks))
        from ray.cluster_utils import Cluster

        made = Cluster(
            initialize_head=True, head_node_args={"num_cpus": 0, "include_dashboard": False}
        )
        for _ in range(2):
            made.add_node(num_cpus=1)
        patch.delenv(_MARKS)
        yield SimpleNamespace(address=made.address, marks=marks)
        import ray

        ray.shutdown()
        made.shutdown()


def _kill_what_waits(marks, killed):
    """Kill the process of Ray's that one trial is in, and then the node that another is on."""
    until = time.monotonic() + _PATIENCE_SECONDS
    while len(killed) < 2 and time.monotonic() < until:
        for path in marks.iterdir():
            with contextlib.suppress(psutil.NoSuchProcess):
                trial = psutil.Process(int(path.name))
                server = trial.parent()
                worker = None if server is None else server.parent()
                if path.name in killed or worker is None or worker.pid == 1:
                    continue
                victim = worker.parent() if killed else worker
                killed[path.name] = victim.name()
                victim.kill()
        time.sleep(0.05)


def _run(folder, **options):
    given = {"progress": False, "epochs": 1, "layout": "contiguous", "seeds": (0, 1), "threads": 1}
    return bench.run([WAITING], folder / "drawn", **given | {"runs": folder / "runs"} | options)


@pytest.fixture(scope="module")
def runs(cluster, tmp_path_factory):
    """Two seeds in this process, and by a cluster of which a process and a node are killed."""
    folder = tmp_path_factory.mktemp("ray")
    draw_folder(folder / "drawn")
    plain = _run(folder, isolate=False)
    killed = {}
    killer = threading.Thread(target=_kill_what_waits, args=(cluster.marks, killed))
    killer.start()
    by_ray = _run(folder, engine="ray", address=cluster.address)
    killer.join()
    return SimpleNamespace(plain=plain, ray=by_ray, killed=list(killed.values()))


def _answers(results):
    return [
        (results.folder / "waiting" / f"seed-{seed}" / "predictions.csv").read_bytes()
        for seed in (0, 1)
    ]


@needs_ray
def test_what_is_lost_is_sent_again_and_recorded_once(runs):
    """A killed process of Ray's and a killed node cost time, and no record."""
    assert runs.killed[1] == "raylet"
    assert runs.killed[0] != "raylet"
    assert [(r.spec.seed, r.status) for r in runs.ray.records] == [(0, "ok"), (1, "ok")]
    assert (runs.ray.exit_code, runs.ray.unfinished) == (0, 0)


@needs_ray
def test_answers_are_those_of_a_plain_run(runs):
    """Byte for byte, with weights in the run folder; a seed's are not another seed's."""
    plain, by_ray = _answers(runs.plain), _answers(runs.ray)

    assert plain == by_ray
    assert plain[0] != plain[1]
    assert [r.digest for r in runs.plain.records] == [r.digest for r in runs.ray.records]
    assert [r.spec.id for r in runs.plain.records] == [r.spec.id for r in runs.ray.records]
    assert (runs.ray.folder / "waiting" / "seed-1" / "weights.safetensors").is_file()


@needs_ray
def test_times_of_a_cluster_are_shared_ones(runs):
    """There was room for two, or for one after a node was gone; the title names the engine."""
    assert "by ray" in runs.ray.title
    assert max(record.jobs for record in runs.ray.records) >= 1
    assert not list(runs.ray.folder.rglob(ray_node.STOP))


@needs_ray
def test_ctrl_c_saves_and_another_engine_goes_on(tmp_path, monkeypatch):
    """All processes of a terminal get it, and nothing is left; the end is an unbroken one's."""
    draw_folder(tmp_path / "drawn")
    fixed = {"epochs": 15, "batch_size": 4, "threads": 1, "layout": "contiguous"}
    flags = [
        part for name, value in fixed.items() for part in (f"--{name.replace('_', '-')}", value)
    ]
    begun = ["bench", "shaky", "--data", "drawn", *flags, "--checkpoint-every", "5"]
    place = {"cwd": tmp_path, "plugins": [PLUGINS / "shakynet"], "cache": tmp_path / "cache"}
    zoo = ZooProcess([*begun, "--engine", "ray"], **place)
    while zoo.running and not list((tmp_path / "runs").rglob("last.json")):
        time.sleep(0.02)
    zoo.hit(signal.SIGINT)
    code = zoo.wait()
    again = ZooProcess([*zoo.resume_command(), "--engine", "local", "--json"], **place)
    ended = again.wait()
    (trial,) = json.loads(again.output)["trials"]
    monkeypatch.syspath_prepend(PLUGINS / "shakynet")
    whole = bench.run(
        ["shaky"],
        tmp_path / "drawn",
        runs=tmp_path / "whole",
        isolate=False,
        progress=False,
        **fixed,
    )

    assert (code, ended) == (130, 0), zoo.lines
    assert zoo.orphans() == []
    assert trial["resumed"] == 1
    assert trial["digest"] == whole.records[0].digest


@needs_ray
def test_a_cluster_without_room_is_told(cluster, tmp_path):
    """The cores that its largest node has are named, before anything is sent."""
    draw_folder(tmp_path / "drawn")
    with pytest.raises(RunError, match="no node of the cluster has 64 cores: the largest has 1"):
        _run(tmp_path, engine="ray", address=cluster.address, threads=64)


def test_without_the_library_one_line_says_what_to_install(zoo, monkeypatch):
    """Exit code 2, and nothing is trained."""
    found = util.find_spec
    monkeypatch.setattr(
        "bench.engines.registry.find_spec", lambda name: None if name == "ray" else found(name)
    )
    code, out, err = zoo("bench", "lenet5", "--engine", "ray")

    assert (code, out) == (2, "")
    assert err == "zoo: --engine ray needs a library: pip install 'zoo-bench[ray]'\n"


@pytest.fixture
def job(drawn, tmp_path):
    """A trial of a built-in network on drawn images."""
    split = stratified_split(check(find(drawn)))
    return Job(
        spec=made_spec("lenet"),
        split=split,
        source=DirectPixels(),
        folder=tmp_path,
        checkpoints=tmp_path / "checkpoints",
        cadence={"seconds": 60.0, "steps": None},
        profile=False,
        weights=True,
        timeout=7.0,
        memory_bytes=10**9,
        jobs=3,
    )


def _asked(job, **facts):
    plain = as_plain(job)
    spec = plain["spec"]
    wanted = ray_node.facts({spec["model"]: spec["architecture"]}, plain["path"]) | facts
    return ray_node.trial(plain, split_as_plain(job.split), plain["source"], wanted)


def test_a_job_is_the_same_after_a_journey(job):
    """All of it but where pixels come from, of which the description is handed on."""
    there = job_of(as_plain(job))

    assert replace(there, source=job.source) == job
    assert as_plain(there) == as_plain(job)


def test_a_node_with_another_version_refuses_by_name(job):
    """Of a package, of a network's code, or one that it lacks."""
    other = _asked(job, torch="0.9.1")["refused"]
    code = _asked(job, **{"the code of lenet": hashlib.sha256().hexdigest()})["refused"]
    lacking = _asked(job, **{"the code of mynet": "0" * 64})["refused"]

    assert "instead of 0.9.1" in other
    assert "the code of lenet differs" in code
    assert "it lacks the code of mynet" in lacking
    assert all(each.startswith("on the node ") for each in (other, code, lacking))


def test_a_node_refuses_code_that_nobody_finds():
    """What is unknown on both sides is not the same; a package that both lack is."""
    unknown = {"the code of mynet": None, "timm": None}

    assert ray_node.describe_differences(unknown, unknown) == ["the code of mynet cannot be found"]


def test_a_node_with_other_images_refuses(job):
    """A file that was changed, and one that is not there."""
    job.split.train[0].file.path.write_bytes(b"another")
    job.split.test[0].file.path.unlink()
    refused = _asked(job)["refused"]

    assert "2 of 24 images are missing or have changed" in refused
    assert "every node must have the data under the same path" in refused


def test_a_node_without_the_run_folder_refuses(job, tmp_path):
    """Weights and checkpoints would have no place."""
    assert (
        "does not exist: every node must have it"
        in _asked(replace(job, folder=tmp_path / "gone"))["refused"]
    )


def test_a_trial_that_is_to_stop_is_not_begun(job):
    """The file says so before anything is done; without it, and all alike, it would be done."""
    (job.folder / ray_node.STOP).touch()

    assert _asked(job) == {"begun": False}


@pytest.fixture
def engine():
    """An engine that has joined no cluster."""
    made = object.__new__(RayExecutor)
    made._callback, made._setup = Progress(shown=False), ExecutorConfig()
    made._waiting, made._running, made._stopping = deque(), {}, False
    return made


def test_what_is_lost_again_and_again_is_recorded(engine, job):
    """Three times it is sent again; then it is a record, and not in line any more."""
    engine.submit(5, job)
    results = []
    for _ in range(4):
        results.append(engine._lost(engine._waiting.popleft(), RuntimeError("gone")))

    assert results[:3] == [None] * 3
    assert results[3].record.status == "killed"
    assert "lost 4 times with the process or node that it ran on" in results[3].record.error
    assert not engine._waiting


def test_what_is_lost_while_stopping_is_interrupted(engine, job):
    """It is to be gone on with, and not sent again."""
    engine.submit(5, job)
    engine._stopping = True
    result = engine._lost(engine._waiting.popleft(), RuntimeError("gone"))

    assert result.record.status == "interrupted"
    assert not engine._waiting


def test_a_stop_while_a_trial_is_sent_reaches_it(engine, job, monkeypatch):
    """As it would reach one that was sent before."""

    def submit_task(sent):
        engine.stop()
        return "reference"

    monkeypatch.setattr(engine, "_places", lambda job: 1)
    monkeypatch.setattr(engine, "_submit_task", submit_task)
    engine.submit(5, job)
    engine._send()

    assert (job.folder / ray_node.STOP).exists()


@pytest.mark.parametrize(("jobs", "places", "sent"), [(None, 3, 6), (2, 3, 2), (8, 3, 8)])
def test_a_bounded_number_is_sent(engine, job, monkeypatch, jobs, places, sent):
    """Twice what there is room for, or as many as were asked for; the record has what can be."""
    engine._setup = ExecutorConfig(jobs=jobs)
    monkeypatch.setattr(engine, "_places", lambda job: places)
    monkeypatch.setattr(engine, "_submit_task", lambda each: each.number)
    for number in range(100):
        engine.submit(number, job)
    engine._send()

    assert len(engine._running) == sent
    assert {each.jobs for each in engine._running.values()} == {min(jobs or places, places)}
