"""What the commands say of themselves, and the old spellings that they still take."""

from __future__ import annotations

import json
import re

import pytest

from bench.runs.run_options import OPTIONS

_PANELS = ("Compare", "After the table", "Explore", "Your own", "Data", "Scale")


@pytest.mark.parametrize("width", [50, 80, 120])
def test_the_help_of_bench_shows_25_options_at_most(zoo, width):
    """And where the others are; as wide as the terminal is."""
    code, out, _ = zoo("bench", "--help", width=width)
    shown = re.findall(r"^│ (--[\w-]+)", out, re.M)

    assert code == 0
    assert 15 < len(shown) <= 25
    names = {option.flag for option in OPTIONS.values() if option.shown}
    assert {name[:12] for name in names} < {each[:12] for each in shown}
    assert "zoo list options" in out
    assert max(map(len, out.splitlines())) <= width


@pytest.mark.parametrize("command", ["bench", "plan"])
def test_an_option_that_is_not_in_the_help_is_taken(zoo, command):
    """The next thing that is wrong is told, not that there is no such option."""
    hidden = [f for o in OPTIONS.values() if o.kind is bool for f in o.flags[0].split("/")]
    code, _, err = zoo(command, "lenett", *hidden)

    assert code == 2
    assert "unknown architecture 'lenett'" in err


@pytest.mark.parametrize("width", [50, 80, 120])
def test_commands_stand_in_groups(zoo, width):
    """Each under one heading."""
    code, out, _ = zoo("--help", width=width)

    assert code == 0
    assert tuple(re.findall(r"^╭─ (.*?) ─", out, re.M)) == ("Options", *_PANELS)
    assert max(map(len, out.splitlines())) <= width


@pytest.mark.parametrize("width", [50, 80, 150])
def test_list_options_shows_every_option_at_any_width(zoo, width):
    """Its flags and its name in a file; as wide as the terminal is."""
    code, out, err = zoo("list", "options", width=width)

    assert (code, err) == (0, "")
    assert max(map(len, out.splitlines())) <= width
    text = " ".join(out.split())
    assert [o.name for o in OPTIONS.values() if ", ".join(o.flags) not in text] == []
    assert [o.name for o in OPTIONS.values() if o.name not in text] == []


def test_list_options_as_json_has_all_fields_of_an_option(zoo):
    """A row an option, its default as it is typed."""
    code, out, _ = zoo("list", "options", "--json")
    rows = {row["name"]: row for row in json.loads(out)}

    assert code == 0
    assert list(rows) == list(OPTIONS)
    assert rows["seeds"] == {
        "option": "--seeds",
        "name": "seeds",
        "allowed": OPTIONS["seeds"].allowed,
        "default": "1",
        "meaning": OPTIONS["seeds"].text,
    }
    assert rows["isolate"]["default"] == "true"
    assert rows["budget"]["default"] == ""


@pytest.mark.parametrize("kind", ["recipes", "datasets", "engines", "families"])
def test_old_flags_of_list_are_taken_and_told(zoo, kind):
    """The same list, and one line more on stderr."""
    new, old = zoo("list", kind), zoo("list", f"--{kind}")

    assert new[0] == old[0] == 0
    assert new[1] == old[1]
    assert new[2] == ""
    assert old[2] == (
        f"zoo: zoo list --{kind} is now zoo list {kind}; "
        "the old spelling still works in this version\n"
    )


@pytest.mark.parametrize(
    "asked",
    [
        ["recipes", "engines"],
        ["recipes", "lenet"],
        ["engines", "--family", "timm"],
        ["options", "lenet"],
    ],
)
def test_one_list_at_a_time(zoo, asked):
    """Two would be one table under another."""
    code, out, err = zoo("list", *asked)

    assert (code, out) == (2, "")
    assert err.startswith("zoo: one list at a time: names, --family, or one of families, ")


def test_the_old_name_of_an_option_is_taken_and_told(monkeypatch, zoo):
    """Its value is that of the new one."""
    seen = []
    monkeypatch.setattr("bench.runs.execute.execute", lambda asked, *_: seen.append(asked) or 1 / 0)
    with pytest.raises(ZeroDivisionError):
        zoo("bench", "lenet5", "--layout", "contiguous", "--no-isolate")
    _, _, err = zoo("bench", "lenett", "--layout", "contiguous")

    assert seen[0].request.layout == "contiguous"
    assert err.splitlines()[0] == (
        "zoo: --layout is now --memory-format; the old spelling still works in this version"
    )


def test_ctrl_c_in_any_command_is_one_line(monkeypatch, zoo):
    """And the exit code of an interrupted one."""

    def press(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("zoo.cli.list._list_installed", press)

    assert zoo("list") == (130, "", "zoo: interrupted\n")
