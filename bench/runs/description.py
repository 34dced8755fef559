"""What is to be known of a run: its title, its images, its environment."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from bench.analysis.stats import majority_class
from bench.data.check import CheckedImage, Manifest
from bench.data.folds import Splits
from bench.data.manifest import as_json_value
from bench.data.split import Split
from bench.data.synthetic import SYNTHETIC_NAME
from bench.engines.registry import LOCAL
from bench.runs.request import Request, as_plain
from bench.runs.resolve import ResolvedRequest
from bench.system.environment import describe_environment
from bench.training.recipe import Recipe
from bench.training.reproducibility import code_digest


def describe_run(resolved: ResolvedRequest, manifest: Manifest, splits: Splits) -> dict[str, Any]:
    """Return what the store keeps of a run, by name, as JSON has it."""
    request, device = resolved.request, resolved.device
    code = {each.model: code_digest(each.architecture) for each in resolved.contenders}
    return {
        "title": _title(resolved, splits),
        "request": as_plain(request),
        "environment": {**describe_environment(device), "code": code},
        "recipe": asdict(resolved.recipe),
        "data": SYNTHETIC_NAME if request.data is None else request.data_told,
        "classes": list(manifest.classes),
        "manifest": _count_images(manifest, splits),
        "rejects": [asdict(reject) for reject in manifest.rejects],
        "split": _describe_splits(splits),
        "baseline": list(_baseline(splits)),
    }


def _count_images(manifest: Manifest, splits: Splits) -> dict[str, Any]:
    """Return how many images there are, of each class in each part, and which are there twice."""
    counted = as_json_value(manifest)
    labels = range(len(manifest.classes))
    one = splits.each[0]
    parts = {"train": one.train, "validation": one.validation, "test": one.test}
    parts = parts if splits.folds is None else {"test": splits.test}
    of_parts = {
        name: [sum(_is(label, image) for image in images) for label in labels]
        for name, images in parts.items()
    }
    kept = {name: counted[name] for name in ("images", "bytes", "classes", "duplicates")}
    return {**kept, "parts": of_parts}


def _describe_splits(splits: Splits) -> dict[str, Any]:
    """Return the names of the images in each part; of folds, those of all that is tested, too."""
    told: dict[str, Any] = {"name": splits.name, "fingerprint": splits.fingerprint}
    if splits.within is not None:
        told["within"] = splits.within
    if splits.folds is None:
        return told | _parts(splits.of(None))
    folds = [{"fingerprint": each.fingerprint, **_parts(each)} for each in splits.each]
    return told | {"test": _names(splits.test), "folds": folds}


def _parts(split: Split) -> dict[str, list[str]]:
    parts = {"train": split.train, "validation": split.validation, "test": split.test}
    return {name: _names(images) for name, images in parts.items()}


def _names(images: Sequence[CheckedImage]) -> list[str]:
    return [image.file.name for image in images]


def _title(resolved: ResolvedRequest, splits: Splits) -> str:
    request, recipe, device = resolved.request, resolved.recipe, resolved.device
    data = Path(request.data_told).name if request.data else SYNTHETIC_NAME
    most, stopped = ("", "")
    if recipe.patience is not None:
        most, stopped = "at most ", ", stopped by validation accuracy"
    length = f"{most}{recipe.length}{' of training' if recipe.seconds else ''}{stopped}"
    told = f"{data}: {_sizes(splits)}, {_describe_recipe(request, recipe)}, {length}, {device}"
    told += f", by {request.engine}" if request.engine != LOCAL.name else ""
    told += f", {request.jobs} trials at a time" if (request.jobs or 1) > 1 else ""
    return told


def _describe_recipe(request: Request, recipe: Recipe) -> str:
    """Return its name, how many it was chosen among, and which models have their own."""
    tried = recipe.configurations
    told = f"recipe {recipe.name}" + (f" (chosen among {tried} configurations)" if tried else "")
    own = ", ".join(model for model, _ in request.own_recipes)
    return f"{told}, other recipes for {own}" if own else told


def _sizes(splits: Splits) -> str:
    within = "" if splits.within is None else f", within the training part of {splits.within}"
    if splits.folds is not None:
        return f"{len(splits.test)} images, each tested in one of {splits.folds} folds{within}"
    split = splits.of(None)
    sizes = "/".join(str(len(each)) for each in (split.train, split.validation, split.test))
    return f"{sizes} images ({split.name}{within})"


def _baseline(splits: Splits) -> tuple[int, int]:
    """Return how many test images the most frequent class is right for, and how many there are.

    The most frequent of the training images, those of all folds together: that of each fold's own
    is, where classes are equal, the one that its test has fewer of.
    """
    trained = [image.file.label for split in splits.each for image in split.train]
    majority = majority_class(trained)
    return sum(_is(majority, image) for image in splits.test), len(splits.test)


def _is(label: int, image: CheckedImage) -> bool:
    return image.file.label == label
