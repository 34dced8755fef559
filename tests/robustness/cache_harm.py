"""What a second hand does to the files of a cache: each harm takes paths and a seed."""

from __future__ import annotations

import os
import random
import shutil
import sqlite3
import struct
from collections.abc import Callable, Sequence
from contextlib import closing, suppress
from pathlib import Path

import numpy as np
from powers import NOBODY

from bench.data.pixel_file import write_pixel_file

Harm = Callable[[Sequence[Path], int], object]
_SHAPE = 40, 48, 3  # of the whole pictures that are drawn


def flip(paths: Sequence[Path], seed: int) -> None:
    """Flip a bit here and there, and leave the times as they are."""
    generator = random.Random(seed)
    for path in paths:
        content, status = bytearray(path.read_bytes()), path.stat()
        for _ in range(generator.choice((1, 1, 20, 2000)) if content else 0):
            content[generator.randrange(len(content))] ^= 1 << generator.randrange(8)
        with path.open("r+b") as file:
            file.write(content)
        os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns))


def truncate(paths: Sequence[Path], seed: int) -> None:
    """Cut it anywhere."""
    for path in paths:
        os.truncate(path, random.Random(seed).randrange(1 + path.stat().st_size))


def refill(paths: Sequence[Path], seed: int) -> None:
    """Cut it and give it its old length again: zeros."""
    for path in paths:
        size = path.stat().st_size
        os.truncate(path, random.Random(seed).randrange(1 + size // 2))
        os.truncate(path, size)


def remove(paths: Sequence[Path], seed: int) -> None:
    """Take it away."""
    for path in paths:
        path.unlink()


def remove_all(paths: Sequence[Path], seed: int) -> None:
    """Take the whole cache away."""
    for path in paths:
        if (cache := _cache_of(path)).is_dir():
            shutil.rmtree(cache)


def blacken(paths: Sequence[Path], seed: int) -> None:
    """Put in its place what would be a sound file of the same pictures, all black."""
    for path in paths:
        if path.suffix == ".pixels":
            content = path.read_bytes()
            (images,) = struct.unpack_from("<Q", content, 40)
            shape = (32, 32, 3) if "centre" in path.name else _SHAPE
            shapes, black = [shape] * images, np.zeros(shape, np.uint8)
            write_pixel_file(path, content[8:40], shapes, lambda n: black, threads=1)  # noqa: B023
        elif path.suffix == ".sqlite":
            alter_rows([path], seed)
        else:
            path.write_bytes(b"\0" * path.stat().st_size)


def alter_rows(paths: Sequence[Path], seed: int) -> None:
    """Say of all pictures that they are alike, and of other sizes, as far as the file takes it."""
    for path in paths:
        if path.suffix != ".sqlite":
            flip([path], seed)
            continue
        with closing(sqlite3.connect(path)) as database, database:
            tables = [name for (name,) in database.execute("SELECT name FROM sqlite_master")]
            for table in tables:
                _alter(database, table, seed)


def exchange(paths: Sequence[Path], seed: int) -> None:
    """Put another file of the cache in its place."""
    for path in paths:
        others = [each for each in sorted(_cache_of(path).rglob("*.pixels")) if each != path]
        if others:
            shutil.copyfile(random.Random(seed).choice(others), path)


def make_read_only(paths: Sequence[Path], seed: int) -> None:
    """Let nobody write to it."""
    for path in paths:
        path.chmod(0o400)


def open_to_all(paths: Sequence[Path], seed: int) -> None:
    """Let everybody write to it, after somebody did."""
    flip(paths, seed)
    for path in paths:
        path.chmod(0o666)


def give_away(paths: Sequence[Path], seed: int) -> None:
    """Give it to another user, after that one has written to it."""
    flip(paths, seed)
    for path in paths:
        with suppress(PermissionError):
            os.chown(path, NOBODY, NOBODY)


def shut(paths: Sequence[Path], seed: int) -> None:
    """Let nobody read it."""
    for path in paths:
        path.chmod(0)


def make_folder(paths: Sequence[Path], seed: int) -> None:
    """Put a folder in its place, with something in it."""
    for path in paths:
        path.unlink()
        path.mkdir()
        (path / "a").touch()


def make_pipe(paths: Sequence[Path], seed: int) -> None:
    """Put a pipe in its place, to which nobody writes."""
    for path in paths:
        path.unlink()
        os.mkfifo(path)


def link_out(paths: Sequence[Path], seed: int) -> None:
    """Put a link in its place to a file of another folder, which is not to be written."""
    for path in paths:
        outside = _cache_of(path).parents[1] / f"victim-{path.name}"
        shutil.copyfile(path, outside)
        flip([outside], seed)
        path.unlink()
        path.symlink_to(outside)


def link_folder_out(paths: Sequence[Path], seed: int) -> None:
    """Put a link to a folder elsewhere in the place of its folder."""
    for path in paths:
        if not path.parent.is_symlink() and path.parent.is_dir():
            outside = _cache_of(path).parents[1] / f"victim-{path.parent.name}"
            path.parent.rename(outside)
            path.parent.symlink_to(outside)


def link_lock_out(paths: Sequence[Path], seed: int) -> None:
    """Put a link to a file elsewhere in the place of its lock, and harm the file."""
    for path in paths:
        victim = _cache_of(path).parents[1] / "victim-of-lock"
        victim.write_text("not to be emptied")
        lock = path.with_suffix(".lock")
        lock.unlink(missing_ok=True)
        lock.symlink_to(victim)
    truncate(paths, seed)


def leave_partial(paths: Sequence[Path], seed: int) -> None:
    """Leave links to a file elsewhere where a half-written file would lie, and harm the file."""
    from hashlib import sha256

    for path in paths:
        victim = _cache_of(path).parents[1] / "victim-of-partial"
        victim.write_text("not to be emptied")
        name = sha256(os.fsencode(path.name)).hexdigest()[:16]
        path.with_name(f".{name}.partial").symlink_to(victim)
    truncate(paths, seed)


def _alter(database: sqlite3.Connection, table: str, seed: int) -> None:
    columns = [row[1] for row in database.execute(f"PRAGMA table_info('{table}')")]
    generator = random.Random(seed)
    for column in ("difference_hash", "pixels", "width", "sketch", "verdict"):
        if column in columns and generator.random() < 0.6:
            database.execute(
                f"UPDATE '{table}' SET {column} = (SELECT {column} FROM '{table}' LIMIT 1)"
            )


def _cache_of(path: Path) -> Path:
    """Return the cache folder that a file is in."""
    return next(each for each in path.parents if each.name == "cache")


HARMS: dict[str, Harm] = {each.__name__: each for each in (
    flip, truncate, refill, remove, remove_all, blacken, alter_rows, exchange, make_read_only,
    open_to_all, give_away, shut, make_folder, make_pipe, link_out, link_folder_out, link_lock_out,
    leave_partial,
)}  # fmt: skip
