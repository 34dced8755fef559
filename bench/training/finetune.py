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

    Found by building it once more for one class more; no random state is changed.

    Raises:
        ConstructionError: it can't be built.
    """
    with preserve_random_state():
        other = dict(architecture.untrained.build(num_classes=classes + 1).named_parameters())
    shapes = {name: parameter.shape for name, parameter in other.items()}
    named = network.named_parameters()
    return frozenset(name for name, each in named if shapes.get(name) != each.shape)


def is_trained(architecture: Architecture) -> bool:
    """Say whether a network of it begins with trained weights."""
    return architecture != architecture.untrained


def new_head(spec: TrialSpec, network: nn.Module) -> frozenset[str] | None:
    """Return the parameters that have not been trained, where the recipe sets them apart."""
    apart = spec.recipe.frozen_share != 0.0 or spec.recipe.backbone_rate != 1.0
    if not is_trained(spec.architecture) or not apart:
        return None
    return head_of(spec.architecture, network, len(spec.classes))


class Backbone:
    """All of `network` but its `head`, kept as it is for a share of the training.

    Kumar et al. 2022, arXiv:2202.10054: a head that knows nothing spoils the features under it.
    """

    def __init__(self, network: nn.Module, head: frozenset[str], recipe: Recipe) -> None:
        """Only what is trainable now is ever trained."""
        self._network, self._share = network, recipe.frozen_share
        named = network.named_parameters()
        self._parameters = [p for name, p in named if name not in head and p.requires_grad]
        owners = {name.rpartition(".")[0] for name in head}
        self._normalizers = [
            module
            for name, module in network.named_modules()
            if isinstance(module, nn.modules.batchnorm._BatchNorm) and name not in owners
        ]
        self._frozen = False

    def prepare(self, place: TrainingPosition) -> None:
        """Freeze it for the step at `place`, its normalisation included, or let it be trained."""
        frozen = self._share == 1 or place.done < self._share * place.end
        if frozen == self._frozen and not frozen:
            return
        for parameter in self._parameters:
            parameter.requires_grad = not frozen
        for module in self._normalizers:
            module.train(not frozen)
        self._frozen = frozen
