"""Archives from the internet, unpacked so that they can't write where they should not."""

from __future__ import annotations

import shutil
import stat
import tempfile
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path, PurePosixPath

from registry.errors import DataError

_CHUNK = 2**20


def unpack_zip(archive: Path, folder: Path, *, max_bytes: int, max_files: int) -> None:
    """Unpack `archive` to the new folder `folder`: all of it, or nothing is left.

    It is unpacked beside `folder` and renamed. Bytes are counted as they are written, since an
    archive may declare fewer than it holds.

    Raises:
        DataError: it is damaged, a member lies outside or is a link, or it is over a cap.
    """
    try:
        with new_folder(folder) as aside, zipfile.ZipFile(archive) as opened:
            members = [each for each in opened.infolist() if not each.filename.endswith("/")]
            if len(members) > max_files:
                raise DataError(f"{archive.name} holds {len(members):,} files, over {max_files:,}")
            if sum(member.file_size for member in members) > max_bytes:
                raise DataError(f"{archive.name} declares more than {max_bytes:,} bytes: refused")
            left = max_bytes
            for member in members:
                left -= _extract(opened, member, aside, left)
    except (zipfile.BadZipFile, zlib.error, EOFError, RuntimeError) as error:
        raise DataError(f"{archive.name} is damaged: {error}: remove it and fetch again") from error
    except OSError as error:
        raise DataError(f"could not unpack {archive.name}: {error}") from error


@contextmanager
def new_folder(folder: Path) -> Iterator[Path]:
    """Yield a new folder beside `folder`, which it becomes where nothing was raised.

    Raises:
        OSError: it can't be made, or renamed; nothing is left of it.
    """
    folder.parent.mkdir(parents=True, exist_ok=True)
    aside = Path(tempfile.mkdtemp(prefix=f".{folder.name}-", dir=folder.parent))
    try:
        yield aside
        aside.chmod(0o755)  # mkdtemp's is for its maker only
        aside.replace(folder)
    finally:
        shutil.rmtree(aside, ignore_errors=True)


def _extract(opened: zipfile.ZipFile, member: zipfile.ZipInfo, folder: Path, left: int) -> int:
    """Write one member and return its size."""
    name = PurePosixPath(member.filename.replace("\\", "/"))
    if not name.parts or name.is_absolute() or ".." in name.parts or ":" in str(name):
        raise DataError(f"refused to unpack {member.filename!r}: it lies outside the archive")
    mode = member.external_attr >> 16
    if mode and stat.S_IFMT(mode) not in (0, stat.S_IFREG):
        raise DataError(f"refused to unpack {member.filename!r}: it is no regular file")
    target = folder.joinpath(*name.parts)
    target.parent.mkdir(parents=True, exist_ok=True)
    written = 0
    with opened.open(member) as source, target.open("wb") as sink:
        while chunk := source.read(_CHUNK):
            written += len(chunk)
            if written > left:
                raise DataError(f"{member.filename!r} unpacks to more bytes than declared: refused")
            sink.write(chunk)
    return written
