"""Render a folder's manifest as text and as JSON."""

from collections import Counter
from dataclasses import asdict

from rich.console import Group, RenderableType
from rich.text import Text

from bench.data.check import MOST_REJECTS, CheckedImage, Manifest
from bench.system.display import BAD, GOOD, LINE_CELLS, display, short


def as_json_value(manifest: Manifest) -> dict[str, object]:
    """Return counts, rejects and duplicates as plain values."""
    return {
        "folder": str(manifest.folder),
        "classes": {name: manifest.count(label) for label, name in enumerate(manifest.classes)},
        "images": len(manifest.images),
        "bytes": sum(image.bytes for image in manifest.images),
        "rejects": [asdict(reject) for reject in manifest.rejects],
        "rejected_share": manifest.rejected_share,
        "notes": dict(manifest.notes),
        "duplicates": [
            {"images": [image.file.name for image in group], "identical": _identical(group)}
            for group in manifest.duplicates
        ],
    }


def render(manifest: Manifest) -> RenderableType:
    """Return usable images, rejects with reasons, sizes and duplicates, as lines."""
    total = len(manifest.images)
    counts = ", ".join(
        f"{manifest.count(label):,} {short(name)}" for label, name in enumerate(manifest.classes)
    )
    megabytes = sum(image.bytes for image in manifest.images) / 2**20
    folder = short(str(manifest.folder), LINE_CELLS)
    lines = [
        Text(f"{folder}: {total:,} images usable ({counts})", style="bold"),
        Text(f"  {megabytes:,.1f} MiB on disk, {_sizes(manifest)}"),
        *(Text(f"  images that are {note}: {count:,}") for note, count in manifest.notes),
        *(_duplicate(group) for group in manifest.duplicates),
        *(Text(f"✗ {short(r.name)}: {display(r.reason)}", BAD) for r in manifest.rejects),
    ]
    if manifest.rejects:
        reasons = Counter(reject.reason.partition(":")[0] for reject in manifest.rejects)
        why = display(", ".join(f"{count} {reason}" for reason, count in reasons.most_common(5)))
        lines.append(Text(f"✗ {len(manifest.rejects):,} files would not be used: {why}"))
    else:
        lines.append(Text("✓ every file would be used", GOOD))
    if manifest.rejected_share > MOST_REJECTS:
        share = f"{manifest.rejected_share:.1%} of the image files, over {MOST_REJECTS:.0%}"
        lines.append(Text(f"✗ {share}: `zoo bench` requires --allow-rejects", BAD))
    return Group(*lines)


def _sizes(manifest: Manifest) -> str:
    widths = sorted(image.facts.width for image in manifest.images)
    heights = sorted(image.facts.height for image in manifest.images)
    middle = len(widths) // 2
    return (
        f"widths {widths[0]} to {widths[-1]} (median {widths[middle]}), "
        f"heights {heights[0]} to {heights[-1]} (median {heights[middle]}) pixels"
    )


def _duplicate(group: tuple[CheckedImage, ...]) -> Text:
    names = " = ".join(short(image.file.name) for image in group)
    how = "identical files" if _identical(group) else "one picture, saved differently"
    return Text(f"  {names}: {how}; a stratified split keeps them in one part")


def _identical(group: tuple[CheckedImage, ...]) -> bool:
    return len({image.sha256 for image in group}) == 1
