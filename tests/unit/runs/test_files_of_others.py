"""Runs whose files belong to somebody else, cannot be read, or are not where they were."""

from __future__ import annotations

import errno
from pathlib import Path

import fuzz_store
import pytest

from bench.runs import run_folder
from bench.runs.resume_changes import name_changed_pictures
from bench.runs.run_folder import RunFolder, run_folders
from bench.runs.run_list import list_runs
from registry.errors import RunError
from zoo.cli import app


@pytest.fixture
def run(tmp_path):
    """The folder of a run of three trials, two of them finished."""
    fuzz_store.make(tmp_path / "runs" / "0001-a" / "run.db")
    return tmp_path / "runs" / "0001-a"


@pytest.fixture
def shut(run, monkeypatch):
    """The same, where nobody may look into the folder."""
    real = Path.is_file

    def is_file(path):
        if run in path.parents:
            raise PermissionError(errno.EACCES, "Permission denied", str(path))
        return real(path)

    monkeypatch.setattr(Path, "is_file", is_file)
    return run


def test_a_run_that_cannot_be_read_is_listed_with_the_reason(shut):
    """It hides no other run, and is not hidden itself."""
    (row,) = list_runs(shut.parent)

    assert row["state"] == f"cannot read {shut / 'run.db'}: Permission denied"


def test_a_folder_of_runs_that_cannot_be_read_is_refused(run, monkeypatch):
    """In one line, with the system's reason."""

    def iterdir(path):
        raise PermissionError(errno.EACCES, "Permission denied", str(path))

    monkeypatch.setattr(Path, "iterdir", iterdir)

    with pytest.raises(RunError, match=r"cannot read .*runs: Permission denied"):
        run_folders(run.parent)


def test_a_run_that_cannot_be_written_is_refused(run, monkeypatch):
    """Its lock, which could be made, is free again."""

    def write(path, text):
        raise PermissionError(errno.EACCES, "Permission denied", str(path))

    monkeypatch.setattr(run_folder, "write_text", write)
    folder = RunFolder(run)

    with (
        pytest.raises(RunError, match=r"cannot write to .*0001-a: Permission denied"),
        folder.held(),
    ):
        pytest.fail("it is held")
    assert not folder.is_held()


def test_a_database_elsewhere_or_of_another_user_is_not_written(run, tmp_path):
    """A link in its place is refused before anything is written, and names what to do."""
    (run / "run.db").rename(tmp_path / "elsewhere.db")
    (run / "run.db").symlink_to(tmp_path / "elsewhere.db")
    before = sorted(run.iterdir())

    with pytest.raises(RunError, match="copy the run folder"), RunFolder(run).held():
        pytest.fail("it is held")
    assert sorted(run.iterdir()) == before


def test_a_file_that_cannot_be_used_is_told_in_one_line(monkeypatch, capsys):
    """Whatever meets it, no traceback comes."""

    def fail(**_):
        raise PermissionError(errno.EACCES, "Permission denied", "pixels")

    monkeypatch.setattr(app, "app", fail)

    with pytest.raises(SystemExit, match="4"):
        app.main()
    assert capsys.readouterr().err == "zoo: cannot use pixels: Permission denied\n"


@pytest.mark.parametrize(
    ("now", "told"),
    [
        ({"a.jpg": "1", "b.jpg": "2"}, ""),
        ({"a.jpg": "1", "b.jpg": "9"}, ": b.jpg has changed"),
        ({"a.jpg": "1", "c.jpg": "2"}, ": b.jpg is missing and c.jpg is new"),
        ({"a.jpg": "9", "c.jpg": "2"}, ": b.jpg is missing and 2 more"),
    ],
)
def test_pictures_that_have_changed_are_named(now, told):
    """Missing, new, or of another content: the first, and how many more."""
    then = {"pictures": {"a.jpg": "1", "b.jpg": "2"}}

    assert name_changed_pictures(then, {"pictures": now}) == told


def test_drawings_of_another_version_are_named_together():
    """Not one of them is the same; after another --limit, some are."""
    then = {"data": "synthetic", "pictures": {"Cat/cat.0.jpg": "1"}}
    other = {"data": "synthetic", "pictures": {"train/Cat/cat.0.jpg": "2"}}
    more = {"data": "synthetic", "pictures": {"Cat/cat.0.jpg": "1", "Cat/cat.1.jpg": "3"}}

    assert name_changed_pictures(then, other) == (
        ": this version has other drawings, so begin a new run"
    )
    assert name_changed_pictures(then, more) == ": Cat/cat.1.jpg is new"


def test_pictures_of_a_run_of_an_earlier_version_are_named():
    """It has their names, by part or by fold, without digests."""
    now = {"pictures": {"a.jpg": "1", "b.jpg": "2"}}

    assert name_changed_pictures({"split": {"train": ["a.jpg"], "test": []}}, now) == (
        ": b.jpg is new"
    )
    assert name_changed_pictures({"split": {"folds": [{"test": ["b.jpg", "c.jpg"]}]}}, now) == (
        ": c.jpg is missing and a.jpg is new"
    )
