from __future__ import annotations

import os
import sys
from dataclasses import replace

import pytest
from fuzz_store import result
from made_runs import spec
from paths import ROOT, SHARED
from warm import warm

import bench
from bench.report import trackers as tracking
from bench.report.trackers import Trackers, metrics_of, parameters_of
from registry.errors import RunError
from zoo.cli.app import main

GUARDED = """
import os, socket, sys, threading, time
sys.path[:0] = {path!r}
tried = []
def refuse(self, address):
    if self.family != socket.AF_UNIX:
        tried.append(address)
        raise OSError("guarded")
socket.socket.connect = socket.socket.connect_ex = refuse
def no_name(*address, **_):
    tried.append(address)
    raise socket.gaierror("guarded")
socket.getaddrinfo = no_name
begun, start = [], threading.Thread.start
def noted(self):
    begun.append(self.name)
    start(self)
threading.Thread.start = noted
from pathlib import Path
from fuzz_store import result
if {liar!r}:
    from bench.report import trackers as tracking
    tracking._MLFLOW = {{"MLFLOW_ALLOW_FILE_STORE": "true"}}
from bench.report.trackers import Trackers
folder = Path({folder!r})
said = []
Trackers(["mlflow"], folder, said.append).log(folder / "lenet" / "seed-0", result(0).record)
until = time.monotonic() + 60
while begun and not tried and time.monotonic() < until:
    time.sleep(0.05)
print(said, file=sys.stderr)
print(len(begun), len(tried), flush=True)
os._exit(0)
"""


def _record(**changes):
    asked = spec("lenet", 3)
    return replace(result(0).record, spec=asked, **changes)


def _logged(names, folder, *records):
    said = []
    trackers = Trackers(names, folder, said.append)
    for record in records:
        trackers.log(folder / record.model / f"seed-{record.spec.seed}", record)
    return said


@pytest.fixture
def own_environment(monkeypatch):
    """Give the environment back as it was: MLflow is told by it what to leave out."""
    for name in (*tracking._MLFLOW, *tracking._RETRIES):
        monkeypatch.setenv(name, "unset")
        monkeypatch.delenv(name)
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)


def _mlflow_runs(folder):
    client = pytest.importorskip("mlflow.tracking", reason="the extra mlflow is not installed")
    client = client.MlflowClient((folder / "mlflow").as_uri())
    experiment = client.get_experiment_by_name(folder.name)
    return client, client.search_runs([experiment.experiment_id])


def test_tensorboard_reads_back_what_was_told(tmp_path):
    """Each epoch's figures at its number, and the test's; one folder a trial."""
    module = "tensorboard.backend.event_processing.event_accumulator"
    events = pytest.importorskip(module, reason="the extra tensorboard is not installed")
    record = _record()
    said = _logged(["tensorboard"], tmp_path, record)
    found = events.EventAccumulator(str(tmp_path / "tensorboard" / "lenet" / "seed-3")).Reload()
    losses = [(each.step, each.value) for each in found.Scalars("train_loss")]

    assert said == []
    assert losses == [(e.epoch, pytest.approx(e.train_loss)) for e in record.history]
    assert found.Scalars("test_accuracy")[0].value == record.test_accuracy
    assert set(found.Tags()["scalars"]) == {key for _, each in metrics_of(record) for key in each}
    assert b"learning" in found.Tensors("trial/text_summary")[0].tensor_proto.string_val[0]


@pytest.mark.usefixtures("own_environment")
def test_mlflow_reads_back_what_was_told(tmp_path):
    """A run named model/seed-N, its parameters, figures by epoch, and its status."""
    pytest.importorskip("mlflow", reason="the extra mlflow is not installed")
    record, failed = _record(), _record(status="failed", error="KeyError: 'conv1'", test_loss=None)
    failed = replace(failed, spec=replace(failed.spec, seed=4), test_accuracy=None)
    said = _logged(["mlflow"], tmp_path, record, failed)
    client, runs = _mlflow_runs(tmp_path)
    runs = {run.info.run_name: run for run in runs}
    run = runs["lenet/seed-3"]
    losses = client.get_metric_history(run.info.run_id, "validation_loss")

    assert said == []
    assert set(runs) == {"lenet/seed-3", "lenet/seed-4"}
    assert run.data.params == parameters_of(record)
    assert run.data.params["seed"] == "3"
    assert run.data.params["recipe"] == "default"
    assert run.data.metrics["test_accuracy"] == record.test_accuracy
    assert [(each.step, each.value) for each in losses] == [
        (each.epoch, each.validation_loss) for each in record.history
    ]
    assert (run.info.status, run.data.tags["status"]) == ("FINISHED", "ok")
    assert runs["lenet/seed-4"].info.status == "FAILED"
    assert runs["lenet/seed-4"].data.tags["error"] == "KeyError: 'conv1'"


@pytest.mark.parametrize("liar", [False, True])
def test_mlflow_connects_to_nothing(tmp_path, liar):
    """In a process whose sockets are guarded; the liar, with telemetry left on, does try.

    Telemetry is sent by threads, of which there are none: nothing is sent later.
    """
    pytest.importorskip("mlflow", reason="the extra mlflow is not installed")
    path = [str(ROOT), *SHARED]
    code = GUARDED.format(path=path, folder=str(tmp_path), liar=liar)
    hidden = ("PYTEST", "CI", "GITHUB", "MLFLOW", "DO_NOT_TRACK")  # where MLflow itself is silent
    environment = {name: v for name, v in os.environ.items() if not name.startswith(hidden)}
    done = warm().run(["-c", code], env=environment)
    threads, tried = map(int, done.stdout.split())

    assert done.stderr.splitlines()[-1] == "[]", done.stderr
    assert (threads > 0, tried > 0) == (liar, liar)
    assert (tmp_path / "mlflow").is_dir()


def test_a_trial_to_be_gone_on_with_is_not_told(tmp_path):
    """It is told when it is finished, once."""
    assert _logged(["tensorboard"], tmp_path, _record(status="interrupted")) == []
    assert not (tmp_path / "tensorboard").exists()


def test_a_tracker_that_fails_is_told_once(tmp_path, monkeypatch):
    """Its reason on one line; the other trackers go on."""
    told = []

    class Good:
        def __init__(self, folder):
            pass

        def log(self, name, record):
            told.append(name)

    class Broken(Good):
        def log(self, name, record):
            raise OSError("no\nroom")

    monkeypatch.setattr(tracking, "_KINDS", {"mlflow": Broken, "tensorboard": Good})
    said = _logged(["mlflow", "tensorboard"], tmp_path, _record(), _record())

    assert said == ["--log mlflow failed, the run continues: OSError: no room"]
    assert told == ["lenet/seed-3"] * 2


def test_a_run_is_not_lost_with_its_tracker(drawn, tmp_path, monkeypatch):
    """The results are all there, whatever the library raises."""

    def broken(folder):
        raise ValueError("of another version")

    monkeypatch.setattr(tracking, "_KINDS", {"tensorboard": broken})
    given = {"progress": False, "epochs": 1, "runs": tmp_path / "runs", "isolate": False}
    results = bench.run(["lenet5"], drawn, log=("tensorboard",), **given)

    assert results.exit_code == 0


def test_a_library_that_is_missing_is_told_first(drawn, tmp_path, monkeypatch, capsys):
    """One line names the extra; no run folder is made, so nothing was trained."""
    monkeypatch.setattr(tracking, "find_spec", lambda name: None)
    arguments = ["-m", "lenet5", "--data", drawn, "--runs-dir", tmp_path / "runs", "--no-isolate"]
    monkeypatch.setattr(sys, "argv", ["zoo", "bench", *map(str, arguments), "--log", "mlflow"])
    with pytest.raises(SystemExit) as ended:
        main()
    told = capsys.readouterr()

    assert ended.value.code == 2
    assert told.err == "zoo: --log mlflow needs a library: pip install 'zoo-bench[mlflow]'\n"
    assert not (tmp_path / "runs").exists()


def test_an_unknown_tracker_is_refused(drawn):
    """The message says which there are."""
    with pytest.raises(RunError, match="unknown --log 'wandb': use one of tensorboard, mlflow"):
        bench.run(["lenet5"], drawn, log=("wandb",))


@pytest.mark.usefixtures("own_environment")
def test_a_run_told_to_both_by_the_command(drawn, tmp_path, monkeypatch, capsys):
    """A list with a comma; the logs lie in the run folder."""
    pytest.importorskip("tensorboard", reason="the extra tensorboard is not installed")
    pytest.importorskip("mlflow", reason="the extra mlflow is not installed")
    arguments = ["-m", "lenet5", "--data", drawn, "--runs-dir", tmp_path / "runs", "--epochs", 2,
                 "--no-isolate", "--log", "tensorboard,mlflow"]  # fmt: skip
    monkeypatch.setattr(sys, "argv", ["zoo", "bench", *map(str, arguments)])
    with pytest.raises(SystemExit) as ended:
        main()
    folder = tmp_path / "runs" / "0001-lenet5"
    _, (run,) = _mlflow_runs(folder)

    assert ended.value.code == 0
    assert "--log" not in capsys.readouterr().err
    assert run.info.run_name == "lenet5/seed-0"
    assert list((folder / "tensorboard" / "lenet5" / "seed-0").glob("events.out.tfevents.*"))
