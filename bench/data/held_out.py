"""Testing on the images of another folder, none of which anything was trained or chosen on."""

from __future__ import annotations

from dataclasses import replace

from bench.data.check import CheckedImage, Manifest
from bench.data.duplicates import duplicates_of
from bench.data.folds import Splits
from registry.errors import DataError


def with_tests_of(other: Manifest, splits: Splits, manifest: Manifest) -> Splits:
    """Return `splits`, made of `manifest`, with the images of `other` for its test part.

    Pictures of `manifest`, saved again or not, are left out, whichever part they are in.

    Raises:
        DataError: `splits` are folds, the classes differ, or nothing is left to test.
    """
    if splits.folds is not None:
        raise DataError(
            f"--split {splits.name} tests on its own images: leave it or --test-data out"
        )
    if other.classes != manifest.classes:
        raise DataError(
            f"{other.folder} has the classes {', '.join(other.classes)}, {manifest.folder} has "
            f"{', '.join(manifest.classes)}: they must be the same"
        )
    new = exclude_known_images(other, manifest)
    if not new:
        raise DataError(
            f"every picture of {other.folder} is one of {manifest.folder}: there is nothing to "
            "test on: name another folder for --test-data"
        )
    folder, name = other.folder.name, f"{splits.name}, tested on {other.folder.name}"
    named = (replace(image.file, name=f"{folder}/{image.file.name}") for image in new)
    test = tuple(replace(image, file=file) for image, file in zip(new, named, strict=True))
    return replace(splits, name=name, each=(replace(splits.each[0], name=name, test=test),))


def exclude_known_images(other: Manifest, manifest: Manifest) -> list[CheckedImage]:
    """Return the images of `other` that are no picture of `manifest`, not even saved again."""
    known = {image.file.path for image in manifest.images}
    known_contents = {image.sha256 for image in manifest.images}
    for group in duplicates_of([*manifest.images, *other.images]):
        if any(image.file.path in known for image in group):
            known_contents.update(image.sha256 for image in group)
    return [image for image in other.images if image.sha256 not in known_contents]
