"""`zoo explain`: where the networks of a finished run looked."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import torch

from bench.data.facts import CheckedImage
from bench.data.find import ImageFile
from bench.data.given_pictures import read_given
from bench.data.pixel_source import DirectPixels, PixelSource
from bench.data.transform import Pixels, normalization_of, normalize_batch
from bench.followup.explain_report import Explained, report_explanations
from bench.followup.explained_images import explained_images
from bench.followup.explanations import Explanations, explain_images
from bench.followup.finished_run import FinishedRun, finished_run
from bench.followup.kept_parts import KeptParts
from bench.report.followup_file import Followup
from bench.runs.progress import Progress
from bench.runs.stored_runs import RunName
from bench.system.device import number_type
from bench.training.stored_trial import StoredTrial
from registry.errors import DataError

_VERSION = 1  # raise it whenever a figure changes: it is part of the keys
_DECIDING = 4  # test images on which the method of a network is chosen


def explain(
    run: RunName,
    photos: Sequence[str | Path] = (),
    *,
    runs: str | Path = "runs",
    trust: bool = False,
    progress: bool = True,
) -> Followup:
    """Return heat maps of what the networks of a run looked at, and write them to its page.

    Explained are the images on which models disagree, the most confident mistakes of each, and
    `photos`. Each map is checked twice. Of several seeds the first is asked.

    Args:
        run: its folder, name in `runs`, number, or results.
        photos: more pictures, or folders of them.
        runs: folder of the run folders.
        trust: whether a run of somebody else may import the files that it names.
        progress: whether to print what is done.

    Raises:
        RunError: the run does not exist, or has not kept its weights.
        DataError: its images are missing or have changed, or a photo cannot be read.
    """
    with finished_run(run, runs, Progress(shown=progress), trusted=trust) as opened:
        asked = _Asked(opened, _read_photos(photos))
        found = [each for model in asked.wanted.models for each in asked.explained(model)]
        told, pictures = report_explanations(
            opened.results, opened.covers, asked.wanted, found, asked.pixels
        )
        opened.publish(told, pictures)
        return told


class _Asked:
    """What is asked of the networks of a run, model by model."""

    def __init__(self, opened: FinishedRun, photos: dict[ImageFile, str]) -> None:
        self._opened, self._photos = opened, photos
        self._kept = KeptParts(opened.folder.path, "explain")
        self._digests = {each.file: each.sha256 for each in opened.plan.splits.test} | photos
        self._own = DirectPixels({file.path: digest for file, digest in photos.items()})
        self.wanted = explained_images(opened.results)

    def explained(self, model: str) -> Iterator[Explained]:
        """Yield the explanations of the networks of a model's first seed, one a fold."""
        own = [trial for trial in self._opened.trials if trial.spec.model == model]
        names = self.wanted.of(model)
        for trial in (each for each in own if each.spec.seed == own[0].spec.seed):
            tested = {each.file.name: each.file for each in self._opened.images(trial)}
            files = [tested[name] for name in names if name in tested]
            # of folds, the first explains a person's own photographs
            more = [*self._photos] if trial is own[0] else []
            if files or more:
                images = (*files, *more)
                yield Explained(model=model, images=images, found=self._of(trial, images))

    def pixels(self, file: ImageFile) -> Pixels:
        """Return the whole picture (H, W, 3)."""
        return self._source(file).full(file)

    def _source(self, file: ImageFile) -> PixelSource:
        return self._own if file in self._photos else self._opened.plan.source

    def _of(self, trial: StoredTrial, images: Sequence[ImageFile]) -> Explanations:
        """Return the explanations, those of before if weights and images are the same."""
        opened = self._opened
        deciding = [each.file for each in opened.images(trial)[:: _every(opened.images(trial))]]
        digests = [self._digests[file] for file in images]
        key = {**opened.key(trial), "version": _VERSION, "images": digests}
        if (arrays := self._kept.read(key)) is not None:
            return Explanations.of_arrays(arrays)
        with opened.progress.counting(f"explaining {trial.spec.model}", 2 * len(images)) as bar:
            found = explain_images(
                opened.network(trial),
                torch.stack([self._input(trial, file) for file in deciding]),
                [self._input(trial, file) for file in images],
                bar.update,
            )
        self._kept.keep(key, found.as_arrays())
        return found

    def _input(self, trial: StoredTrial, file: ImageFile) -> torch.Tensor:
        """Return what the network gets (C, H, W), on its device."""
        batches, architecture = self._opened.batches(trial), trial.spec.architecture
        levels = self._source(file).centre(file, architecture.contract.input_shape)
        images = normalize_batch([levels], normalization_of(architecture), batches.layout)
        return images[0].to(batches.device, number_type(batches.precision))


def _every(images: Sequence[CheckedImage]) -> int:
    """Return the step that takes four of the images, from all classes as they are sorted."""
    return max(1, len(images) // _DECIDING)


def _read_photos(photos: Sequence[str | Path]) -> dict[ImageFile, str]:
    """Return the pictures and their digests; raise DataError for what is none."""
    if not photos:
        return {}
    given = read_given(map(Path, photos))
    if given.rejects:
        first = given.rejects[0]
        more = f", and {len(given.rejects) - 1} more" if len(given.rejects) > 1 else ""
        raise DataError(f"cannot read {first.name}: {first.reason}{more}")
    files = [ImageFile(path=path, label=-1, name=str(path)) for path in given.pictures]
    return dict(zip(files, given.digests, strict=True))
