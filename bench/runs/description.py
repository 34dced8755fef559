"""Description of a run: its title, images and environment."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from bench.analysis.stats.metrics import majority_class
from bench.data.check import CheckedImage, Manifest
from bench.data.folds import Splits
from bench.data.manifest import as_json_value
from bench.data.split import Split
from bench.data.synthetic import SYNTHETIC_NAME
from bench.engines.registry import LOCAL
from bench.runs.request import as_plain
from bench.runs.resolve import ResolvedRequest
from bench.system.environment import describe_environment
from bench.training.reproducibility import code_digest

_DIGITS = 16  # of a picture's digest: enough to say which one has changed


def describe_run(resolved: ResolvedRequest, manifest: Manifest, splits: Splits) -> dict[str, Any]:
    """Return the stored description of a run, by name, as JSON values."""
    request = resolved.request
    code = {each.model: code_digest(each.architecture) for each in resolved.contenders}
    return {
        "title": _title(resolved, splits),
        "request": as_plain(request),
        "environment": {**describe_environment(resolved.device), "code": code},
        "recipe": asdict(resolved.recipe),
        "data": SYNTHETIC_NAME if request.data is None else request.data_told,
        "classes": list(manifest.classes),
        "manifest": _count_images(manifest, splits),
        "rejects": [asdict(reject) for reject in manifest.rejects],
        "split": _describe_splits(splits),
        "baseline": list(_baseline(splits)),
        "pictures": digests_of(_used(splits)),
    }


def digests_of(images: Iterable[CheckedImage]) -> dict[str, str]:
    """Return the beginning of each image's SHA-256, by its name."""
    return {image.file.name: image.sha256[:_DIGITS] for image in images}


def _count_images(manifest: Manifest, splits: Splits) -> dict[str, Any]:
    """Return the number of images in each class and part, and the duplicates."""
    counted = as_json_value(manifest)
    parts = _parts(splits.each[0]) if splits.folds is None else {"test": splits.test}
    labels = {name: [image.file.label for image in images] for name, images in parts.items()}
    of_parts = {
        name: [found.count(label) for label in range(len(manifest.classes))]
        for name, found in labels.items()
    }
    kept = {name: counted[name] for name in ("images", "bytes", "classes", "duplicates")}
    return {**kept, "parts": of_parts}


def _describe_splits(splits: Splits) -> dict[str, Any]:
    """Return the image names in each part; with folds, also the names of all test images.

    If a test image has a group, also the group of each, and whether it is of the majority class.
    """
    whole: dict[str, Any] = {"name": splits.name, "fingerprint": splits.fingerprint}
    if splits.within is not None:
        whole["within"] = splits.within
    groups = [image.file.group for image in splits.test]
    if any(group is not None for group in groups):
        whole |= {"groups": groups, "majority": _of_majority(splits)}
    if splits.folds is None:
        return whole | _names(_parts(splits.of(None)))
    folds = [{"fingerprint": each.fingerprint, **_names(_parts(each))} for each in splits.each]
    return whole | _names({"test": splits.test}) | {"folds": folds}


def _used(splits: Splits) -> dict[CheckedImage, None]:
    """Return the images of all parts, each once."""
    parts = (part for split in splits.each for part in _parts(split).values())
    return dict.fromkeys(image for part in parts for image in part)


def _parts(split: Split) -> dict[str, tuple[CheckedImage, ...]]:
    return {"train": split.train, "validation": split.validation, "test": split.test}


def _names(parts: Mapping[str, Sequence[CheckedImage]]) -> dict[str, list[str]]:
    return {name: [image.file.name for image in images] for name, images in parts.items()}


def _title(resolved: ResolvedRequest, splits: Splits) -> str:
    request, recipe, device = resolved.request, resolved.recipe, resolved.device
    data = Path(request.data_told).name if request.data else f"{SYNTHETIC_NAME} drawings"
    length = f"{recipe.length}{' of training' if recipe.seconds else ''}"
    if recipe.patience is not None:
        length = f"at most {length}, stopped by validation accuracy"
    used = f"recipe {recipe.name}"
    if recipe.configurations:
        used += f" (chosen among {recipe.configurations} configurations)"
    if request.own_recipes:
        used += f", other recipes for {', '.join(model for model, _ in request.own_recipes)}"
    precision = "" if request.precision == "float32" else f", precision {request.precision}"
    title = f"{data}: {_sizes(splits)}, {used}, {length}, {device}{precision}"
    title += f", by {request.engine}" if request.engine != LOCAL.name else ""
    return title + (f", {request.jobs} trials at a time" if (request.jobs or 1) > 1 else "")


def _sizes(splits: Splits) -> str:
    within = "" if splits.within is None else f", within the training part of {splits.within}"
    if splits.folds is not None:
        return f"{len(splits.test)} images, each tested in one of {splits.folds} folds{within}"
    parts = _parts(splits.of(None))
    sizes = "/".join(str(len(images)) for images in parts.values())
    return f"{sizes} images ({'/'.join(parts)}, {splits.name}{within})"


def _baseline(splits: Splits) -> tuple[int, int]:
    """Return how many test images belong to the majority class, and the number of test images.

    The majority class is that of the training images of all folds together. If classes are equally
    frequent, the majority class of a single fold is the rarer one in its test part.
    """
    return sum(_of_majority(splits)), len(splits.test)


def _of_majority(splits: Splits) -> list[bool]:
    """Return whether each test image is of the majority class."""
    trained = [image.file.label for split in splits.each for image in split.train]
    majority = majority_class(trained)
    return [image.file.label == majority for image in splits.test]
