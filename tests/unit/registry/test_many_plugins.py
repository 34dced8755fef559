from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

_BROKEN = {3: "raise RuntimeError('no luck')\n", 17: "import nobody_has_this\n", 40: "NET = 1\n"}


def install_many(folder: Path, count: int = 50) -> None:
    """Write so many distributions with one architecture each into `folder`; three are broken."""
    for number in range(count):
        name = f"net{number}"
        told = folder / f"{name}-1.0.dist-info"
        told.mkdir(parents=True)
        (told / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n")
        (told / "entry_points.txt").write_text(f"[zoo.architectures]\n{name} = {name}:NET\n")
        sound = (
            "from registry import Architecture, Contract\n"
            f"NET = Architecture(name='{name}', constructor='{name}:Net', contract=Contract("
            "input_shape=(3, 8, 8), output_shape=(2,), parameters=1))\n"
        )
        (folder / f"{name}.py").write_text(_BROKEN.get(number, sound))


@pytest.fixture(scope="module")
def zoo_list(tmp_path_factory):
    """What `zoo list --json` says where fifty plugins are installed, and what it imported."""
    folder = tmp_path_factory.mktemp("plugins")
    install_many(folder)
    code = (
        "import sys; from zoo.cli.app import main; sys.argv = ['zoo', 'list', '--json']\n"
        "try: main()\n"
        "finally: print('torch' in sys.modules, 'pandas' in sys.modules, file=sys.stderr)"
    )

    def run(**variables):
        environment = os.environ | {"PYTHONPATH": str(folder)} | variables
        command = [sys.executable, "-c", code]
        done = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
        return {row["name"]: row for row in json.loads(done.stdout)}, done.stderr.split()

    return run


def test_fifty_plugins_are_listed_without_torch(zoo_list):
    """Three that are broken have their reasons; the built-ins are unaffected."""
    rows, imported = zoo_list()
    reasons = {name: row["broken"] for name, row in rows.items() if row["broken"]}

    assert len([name for name in rows if name.startswith("net")]) == 50
    assert reasons == {
        "net3": "RuntimeError: no luck",
        "net17": "it needs 'nobody_has_this', which is not installed",
        "net40": "net40:NET is a int, not a registry.Architecture",
    }
    assert rows["lenet"]["parameters"] == 46_038_242
    assert imported == ["False", "False"]


def test_plugins_may_be_chosen(zoo_list):
    """ZOO_PLUGINS lets in those that it names, and the built-ins always; empty, none."""
    chosen, _ = zoo_list(ZOO_PLUGINS="net5, NET_6,net3")
    none, _ = zoo_list(ZOO_PLUGINS="")

    assert [name for name in chosen if name.startswith("net")] == ["net3", "net5"]
    assert [name for name in none if name.startswith("net")] == []
    assert {"lenet", "alexnet"} <= set(none)
