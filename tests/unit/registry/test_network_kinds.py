from __future__ import annotations

import re
from dataclasses import replace

import network_kinds as kinds
import pytest
import torch

from registry.checks import CHECKS, run_checks
from registry.errors import CheckError, UncheckableError

_MADE_BY_NUMBERS = ["contract", "shapes", "head", "gradients", "seed", "neighbours", "state"]


def _broken(kind: str, *only: str, promised: int | None = None) -> dict[str, str]:
    findings = run_checks(kinds.architecture(kind, promised), only)
    return {each.check: each.seen for each in findings if each.status == "broken"}


@pytest.mark.parametrize("kind", kinds.HONEST)
def test_an_honest_network_of_a_rare_kind_keeps_its_promises(kind):
    """Scripted, traced, lazy, wrapped, tied: none is a failure for being of its kind."""
    assert _broken(kind, *_MADE_BY_NUMBERS) == {}


@pytest.mark.parametrize("lie", kinds.LIES, ids=lambda lie: f"{lie.kind}-{lie.check}")
def test_a_lie_of_a_rare_kind_is_told(lie):
    """It breaks its promise as only its kind can; the line says how."""
    broken = _broken(lie.kind, lie.check, promised=lie.promised)

    assert re.search(lie.seen, broken[lie.check])


def test_a_quantised_network_is_judged_as_far_as_it_can_be():
    """What cannot be checked says why; nothing else is broken."""
    findings = run_checks(kinds.architecture("quantised"), [*_MADE_BY_NUMBERS, "learns"])
    left_out = {each.check: each.reason for each in findings if each.status == "not run"}

    assert {each.status for each in findings} == {"kept", "not run"}
    assert list(left_out) == ["gradients", "learns"]
    assert "its layer 'fc' is quantised" in left_out["learns"]


def test_a_check_that_cannot_be_made_is_no_success_in_a_test():
    """By itself it raises what an author can expect, or leave out."""
    (check,) = [each for each in CHECKS if each.name == "learns"]

    with pytest.raises(UncheckableError, match="is quantised"):
        check(kinds.architecture("quantised"))


def test_a_lazy_network_is_built_with_sizes():
    """One call gives them; the same seed gives the same weights, and no mean has moved."""
    torch.manual_seed(3)
    one = kinds.architecture("Lazy").build(2)
    torch.manual_seed(3)
    other = kinds.architecture("Lazy").build(2)

    assert one.training
    assert one.fc.weight.shape == (2, 64)
    assert torch.equal(one.fc.weight, other.fc.weight)


def test_layers_that_images_give_no_sizes_are_told():
    """The line has the shape that was tried, and what torch says."""
    small = kinds.architecture("Lazy")
    small = replace(small, contract=replace(small.contract, input_shape=(3, 1, 1)))

    assert re.search(
        r"lazy layers that images of \(3, 1, 1\) give no sizes: RuntimeError",
        run_checks(small, ["contract"])[0].seen,
    )


_LIBRARY = "import os, sys, warnings\nwarnings.simplefilter('ignore')\nsys.path.append('/nowhere')"
_FILE = """
import warnings
import network_kinds
{top}
class Net(network_kinds.Plain):
    input_shape = (3, 8, 8)
    def __init__(self, num_classes):
        super().__init__(num_classes)
        {built}
"""


@pytest.fixture
def in_file(tmp_path, monkeypatch):
    """A function that says what a network in a file changes in the process."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "late_library.py").write_text(_LIBRARY)

    def seen(top: str = "", built: str = "pass") -> str:
        (tmp_path / "net.py").write_text(_FILE.format(top=top, built=built))
        promised = kinds.architecture("Plain")
        arguments = (("path", str(tmp_path / "net.py")), ("name", "Net"))
        found = replace(promised, constructor="registry.from_file:build", arguments=arguments)
        (finding,) = run_checks(found, ["globals"])
        return finding.seen

    return seen


def test_what_a_library_changes_at_import_is_no_fault_of_a_file(in_file):
    """As for a plugin: torchvision, for one, adds a warning filter."""
    assert in_file(top="import late_library") == ""


def test_what_a_library_changes_at_a_late_import_is_no_fault(in_file):
    """As in `hubconf.py`, whose functions import what they need."""
    assert in_file(built="import late_library") == ""


def test_a_change_beside_a_late_import_is_told(in_file):
    """It is made again when the network is built again; the import is not."""
    line = "import late_library; warnings.simplefilter('error')"

    assert in_file(built=line) == "warning filters (when it was built)"


@pytest.mark.parametrize(
    ("line", "seen"),
    [
        ("F.relu6 = F.relu", "torch.nn.functional.relu6 is replaced by 'relu'"),
        ("torch.nn.Linear.forward = lambda self, x: x", "Linear.forward is replaced by '<lambda>'"),
        ("torch.optim.SGD = print", "torch.optim.SGD is replaced by 'print'"),
    ],
)
def test_a_replaced_function_of_torch_is_told(in_file, line, seen):
    """Every network after it would compute with another function."""
    assert seen in in_file(top=f"import torch, torch.nn.functional as F\n{line}")


def test_a_replaced_function_of_torchvision_is_told(in_file):
    """Though the network itself imports it; that it is imported is no fault."""
    pytest.importorskip("torchvision")
    lines = "import torchvision\ntorchvision.models.resnet18 = lambda **_: None"

    assert in_file(top=lines) == "torchvision.models.resnet18 is replaced by '<lambda>'"


def test_the_errors_of_checks_have_one_ancestor():
    """An author who expects a broken promise may expect one that cannot be checked."""
    assert issubclass(UncheckableError, CheckError)
