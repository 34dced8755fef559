"""A comparison through files: planned, done by several workers, one of them killed, gathered."""

from __future__ import annotations

import base64
import hashlib
import importlib
import json
import os
import re
import shutil
import signal
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from functools import partial
from inspect import signature
from pathlib import Path

import pytest
from drawn_folder import draw_folder
from endings import differences, ending
from filelock import FileLock
from paths import PLUGINS
from safetensors.torch import load, save
from warm import warm
from zoo_process import ZooProcess

from bench.data import synthetic
from bench.data.synthetic import write_synthetic
from bench.report.run_files import draw_answers
from bench.runs import pictures
from bench.runs.batch.plan_file import plan_text, read_plan
from bench.runs.batch.work import share_of_trials
from bench.runs.batch.work_folder import DamagedError, WorkFolder
from bench.runs.plan import make_plan
from bench.runs.progress import Progress
from bench.runs.request import Request
from bench.runs.resolve import resolve_request
from bench.runs.store import Store
from bench.system.atomic_files import whole_file, write_text
from bench.training.record import TrialRecord, TrialResult
from registry.architecture import Architecture
from registry.errors import RunError
from zoo import LENET5
from zoo.cli.app import main
from zoo.cli.bench import bench
from zoo.cli.plan import plan as plan_command

pytestmark = pytest.mark.usefixtures("hastened_runs")

_PLUGIN = PLUGINS / "shakynet"
_MODELS = ("lenet5", "shaky")
_OPTIONS = "--data drawn --epochs 3 --batch-size 4 --seeds 2 --threads 1 --memory-format contiguous"
_SHORT = ["--data", "drawn", "--epochs", "1", "--threads", "1", "--memory-format", "contiguous"]
_OFTEN = ("--checkpoint-every", 1)
_SHAKY = 3  # the number of a trial of it, and of its share of 4


_HELD = """
import signal, time
from pathlib import Path
from bench.training.checkpoint import Checkpoints
from zoo.cli.app import main

def save(*given, kept=[], saving=Checkpoints.save):
    saving(*given)
    kept.append(1)
    if len(kept) == 6:  # in its second epoch of three
        heed, heard = signal.getsignal(signal.SIGTERM), []
        signal.signal(signal.SIGTERM, lambda *told: (heard.append(1), heed(*told)))
        Path("held").touch()
        while not heard:  # one that comes at once is no less heard
            time.sleep(0.005)

Checkpoints.save = save
main()
"""


def _begin(folder: Path, *arguments: object) -> ZooProcess:
    return ZooProcess(arguments, cwd=folder, plugins=[_PLUGIN], cache=folder / "cache")


def _ended_by(number: int, folder: Path, *arguments: object) -> int:
    """Return the exit code of `zoo ARGUMENTS` that gets the signal `number` within its trial."""
    held, environment = folder / "held", os.environ | {"ZOO_CACHE": str(folder / "cache")}
    with (folder / "said.txt").open("w+b") as said:
        streams = {"stdout": said.fileno(), "stderr": said.fileno()}
        command = ["-c", _HELD, *arguments]
        worker = warm().start(command, cwd=folder, path=[_PLUGIN], env=environment, **streams)
        while not held.exists():  # it waits then, for as long as it takes
            assert worker.poll() is None, said.seek(0) or said.read().decode()
            time.sleep(0.005)
        os.killpg(worker.pid, number)
        code = worker.wait()
        worker.close()
        os.close(worker.output)
    held.unlink()
    return code


def _well(*arguments: object) -> None:
    """Run `zoo` in this process, which need not import torch anew."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sys, "argv", ["zoo", *map(str, arguments)])
        try:
            main()
        except SystemExit as ended:
            if ended.code:
                raise AssertionError(f"{arguments}: {ended.code}") from ended


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    """A folder with a plain run in `plain`, and a plan of the same whose trials are all done.

    The shares were done in another order; one was killed in its trial, and given again.
    """
    folder = tmp_path_factory.mktemp("plan")
    draw_folder(folder / "drawn")
    options = [*_MODELS, *_OPTIONS.split(), *_OFTEN]
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        patch.syspath_prepend(str(_PLUGIN))
        _well("bench", *options, "--runs-dir", "plain", "--no-isolate")
        _well("plan", *options, "--out", "plan.json")
        share = ("work", "plan.json", "--array-task")
        code = _ended_by(signal.SIGKILL, folder, *share, f"{_SHAKY}/4")
        assert code == -signal.SIGKILL
        assert not list((folder / "plan.work").rglob("done.json"))
        for number in (_SHAKY, 0, 2, 1):
            _well(*share, f"{number}/4")
    return folder


@pytest.fixture
def done(place, tmp_path, monkeypatch):
    """A copy of that folder, the present one."""
    shutil.copytree(place, tmp_path / "copy")
    monkeypatch.chdir(tmp_path / "copy")
    monkeypatch.syspath_prepend(str(_PLUGIN))
    return tmp_path / "copy"


def _run(folder: Path) -> Path:
    (run,) = folder.iterdir()
    return run


def _store(run: Path) -> tuple[dict, list]:
    with closing(Store.open(run / "run.db", read_only=True)) as store:
        return store.about(), store.trials()


def _trial(folder: Path, model: str = "shaky", seed: int = 1) -> Path:
    return folder / "plan.work" / model / f"seed-{seed}"


def test_a_gathered_run_is_the_plain_one(done, zoo):
    """Specifications, records, answers, weights, tables and files are equal, times left out."""
    code, out, _ = zoo("gather", "plan.json")
    plain, gathered = _run(done / "plain"), _run(done / "runs")
    (about, trials), (same, others) = _store(plain), _store(gathered)

    assert code == 0
    assert "lenet5" in out
    assert differences(ending(plain), ending(gathered)) == []
    assert [trial.spec for trial in trials] == [trial.spec for trial in others]
    assert [trial.record.resumed for trial in others] == [0, 0, 0, 1]
    for name in set(about) - {"environment", "request", "contents"}:
        assert about[name] == same[name], name
    assert _wanted(about) == _wanted(same)
    assert about["environment"]["cpu"] == same["environment"]["cpu"]
    assert about["environment"]["code"] == same["environment"]["code"]
    for path in plain.rglob("predictions.csv"):
        assert path.read_bytes() == (gathered / path.relative_to(plain)).read_bytes()


def _wanted(about: dict) -> dict:
    """Return what was asked for, but where it goes; the plain run had no other processes."""
    return {**about["request"], "runs": "", "isolate": True}


def test_one_answer_that_differs_is_found(done, zoo):
    """The comparison above would notice a single probability."""

    def altered(plain):
        arrays = load(base64.b64decode(plain["answers"]))
        arrays["probabilities"][0, 0] += 1e-6
        plain["answers"] = base64.b64encode(save(arrays)).decode()

    _rewrite(_trial(done) / "done.json", altered)
    zoo("gather", "plan.json")
    found = differences(ending(_run(done / "plain")), ending(_run(done / "runs")))

    assert {"shaky seed-1 answers", "shaky seed-1 predictions.csv"} <= set(found)


@pytest.mark.parametrize(
    "options",
    [
        ["--data", "drawn", "--split", "kfold:3"],
        ["--data", "drawn", "--test-data", "others"],
        ["--data", "drawn", "--within", "stratified", "--limit", "60"],
        ["--limit", "24"],
    ],
    ids=["folds", "test-data", "within", "drawings"],
)
def test_any_split_is_gathered_as_it_was_planned(tmp_path, monkeypatch, zoo, options):
    """Folds, another folder's tests, a part of the images, those drawn by code."""
    monkeypatch.setenv("ZOO_CACHE", str(tmp_path / "cache"))  # of few drawings
    monkeypatch.setattr(synthetic, "write_synthetic", partial(write_synthetic, images=48))
    draw_folder(tmp_path / "drawn", each=40)
    draw_folder(tmp_path / "others", each=5, first=100)
    monkeypatch.chdir(tmp_path)
    fixed = ["--epochs", 1, "--threads", 1, "--memory-format", "contiguous", "--no-isolate"]
    zoo("bench", "lenet5", *options, *fixed, "--runs-dir", "plain")
    zoo("plan", "lenet5", *options, *fixed, "--out", "plan.json")
    worked, _, _ = zoo("work", "plan.json")
    gathered, _, said = zoo("gather", "plan.json")

    assert (worked, gathered) == (0, 0), said
    assert differences(ending(_run(tmp_path / "plain")), ending(_run(tmp_path / "runs"))) == []


def test_several_kinds_of_machine_are_told(done, zoo):
    """On stderr, and in the run's environment, so that `zoo compare` compares no times."""

    def elsewhere(plain):
        plain["environment"]["cpu"] = "a slide rule"

    _, _, silent = zoo("gather", "plan.json")
    _rewrite(_trial(done) / "done.json", elsewhere)
    code, _, said = zoo("gather", "plan.json")
    about, _ = _store(_run(done / "runs"))

    assert code == 0
    assert "kinds of machine" not in silent
    assert "trials ran on 2 kinds of machine" in said
    assert " and " in about["environment"]["cpu"]
    assert "a slide rule" in about["environment"]["cpu"]


def test_more_threads_than_cores_are_told(done, zoo, monkeypatch):
    """A plan that was made on a larger machine is slow: one line says how to mend it."""
    monkeypatch.setattr("bench.runs.batch.work.default_threads", lambda: 0)
    (_trial(done, "lenet5", 0) / "done.json").unlink()
    with FileLock(_trial(done, "lenet5", 0) / "lock"):
        _, _, said = zoo("work", "plan.json", "--data", "nowhere")

    assert "the plan gives each trial 1 threads on 0 cores" in said


def test_a_run_that_was_partly_gathered_can_be_gone_on_with_here(done, zoo):
    """As any other run: `zoo bench --resume` does what is missing, and a later gather keeps it."""
    (_trial(done, "lenet5", 0) / "done.json").unlink()
    zoo("gather", "plan.json")
    code, _, said = zoo("bench", "--resume", _run(done / "runs"))
    again, _, told = zoo("gather", "plan.json")

    assert code == 0, said
    assert again == 0, told
    assert differences(ending(_run(done / "plain")), ending(_run(done / "runs"))) == []


def test_a_run_with_json_prints_json_alone(done, zoo):
    """As `zoo bench --json` does."""
    _, out, _ = zoo("gather", "plan.json", "--json")

    assert json.loads(out)["planned"] == 4


def test_work_that_is_done_is_not_done_again(done, zoo):
    """Nothing is written, not even a lock is asked for."""
    before = _state(done / "plan.work")
    code, _, said = zoo("work", "plan.json")

    assert code == 0
    assert "4 of 4 trials of this share are finished" in said
    assert _state(done / "plan.work") == before


def _state(folder: Path) -> dict[str, int]:
    return {str(path): path.stat().st_mtime_ns for path in folder.rglob("*")}


def test_what_is_missing_is_named_and_gathered_later(done, zoo):
    """Exit code 4; the same run folder is complete after the next."""
    kept = _trial(done) / "done.json"
    kept.rename(done / "elsewhere")
    code, _, said = zoo("gather", "plan.json")
    _, partly = _store(_run(done / "runs"))
    (done / "elsewhere").rename(kept)
    again, _, _ = zoo("gather", "plan.json")

    assert code == 4
    assert "1 of 4 trials are missing: shaky (seed 1): run `zoo work plan.json`, then" in said
    assert [trial.finished for trial in partly] == [True, True, True, False]
    assert again == 0
    assert differences(ending(_run(done / "plain")), ending(_run(done / "runs"))) == []


def test_nothing_to_gather_makes_no_run(done, zoo):
    """Exit code 6: nothing was measured."""
    shutil.rmtree(done / "plan.work")
    code, _, said = zoo("gather", "plan.json")

    assert code == 6
    assert "4 of 4 trials are missing" in said
    assert not (done / "runs").exists()


@pytest.mark.parametrize("harm", ["flip", "cut", "remove"])
@pytest.mark.parametrize("name", ["done.json", "weights.safetensors"])
def test_what_is_damaged_is_named_and_left_out(done, name, harm):
    """One bit, half of the file or all of it; what is beside it is as good as before."""
    path = _trial(done, "lenet5", 0) / name
    _harm(path, harm)
    folder, removed = _folder(done), (name, harm) == ("done.json", "remove")

    if removed:
        assert folder.done(0) is None
    else:
        with pytest.raises(DamagedError, match=f"lenet5/seed-0/{name} is damaged"):
            folder.done(0)
    assert folder.done(1) is not None


def test_what_is_damaged_is_done_again(done, zoo):
    """Gather leaves it out and names it, work does it, and the run is the plain one."""
    _harm(_trial(done, "lenet5", 0) / "done.json", "flip")
    _harm(_trial(done, "lenet5", 1) / "weights.safetensors", "flip")
    code, _, said = zoo("gather", "plan.json")
    redone, _, told = zoo("work", "plan.json")
    again, _, _ = zoo("gather", "plan.json")

    assert code == 4
    assert "2 of 4 trials are missing: lenet5 (seed 0), lenet5 (seed 1)" in said
    assert "lenet5/seed-0/done.json is damaged" in said
    assert "lenet5/seed-1/weights.safetensors is damaged or missing: the trial runs again" in told
    assert (redone, again) == (0, 0)
    assert differences(ending(_run(done / "plain")), ending(_run(done / "runs"))) == []


def _harm(path: Path, how: str) -> None:
    content = bytearray(path.read_bytes())
    middle = len(content) // 2
    content[middle] ^= 1
    path.unlink()
    if how != "remove":
        path.write_bytes(content if how == "flip" else content[:middle])


def _rewrite(path: Path, change) -> None:
    """Change what a file says, its digest too, as no damage would."""
    plain = json.loads(path.read_text())
    del plain["sha256"]
    change(plain)
    digest = hashlib.sha256(json.dumps(plain, sort_keys=True).encode()).hexdigest()
    path.write_text(json.dumps({**plain, "sha256": digest}))


def test_two_workers_at_once_give_the_plain_run(done):
    """Both are given all trials; each is done by one, and gathered as if there were one worker."""
    shutil.rmtree(done / "plan.work")
    workers = [_begin(done, "work", "plan.json") for _ in range(2)]
    codes = [worker.wait() for worker in workers]
    said = "\n".join(line for worker in workers for line in worker.lines)
    _well("gather", "plan.json")

    assert codes == [0, 0], said
    assert said.count("✓") == 4, said
    assert differences(ending(_run(done / "plain")), ending(_run(done / "runs"))) == []


def test_a_trial_that_another_is_at_is_left_to_it(done, zoo):
    """It is said, and the others are done."""
    where = _trial(done, "lenet5", 0)
    (where / "done.json").unlink()
    with FileLock(where / "lock"):
        code, _, said = zoo("work", "plan.json")

    assert code == 0
    assert "lenet5 (seed 0): another worker runs it" in said
    assert not (where / "done.json").exists()


def test_without_locks_all_is_done_all_the_same(done, monkeypatch):
    """A file system that has none costs time at most: what is written is whole, by any number."""

    def none(*given, **options):
        raise NotImplementedError

    monkeypatch.setattr("filelock.FileLock.acquire", none)
    folder = _folder(done)
    with folder.claim(0) as first, folder.claim(0) as second:
        pass

    assert (first, second) == (True, True)


def _folder(done: Path) -> WorkFolder:
    plan = read_plan(done / "plan.json")
    return WorkFolder(plan, plan.folder)


def test_a_record_is_whole_whoever_writes_it(drawn, tmp_path):
    """Four writers without a lock, and a reader: what is there is never a part, and none fails."""
    plan = make_plan(
        resolve_request(Request(models=("lenet5",), data=drawn)),
        Progress(shown=False),
        elsewhere=True,
    )
    (tmp_path / "plan.json").write_text(plan_text(plan))
    folder = _folder(tmp_path)
    result = TrialResult(record=TrialRecord(spec=plan.specs[0], error="none"))
    folder.begin(0, {})
    folder.write(0, result, {})

    def write(number):
        for _ in range(10):
            folder.write(0, result, {})

    with ThreadPoolExecutor(4) as pool:
        writers = [pool.submit(write, number) for number in range(4)]
        while not all(writer.done() for writer in writers):
            assert folder.done(0).record == result.record
        for writer in writers:
            writer.result()

    assert not list(folder.trials.path.rglob(".*.partial"))


def test_writers_under_one_name_would_fail(tmp_path):
    """Without a name for each, one takes the other's file away before it is renamed."""
    path = tmp_path / "record"

    def write_twice(*, shared):
        with whole_file(path, shared=shared) as first:
            first.write_text("one")
            write_text(path, "two", shared=shared)

    with pytest.raises(FileNotFoundError):
        write_twice(shared=False)
    write_twice(shared=True)

    assert path.read_text() == "one"


def test_a_kill_while_a_record_is_written_leaves_none(done, monkeypatch):
    """What is there is whole; what was begun is removed by the next."""
    folder = _folder(done)
    there = folder.done(0)
    (_trial(done, "lenet5", 0) / ".0123.partial").write_text('{"zoo_trial": 1, "pl')
    with folder.claim(0):
        pass

    assert folder.done(0).record == there.record
    assert not list(_trial(done, "lenet5", 0).glob(".*.partial"))


def test_a_checkpoint_of_another_machine_is_not_gone_on_with(done, zoo):
    """It would not end as an unbroken trial: it is begun anew, or, if allowed, marked."""
    where, folder = _trial(done, "lenet5", 0), done
    shutil.rmtree(folder / "plan.work")
    command = ("work", "plan.json", "--array-task", "0/4")
    assert _ended_by(signal.SIGTERM, folder, *command) == 128 + signal.SIGTERM
    begun = json.loads((where / "begun.json").read_text())
    begun["environment"]["python"] = "2.7"
    (where / "begun.json").write_text(json.dumps(begun))
    shutil.copytree(folder / "plan.work", folder / "other")

    code, _, said = zoo(*command)
    marked, _, told = zoo(*command, "--folder", "other", "--inexact")
    record = _folder(folder).done(0).record
    other = WorkFolder(read_plan(folder / "plan.json"), folder / "other").done(0).record

    assert (code, marked) == (0, 0)
    assert re.search(r"lenet5 \(seed 0\) was started elsewhere \(python .* instead of 2.7\)", said)
    assert (record.resumed, record.marks) == (0, ())
    assert "resuming after step" in told
    assert other.resumed == 1
    assert "instead of 2.7" in other.marks[0]
    assert record.digest == other.digest


@pytest.fixture
def planned(tmp_path, monkeypatch, zoo):
    """The present folder: a plan of one trial of `shaky`, and its plugin, to be altered."""
    draw_folder(tmp_path / "drawn")
    shutil.copytree(_PLUGIN, tmp_path / "plugin")
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(str(tmp_path / "plugin"))
    code, _, said = zoo("plan", "shaky", *_SHORT, "-o", "plan.json")
    assert code == 0, said
    return tmp_path


def test_other_code_is_named_and_refused(planned, zoo):
    """Exit code 5 and the model's name; allowed, the row is marked."""
    network = planned / "plugin" / "shakynet_network.py"
    network.write_text(network.read_text() + "\n# mended\n")
    code, _, said = zoo("work", "plan.json")
    untouched = not (planned / "plan.work").exists()
    allowed, _, _ = zoo("work", "plan.json", "--inexact")
    gathered, out, _ = zoo("gather", "plan.json", "--json")

    assert code == 5
    assert "the code of shaky has changed" in said.splitlines()[-1]
    assert untouched
    assert (allowed, gathered) == (0, 0)
    marks = json.loads(out)["rows"][0]["marks"]
    assert marks.startswith("other software: the code of shaky has changed")


def test_another_version_is_named_and_refused(planned, zoo):
    """The distribution's, as it was and as it is."""
    metadata = planned / "plugin" / "shakynet-1.0.dist-info" / "METADATA"
    metadata.write_text(metadata.read_text().replace("Version: 1.0", "Version: 1.1"))
    code, _, said = zoo("work", "plan.json")

    assert code == 5
    assert "shaky is from shakynet 1.1 instead of 1.0" in said.splitlines()[-1]


def test_a_network_that_is_not_here_is_named(planned, zoo, monkeypatch):
    """And where the plan has it from: to be installed."""
    (planned / "plugin").rename(planned / "elsewhere")
    importlib.invalidate_caches()
    code, _, said = zoo("work", "plan.json")

    assert code == 2
    assert said.splitlines()[-1].startswith(
        "zoo: cannot train shaky here: there is no shakynet_network:ShakyNet, which the plan has "
        "from shakynet 1.0: install it"
    )


def test_other_images_are_named_and_refused(planned, zoo):
    """One altered and one removed: nothing is trained."""
    (planned / "drawn" / "Cat" / "cat.3.jpg").write_bytes(b"another picture")
    (planned / "drawn" / "Dog" / "dog.1.jpg").unlink()
    code, _, said = zoo("work", "plan.json")

    assert code == 2
    assert "2 of the plan's 24 images are not at the plan's paths" in said
    assert "Cat/cat.3.jpg (different content)" in said
    assert "Dog/dog.1.jpg (No such file or directory)" in said
    assert not list(planned.rglob("done.json"))


def test_the_same_images_are_found_elsewhere(planned, zoo, monkeypatch):
    """By content, under any name, in the folder of `--data`; what is not there is named."""
    monkeypatch.setattr(pictures, "draw_answers", draw_answers)
    moved = planned / "moved"
    (planned / "drawn").rename(moved)
    for path in moved.glob("*/*.jpg"):
        path.rename(path.with_name(f"x{path.name}"))
    lost, _, said = zoo("work", "plan.json")
    code, _, _ = zoo("work", "plan.json", "--data", "moved")
    gathered, _, told = zoo("gather", "plan.json", "--data", "moved")
    (drawn,) = (planned / "runs").rglob("test-images.png")
    (moved / "Cat" / "xcat.0.jpg").unlink()
    (planned / "plan.work").rename(planned / "before")
    less, _, why = zoo("work", "plan.json", "--data", "moved")

    assert (lost, code, gathered, less) == (2, 0, 0, 2)
    assert "24 of the plan's 24 images are not at the plan's paths" in said
    assert "cannot draw" not in told
    assert drawn.stat().st_size > 1000
    assert "1 of the plan's 24 images are not in moved: Cat/cat.0.jpg" in why


def test_without_the_images_a_run_is_gathered_but_for_pictures(done, zoo):
    """Tables and weights need none of them."""
    (done / "drawn").rename(done / "gone")
    code, _, said = zoo("gather", "plan.json")
    run = _run(done / "runs")
    found = differences(ending(_run(done / "plain")), ending(run))

    assert code == 0
    assert "cannot draw the test images" in said
    assert {name.rpartition("/")[2] for name in found} == {"test-images.png"}


def test_records_of_another_plan_are_not_written_over(done, zoo):
    """A plan of something else under the old name is refused; of the same thing it goes on."""
    options = [*_MODELS, *_OPTIONS.split(), *_OFTEN]
    same, _, _ = zoo("plan", *options, "--out", "plan.json")
    again, _, said = zoo("work", "plan.json")
    zoo("plan", *options, "--epochs", 1, "--out", "plan.json")
    before = _state(done / "plan.work")
    other, _, told = zoo("work", "plan.json")
    gathered, _, _ = zoo("gather", "plan.json")

    assert (same, again) == (0, 0)
    assert "4 of 4 trials" in said
    assert (other, gathered) == (2, 2)
    assert "done.json belongs to another plan than plan.json: choose another --folder" in told
    assert _state(done / "plan.work") == before


def test_a_trial_that_fails_is_a_record(drawn, monkeypatch, zoo):
    """Exit code 4; it is not tried again, and the run is done, with its reason in the row."""
    monkeypatch.chdir(drawn.parent)
    monkeypatch.syspath_prepend(str(PLUGINS / "badnets"))
    zoo("plan", "bad_leaving", "lenet5", *_SHORT, "-o", "plan.json")
    code, _, said = zoo("work", "plan.json")
    again, _, told = zoo("work", "plan.json")
    gathered, out, _ = zoo("gather", "plan.json", "--json")
    trials = {trial["model"]: trial["status"] for trial in json.loads(out)["trials"]}

    assert (code, again, gathered) == (4, 4, 4)
    assert "bad_leaving (seed 0) failed (contract)" in said
    assert "2 of 2 trials of this share are finished" in told
    assert trials == {"bad_leaving": "failed", "lenet5": "ok"}


@pytest.mark.parametrize("split", ["stratified", "kfold:3"])
def test_a_plan_is_read_as_it_was_written(drawn, tmp_path, split):
    """Specifications, splits and what the store says are the same, whatever files are called."""
    odd = drawn / "Cat" / os.fsdecode(b"\xff\n.jpg")
    (drawn / "Cat" / "cat.0.jpg").rename(odd)
    request = Request(models=("lenet5", "vgg11"), data=drawn, split=split, seeds=(0, 7))
    plan = make_plan(resolve_request(request), Progress(shown=False), elsewhere=True)
    path = tmp_path / "plan.json"
    path.write_text(plan_text(plan))
    found = read_plan(path)

    assert found.specs == plan.specs
    assert found.splits == plan.splits
    assert json.dumps(found.about) == json.dumps(plan.about)
    assert odd in {image.file.path for image in (*found.splits.test, *found.splits.each[0].train)}


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (lambda text: text[: len(text) // 2], "is not a plan, or not complete"),
        (lambda text: text.replace("lenet5", "lenet6"), "is damaged or was altered"),
        (lambda text: text.replace('"zoo_plan": 1', '"zoo_plan": 2'), "is a plan of version 2"),
        (lambda text: "{}", "is not a plan: `zoo plan` writes one"),
        (lambda text: "[1]", "is not a plan: `zoo plan` writes one"),
        (lambda text: '{"zoo_plan": NaN}', "NaN is not JSON"),
        (lambda text: "[" * 100_000, "is not a plan, or not complete"),
        (lambda text: "", "is not a plan, or not complete"),
    ],
)
def test_a_bad_plan_is_one_line(done, zoo, change, told):
    """Cut, altered, of another version or something else: exit code 2, nothing is done."""
    path = done / "plan.json"
    path.write_text(change(path.read_text()))
    code, out, said = zoo("work", "plan.json")

    assert (code, out) == (2, "")
    assert said.startswith("zoo: plan.json")
    assert told in said
    assert said.count("\n") == 1


@pytest.mark.parametrize(
    "change",
    [
        lambda plain: plain.pop("about"),
        lambda plain: plain["about"].pop("split"),
        lambda plain: plain["about"].update(request={}),
        lambda plain: plain.update(specs=[]),
        lambda plain: plain["specs"].append(plain["specs"][0]),
        lambda plain: plain["specs"][0].update(model=".."),
        lambda plain: plain["specs"][0].update(seed="0"),
        lambda plain: plain["specs"][0].update(fold=9),
        lambda plain: plain["specs"][0].update(split_fingerprint="0"),
        lambda plain: plain["images"].pop(),
        lambda plain: plain["splits"]["each"][0].update(test=[[]]),
        lambda plain: plain["specs"][0]["architecture"].update(constructor="import os"),
    ],
)
def test_a_plan_made_by_hand_is_one_line(done, zoo, change):
    """With the right digest and something else missing or impossible."""
    _rewrite(done / "plan.json", change)
    code, _, said = zoo("work", "plan.json")

    assert code == 2
    assert said.startswith("zoo: plan.json is not a valid plan: ")
    assert said.count("\n") == 1


def test_there_is_no_plan(zoo, tmp_path):
    """It says how one is made."""
    code, _, said = zoo("gather", tmp_path / "none.json")

    assert code == 2
    assert "`zoo plan --models lenet alexnet --out" in said


def test_what_a_notebook_defines_is_not_planned(drawn):
    """No other process has it."""
    contract = LENET5.contract
    own = Architecture(name="own", constructor="__main__:Own", contract=contract)
    request = Request(models=(own,), data=drawn)

    with pytest.raises(RunError, match="own is defined in a notebook"):
        plan_text(make_plan(resolve_request(request), Progress(shown=False), elsewhere=True))


@pytest.mark.parametrize("trials", [1, 4, 7, 12])
@pytest.mark.parametrize("shares", [1, 3, 4, 20])
def test_each_trial_is_in_one_share(trials, shares):
    """Whatever the numbers are; sizes differ by one at most."""
    parts = [share_of_trials(trials, number, shares) for number in range(shares)]

    assert [number for part in parts for number in part] == list(range(trials))
    assert max(map(len, parts)) - min(map(len, parts)) <= 1


@pytest.mark.parametrize(
    ("task", "told"),
    [
        ("4/4", "ids start at 0: 0/4 to 3/4; use `#SBATCH --array=0-3`, or give --array-from 1"),
        ("/4", "takes a share such as $SLURM_ARRAY_TASK_ID/4, not '/4': is the id empty?"),
        ("1", "takes a share such as"),
        ("0/0", "takes a share such as"),
        ("-1/4", "takes a share such as"),
    ],
)
def test_a_share_that_is_none_is_refused(zoo, task, told):
    """In one line that says how."""
    code, _, said = zoo("work", "plan.json", f"--array-task={task}")

    assert code == 2
    assert told in said
    assert said.count("\n") == 1


def test_an_array_from_one_is_refused_by_all_its_tasks(zoo, monkeypatch, done):
    """Slurm says how it counts: not the last task alone stops, unless it was said."""
    for name, value in (("ID", 2), ("MIN", 1), ("MAX", 4)):
        monkeypatch.setenv(f"SLURM_ARRAY_TASK_{name}", str(value))
    code, _, said = zoo("work", "plan.json", "--array-task", "2/4")
    right, _, _ = zoo("work", "plan.json", "--array-task", "2/4", "--array-from", 1)
    zero, _, told = zoo("work", "plan.json", "--array-task", "0/4", "--array-from", 1)
    monkeypatch.setenv("SLURM_ARRAY_TASK_MIN", "0")
    monkeypatch.setenv("SLURM_ARRAY_TASK_MAX", "3")
    counted, _, _ = zoo("work", "plan.json", "--array-task", "2/4")

    assert (code, right, zero, counted) == (2, 0, 2, 0)
    assert "2/4 of an array 1-4: ids start at 0" in said
    assert "ids start at 1: 1/4 to 4/4; use `#SBATCH --array=1-4`" in told


def test_a_plan_takes_the_options_of_a_run():
    """All that say what is trained and how, with the same help, and none that do not."""
    run, planned = signature(bench).parameters, signature(plan_command).parameters

    assert set(run) - set(planned) == {
        "inexact", "jobs", "engine", "address", "runs", "columns",
        "as_json", "trust", "against", "old_python", "old_folder",
    }  # fmt: skip
    assert set(planned) - set(run) == {"out", "runs_dir"}
    assert all(planned[name].default == run[name].default for name in set(run) & set(planned))


def test_a_plan_goes_to_stdout_alone(done, zoo):
    """So that it can be redirected; the rest is said on stderr."""
    code, out, said = zoo("plan", "lenet5", "--data", "drawn")
    (done / "other.json").write_text(out)

    assert code == 0
    assert len(read_plan(done / "other.json").specs) == 1
    assert "1 trials, each on cpu with" in said


def test_an_altered_plan_is_refused(drawn, tmp_path):
    """One seed that is another, in a file that is a plan in all else."""
    plan = make_plan(
        resolve_request(Request(models=("lenet5",), data=drawn)),
        Progress(shown=False),
        elsewhere=True,
    )
    path = tmp_path / "plan.json"
    path.write_text(plan_text(plan).replace('"seed": 0', '"seed": 1', 1))

    with pytest.raises(RunError, match="is damaged or was altered"):
        read_plan(path)
