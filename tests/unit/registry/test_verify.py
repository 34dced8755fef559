from __future__ import annotations

from dataclasses import replace

import pytest
import torch
from torch import nn

from registry import Catalog
from registry.errors import ConstructionError, ContractError
from registry.verify import contract_of, probe, verify
from zoo import LENET, LENET5

BUILT_INS = [entry.value for entry in Catalog.installed().entries()]


class CpuOnly(nn.Module):
    """A network that reads a number back, which the meta device does not have."""

    def __init__(self, num_classes: int) -> None:
        super().__init__()
        self.fc = nn.Linear(1024, num_classes)

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        """Return logits, after a look at the numbers."""
        assert images.sum().item() == 0.0
        return self.fc(images.flatten(1))


class Tuple(CpuOnly):
    """A network that returns more than logits."""

    def forward(self, images: torch.Tensor):
        """Return logits and features."""
        return self.fc(images.flatten(1)), images


class Flat(CpuOnly):
    """A network that loses the batch's axis."""

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        """Return the logits of the first image only."""
        return self.fc(images.flatten(1))[0]


class Headless(CpuOnly):
    """A network without a class to tell."""

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        """Return no logits."""
        return self.fc(images.flatten(1))[:, :0]


class Talking(CpuOnly):
    """A network that prints."""

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        """Return logits, with noise."""
        print("noise")  # noqa: T201  (the noise is what is tested)
        return self.fc(images.flatten(1))


class Wrong(CpuOnly):
    """A network that can't be run on its own input."""

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        """Fail."""
        return self.fc(images)


def _mine(name: str, parameters: int = 2050):
    contract = replace(LENET5.contract, parameters=parameters)
    return replace(LENET5, name="mine", constructor=f"{__name__}:{name}", contract=contract)


@pytest.mark.parametrize("architecture", BUILT_INS, ids=lambda a: a.name)
def test_every_architecture_keeps_its_contract(architecture):
    """What is built has the output shape and the size that were promised."""
    verify(architecture)

    assert probe(architecture, contract_of, images=2)[0] == architecture.contract


def test_a_broken_promise_is_told_field_by_field():
    """A wrong contract names each field, measured beside promised."""
    contract = replace(LENET.contract, parameters=1)
    liar = replace(LENET, contract=contract)

    with pytest.raises(ContractError, match=r"46,038,242 parameters, promised 1$"):
        verify(liar)


def test_a_network_without_a_meta_kernel_is_checked_on_the_cpu():
    """What can't be done without numbers is done with them."""
    assert verify(_mine("CpuOnly")) == "cpu"


def test_the_cpu_is_as_strict():
    """A wrong promise is found there, too."""
    with pytest.raises(ContractError, match="2,050 parameters, promised 3"):
        verify(_mine("CpuOnly", parameters=3))


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("Tuple", "it returns a tuple, not a tensor"),
        ("Flat", r"output \(2,\) for 2 images"),
        ("Headless", r"output \(2, 0\) for 2 images"),
    ],
)
def test_an_output_that_is_not_logits_is_told(name, message):
    """Tuples and lost axes are named as what they are."""
    with pytest.raises(ContractError, match=message):
        verify(_mine(name))


def test_a_network_that_cannot_run_is_told():
    """The shape that it was given stands in the message."""
    with pytest.raises(ConstructionError, match=r"cannot be run on images of \(2, 1, 32, 32\)"):
        verify(_mine("Wrong"))


def test_a_talking_network_leaves_stdout_clean(capsys):
    """What it prints while it is checked goes to stderr: stdout may be JSON."""
    verify(_mine("Talking"))

    assert capsys.readouterr() == ("", "noise\n")


def test_the_global_random_state_is_untouched():
    """Checking a contract does not change what is drawn afterwards."""
    torch.manual_seed(1)
    expected = torch.rand(1)
    torch.manual_seed(1)
    verify(LENET5)
    verify(_mine("CpuOnly"))

    assert torch.equal(torch.rand(1), expected)
