from __future__ import annotations

import json
import signal
import subprocess
import sys
from dataclasses import replace

import liars
import pytest
import torch

import registry
from registry import Architecture, Deviation
from registry.checks import CHECKS, parametrize_architectures, run_checks
from registry.errors import CheckError, UnknownCheckError

# All that a network of 130 million parameters goes through in a few seconds.
_LIGHT = ["contract", "shapes", "head", "smallest", "logits", "seed", "state"]


def _broken(architecture: Architecture, *only: str) -> dict[str, str]:
    """Return what was seen of each promise that is broken."""
    findings = run_checks(architecture, only)
    return {each.check: each.seen for each in findings if each.status == "broken"}


@parametrize_architectures("lenet5", "lenet", "lenet_as_printed", "alexnet", "alexnet_2012")
def test_built_ins_keep_their_promises(architecture, check):
    """What any architecture must keep, ours do, but for the softmax that the chapter printed."""
    check(architecture)


@parametrize_architectures("vgg*", only=_LIGHT)
def test_large_built_ins_keep_their_promises(architecture, check):
    """Each depth keeps what can be seen without training it."""
    check(architecture)


@parametrize_architectures("vgg11", only=["gradients", "neighbours", "offline", "globals", "learns"])
def test_the_smallest_vgg_keeps_all_promises(architecture, check):
    """One of them is trained, too; `zoo check --all` trains all."""
    check(architecture)


def test_an_honest_network_keeps_all_promises():
    """Batch normalisation and dropout are no failure."""
    findings = run_checks(liars.architecture("Honest"))

    assert [each.status for each in findings] == ["kept"] * len(CHECKS)


@pytest.mark.parametrize(("kind", "check"), liars.LIARS.items())
def test_a_liar_fails_exactly_the_check_of_its_lie(kind, check):
    """Each check finds its own fault, and no check finds another's."""
    assert list(_broken(liars.architecture(kind))) == [check]


def test_every_check_has_its_liar():
    """None is without an input that must fail it."""
    assert {check.name for check in CHECKS} == set(liars.LIARS.values())
