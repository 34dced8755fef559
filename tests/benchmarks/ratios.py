"""Saved benchmark runs, as a table and compared by their ratios.

    python ratios.py table RUN.json [--into README.md]
    python ratios.py compare BASELINE.json RUN.json

A ratio is the reference's time over ours in the same run, so that runs of different days and
machines can be compared. `compare` exits with 1 where a ratio is more than 10 % worse.
"""

from __future__ import annotations

import argparse
import json
import sys
from importlib.metadata import version
from pathlib import Path
from typing import Any

TOLERANCE = 0.10
_BEGIN, _END = "<!-- performance: begin -->", "<!-- performance: end -->"


def read(path: Path) -> dict[str, dict[str, Any]]:
    """Return what each benchmark of a saved run that has a reference measured, by its name."""
    try:
        found = json.loads(path.read_text(encoding="utf-8"))["benchmarks"]
    except (OSError, ValueError, KeyError) as error:
        sys.exit(f"{path} is no saved benchmark run ({error}): make one by `make benchmark`")
    return {each["name"]: each["extra_info"] for each in found if "ratio" in each["extra_info"]}


def compare(before: dict[str, dict[str, Any]], now: dict[str, dict[str, Any]]) -> list[str]:
    """Return a line for each ratio that got worse by more than the tolerance, or is gone."""
    lines = [f"{name}: not measured" for name in before if name not in now]
    for name in sorted(before.keys() & now.keys()):
        old, new = before[name]["ratio"], now[name]["ratio"]
        if new < old * (1 - TOLERANCE):
            lines.append(f"{name}: {new:.2f}, was {old:.2f} ({new / old - 1:+.0%})")
    return lines


def table(run: dict[str, dict[str, Any]], machine: str) -> str:
    """Return the ratios in Markdown, with n, spread and machine."""
    lines = [
        "| what | against | times faster (median) | spread | by CPU time | n |",
        "| --- | --- | --: | --: | --: | --: |",
    ]
    for name, info in run.items():
        ratios = info["ratios"]
        lines.append(
            f"| {name.removeprefix('test_')} | {info['reference']} | {info['ratio']:.2f} | "
            f"{min(ratios):.2f} to {max(ratios):.2f} | {info['cpu_ratio']:.2f} | {len(ratios)} |"
        )
    return "\n".join([*lines, "", machine])


def machine_of(path: Path) -> str:
    """Return one line about the machine and versions of a saved run."""
    told = json.loads(path.read_text(encoding="utf-8"))
    cpu = told["machine_info"]["cpu"]
    packages = ", ".join(f"{name} {version(name)}" for name in ("torch", "torchvision", "pillow"))
    return (
        f"Measured on {told['datetime'][:10]}: {cpu.get('brand_raw', 'unknown processor')}, "
        f"{cpu['count']} cores, no GPU, {told['machine_info']['system']}, "
        f"Python {told['machine_info']['python_version']}, {packages}; a shared, noisy machine."
    )


def into(path: Path, text: str) -> None:
    """Put `text` between the markers of a file."""
    whole = path.read_text(encoding="utf-8")
    head, begin, rest = whole.partition(_BEGIN)
    _, end, tail = rest.partition(_END)
    if not begin or not end:
        sys.exit(f"{path} has no {_BEGIN} and {_END}")
    path.write_text(f"{head}{_BEGIN}\n{text}\n{_END}{tail}", encoding="utf-8")


def main() -> None:
    """Run the command."""
    parser = argparse.ArgumentParser()
    commands = parser.add_subparsers(dest="command", required=True)
    tables = commands.add_parser("table")
    tables.add_argument("run", type=Path)
    tables.add_argument("--into", type=Path)
    compares = commands.add_parser("compare")
    compares.add_argument("baseline", type=Path)
    compares.add_argument("run", type=Path)
    wanted = parser.parse_args()
    if wanted.command == "compare":
        worse = compare(read(wanted.baseline), read(wanted.run))
        sys.exit("\n".join(worse) if worse else 0)
    text = table(read(wanted.run), machine_of(wanted.run))
    if wanted.into:
        into(wanted.into, text)
    else:
        print(text)


if __name__ == "__main__":
    main()
