"""What to return instead of an output that is no tensor: the part of it that can be logits."""

from __future__ import annotations

from collections.abc import Mapping

import torch


def advice_on_output(output: object, images: int) -> str:
    """Return what would mend `output`, given for so many `images`, as the end of an error."""
    if output is None:
        return ": end `forward` with a `return` of the logits"
    parts = _parts(output)
    fit = [name for name, value in parts.items() if _can_be_logits(value, images)]
    named = [name for name in fit or parts if name.strip("`'") == "logits"]
    chosen = named or fit or list(parts)
    if len(chosen) == 1:
        return f": have `forward` return only the logits, its {chosen[0]}"
    if chosen:
        return f": have `forward` return only the logits, one of {', '.join(chosen)}"
    return ""


def _parts(output: object) -> dict[str, object]:
    """Return the parts of `output` by their names: keys, fields or places."""
    if isinstance(output, Mapping):
        return {repr(key): value for key, value in output.items()}
    if isinstance(output, tuple | list) and not hasattr(output, "_fields"):
        return {f"[{number}]": value for number, value in enumerate(output)}
    names = getattr(output, "_fields", None) or getattr(output, "__slots__", None)
    if names is None:
        names = [name for name in getattr(output, "__dict__", ()) if not name.startswith("_")]
    return {f"`{name}`": getattr(output, name, None) for name in names}


def _can_be_logits(value: object, images: int) -> bool:
    return (
        isinstance(value, torch.Tensor)
        and value.ndim == 2
        and value.shape[0] == images
        and value.shape[1] > 0
    )
