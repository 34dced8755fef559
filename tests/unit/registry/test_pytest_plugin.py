from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from paths import python_path
from warm import warm

_STRANGER = """
import sys

def test_nothing_heavy_is_there():
    assert not {"torch", "numpy", "registry.checks"} & set(sys.modules)
"""
_HEAD = "import liars\nfrom registry.checks import parametrize_architectures\n"
_TEST = "def test_promises(architecture, check):\n    check(architecture)\n"


class Theirs:
    """A test module of somebody else's."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def run(self, text: str, *options: str) -> tuple[int, str]:
        """Write it and run pytest on it; return exit code and output. Torch is imported already."""
        return _told(warm().run(self._command(text, options), cwd=self._folder, env=_environment()))

    def run_cold(self, text: str, *options: str) -> tuple[int, str]:
        """Do the same in a Python that has imported nothing yet."""
        return _told(
            subprocess.run(
                [sys.executable, *self._command(text, options)],
                cwd=self._folder,
                env=_environment(),
                capture_output=True,
                text=True,
            )
        )

    def _command(self, text: str, options: tuple[str, ...]) -> list[str]:
        (self._folder / "test_theirs.py").write_text(text)
        return ["-m", "pytest", "-p", "no:cacheprovider", "-p", "no:randomly", "-q", *options]


def _environment() -> dict[str, str]:
    return os.environ | {"PYTHONPATH": python_path(), "COLUMNS": "200"}


def _told(done: subprocess.CompletedProcess[str]) -> tuple[int, str]:
    return done.returncode, re.sub(r"\d+\.\d+s|\d{8}_\d{6}", "", done.stdout)  # times


@pytest.fixture
def theirs(tmp_path):
    """A place for it."""
    return Theirs(tmp_path)


def _decorated(arguments: str) -> str:
    return f"{_HEAD}\n@parametrize_architectures({arguments})\n{_TEST}"


def test_a_strangers_tests_run_without_torch(theirs):
    """The plugin is installed and imports next to nothing."""
    code, out = theirs.run_cold(_STRANGER, "--trace-config")

    assert code == 0, out
    assert "zoo_bench_pytest.py" in out or "registry/pytest_plugin.py" in out  # its earlier name


@pytest.mark.parametrize("options", [["--help"], ["--markers"], ["--fixtures"], []])
def test_a_strangers_pytest_says_the_same(theirs, options):
    """Options, markers, fixtures and output are as without the plugin."""
    with_it, without = (
        theirs.run_cold(_STRANGER, *options, *more) for more in ((), ("-p", "no:zoo"))
    )

    assert with_it == without


def test_each_architecture_and_check_is_a_test(theirs):
    """Its name says which."""
    code, out = theirs.run(_decorated("'lenet5', 'vgg1*', '!vgg19', only=['head', 'seed']"), "--co")

    assert code == 0, out
    assert [line.partition("::")[2] for line in out.splitlines() if "::" in line] == [
        f"test_promises[{name}-{check}]"
        for name in ("lenet5", "vgg11", "vgg13", "vgg16")
        for check in ("head", "seed")
    ]


def test_nothing_is_looked_up_before_a_test_is_collected(theirs):
    """A module that is only imported imports no torch either."""
    text = _decorated("'lenet5'").replace("import liars\n", "") + "\nimport sys\n"
    code, out = theirs.run_cold(f"{text}assert 'torch' not in sys.modules\n", "--co")

    assert code == 0, out


def test_a_broken_promise_says_what_was_seen_and_what_to_change(theirs):
    """Without the kit's own lines."""
    code, out = theirs.run(_decorated("liars.architecture('Softmaxed'), only=['logits', 'head']"))

    assert code == 1
    assert "1 failed, 1 passed" in out
    assert "seen: positive rows that sum to 1 in evaluation mode; expected: logits" in out
    assert "change: remove the softmax from `forward`" in out
    assert "def gives_logits" not in out


def test_an_expected_failure_is_told_with_its_reason(theirs):
    """It is an xfail, whether the test says so or the architecture itself."""
    expected = "expected_failures={'logits': 'as printed'}"
    wanted = f"liars.architecture('Softmaxed'), only=['logits'], {expected}"
    code, out = theirs.run(_decorated(wanted), "-rx")
    _, of_itself = theirs.run(_decorated("'lenet_as_printed', only=['logits']"), "-rx")

    assert code == 0, out
    assert "softmaxed-logits] - as printed" in out
    assert "lenet_as_printed-logits] - it ends in a softmax" in of_itself


def test_an_expected_failure_that_does_not_come_is_a_failure(theirs):
    """It is strict, so that no excuse outlives its reason."""
    expected = "expected_failures={'logits': 'as printed'}"
    code, out = theirs.run(_decorated(f"liars.architecture('Honest'), only=['logits'], {expected}"))

    assert code == 1
    assert "[XPASS(strict)] as printed" in out


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ("'lenett'", "unknown architecture 'lenett'. Did you mean 'lenet'?"),
        ("'nonet*'", "no architecture matches 'nonet*'"),
        ("'lenet5', only=['head', 'sed']", "unknown check 'sed'. Did you mean 'seed'?"),
        ("'lenet5', expected_failures={'logit': 'x'}", "unknown check 'logit'."),
    ],
)
def test_an_unknown_name_is_an_error_of_the_collection(theirs, arguments, message):
    """It names the test and what there is, without a traceback."""
    code, out = theirs.run(_decorated(arguments))

    assert code == 2
    assert message in out
    assert "test_theirs.py::test_promises: " in out
    assert "Traceback" not in out


def test_a_strangers_object_with_every_attribute_is_left_alone(theirs):
    """Only what our decorator has made counts."""
    text = "from unittest.mock import MagicMock\ntest_it = MagicMock(__name__='test_it')\n"
    code, out = theirs.run_cold(f"{text}def test_other():\n    pass\n")

    assert code == 0, out
