"""Networks in the manner of public ones: listed, checked, trained, exported and predicted with.

`make public` takes some minutes. They are those of tests/plugins/publicnets. Each command is a
process. What each network did is written to docs/explanation/public-networks.md. The exit code is
1 if a command ends in a traceback or without a line, or if nothing is said of a faulty network.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import time
import tomllib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

import public_networks_page
from paths import PLUGINS, ROOT
from PIL import Image
from zoo_process import ZooProcess

FOLDER = PLUGINS / "publicnets"
PAGE = ROOT / "docs" / "explanation" / "public-networks.md"
STEPS = ("listed", "checked", "trained", "exported", "predicted")
_IMAGES = 60


@dataclass(frozen=True, slots=True, kw_only=True)
class Network:
    """A network of the catalogue.

    Attributes:
        call: its name, or its file in the folder with its class.
        manner: the public networks that it is like.
        unusual: what a program may stumble over.
        faulty: whether some command must say what to change.
    """

    call: str
    manner: str
    unusual: str
    faulty: bool = False

    @property
    def is_file(self) -> bool:
        """It is given as a file; else it is an entry point of a plugin."""
        return ".py:" in self.call

    @property
    def asked(self) -> str:
        """What `zoo` is given, in the folder."""
        return f"./{self.call}" if self.is_file else self.call


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What one command did.

    Attributes:
        done: whether it did what it is for.
        said: what it said of the network, if anything.
        wrong: why its end is no good end, such as a traceback; "" if it is one.
    """

    done: bool
    said: tuple[str, ...] = ()
    wrong: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """A network with the outcome of each step; one that had nothing to work on is left out."""

    network: Network
    outcomes: dict[str, Outcome]

    @property
    def said(self) -> str:
        """The first that was said of it; an empty text if nothing was."""
        return next((text for each in self.outcomes.values() for text in each.said), "")

    @property
    def wrong(self) -> tuple[str, ...]:
        """What must not be: a line each."""
        found = [f"{step}: {each.wrong}" for step, each in self.outcomes.items() if each.wrong]
        if self.network.faulty and not self.said:
            found.append("nothing is said of its fault")
        if not self.network.faulty and (undone := [s for s in STEPS if not self.is_done(s)]):
            found.append(f"it has no fault, and is not {', '.join(undone)}: {self.said}")
        return tuple(found)

    def is_done(self, step: str) -> bool:
        """Return whether the command of `step` did what it is for."""
        return step in self.outcomes and self.outcomes[step].done


def main(arguments: Sequence[str] | None = None) -> int:
    """Look at all that is asked for, write the page if that is all, and return the exit code."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--only", action="append", metavar="PATTERN", help="'*vgg*'; again")
    parser.add_argument("--page", type=Path, default=PAGE, help="where the table is written")
    asked = parser.parse_args(arguments)
    networks = catalogue()
    wanted = [each for each in networks if _matches(each.call, asked.only)]
    rows = []
    with tempfile.TemporaryDirectory(prefix="zoo-public-") as place:
        for network in wanted:
            started = time.monotonic()
            rows.append(looked_at(network, Path(place)))
            _say(f"{time.monotonic() - started:4.0f} s {public_networks_page.line(rows[-1])}")
    if len(wanted) == len(networks):
        asked.page.write_text(public_networks_page.page(rows), encoding="utf-8")
    wrong = [f"✗ {row.network.call}: {each}" for row in rows for each in row.wrong]
    _say("\n".join([*wrong, f"{len(rows)} networks, {len(wrong)} with trouble"]))
    return 1 if wrong else 0


def catalogue() -> list[Network]:
    """Return the networks of the folder."""
    content = tomllib.loads((FOLDER / "catalogue.toml").read_text(encoding="utf-8"))
    return [Network(**each) for each in content["network"]]


def looked_at(network: Network, place: Path) -> Row:
    """Return what each command did with `network`; runs are made in `place`."""
    folder = Path(tempfile.mkdtemp(dir=place))
    return Row(network=network, outcomes=dict(_outcomes(network, folder)))


def _outcomes(network: Network, folder: Path) -> Iterator[tuple[str, Outcome]]:
    asked, file = network.asked, ["--network", network.asked] if network.is_file else []
    yield "listed", _plain(["list", asked], folder)
    yield "checked", _checked(["check", asked, "--json"], folder)
    trained = _trained(["bench", asked, *_SMALL, "--runs-dir", str(folder), "--json"], folder)
    yield "trained", trained
    if not trained.done:
        return
    run = str(next(folder.glob("*/run.db")).parent)
    _picture(folder / "picture.png")
    yield (
        "exported",
        _both(
            _plain(
                ["export", run, "--safetensors", str(folder / "weights.safetensors"), *file], folder
            ),
            _plain(["export", run, "--onnx", str(folder / "network.onnx"), *file], folder),
        ),
    )
    yield "predicted", _plain(["predict", str(folder / "picture.png"), "--run", run, *file], folder)


_SMALL = ("--epochs", "1", "--limit", str(_IMAGES), "--batch-size", "8", "--device", "cpu")


def _picture(path: Path) -> None:
    Image.radial_gradient("L").resize((64, 64)).convert("RGB").save(path)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Ended:
    """A command that has ended: its exit code, what it printed, and its lines on stderr."""

    code: int
    output: str
    lines: tuple[str, ...]

    @property
    def wrong(self) -> str:
        if any("Traceback (most recent call last)" in each for each in self.lines):
            return "a traceback"
        return "" if self.code == 0 or self.told or self.output else "no word"

    @property
    def told(self) -> tuple[str, ...]:
        """The lines of `zoo` itself; a network may print others."""
        return tuple(each.removeprefix("zoo: ") for each in self.lines if each.startswith("zoo: "))


def _run(arguments: Iterable[str], folder: Path) -> _Ended:
    process = ZooProcess(arguments, cwd=FOLDER, plugins=[FOLDER], cache=folder.parent / "cache")
    code = process.wait()
    lines = tuple(line for line in process.lines if line.strip())
    return _Ended(code=code, output=process.output, lines=lines)


def _plain(arguments: Iterable[str], folder: Path) -> Outcome:
    """Return the outcome of a command whose errors are one line on stderr."""
    ended = _run(arguments, folder)
    said = () if ended.code == 0 else ended.told
    wrong = ended.wrong or (f"{len(said)} lines: {said}" if len(said) > 1 else "")
    return Outcome(done=ended.code == 0, said=said[-1:], wrong=wrong)


def _both(one: Outcome, other: Outcome) -> Outcome:
    wrong = "; ".join(filter(None, (one.wrong, other.wrong)))
    return Outcome(done=one.done and other.done, said=one.said + other.said, wrong=wrong)


def _checked(arguments: Iterable[str], folder: Path) -> Outcome:
    ended = _run(arguments, folder)
    if not ended.output:
        return Outcome(done=False, said=ended.told[-1:], wrong=ended.wrong)
    broken = [each for each in _findings(json.loads(ended.output)) if each["status"] == "broken"]
    said = tuple(f"{each['check']}: {each['seen']}; {each['change']}" for each in broken)
    return Outcome(done=not broken, said=said, wrong=ended.wrong)


def _findings(content: Any) -> Iterator[dict[str, Any]]:
    """Yield the findings, wherever they are in what `zoo check --json` printed."""
    if isinstance(content, dict) and "check" in content:
        yield content
    elif isinstance(content, dict | list):
        for each in content.values() if isinstance(content, dict) else content:
            yield from _findings(each)


def _trained(arguments: Iterable[str], folder: Path) -> Outcome:
    ended = _run(arguments, folder)
    if not ended.output:
        return Outcome(done=False, said=ended.told[-1:], wrong=ended.wrong)
    (trial,) = json.loads(ended.output)["trials"]
    said = (trial["error"],) if trial.get("error") else tuple(trial.get("marks", ()))
    return Outcome(done=ended.code == 0, said=said, wrong=ended.wrong)


def _matches(name: str, patterns: Iterable[str] | None) -> bool:
    return not patterns or any(fnmatchcase(name, pattern) for pattern in patterns)


def _say(text: str) -> None:
    print(text, flush=True)


if __name__ == "__main__":
    sys.exit(main())
