"""A folder of nasty images: each kind with what must come of it. No network, no chance, small."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import nasty_coding
import nasty_colours
import nasty_harm
from drawn_folder import noise
from made_images import corners
from nasty_file import Nasty


def nasty_files() -> list[Nasty]:
    """Return all kinds."""
    return [
        *nasty_harm.no_images(),
        *nasty_harm.truncated(),
        *nasty_harm.bombs(),
        *nasty_harm.odd_entries(),
        *nasty_harm.odd_names(),
        *nasty_colours.modes(),
        *nasty_colours.orientations(),
        *nasty_coding.metadata(),
        *nasty_coding.shapes(),
        *nasty_coding.oddly_coded(),
    ]


def write_nasty_folder(folder: Path, files: Iterable[Nasty]) -> None:
    """Write `files` into `folder`/Cat, and three sound pictures into `folder`/Dog."""
    for kind in ("Cat", "Dog"):
        (folder / kind).mkdir(parents=True)
    corners().save(folder / "outside.png")
    for number in range(3):
        noise(number).save(folder / "Dog" / f"dog.{number}.jpg")
    for file in files:
        file.write(folder / "Cat" / file.name)
