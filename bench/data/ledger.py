"""What decoding an image once has told of it, kept by its content."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import PIL

from bench.data.decode import DECODER_VERSION

_VERSION = f"1, decoder {DECODER_VERSION}, Pillow {PIL.__version__}"
_TABLE = """
    CREATE TABLE IF NOT EXISTS image (
        sha256 TEXT, version TEXT, width INTEGER, height INTEGER, difference_hash TEXT,
        PRIMARY KEY (sha256, version)
    ) WITHOUT ROWID
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """What the pixels of an image say: its size, upright, and its difference hash."""

    width: int
    height: int
    difference_hash: int


class Ledger:
    """A file of facts by content, so that a folder that was checked once is only read again.

    It is a convenience: where it is damaged it is begun anew, and where it can't be written,
    images are decoded.
    """

    def __init__(self, path: Path) -> None:
        self._path = path

    def read(self) -> dict[str, Facts]:
        """Return the facts that this version of the decoder has written, by SHA-256."""
        try:
            with self._open() as database:
                rows = database.execute(
                    "SELECT sha256, width, height, difference_hash FROM image WHERE version = ?",
                    (_VERSION,),
                ).fetchall()
            return {
                digest: Facts(width=width, height=height, difference_hash=int(bits, 16))
                for digest, width, height, bits in rows
            }
        except (sqlite3.OperationalError, OSError):  # in use, or no leave to read it
            return {}
        except (sqlite3.Error, ValueError, TypeError):  # damaged
            with suppress(OSError):
                self._path.unlink(missing_ok=True)
            return {}

    def add(self, facts: Mapping[str, Facts]) -> None:
        """Write facts by SHA-256, if that can be done."""
        rows = [
            (digest, _VERSION, each.width, each.height, f"{each.difference_hash:x}")
            for digest, each in facts.items()
        ]
        with suppress(sqlite3.Error, OSError), self._open() as database:
            database.executemany("INSERT OR REPLACE INTO image VALUES (?, ?, ?, ?, ?)", rows)

    @contextmanager
    def _open(self) -> Iterator[sqlite3.Connection]:
        """Yield the database, what is changed in it being kept or not as a whole."""
        self._path.parent.mkdir(parents=True, exist_ok=True)
        with closing(sqlite3.connect(self._path, timeout=10)) as database, database:
            database.execute(_TABLE)
            yield database
