"""Metadata of a weights file: written as JSON, and read as untrusted input."""

from __future__ import annotations

import json
import math
from dataclasses import asdict, dataclass

from bench.data.transform import normalization_of
from registry.architecture import Architecture, Contract, Normalization

_MOST_CLASSES = 100_000
_LONGEST = 1_000  # characters of a name
_MOST_PARAMETERS = 2**40


@dataclass(frozen=True, slots=True, kw_only=True)
class WeightsMetadata:
    """Metadata of a weights file: `classes` in output order, `epoch` from 1.

    Attributes:
        code: digest of the network's code when it was trained; None if unknown.
        logits: (K,) of one picture, from `sample_answer`; None if unknown.
    """

    model: str
    architecture: Architecture
    origin: str
    classes: tuple[str, ...]
    epoch: int
    split_fingerprint: str
    code: str | None = None
    logits: tuple[float, ...] | None = None

    @property
    def normalization(self) -> Normalization:
        """Mean and standard deviation of the input, per channel."""
        return normalization_of(self.architecture)

    def as_json(self) -> str:
        """Return the metadata, with the normalisation, as ASCII JSON, without what is unknown."""
        known = {name: value for name, value in asdict(self).items() if value is not None}
        return json.dumps(known | asdict(self.normalization))


def parse_metadata(text: str) -> WeightsMetadata:
    """Return the metadata from its `WeightsMetadata.as_json` form.

    Raises:
        ValueError: `text` has another form or an impossible value; the message names the field.
    """
    try:
        fields = _object(json.loads(text), "metadata")
    except RecursionError:
        raise ValueError("metadata is nested too deeply") from None
    published = WeightsMetadata(
        model=_text(fields, "model"),
        architecture=_architecture(_object(fields.get("architecture"), "architecture")),
        origin=_text(fields, "origin"),
        classes=_classes(fields.get("classes")),
        epoch=_count(fields, "epoch", 10**9),
        split_fingerprint=_text(fields, "split_fingerprint"),
        code=None if fields.get("code") is None else _text(fields, "code"),
        logits=_logits(fields),
    )
    if _normalization(fields) != published.normalization:
        raise ValueError("mean and std differ from the normalisation of the architecture")
    return published


def _architecture(fields: dict[str, object]) -> Architecture:
    contract = _object(fields.get("contract"), "contract")
    channels, height, width = _shape(contract, "input_shape", 3)
    own = fields.get("normalization")
    return Architecture(
        name=_text(fields, "name"),
        constructor=_text(fields, "constructor"),
        contract=Contract(
            input_shape=(channels, height, width),
            output_shape=_shape(contract, "output_shape", 1),
            parameters=_count(contract, "parameters", _MOST_PARAMETERS),
        ),
        source=_text(fields, "source", 100 * _LONGEST),
        normalization=None if own is None else _normalization(_object(own, "normalization")),
    )


def _object(value: object, field: str) -> dict[str, object]:
    if not isinstance(value, dict):
        raise ValueError(f"{field} is not an object")
    return value


def _text(fields: dict[str, object], field: str, longest: int = _LONGEST) -> str:
    value = fields.get(field)
    if not isinstance(value, str) or len(value) > longest:
        raise ValueError(f"{field} is not a text of at most {longest:,} characters")
    return value


def _count(fields: dict[str, object], field: str, most: int) -> int:
    value = fields.get(field)
    if type(value) is not int or not 0 <= value <= most:
        raise ValueError(f"{field} is not a whole number from 0 to {most:,}")
    return value


def _shape(fields: dict[str, object], field: str, axes: int) -> tuple[int, ...]:
    value = fields.get(field)
    if not isinstance(value, list) or len(value) != axes:
        raise ValueError(f"{field} is not a list of length {axes}")
    return tuple(_count({field: size}, field, 2**31) for size in value)


def _classes(value: object) -> tuple[str, ...]:
    if not isinstance(value, list) or not 2 <= len(value) <= _MOST_CLASSES:
        raise ValueError(f"classes is not a list of 2 to {_MOST_CLASSES:,} names")
    names = tuple(_text({"classes": name}, "classes") for name in value)
    if len(set(names)) < len(names):
        raise ValueError("classes contains a name twice")
    return names


def _logits(fields: dict[str, object]) -> tuple[float, ...] | None:
    value, classes = fields.get("logits"), fields.get("classes")
    if value is None:
        return None
    if not isinstance(value, list) or not isinstance(classes, list) or len(value) != len(classes):
        raise ValueError("logits is not a list of one number for each class")
    if not all(isinstance(logit, float) and math.isfinite(logit) for logit in value):
        raise ValueError("logits is not a list of finite numbers")
    return tuple(value)


def _normalization(fields: dict[str, object]) -> Normalization:
    found = {}
    for field in ("mean", "std"):
        value = fields.get(field)
        if not isinstance(value, list) or not all(isinstance(level, float) for level in value):
            raise ValueError(f"{field} is not a list of numbers")
        found[field] = tuple(filter(math.isfinite, value))
    return Normalization(**found)
