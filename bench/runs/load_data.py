"""Images of a run: find, check and split them, cache their pixels, locate them elsewhere."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

from bench.data.check import (
    CheckedImage,
    Manifest,
    check,
    require_few_rejects,
    require_one_label_each,
)
from bench.data.dataset_plugins import dataset_folder
from bench.data.decode import UnreadableImageError, content_digest
from bench.data.duplicates import NEAR_DUPLICATES
from bench.data.find import find, find_image_files
from bench.data.folds import (
    AUTO,
    Splits,
    describe_left_out,
    make_splits,
    straddling,
    with_tests_of,
)
from bench.data.grouped_split import require_separate_groups
from bench.data.manifest import reject_lines, source_line
from bench.data.pixel_cache import open_pixel_cache
from bench.data.pixel_source import DirectPixels, InputShape, PixelSource
from bench.data.split import limit_images, only_given_test, training_part, without_given_test
from bench.data.synthetic import synthetic_folder
from bench.data.train_subset import limit_training
from bench.data.validation_cache import ValidationCache
from bench.runs.progress import Progress
from bench.runs.request import Request
from bench.system.cache_folder import own_cache_folder
from bench.system.cpu import default_threads
from bench.system.options import parse_choice
from registry.errors import DataError

_SHOWN = 3  # missing images that a message names
_REASON = 60  # characters; fewer than a digest has


def load_data(request: Request, progress: Progress) -> tuple[Manifest, Splits]:
    """Return the checked images and their splits; each rejected file is reported.

    Raises DataError without a folder, images or a second class, for an image with two labels, and
    for too few images or too many rejects.
    """
    if request.data is None:
        progress.say("no --data: using synthetic drawings of cats and dogs")
    manifest = _check_folder(find_data_folder(request), request, progress, request.labels)
    progress.say(source_line(manifest))
    given = request.split in (AUTO, "given") or request.within == "given"
    if manifest.split_from and not given:
        progress.say(f"--split {request.split} leaves the test images of {manifest.folder} unused")
        manifest = without_given_test(manifest)
    if request.limit is not None:
        manifest = limit_images(manifest, request.limit)
    splits = make_splits(request.split, manifest, request.within)
    if apart := straddling(manifest, splits):
        groups = f"{apart:,} of {len(manifest.duplicates):,} groups of near-duplicates"
        progress.say(f"{groups} are in two parts of the {splits.name} split")
    if request.test_data is not None:
        tests = _check_folder(request.test_data, request, progress)
        if tests.split_from is not None:
            progress.say(f"only the test images of {request.test_data} test: {tests.split_from}")
            tests = only_given_test(tests)
        if splits.each[0].name == "given":
            progress.say(f"--test-data replaces the test images of {manifest.folder}")
        require_separate_groups(tests, manifest)
        splits = with_tests_of(tests, splits, manifest)
        if left_out := describe_left_out(splits, tests, manifest):
            progress.say(left_out)
    if request.train_images is not None:
        splits = limit_training(splits, request.train_images, manifest.classes)
    if request.within is not None:  # no other image may be opened from here on
        manifest = training_part(manifest, request.within)
    return manifest, splits


def find_data_folder(request: Request) -> Path:
    """Return the folder of images or drawings. Raises DataError for an unknown data set."""
    if request.data is None:
        return synthetic_folder()
    return dataset_folder(str(request.data)) if request.names_data else request.data


def _check_folder(
    folder: Path, request: Request, progress: Progress, labels: Path | None = None
) -> Manifest:
    finding = find(folder, labels=labels, group_by=request.group_by)
    with progress.counting("checking images", len(finding.images)) as bar:
        cache = own_cache_folder() if request.cache else None  # `cache_pixels` says why not
        ledger = ValidationCache(cache / "checked.sqlite") if cache else None
        near = parse_choice("near-duplicates", request.near_duplicates, NEAR_DUPLICATES)
        manifest = check(
            finding,
            threads=default_threads(),
            on_image=bar.update,
            ledger=ledger,
            near_duplicates=near,
        )
    for line in reject_lines(manifest.rejects):
        progress.say(f"rejected {line}")
    for note, count in manifest.notes:
        progress.say(f"images that are {note}: {count:,}")
    require_one_label_each(manifest)
    if not request.allow_rejects:
        require_few_rejects(manifest)
    return manifest


def cache_pixels(
    images: Sequence[CheckedImage], splits: Splits, shapes: Sequence[InputShape], progress: Progress
) -> PixelSource:
    """Return the pixels of `images` from the cache folder, which is filled if necessary."""
    cache, threads = own_cache_folder(progress.say), default_threads()
    if cache is None:
        return DirectPixels.of([*images, *splits.evaluated])
    folder = cache / "pixels"
    return open_pixel_cache(
        images, splits.evaluated, shapes, folder=folder, threads=threads, report=progress
    )


def locate_images(
    images: Sequence[CheckedImage],
    folders: Sequence[Path] = (),
    *,
    threads: int = 2,
    on_image: Callable[[], object] = lambda: None,
) -> dict[CheckedImage, CheckedImage]:
    """Return for each of `images` a copy with the path of a local file of equal content.

    The search covers its own path, or only `folders` if given. Labels and names stay. Every file is
    read. Raises DataError, with the first names, if images are missing or differ.
    """
    paths = [image.file.path for image in images]
    if folders:
        paths = [path for folder in folders for path in find_image_files(folder)]
    digests = list[str]()
    with ThreadPoolExecutor(threads) as pool:
        for digest in pool.map(_digest, paths):
            digests.append(digest)
            on_image()
    there = dict(zip(digests, paths, strict=True))
    if folders:
        missing = [image.file.name for image in images if image.sha256 not in there]
        where = f"in {', '.join(map(str, folders))}"
    else:
        where = "at the plan's paths"
        missing = [
            f"{image.file.name} ({'different content' if len(digest) == 64 else digest})"
            for image, digest in zip(images, digests, strict=True)
            if digest != image.sha256
        ]
    if missing:
        rest = ", ..." if len(missing) > _SHOWN else ""
        raise DataError(
            f"{len(missing):,} of the plan's {len(images):,} images are not {where}: "
            f"{', '.join(missing[:_SHOWN])}{rest}: name a folder with the same images by "
            "--data, or make a new plan"
        )
    if not folders:
        return {image: image for image in images}
    return {
        image: replace(image, file=replace(image.file, path=there[image.sha256]))
        for image in images
    }


def _digest(path: Path) -> str:
    """Return the SHA-256 of a file, or the reason why it cannot be read."""
    try:
        return content_digest(path)[0]
    except UnreadableImageError as error:
        return str(error)[:_REASON]
