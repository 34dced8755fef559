"""From a request to a plan: checked and split images, and a specification for each trial."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from bench.data.folds import Splits
from bench.data.pixel_source import DirectPixels, PixelSource
from bench.runs.characters import keep_characters_upright
from bench.runs.description import describe_run
from bench.runs.load_data import cache_pixels, load_data
from bench.runs.progress import Progress
from bench.runs.resolve import ResolvedRequest
from bench.runs.run_folder import require_own_folders
from bench.runs.specifications import make_specs
from bench.training.spec import TrialSpec
from bench.training.suitable import can_have_pictures


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """Trials, images and description of a run."""

    specs: tuple[TrialSpec, ...]  # by seed, then fold, then model
    splits: Splits
    source: PixelSource
    about: dict[str, Any]  # the description for the store, by name, as JSON values


def make_plan(resolved: ResolvedRequest, progress: Progress, *, elsewhere: bool = False) -> Plan:
    """Return the plan of a run; no pixels are cached if it runs `elsewhere`.

    Raises DataError if images are missing or unusable; nothing is written then.
    """
    require_own_folders(each.model for each in resolved.contenders)
    manifest, splits = load_data(resolved.request, progress)
    source: PixelSource = DirectPixels.of([*manifest.images, *splits.evaluated])
    if resolved.request.cache and not elsewhere:
        able = [each.architecture for each in resolved.contenders]
        shapes = [each.contract.input_shape for each in able if can_have_pictures(each)]
        source = cache_pixels(manifest.images, splits, shapes, progress)
    resolved = keep_characters_upright(resolved, manifest, source, progress)
    return Plan(
        specs=make_specs(resolved, manifest.classes, splits),
        splits=splits,
        source=source,
        about=describe_run(resolved, manifest, splits),
    )
