"""Verdicts on decoded images, stored by content."""

import hashlib
import json
import sqlite3
from base64 import b64encode
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from types import MappingProxyType
from typing import Any

import PIL

from bench.data.decode import DECODER_VERSION, MAX_PIXELS
from bench.data.facts import Facts, Flaw, Verdict
from bench.system.own_files import is_unshared

_VERSION = f"4, decoder {DECODER_VERSION} to {MAX_PIXELS} pixels, Pillow {PIL.__version__}"
_TABLES = """
    DROP TABLE IF EXISTS picture;  -- of earlier versions, without digests
    DROP TABLE IF EXISTS flaw;
    DROP TABLE IF EXISTS note;
    CREATE TABLE IF NOT EXISTS verdict (
        sha256 TEXT, version TEXT, verdict TEXT, digest TEXT, PRIMARY KEY (sha256, version)
    );
"""
_KNOWN = """
    SELECT sha256, version, verdict, digest FROM verdict
    WHERE version = ? AND sha256 IN (SELECT value FROM json_each(?))
"""
_NONE: Mapping[str, str] = MappingProxyType({})


class ValidationCache:
    """A file of verdicts by content, so that a second check of a folder decodes nothing.

    A damaged file is replaced; if it cannot be written, images are decoded. Each verdict has its
    own SHA-256, since SQLite does not detect altered bytes; an altered one is decoded again. Only
    flaws of the content are stored, no time-outs and no crashes.
    """

    def __init__(self, path: Path) -> None:
        self._path = path

    def read(self, digests: list[str]) -> dict[str, Verdict]:
        """Return the verdicts that this version of the decoder has reached, by SHA-256."""
        return {digest: _verdict_of(plain) for digest, plain in self._rows(digests).items()}

    def read_notes(self, digests: list[str]) -> dict[str, str]:
        """Return what was noted about images, by SHA-256."""
        found = self._rows(digests)
        return {digest: plain["note"] for digest, plain in found.items() if plain["note"]}

    def add(self, verdicts: Mapping[str, Verdict], notes: Mapping[str, str] = _NONE) -> None:
        """Write verdicts and notes by SHA-256, if possible."""
        rows = [
            _with_digest(digest, _VERSION, json.dumps(_plain(each, notes.get(digest, ""))))
            for digest, each in verdicts.items()
            if isinstance(each, Facts) or each.lasts
        ]
        with suppress(sqlite3.Error, OSError), self._open() as database:
            database.executemany("INSERT OR REPLACE INTO verdict VALUES (?, ?, ?, ?)", rows)

    def _rows(self, digests: list[str]) -> dict[str, dict[str, Any]]:
        """Return the rows that are as they were written, by SHA-256, as JSON values."""
        try:
            with self._open() as database:
                rows = database.execute(_KNOWN, (_VERSION, json.dumps(digests))).fetchall()
            return {row[0]: json.loads(row[2]) for row in rows if row == _with_digest(*row[:3])}
        except (sqlite3.OperationalError, OSError):  # locked, or no permission to read
            return {}
        except (sqlite3.Error, ValueError, TypeError):  # damaged
            with suppress(OSError):
                self._path.unlink(missing_ok=True)
            return {}

    @contextmanager
    def _open(self) -> Iterator[sqlite3.Connection]:
        """Yield the database; all changes are stored, or none."""
        self._path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        if not is_unshared(self._path):
            self._path.unlink()  # what others wrote is never read
        with closing(sqlite3.connect(self._path, timeout=10)) as database, database:
            database.executescript(_TABLES)
            yield database


def _plain(verdict: Verdict, note: str) -> dict[str, Any]:
    if isinstance(verdict, Flaw):
        return {"flaw": verdict.reason, "note": note}
    *facts, sketch = verdict.as_full()
    return {"facts": [*facts, b64encode(sketch).decode()], "note": note}


def _verdict_of(plain: Mapping[str, Any]) -> Verdict:
    if "flaw" in plain:
        return Flaw(reason=plain["flaw"], lasts=True)
    return Facts.of_plain(*plain["facts"])


def _with_digest(*row: str) -> tuple[str, ...]:
    """Return a row and its SHA-256, which also says of what image and version it is."""
    return (*row, hashlib.sha256(json.dumps(row).encode()).hexdigest())
