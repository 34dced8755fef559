"""README and docs: every command and code block runs, as written, page by page."""

from __future__ import annotations

import csv
import io
import os
import re
import shlex
import subprocess
import sys
import tomllib
import traceback
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, nullcontext, redirect_stderr, redirect_stdout
from dataclasses import replace
from functools import cache
from pathlib import Path

import liars
import pytest
from drawn_folder import draw_folder, noise
from environment import LESS, UNDRAWN, hasten
from pages import Block, blocks_of
from paths import ROOT
from torch import nn
from warm import warm

import bench.engines.registry
import zoo
from bench.data.fetch import NAMES
from registry.verify import verify
from zoo.cli.app import main

_INSTALLS = "docs/how-to/networks.md"  # it installs packages: test_networks_page.py
_SMALLER = ["--epochs", "1", "--batch-size", "64", "--limit", "24"]  # the same, in a shorter time
_ISOLATED = (  # their trials have processes of their own, and so they are such processes
    "zoo bench -m lenet5 --data photographs --timeout 3600",
    "zoo bench -m lenet5,lenet --data photographs --seeds 2 --jobs 2",
)
_LARGE = ("LENET", "ALEXNET")
_RUN = ("sh", "bash", "python", "toml")
_IN_A_FORK = f"import runpy, sys; runpy.run_path({__file__!r})['be'](sys.argv[1:])"
_STUBS = {  # of a batch system: `srun` runs what it is given, `sbatch` the four tasks of a script
    "srun": '#!/bin/bash\nwhile [[ $1 == --* ]]; do shift; done\nexec "$@"\n',
    "sbatch": """#!/bin/bash
while [[ $# -gt 0 ]]; do
  if [[ $1 == --wrap ]]; then bash -c "$2"; fi
  if [[ -f $1 ]]; then for task in 0 1 2 3; do SLURM_ARRAY_TASK_ID=$task bash $1; done; fi
  shift
done
echo 1
""",
    "zoo": '#!/bin/bash\nprintf "%q " zoo "$@" >> "$ASKED"; echo >> "$ASKED"\n',
}


PAGES = {
    page: blocks_of(page)
    for page in (
        "README.md",
        "CONTRIBUTING.md",
        *sorted(path.relative_to(ROOT).as_posix() for path in (ROOT / "docs").rglob("*.md")),
    )
}
RUN = [page for page, blocks in PAGES.items() if any(b.language in _RUN for b in blocks)]
COMMANDS = [
    (page, command)
    for page in RUN
    if page != _INSTALLS
    for block in PAGES[page]
    for command in block.commands
    if not command.startswith(("zoo data fetch", "make "))
]


class TinyNet(nn.Sequential):
    """A network that keeps the promise printed in the README."""

    def __init__(self, num_classes: int) -> None:
        super().__init__(nn.Flatten(), nn.Linear(3 * 64 * 64, num_classes))


@contextmanager
def _small() -> Iterator[pytest.MonkeyPatch]:
    """Let networks of the same names be small, pictures few, and Ray's trials run here."""
    small = liars.architecture("Honest")
    with pytest.MonkeyPatch.context() as patch:
        for name in _LARGE:
            large = getattr(zoo, name)
            stand_in = replace(large, constructor=small.constructor, contract=small.contract)
            patch.setattr(zoo, name, stand_in)
        engines = bench.engines.registry
        patch.setattr(engines, "RAY", replace(engines.RAY, constructor=engines.LOCAL.constructor))
        patch.setattr("bench.data.split._TEXTBOOK_TRAIN", 12)  # of 24
        hasten(patch.setattr, LESS)
        yield patch


def _smaller(arguments: list[str]) -> list[str]:
    """Return the same command, to be done in a shorter time."""
    if arguments[1:3] == ["data", "draw"]:
        return [*arguments, "--images", "10"]
    if arguments[1] not in ("bench", "plan", "tune") or {"--help", "--resume"} & {*arguments}:
        return arguments
    if arguments[1] == "tune":
        return [*arguments, *_SMALLER[:2], "--no-isolate"]
    if "--seeds" in arguments:
        at = arguments.index("--seeds") + 1
        arguments = [*arguments[:at], "2", *arguments[at + 1 :]]
    more = [] if shlex.join(arguments) in _ISOLATED else ["--no-isolate"]
    if {"--engine", "--array-task"} & {*arguments}:
        more = []
    if "--budget" in arguments:  # is instead of epochs
        return [*arguments, "--budget", "0.1s", *_SMALLER[2:], *more]
    return [*arguments, *_SMALLER, *more]


def be(arguments: Sequence[str]) -> None:
    """Be the command `arguments`, with small networks for large ones."""
    with _small() as patch:
        patch.setattr(sys, "argv", [*arguments])
        main()


def _ended(arguments: Sequence[str]) -> tuple[object, str]:
    """Return how the command has ended here, in this process, and what it has said."""
    said, code = io.BytesIO(), 0
    with io.TextIOWrapper(said) as stream, redirect_stdout(stream), redirect_stderr(stream):
        try:
            be(arguments)
        except SystemExit as ended:
            code = ended.code or 0
        except Exception:  # noqa: BLE001  (it is the test of that command that fails)
            code = traceback.format_exc()
        stream.flush()
        return code, said.getvalue().decode()


def _judge_first(table: Path) -> None:
    """Write `right` into the first row of a table of doubtful labels, as its reader does."""
    with table.open(newline="") as file:
        head, *rows = csv.reader(file)
    rows[0][head.index("verdict")] = "right"
    with table.open("w", newline="") as file:
        csv.writer(file).writerows([head, *rows])


def _ended_apart(arguments: Sequence[str]) -> tuple[object, str]:
    """Return the same of the command in a process of its own."""
    done = warm().run(["-c", _IN_A_FORK, *arguments])
    return done.returncode, done.stdout + done.stderr


def _execute(text: str, namespace: dict[str, object]) -> tuple[object, str]:
    """Return how a block of Python ended: 0, or what was raised."""
    try:
        with _small() as patch, redirect_stdout(io.StringIO()), redirect_stderr(io.StringIO()):
            patch.setattr("bench.runs.session.can_isolate", lambda *_: False)
            patch.setattr("bench.runs.execute.trial_server", lambda **_: nullcontext())
            exec(text, namespace)
    except Exception:  # noqa: BLE001
        return traceback.format_exc(), ""
    return 0, ""


def _of_script(text: str, folder: Path) -> list[list[str]]:
    """Return the commands of ours that a script runs, its batch system being played by stubs."""
    stubs, asked = folder / "stubs", folder / "asked"
    stubs.mkdir(exist_ok=True)
    for name, script in _STUBS.items():
        (stubs / name).write_text(script)
        (stubs / name).chmod(0o755)
    asked.write_text("")
    path = f"{stubs}{os.pathsep}{os.environ['PATH']}"
    variables = os.environ | {"PATH": path, "ASKED": str(asked)}
    done = subprocess.run(
        ["bash", "-e", "-c", text], cwd=folder, env=variables, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    return [shlex.split(line) for line in asked.read_text().splitlines()]


@pytest.fixture(scope="module")
def ended(tmp_path_factory, all_cores):
    """How each block and command of a page has ended: in its order, in a folder of its own.

    The folder holds what the pages say is there: photographs, and a picture of a pet.
    """

    @cache
    def run(page: str) -> dict[object, tuple[object, str]]:
        folder = tmp_path_factory.mktemp("page")
        draw_folder(folder / "photographs", each=20)
        noise(1).save(folder / "my-pet.jpg")
        found: dict[object, tuple[object, str]] = {}
        namespace: dict[str, object] = {}
        with pytest.MonkeyPatch.context() as patch:
            patch.chdir(folder)
            patch.setenv("ZOO_CACHE", str(folder / "cache"))  # one of the commands empties it
            patch.setitem(sys.modules, "tinynet_network", sys.modules[__name__])
            hasten(patch.setattr, UNDRAWN)  # here; what is done apart is drawn
            for block in PAGES[page]:
                if block.file:
                    Path(block.file).write_text(block.text)
                for line in block.commands:
                    if "--labels corrections.csv" in line:
                        _judge_first(Path("corrections.csv"))
                    if (page, line) in COMMANDS:
                        end = _ended_apart if line in _ISOLATED else _ended
                        found[line] = end(_smaller(shlex.split(line)))
                if block.language == "python" and not block.file:
                    found[block] = _execute(block.text, namespace)
                if block.language == "bash" and not block.file:
                    asked = _of_script(block.text, folder)
                    found[block] = next(
                        (end for end in map(_ended, map(_smaller, asked)) if end[0]), (0, "")
                    )
                    assert asked, block.text
        return found | {"namespace": (namespace, "")}

    return run


@pytest.mark.parametrize(("page", "command"), COMMANDS)
def test_every_command_runs(page, command, ended):
    """In the order of its page, in one folder, each ends well."""
    code, said = ended(page)[command]

    assert code == 0, said[-2000:]


@pytest.mark.parametrize("page", [page for page in RUN if page != _INSTALLS])
def test_every_code_block_runs(page, ended):
    """Python and scripts run, TOML is read."""
    found = ended(page)

    failed = {b.text: end for b, end in found.items() if isinstance(b, Block) and end[0]}
    assert not failed, "\n".join(str(end[0])[-600:] for end in failed.values())
    for block in PAGES[page]:
        if block.language == "toml":
            assert tomllib.loads(block.text)


def test_no_code_block_escapes():
    """Each is in a language that is run, or is output; what looks like a command is one."""
    known = {*_RUN, "text"}
    strange = [
        (page, b.language) for page, bs in PAGES.items() for b in bs if b.language not in known
    ]
    output = [(page, line) for page, blocks in PAGES.items() for block in blocks
              if block.language == "text" for line in block.text.splitlines()
              if re.match(r"\$|zoo |pip |python ", line) and "[OPTIONS]" not in line]  # fmt: skip

    assert strange == []
    assert output == []


def test_the_targets_of_make_exist():
    """Each `make NAME` of a page is in the Makefile."""
    rules = re.findall(r"^([\w-]+):", (ROOT / "Makefile").read_text(), re.M)
    pages = "".join((ROOT / page).read_text(encoding="utf-8") for page in PAGES)

    assert {*re.findall(r"(?:^|`)make ([\w-]+)", pages, re.M)} <= {*rules}


def test_the_commands_in_processes_exist():
    """Those that run in processes of their own are commands of a page."""
    assert set(_ISOLATED) <= {command for _, command in COMMANDS}


def test_the_sets_to_fetch_exist():
    """What the pages fetch can be fetched."""
    lines = [c for blocks in PAGES.values() for b in blocks for c in b.commands]

    assert {shlex.split(c)[3] for c in lines if c.startswith("zoo data fetch")} == set(NAMES)


def test_the_readme_makes_an_architecture(ended, monkeypatch):
    """The printed value keeps its promise with a network of the kind it names."""
    namespace, _ = ended("README.md")["namespace"]
    monkeypatch.setitem(sys.modules, "tinynet_network", sys.modules[__name__])
    (entry_point,) = [block.text for block in PAGES["README.md"] if block.language == "toml"]

    verify(namespace["TINYNET"])
    assert 'tinynet = "tinynet:TINYNET"' in entry_point


def test_the_page_on_networks_has_what_it_says():
    """Its test asks for all checks; its data set and its recipe are such."""
    namespace: dict[str, object] = {}
    for block in PAGES[_INSTALLS]:
        if block.language == "python" and not block.file:
            exec(block.text, namespace)
    wanted = namespace["test_my_net_keeps_its_promises"]._zoo_architectures

    assert wanted.args[:2] == (("my_net",), ())
    assert namespace["TEN"].name == "ten"
    assert namespace["SLOW"].epochs == 90


def test_the_readme_fits_on_a_page():
    """At most 150 lines; what it is for, a picture and a command stand in the first 24."""
    lines = (ROOT / "README.md").read_text(encoding="utf-8").splitlines()
    first = "\n".join(lines[:24])

    assert len(lines) <= 150
    assert "Compare image classifiers" in first
    assert "![" in first
    assert "make bench" in first


def test_every_link_leads_somewhere():
    """Files that README, CONTRIBUTING and docs link to exist; the site's build looks at anchors."""
    dead = []
    for page in PAGES:
        text = (ROOT / page).read_text(encoding="utf-8")
        for target in re.findall(r"\]\(([^)#\s]+)[^)]*\)", text):
            if "://" not in target and not (ROOT / page).parent.joinpath(target).exists():
                dead.append((page, target))

    assert dead == []
