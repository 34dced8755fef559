"""Download public data sets on request: resumable, verified, safely unpacked."""

import hashlib
import shutil
import stat
import tempfile
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http import HTTPStatus
from pathlib import Path, PurePosixPath

import httpx2
from tqdm import tqdm

from bench.system.atomic_files import put_folder_in_place
from registry.errors import DataError, did_you_mean

_TRIES = 3
_SILENT_SECONDS = 60
_OXFORD_BYTES = 850_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class DataSet:
    """A zip archive on the internet.

    Attributes:
        unpacked_bytes, files: caps on the unpacked data.
        root: folder in the archive that holds the class folders.
    """

    name: str
    url: str
    sha256: str
    archive_bytes: int
    unpacked_bytes: int
    files: int
    root: str


# Elson et al. 2007, Asirra; Microsoft download 54765; under Microsoft's own terms, in the archive
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
)
_OXFORD = "oxford-iiit-pet"
NAMES = (CATS_VS_DOGS.name, _OXFORD)


def fetch(name: str, folder: Path, *, progress: bool = True) -> Path:
    """Return the folder of class folders of the public set `name`, downloaded into `folder`.

    Existing data is not downloaded again, and an interrupted download resumes.

    Raises:
        DataError: the set is unknown, the network or disk fails, or the digest is wrong.
    """
    if name not in NAMES:
        hint = did_you_mean(name, NAMES)
        raise DataError(f"unknown data set {name!r}.{hint} Known: {', '.join(NAMES)}.")
    if name == _OXFORD:
        return _fetch_oxford(folder, progress)
    return fetch_archive(CATS_VS_DOGS, folder, progress=progress)


def fetch_archive(data_set: DataSet, folder: Path, *, progress: bool = True) -> Path:
    """Return the folder of class folders of `data_set`; raise DataError as `fetch` does."""
    target = folder / data_set.name
    if not _is_complete(target, target / data_set.root):
        archive = folder / f"{data_set.name}.zip"
        needed = data_set.archive_bytes + data_set.unpacked_bytes
        _require_disk(folder, needed - _bytes_on_disk(archive))
        _download(data_set.url, archive, progress)
        _require_digest(archive, "sha256", data_set.sha256)
        unpack_zip(archive, target, max_bytes=data_set.unpacked_bytes, max_files=data_set.files)
        archive.unlink()
    return target / data_set.root


def unpack_zip(archive: Path, folder: Path, *, max_bytes: int, max_files: int) -> None:
    """Unpack `archive` into the new folder `folder`, completely or not at all.

    It unpacks beside `folder`, then renames. `zipfile` never writes more than an archive declares.

    Raises:
        DataError: it is damaged or over a cap, or a member is a link or lies outside.
    """
    try:
        with _new_folder(folder) as aside, zipfile.ZipFile(archive) as opened:
            members = [each for each in opened.infolist() if not each.filename.endswith("/")]
            if len(members) > max_files:
                raise DataError(f"{archive.name} holds {len(members):,} files, over {max_files:,}")
            if sum(member.file_size for member in members) > max_bytes:
                raise DataError(f"{archive.name} declares more than {max_bytes:,} bytes: refused")
            for member in members:
                _extract(opened, member, aside)
    except (zipfile.BadZipFile, zlib.error, EOFError, RuntimeError) as error:
        raise DataError(f"{archive.name} is damaged: {error}: remove it and fetch again") from error
    except OSError as error:
        raise DataError(f"could not unpack {archive.name}: {error}") from error


@contextmanager
def _new_folder(folder: Path) -> Iterator[Path]:
    """Yield a new folder, which is renamed to `folder` unless something is raised."""
    folder.parent.mkdir(parents=True, exist_ok=True)
    aside = Path(tempfile.mkdtemp(prefix=f".{folder.name}-", dir=folder.parent))
    try:
        yield aside
        aside.chmod(0o755)  # mkdtemp lets only its owner in
        put_folder_in_place(aside, folder)
    finally:
        shutil.rmtree(aside, ignore_errors=True)


def _extract(opened: zipfile.ZipFile, member: zipfile.ZipInfo, folder: Path) -> None:
    name = PurePosixPath(member.filename.replace("\\", "/"))
    if not name.parts or name.is_absolute() or ".." in name.parts or ":" in str(name):
        raise DataError(f"refused to unpack {member.filename!r}: it lies outside the archive")
    mode = member.external_attr >> 16
    if mode and stat.S_IFMT(mode) not in (0, stat.S_IFREG):
        raise DataError(f"refused to unpack {member.filename!r}: it is not a regular file")
    target = folder.joinpath(*name.parts)
    target.parent.mkdir(parents=True, exist_ok=True)
    with opened.open(member) as source, target.open("wb") as sink:
        shutil.copyfileobj(source, sink)


def _is_complete(target: Path, root: Path) -> bool:
    """Return whether `root` exists; a rename made `target`, so it is complete or foreign."""
    if target.exists() and not root.is_dir():
        raise DataError(f"{target} exists but holds no {root.name}: move it away")
    return root.is_dir()


def _bytes_on_disk(path: Path) -> int:
    return sum(each.stat().st_size for each in (path, Path(f"{path}.part")) if each.is_file())


def _download(url: str, path: Path, progress: bool) -> None:
    """Write `url` to `path`, resuming the `.part` file of an earlier try."""
    if path.exists():
        return
    for tries_left in reversed(range(_TRIES)):
        try:
            _append(url, path, progress)
            Path(f"{path}.part").replace(path)
            Path(f"{path}.etag").unlink(missing_ok=True)
            return
        except httpx2.HTTPStatusError as error:
            status = f"{error.response.status_code} {error.response.reason_phrase}".strip()
            raise DataError(
                f"could not fetch {url}: the server answered {status}: "
                f"try later, or save the file as {path} yourself"
            ) from error
        except httpx2.HTTPError as error:
            if not tries_left:
                raise DataError(
                    f"could not fetch {url}: {_one_line(error)}: check the network and run "
                    "the command again; the download resumes"
                ) from error
        except OSError as error:
            raise DataError(f"could not write to {path.parent}: {_one_line(error)}") from error


def _append(url: str, path: Path, progress: bool) -> None:
    """Complete the `.part` file of `path`, from its start if the server cannot resume."""
    part, tag = Path(f"{path}.part"), Path(f"{path}.etag")
    there = part.stat().st_size if part.exists() else 0
    headers = {"Accept-Encoding": "identity"}
    if there:
        headers["Range"] = f"bytes={there}-"
        if tag.exists() and (known := tag.read_text(encoding="utf-8")):
            headers["If-Range"] = known
    with httpx2.stream(
        "GET", url, headers=headers, follow_redirects=True, timeout=_SILENT_SECONDS
    ) as response:
        if there and response.status_code == HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE:
            return  # nothing is missing; the digest detects a file that is too long
        response.raise_for_status()
        if not response.headers.get("Content-Range", "").startswith(f"bytes {there}-"):
            there = 0  # the server sends the whole file: no range support, or a new version
        version = response.headers.get("ETag", "")  # a weak tag cannot resume: RFC 9110, 13.1.5
        tag.write_text("" if version.startswith("W/") else version, encoding="utf-8")
        _write(response, part, there, progress)


def _write(response: httpx2.Response, part: Path, there: int, progress: bool) -> None:
    """Write the body of `response` to `part`, after its first `there` bytes."""
    length = response.headers.get("Content-Length")
    total = there + int(length) if length else None
    bar = tqdm(
        total=total, initial=there, desc=part.stem, unit="B", unit_scale=True, disable=not progress
    )
    with part.open("ab" if there else "wb") as file, bar:
        for chunk in response.iter_raw():  # as received: a larger buffer may be lost
            file.write(chunk)
            bar.update(len(chunk))


def _require_digest(archive: Path, algorithm: str, expected: str) -> None:
    with archive.open("rb") as file:
        found = hashlib.file_digest(file, algorithm).hexdigest()
    if found != expected:
        archive.unlink()
        raise DataError(
            f"{archive.name} has the wrong {algorithm}: {found}, expected "
            f"{expected}; it was removed: fetch it again"
        )


def _require_disk(folder: Path, needed: int) -> None:
    """Create `folder`; raise DataError if it has no room for `needed` bytes."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise DataError(f"could not create {folder}: {_one_line(error)}") from error
    free = shutil.disk_usage(folder).free
    if free < needed:
        raise DataError(
            f"{folder} has {free / 1e9:.1f} GB free, the data needs {needed / 1e9:.1f} GB: "
            "name another folder with --into"
        )


def _one_line(error: Exception) -> str:
    return " ".join(str(error).split()) or type(error).__name__


def _fetch_oxford(folder: Path, progress: bool) -> Path:
    """Return Oxford-IIIT Pet (Parkhi et al. 2012, CC BY-SA 4.0) as Cat/ and Dog/, by torchvision.

    This function downloads the archives, since torchvision cannot resume a download. torchvision
    then checks and unpacks them. The photographs are sorted by species.
    """
    target = folder / _OXFORD
    if _is_complete(target, target / "Cat"):
        return target
    from torchvision.datasets import OxfordIIITPet

    fetched = folder / ".fetched"
    base = fetched / _OXFORD
    archives = [(base / url.rpartition("/")[2], url, md5) for url, md5 in OxfordIIITPet._RESOURCES]
    there = sum(_bytes_on_disk(archive) for archive, _, _ in archives)
    _require_disk(base, 2 * _OXFORD_BYTES - there)
    for archive, url, md5 in archives:
        _download(url, archive, progress)
        _require_digest(archive, "md5", md5)
    try:
        for kind in ("images", "annotations"):  # torchvision takes a half-unpacked one as complete
            shutil.rmtree(base / kind, ignore_errors=True)
        OxfordIIITPet(fetched, download=True)
        _sort_by_species(base / "images", target)
    except (OSError, RuntimeError) as error:
        raise DataError(f"could not unpack {_OXFORD}: {_one_line(error)}") from error
    shutil.rmtree(fetched, ignore_errors=True)
    return target


def _sort_by_species(images: Path, target: Path) -> None:
    """Move photographs to Cat/ and Dog/: cat breeds have a capital (README of the set)."""
    with _new_folder(target) as aside:
        for species in ("Cat", "Dog"):
            (aside / species).mkdir()
        for path in sorted(images.glob("*.jpg")):
            path.replace(aside / ("Cat" if path.name[0].isupper() else "Dog") / path.name)
