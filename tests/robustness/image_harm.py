"""What a second hand does to the pictures of a run: each harm takes paths and a seed."""

from __future__ import annotations

import os
import random
import shutil
from collections.abc import Callable, Sequence
from io import BytesIO
from pathlib import Path

from drawn_folder import noise
from PIL import Image

Harm = Callable[[Sequence[Path], int], object]


def replace_alike(paths: Sequence[Path], seed: int) -> None:
    """Put another picture in its place, of the same size in bytes and the same times."""
    for number, path in enumerate(paths):
        status, written = path.stat(), BytesIO()
        noise(5000 + seed + number, 12, 10).save(written, "JPEG", quality=40)
        path.write_bytes(written.getvalue().ljust(status.st_size, b"\0")[: status.st_size])
        os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns))


def replace(paths: Sequence[Path], seed: int) -> None:
    """Put another picture in its place, as an editor does."""
    for number, path in enumerate(paths):
        noise(7000 + seed + number).save(path, "JPEG")


def flip(paths: Sequence[Path], seed: int) -> None:
    """Flip one bit of the picture's own data."""
    generator = random.Random(seed)
    for path in paths:
        content = bytearray(path.read_bytes())
        content[generator.randrange(len(content) // 2, len(content))] ^= 1
        path.write_bytes(content)


def touch(paths: Sequence[Path], seed: int) -> None:
    """Change the times alone."""
    for path in paths:
        os.utime(path, (seed, seed))


def truncate(paths: Sequence[Path], seed: int) -> None:
    """Cut it."""
    for path in paths:
        os.truncate(path, path.stat().st_size // (2 + seed % 3))


def empty(paths: Sequence[Path], seed: int) -> None:
    """Leave nothing in it."""
    for path in paths:
        os.truncate(path, 0)


def remove(paths: Sequence[Path], seed: int) -> None:
    """Take it away."""
    for path in paths:
        path.unlink()


def swap(paths: Sequence[Path], seed: int) -> None:
    """Exchange it with one of another class."""
    for path in paths:
        other = _of_another_class(path)
        away = path.with_suffix(".away")
        path.rename(away)
        other.rename(path)
        away.rename(other)


def link_to_other(paths: Sequence[Path], seed: int) -> None:
    """Put a link to one of another class in its place."""
    for path in paths:
        path.unlink()
        path.symlink_to(_of_another_class(path))


def link_to_copy(paths: Sequence[Path], seed: int) -> None:
    """Put a link to an equal file in its place."""
    for path in paths:
        copy = path.parents[2] / f"copy-of-{path.name}"
        path.rename(copy)
        path.symlink_to(copy)


def link_to_itself(paths: Sequence[Path], seed: int) -> None:
    """Put a link in its place that never ends."""
    for path in paths:
        path.unlink()
        path.symlink_to(path)


def make_folder(paths: Sequence[Path], seed: int) -> None:
    """Put a folder in its place."""
    for path in paths:
        path.unlink()
        path.mkdir()


def make_pipe(paths: Sequence[Path], seed: int) -> None:
    """Put a pipe in its place, to which nobody writes."""
    for path in paths:
        path.unlink()
        os.mkfifo(path)


def make_device(paths: Sequence[Path], seed: int) -> None:
    """Put a link to a device in its place that never ends."""
    for path in paths:
        path.unlink()
        path.symlink_to("/dev/zero")


def shut(paths: Sequence[Path], seed: int) -> None:
    """Let nobody read it."""
    for path in paths:
        path.chmod(0)


def rename(paths: Sequence[Path], seed: int) -> None:
    """Give it another name."""
    for path in paths:
        path.rename(path.with_name(f"renamed-{path.name}"))


def rename_folder(paths: Sequence[Path], seed: int) -> None:
    """Give the folder of its class another name."""
    for path in paths:
        path.parent.rename(path.parent.with_name(f"{path.parent.name}-2"))


def remove_all(paths: Sequence[Path], seed: int) -> None:
    """Take the whole folder away."""
    for path in paths:
        shutil.rmtree(path.parents[1])


def exchange_classes(paths: Sequence[Path], seed: int) -> None:
    """Exchange the folders of two classes."""
    for path in paths:
        here, other = path.parent, _of_another_class(path).parent
        away = here.with_name("away")
        here.rename(away)
        other.rename(here)
        away.rename(other)


def add(paths: Sequence[Path], seed: int) -> None:
    """Put more pictures beside it."""
    for number, path in enumerate(paths):
        noise(9000 + seed + number).save(path.with_name(f"new-{path.name}"), "JPEG")


def grow(paths: Sequence[Path], seed: int) -> None:
    """Put a picture of another shape in its place, still readable."""
    for path in paths:
        with Image.open(path) as picture:
            grown = picture.resize((96, 64))
        grown.save(path, "JPEG")


def _of_another_class(path: Path) -> Path:
    """Return the picture of the same number in the other class's folder."""
    other = {"Cat": "Dog", "Dog": "Cat"}[path.parent.name]
    return path.parents[1] / other / path.name.replace(path.parent.name.lower(), other.lower())


_ONE: tuple[Harm, ...] = (
    *(replace_alike, replace, flip, touch, truncate, empty, remove, swap, link_to_other),
    *(link_to_copy, link_to_itself, make_folder, make_pipe, make_device, shut, rename, grow),
)
_MORE: tuple[Harm, ...] = (rename_folder, remove_all, exchange_classes, add)
HARMS: dict[str, Harm] = {each.__name__: each for each in (*_ONE, *_MORE)}
