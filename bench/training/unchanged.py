"""Whether the network that weights are loaded into is the one that was trained."""

from __future__ import annotations

from pathlib import Path

from torch import nn

from bench.training.reproducibility import code_digest, is_same_code
from bench.training.sample_answer import Logits, is_alike, sample_answer
from bench.training.weights_metadata import WeightsMetadata
from registry.architecture import Architecture
from registry.errors import RunError


def require_unchanged(
    path: Path, known: Architecture, network: nn.Module, published: WeightsMetadata
) -> str:
    """Return a note if the code has changed, but not the answer of `network`; else an empty text.

    Files of earlier versions say nothing about code and answers, and nothing is compared.

    Raises:
        RunError: the network answers differently, or only its code can be compared and differs.
    """
    why = _code_change(known, published)
    if published.logits is None:
        if why:
            raise RunError(
                f"the network {published.model} has changed since it was trained: {why}, and "
                f"{path} has no answer to compare: {_WHAT_TO_DO}"
            )
        return ""
    now = sample_answer(network, known.contract.input_shape)
    if now is None or not is_alike(published.logits, now):
        raise RunError(
            f"the network {published.model} answers differently from when it was trained: "
            f"{_largest(published.logits, now)} for the picture in {path}"
            f"{why and f' ({why})'}: {_WHAT_TO_DO if why else _UNSAVED}"
        )
    return why and f"{path}: {why}, but the network answers as it did when it was trained"


_UNSAVED = (
    "its code is the same, so it computes with something that its weights do not hold; register "
    "that as a persistent buffer (`zoo check --only state` tells), and train again"
)
_WHAT_TO_DO = "use the code that it was trained with, or train again"


def _code_change(known: Architecture, published: WeightsMetadata) -> str:
    now = code_digest(known)
    if published.code is None or is_same_code(published.code, now):
        return ""
    what = "cannot be found" if now is None else "has changed"
    return f"the code of {published.model} {what}"


def _largest(then: Logits, now: Logits | None) -> str:
    """Return the logit that differs most, in words."""
    if now is None or len(now) != len(then):
        return "it has no certain logits"
    before, after = max(zip(then, now, strict=True), key=lambda pair: abs(pair[0] - pair[1]))
    return f"logit {after:.4g} instead of {before:.4g}"
