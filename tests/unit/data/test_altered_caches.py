"""Caches that somebody else alters: what they say is checked, or is made again."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from hashlib import sha256

import pytest
from drawn_folder import draw_folder

from bench.data.check import check
from bench.data.find import find
from bench.data.synthetic import write_synthetic
from bench.data.validation_cache import ValidationCache
from bench.system.atomic_files import write_text


@pytest.fixture
def drawn(tmp_path):
    """A folder of six pictures."""
    return draw_folder(tmp_path / "drawn", each=3)


@pytest.fixture
def ledger(drawn, tmp_path):
    """The file that knows them all."""
    check(find(drawn), ledger=ValidationCache(tmp_path / "checked.sqlite"))
    return tmp_path / "checked.sqlite"


def _alter(path, statement):
    with closing(sqlite3.connect(path)) as database, database:
        database.execute(statement)


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE verdict SET verdict = (SELECT verdict FROM verdict LIMIT 1)",
        "UPDATE verdict SET verdict = replace(verdict, 'facts\": [48', 'facts\": [47')",
        "UPDATE verdict SET verdict = CAST('x' AS BLOB)",
        "UPDATE verdict SET digest = NULL",
    ],
)
def test_an_altered_verdict_is_not_believed(drawn, ledger, statement):
    """Pictures that a row calls equal to others are decoded again, and then known again."""
    truth = check(find(drawn))
    _alter(ledger, statement)

    assert check(find(drawn), ledger=ValidationCache(ledger)) == truth
    assert len(ValidationCache(ledger).read([image.sha256 for image in truth.images])) == 6


def test_verdicts_of_an_earlier_version_are_made_again(drawn, tmp_path):
    """A file of its tables, whose rows have no digest, becomes one of today's."""
    path = tmp_path / "checked.sqlite"
    _alter(path, "CREATE TABLE picture (sha256 TEXT, version TEXT, width INTEGER)")
    found = check(find(drawn), ledger=ValidationCache(path))

    assert len(ValidationCache(path).read([image.sha256 for image in found.images])) == 6


def test_verdicts_that_others_can_write_are_not_read(drawn, ledger):
    """Such a file is removed, and the pictures are decoded."""
    digests = [image.sha256 for image in check(find(drawn)).images]
    ledger.chmod(0o666)

    assert ValidationCache(ledger).read(digests) == {}


def test_an_altered_drawing_is_drawn_again(tmp_path):
    """A sound picture in the place of another, which no decoder would refuse."""
    folder = write_synthetic(tmp_path / "drawings", images=4)
    whole = (folder / "Cat" / "cat.0.jpg").read_bytes()
    (folder / "Cat" / "cat.0.jpg").write_bytes((folder / "Dog" / "dog.0.jpg").read_bytes())
    write_synthetic(folder, images=4)

    assert (folder / "Cat" / "cat.0.jpg").read_bytes() == whole


def test_drawings_of_an_earlier_version_are_kept(tmp_path):
    """They have no digest yet, and get one."""
    folder = write_synthetic(tmp_path / "drawings", images=4)
    (folder / ".drawings.sha256").unlink()
    before = (folder / "Cat" / "cat.0.jpg").stat().st_mtime_ns
    write_synthetic(folder, images=4)

    assert (folder / "Cat" / "cat.0.jpg").stat().st_mtime_ns == before
    assert (folder / ".drawings.sha256").is_file()


def test_a_planted_link_is_not_written_through(tmp_path):
    """A link under the temporary name of a file is removed, and what it points to stays."""
    victim = tmp_path / "victim"
    victim.write_text("precious")
    (tmp_path / _partial_of("a.txt")).symlink_to(victim)
    write_text(tmp_path / "a.txt", "new")

    assert victim.read_text() == "precious"
    assert (tmp_path / "a.txt").read_text() == "new"


def _partial_of(name):
    return f".{sha256(name.encode()).hexdigest()[:16]}.partial"
