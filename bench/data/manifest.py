"""Render a folder's manifest as text and as JSON."""

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import asdict

from rich.console import Group, RenderableType
from rich.text import Text

from bench.data.check import CheckedImage, Manifest
from bench.data.find import Reject
from bench.data.near_copies import DETAILED_SIDE
from bench.data.split import Split
from bench.system.display import BAD, GOOD, LINE_CELLS, count_noun, display, join_names, short

_LISTED, _NAMED = 5, 3  # files with one reason that are listed; names of more than that

_MOST_GROUPS, _MOST_NAMES = 5, 3  # that a person is shown


def as_json_value(manifest: Manifest) -> dict[str, object]:
    """Return classes, counts, rejects and duplicates as plain values."""
    return {
        "folder": str(manifest.folder),
        "classes": {name: manifest.count(label) for label, name in enumerate(manifest.classes)},
        "classes_from": manifest.classes_from,
        "split_from": manifest.split_from,
        "parts": _count_parts(manifest),
        "groups": count_groups(manifest),
        "images": len(manifest.images),
        "bytes": sum(image.bytes for image in manifest.images),
        "rejects": [asdict(reject) for reject in manifest.rejects],
        "rejected_share": manifest.rejected_share,
        "notes": dict(manifest.notes),
        "duplicates": _as_plain(manifest.duplicates),
        "noted": _as_plain(manifest.noted),
        "two_labels": _as_plain(manifest.two_labels),
        "near_duplicates": manifest.near_duplicates,
    }


def source_line(manifest: Manifest) -> str:
    """Return the classes, the owner's split and the groups, and where they come from."""
    counted = [
        f"{short(name)} ({manifest.count(label):,})" for label, name in enumerate(manifest.classes)
    ]
    line = f"{len(counted)} classes from {manifest.classes_from}: {join_names(counted, 8)}"
    if manifest.split_from is not None:
        line += f"; split: {manifest.split_from}"
    groups = count_groups(manifest)
    return line + (f"; {count_noun(groups, 'group')}, each kept in one part" if groups else "")


def parts_line(split: Split) -> Text:
    """Return the number of images in each part of a split."""
    return Text(
        f"  split {split.name}: {len(split.train):,} train, {len(split.validation):,} validate, "
        f"{len(split.test):,} test"
    )


def count_groups(manifest: Manifest) -> int:
    """Return the number of groups that the owner of the images named."""
    return len({image.file.group for image in manifest.images} - {None})


def reject_lines(rejects: Sequence[Reject]) -> list[str]:
    """Return a line for each file that is not used; many with one reason share a line."""
    by_reason: dict[str, list[Reject]] = {}
    for each in rejects:
        by_reason.setdefault(each.reason.partition(":")[0], []).append(each)
    lines = []
    for reason, found in by_reason.items():
        if len(found) <= _LISTED:
            lines += [f"{short(each.name)}: {display(each.reason)}" for each in found]
            continue
        names = ", ".join(short(each.name) for each in found[:_NAMED])
        lines.append(f"{len(found):,} files: {display(reason)} ({names}, ...)")
    return lines


def _count_parts(manifest: Manifest) -> dict[str, int] | None:
    """Return the number of images in each part of the owner's split; None without one."""
    if manifest.split_from is None:
        return None
    return dict(Counter(str(image.file.part) for image in manifest.images))


def render(manifest: Manifest) -> RenderableType:
    """Return usable images, rejects with reasons, sizes and duplicates, as lines."""
    total = len(manifest.images)
    megabytes = sum(image.bytes for image in manifest.images) / 2**20
    folder = short(str(manifest.folder), LINE_CELLS)
    lines = [
        Text(f"{folder}: {total:,} images usable", style="bold"),
        Text(f"  {source_line(manifest)}"),
        Text(f"  {megabytes:,.1f} MiB on disk, {_sizes(manifest)}"),
        *(Text(f"  images that are {note}: {count:,}") for note, count in manifest.notes),
        *_duplicates(manifest),
        *(Text(f"✗ {line}", BAD) for line in reject_lines(manifest.rejects)),
    ]
    if manifest.rejects:
        reasons = Counter(reject.reason.partition(":")[0] for reject in manifest.rejects)
        why = display(", ".join(f"{count} {reason}" for reason, count in reasons.most_common(5)))
        lines.append(Text(f"✗ {len(manifest.rejects):,} files would not be used: {why}"))
    elif not manifest.two_labels:
        lines.append(Text("✓ every file would be used", GOOD))
    return Group(*lines)


def _sizes(manifest: Manifest) -> str:
    widths = sorted(image.facts.width for image in manifest.images)
    heights = sorted(image.facts.height for image in manifest.images)
    middle = len(widths) // 2
    return (
        f"widths {widths[0]} to {widths[-1]} (median {widths[middle]}), "
        f"heights {heights[0]} to {heights[-1]} (median {heights[middle]}) pixels"
    )


def _duplicates(manifest: Manifest) -> list[Text]:
    """Return what was searched for, then the groups of each kind, the first few by name."""
    near = manifest.near_duplicates
    how = {
        "group": f"saved again, resized, mirrored, cropped or turned a little (no turns of 10°, no "
        f"crops of pictures under {DETAILED_SIDE} pixels)",
        "note": "near-copies are only listed, and a split may separate them",
        "off": "equal pixels only",
    }
    return [
        Text(f"  searched for copies: {how[near]}"),
        *_listed(manifest.duplicates, _how, "one part of every stratified split or fold"),
        *_listed(manifest.noted, lambda _: "they look alike", "no split keeps them together"),
        *_listed(manifest.two_labels, lambda _: "equal pixels", "two labels: not usable", BAD),
    ]


def _listed(
    groups: Sequence[tuple[CheckedImage, ...]],
    how: Callable[[tuple[CheckedImage, ...]], str],
    consequence: str,
    style: str = "",
) -> list[Text]:
    lines = [
        Text(f"  {_names(group)}: {how(group)}; {consequence}", style)
        for group in groups[:_MOST_GROUPS]
    ]
    if rest := groups[_MOST_GROUPS:]:
        images = sum(map(len, rest))
        more = f"{len(rest):,} more such groups with {images:,} images (all: --json)"
        lines.append(Text(f"  {more}; {consequence}", style))
    return lines


def _names(group: tuple[CheckedImage, ...]) -> str:
    names = " = ".join(short(image.file.name) for image in group[:_MOST_NAMES])
    return names + (f" and {len(group) - _MOST_NAMES:,} more" if group[_MOST_NAMES:] else "")


def _how(group: tuple[CheckedImage, ...]) -> str:
    if _identical(group):
        return "identical files"
    pixels = {image.facts.pixels or image.sha256 for image in group}
    return "equal pixels" if len(pixels) == 1 else "one picture, saved differently"


def _as_plain(groups: Sequence[tuple[CheckedImage, ...]]) -> list[dict[str, object]]:
    return [
        {"images": [image.file.name for image in group], "identical": _identical(group)}
        for group in groups
    ]


def _identical(group: tuple[CheckedImage, ...]) -> bool:
    return len({image.sha256 for image in group}) == 1
