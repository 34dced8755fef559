"""Each campaign of attacks in small, and that it notices what must not be; `make soak` has all."""

from __future__ import annotations

import attack_images
import attack_owners
import attack_store
import cache_harm
import fuzz_store
import image_harm
import pytest
from drawn_folder import draw_folder
from powers import can_be_two
from run_reading import Trial, judged
from struck import Ended
from tally import Tally, changes, table, tree

from bench.data.facts import Flaw
from bench.data.validation_cache import ValidationCache
from bench.runs import store as store_module

_OK = Ended(code=0, out="", err="")


def _trial(**changes):
    fields = {"predictions": b"a", "status": "ok", "error": "", "traceback": "", "fingerprint": "f"}
    return Trial(**fields | changes)


def _judge(tmp_path, monkeypatch, ended=_OK, **changes):
    """Return what a run of one trial, with these changes, is taken for."""
    monkeypatch.setattr("run_reading.trials_of", lambda runs: {"a": _trial(**changes)})
    return judged(ended, tmp_path, {"a": _trial()}, ["Cat/cat.1.jpg"])[0]


@pytest.mark.parametrize(
    ("outcome", "changes"),
    [
        ("as undisturbed", {}),
        ("named", {"predictions": None, "status": "failed", "error": "cannot read Cat/cat.1.jpg"}),
        ("recorded as other images", {"predictions": b"b", "fingerprint": "g"}),
        ("silently wrong", {"predictions": b"b"}),
        ("silently wrong", {"predictions": None}),
        ("silently wrong", {"status": "failed", "error": "something is wrong"}),
        ("silently wrong", {"status": "failed", "error": "cannot read Dog/dog.1.jpg"}),
        ("tracebacks", {"status": "failed", "error": "Cat/cat.1.jpg", "traceback": "a\nKeyError"}),
    ],
)
def test_a_run_under_attack_is_judged(tmp_path, monkeypatch, outcome, changes):
    """Other predictions, and a failure that names no changed picture, are silently wrong."""
    assert _judge(tmp_path, monkeypatch, **changes) == outcome


@pytest.mark.parametrize(
    ("outcome", "ended"),
    [
        ("hangs", Ended(code=None, out="", err="")),
        ("tracebacks", Ended(code=1, out="", err="Traceback (most recent call last):")),
        ("named", Ended(code=2, out="", err="zoo: cat.1.jpg has changed")),
        ("silently wrong", Ended(code=2, out="", err="zoo: something has changed")),
        ("silently wrong", Ended(code=2, out="", err="zoo: cat.1.jpg\nzoo: cat.1.jpg")),
    ],
)
def test_a_command_under_attack_is_judged(tmp_path, monkeypatch, outcome, ended):
    """A refusal is one line that names what has changed."""
    assert _judge(tmp_path, monkeypatch, ended) == outcome


def test_writes_to_a_watched_tree_are_noticed(tmp_path):
    """Content, mode, a new file and a removed one; not what may be written."""
    for name in ("content", "mode", "gone", "allowed"):
        (tmp_path / name).write_text("before")
    before = tree(tmp_path, without=[tmp_path / "allowed"])
    (tmp_path / "content").write_text("after.")
    (tmp_path / "mode").chmod(0o600)
    (tmp_path / "gone").rename(tmp_path / "new")
    (tmp_path / "allowed").write_text("after")
    found = changes(before, tree(tmp_path, without=[tmp_path / "allowed"]))

    assert sorted(found) == ["content", "gone", "mode", "new"]


def test_the_table_has_a_row_for_each_campaign():
    """Its faults follow, with the cases that had them."""
    tally = Tally(campaign="of caches")
    tally.add("case 1", "named")
    tally.add("case 2", "hangs", "for long")
    tally.add_outside("case 2", ["b", "a"])
    lines = table([tally]).splitlines()

    assert lines[0].split("  ")[0] == "campaign"
    assert lines[1].split() == ["of", "caches", "2", "0", "0", "1", "1"]
    assert lines[2:] == [
        "of caches: hangs: case 2: for long",
        "of caches: writes outside: case 2: a, b",
    ]
    assert tally.wrong == 2


@pytest.mark.parametrize("name", image_harm.HARMS)
def test_each_harm_changes_the_pictures(tmp_path, name):
    """A campaign of harms that do nothing would prove nothing."""
    draw_folder(tmp_path / "drawn", each=2)
    before = _told(tmp_path)
    image_harm.HARMS[name]([tmp_path / "drawn" / "Cat" / "cat.1.jpg"], 3)

    assert _told(tmp_path) != before


def _told(folder):
    times = [path.lstat().st_mtime_ns for path in sorted(folder.rglob("*.jpg"))]
    return tree(folder), times


def test_each_harm_meets_each_moment():
    """The first cases are all pairs, each once."""
    pairs = len(image_harm.HARMS) * len(attack_images._WHEN)
    found = attack_images.cases(pairs, 0)

    assert len({(case.harm, case.when) for case in found}) == pairs


def test_harms_of_a_cache_change_its_files(tmp_path):
    """Each but two: the rows have no such columns, and there is no other file."""
    unchanged = []
    for name, harm in cache_harm.HARMS.items():
        cache = tmp_path / name / "cache"
        ledger = ValidationCache(cache / "checked.sqlite")
        ledger.add({"0" * 64: Flaw(reason="empty", lasts=True)})
        before = tree(tmp_path / name)
        harm([cache / "checked.sqlite"], 5)
        if tree(tmp_path / name) == before:
            unchanged.append(name)

    assert unchanged == ["blacken", "alter_rows", "exchange"]


def test_a_program_that_trusts_its_pictures_is_noticed():
    """Where no digest of a picture is compared, a replaced one is trained on and predicted."""
    case = attack_images.Case(
        when="planned", harm="replace", way=("--no-isolate", "--no-cache"), seed=0
    )
    check = "bench.data.pixel_source.DirectPixels._require_checked"
    tally = attack_images.attack_images(1, 0, chosen=[case], believing=[check])

    assert tally.counts["silently wrong"] == 1


@pytest.fixture
def theirs():
    """What a report meets that is asked for a run of another user, whose files all may write."""
    if not can_be_two():
        pytest.skip("only root can give files to another user")

    def make(made):
        fuzz_store.make(made / "work" / "runs" / "0001-lenet5" / "run.db")
        (made / "home").mkdir()

    case = attack_owners.Case(
        what="whole run", state=("theirs", 0o777, 0o666), command=("report", "1")
    )
    return {"chosen": [case], "make": make}


def test_a_run_of_another_user_is_not_written(theirs):
    """A report of it is refused in one line."""
    tally = attack_owners.attack_owners(1, 0, **theirs)

    assert tally.lines == []
    assert tally.counts["refused"] == 1


@pytest.mark.parametrize("name", ["run.db", "new"])
def test_what_is_written_for_another_user_is_noticed(theirs, name):
    """In one of their files; a new one in their folder is this user's own."""

    def run(arguments, cwd, **how):
        with (cwd / "runs" / "0001-lenet5" / name).open("ab") as file:
            file.write(b"more")
        return _OK

    tally = attack_owners.attack_owners(1, 0, run=run, **theirs)

    assert tally.counts["writes outside"] == (name == "run.db")


def test_damaged_records_are_as_stored_or_named():
    """Of database, log, its index and journal; five readers each."""
    tally = attack_store.attack_store(4, seed=1)

    assert tally.lines == []
    assert tally.counts["cases"] == 20
    assert tally.counts["named"]


def test_a_reader_that_trusts_a_damaged_log_is_noticed(monkeypatch):
    """Where no journal is compared, a trial is lost with the end of the log."""
    monkeypatch.setattr(store_module, "loss_of", lambda path, present: "")
    monkeypatch.setattr(attack_store, "FILES", ("run.db-wal",))
    only = {"runs show": attack_store.READERS["runs show"]}
    tally = attack_store.attack_store(16, seed=0, readers=only)

    assert tally.counts["silently wrong"]
