"""A run and a changed one, trained seed by seed in turn, so that their times can be compared.

The speed of a machine drifts: two runs one after the other differ in time without a cause.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from uuid import uuid4

from bench.runs.config_file import read_config_file
from bench.runs.request import Request, as_plain
from bench.runs.run_folder import RunFolder, run_folders
from bench.runs.run_options import displaced_by
from bench.runs.store import Store
from bench.runs.trust import require_trusted_config
from registry.errors import RunError
from registry.exit_codes import ExitCode

_GOES_ON = (ExitCode.OK, ExitCode.FAILED, ExitCode.NOTHING_MEASURED)


@dataclass(frozen=True, slots=True, kw_only=True)
class Side:
    """One of the two: a program and what it trains.

    Attributes:
        config: run folder or file with the options.
        models: names of the models.
        python: interpreter whose `zoo` trains.
        folder: folder in which it is started; None is the current one.
    """

    config: Path
    models: tuple[str, ...]
    python: str = sys.executable
    folder: Path | None = None


def train_against(
    name: str, runs: Path, given: Mapping[str, Any], *, python: str, folder: Path | None
) -> tuple[Path, Path]:
    """Return the folders of two new runs: the run `name` again, and with the options `given`.

    Args:
        name: path of the run folder, its name in `runs`, or its number.
        runs: folder of the run folders.
        given: options of the new run; the others are those of the run.
        python: interpreter that trains the old side.
        folder: folder in which that is started; None is the current one.

    Raises:
        RunError: the run does not exist, there are fewer than two seeds, or a run ended without
            results.
    """
    path = RunFolder.find(name, runs).path
    stored = read_config_file(path)
    require_trusted_config(path, stored, given)
    request = Request(**{**stored, **displaced_by(given), **given, "runs": runs})
    models = tuple(each for each in request.models if isinstance(each, str))
    if models != request.models or request.until_clear:
        raise RunError("--against takes named models and a number of seeds: add --seeds 6")
    with TemporaryDirectory() as scratch:
        config = Path(scratch, "new.json")
        config.write_text(json.dumps({"request": as_plain(request)}, default=str), encoding="utf-8")
        old = Side(config=path, models=models, python=python, folder=folder)
        return train_in_turn(old, Side(config=config, models=models), request.seeds, runs)


def train_in_turn(old: Side, new: Side, seeds: Sequence[int], runs: Path) -> tuple[Path, Path]:
    """Return the folders of two new runs in `runs`, old and new, in which seeds were in turn.

    Of each second seed the new side comes first, so that neither is always the later one.

    Raises:
        RunError: there are fewer than two seeds, or a run ended without results.
    """
    if len(seeds) < 2:
        raise RunError("--against tests times over seeds: add --seeds 6, or another number above 1")
    found: dict[str, RunFolder] = {}
    about = {"pair": uuid4().hex, "seeds": list[int]()}
    for count in range(1, len(seeds) + 1):
        sides = [("old", old), ("new", new)]
        for name, side in sides if count % 2 else sides[::-1]:
            found[name] = _train(side, seeds[:count], runs.resolve(), found.get(name))
        about = {**about, "seeds": [*seeds[:count]]}
        for folder in found.values():
            with folder.held(), closing(Store.open(folder.database)) as store:
                store.tell("in_turn", about)
    return found["old"].path, found["new"].path


def _train(side: Side, seeds: Sequence[int], runs: Path, begun: RunFolder | None) -> RunFolder:
    """Return the folder of the run with these seeds, the last of which is trained now."""
    which = ["--config", str(side.config.resolve()), "--models", ",".join(side.models)]
    which += ["--runs-dir", str(runs)]
    what = which if begun is None else ["--resume", str(begun.path)]
    before = {each.path for each in run_folders(runs)}
    listed = ",".join(map(str, seeds)) + ("," if len(seeds) == 1 else "")
    command = [side.python, "-m", "zoo", "bench", *what, "--seeds", listed]
    ended = run_command(command, side.folder)
    made = begun or next((f for f in run_folders(runs) if f.path not in before), None)
    if ended not in _GOES_ON or made is None:
        raise RunError(f"`zoo bench {' '.join(what)}` ended with exit code {ended}: see above")
    return made


def run_command(command: Sequence[str], folder: Path | None) -> int:
    """Return the exit code of a command; its table is not shown, its messages are."""
    nowhere = subprocess.DEVNULL  # nobody is asked whether to resume an equal run
    return subprocess.run(
        command, cwd=folder, stdin=nowhere, stdout=nowhere, check=False
    ).returncode
