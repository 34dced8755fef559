"""Tables of a run's database, and its connection."""

from __future__ import annotations

import hashlib
import os
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from bench.system.received_files import require_regular
from registry.errors import RunError, StorageError

SCHEMA_VERSION = 3
_TABLES = ("run", "trial", "epoch", "prediction", "thumbnail")
_LONGEST_ROW = 256_000_000  # bytes; the names of all images are one row
_NAMES_OTHER = bytes.fromhex("d9d505f920a163d7")  # last bytes of a journal of several files
CONTENTS = "contents"  # the row of `run` with the names of all rows and the number of trials
SCHEMA = f"""
BEGIN IMMEDIATE;
CREATE TABLE run (
    name TEXT PRIMARY KEY,
    value TEXT NOT NULL,          -- JSON
    sha256 TEXT NOT NULL          -- of name and value
) WITHOUT ROWID;
CREATE TABLE trial (
    number INTEGER PRIMARY KEY,   -- in the order of the plan, from 0
    model TEXT NOT NULL,
    seed INTEGER NOT NULL,
    status TEXT NOT NULL,         -- planned, or that of the record
    spec TEXT NOT NULL,           -- JSON
    record TEXT,                  -- JSON, without specification and history
    sha256 TEXT NOT NULL,         -- of all of the trial: see _digest
    fold INTEGER AS (ifnull(json_extract(spec, '$.fold'), 0)) VIRTUAL,  -- 0 where there are none
    UNIQUE (model, seed, fold)
);
CREATE TABLE epoch (
    trial INTEGER NOT NULL REFERENCES trial,
    epoch INTEGER NOT NULL,       -- from 1
    record TEXT NOT NULL,         -- JSON
    PRIMARY KEY (trial, epoch)
) WITHOUT ROWID;
CREATE TABLE prediction (
    trial INTEGER NOT NULL REFERENCES trial,
    image INTEGER NOT NULL,       -- position in the test part, from 0
    label INTEGER NOT NULL,
    probabilities TEXT NOT NULL,  -- JSON, one number a class
    PRIMARY KEY (trial, image)
) WITHOUT ROWID;
CREATE TABLE thumbnail (
    image TEXT PRIMARY KEY,       -- its name, as JSON
    jpeg BLOB NOT NULL,
    sha256 TEXT NOT NULL          -- of name and picture
) WITHOUT ROWID;
PRAGMA user_version = {SCHEMA_VERSION};
"""


def connect(path: Path, *, read_only: bool = False) -> sqlite3.Connection:
    """Return a connection to the file `path`; commits are synced to disk."""
    for name in ("", "-wal", "-shm", "-journal"):  # a reader maps -shm for writing, too
        require_regular(path.with_name(f"{path.name}{name}"))
    _refuse_other_journal(path.with_name(f"{path.name}-journal"))
    if read_only:
        uri = f"{path.absolute().as_uri()}?mode=ro"
        return _limited(sqlite3.connect(uri, uri=True, timeout=10, isolation_level=None))
    database = _limited(sqlite3.connect(path, timeout=10, isolation_level=None))
    database.execute("PRAGMA journal_mode = WAL")
    database.execute("PRAGMA synchronous = FULL")
    return database


def empty_log(database: sqlite3.Connection) -> None:
    """Move the content of the log into the database file, which is then whole without it.

    With the journal it costs about 18 ms a trial. A process that reads may delay it.
    """
    database.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()


def require_own_tables(database: sqlite3.Connection) -> None:
    """Raise ValueError if the file has views or triggers, which are code, or other tables."""
    for kind, name, text in database.execute("SELECT type, name, sql FROM sqlite_master"):
        table = kind == "table" and name in _TABLES and str(text).startswith("CREATE TABLE")
        if not table and kind != "index":
            raise ValueError(f"it has the {kind} {name!r}, which zoo does not write")


def _limited(database: sqlite3.Connection) -> sqlite3.Connection:
    """Return the connection, which reads no huge row."""
    database.setlimit(sqlite3.SQLITE_LIMIT_LENGTH, _LONGEST_ROW)
    return database


def _refuse_other_journal(path: Path) -> None:
    """Raise RunError for a journal that names another file, which SQLite would delete."""
    try:
        with path.open("rb") as file:
            file.seek(-len(_NAMES_OTHER), os.SEEK_END)
            named = file.read() == _NAMES_OTHER
    except OSError:  # missing or shorter
        return
    if named:
        raise RunError(f"{path} names another file: remove it, and repeat the command")


@contextmanager
def transaction(database: sqlite3.Connection) -> Iterator[None]:
    """Apply all changes or none; they are on disk at the end."""
    with database:  # commits; rolls back after an exception
        database.execute("BEGIN IMMEDIATE")
        yield


@contextmanager
def naming_file(path: Path) -> Iterator[None]:
    """Turn errors of SQLite and JSON into one line that names the file."""
    try:
        yield
    except RunError as error:
        if str(path) in str(error):
            raise
        raise RunError(f"cannot use {path}: {error}") from error
    except sqlite3.OperationalError as error:
        raise StorageError(f"cannot use {path}: {error}") from error
    # AttributeError comes from a column of another type, RuntimeError from torch
    except (sqlite3.Error, ValueError, TypeError, LookupError, OverflowError, AttributeError,
            RecursionError, RuntimeError) as error:  # fmt: skip
        raise RunError(f"{path} is damaged: {error}") from error


def sha256_of(text: str, more: bytes = b"") -> str:
    """Return the SHA-256 of a row's content."""
    return hashlib.sha256(text.encode() + more).hexdigest()
