"""Specifications of a run's trials."""

from __future__ import annotations

from bench.data.batch_options import FIDELITIES
from bench.data.folds import Splits
from bench.runs.request import LAYOUT_CHOICES
from bench.runs.resolve import ResolvedRequest
from bench.system.options import parse_choice
from bench.training.spec import TrialSpec


def make_specs(
    resolved: ResolvedRequest, classes: tuple[str, ...], splits: Splits
) -> tuple[TrialSpec, ...]:
    """Return a specification for each trial, by seed, then fold, then model."""
    request = resolved.request
    return tuple(
        TrialSpec(
            model=contender.model,
            architecture=contender.architecture,
            origin=contender.origin,
            recipe=contender.recipe,
            classes=classes,
            split_fingerprint=splits.of(fold).fingerprint,
            seed=seed + contender.seed_offset,
            fold=fold,
            folds=splits.folds,
            device=str(resolved.device),
            precision=request.precision,
            threads=resolved.threads,
            workers=request.workers,
            fidelity=parse_choice("fidelity", request.fidelity, FIDELITIES),
            layout=parse_choice("layout", request.layout, LAYOUT_CHOICES),
            compiled=request.compiled,
        )
        for seed in request.seeds
        for fold in splits.numbers
        for contender in resolved.contenders
    )
