"""Verdicts on decoded images, stored by content."""

import json
import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from types import MappingProxyType

import PIL

from bench.data.decode import DECODER_VERSION, MAX_PIXELS
from bench.data.facts import Facts, Flaw, Verdict
from bench.system.own_files import is_own

_VERSION = f"3, decoder {DECODER_VERSION} to {MAX_PIXELS} pixels, Pillow {PIL.__version__}"
_TABLES = """
    CREATE TABLE IF NOT EXISTS picture (
        sha256 TEXT, version TEXT, width INTEGER, height INTEGER, difference_hash TEXT,
        pixels TEXT, sketch BLOB, PRIMARY KEY (sha256, version)
    );
    CREATE TABLE IF NOT EXISTS flaw (
        sha256 TEXT, version TEXT, reason TEXT, PRIMARY KEY (sha256, version)
    ) WITHOUT ROWID;
    CREATE TABLE IF NOT EXISTS note (
        sha256 TEXT, version TEXT, note TEXT, PRIMARY KEY (sha256, version)
    ) WITHOUT ROWID;
"""
_KNOWN = "WHERE version = ? AND sha256 IN (SELECT value FROM json_each(?))"
_FACTS = "width, height, difference_hash, pixels, sketch"
_IMAGES = f"SELECT sha256, {_FACTS} FROM picture {_KNOWN}"
_FLAWS = f"SELECT sha256, reason FROM flaw {_KNOWN}"
_NONE: Mapping[str, str] = MappingProxyType({})
_NOTES = f"SELECT sha256, note FROM note {_KNOWN}"


class ValidationCache:
    """A file of verdicts by content, so that a second check of a folder decodes nothing.

    A damaged file is replaced; if it cannot be written, images are decoded. Only flaws of the
    content are stored, no time-outs and no crashes.
    """

    def __init__(self, path: Path) -> None:
        self._path = path

    def read(self, digests: list[str]) -> dict[str, Verdict]:
        """Return the verdicts that this version of the decoder has reached, by SHA-256."""
        try:
            asked = (_VERSION, json.dumps(digests))
            with self._open() as database:
                facts = {
                    digest: Facts.of_plain(*facts)
                    for digest, *facts in database.execute(_IMAGES, asked)
                }
                flaws = {
                    digest: Flaw(reason=str(reason), lasts=True)
                    for digest, reason in database.execute(_FLAWS, asked)
                }
            return {**facts, **flaws}
        except (sqlite3.OperationalError, OSError):  # locked, or no permission to read
            return {}
        except (sqlite3.Error, ValueError, TypeError):  # damaged
            with suppress(OSError):
                self._path.unlink(missing_ok=True)
            return {}

    def read_notes(self, digests: list[str]) -> dict[str, str]:
        """Return what was noted about images, by SHA-256."""
        try:
            with self._open() as database:
                rows = database.execute(_NOTES, (_VERSION, json.dumps(digests))).fetchall()
            return {digest: str(note) for digest, note in rows}
        except (sqlite3.Error, OSError):
            return {}

    def add(self, verdicts: Mapping[str, Verdict], notes: Mapping[str, str] = _NONE) -> None:
        """Write verdicts and notes by SHA-256, if possible."""
        images = [
            (digest, _VERSION, *each.as_full())
            for digest, each in verdicts.items()
            if isinstance(each, Facts)
        ]
        flaws = [
            (digest, _VERSION, each.reason)
            for digest, each in verdicts.items()
            if isinstance(each, Flaw) and each.lasts
        ]
        with suppress(sqlite3.Error, OSError), self._open() as database:
            database.executemany(
                "INSERT OR REPLACE INTO picture VALUES (?, ?, ?, ?, ?, ?, ?)", images
            )
            database.executemany("INSERT OR REPLACE INTO flaw VALUES (?, ?, ?)", flaws)
            noted = [(digest, _VERSION, note) for digest, note in notes.items()]
            database.executemany("INSERT OR REPLACE INTO note VALUES (?, ?, ?)", noted)

    @contextmanager
    def _open(self) -> Iterator[sqlite3.Connection]:
        """Yield the database; all changes are stored, or none."""
        self._path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        if not is_own(self._path):
            self._path.unlink()  # what others wrote is never read
        with closing(sqlite3.connect(self._path, timeout=10)) as database, database:
            database.executescript(_TABLES)
            yield database
