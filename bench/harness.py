"""The whole comparison: architectures and a folder in, a run folder and results out."""

from __future__ import annotations

import importlib
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Literal

import pandas as pd
import torch

from bench.allocator import tune_allocator
from bench.cache_folder import cache_folder
from bench.data.check import CheckedImage, Manifest, check, require_one_label_each
from bench.data.find import find
from bench.data.ledger import Ledger
from bench.data.pixel_cache import cached_pixels
from bench.data.pixel_source import DirectPixels, PixelSource
from bench.data.split import SPLITS, Split, limited
from bench.data.synthetic import SYNTHETIC_NAME, synthetic_folder
from bench.data.transform import FIDELITIES, Layout
from bench.device import choose_device, choose_precision, default_threads
from bench.environment import describe_environment
from bench.layout import choose_layout
from bench.progress import Progress
from bench.recipe import Recipe
from bench.record import TrialRecord, TrialSpec
from bench.report.display import display
from bench.report.export import write_comparison, write_profile, write_trial
from bench.report.frame import comparison, history
from bench.report.profile import profile_frame
from bench.request import LAYOUT_CHOICES, Contender, Request, contenders, one_of, recipe_of
from bench.stats import majority_class
from bench.store import RunFolder
from bench.trial import run_trial
from registry.architecture import Architecture
from registry.errors import RunError


@dataclass(frozen=True, slots=True)
class Results:
    """What a comparison gave: the records, the tables made from them, and where they lie."""

    records: tuple[TrialRecord, ...]
    frame: pd.DataFrame
    history: pd.DataFrame
    title: str
    folder: Path
    profile: pd.DataFrame

    @property
    def exit_code(self) -> int:
        """0 all well, 4 some model failed, 6 nothing was measured, 130 interrupted."""
        statuses = {record.status for record in self.records}
        if "interrupted" in statuses:
            return 130
        if "ok" not in statuses:
            return 6
        return 0 if statuses == {"ok"} else 4

    def _repr_html_(self) -> str:
        return str(self.frame.to_html(index=False))


def run(
    models: Sequence[str | Architecture],
    data: str | Path | None = None,
    *,
    progress: bool = True,
    **options: object,
) -> Results:
    """Return the comparison of `models` on the images in the folder `data`.

    Args:
        models: names or patterns (`vgg*`, `!vgg19`) of installed architectures, or values.
        data: a folder of images in class folders, or None for the embedded drawings.
        progress: tell on stderr how it goes.
        **options: the other fields of `Request`: recipe, split, epochs, batch_size,
            learning_rate, seeds, device, precision, threads, workers, limit, runs, weights,
            fidelity, layout, compiled, cache, profile.

    Raises:
        ZooError: something asked for is not there; nothing was trained.
    """
    folder = None if data is None else Path(data)
    request = Request(models=tuple(models), data=folder, **options)  # type: ignore[arg-type]
    return execute(request, Progress(shown=progress))


def execute(request: Request, progress: Progress) -> Results:
    """Return the results of `request`; each finished trial is on disk before the next begins."""
    allocator = tune_allocator()
    compared = contenders(request.models)
    recipe = recipe_of(request)
    device = choose_device(request.device)
    choose_precision(request.precision, device)
    fidelity = one_of("fidelity", request.fidelity, FIDELITIES)
    layout = one_of("layout", request.layout, LAYOUT_CHOICES)
    manifest, split = load_data(request, progress)
    source = _pixel_source(request, manifest, split, compared, progress)
    fingerprint = split.fingerprint
    threads = request.threads or default_threads()
    layouts = _layouts(compared, layout, request, device, threads, progress)
    specs = [
        TrialSpec(
            model=contender.model,
            architecture=contender.architecture,
            origin=contender.origin,
            recipe=recipe,
            classes=manifest.classes,
            split_fingerprint=fingerprint,
            seed=seed,
            device=str(device),
            precision=request.precision,
            threads=threads,
            workers=request.workers,
            fidelity=fidelity,
            layout=layouts[contender.model],
            compiled=request.compiled,
        )
        for seed in request.seeds
        for contender in compared
    ]
    folder = RunFolder.create(request.runs, tuple(contender.model for contender in compared))
    folder.write_json("environment.json", describe_environment(device) | {"allocator": allocator})
    folder.write_json("config.json", _config(request, recipe, manifest, split))
    title = _title(request, recipe, split, device)
    importlib.import_module("torch._dynamo")  # a second that the first optimiser would be charged
    return _trials(specs, split, source, folder, title, progress, request)


def load_data(request: Request, progress: Progress) -> tuple[Manifest, Split]:
    """Return the checked images and their split; what is left out is said, none silently.

    Raises:
        DataError: no folder, no images, one class, one picture under two labels, or too few.
    """
    if request.data is None:
        progress.say("no --data: comparing on cats and dogs drawn by code, not on photographs")
    folder = request.data or synthetic_folder()
    if request.split not in SPLITS:
        raise RunError(f"unknown split {request.split!r}: there are {', '.join(SPLITS)}")
    finding = find(folder)
    with progress.counting("checking images", len(finding.images)) as bar:
        ledger = Ledger(cache_folder() / "checked.sqlite") if request.cache else None
        manifest = check(finding, threads=default_threads(), on_image=bar.update, ledger=ledger)
    for reject in manifest.rejects:
        progress.say(f"left out {reject.name}: {reject.reason}")
    require_one_label_each(manifest)
    if request.limit is not None:
        manifest = limited(manifest, request.limit)
    return manifest, SPLITS[request.split](manifest)


def _pixel_source(
    request: Request,
    manifest: Manifest,
    split: Split,
    compared: Sequence[Contender],
    progress: Progress,
) -> PixelSource:
    if not request.cache:
        return DirectPixels()
    return cached_pixels(
        manifest.images,
        [*split.validation, *split.test],
        [contender.architecture.contract.input_shape for contender in compared],
        folder=cache_folder() / "pixels",
        threads=default_threads(),
        report=progress,
    )


def _layouts(
    compared: Sequence[Contender],
    layout: Layout | Literal["auto"],
    request: Request,
    device: torch.device,
    threads: int,
    progress: Progress,
) -> dict[str, Layout]:
    """Return the memory order of each model."""
    if layout != "auto":
        return {contender.model: layout for contender in compared}
    with progress.counting("choosing memory layouts", len(compared)) as bar:
        chosen: dict[str, Layout] = {}
        for contender in compared:
            chosen[contender.model] = choose_layout(
                contender.architecture,
                contender.origin,
                device=device,
                precision=choose_precision(request.precision, device),
                threads=threads,
                folder=cache_folder(),
            )
            bar.update()
    return chosen


def _trials(
    specs: Sequence[TrialSpec],
    split: Split,
    source: PixelSource,
    folder: RunFolder,
    title: str,
    progress: Progress,
    request: Request,
) -> Results:
    records: list[TrialRecord] = []
    baseline = _baseline(split)
    for spec in specs:
        result = run_trial(spec, split, progress, source, profile=request.profile)
        records.append(result.record)
        folder.keep(result, weights=request.weights)
        if result.test is not None:
            write_trial(folder.trial(spec), result.record, split.test, result.test, source)
        results = Results(
            records=tuple(records),
            frame=comparison(records, baseline),
            history=history(records),
            title=title,
            folder=folder.path,
            profile=profile_frame(records),
        )
        write_comparison(results.folder, results.records, results.frame, results.history, title)
        if len(results.profile):
            write_profile(results.folder, results.profile)
        if result.record.status == "interrupted":
            break
    return results


def _config(request: Request, recipe: Recipe, manifest: Manifest, split: Split) -> object:
    return {
        "models": [str(model) for model in request.models],
        "data": str(request.data) if request.data else SYNTHETIC_NAME,
        "classes": manifest.classes,
        "recipe": asdict(recipe),
        "seeds": request.seeds,
        "rejects": [asdict(reject) for reject in manifest.rejects],
        "split": split.name,
        "split_fingerprint": split.fingerprint,
        **{part: [image.file.name for image in images] for part, images in _parts(split)},
    }


def _parts(split: Split) -> tuple[tuple[str, tuple[CheckedImage, ...]], ...]:
    return ("train", split.train), ("validation", split.validation), ("test", split.test)


def _title(request: Request, recipe: Recipe, split: Split, device: torch.device) -> str:
    data = display(request.data.resolve().name) if request.data else SYNTHETIC_NAME
    sizes = "/".join(str(len(images)) for _, images in _parts(split))
    epochs = f"{recipe.epochs} epoch{'s' if recipe.epochs != 1 else ''}"
    return f"{data}: {sizes} images ({split.name}), recipe {recipe.name}, {epochs}, {device}"


def _baseline(split: Split) -> tuple[int, int]:
    majority = majority_class([image.file.label for image in split.train])
    return sum(image.file.label == majority for image in split.test), len(split.test)
