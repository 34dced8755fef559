"""Check every image file once: usable images, rejects with reasons, and duplicates."""

from collections import Counter
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from bench.data.class_folders import FOLDER_NAMES
from bench.data.decode import UnreadableImageError, content_digest
from bench.data.decode_pool import SECONDS_PER_FILE, Examined, examine
from bench.data.duplicates import NearDuplicates, find_duplicates
from bench.data.facts import CheckedImage as CheckedImage
from bench.data.facts import Flaw
from bench.data.find import Finding, ImageFile, Reject
from bench.data.validation_cache import ValidationCache
from bench.system.display import count_noun
from registry.errors import DataError

MOST_REJECTS = 0.01  # of the files with an image's name; more means a broken folder


@dataclass(frozen=True, slots=True, kw_only=True)
class Manifest:
    """Readable images of a folder in the finder's order, with rejects and duplicates.

    Attributes:
        classes_from: source of the classes, in words.
        split_from: source of the split in `ImageFile.part`, in words; None without one.
        notes: what to know about some of the images, with their number.
        duplicates: groups of one label that show the same picture; a split keeps them together.
        noted: near-copies that no split keeps together: of two labels, or all by request.
        two_labels: equal pixels under more than one label.
        near_duplicates: whether near-copies are grouped, only noted, or not searched.
    """

    folder: Path
    classes: tuple[str, ...]
    images: tuple[CheckedImage, ...]
    rejects: tuple[Reject, ...]
    duplicates: tuple[tuple[CheckedImage, ...], ...]
    classes_from: str = FOLDER_NAMES
    split_from: str | None = None
    notes: tuple[tuple[str, int], ...] = ()
    noted: tuple[tuple[CheckedImage, ...], ...] = ()
    two_labels: tuple[tuple[CheckedImage, ...], ...] = ()
    near_duplicates: NearDuplicates = "group"

    def count(self, label: int) -> int:
        """Return the number of readable images with `label`."""
        return sum(image.file.label == label for image in self.images)

    @property
    def rejected_share(self) -> float:
        """Share of the files with an image's name that are rejected, 0 to 1."""
        rejects = sum(not reject.by_name for reject in self.rejects)
        return rejects / max(1, rejects + len(self.images))


def check(
    finding: Finding,
    *,
    threads: int = 2,
    on_image: Callable[[], object] = lambda: None,
    ledger: ValidationCache | None = None,
    seconds: float = SECONDS_PER_FILE,
    near_duplicates: NearDuplicates = "group",
) -> Manifest:
    """Return the manifest of `finding`, whose images sandboxed processes decode.

    `threads` threads read and as many processes decode, for at most `seconds` an image.
    Content in the cache `ledger` is not decoded again. `near_duplicates` says whether copies that
    differ in their pixels are grouped, only noted, or not searched.

    Raises:
        DataError: a class has no readable image, or no process can start.
    """
    found = _examine_all(finding.images, threads, on_image, ledger, seconds)
    images, rejects = [], list(finding.rejects)
    for file, each in zip(finding.images, found, strict=True):
        facts = each.verdict
        if isinstance(facts, Flaw):
            rejects.append(Reject(name=file.name, reason=facts.reason))
        else:
            images.append(
                CheckedImage(file=file, sha256=each.sha256, bytes=each.bytes, facts=facts)
            )
    found_twice = find_duplicates(images, near_duplicates)
    manifest = Manifest(
        folder=finding.folder,
        classes=finding.classes,
        images=tuple(images),
        rejects=tuple(sorted(rejects)),
        duplicates=found_twice.together,
        noted=found_twice.noted,
        two_labels=found_twice.two_labels,
        near_duplicates=near_duplicates,
        classes_from=finding.classes_from,
        split_from=finding.split_from,
        notes=tuple(sorted(Counter(each.note for each in found if each.note).items())),
    )
    _require_every_class(manifest, finding)
    return manifest


def _require_every_class(manifest: Manifest, finding: Finding) -> None:
    """Raise DataError, with the reason for the first file, if a class has no readable image."""
    why = {reject.name: reject.reason for reject in manifest.rejects}
    for label, name in enumerate(manifest.classes):
        if not manifest.count(label):
            files = [image.name for image in finding.images if image.label == label]
            more = f", and so on for {len(files):,} files" if len(files) > 1 else ""
            raise DataError(
                f"no readable image of class {name!r} in {manifest.folder}: {files[0]} "
                f"({why[files[0]]}){more}"
            )


def require_one_label_each(manifest: Manifest) -> None:
    """Raise DataError, which names the files, if equal pixels have two labels.

    Near-copies of two labels are no error: small or plain pictures may only look alike.
    """
    if not manifest.two_labels:
        return
    group = manifest.two_labels[0]
    labels = {image.file.label: image for image in reversed(group)}  # the first of each
    names = sorted(image.file.name for image in labels.values())
    more = len(group) - len(names)
    also = f" (and {more:,} more)" if more else ""
    rest = len(manifest.two_labels) - 1
    others = f", and {count_noun(rest, 'other picture')}" if rest else ""
    raise DataError(
        f"the same picture under two labels: {' and '.join(names)}{also}{others}: remove or move "
        f"all but one label's; `zoo data check --json {manifest.folder}` lists all"
    )


def require_few_rejects(manifest: Manifest, share: float = MOST_REJECTS) -> None:
    """Raise DataError if more than `share` of the files with an image's name are rejected.

    The message names the first three with their reasons.
    """
    rejects = [reject for reject in manifest.rejects if not reject.by_name]
    if manifest.rejected_share <= share:
        return
    first = ", ".join(f"{reject.name} ({reject.reason})" for reject in rejects[:3])
    raise DataError(
        f"{len(rejects):,} of {len(rejects) + len(manifest.images):,} image files in "
        f"{manifest.folder} cannot be used ({manifest.rejected_share:.1%}, allowed {share:.0%}): "
        f"{first}{', ...' if len(rejects) > 3 else ''}: `zoo data check {manifest.folder}` lists "
        "all. Fix or remove them, or pass --allow-rejects"
    )


def _examine_all(
    images: Sequence[ImageFile],
    threads: int,
    on_image: Callable[[], object],
    ledger: ValidationCache | None,
    seconds: float,
) -> list[Examined]:
    """Return the verdict on each file, from the cache or by examining it."""
    known = _look_up(images, threads, ledger) if ledger else {}
    for _ in known:
        on_image()
    rest = [number for number in range(len(images)) if number not in known]
    paths = [images[number].path for number in rest]
    found = examine(paths, threads=threads, seconds=seconds, on_file=on_image) if paths else []
    if ledger:
        notes = {each.sha256: each.note for each in found if each.note}
        ledger.add({each.sha256: each.verdict for each in found if each.sha256}, notes)
    known |= zip(rest, found, strict=True)
    return [known[number] for number in range(len(images))]


def _look_up(
    images: Sequence[ImageFile], threads: int, ledger: ValidationCache
) -> dict[int, Examined]:
    """Return, by number, files that need no decoding: known content and unreadable files."""
    with ThreadPoolExecutor(threads) as pool:
        read = list(pool.map(lambda image: _read(image.path), images))
    digests = [digest for digest, _ in read if isinstance(digest, str)]
    verdicts, notes = ledger.read(digests), ledger.read_notes(digests)
    known: dict[int, Examined] = {}
    for number, (digest, size) in enumerate(read):
        if isinstance(digest, Flaw):
            known[number] = Examined(verdict=digest)
        elif digest in verdicts:
            known[number] = Examined(
                sha256=digest, bytes=size, verdict=verdicts[digest], note=notes.get(digest, "")
            )
    return known


def _read(path: Path) -> tuple[str | Flaw, int]:
    """Return the digest and size of a file's content, or why it cannot be read."""
    try:
        return content_digest(path)
    except UnreadableImageError as error:
        return Flaw(reason=str(error)), 0
