"""Pictures that a person names: files, and all pictures in a folder."""

import os
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

from bench.data.decode_pool import examine
from bench.data.facts import Flaw
from bench.data.find import Reject
from bench.data.folder_tree import is_folder, read_tree
from bench.system.display import count_noun


@dataclass(frozen=True, slots=True, kw_only=True)
class GivenPictures:
    """Readable pictures in a fixed order, each once, and what cannot be used.

    Attributes:
        digests: SHA-256 of each picture's content.
        rejects: files and folders that cannot be read, and why.
        others: files in the folders that are no pictures.
    """

    pictures: tuple[Path, ...]
    digests: tuple[str, ...]
    rejects: tuple[Reject, ...]
    others: tuple[Path, ...]


@dataclass
class _Found:
    """What the walks have found so far; a file keeps the path by which it came first."""

    files: dict[tuple[str, str], Path] = field(default_factory=dict)
    rejects: dict[str, Reject] = field(default_factory=dict)
    others: dict[Path, None] = field(default_factory=dict)

    def add(self, path: Path) -> None:
        self.files.setdefault((os.path.realpath(path.parent), path.name), path)

    def reject(self, path: str | Path, reason: str) -> None:
        self.rejects.setdefault(str(path), Reject(name=str(path), reason=reason))


def read_given(paths: Iterable[Path]) -> GivenPictures:
    """Return the pictures among `paths`, each decoded once in a sandbox.

    A folder stands for all pictures in it and in its folders, sorted by path. Hidden files and
    those of operating systems, such as `Thumbs.db`, are left out.

    Raises:
        DataError: no process can start.
    """
    found = _Found()
    for path in paths:
        if is_folder(path):
            _enter(path, found)
        else:
            found.add(path)
    files = list(found.files.values())
    readable, digests = list[Path](), list[str]()
    for path, answer in zip(files, examine(files), strict=True):
        if isinstance(answer.verdict, Flaw):
            found.reject(path, answer.verdict.reason)
        else:
            readable.append(path)
            digests.append(answer.sha256)
    return GivenPictures(
        pictures=tuple(readable),
        digests=tuple(digests),
        rejects=tuple(found.rejects.values()),
        others=tuple(found.others),
    )


def _enter(folder: Path, found: _Found) -> None:
    """Add the pictures in `folder`; one without any is a reject."""
    others, before = 0, len(found.rejects)
    tree = read_tree(folder)
    for each in tree.walk():
        others += len(each.others)
        found.others.update(dict.fromkeys(each.others))
        if each.error:
            found.reject(each.path, each.error)
        for link in each.skipped:
            found.reject(link.path, link.reason)
    pictures = sorted(tree.all_images(), key=lambda path: path.parts)
    for path in pictures:
        found.add(path)
    if not pictures and len(found.rejects) == before:
        named = f": none of its {count_noun(others, 'file')} is a picture" if others else ""
        found.reject(folder, f"a folder without pictures{named}")
