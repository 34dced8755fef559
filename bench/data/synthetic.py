"""The embedded data set: drawings with a test part of their own, made on first use."""

import hashlib
import json
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import get_args

import numpy as np
from PIL import Image

from bench.data.dataset_plugins import Dataset
from bench.data.drawings import Kind, draw
from bench.system.atomic_files import write_text
from bench.system.cache_folder import own_cache_folder
from bench.system.cpu import default_threads
from bench.system.own_files import is_own
from registry.errors import DataError

SYNTHETIC_NAME = "synthetic"
IMAGES = 720

_VERSION = 4  # raise it whenever a pixel changes: it is part of the cache key
_TESTED = 13 / 18  # share of the drawings before the first in test/
_MARKER = ".synthetic.json"
_DIGEST = ".drawings.sha256"

DRAWINGS = Dataset(
    name="drawings",
    folder="bench.data.synthetic:synthetic_folder",
    source="cats and dogs drawn by code, made for this project",
)


def write_synthetic(
    folder: Path, *, images: int = IMAGES, seed: int = 0, parts: bool = False
) -> Path:
    """Return `folder` with `images` drawings as Cat/cat.0.jpg, Dog/dog.0.jpg and so on.

    With `parts`, 13 of 18 lie in train/, the others in test/. Image i of a kind
    depends on `seed`, kind and i alone, so a smaller set without parts is a prefix. A complete
    folder is kept; an incomplete or altered one, or one of another version, seed or count, is
    replaced.

    Raises:
        ValueError: `images` is not a positive even number.
        DataError: `folder` holds other files.
    """
    if images < 2 or images % 2:
        raise ValueError(
            f"{images} images cannot be half cats, half dogs: give a positive even number"
        )
    marker = json.dumps({"version": _VERSION, "seed": seed, "images": images, "parts": parts})
    if _is_finished(folder, marker, images):
        return folder
    if folder.exists() and not (folder / _MARKER).is_file() and any(folder.iterdir()):
        raise DataError(f"{folder} holds other files: name a new or empty folder for the drawings")
    folder.parent.mkdir(parents=True, exist_ok=True)
    with TemporaryDirectory(prefix=f".{folder.name}-", dir=folder.parent) as scratch:
        draft = Path(scratch, "new")
        _write_images(draft, images // 2, seed, parts=parts)
        (draft / _DIGEST).write_text(_digest(draft), encoding="ascii")
        (draft / _MARKER).write_text(marker, encoding="ascii")
        if folder.exists():
            folder.rename(Path(scratch, "old"))
        try:
            draft.rename(folder)
        except OSError:
            # Another process was quicker, and its folder is equal.
            if not _is_finished(folder, marker, images):
                raise
    return folder


def synthetic_folder(cache: Path | None = None) -> Path:
    """Return the data set in `cache` or the user's cache folder, written on first use.

    Raises:
        DataError: the folder belongs to another user.
    """
    said = list[str]()
    kept = cache or own_cache_folder(said.append)
    if kept is None:
        raise DataError(f"nowhere to write the drawings: {said[0]}")
    folder = kept / f"{SYNTHETIC_NAME}-v{_VERSION}"
    if not is_own(folder):
        raise DataError(f"the drawings in {folder} are of another user: remove that folder")
    return write_synthetic(folder, parts=True)


def _write_images(folder: Path, each: int, seed: int, *, parts: bool) -> None:
    wanted = [(number, index) for number in range(len(get_args(Kind))) for index in range(each)]
    names = ["test" if index >= _TESTED * each else "train" for _, index in wanted]
    places = [folder / name if parts else folder for name in names]
    with ThreadPoolExecutor(default_threads()) as pool:
        list(pool.map(partial(_write_image, seed), wanted, places))


def _write_image(seed: int, which: tuple[int, int], folder: Path) -> None:
    number, index = which
    kind = get_args(Kind)[number]
    kind_folder = folder / kind.capitalize()
    kind_folder.mkdir(parents=True, exist_ok=True)
    pixels = draw(kind, np.random.default_rng((seed, number, index)))
    Image.fromarray(pixels).save(kind_folder / f"{kind}.{index}.jpg", quality=90)


def _is_finished(folder: Path, marker: str, images: int) -> bool:
    path = folder / _MARKER
    return (
        path.is_file()
        and path.read_text(encoding="utf-8", errors="replace") == marker
        and sum(1 for _ in folder.rglob("*.jpg")) == images
        and _is_unaltered(folder)
    )


def _is_unaltered(folder: Path) -> bool:
    """Compare the drawings with their digest; it is written where an earlier version left none."""
    try:
        kept = (folder / _DIGEST).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError):
        kept = _digest(folder)
        with suppress(OSError):
            write_text(folder / _DIGEST, kept)
    return kept == _digest(folder)


def _digest(folder: Path) -> str:
    """Return the SHA-256 of names and contents of the drawings; it takes 15 ms."""
    digest = hashlib.sha256()
    for path in sorted(folder.rglob("*.jpg")):
        is_usual = path.is_file() and not path.is_symlink()  # a pipe would never end
        content = hashlib.sha256(path.read_bytes()).hexdigest() if is_usual else "unusual"
        digest.update(f"{path.relative_to(folder).as_posix()} {content}\n".encode())
    return digest.hexdigest()
