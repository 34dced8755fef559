"""Sections of the page on the data and on reproducing the run."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from bench.analysis.results import Results
from bench.report.repeat_command import folder_name, repeat_command
from bench.system.display import count_noun

_MOST_NAMES = 200
_PARTS = {"train": "train", "validation": "validate", "test": "test"}  # and its use


def data_section(about: Mapping[str, Any]) -> dict[str, Any]:
    """Return counts, parts, rejects and duplicates, if the store has them."""
    split, manifest = about.get("split") or {}, about.get("manifest") or {}
    rejects, duplicates = about.get("rejects") or [], manifest.get("duplicates") or []
    facts = [("folder", folder_name(str(about.get("data") or "")))]
    if manifest:
        classes = ", ".join(f"{count:,} {name}" for name, count in manifest["classes"].items())
        facts.append(("images", f"{manifest['images']:,} ({classes})"))
        facts.append(("size", f"{manifest['bytes'] / 1e6:,.1f} MB"))
    sizes = [f"{len(split[part]):,} to {use}" for part, use in _PARTS.items() if split.get(part)]
    twice = f"{count_noun(len(duplicates), 'image')} more than once" if duplicates else "none"
    facts += [
        ("split", f"{split.get('name', '')}: {', '.join(sizes)}" if sizes else ""),
        ("rejected", count_noun(len(rejects), "file") if rejects else "none"),
        ("duplicates", twice),
    ]
    return {
        "facts": [(name, value) for name, value in facts if value],
        "parts": _class_counts(manifest),
        "rejects": rejects[:_MOST_NAMES],
        "reject_count": len(rejects),
        "duplicates": [_duplicate(each) for each in duplicates[:_MOST_NAMES]],
        "duplicate_count": len(duplicates),
    }


def repeat_section(results: Results, about: Mapping[str, Any]) -> dict[str, Any]:
    """Return command, recipe, versions, machine and fingerprint, if the store has them."""
    there = about.get("environment") or {}
    seeds = list(dict.fromkeys(record.spec.seed for record in results.records))
    versions = {"python": there.get("python"), **(there.get("packages") or {})}
    device, name, load = there.get("device"), there.get("device_name"), there.get("load_1_minute")
    if name and name != there.get("cpu"):
        device = f"{device or ''} ({name})"
    # ISO 8601 in a readable form
    started = (there.get("started") or "").replace("T", " ").replace("+00:00", " UTC")
    facts = [
        ("recipe", _join_names(_flat(about.get("recipe") or {}))),
        ("seeds", ", ".join(map(str, seeds))),
        ("split", (about.get("split") or {}).get("fingerprint")),
        ("versions", _join_names({name: each for name, each in versions.items() if each})),
        ("machine", there.get("platform")),
        ("processor", there.get("cpu")),
        ("cores", there.get("cores")),
        ("device", device),
        ("threads", ", ".join({str(record.spec.threads): 1 for record in results.records})),
        ("load", "" if load is None else f"{load:.2f} over the minute before"),
        ("started", started),
    ]
    origins = dict[str, tuple[str, str, str, str]]()
    for record in results.records:
        source = record.spec.architecture.source or ""
        row = (record.model, record.spec.origin, record.contract, source)
        origins.setdefault(record.model, row)
    return {
        "command": repeat_command(results.command),
        "repeat": [(name, str(value)) for name, value in facts if value],
        "started": started,
        "origins": list(origins.values()),
    }


def _class_counts(manifest: Mapping[str, Any]) -> dict[str, Any] | None:
    parts = manifest.get("parts")
    if not parts:
        return None
    rows = [
        (name, *(f"{parts[part][place]:,}" for part in parts))
        for place, name in enumerate(manifest["classes"])
    ]
    return {"head": ("class", *parts), "rows": rows}


def _duplicate(each: Mapping[str, Any]) -> str:
    how = "identical files" if each["identical"] else "one picture, saved differently"
    return f"{' = '.join(each['images'])}: {how}"


def _flat(values: Mapping[str, Any], before: str = "") -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name, value in values.items():
        inner = isinstance(value, dict)
        found |= _flat(value, f"{before}{name}.") if inner else {f"{before}{name}": value}
    return found


def _join_names(values: Mapping[str, Any]) -> str:
    return ", ".join(f"{name.replace('_', ' ')} {value}" for name, value in values.items())
