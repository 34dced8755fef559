"""Spoilt copies of a file's bytes: flipped, cut, overwritten, spliced."""

from __future__ import annotations

import faulthandler
import random
from collections.abc import Iterator
from contextlib import contextmanager

_HANG_SECONDS = 10


def mutant(content: bytes, generator: random.Random) -> tuple[str, bytes]:
    """Return how `content` was spoilt, and what it is now; by chance it may be what it was."""
    way = generator.choice((_flipped, _cut, _overwritten, _spliced))
    return way.__name__[1:], way(content, generator)


@contextmanager
def no_hang() -> Iterator[None]:
    """End this whole process with its stacks if what is inside takes longer than 10 s."""
    faulthandler.dump_traceback_later(_HANG_SECONDS, exit=True)
    try:
        yield
    finally:
        faulthandler.cancel_dump_traceback_later()


def _flipped(content: bytes, generator: random.Random) -> bytes:
    spoilt = bytearray(content)
    for _ in range(generator.choice((1, 2, 8))):
        spoilt[generator.randrange(len(spoilt))] ^= 1 << generator.randrange(8)
    return bytes(spoilt)


def _cut(content: bytes, generator: random.Random) -> bytes:
    kept = content[: generator.randrange(len(content))]
    return kept + generator.choice((b"", bytes(len(content) - len(kept)), b"\0" * 9999))


def _overwritten(content: bytes, generator: random.Random) -> bytes:
    start, size = generator.randrange(len(content)), generator.choice((1, 8, 64, 4096))
    return (content[:start] + generator.randbytes(size) + content[start + size :])[: len(content)]


def _spliced(content: bytes, generator: random.Random) -> bytes:
    """A piece of it in the place of another, of the same length or not."""
    start, other = generator.randrange(len(content)), generator.randrange(len(content))
    size, gone = generator.choice((8, 64, 1024)), generator.choice((0, 8, 64, 1024))
    return content[:start] + content[other : other + size] + content[start + gone :]
