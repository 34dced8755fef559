"""Small pictures of a run's test images, stored with its records for the page."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Collection, Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from bench.runs.schema import naming_file, sha256_of, transaction
from registry.errors import RunError

if TYPE_CHECKING:
    from bench.data.check import CheckedImage
    from bench.data.pixel_source import PixelSource

MOST = 2_000  # test images; about 8 MB


class Thumbnails:
    """Thumbnails in a run's store, as JPEG by image name; errors are those of `Store`."""

    def __init__(self, path: Path, database: sqlite3.Connection) -> None:
        self._path, self._database = path, database

    def names(self) -> set[str]:
        """Return the names of the images with a thumbnail."""
        with naming_file(self._path):
            rows = self._database.execute("SELECT image FROM thumbnail")
            return {json.loads(image) for (image,) in rows}

    def keep(self, pictures: Mapping[str, bytes]) -> None:
        """Store `pictures`, all or none."""
        by_json = {json.dumps(name): jpeg for name, jpeg in pictures.items()}
        rows = [(name, jpeg, sha256_of(f"{name}\n", jpeg)) for name, jpeg in by_json.items()]
        with naming_file(self._path), transaction(self._database):
            self._database.executemany("INSERT OR REPLACE INTO thumbnail VALUES (?, ?, ?)", rows)

    def read(self, names: Iterable[str]) -> dict[str, bytes]:
        """Return the stored thumbnails among `names`."""
        found: dict[str, bytes] = {}
        with naming_file(self._path):
            for name in names:
                rows = self._database.execute(
                    "SELECT image, jpeg, sha256 FROM thumbnail WHERE image = ?", (json.dumps(name),)
                )
                for image, jpeg, sha256 in rows:  # at most one
                    if sha256_of(f"{image}\n", jpeg) != sha256:
                        text = f"{self._path} is damaged: a thumbnail was altered"
                        raise RunError(text)
                    found[name] = jpeg
        return found


def keep_missing(
    kept: Thumbnails,
    images: Iterable[CheckedImage],
    source: PixelSource,
    wanted: Collection[str] = (),
) -> None:
    """Store missing thumbnails: of the first 2,000 `images`, and of those named in `wanted`.

    Raises DataError if an image cannot be read, StorageError if the store cannot be written.
    """
    from bench.data.decode import thumbnail  # a list of runs needs no Pillow

    there, chosen = kept.names(), set(wanted)
    missing = {
        image.file.name: image
        for number, image in enumerate(images)
        if (number < MOST or image.file.name in chosen) and image.file.name not in there
    }
    if missing:
        kept.keep({name: thumbnail(source.full(each.file)) for name, each in missing.items()})
