"""Public data sets, fetched when a person asks for one: resumed, checked, safely unpacked."""

from __future__ import annotations

import difflib
import hashlib
import logging
import shutil
import tempfile
from dataclasses import dataclass
from pathlib import Path

from pypdl import Pypdl

from bench.data.unpack import unpack_zip
from registry.errors import DataError

_OXFORD_BYTES = 800_000_000
_OXFORD = "oxford-iiit-pet"


@dataclass(frozen=True, slots=True, kw_only=True)
class DataSet:
    """A zip archive on the internet.

    Attributes:
        root: the folder in the archive that holds the class folders.
        unpacked_bytes: a cap on what is unpacked; files, likewise.
        source: where it is described, and under what terms.
    """

    name: str
    url: str
    sha256: str
    archive_bytes: int
    unpacked_bytes: int
    files: int
    root: str
    source: str


CATS_VS_DOGS = DataSet(
    name="cats-vs-dogs",
    url=(
        "https://download.microsoft.com/download/3/E/1/"
        "3E1C3F21-ECDB-4869-8368-6DEBA77B919F/kagglecatsanddogs_5340.zip"
    ),
    sha256="b7974bd00a84a99921f36ee4403f089853777b5ae8d151c76a86e64900334af9",
    archive_bytes=824_887_076,
    unpacked_bytes=1_200_000_000,
    files=30_000,
    root="PetImages",
    source="Elson et al. 2007, Asirra; Microsoft download 54765, its own licence",
)
NAMES = (CATS_VS_DOGS.name, _OXFORD)


def fetch(name: str, folder: Path, *, progress: bool = True) -> Path:
    """Return the folder of class folders of the public set `name`, fetched into `folder`.

    What is there already is not fetched again, and an interrupted download goes on.

    Raises:
        DataError: no such set, no network, not enough disk, or not what was expected.
    """
    if name == CATS_VS_DOGS.name:
        return fetch_archive(CATS_VS_DOGS, folder, progress=progress)
    if name == _OXFORD:
        return _fetch_oxford(folder)
    near = difflib.get_close_matches(name, NAMES, n=1)
    hint = f" Did you mean {near[0]!r}?" if near else ""
    raise DataError(f"unknown data set {name!r}.{hint} There are: {', '.join(NAMES)}")


def fetch_archive(data_set: DataSet, folder: Path, *, progress: bool = True) -> Path:
    """Return the folder of class folders of `data_set`, fetched into `folder`.

    Raises:
        DataError: no network, not enough disk, or not the archive that was expected.
    """
    target = folder / data_set.name
    if not target.exists():
        folder.mkdir(parents=True, exist_ok=True)
        archive = folder / f"{data_set.name}.zip"
        _require_disk(folder, data_set.archive_bytes + data_set.unpacked_bytes)
        if not archive.exists():
            _download(data_set.url, archive, progress)
        _require_digest(archive, data_set)
        unpack_zip(archive, target, max_bytes=data_set.unpacked_bytes, max_files=data_set.files)
        archive.unlink()
    return target / data_set.root


def _download(url: str, archive: Path, progress: bool) -> None:
    """Write `url` to `archive`, in four parts where the server can; parts left over go on."""
    quiet = logging.getLogger("zoo.fetch")
    quiet.addHandler(logging.NullHandler())
    quiet.propagate = False
    downloader = Pypdl(logger=quiet)
    results = downloader.start(
        url, str(archive), segments=4, retries=2, display=progress, etag_validation=True
    )
    if not archive.exists() or not results:
        raise DataError(
            f"could not fetch {url}: check the network and say the same again, "
            "the download goes on where it stopped"
        )


def _require_digest(archive: Path, data_set: DataSet) -> None:
    with archive.open("rb") as file:
        found = hashlib.file_digest(file, "sha256").hexdigest()
    if found != data_set.sha256:
        archive.unlink()
        raise DataError(
            f"{data_set.name} is not what was expected: sha256 {found}, expected "
            f"{data_set.sha256}; it was removed, fetch it again"
        )


def _require_disk(folder: Path, needed: int) -> None:
    free = shutil.disk_usage(folder).free
    if free < needed:
        raise DataError(
            f"{folder} has {free / 1e9:.1f} GB free, the data needs {needed / 1e9:.1f} GB: "
            "name another folder by --into"
        )


def _fetch_oxford(folder: Path) -> Path:
    """Return Oxford-IIIT Pet (Parkhi et al. 2012, CC BY-SA 4.0) as Cat/ and Dog/, by torchvision.

    torchvision checks the digest and unpacks; the photographs are then linked by species.
    """
    target = folder / _OXFORD
    if target.exists():
        return target
    from torchvision.datasets import OxfordIIITPet

    folder.mkdir(parents=True, exist_ok=True)
    _require_disk(folder, 2 * _OXFORD_BYTES)
    aside = Path(tempfile.mkdtemp(prefix=f".{_OXFORD}-", dir=folder))
    try:
        OxfordIIITPet(folder / ".fetched", download=True)
        images = sorted((folder / ".fetched" / _OXFORD / "images").glob("*.jpg"))
        for path in images:  # a breed's name begins with a capital for a cat, says the set's README
            species = aside / ("Cat" if path.name[0].isupper() else "Dog")
            species.mkdir(exist_ok=True)
            (species / path.name).hardlink_to(path)
        aside.chmod(0o755)
        aside.replace(target)
    except (OSError, RuntimeError) as error:
        why = " ".join(str(error).split())
        raise DataError(
            f"could not fetch {_OXFORD}: {why}: check the network, try again"
        ) from error
    finally:
        shutil.rmtree(aside, ignore_errors=True)
    return target
