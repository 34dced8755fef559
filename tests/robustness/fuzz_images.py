"""Mutants of small sound images, run through finding and checking: `fuzz_images.py 10000`.

Nothing of it is left to chance: mutant 1,234 is the same in every run of one seed.
"""

from __future__ import annotations

import random
import resource
import sys
import tempfile
import threading
import time
from collections import Counter
from dataclasses import asdict, dataclass
from itertools import pairwise
from pathlib import Path

from drawn_folder import noise
from made_images import png, saved, tiff

from bench.data.check import check
from bench.data.decode import FORMATS
from bench.data.find import find

_AT_ONCE = 2000  # mutants in a folder
_HEADER_BYTES = 64


@dataclass(frozen=True, slots=True, kw_only=True)
class Fuzzed:
    """What became of the mutants, and what that took."""

    mutants: int
    used: int
    rejected: int
    crashes: int  # of examiners, which the check outlived
    timeouts: int
    short_of_memory: int
    lost: int  # neither used nor named: must be 0
    longest_seconds: float  # from one file to the next in one thread
    peak_bytes: int  # resident, of the largest process that was waited for
    reasons: tuple[tuple[str, int], ...]  # the most frequent, without their details

    def __add__(self, other: Fuzzed) -> Fuzzed:
        """Return both together."""
        reasons = Counter(dict(self.reasons)) + Counter(dict(other.reasons))
        counted = ("mutants", "used", "rejected", "crashes", "timeouts", "short_of_memory", "lost")
        return Fuzzed(
            **{name: getattr(self, name) + getattr(other, name) for name in counted},
            longest_seconds=max(self.longest_seconds, other.longest_seconds),
            peak_bytes=max(self.peak_bytes, other.peak_bytes),
            reasons=tuple(reasons.most_common()),
        )


def fuzz(count: int, folder: Path, *, seed: int = 0, threads: int = 2) -> Fuzzed:
    """Return what becomes of `count` mutants, written to `folder` some thousands at a time.

    Whatever kills or stops the check itself is raised here: it must not happen.
    """
    total = None
    for first in range(0, count, _AT_ONCE):
        numbers = range(first, min(first + _AT_ONCE, count))
        part = folder / f"from-{first}"
        write_mutants(part, numbers, seed=seed)
        one = _checked(part, threads)
        total = one if total is None else total + one
    assert total is not None
    return total


def write_mutants(folder: Path, numbers: range, *, seed: int) -> None:
    """Write mutants into `folder`/Cat, and a sound picture beside them and into `folder`/Dog."""
    for kind in ("Cat", "Dog"):
        (folder / kind).mkdir(parents=True)
        noise(1 if kind == "Cat" else 2).save(folder / kind / f"sound-{kind}.png")
    sound = sound_images()
    for number in numbers:
        (folder / "Cat" / f"mutant.{number}.jpg").write_bytes(mutant(sound, number, seed=seed))


def sound_images() -> list[bytes]:
    """Return small sound images of every kind that is read."""
    picture, other = noise(3), noise(4)
    grey = picture.convert("L")
    more = {"save_all": True, "append_images": [other]}
    compressed = [
        saved(picture, "TIFF", compression=name)
        for name in ("tiff_lzw", "tiff_adobe_deflate", "packbits", "jpeg")
    ]
    return [
        saved(picture, "JPEG"),
        saved(picture, "JPEG", progressive=True, quality=60),
        saved(picture, "JPEG", restart_marker_blocks=2, exif=_turned()),
        saved(picture.convert("CMYK"), "JPEG"),
        saved(picture, "MPO", **more),
        saved(picture, "PNG"),
        saved(picture.quantize(16), "PNG", transparency=3),
        saved(picture, "PNG", **more),
        png(16, 16, b"".join(b"\0" + bytes(range(96)) for _ in range(16)), depth=16),
        saved(picture, "GIF"),
        saved(picture, "GIF", **more),
        saved(picture, "BMP"),
        saved(grey.convert("1"), "BMP"),
        saved(picture, "WEBP"),
        saved(picture, "WEBP", lossless=True, exif=_turned()),
        saved(picture, "WEBP", **more),
        saved(picture, "TIFF"),
        saved(grey.convert("1"), "TIFF", compression="group4"),
        tiff(48, 40, picture.tobytes(), bits=(8, 8, 8), photometric=2, tag_274=6),
        saved(picture, "PPM"),
        *compressed,
        saved(picture, "TGA"),
        saved(other.convert("LA"), "PNG"),
        *(saved(picture, kind, speed=10) for kind in ("AVIF", "JPEG2000") if kind in FORMATS),
    ]


def _turned() -> bytes:
    return b"Exif\0\0II*\0\x08\0\0\0\1\0\x12\1\3\0\1\0\0\0\6\0\0\0\0\0\0\0"


def mutant(sound: list[bytes], number: int, *, seed: int) -> bytes:
    """Return the mutant of this number: one of `sound`, hurt in one or a few ways."""
    chance = random.Random(f"{seed}:{number}")
    content = bytearray(sound[number % len(sound)])
    for _ in range(chance.choice((1, 1, 1, 2, 4))):
        chance.choice((_flip, _edit_header, _cut, _splice, _repeat, _remove, _stretch))(
            content, chance, sound
        )
    return bytes(content)


def _flip(content: bytearray, chance: random.Random, _: list[bytes]) -> None:
    for _ in range(chance.choice((1, 1, 3, 20))):
        if content:
            content[chance.randrange(len(content))] ^= 1 << chance.randrange(8)


def _edit_header(content: bytearray, chance: random.Random, _: list[bytes]) -> None:
    at = chance.randrange(_HEADER_BYTES)
    value = chance.choice((b"\0", b"\xff", b"\x7f\xff", b"\xff\xff\xff\xff", b"\0\0\0\0", b"\x80"))
    content[at : at + len(value)] = value


def _cut(content: bytearray, chance: random.Random, _: list[bytes]) -> None:
    del content[chance.randint(0, len(content)) :]


def _splice(content: bytearray, chance: random.Random, sound: list[bytes]) -> None:
    other = chance.choice(sound)
    start, end = sorted(chance.randint(0, len(other)) for _ in range(2))
    content[chance.randint(0, len(content)) :] = other[start:end]


def _repeat(content: bytearray, chance: random.Random, _: list[bytes]) -> None:
    start, end = sorted(chance.randint(0, len(content)) for _ in range(2))
    content[end:end] = content[start:end] * chance.choice((1, 2, 50))


def _remove(content: bytearray, chance: random.Random, _: list[bytes]) -> None:
    start = chance.randint(0, len(content))
    del content[start : start + chance.choice((1, 4, 100))]


def _stretch(content: bytearray, chance: random.Random, _: list[bytes]) -> None:
    """Have some two bytes say a larger number, as a length or a size may be."""
    at = chance.randint(0, len(content))
    content[at : at + 2] = chance.randrange(2**16).to_bytes(2, "big")


def _checked(folder: Path, threads: int) -> Fuzzed:
    ticks: dict[int, list[float]] = {}

    def tick() -> None:
        ticks.setdefault(threading.get_ident(), [begun]).append(time.monotonic())

    finding = find(folder)
    begun = time.monotonic()
    manifest = check(finding, threads=threads, on_image=tick)
    reasons = [reject.reason for reject in manifest.rejects]
    mutants = len(finding.images) - 2
    used = sum(image.file.path.name.startswith("mutant") for image in manifest.images)
    return Fuzzed(
        mutants=mutants,
        used=used,
        rejected=len(reasons),
        crashes=sum(reason.startswith("crashed the decoder") for reason in reasons),
        timeouts=sum(reason.startswith("took over") for reason in reasons),
        short_of_memory=sum(reason.startswith("needs more memory") for reason in reasons),
        lost=mutants - used - len(reasons),
        longest_seconds=max(b - a for each in ticks.values() for a, b in pairwise(each)),
        peak_bytes=resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss * 1024,
        reasons=tuple(Counter(_kind(reason) for reason in reasons).most_common()),
    )


def _kind(reason: str) -> str:
    """Return a reason without its numbers."""
    return " ".join(word for word in reason.split() if not any(map(str.isdigit, word)))[:60]


def fuzz_images(count: int, seed: int) -> Counter[str]:
    """Return what became of `count` mutants; one that took too much, or is lost, is an error."""
    with tempfile.TemporaryDirectory() as folder:
        fuzzed = fuzz(count, Path(folder), seed=seed)
    if fuzzed.lost or fuzzed.longest_seconds > 10 or fuzzed.peak_bytes > 1e9:
        raise AssertionError(fuzzed)
    return Counter(used=fuzzed.used, rejected=fuzzed.rejected)


def main(arguments: list[str]) -> int:
    """Fuzz with as many mutants as the first argument says; 1 if something went wrong."""
    begun = time.monotonic()
    with tempfile.TemporaryDirectory() as folder:
        fuzzed = fuzz(int(arguments[0]), Path(folder))
    for name, value in asdict(fuzzed).items():
        if name != "reasons":
            print(f"{name:20} {value:,}" if isinstance(value, int) else f"{name:20} {value:.2f}")
    for reason, count in fuzzed.reasons[:20]:
        print(f"{count:8,}  {reason}")
    print(f"{time.monotonic() - begun:.0f} s in all; formats: {', '.join(FORMATS)}")
    return int(bool(fuzzed.lost) or fuzzed.longest_seconds > 10 or fuzzed.peak_bytes > 1e9)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
