"""Source code of networks, found as Python finds modules, without an import of any."""

from __future__ import annotations

import ast
import sys
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from functools import cache, cached_property
from importlib.machinery import ModuleSpec, PathFinder
from pathlib import Path

# a run records the versions of these; timm alone would take 7 s to read
_VERSIONED = ("bench", "registry", "torch", "torchvision", "timm")


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """A module's code.

    Attributes:
        name: dotted name; empty for a file that is no module.
        content: the bytes of its file; None for a folder without `__init__.py`.
        package: whether it can have submodules.
    """

    name: str
    content: bytes | None
    package: bool = False


Find = Callable[[str], Source | None]


def find_module(name: str) -> Source | None:
    """Return the module `name` from any finder of this Python; None if no finder has it.

    Editable installations, archives and folders without `__init__.py` have their own finders.
    """
    return _read(name, _find_spec(name))


def own_modules(main: Source) -> dict[str, bytes | None]:
    """Return the modules of its own distribution that `main` imports, in turn too, by name.

    None is a module that does not exist here; an author may import it only if it does.
    """
    own = _Distribution(main.name.partition(".")[0])

    def find(name: str) -> Source | None:
        return find_module(name) if own.has(name) else None

    return _imported(main, find, own.has)


def modules_beside(file: Path, content: bytes) -> dict[str, bytes | None]:
    """Return the modules in the folder of `file` that it imports, in turn too, by name."""
    folder = [str(file.parent)]
    main = Source(name="", content=content)

    def is_missing(name: str) -> bool:
        return _find_spec(name.partition(".")[0]) is None

    return _imported(main, lambda name: _find_beside(name, folder), is_missing)


def _find_beside(name: str, folder: list[str]) -> Source | None:
    top = name.partition(".")[0]
    spec = None if top in _VERSIONED else PathFinder.find_spec(top, folder)
    if spec is not None and spec.origin is None:  # a folder; a module elsewhere precedes it
        elsewhere = _find_spec(top)
        spec = spec if elsewhere is None or elsewhere.origin is None else None
    return None if spec is None else _read(name, _descend(name, spec))


def _imported(main: Source, find: Find, is_own: Callable[[str], bool]) -> dict[str, bytes | None]:
    found: dict[str, bytes | None] = {}
    left, seen = [main], {main.name}
    find = cache(find)
    while left:
        for name, source in _resolved(left.pop(), find):
            if name in seen:
                continue
            seen.add(name)
            if source is not None and source.content is not None:
                found[name] = source.content
                left.append(source)
            elif source is None and is_own(name):
                found[name] = None
    return found


def _resolved(source: Source, find: Find) -> Iterator[tuple[str, Source | None]]:
    """Yield the modules that `source` imports; what it takes from one may be one, too."""
    for name, taken in _imports(source):
        module = find(name)
        yield name, module
        if taken and module is not None and module.package:
            inside = find(f"{name}.{taken}")
            if inside is not None or module.content is None:  # else an attribute
                yield f"{name}.{taken}", inside


def _imports(source: Source) -> Iterator[tuple[str, str]]:
    """Yield each module that `source` imports, with what it takes from it, or ""."""
    try:
        tree = ast.parse(source.content or b"")
    except (SyntaxError, ValueError, RecursionError, MemoryError):  # compiled, or no code
        return
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            for alias in node.names:
                parts = alias.name.split(".")
                yield from ((".".join(parts[:end]), "") for end in range(1, len(parts) + 1))
        elif isinstance(node, ast.ImportFrom) and (name := _absolute(node, source)):
            yield from ((name, "" if a.name == "*" else a.name) for a in node.names)


def _absolute(node: ast.ImportFrom, source: Source) -> str:
    """Return the module's full name; empty for a relative import outside a package."""
    if not node.level:
        return node.module or ""
    parts = source.name.split(".") if source.name else []
    up = node.level - source.package
    if up >= len(parts):
        return ""
    return ".".join([*parts[: len(parts) - up], *([node.module] if node.module else [])])


def _find_spec(name: str) -> ModuleSpec | None:
    spec = _ask(name.partition(".")[0], None)
    return None if spec is None else _descend(name, spec)


def _descend(name: str, spec: ModuleSpec) -> ModuleSpec | None:
    """Return the submodule `name` of the top-level `spec`, or None."""
    parts = name.split(".")
    found: ModuleSpec | None = spec
    for end in range(2, len(parts) + 1):
        if found is None or found.submodule_search_locations is None:
            return None
        found = _ask(".".join(parts[:end]), list(found.submodule_search_locations))
    return found


def _ask(name: str, path: list[str] | None) -> ModuleSpec | None:
    """Return what the first finder has; `importlib.util.find_spec` would import parents."""
    for finder in sys.meta_path:
        # by its full name, PathFinder would need a folder's parents among the imported modules
        asked = name.rpartition(".")[2] if finder is PathFinder else name
        with suppress(Exception):  # finders are anybody's
            spec = finder.find_spec(asked, path)
            if spec is not None:
                return spec
    return None


def _read(name: str, spec: ModuleSpec | None) -> Source | None:
    if spec is None:
        return None
    package = spec.submodule_search_locations is not None
    if spec.origin is None:
        return Source(name=name, content=None, package=True) if package else None
    try:
        content = Path(spec.origin).read_bytes()
    except OSError:
        try:
            content = spec.loader.get_data(spec.origin)  # type: ignore[union-attr]
        except (AttributeError, OSError):  # built into Python
            return None
    return Source(name=name, content=content, package=package)


class _Distribution:
    """The top-level modules that come with the module `main`."""

    def __init__(self, main: str) -> None:
        self._main, self._here = main, _folder(main)
        self._known = {main: True} | dict.fromkeys(_VERSIONED, False)

    def has(self, name: str) -> bool:
        """Return whether the module `name`, a submodule too, comes with this distribution."""
        top = name.partition(".")[0]
        if top not in self._known:
            self._known[top] = self._comes_with(top)
        return self._known[top]

    def _comes_with(self, top: str) -> bool:
        here, there = self._here, _folder(top)
        if here is None or there is None or _is_installed(here) != _is_installed(there):
            return False
        if here == there and not _is_installed(here):
            return True
        return top not in sys.stdlib_module_names and top in self._names

    @cached_property
    def _names(self) -> set[str]:
        return _names_beside(self._main)


def _folder(top: str) -> Path | None:
    """Return the folder that holds a top-level module, or None."""
    spec = _ask(top, None)
    if spec is None:
        return None
    if spec.submodule_search_locations is not None:
        return next((Path(each).parent for each in spec.submodule_search_locations), None)
    return Path(spec.origin).parent if spec.origin and spec.has_location else None


def _is_installed(folder: Path) -> bool:
    """Return whether `folder` holds distributions side by side, as `site-packages` does."""
    return next(folder.glob("*.dist-info"), None) is not None


def _names_beside(top: str) -> set[str]:
    """Return the top-level names of the distributions that have `top`.

    `importlib.metadata.packages_distributions` needs 1 s for 180 distributions; this, 0.03 s.
    """
    found: set[str] = set()
    for folder in map(Path, dict.fromkeys(sys.path)):
        for info in folder.glob("*.dist-info"):
            names = _top_levels(info, top)
            found |= names if top in names else set()
    return found


def _top_levels(info: Path, top: str) -> set[str]:
    with suppress(OSError, UnicodeError):
        return set((info / "top_level.txt").read_text(encoding="utf-8").split())
    with suppress(OSError):
        record = (info / "RECORD").read_bytes()
        if f"{top}/".encode() in record or f"{top}.".encode() in record:
            files = (
                line.partition(",")[0] for line in record.decode("utf-8", "replace").splitlines()
            )
            return {file.partition("/")[0].partition(".")[0] for file in files}
    return set()
