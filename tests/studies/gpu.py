"""What zoo does on a GPU, in at most eight minutes: `make gpu`.

    python tests/studies/gpu.py [--device cuda] [--data FOLDER] [--photographs FOLDER]

Each step has a process of its own: one that fails, hangs or breaks the device ends no other. The
figures go to docs/gpu.json and docs/gpu.md, or to build/ where there is no GPU: there it is a test
of this script, with a tiny network. docs/gpu.md says how to run it without a network.
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import re
import sys
import time
import tomllib
from collections.abc import Mapping, Sequence
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path
from typing import TYPE_CHECKING, Any

from paths import ROOT

if TYPE_CHECKING:
    from gpu_steps import Setting

_MODULES = {"opencv-python": "cv2", "pillow": "PIL", "vl-convert-python": "vl_convert"}
Outcome = dict[str, Any]


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the steps, write the figures, and return the exit code: 1 if a step failed."""
    asked = _parser().parse_args(arguments)
    if lacking := missing():
        _say(f"not installed: {' '.join(lacking)}; docs/gpu.md says how their wheels travel")
        return 2
    import gpu_page
    from gpu_process import in_a_process
    from gpu_steps import LIMITS, machine, setting_for

    found = in_a_process(machine, asked.device, seconds=60)
    if found["status"] != "ok":
        _say(found["why"])
        return 2
    about, on_gpu = found["found"], found["found"]["device"] != "cpu"
    folder = asked.into or (ROOT / "docs" if on_gpu else ROOT / "build")
    setting = setting_for(about["device"], asked.data, asked.photographs)
    outcomes = _outcomes(setting, asked.only or [*LIMITS], asked.minutes * 60)
    whole = {"date": time.strftime("%Y-%m-%d"), "machine": about, "steps": outcomes}
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "gpu.json").write_text(json.dumps(whole, indent=1) + "\n", encoding="utf-8")
    (folder / "gpu.md").write_text(gpu_page.page(whole), encoding="utf-8")
    _say(f"written: {folder / 'gpu.json'}, {folder / 'gpu.md'}")
    return int(any(outcome["status"] == "failed" for outcome in outcomes.values()))


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--device", default="auto", help="auto, cuda, cuda:1, mps, cpu")
    parser.add_argument("--data", type=Path, metavar="FOLDER", help="default: the drawings")
    parser.add_argument("--photographs", type=Path, metavar="FOLDER", help="for the time to 90 %%")
    parser.add_argument("--only", nargs="+", metavar="STEP", help="some of the steps")
    parser.add_argument("--minutes", type=float, default=8, metavar="N", help="for all of them")
    parser.add_argument("--into", type=Path, metavar="FOLDER", help="for gpu.json and gpu.md")
    return parser


def missing() -> list[str]:
    """Return the packages of pyproject.toml that this Python lacks, zoo-bench among them."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    names = [re.split(r"[<>=!~ \[]", text)[0] for text in project["dependencies"]]
    found = [name for name in names if importlib.util.find_spec(_module(name)) is None]
    try:
        distribution(project["name"])
    except PackageNotFoundError:  # without it nobody knows the names of the networks
        found.append(project["name"])
    return found


def _module(name: str) -> str:
    return _MODULES.get(name, name.replace("-", "_"))


def _outcomes(setting: Setting, names: Sequence[str], seconds: float) -> Mapping[str, Outcome]:
    from gpu_process import in_a_process
    from gpu_steps import LIMITS, STEPS

    started, outcomes = time.monotonic(), {}
    for name in names:
        left = seconds - (time.monotonic() - started)
        if left < 5:
            outcomes[name] = {"status": "not run", "why": "no time was left", "seconds": 0}
        else:
            limit = min(left, LIMITS[name])
            outcomes[name] = in_a_process(
                STEPS[name], setting, seconds=limit, device=setting.device
            )
        told = outcomes[name]
        _say(
            f"{name}: {told['status']}{told['why'] and ': '}{told['why']}, {told['seconds']:.0f} s"
        )
    return outcomes


def _say(text: str) -> None:
    print(text, flush=True)


if __name__ == "__main__":
    sys.exit(main())
