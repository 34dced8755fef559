"""Which of the 2,002 photographs are meant: each is a bit, in the order of their names."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

Bits = NDArray[np.bool_]


def places(folder: Path) -> dict[str, int]:
    """Return the place of each photograph of `folder`, by its class and name (`Cat/cat.1.jpg`)."""
    names = sorted("/".join(path.parts[-2:]) for path in folder.glob("*/*") if path.is_file())
    return {name: place for place, name in enumerate(names)}


def chapters(few: Path, many: Path) -> Bits:
    """Return which photographs of the folder `many` are those of `few`, the chapter's.

    Raises:
        ValueError: one of `few` is not there, byte for byte.
    """
    known = places(many)
    found = np.zeros(len(known), bool)
    for name in places(few):
        if name not in known or (few / name).read_bytes() != (many / name).read_bytes():
            raise ValueError(f"{many} has not the {name} of {few}")
        found[known[name]] = True
    return found


def tested(images: Collection[str], known: Mapping[str, int]) -> NDArray[np.int64]:
    """Return the places of the `images` that a run names; it may have the folder before them."""
    return np.array([known["/".join(name.split("/")[-2:])] for name in images])


def packed(bits: Bits) -> str:
    """Return bits as hexadecimal digits, the first in the highest bit."""
    return np.packbits(bits).tobytes().hex()


def unpacked(digits: str, count: int) -> Bits:
    """Return the `count` bits that `packed` was given.

    Raises:
        ValueError: there are fewer; NumPy would read beyond them.
    """
    if 4 * len(digits) < count:
        raise ValueError(f"{len(digits)} hexadecimal digits are no {count} bits")
    return np.unpackbits(np.frombuffer(bytes.fromhex(digits), np.uint8), count=count).astype(bool)
