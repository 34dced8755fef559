"""Digests of a network's code, wherever it is installed and whatever of its own it imports."""

from __future__ import annotations

import json
import sys
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import replace
from hashlib import sha256
from importlib import invalidate_caches
from itertools import pairwise
from pathlib import Path

import pytest
from environment import Environment
from made_records import made_spec

from bench.training.reproducibility import code_digest, is_same_code
from registry.architecture import Architecture
from registry.catalog import Catalog

_PROJECT = """
[build-system]
requires = ["setuptools"]
build-backend = "setuptools.build_meta"

[project]
name = "edited"
version = "1"

[tool.setuptools]
packages = ["edited_net"]
py-modules = ["edited_parts", "edited_digests"]
"""
_DIGESTS = """
import json, pathlib, sys
from dataclasses import replace
from bench.training.reproducibility import code_digest
from zoo import LENET5

net = replace(LENET5, constructor="edited_net.net:Net")
found = [code_digest(net)]
for name in ("edited_net/net.py", "edited_net/blocks.py", "edited_parts.py"):
    file = pathlib.Path(__file__).with_name("edited_parts.py").parent / name
    file.write_text(file.read_text() + "# changed")
    found.append(code_digest(net))
print(json.dumps([found, "edited_net" in sys.modules]))
"""
_NETWORK = """
from torch import nn
from {blocks} import Block
Net = Block
"""


def _of(constructor: str) -> Architecture:
    return replace(made_spec().architecture, constructor=constructor)


def _of_file(path: Path) -> Architecture:
    arguments = (("path", str(path)), ("name", "Net"))
    return replace(_of("registry.from_file:build"), arguments=arguments)


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of modules that Python finds."""
    monkeypatch.syspath_prepend(tmp_path)
    return tmp_path


@pytest.fixture
def write(folder: Path) -> Callable[[str, str], Path]:
    """Write the text of a file of that folder."""

    def call(name: str, text: str) -> Path:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        invalidate_caches()
        return path

    return call


@pytest.fixture(scope="module")
def edited(tmp_path_factory: pytest.TempPathFactory) -> tuple[list[str | None], bool]:
    """Digests in an editable installation after each change, and whether the network was run."""
    project = tmp_path_factory.mktemp("edited")
    (project / "edited_net").mkdir()
    (project / "pyproject.toml").write_text(_PROJECT)
    (project / "edited_net" / "__init__.py").write_text("")
    (project / "edited_net" / "net.py").write_text("from .blocks import Block")
    (project / "edited_net" / "blocks.py").write_text("import edited_parts")
    (project / "edited_parts.py").write_text("")
    (project / "edited_digests.py").write_text(_DIGESTS)
    environment = Environment(tmp_path_factory.mktemp("environment"))
    made = environment.run(["pip", "install", "--quiet", "-e", project])
    assert made.returncode == 0, made.stderr
    done = environment.run(["python", "-m", "edited_digests"], tmp_path_factory.mktemp("elsewhere"))
    assert done.returncode == 0, done.stderr
    found, run = json.loads(done.stdout)
    return found, run


def test_code_of_an_editable_installation_is_found(edited):
    """By the finder of setuptools, which no path of Python has; the network is not run."""
    (first, *_), imported = edited

    assert first is not None
    assert not imported


def test_each_changed_file_of_an_editable_installation_is_noticed(edited):
    """The network's own, a module of its package, and another module of the distribution."""
    found, _ = edited

    assert len(set(found)) == 4
    assert not any(is_same_code(one, next_) for one, next_ in pairwise(found))


@pytest.mark.parametrize(
    "imports",
    [
        "from .blocks import Block",
        "from . import blocks",
        "from own import blocks",
        "import own.blocks",
        "from own.blocks import *",
        "def later():\n    from own.blocks import Block",
        "from own import middle",
        "try:\n    from ._fast import Block\nexcept ImportError:\n    from .blocks import Block",
    ],
)
def test_a_changed_module_that_the_network_imports_is_noticed(write, imports):
    """In whatever form it is imported, and by whichever of the package's modules."""
    write("own/__init__.py", "")
    write("own/middle.py", "from own.blocks import Block")
    write("own/blocks.py", "Block = 1")
    write("own/net.py", imports)
    before = code_digest(_of("own.net:Net"))
    write("own/blocks.py", "Block = 2")

    assert before is not None
    assert not is_same_code(before, code_digest(_of("own.net:Net")))


def test_a_module_that_appears_is_noticed(write):
    """A network may import it only where it exists."""
    write("rare/net.py", "try:\n    from rare._fast import Net\nexcept ImportError:\n    pass")
    before = code_digest(_of("rare.net:Net"))
    write("rare/_fast.py", "Net = 1")

    assert not is_same_code(before, code_digest(_of("rare.net:Net")))


def test_modules_that_import_each_other_have_a_digest(write):
    """The search ends."""
    write("round/a.py", "from round import b")
    write("round/b.py", "from round import a")

    assert code_digest(_of("round.a:Net")) == code_digest(_of("round.a:Net")) is not None


def test_a_module_beside_a_file_is_part_of_its_code(write, tmp_path):
    """Of `./mynet.py:Net`, the folder of which is importable; another folder's is not."""
    file = write("files/mynet.py", _NETWORK.format(blocks="myblocks"))
    write("files/myblocks.py", "Block = 1")
    write("files/unused.py", "")
    before = code_digest(_of_file(file))
    write("files/unused.py", "changed = True")
    unused = code_digest(_of_file(file))
    write("files/myblocks.py", "Block = 2")

    assert unused == before
    assert not is_same_code(before, code_digest(_of_file(file)))


def test_code_in_an_archive_is_found(folder, monkeypatch):
    """As Python imports it, with the modules it imports there."""
    archive = folder / "nets.zip"
    found = []
    for number in (1, 2):
        with zipfile.ZipFile(archive, "w") as file:
            file.writestr("zipped/__init__.py", "")
            file.writestr("zipped/net.py", "from .blocks import Block")
            file.writestr("zipped/blocks.py", f"Block = {number}")
        monkeypatch.syspath_prepend(archive)
        sys.path_importer_cache.pop(str(archive), None)
        found.append(code_digest(_of("zipped.net:Net")))

    assert found[0] is not None
    assert not is_same_code(*found)


def test_a_distribution_is_known_among_others(write, folder):
    """Side by side in one folder: its other modules count, another distribution's do not."""
    for name, tops in (("ours", "side_net\nside_parts\n"), ("theirs", "other\n")):
        write(f"{name}-1.dist-info/top_level.txt", tops)
    write("hatched-1.dist-info/RECORD", "hatched_net.py,,\nhatched_parts/__init__.py,,\n")
    for top in ("side", "hatched"):
        write(f"{top}_net.py", f"import other\nfrom {top}_parts import Block")
        write(f"{top}_parts/__init__.py", "Block = 1")
    write("other.py", "")
    nets = [_of("side_net:Net"), _of("hatched_net:Net")]
    before = [*map(code_digest, nets)]
    write("other.py", "changed = True")
    others = [*map(code_digest, nets)]
    write("side_parts/__init__.py", "Block = 2")
    write("hatched_parts/__init__.py", "Block = 2")

    assert others == before
    assert not any(map(is_same_code, before, map(code_digest, nets)))


def test_a_built_in_network_has_the_digest_of_earlier_versions():
    """That of one file; of a family, the file's digest stands first, and is what is compared."""
    lenet, family = (Catalog.installed().get(n).value for n in ("lenet5", "timm:resnet18"))
    files = [Path(sys.modules["zoo"].__file__).with_name(n) for n in ("lenet.py", "family_timm.py")]
    before = [sha256(file.read_bytes()).hexdigest() for file in files]

    assert code_digest(lenet) == before[0]
    assert is_same_code(before[1], code_digest(family))
    assert code_digest(family) != before[1]


def test_a_finder_that_fails_hides_no_code(write, monkeypatch):
    """Finders are anybody's: the next one is asked."""

    class Broken:
        def find_spec(self, name: str, path: object = None, target: object = None) -> Iterator[str]:
            raise RuntimeError(name)

    write("found_net.py", "Net = 1")
    monkeypatch.setattr(sys, "meta_path", [Broken(), *sys.meta_path])

    assert code_digest(_of("found_net:Net")) is not None
