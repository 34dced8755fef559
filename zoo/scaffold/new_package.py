"""A complete plugin package, written for an author: it installs, is listed, checked and trained."""

from __future__ import annotations

import importlib.util
import keyword
import re
import sys
from importlib import resources
from pathlib import Path
from string import Template
from tempfile import TemporaryDirectory

from registry.architecture import Architecture, Contract
from registry.catalog import Catalog
from registry.errors import RunError
from registry.from_file import described_file

_INPUT = (3, 64, 64)
_CLASSES = 2
_FILES = {  # in the template: in the package
    "pyproject.toml.txt": "pyproject.toml",
    "README.md.txt": "README.md",
    "init.py.txt": "{name}/__init__.py",
    "network.py.txt": "{name}/network.py",
    "test.py.txt": "tests/test_{name}.py",
}


def write_package(name: str, folder: Path) -> None:
    """Write a package whose architecture is called `name` into `folder`.

    The contract in it is measured from the network in it. All files are written, or none.

    Raises:
        RunError: the name can't be one, or means something already; or the folder is in the way.
    """
    _require_free(name, folder)
    told = {
        "name": name,
        "distribution": distribution_name(name),
        "class_name": "".join(map(str.capitalize, name.split("_"))),  # MyNet for my_net
        "constant": name.upper(),
    }
    told["contract"] = contract_text(_measure_contract(told))
    folder.parent.mkdir(parents=True, exist_ok=True)
    with TemporaryDirectory(prefix=f".{name}-", dir=folder.parent) as scratch:
        draft = Path(scratch) / "package"
        for source, target in _FILES.items():
            path = draft / target.format(name=name)
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(_fill_template(source, told), encoding="utf-8")
        draft.chmod(0o755)
        draft.rename(folder)  # an empty folder in its place is replaced


def distribution_name(name: str) -> str:
    """Return `zoo-my-net` for `my_net`: no folder of that name hides the package `my_net`."""
    return f"zoo-{name.replace('_', '-')}"


def contract_text(contract: Contract) -> str:
    """Return `contract` as Python to paste."""
    return (
        f"Contract(input_shape={contract.input_shape}, output_shape={contract.output_shape}, "
        f"parameters={contract.parameters:_})"
    )


def _measure_contract(told: dict[str, str]) -> Contract:
    from registry.verify import measure_contract

    with TemporaryDirectory() as scratch:
        path = Path(scratch) / "network.py"
        path.write_text(_fill_template("network.py.txt", told), encoding="utf-8")
        described = described_file(f"{path}:{told['class_name']}")
        architecture = Architecture(
            name=told["name"],
            constructor=described.constructor,
            arguments=described.arguments,
            contract=Contract(input_shape=_INPUT, output_shape=(_CLASSES,), parameters=0),
        )
        return measure_contract(architecture).contract


def _fill_template(source: str, told: dict[str, str]) -> str:
    template = resources.files("zoo.scaffold") / "plugin_template" / source
    return Template(template.read_text(encoding="utf-8")).substitute(told)


def _require_free(name: str, folder: Path) -> None:
    if not re.fullmatch(r"[a-z][a-z0-9_]*", name) or keyword.iskeyword(name):
        raise RunError(f"a new architecture needs a name like my_net, not {name!r}")
    if name in Catalog.installed().names():
        raise RunError(f"there is an architecture {name!r} already: choose another name")
    if name in sys.stdlib_module_names or _is_module(name):
        raise RunError(f"there is a Python module {name!r} already: choose another name")
    if folder.exists() and not (folder.is_dir() and not any(folder.iterdir())):
        raise RunError(f"{folder} is there already: remove it, or give another folder by --into")


def _is_module(name: str) -> bool:
    """Say whether `name` can be imported; a mere folder of that name here is none."""
    try:
        found = importlib.util.find_spec(name)
    except (ImportError, ValueError):
        return False
    return found is not None and found.origin is not None


def what_next(name: str, folder: Path) -> str:
    """Return what the author may do now, as commands."""
    return (
        f"written: {folder}. Now:\n"
        f"  pip install -e {folder}\n"
        f"  zoo list {name}\n"
        f"  zoo check {name}\n"
        f"  zoo bench --models {name} lenet5\n"
        f"then make {folder / name / 'network.py'} your own"
    )
