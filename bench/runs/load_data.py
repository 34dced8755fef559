"""The images of a run: found, checked, split, and their pixels kept."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from bench.data.check import (
    CheckedImage,
    Manifest,
    check,
    require_few_rejects,
    require_one_label_each,
)
from bench.data.dataset_plugins import dataset_folder
from bench.data.find import find
from bench.data.folds import Splits, make_splits, with_tests_of
from bench.data.pixel_source import InputShape, PixelSource, open_pixel_cache
from bench.data.split import limit_images, training_part
from bench.data.synthetic import synthetic_folder
from bench.data.validation_cache import ValidationCache
from bench.runs.progress import Progress
from bench.runs.request import Request
from bench.system.cache_folder import cache_folder
from bench.system.cpu import default_threads


def load_data(request: Request, progress: Progress) -> tuple[Manifest, Splits]:
    """Return the checked images and their splits; what is left out is said, none silently.

    Raises:
        DataError: no folder, no images, one class, one picture under two labels, too few, or too
            many that can't be used.
    """
    if request.data is None:
        progress.say("no --data: comparing on cats and dogs drawn by code, not on photographs")
    manifest = _check_folder(find_data_folder(request), request, progress)
    if request.limit is not None:
        manifest = limit_images(manifest, request.limit)
    splits = make_splits(request.split, manifest, request.within)
    if request.test_data is not None:
        tests = _check_folder(request.test_data, request, progress)
        splits = with_tests_of(tests, splits, manifest)
    if request.within is not None:  # nothing else may be opened from here on
        manifest = training_part(manifest, request.within)
    return manifest, splits


def find_data_folder(request: Request) -> Path:
    """Return the folder of the images, or of the drawings; DataError where `data` names no set."""
    if request.data is None:
        return synthetic_folder()
    return dataset_folder(str(request.data)) if request.names_data else request.data


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
    images: Sequence[CheckedImage], splits: Splits, shapes: Sequence[InputShape], progress: Progress
) -> PixelSource:
    """Return the pixels of `images` from the cache folder, written there if need be."""
    folder, threads = cache_folder() / "pixels", default_threads()
    return open_pixel_cache(
        images, splits.evaluated, shapes, folder=folder, threads=threads, report=progress
    )
