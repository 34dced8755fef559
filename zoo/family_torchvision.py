"""The classifiers of torchvision, with the input size and normalisation of their own weights."""

from __future__ import annotations

from typing import Any

from torch import nn
from torchvision import models

from registry.architecture import Normalization
from registry.family import Described
from zoo.transfer import freeze_but, load_but_head

_DEFAULT_SIZE = 224
_TWO_HEADED = ("googlenet", "inception_v3")
_OF_ONE_SIZE = "vit_"  # built for one size of input: the best weights of vit_h_14 are for 518


def members() -> list[str]:
    """Return the names of all classifiers."""
    return list(models.list_models(module=models))


def describe(member: str) -> Described | None:
    """Return what `member` is: `resnet18`."""
    if member not in members():
        return None
    best = _best_weights(member)
    seen = best.transforms() if best is not None else None
    side = seen.crop_size[0] if seen is not None else _DEFAULT_SIZE
    normalization = None
    if seen is not None:
        normalization = Normalization(mean=tuple(seen.mean), std=tuple(seen.std))
    return Described(
        constructor="zoo.family_torchvision:build",
        arguments=(("member", member),),
        input_shape=(3, side, side),
        normalization=normalization,
        weights=best.name if best is not None else "",
        source=f"torchvision.models.{member}",
    )


def build(
    *, num_classes: int, member: str, pretrained: bool = False, frozen: bool = False
) -> nn.Module:
    """Return the network for `num_classes`, all but its head `frozen` where that is asked for.

    torchvision finds `pretrained` weights in torch's cache, or fetches them. Heads beside the one
    that is used (of GoogLeNet and Inception) are left out, as they give tuples in training.
    """
    best = _best_weights(member)
    options: dict[str, Any] = {}
    if member in _TWO_HEADED:
        options = {"aux_logits": False, "init_weights": True}
    if member.startswith(_OF_ONE_SIZE):
        options = {"image_size": best.transforms().crop_size[0]}
    network: nn.Module = models.get_model(member, weights=None, num_classes=num_classes, **options)
    if pretrained:
        head = load_but_head(network, best.get_state_dict(progress=False, check_hash=True))
        if frozen:
            freeze_but(network, *head)
    return network


def _best_weights(member: str) -> Any:
    """Return torchvision's best weights, which say what they were trained on; or None."""
    return getattr(models.get_model_weights(member), "DEFAULT", None)
