"""Networks that do what none should: each is one row, and the others never notice."""

from __future__ import annotations

import json
import time

import psutil
import pytest
from drawn_folder import draw_folder
from paths import PLUGINS
from zoo_process import ZooProcess

pytestmark = pytest.mark.skipif(not hasattr(psutil, "LINUX") or not psutil.LINUX, reason="Linux")

_GIBIBYTE = 2**30
_ENDS = {
    "leaving": ("failed", "contract", "its process exited with code 1"),
    "hungry": ("out-of-memory", "contract", "MemoryError"),
    "hungrylater": ("out-of-memory", "build", "allocate memory"),
    "notanumber": ("diverged", "train", "the training loss is nan in epoch 1, step 1"),
    "segfaulting": ("killed", "contract", "its process was killed by SIGSEGV"),
    "interrupting": ("failed", "contract", "KeyboardInterrupt"),
    "escaping": ("failed", "contract", "raised "),
    "bearing": ("ok", "done", ""),
    "closing": ("failed", "contract", "its process "),
    "babbling": ("failed", "contract", "sent an unreadable message"),
}
_TRACES = {
    "hungry": "in __init__",
    "interrupting": "raise KeyboardInterrupt",
    "segfaulting": "Segmentation fault",
    "escaping": "raise ValueError",
}


@pytest.fixture(scope="module")
def begin(tmp_path_factory):
    """Begin `zoo bench` of bad networks on the drawn folder, in a folder of the module's own."""
    folder = tmp_path_factory.mktemp("isolation")
    draw_folder(folder / "drawn")

    def begun(*models: str, **options: object) -> ZooProcess:
        given = {"epochs": 1, "batch-size": 16, "threads": 1, "layout": "contiguous"} | options
        flags = [part for name, value in given.items() for part in (f"--{name}", value)]
        arguments = ["bench", *models, "--data", "drawn", "--json", *flags]
        plugins, cache = [PLUGINS / "badnets"], folder / "cache"
        return ZooProcess(
            arguments, cwd=folder, plugins=plugins, cache=cache, most_bytes=5 * _GIBIBYTE
        )

    return begun


@pytest.fixture(scope="module")
def ended(begin):
    """The run of all bad networks that end by themselves, and one good one, last."""
    zoo = begin(*(f"bad_{name}" for name in _ENDS), "lenet5")
    code = zoo.wait()
    return zoo, code, {trial["model"]: trial for trial in json.loads(zoo.output)["trials"]}


def test_the_others_finish(ended):
    """After ten that went wrong the good model is measured; the exit code says that some failed."""
    _, code, trials = ended

    assert code == 4
    assert trials["lenet5"]["status"] == "ok"
    assert len(trials) == len(_ENDS) + 1


@pytest.mark.parametrize("name", _ENDS)
def test_each_is_one_row(ended, name):
    """Its status, what was being done and why are told."""
    trial, (status, phase, error) = ended[2][f"bad_{name}"], _ENDS[name]

    assert (trial["status"], trial["phase"]) == (status, phase), trial
    assert error in trial["error"]


@pytest.mark.parametrize("name", _TRACES)
def test_where_it_went_wrong_is_kept(ended, name):
    """An exception's traceback, or the last words of a process that was killed."""
    assert _TRACES[name] in ended[2][f"bad_{name}"]["traceback"]


def test_nothing_outlives_the_run(ended):
    """What a network has begun is ended with it."""
    assert ended[0].orphans() == []


def test_no_escape_sequence_is_passed_on(ended):
    """Neither the terminal nor a program gets to see one."""
    zoo = ended[0]
    told = "\n".join([*zoo.lines, zoo.output])

    assert "raised" in told
    assert "\x1b" not in told
    assert "\x07" not in told


def test_what_never_ends_is_ended(begin):
    """Asleep, or in the middle of a message: `--timeout` ends both. The parent only waits."""
    zoo = begin("bad_sleeping", "bad_babblingon", timeout=6)
    while zoo.running and not any("sleeping" in line for line in zoo.lines):
        time.sleep(0.01)
    parent = psutil.Process(zoo.pid)
    before = sum(parent.cpu_times()[:2])
    time.sleep(2)
    spent = sum(parent.cpu_times()[:2]) - before
    code = zoo.wait()
    trials = json.loads(zoo.output)["trials"]

    assert code == 6
    assert {(trial["status"], trial["phase"]) for trial in trials} == {("timeout", "contract")}
    assert "6 s of --timeout" in trials[0]["error"]
    assert zoo.orphans() == []
    assert spent < 0.2


def test_a_smaller_batch_is_tried_and_marked(begin):
    """Where halving is allowed, a network that is too large at 16 ends well at 8, marked."""
    zoo = begin("bad_fat", **{"on-oom": "halve"})
    code = zoo.wait()
    told = json.loads(zoo.output)
    (trial,) = told["trials"]

    assert (code, trial["status"]) == (0, "ok")
    assert trial["spec"]["recipe"]["batch_size"] == 8
    assert trial["marks"] == ["batch size 8 instead of 16"]
    assert told["rows"][0]["marks"] == "batch size 8 instead of 16"
