"""Faults of a pixel cache and of its images while they are read: `fuzz_pixel_cache.py 1000`."""

from __future__ import annotations

import os
import random
import sys
import tempfile
import threading
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from types import SimpleNamespace

import numpy as np
from drawn_folder import draw_folder, noise

from bench.data.check import CheckedImage, check
from bench.data.find import find
from bench.data.pixel_cache import CachedPixels, open_pixel_cache
from bench.data.pixel_file import write_pixel_file
from bench.data.pixel_source import DirectPixels
from bench.data.transform import Pixels
from bench.runs.progress import Progress
from registry.errors import DataError

SHAPE = (3, 32, 32)
_QUIET = Progress(shown=False)
_Fault = Callable[[Path, random.Random], None]


def alter(path: Path, generator: random.Random) -> None:
    """Change some bytes, and perhaps set the time back."""
    status = path.stat()
    with path.open("r+b") as file:
        for _ in range(generator.choice((1, 4, 4000))):
            file.seek(generator.randrange(status.st_size))
            file.write(bytes([generator.randrange(256)]))
    if generator.random() < 0.5:
        os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns))


def truncate(path: Path, generator: random.Random) -> None:
    """Cut it anywhere."""
    os.truncate(path, generator.randrange(path.stat().st_size))


def refill(path: Path, generator: random.Random) -> None:
    """Cut it and give it its old length again: zeros."""
    size = path.stat().st_size
    os.truncate(path, generator.randrange(size))
    os.truncate(path, size)


def remove(path: Path, generator: random.Random) -> None:
    """Take it away."""
    path.unlink()


def blacken(path: Path, generator: random.Random) -> None:
    """Put in its place a sound file of the same images, all black."""
    key = path.read_bytes()[8:40]
    shapes = [SHAPE[1:] + SHAPE[:1] if "centre" in path.name else (40, 48, 3)] * 24
    write_pixel_file(path, key, shapes, lambda n: np.zeros(shapes[n], np.uint8), threads=1)


def loosen(path: Path, generator: random.Random) -> None:
    """Let everybody write to it, after somebody did."""
    alter(path, generator)
    path.chmod(0o666)


FAULTS: tuple[_Fault, ...] = (alter, truncate, refill, remove, blacken, loosen)


def fuzz_pixel_cache(count: int, seed: int) -> Counter[str]:
    """Return what became of `count` faults: reads that were right, refused, or silently wrong.

    Each third fault is met by readers at work, each third by another process's files that are
    opened after it, each third by the next run.
    """
    counts: Counter[str] = Counter()
    with tempfile.TemporaryDirectory() as scratch:
        folder = draw_folder(Path(scratch, "drawn"))
        images = check(find(folder)).images
        direct = DirectPixels()
        truth = {i.file.name: (direct.full(i.file), direct.centre(i.file, SHAPE)) for i in images}
        contents = {image.file.path: image.file.path.read_bytes() for image in images}
        for number in range(count):
            place = SimpleNamespace(images=images, truth=truth, cache=Path(scratch, "cache"))
            counts += _one(number, place, random.Random(f"{seed} {number}"))
            for path, content in contents.items():
                path.write_bytes(content)
    return counts


def _one(number: int, place: SimpleNamespace, generator: random.Random) -> Counter[str]:
    fault = FAULTS[number % len(FAULTS)]
    source = _opened(place)
    paths = sorted(place.cache.glob("*.pixels"))
    harm_image = generator.random() < 0.3

    def strike() -> None:
        if harm_image:
            file = generator.choice(place.images).file
            noise(99).save(file.path, "JPEG") if generator.random() < 0.7 else file.path.unlink()
        for path in generator.sample(paths, generator.choice((1, 2))):
            with suppress(FileNotFoundError):  # a reader has noticed the first half of a fault
                fault(path, generator)

    counts: Counter[str] = Counter({f"fault: {fault.__name__}": 1})
    when = number // len(FAULTS) % 3
    if when == 0:
        reader = threading.Thread(target=lambda: [_read(source, place, counts) for _ in range(6)])
        reader.start()
        strike()
        reader.join()
    elif when == 1:
        plain = source.as_plain()
        strike()
        source = CachedPixels.reopened(plain, DirectPixels.of(place.images), _QUIET)
    else:
        strike()
        try:
            source = _opened(place)
        except DataError:
            counts["refused"] += 1
    _read(source, place, counts)
    return counts


def _opened(place: SimpleNamespace) -> CachedPixels:
    return open_pixel_cache(
        place.images, place.images, [SHAPE], folder=place.cache, threads=1, report=_QUIET
    )


def _read(source: CachedPixels, place: SimpleNamespace, counts: Counter[str]) -> None:
    """Read all images, whole and their centres, and count what came of it."""
    for image in place.images:
        whole, centre = place.truth[image.file.name]
        counts[_outcome(image, whole, lambda: source.full(image.file))] += 1  # noqa: B023
        counts[_outcome(image, centre, lambda: source.centre(image.file, SHAPE))] += 1  # noqa: B023


def _outcome(image: CheckedImage, expected: Pixels, read: Callable[[], Pixels]) -> str:
    try:
        return "right" if np.array_equal(read(), expected) else "silently wrong"
    except DataError as error:
        return "refused" if image.file.name in str(error) else "refused without a name"


if __name__ == "__main__":
    found = fuzz_pixel_cache(int(sys.argv[1]), int(sys.argv[2]) if sys.argv[2:] else 0)
    for name, times in sorted(found.items()):
        print(f"{times:>9,}  {name}")
    sys.exit(found["silently wrong"] + found["refused without a name"] > 0)
