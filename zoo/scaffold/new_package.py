"""Write a complete plugin package for an author, ready to install, check and train."""

from __future__ import annotations

import importlib.util
import keyword
import re
import sys
from importlib import resources
from pathlib import Path
from string import Template
from tempfile import TemporaryDirectory

from bench.system.atomic_files import put_folder_in_place
from bench.system.file_names import is_device
from registry.api import API
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
    """Write a package with the architecture `name` to `folder`.

    Its contract is measured from its network. All files are written, or none.

    Raises:
        RunError: the name is invalid or taken, or the folder exists.
    """
    _require_free(name, folder)
    values = {
        "name": name,
        "distribution": distribution_name(name),
        "class_name": "".join(map(str.capitalize, name.split("_"))),  # MyNet for my_net
        "constant": name.upper(),
        "api": str(API),
    }
    values["contract"] = contract_text(_measure_contract(values))
    folder.parent.mkdir(parents=True, exist_ok=True)
    with TemporaryDirectory(prefix=f".{name}-", dir=folder.parent) as scratch:
        draft = Path(scratch) / "package"
        for source, target in _FILES.items():
            path = draft / target.format(name=name)
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(_fill_template(source, values), encoding="utf-8")
        draft.chmod(0o755)
        put_folder_in_place(draft, folder)


def distribution_name(name: str) -> str:
    """Return `zoo-my-net` for `my_net`: no folder of that name hides the package `my_net`."""
    return f"zoo-{name.replace('_', '-')}"


def contract_text(contract: Contract) -> str:
    """Return `contract` as Python code."""
    return (
        f"Contract(input_shape={contract.input_shape}, output_shape={contract.output_shape}, "
        f"parameters={contract.parameters:_})"
    )


def _measure_contract(values: dict[str, str]) -> Contract:
    from registry.verify import measure_contract

    with TemporaryDirectory() as scratch:
        path = Path(scratch) / "network.py"
        path.write_text(_fill_template("network.py.txt", values), encoding="utf-8")
        described = described_file(f"{path}:{values['class_name']}")
        architecture = Architecture(
            name=values["name"],
            constructor=described.constructor,
            arguments=described.arguments,
            contract=Contract(input_shape=_INPUT, output_shape=(_CLASSES,), parameters=0),
        )
        return measure_contract(architecture).contract


def _fill_template(source: str, values: dict[str, str]) -> str:
    template = resources.files("zoo.scaffold") / "plugin_template" / source
    return Template(template.read_text(encoding="utf-8")).substitute(values)


def _require_free(name: str, folder: Path) -> None:
    if not re.fullmatch(r"[a-z][a-z0-9_]*", name) or keyword.iskeyword(name):
        raise RunError(f"a new architecture needs a name like my_net, not {name!r}")
    if is_device(name):
        raise RunError(f"Windows has no folder named {name!r}: choose another name")
    if name in Catalog.installed().names():
        raise RunError(f"the architecture {name!r} exists: choose another name")
    if name in sys.stdlib_module_names or _is_module(name):
        raise RunError(f"the Python module {name!r} exists: choose another name")
    if folder.exists() and not (folder.is_dir() and not any(folder.iterdir())):
        raise RunError(f"{folder} exists: remove it, or give another folder with --into")


def _is_module(name: str) -> bool:
    """Return whether `name` can be imported; a plain folder of that name does not count."""
    try:
        found = importlib.util.find_spec(name)
    except (ImportError, ValueError):
        return False
    return found is not None and found.origin is not None


def what_next(name: str, folder: Path) -> str:
    """Return the next steps of the author, as commands."""
    return (
        f"written: {folder}. Now:\n"
        f"  pip install -e {folder}\n"
        f"  zoo list {name}\n"
        f"  zoo check {name}\n"
        f"  zoo bench --models {name} lenet5\n"
        f"then make {folder / name / 'network.py'} your own"
    )
