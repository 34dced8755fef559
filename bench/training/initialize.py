"""First weights fitted to the training images, without their labels."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import torch
from torch import nn
from torch.nn import functional as F

from bench.system.display import count_noun
from bench.system.random_state import preserve_random_state
from bench.training.kind import normalizes
from bench.training.weight_averaging import copy_weights, set_weights
from registry.checks.settings import seed_everything

IMAGES = 128  # at most, in one pass without gradients
_PATCHES = 5_000  # at most, for the filters of one layer
_FEW = 1_000  # likewise, where only their scale is used
_CAUTION = 0.8  # of the seconds that are left
_ROUNDS = 10  # of k-means; then the centroids hardly move
_BLOCK = 512  # rows of a covariance at a time
_PARTS = 2  # of the patches, one for each round in turn
_RIDGE = 1.0  # added to the spectrum before whitening, as a share of its mean
_HEAD = 0.05  # standard deviation of the last layer's outputs
_LEAST = 1e-6  # a lower standard deviation counts as constant


class TooSlowError(Exception):
    """Fitting took too long; the network has its own weights again."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FirstWeights:
    """The names of the layers that were fitted, as images reach them.

    `scaled` are the convolutions that kept their own filters but for the scale, to save time.
    """

    layers: tuple[str, ...] = ()
    scaled: tuple[str, ...] = ()

    @property
    def told(self) -> str:
        """What was left out, in words; "" if nothing."""
        if not self.scaled:
            return ""
        return f"filters of {count_noun(len(self.scaled), 'layer')} only scaled, to save time"


def fit_to_images(
    network: nn.Module,
    images: torch.Tensor,
    seed: int,
    seconds_left: Callable[[], float] | None = None,
) -> FirstWeights:
    """Fit the layers of `network` to `images` (N, C, H, W), and return which were fitted.

    Convolutions get filters that represent the patches they see (`filters_of`). Fully connected
    layers get Gaussian weights. Outputs then have mean 0 and variance 1 over the images, in
    training mode with dropout. The last layer is scaled down: training would first have to undo
    random logits of variance 1. Labels are not used.

    The whitening is light, because it amplifies rare features: edges, or the noise of a layer.
    After ten epochs of `default` on 300 photographs, `alexnet` had 77 % accuracy on 201 others, and
    64 % with a tenth of the ridge; `lenet` had 73 % and 64 %.

    Networks with normalisation between layers, grouped convolutions, other layers and unreached
    layers keep their weights. The same seed, images and number of threads give the same weights.
    The random state stays as it was.

    With `seconds_left`, layers keep their own weights as far as there is no time for better ones,
    and only get the scale. If no second is left, TooSlowError is raised and no weights change.

    Sources: Coates and Ng 2012, "Learning feature representations with k-means"; Krähenbühl et al.
    2016, "Data-dependent initializations"; Mishkin and Matas 2016, "All you need is a good init".
    """
    if normalizes(network):
        return FirstWeights()
    if seconds_left is not None and seconds_left() <= 0:
        raise TooSlowError
    fitting = _Fitting(torch.Generator().manual_seed(seed), seconds_left)
    own = None if seconds_left is None else copy_weights(network)
    modes = {module: module.training for module in network.modules()}
    with preserve_random_state(), torch.no_grad():
        seed_everything(seed)
        hooks = [
            module.register_forward_pre_hook(partial(fitting.fit, name))
            for name, module in network.named_modules()
            if isinstance(module, nn.Linear)
            or (type(module) is nn.Conv2d and module.groups == 1 and module.padding_mode == "zeros")
        ]
        try:
            network.train()(images)
        except TooSlowError:
            if own is not None:
                set_weights(network, own)
            raise
        finally:
            for hook in hooks:
                hook.remove()
            for module, training in modes.items():
                module.training = training
        if fitting.layers:
            for parameter in network.get_submodule(fitting.layers[-1]).parameters(recurse=False):
                parameter.mul_(_HEAD)
    return FirstWeights(layers=tuple(fitting.layers), scaled=tuple(fitting.scaled))


def filters_of(patches: torch.Tensor, count: int, generator: torch.Generator) -> torch.Tensor:
    """Return `count` filters (count, D) of length 1 that represent the patches (M, D).

    They are the centroids of spherical k-means over the patches, with equal contrast and whitened:
    a patch belongs to a centroid or to its opposite, and a centroid without patches does not
    change. Each round takes its part of the patches. Filters are kept as they apply to patches
    that are not whitened, which costs less than to whiten each patch. The Cholesky factor gives
    the same clusters as any other whitening. Source: Coates and Ng 2012, with their damping by the
    old centroid.
    """
    patches = patches - patches.mean(1, keepdim=True)
    spread = patches.std(1, keepdim=True)
    patches = patches / (spread + 0.1 * spread.mean() + _LEAST)
    patches = patches - patches.mean(0)
    covariance = _lower_covariance(patches)
    ridge = _RIDGE * covariance.diagonal().mean() + _LEAST
    covariance.diagonal().add_(ridge)
    factor = torch.linalg.cholesky(covariance)
    white = F.normalize(torch.randn(count, patches.shape[1], generator=generator)).to(patches)
    filters = torch.linalg.solve_triangular(factor, white, upper=False, left=False)
    products = white @ factor.T  # filters @ covariance
    for turn in range(_ROUNDS):
        some = patches[turn % _PARTS :: _PARTS]
        scores = some @ filters.T
        which = scores.abs().argmax(1, keepdim=True)
        weighted = some * scores.gather(1, which)
        sums = torch.zeros_like(filters).index_add(0, which[:, 0], weighted)
        half = torch.linalg.solve_triangular(factor.T, sums, upper=True, left=False)
        filters += torch.linalg.solve_triangular(factor, half, upper=False, left=False)
        products += sums
        length = (filters * products).sum(1, keepdim=True).sqrt()  # of the whitened filters
        filters, products = filters / length, products / length
    return F.normalize(filters)


def _lower_covariance(centred: torch.Tensor) -> torch.Tensor:
    """Return the lower triangle of the covariance (D, D) of values (M, D), which Cholesky reads.

    In blocks of rows, which costs little more than half.
    """
    size = centred.shape[1]
    covariance = centred.new_zeros(size, size)
    for start in range(0, size, _BLOCK):
        end = min(start + _BLOCK, size)
        covariance[start:end, :end] = centred[:, start:end].T @ centred[:, :end]
    return covariance.div_(len(centred))


class _Fitting:
    """The fitting of one layer after the other, on its first input, before the layer is used."""

    def __init__(
        self, generator: torch.Generator, seconds_left: Callable[[], float] | None
    ) -> None:
        self.layers, self.scaled = list[str](), list[str]()
        self._generator, self._seconds_left = generator, seconds_left
        self._work, self._seconds = 0.0, 0.0  # of the filters that were found

    def fit(
        self, name: str, layer: nn.Conv2d | nn.Linear, inputs: tuple[torch.Tensor, ...]
    ) -> None:
        """Set the weights of `layer`."""
        if name in self.layers:
            return
        if self._seconds_left is not None and self._seconds_left() <= 0:
            raise TooSlowError
        own = self._keeps_own(layer)
        if isinstance(layer, nn.Conv2d):
            seen = _patches(layer, inputs[0], self._generator, _FEW if own else _PATCHES)
        else:
            seen = inputs[0].flatten(0, -2)
        weights = layer.weight.flatten(1) if own else self._weights(layer, seen)
        outputs = seen @ weights.T  # (M, K), scaled to variance 1, and to mean 0 with a bias
        spread = outputs.std(0) if len(outputs) > 1 else torch.ones_like(outputs[0])
        spread = torch.where(spread > _LEAST, spread, 1.0)
        layer.weight.copy_((weights / spread[:, None]).view(layer.weight.shape))
        if layer.bias is not None:
            layer.bias.copy_(-outputs.mean(0) / spread)
        self.layers.append(name)
        if own and isinstance(layer, nn.Conv2d):
            self.scaled.append(name)

    def _keeps_own(self, layer: nn.Conv2d | nn.Linear) -> bool:
        """Say whether there is no time for better weights, by the speed at which others came."""
        if self._seconds_left is None:
            return False
        if isinstance(layer, nn.Linear):  # Gaussian ones are hardly better
            return True
        return self._seconds * _work(layer) > self._work * self._seconds_left() * _CAUTION

    def _weights(self, layer: nn.Conv2d | nn.Linear, seen: torch.Tensor) -> torch.Tensor:
        """Return new weights (K, D) for inputs `seen` (M, D)."""
        if isinstance(layer, nn.Linear):
            shape = layer.out_features, seen.shape[1]
            return torch.randn(shape, generator=self._generator).to(seen)
        before = None if self._seconds_left is None else self._seconds_left()
        found = filters_of(seen, layer.out_channels, self._generator)
        if before is not None and self._seconds_left is not None:
            self._work += _work(layer)
            self._seconds += before - self._seconds_left()
        return found


def _work(layer: nn.Conv2d) -> float:
    """Return the multiply-adds of `filters_of` for a layer, about."""
    size, count = layer.weight[0].numel(), layer.out_channels
    return _PATCHES * size * (size / 2 + _ROUNDS * count / _PARTS) + size**2 * (
        size / 6 + _ROUNDS * count
    )


def _patches(
    layer: nn.Conv2d, images: torch.Tensor, generator: torch.Generator, most: int
) -> torch.Tensor:
    """Return `most` random patches (M, D) of `images` (N, C, H, W), as `layer` sees them."""
    (high, wide), (down, right) = layer.kernel_size, layer.dilation
    padded = F.pad(images, list(layer._reversed_padding_repeated_twice))
    rows = -(-(padded.shape[2] - down * (high - 1)) // layer.stride[0])
    columns = -(-(padded.shape[3] - right * (wide - 1)) // layer.stride[1])
    places = len(images) * rows * columns
    place = torch.randint(places, (min(most, places), 1, 1), generator=generator)
    row = place // columns % rows * layer.stride[0] + torch.arange(high).view(1, -1, 1) * down
    column = place % columns * layer.stride[1] + torch.arange(wide).view(1, 1, -1) * right
    there = (each.to(images.device) for each in (place // (rows * columns), row, column))
    found = padded.permute(0, 2, 3, 1)[tuple(there)]  # (M, h, w, C)
    return found.permute(0, 3, 1, 2).flatten(1)
