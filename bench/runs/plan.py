"""From a request to a plan: the images checked and split, and the specification of each trial."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch

from bench.analysis.stats import majority_class
from bench.data.check import (
    CheckedImage,
    Manifest,
    check,
    require_few_rejects,
    require_one_label_each,
)
from bench.data.dataset_plugins import dataset_folder
from bench.data.find import find
from bench.data.folds import Splits, make_splits
from bench.data.held_out import with_tests_of
from bench.data.manifest import as_json_value
from bench.data.pixel_cache import open_pixel_cache
from bench.data.pixel_source import DirectPixels, InputShape, PixelSource
from bench.data.split import Split, limit_images, training_part
from bench.data.synthetic import SYNTHETIC_NAME, synthetic_folder
from bench.data.transform import FIDELITIES
from bench.data.validation_cache import ValidationCache
from bench.engines.registry import LOCAL
from bench.runs.progress import Progress
from bench.runs.request import (
    LAYOUT_CHOICES,
    Contender,
    Request,
    as_plain,
    contenders,
    recipe_of,
    with_second_copy,
)
from bench.system.cache_folder import cache_folder
from bench.system.cpu import default_threads, threads_each
from bench.system.device import choose_device, choose_precision
from bench.system.environment import describe_environment
from bench.system.options import parse_choice
from bench.training.recipe import Recipe
from bench.training.reproducibility import code_digest
from bench.training.spec import TrialSpec
from registry.errors import RunError


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What a run does, on what, and what is to be known of it.

    Attributes:
        specs: the trials, seed by seed and fold by fold, so that each model has its turn.
        about: for the store, by name, as JSON has it.
    """

    specs: tuple[TrialSpec, ...]
    splits: Splits
    source: PixelSource
    about: dict[str, Any]


def make_plan(request: Request, progress: Progress, *, elsewhere: bool = False) -> Plan:
    """Return the plan that `request` means; where it is done `elsewhere`, no pixels are kept here.

    Raises:
        ZooError: something asked for is not there; nothing was written.
    """
    threads = _threads(request)
    compared = contenders(request.models, pretrained=request.pretrained, frozen=request.frozen)
    if request.aa:
        compared = with_second_copy(compared)
    recipe = recipe_of(request)
    device = choose_device(request.device)
    choose_precision(request.precision, device)
    manifest, splits = load_data(request, progress)
    source: PixelSource = DirectPixels()
    if request.cache and not elsewhere:
        shapes = [each.architecture.contract.input_shape for each in compared]
        source = cache_pixels(manifest.images, splits, shapes, progress)
    specs = _specs(request, compared, manifest.classes, splits, device, threads)
    _require_whole_seconds(request, specs)
    about = _about(request, recipe, manifest, splits, device)
    about["environment"]["code"] = {each.model: code_digest(each.architecture) for each in compared}
    return Plan(specs=specs, splits=splits, source=source, about=about)


def _threads(request: Request) -> int:
    """Return the threads of each trial; a cluster says itself how many cores it has."""
    if request.engine == LOCAL.name:
        return threads_each(request.jobs or 1, request.threads)
    return request.threads or 1


def _require_whole_seconds(request: Request, specs: Sequence[TrialSpec]) -> None:
    if request.shares and any(spec.recipe.seconds is not None for spec in specs):
        raise RunError(
            "a budget is seconds of a machine that no other trial uses: it needs --jobs 1; "
            "or give --epochs"
        )


def load_data(request: Request, progress: Progress) -> tuple[Manifest, Splits]:
    """Return the checked images and their splits; what is left out is said, none silently.

    Raises:
        DataError: no folder, no images, one class, one picture under two labels, too few, or too
            many that can't be used.
    """
    if request.data is None:
        progress.say("no --data: comparing on cats and dogs drawn by code, not on photographs")
    if request.data is None:
        folder = synthetic_folder()
    else:
        folder = dataset_folder(str(request.data)) if request.names_data else request.data
    manifest = _check_folder(folder, request, progress)
    if request.limit is not None:
        manifest = limit_images(manifest, request.limit)
    splits = make_splits(request.split, manifest, request.within)
    if request.test_data is not None:
        splits = with_tests_of(
            _check_folder(request.test_data, request, progress), splits, manifest
        )
    if request.within is not None:  # nothing else may be opened from here on
        manifest = training_part(manifest, request.within)
    return manifest, splits


def _check_folder(folder: Path, request: Request, progress: Progress) -> Manifest:
    finding = find(folder)
    with progress.counting("checking images", len(finding.images)) as bar:
        ledger = ValidationCache(cache_folder() / "checked.sqlite") if request.cache else None
        manifest = check(finding, threads=default_threads(), on_image=bar.update, ledger=ledger)
    for reject in manifest.rejects:
        progress.say(f"left out {reject.name}: {reject.reason}")
    require_one_label_each(manifest)
    if not request.allow_rejects:
        require_few_rejects(manifest)
    return manifest


def cache_pixels(
    images: Sequence[CheckedImage],
    splits: Splits,
    shapes: Sequence[InputShape],
    progress: Progress,
) -> PixelSource:
    """Return the pixels of `images` from the cache folder, written there if need be."""
    return open_pixel_cache(
        images,
        splits.evaluated,
        shapes,
        folder=cache_folder() / "pixels",
        threads=default_threads(),
        report=progress,
    )


def _specs(
    request: Request,
    compared: Sequence[Contender],
    classes: tuple[str, ...],
    splits: Splits,
    device: torch.device,
    threads: int,
) -> tuple[TrialSpec, ...]:
    return tuple(
        TrialSpec(
            model=contender.model,
            architecture=contender.architecture,
            origin=contender.origin,
            recipe=recipe_of(request, contender.model, contender.architecture.name),
            classes=classes,
            split_fingerprint=splits.of(fold).fingerprint,
            seed=seed + contender.seed_offset,
            fold=fold,
            folds=splits.folds,
            device=str(device),
            precision=request.precision,
            threads=threads,
            workers=request.workers,
            fidelity=parse_choice("fidelity", request.fidelity, FIDELITIES),
            layout=parse_choice("layout", request.layout, LAYOUT_CHOICES),
            compiled=request.compiled,
        )
        for seed in request.seeds
        for fold in splits.numbers
        for contender in compared
    )


def _about(
    request: Request, recipe: Recipe, manifest: Manifest, splits: Splits, device: torch.device
) -> dict[str, Any]:
    return {
        "title": _title(request, recipe, splits, device),
        "request": as_plain(request),
        "environment": describe_environment(device),
        "recipe": asdict(recipe),
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


def _title(request: Request, recipe: Recipe, splits: Splits, device: torch.device) -> str:
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
