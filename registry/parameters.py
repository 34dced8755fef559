"""What a network's parameters are: counted, given a shape, steady; and those that none can see."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import torch
from torch import nn
from torch.nn.parameter import is_lazy

from registry.errors import UnsuitableError

Steady = tuple[tuple[str, tuple[int, ...], bool], ...]
_PACKED = ("_packed_params", "_packed_weight_ih", "_packed_weight_hh", "param")
_DEPTH = 3  # of containers within containers


def count_parameters(network: nn.Module) -> int:
    """Return the number of values in parameters, tied ones once, and in quantised weights.

    Quantised layers pack their weights and biases into objects of torch, and have no parameters.
    """
    plain = sum(parameter.numel() for parameter in network.parameters())
    packed = {id(each): each for _, each in _packed(network)}
    return plain + sum(map(_packed_size, packed.values()))


def quantised_layers(network: nn.Module) -> tuple[str, ...]:
    """Return the names of layers with packed weights; none of these can be trained."""
    return tuple(dict.fromkeys(name for name, _ in _packed(network)))


def rounds_to_8_bits(network: nn.Module) -> bool:
    """Return whether layers compute with 8-bit numbers, or pretend to, as in training for it."""
    fake = torch.ao.quantization.FakeQuantizeBase
    pretends = any(isinstance(module, fake) for module in network.modules())
    return pretends or bool(quantised_layers(network))


def untrainable(network: nn.Module) -> str:
    """Return why `network` cannot be trained; "" if it can."""
    if names := quantised_layers(network):
        layers = f"layer {names[0]!r} is" if len(names) == 1 else f"{len(names)} layers are"
        return (
            f"its {layers} quantised, with weights that no optimiser can "
            "change: train the network of floats, and quantise it afterwards"
        )
    if not any(True for _ in network.parameters()):
        return "it has no parameters, so there is nothing to train"
    if not any(parameter.requires_grad for parameter in network.parameters()):
        return "all its parameters are frozen (requires_grad is False)"
    return ""


def is_unshaped(network: nn.Module) -> bool:
    """Return whether a lazy layer still waits for its first input."""
    return any(is_lazy(each) for each in (*network.parameters(), *network.buffers()))


def give_shapes(network: nn.Module, shape: tuple[int, int, int]) -> None:
    """Call `network` once on two black images of `shape`, (C, H, W): lazy layers get their sizes.

    It is in evaluation mode meanwhile, so that no running mean changes.
    """
    modes = {module: module.training for module in network.modules()}
    with torch.no_grad():
        network.eval()(torch.zeros(2, *shape))
    for module, training in modes.items():
        module.training = training


@contextmanager
def steady(network: nn.Module) -> Iterator[None]:
    """Raise UnsuitableError if a call inside the context adds, removes or freezes parameters.

    The optimiser never sees a parameter that the first call makes.
    """
    before = _described(network)
    yield
    if (after := _described(network)) != before:
        raise UnsuitableError(
            f"a call changes its parameters, {_total(before)} before and {_total(after)} after "
            f"({_first_difference(before, after)}): make all layers in the constructor"
        )


@contextmanager
def nothing_hidden(network: nn.Module) -> Iterator[None]:
    """Raise UnsuitableError if a call inside the context uses a layer that nobody registered.

    A list or dict of layers hides their parameters: none is counted, trained or stored.
    """
    used: list[str] = []
    found = dict(_hidden(network))
    hooks = [
        module.register_forward_pre_hook(lambda *_, name=name: used.append(name))
        for name, layer in found.items()
        if isinstance(layer, nn.Module)
        for module in layer.modules()
    ]
    try:
        yield
    finally:
        for hook in hooks:
            hook.remove()
    used += [name for name, each in found.items() if isinstance(each, nn.Parameter)]
    if used:
        size = sum(map(_size, {id(each): each for each in found.values()}.values()))
        raise UnsuitableError(
            f"its {used[0]} is in no nn.ModuleList, nn.ModuleDict or nn.ParameterList: the network "
            f"uses {size:,} parameters that are not counted, trained or stored; use one of these"
        )


def _size(hidden: nn.Module | nn.Parameter) -> int:
    return count_parameters(hidden) if isinstance(hidden, nn.Module) else hidden.numel()


def _hidden(network: nn.Module) -> Iterator[tuple[str, nn.Module | nn.Parameter]]:
    """Yield layers with parameters, and parameters, that only a plain attribute holds."""
    known = {id(each) for each in (*network.modules(), *network.parameters())}
    for name, module in network.named_modules():
        if isinstance(module, torch.jit.ScriptModule):
            continue
        for key, value in vars(module).items():
            if key not in ("_modules", "_parameters", "_buffers"):
                place = f"{name}.{key}" if name else key
                yield from _unregistered(place, value, known, _DEPTH)


def _unregistered(
    place: str, value: object, known: set[int], depth: int
) -> Iterator[tuple[str, nn.Module | nn.Parameter]]:
    if isinstance(value, nn.Module | nn.Parameter):
        own = [value] if isinstance(value, nn.Parameter) else [*value.parameters()]
        if id(value) not in known and any(id(each) not in known for each in own):
            yield place, value
    elif depth and isinstance(value, list | tuple | dict | set | frozenset):
        pairs = value.items() if isinstance(value, dict) else enumerate(value)
        for key, each in [*pairs]:
            yield from _unregistered(f"{place}[{key!r}]", each, known, depth - 1)


def _packed(network: nn.Module) -> Iterator[tuple[str, torch.ScriptObject]]:
    """Yield the packed weights of quantised layers, each with its layer's name."""
    for name, module in network.named_modules():
        scripted = isinstance(module, torch.jit.ScriptModule)
        found = ((key, getattr(module, key, None)) for key in _PACKED)
        for _, value in found if scripted else [*vars(module).items()]:
            if isinstance(value, torch.ScriptObject) and "PackedParams" in str(value._type()):
                yield name.removesuffix("._packed_params"), value
            elif isinstance(value, torch.ScriptObject) and "CellParams" in str(value._type()):
                yield name.partition("._all_weight_values")[0], value


def _packed_size(packed: Any) -> int:
    if packed._has_method("unpack"):
        return sum(each.numel() for each in packed.unpack() if isinstance(each, torch.Tensor))
    return sum(_sizes(packed.__getstate__()))


def _sizes(state: object) -> Iterator[int]:
    """Yield the sizes of tensors in the state of a recurrent cell; its weights are packed too."""
    packed: Any = state
    if isinstance(state, torch.Tensor):
        yield state.numel()
    elif isinstance(state, torch.ScriptObject):
        yield packed.unpack()[0].numel()  # its bias is beside it
    elif isinstance(state, list | tuple | Mapping):
        for each in state.values() if isinstance(state, Mapping) else state:
            yield from _sizes(each)


def _described(network: nn.Module) -> Steady:
    return tuple(
        (name, () if is_lazy(each) else tuple(each.shape), each.requires_grad)
        for name, each in network.named_parameters()
    )


def _total(described: Steady) -> str:
    return f"{sum(torch.Size(shape).numel() for _, shape, _ in described):,}"


def _first_difference(before: Steady, after: Steady) -> str:
    """Return what happened to the first parameter that differs."""
    was, now = ({name: rest for name, *rest in each} for each in (before, after))
    name = next(each for each in (*was, *now) if was.get(each) != now.get(each))
    if name not in was or name not in now:
        return f"{name!r} is {'new' if name not in was else 'gone'}"
    return f"{name!r} has another shape" if was[name][0] != now[name][0] else f"{name!r} is frozen"
