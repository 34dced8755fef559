from __future__ import annotations

import os
import sys

import pytest
import sweep
import sweep_page
from sweep_rows import Row, append, counts, read, regressions, versions
from sweep_worker import SHAPES, Worker, checks_of, tier_of

_KEPT = dict.fromkeys(checks_of("shapes"), ("kept", ""))
_WORKER = """
import json, os, sys, time
job = json.loads(sys.stdin.readline())
print(json.dumps({{"parameters": 5, "multiply_adds": 7, "tier": "shapes", "side": 8}}))
for check in ("contract", "shapes", "head"):
    if check in job["known"]:
        continue
    print(json.dumps({{"begun": check}}), flush=True)
    if check == "shapes":
        {does}
    found = {{"check": check, "status": "{status}", "seen": "{seen}", "seconds": 0}}
    print(json.dumps({{"found": found}}))
print(json.dumps({{"end": "waits"}}), flush=True)
"""


@pytest.fixture
def worker(tmp_path, monkeypatch):
    """A function that returns a worker which says what it is told to, and imports no torch."""
    begun = []

    def make(does: str, status: str = "kept", seen: str = "") -> Worker:
        script = tmp_path / "worker.py"
        script.write_text(_WORKER.format(does=does, status=status, seen=seen))
        monkeypatch.setattr("sweep_worker.__file__", str(script))
        begun.append(Worker(2**30, tmp_path / "log"))
        return begun[-1]

    yield make
    for each in begun:
        each.end()


def _clean(name: str, **changed: object) -> Row:
    return Row(**{"name": name, "tier": "shapes", "findings": _KEPT} | changed)


def test_the_choice_covers_every_module():
    """Of each the smallest first, all of torchvision, and no more of timm than asked for."""
    sizes = {
        "torchvision": {"b": 9, "a": 5, "c": None},
        "resnet": {"r50": 50, "r18": 18, "r34": 34},
        "vgg": {"v11": 110},
        "odd": {"unknown": None},
    }

    first = ["torchvision:a", "torchvision:b", "timm:r18", "timm:v11"]
    unknown = ["timm:unknown", "torchvision:c"]
    assert sweep.chosen(sizes, least=1) == [*first, *unknown]
    assert sweep.chosen(sizes, least=4) == [*first, *unknown, "timm:r34"]
    assert len(sweep.chosen(sizes, least=99)) == 8


def test_every_module_of_timm_has_members_to_choose_from():
    """None but networks for timm's own tests is left out."""
    timm = pytest.importorskip("timm")
    modules = sweep._modules()

    assert set(timm.list_modules()) <= set(modules)
    assert len(modules["torchvision"]) >= 80
    assert not [name for names in modules.values() for name in names if name.startswith("test_")]


@pytest.mark.parametrize(
    ("parameters", "work", "tier"),
    [
        (10**6, 10**8, "all"),
        (10**6, None, "all"),
        (10**6, 10**9, "untrained"),
        (10**6, 10**11, "shapes"),
        (10**9, 10**8, "shapes"),
    ],
)
def test_what_is_dear_is_not_computed(parameters, work, tier):
    """A large network gets the checks that compute nothing, one of middling work is not trained."""
    assert tier_of(parameters, work) == tier
    assert checks_of("shapes") == SHAPES


@pytest.mark.skipif(sys.platform == "win32", reason="needs POSIX signals")
@pytest.mark.parametrize(
    ("does", "why"),
    [
        ("os.kill(os.getpid(), 11)", "killed by SIGSEGV"),
        ("os._exit(3)", "ended with exit code 3"),
        ("time.sleep(60)", "time limit of 1 s"),
    ],
)
def test_an_end_of_the_process_is_a_row(worker, does, why):
    """It says which check ended it; the others are run all the same."""
    row = sweep.looked_at(worker(does), Row(name="timm:bad"), 1)

    assert row.lost == {"shapes": why}
    assert sorted(row.findings) == ["contract", "head"]
    assert row.whole
    assert not row.clean


def test_want_of_memory_is_no_broken_promise(worker):
    """It says more of the limit than of the network."""
    seen = "RuntimeError: DefaultCPUAllocator: can't allocate memory"
    row = sweep.looked_at(worker("pass", "broken", seen), Row(name="timm:big"), 5)

    assert set(row.lost.values()) == {"memory limit"}
    assert row.broken == {}


def test_a_killed_sweep_goes_on_from_half_a_line(tmp_path):
    """What was written whole is kept, and the next row stands on a line of its own."""
    path = tmp_path / "rows.jsonl"
    append(path, _clean("timm:a"))
    append(path, _clean("timm:b"))
    with path.open("rb+") as file:
        file.truncate(path.stat().st_size - 9)

    assert list(read(path)) == ["timm:a"]
    append(path, _clean("timm:c"))
    assert list(read(path)) == ["timm:a", "timm:c"]


def test_rows_of_other_versions_are_not_kept(tmp_path, monkeypatch):
    """Another timm has other networks."""
    path = tmp_path / "rows.jsonl"
    monkeypatch.setattr("sweep_rows.versions", lambda: {"timm": "0"})
    append(path, _clean("timm:a"))
    monkeypatch.undo()

    assert read(path) == {}


def test_a_row_is_whole_when_its_tier_is():
    """What a larger tier asks for is looked at when the limits have grown."""
    assert _clean("timm:a").whole
    assert not _clean("timm:a", tier="untrained").whole
    assert _clean("timm:a", findings={}, tier="", refused="no logits").whole


def test_a_page_gives_back_what_kept_everything(tmp_path):
    """So that the next sweep can tell what has become worse."""
    broken = _clean("timm:bad", findings=_KEPT | {"head": ("broken", "strange")})
    rows = [_clean(f"timm:net_{number}") for number in range(40)]
    rows += [_clean("torchvision:vgg11"), broken]
    path = tmp_path / "sweep.md"
    path.write_text(sweep_page.page(rows, versions(), counts(rows)))

    assert set(sweep_page.kept(path)) == {row.name for row in rows} - {"timm:bad"}
    assert "`head`: not looked into yet: strange (1): `timm:bad`" in path.read_text()
    assert max(map(len, path.read_text().splitlines())) <= 100


def test_only_what_the_network_does_is_a_regression():
    """A broken promise or a crash is one, a limit of time or memory is not."""
    rows = [
        _clean("timm:same"),
        _clean("timm:worse", findings=_KEPT | {"head": ("broken", "3 logits")}),
        _clean("timm:crashed", lost={"learns": "killed by SIGSEGV"}),
        _clean("timm:slow", lost={"learns": "time limit of 9 s"}),
        _clean("timm:new", lost={"learns": "killed by SIGSEGV"}),
    ]
    before = ["timm:same", "timm:worse", "timm:crashed", "timm:slow"]

    assert list(regressions(before, rows)) == ["timm:worse", "timm:crashed"]


def test_a_worker_is_gone_when_it_is_ended(worker):
    """A time limit leaves nothing that computes on."""
    slow = worker("time.sleep(60)")
    list(slow.ask({"name": "timm:slow", "known": []}, 0.5))

    with pytest.raises(ProcessLookupError):
        os.kill(slow._process.pid, 0)
