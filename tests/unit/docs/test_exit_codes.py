"""The README's table of exit codes beside the enumeration."""

from __future__ import annotations

import re

from paths import ROOT

from registry.exit_codes import ExitCode

README = (ROOT / "README.md").read_text(encoding="utf-8")


def _documented(text: str) -> list[tuple[int, str]]:
    rows = text.split("| exit code | meaning |\n")[1].split("\n\n")[0]
    return [(int(code), said) for code, said in re.findall(r"^\| (\d+) \| (.*) \|$", rows, re.M)]


def test_the_readme_has_every_exit_code_in_its_words():
    """Numbers and sentences are those of the enumeration, in its order."""
    assert _documented(README) == [(code.value, code.meaning) for code in ExitCode]


def test_an_exit_code_that_is_not_documented_is_found_out():
    """The liar: a README without a line."""
    lacking = re.sub(r"^\| 6 \| .*\n", "", README, flags=re.M)

    assert len(_documented(lacking)) == len(ExitCode) - 1
