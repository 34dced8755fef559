from __future__ import annotations

import io
import json

import pytest
from rich.console import Console

from registry.checks import CHECKS, Finding
from zoo.cli.check_tables import Checked, render

_NAMES = [check.name for check in CHECKS]


def _found(name: str, **statuses: str) -> Checked:
    """Return findings of all checks: kept, but for what is said."""
    findings = tuple(
        Finding(
            check=check,
            status=statuses.get(check, "kept"),
            seen=f"{check} seen",
            expected=f"{check} expected",
            change=f"{check} change",
            reason=f"{check} reason",
            seconds=1.0,
        )
        for check in _NAMES
    )
    return Checked(name=name, findings=findings)


def _printed(results: list[Checked], width: int) -> str:
    console = Console(file=io.StringIO(), width=width, color_system=None)
    console.print(render(results, width))
    return console.file.getvalue()


def test_what_is_kept_is_told_promise_by_promise(zoo):
    """Of one architecture that is a line a check, in the order they are run."""
    code, out, err = zoo("check", "lenet5", "--only", "seed", "--only", "head")
    lines = out.splitlines()

    assert code == 0
    assert lines[1].split()[:2] == ["✓", "head"]
    assert lines[2].split()[:2] == ["✓", "seed"]
    assert "2 promises kept, 0 broken" in lines[-1]
    assert err.startswith("lenet5: 2 promises kept")


def test_a_deviation_is_no_failure(zoo):
    """The printed LeNet ends in a softmax, and says so."""
    code, out, _ = zoo("check", "lenet_as_printed", "--only", "logits")

    assert code == 0
    assert "(✗) lenet_as_printed logits: expected: it ends in a softmax" in out
    assert "1 broken as expected" in out


def test_a_broken_promise_ends_with_exit_code_4(zoo, monkeypatch):
    """And says what was seen, what was expected, what to change."""
    monkeypatch.setattr("zoo.cli.check.run_checks", lambda *_: _found("", learns="broken").findings)
    code, out, _ = zoo("check", "lenet5")

    assert code == 4
    for line in ("seen      learns seen", "expected  learns expected", "change    learns change"):
        assert line in out


def test_json_is_json_alone(zoo):
    """Programs get all that was found, and nothing else on stdout."""
    _, out, _ = zoo("check", "lenet5", "lenet", "--only", "contract,head", "--json")
    rows = json.loads(out)

    assert [row["name"] for row in rows] == ["lenet5", "lenet"]
    assert [each["check"] for each in rows[0]["checks"]] == ["contract", "head"]
    assert rows[0]["failed"] is False


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([], "which architectures?"),
        (["--all", "lenet5"], "which architectures?"),
        (["lenett"], "Did you mean 'lenet'?"),
        (["lenet5", "--only", "sed"], "unknown check 'sed'. Did you mean 'seed'?"),
    ],
)
def test_a_mistake_is_one_line(zoo, arguments, message):
    """The exit code is 2, and nothing is run."""
    code, out, err = zoo("check", *arguments)

    assert (code, out) == (2, "")
    assert message in err
    assert err.count("\n") == 1


def test_all_means_all(zoo, monkeypatch):
    """Every architecture that is installed is checked."""
    asked = []
    monkeypatch.setattr(
        "zoo.cli.check.run_checks",
        lambda architecture, *_: asked.append(architecture.name) or _found("").findings,
    )
    zoo("check", "--all")

    assert {"lenet5", "alexnet_2012", "vgg19"} <= set(asked)


@pytest.mark.parametrize("width", [80, 160])
def test_a_table_fits_the_terminal(width):
    """Names of checks stand above where there is room; else numbers, and their names below."""
    results = [_found("lenet5"), _found("x" * 40, logits="broken", learns="not run")]
    out = _printed(results, width)
    (head,) = [line for line in out.splitlines() if line.strip().startswith("name ")]

    assert max(map(len, out.splitlines())) <= width
    assert head.split()[1:] == (_NAMES if width == 160 else [str(n + 1) for n in range(13)])
    assert "neighbours  predicts each image independently" in out or width == 160


def test_signs_tell_all_states_apart():
    """Without colours, too."""
    result = _found("net", head="broken", seed="expected", state="not run")
    out = _printed([result, _found("other")], 160)
    row = next(line for line in out.splitlines() if " net " in line)

    assert row.split()[1:] == ["✓", "✓", "✗", *"✓✓✓✓", "(✗)", "✓", "-", "✓", "✓", "✓"]


def test_an_architecture_that_cannot_be_loaded_is_a_failure():
    """It keeps its row, with its reason."""
    broken = Checked(name="brokennets/lenet", broken="SystemExit: 3")
    out = _printed([broken, _found("lenet5")], 80)

    assert "✗ brokennets/lenet: SystemExit: 3" in out
    assert "1 of 2 architectures cannot be loaded" in out
    assert broken.failed


def test_names_from_anywhere_are_harmless():
    """A plugin's message can neither colour nor clear the terminal."""
    broken = Checked(name="nasty", broken="\x1b[2J[red]boo[/red]")

    assert "\\x1b[2J[red]boo[/red]" in _printed([broken], 80)
