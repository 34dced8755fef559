"""Trials at a time: the same answers, no more threads than cores, every end recorded, no orphan."""

from __future__ import annotations

import csv
import json
import os
import signal
import threading
import time
from dataclasses import replace
from types import SimpleNamespace

import pytest
import torch
from drawn_folder import draw_folder
from endings import differences, ending
from made_records import made_record, made_spec, untested_results
from paths import PLUGINS
from safetensors.torch import load_file
from torch import nn
from zoo_process import ZooProcess

import bench
from bench.analysis.frame import BASELINE, comparison, history
from bench.data.pixel_source import DirectPixels
from bench.data.split import Split
from bench.engines import local
from bench.engines.executor import ExecutorConfig
from bench.engines.local import LocalExecutor
from bench.engines.process import Job
from bench.report.page.charts.seconds import spending
from bench.report.page.figure import points
from bench.runs.compare import compare
from bench.runs.eta import RunProgress
from bench.runs.plan import make_plan
from bench.runs.progress import Progress
from bench.runs.request import Request
from bench.runs.resolve import resolve_request
from bench.system.cpu import threads_each
from bench.training import memory_format as layout
from bench.training.checkpoint import digest_of
from bench.training.record import TrialRecord, TrialResult, comparable_times
from registry import Architecture, Contract
from registry.errors import RunError, ZooError

pytestmark = [
    pytest.mark.skipif((os.cpu_count() or 1) < 2, reason="two cores"),
    pytest.mark.usefixtures("all_cores"),
]

_GIGABYTE = 10**9


class Grey(nn.Sequential):
    """One linear layer on a grey image."""

    def __init__(self, num_classes: int) -> None:
        super().__init__(nn.Flatten(), nn.Linear(1024, num_classes))


class Moody(Grey):
    """It learns otherwise each time, whatever the seed."""

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        """Return logits of what no seed decides."""
        noise = torch.frombuffer(bytearray(os.urandom(1024)), dtype=torch.uint8) / 256
        return super().forward(images + noise.reshape(1, 1, 32, 32).to(images.device))


class Killed(Grey):
    """Its process is killed while it trains."""

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        """Die, or return logits."""
        if self.training and images.device.type == "cpu":
            os.kill(os.getpid(), signal.SIGKILL)
        return super().forward(images)


def _architecture(kind: type[nn.Module]) -> Architecture:
    return Architecture(
        name=kind.__name__.lower(),
        constructor=f"{__name__}:{kind.__name__}",
        contract=Contract(input_shape=(1, 32, 32), output_shape=(2,), parameters=2050),
    )


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    """A folder with drawn images."""
    folder = tmp_path_factory.mktemp("jobs")
    draw_folder(folder / "drawn")
    return folder


def _run(place, models, **options):
    given = {"progress": False, "epochs": 1, "layout": "contiguous", "runs": place / "runs"}
    return bench.run(models, place / "drawn", **given | options)


@pytest.fixture(scope="module")
def alone(place):
    """Two networks, one after the other, a thread each."""
    models = ["lenet5", _architecture(Moody)]
    return _run(place, models, threads=1)


@pytest.fixture(scope="module")
def shared(place):
    """The same, two at a time, the cores shared out."""
    models = ["lenet5", _architecture(Moody)]
    return _run(place, models, jobs=2)


def _answers(results, model):
    return (results.folder / model / "seed-0" / "predictions.csv").read_bytes()


def _weights(results, model):
    return digest_of(load_file(results.folder / model / "seed-0" / "weights.safetensors"))


def _digests(results, model):
    return {r.spec.key: r.digest for r in results.records if r.model == model}


def test_two_at_a_time_end_as_one_after_the_other(alone, shared):
    """Answers are the same, byte for byte, weights bit for bit; so are the digests and the ids."""
    assert _answers(alone, "lenet5") == _answers(shared, "lenet5")
    assert _weights(alone, "lenet5") == _weights(shared, "lenet5")
    assert _digests(alone, "lenet5") == _digests(shared, "lenet5")
    ids = [{record.spec.id for record in results.records} for results in (alone, shared)]
    assert ids[0] == ids[1]


def test_what_is_not_the_same_is_found_out(alone, shared):
    """The liar: a network with weights of its own each time."""
    assert _answers(alone, "moody") != _answers(shared, "moody")
    assert _weights(alone, "moody") != _weights(shared, "moody")
    assert _digests(alone, "moody") != _digests(shared, "moody")


def test_no_more_threads_than_cores(shared):
    """The records say how many at a time, and the threads of each."""
    assert {record.jobs for record in shared.records} == {2}
    for record in shared.records:
        assert record.jobs * record.spec.threads <= os.cpu_count()


def test_threads_are_shared_out(monkeypatch):
    """Whatever cores there are, together they are not too many; one has all that it asks for."""
    monkeypatch.setattr("bench.system.cpu.default_threads", lambda: 7)

    assert [threads_each(jobs, None) for jobs in (1, 2, 3, 7)] == [7, 3, 2, 1]
    assert threads_each(2, 3) == 3
    assert threads_each(1, 64) == 64


def test_models_take_turns(place):
    """Seed by seed, each model once, so that none has the quiet hours."""
    asked = Request(models=("lenet5", "alexnet"), data=place / "drawn", seeds=(0, 1), jobs=2)
    plan = make_plan(resolve_request(asked), Progress(shown=False))

    assert [spec.key[:2] for spec in plan.specs] == [
        ("lenet5", 0), ("alexnet", 0), ("lenet5", 1), ("alexnet", 1)]  # fmt: skip


def test_shared_times_have_columns_of_their_own(alone, shared):
    """Of the table, of the file, and of each epoch; the others' are empty there."""
    of_one = alone.frame[alone.frame["model"] != BASELINE]
    of_two = shared.frame[shared.frame["model"] != BASELINE]
    times = ["train_seconds", "train_images_per_second", "data_wait_share",
             "inference_batch_1_p50_seconds"]  # fmt: skip

    assert of_one[times].notna().all(axis=None)
    assert of_one["shared_train_seconds"].isna().all()
    assert of_two[times].isna().all(axis=None)
    assert (of_two["shared_train_seconds"] > 0).all()
    assert shared.history["train_seconds"].isna().all()
    assert (shared.history["shared_train_seconds"] > 0).all()
    assert alone.history["shared_train_seconds"].isna().all()
    with (shared.folder / "comparison.csv").open(newline="") as file:
        assert {row["train_seconds"] for row in csv.DictReader(file)} == {""}
    text = (shared.folder / "comparison.md").read_text()
    assert "training (shared)" in text
    assert "2 trials at a time: other trials slow down shared times" in text
    assert "shared" not in (alone.folder / "comparison.md").read_text()


def test_the_two_kinds_of_time_are_never_averaged():
    """A model of which one seed had the machine to itself has each time in its own column."""
    records = [
        made_record(seed=0, train_seconds=10.0),
        made_record(seed=1, train_seconds=90.0, jobs=2),
    ]
    row = comparison(records, (1, 2), target=0.6).iloc[0]
    epochs = history(records)
    results = untested_results(records)

    assert (row["train_seconds"], row["shared_train_seconds"]) == (10.0, 90.0)
    assert (row["jobs"], row["target_trainings"], row["shared_target_trainings"]) == (2, 1, 1)
    assert list(epochs["train_seconds"].isna()) == [False] * 3 + [True] * 3
    assert list(epochs["shared_train_seconds_so_far"].isna()) == [True] * 3 + [False] * 3
    assert comparable_times(records) == records[:1]
    assert comparable_times(records[1:]) == records[1:]
    assert points(results)[0]["seconds"] == 10.0
    assert spending(results)[-1]["seconds"] == 37.5


def test_times_of_a_shared_machine_are_not_compared(alone, shared, place):
    """`zoo compare` says why; accuracies are compared all the same."""
    across = compare(alone.folder, shared.folder, runs=place).changes[0]
    both = compare(shared.folder, shared.folder, runs=place).changes[0]
    neither = compare(alone.folder, alone.folder, runs=place).changes[0]

    assert across.unanswered["time"] == "several trials at the same time (--jobs) in NEW"
    assert both.unanswered["time"] == "several trials at the same time (--jobs) in BASE and NEW"
    assert neither.time is not None
    assert across.accuracy is not None


def test_one_that_is_killed_is_recorded_and_the_rest_finish(place):
    """Each with its own end."""
    models = [_architecture(kind) for kind in (Killed, Grey)]
    results = _run(place, models, jobs=2)
    ends = [(record.model, record.status) for record in results.records]

    assert ends == [("killed", "killed"), ("grey", "ok")]
    assert {record.jobs for record in results.records} == {2}


_FIXED = {
    "--epochs": 4,
    "--batch-size": 4,
    "--threads": 1,
    "--memory-format": "contiguous",
    "--seeds": 2,
    "--checkpoint-every": "60m",
}


def _begin(place, runs, *arguments):
    return ZooProcess(
        ["bench", *arguments, "--runs-dir", runs],
        cwd=place,
        plugins=[PLUGINS / "shakynet"],
        cache=place / "cache",
    )


def _begin_anew(place, runs, *more):
    fixed = [part for pair in _FIXED.items() for part in pair]
    return _begin(place, runs, "shaky", "--data", place / "drawn", *fixed, *more)


def _wait_for(zoo, text):
    while zoo.running and not any(text in line for line in zoo.lines):
        time.sleep(0.005)


@pytest.fixture(scope="module")
def unbroken(place):
    """Two seeds of a network that draws from all generators, one after the other."""
    zoo = _begin_anew(place, place / "unbroken")
    assert zoo.wait() == 0, zoo.lines
    return ending(next((place / "unbroken").iterdir()))


def test_a_stop_ends_all_and_both_are_gone_on_with(place, unbroken, monkeypatch, tmp_path):
    """Each is saved and recorded, nothing outlives the command, and the end is an unbroken one's.

    Those gone on with alone keep that their times were partly of a shared machine.
    """
    runs = place / "stopped"
    with monkeypatch.context() as patch:
        patch.setenv("SHAKY_MEETING", str(tmp_path))  # so that neither is done before the other
        zoo = _begin_anew(place, runs, "--jobs", 2)
    _wait_for(zoo, "(seed 1) epoch 1/")
    zoo.hit(signal.SIGTERM)
    stopped = zoo.wait()
    (folder,) = runs.iterdir()
    kept = json.loads((folder / "comparison.json").read_text())["trials"]
    again = _begin(place, runs, *zoo.resume_command()[1:], "--jobs", 1)
    ended = again.wait()
    trials = json.loads((folder / "comparison.json").read_text())["trials"]

    assert stopped == 143, zoo.lines
    assert [trial["status"] for trial in kept] == ["interrupted"] * 2, zoo.lines
    assert zoo.orphans() == again.orphans() == []
    assert ended == 0, again.lines
    assert [trial["resumed"] for trial in trials] == [1, 1]
    assert [trial["jobs"] for trial in trials] == [2, 2]
    assert differences(unbroken, ending(folder)) == []


def test_a_second_signal_ends_all_at_once(place):
    """Nothing is left of them, the one that trains and the one that is still to begin."""
    zoo = _begin_anew(place, place / "twice", "--jobs", 2)
    _wait_for(zoo, "shaky trains")
    zoo.hit(signal.SIGINT)
    time.sleep(0.01)
    zoo.hit(signal.SIGINT)

    assert zoo.wait() == 130, zoo.lines
    assert zoo.orphans() == []


class _Held:
    """Stands for trials' processes: each is held until it is let go, and then as the test says."""

    def __init__(self):
        self.begun, self.gates = [], {}

    def process(self, spawned):
        return SimpleNamespace(pid=os.getpid(), run=self._run, stop=lambda: None, end=lambda: None)

    def _run(self, job, callback):
        self.begun.append(job)
        gate = self.gates.setdefault(job.spec.key, threading.Event())
        assert gate.wait(10)
        return TrialResult(record=TrialRecord(spec=job.spec, status="ok", peak_bytes=5 * _GIGABYTE))

    def let_go(self, number):
        self.gates.setdefault(_spec(number).key, threading.Event()).set()

    def wait_for(self, count):
        until = time.monotonic() + 5
        while len(self.begun) < count and time.monotonic() < until:
            time.sleep(0.001)
        return [job.spec.seed for job in self.begun]


def _spec(number):
    return made_spec("lenet" if number < 3 else "alexnet", number)


def _job(number, expected=2 * _GIGABYTE):
    nothing = Split(name="stratified", train=(), validation=(), test=())
    return Job(spec=_spec(number), split=nothing, source=DirectPixels(), folder=None,
               checkpoints=None, cadence={}, profile=False, weights=False, timeout=None,
               expected_bytes=expected)  # fmt: skip


class _Hearing(Progress):
    def __init__(self):
        super().__init__(shown=False)
        self.said = []

    def say(self, text):
        self.said.append(text)


@pytest.fixture
def held(monkeypatch):
    """Trials that end when they are told to; none holds any memory yet."""
    found = _Held()
    monkeypatch.setattr(local, "TrialProcess", found.process)
    monkeypatch.setattr(local, "_outstanding", lambda running: running.bytes)
    return found


def _engine(callback, free, jobs=2):
    server = SimpleNamespace(begin=lambda: None)
    return LocalExecutor(callback, ExecutorConfig(jobs=jobs, server=server), available=lambda: free)


def _seen(held, free, jobs=2):
    """Return which trials had begun before one ended, the order of ends, and what was said."""
    callback = _Hearing()
    engine = _engine(callback, free, jobs)
    for number in range(3):
        engine.submit(number, _job(number))
    before = []

    def let_all_go():
        before.extend(held.wait_for(0))
        for number in range(3):
            held.let_go(number)

    threading.Timer(0.2, let_all_go).start()
    return before, [number for number, _ in engine.ended()], callback.said


def test_the_next_trial_begins_while_a_result_is_stored(held):
    """Tables and pictures are made meanwhile; after a failure it waits for what becomes of it."""
    engine = _engine(_Hearing(), 30 * _GIGABYTE, jobs=1)
    for number in range(2):
        engine.submit(number, _job(number))
        held.let_go(number)
    next(engine.ended())

    assert held.wait_for(2) == [0, 1]


def test_a_trial_is_begun_when_there_is_memory_for_it(held):
    """Of 3 GB one that may take 2 GB leaves no room for another; alone each may try."""
    before, order, said = _seen(held, 3 * _GIGABYTE)

    assert before == [0]
    assert order == [0, 1, 2]
    assert said == [
        "lenet (seed 1) waits for memory: it may need 2.0 GB, and 1.0 GB are free",
        "lenet (seed 2) waits for memory: it may need 5.0 GB, and 0.0 GB are free",
    ]


def test_with_memory_for_both_both_are_begun(held):
    """The liar: the same trials where there is room."""
    before, order, said = _seen(held, 30 * _GIGABYTE)

    assert before[:2] == [0, 1]
    assert sorted(order) == [0, 1, 2]
    assert said == []


def test_what_the_last_held_is_expected_of_the_next(held):
    """After one that held 5 GB, 8 GB have no room for two more of its kind, but for another's."""
    engine = _engine(_Hearing(), 8 * _GIGABYTE)
    for number in (0, 1, 3, 2):
        engine.submit(number, _job(number))
    ended = engine.ended()
    held.let_go(0)
    assert next(ended)[0] == 0
    held.let_go(1)
    assert next(ended)[0] == 1
    for number in (2, 3):
        held.let_go(number)

    assert sorted(number for number, _ in ended) == [2, 3]
    caps = {job.spec.seed: job.memory_bytes for job in held.begun}
    assert caps[0] == 8 * _GIGABYTE
    assert caps[1] == 6 * _GIGABYTE


def test_what_is_closed_begins_no_more(held):
    """An error of the one who asks leaves nothing running."""
    engine = _engine(_Hearing(), 30 * _GIGABYTE)
    for number in range(4):
        engine.submit(number, _job(number))
    held.let_go(0)
    next(engine.ended())
    for number in (1, 2):
        held.let_go(number)
    engine.close()

    assert list(engine.ended()) == []
    assert 3 not in held.wait_for(0)


def test_a_board_shows_two_under_way():
    """Both are counted, and the time left is that of two at a time."""
    clock = SimpleNamespace(now=0.0)
    specs = [made_spec("lenet", seed) for seed in range(4)]
    board = RunProgress(specs, clock=lambda: clock.now, jobs=2)
    for seed in (0, 1):
        board.on_phase(TrialRecord(spec=specs[seed], phase="train", jobs=2))
        board.on_start(specs[seed], 30, 0)
    clock.now = 10.0
    for seed in (0, 1):
        for _ in range(10):
            board.on_batch(specs[seed])
    (line,) = board.lines()
    left, whole = board.time_left()
    board.on_end(made_record("lenet", 0, jobs=2, train_seconds=20.0))
    board.on_end(made_record("lenet", 1, train_seconds=90.0))

    assert line.state == "seeds 1 to 2 of 4, epoch 2 of 3"
    assert (left, whole) == (50.0, True)  # 20 s each, and two of 30 s: 100 s, two at a time
    assert board.lines()[0].seconds == 20.0  # not the one that had the machine to itself


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ({"jobs": 0}, "--jobs must be 1 or more, not 0"),
        ({"jobs": 4096}, "--jobs 4096 needs 4096 cores, and there are"),
        ({"jobs": 2, "threads": 4096}, "--jobs 2 with --threads 4096 needs 8192 cores"),
        (
            {"jobs": 2, "profile": True},
            "--profile measures times without other trials: it needs --jobs 1",
        ),
        ({"jobs": 2, "epochs": None, "budget": "5s"}, "--budget counts seconds of a machine"),
        ({"jobs": 2, "isolate": False}, "--jobs 2 needs a process for each trial, which lenet5"),
    ],
)
def test_what_can_not_be_is_told_before_anything_is_trained(place, options, told):
    """In one line that says what to do; no run folder is made."""
    runs = place / "refused"
    with pytest.raises(ZooError, match=told):
        _run(place, ["lenet5"], runs=runs, **options)

    assert not runs.exists()


def test_what_a_notebook_defines_is_not_done_beside_others(place):
    """It has no process of its own."""
    mine = replace(_architecture(Grey), name="mine", constructor="__main__:Grey")
    with pytest.raises(
        RunError, match="which mine cannot have: move a notebook's network to a file"
    ):
        _run(place, ["lenet5", mine], jobs=2)


def test_two_at_a_time_find_the_memory_order_once(tmp_path, monkeypatch):
    """The second waits for what the first finds, so that both have the same."""
    counted = []

    def slow(*arguments):
        counted.append(threading.get_ident())
        time.sleep(0.2)
        return {"channels_last": 1.0, "contiguous": 2.0}

    monkeypatch.setattr(layout, "_step_seconds", slow)
    found = []

    def choose():
        found.append(layout.choose_layout(
            _architecture(Grey), "here", device=torch.device("cpu"), precision=torch.float32,
            threads=1, folder=tmp_path))  # fmt: skip

    threads = [threading.Thread(target=choose) for _ in range(2)]
    for each in threads:
        each.start()
    for each in threads:
        each.join()

    assert found == ["channels_last"] * 2
    assert len(counted) == 1
