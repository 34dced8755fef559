"""The classifiers of timm, with the input size and normalisation of their own configuration."""

from __future__ import annotations

from typing import Any

import timm
from torch import nn

from registry.architecture import Normalization
from registry.family import Described
from zoo.transfer import freeze_but


def members() -> list[str]:
    """Return the names of all architectures, without the names of trained weights."""
    return list(timm.list_models())


def describe(member: str) -> Described | None:
    """Return what `member` is: `resnet18`, or with the name of its weights `resnet18.a1_in1k`."""
    if not timm.is_model(member):
        return None
    found = timm.models.get_pretrained_cfg(member)
    channels, height, width = (3, 224, 224) if found is None else found.input_size
    normalization = None
    if found is not None and len(found.mean) == channels:
        normalization = Normalization(mean=tuple(found.mean), std=tuple(found.std))
    return Described(
        constructor="zoo.family_timm:build",
        arguments=(("member", member),),
        input_shape=(channels, height, width),
        normalization=normalization,
        weights=found.tag or "pretrained" if found is not None and found.has_weights else "",
        source=_source(found),
    )


def build(
    *, num_classes: int, member: str, pretrained: bool = False, frozen: bool = False
) -> nn.Module:
    """Return the network for `num_classes`, all but its head `frozen` where that is asked for.

    timm finds `pretrained` weights in its own cache, or fetches them.
    """
    network: Any = timm.create_model(member, pretrained=pretrained, num_classes=num_classes)
    if frozen:
        freeze_but(network, network.get_classifier())
    whole: nn.Module = network
    return whole


def _source(found: Any) -> str:
    if found is None:
        return ""
    parts = [found.paper_name, found.paper_ids, found.license and f"weights {found.license}"]
    return "; ".join(str(part) for part in parts if part)
