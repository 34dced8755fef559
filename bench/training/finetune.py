"""Fine-tuning of networks with trained weights: first the head, then all parameters."""

from __future__ import annotations

from torch import nn

from bench.system.random_state import preserve_random_state
from bench.training.recipe import Recipe
from bench.training.schedule import TrainingPosition
from bench.training.spec import TrialSpec
from registry.architecture import Architecture


def head_of(architecture: Architecture, network: nn.Module, classes: int) -> frozenset[str]:
    """Return the names of the parameters of `network` that depend on the number of `classes`.

    It builds the network again with one more class, and leaves the random state as it was.

    Raises:
        ConstructionError: the network cannot be built.
    """
    with preserve_random_state():
        other = dict(architecture.untrained.build(num_classes=classes + 1).named_parameters())
    shapes = {name: parameter.shape for name, parameter in other.items()}
    named = network.named_parameters()
    return frozenset(name for name, each in named if shapes.get(name) != each.shape)


def is_trained(architecture: Architecture) -> bool:
    """Say whether networks of `architecture` start with trained weights."""
    return architecture != architecture.untrained


def new_head(spec: TrialSpec, network: nn.Module) -> frozenset[str] | None:
    """Return the names of untrained parameters, or None if the recipe treats all alike."""
    apart = spec.recipe.frozen_share != 0.0 or spec.recipe.backbone_rate != 1.0
    if not is_trained(spec.architecture) or not apart:
        return None
    return head_of(spec.architecture, network, len(spec.classes))


class Backbone:
    """All parameters of `network` except its `head`, frozen for a share of the training.

    An untrained head damages the features of the backbone: Kumar et al. 2022, arXiv:2202.10054.
    """

    def __init__(self, network: nn.Module, head: frozenset[str], recipe: Recipe) -> None:
        """Take the parameters that are trainable now; others stay frozen."""
        self._network, self._share = network, recipe.frozen_share
        named = network.named_parameters()
        self._parameters = [p for name, p in named if name not in head and p.requires_grad]
        owners = {name.rpartition(".")[0] for name in head}
        self._normalizers = [
            module
            for name, module in network.named_modules()
            if isinstance(module, nn.modules.batchnorm._BatchNorm) and name not in owners
        ]
        self.frozen = False

    def prepare(self, place: TrainingPosition) -> None:
        """Freeze or unfreeze parameters and normalisation for the step at `place`."""
        frozen = self._share == 1 or place.done < self._share * place.end
        if frozen or self.frozen:
            self.freeze(frozen)

    def freeze(self, frozen: bool) -> None:
        """Freeze or unfreeze parameters and normalisation; `network.train` forgets the latter."""
        for parameter in self._parameters:
            parameter.requires_grad = not frozen
        for module in self._normalizers:
            module.train(not frozen)
        self.frozen = frozen
