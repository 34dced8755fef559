"""How the code is laid out, in figures: `make rooms` prints them, and fails where a rule is broken.

Imports are all of them: those within functions and those for types alone, too. The contracts of
import-linter look at the first kind only where it is told to.
"""

from __future__ import annotations

import ast
import sys
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping
from pathlib import Path
from statistics import median, quantiles

from paths import ROOT
from portable_names import ALLOWED, bare_text, platform_names

PACKAGES = ("registry", "zoo", "bench")
ROOMS = ("system", "data", "training", "engines", "analysis", "report", "runs", "followup", "tune")
MOST_LINES = 300  # of a file
MOST_MEDIAN, MOST_NINTH = 8, 22  # lines of a function
Graph = Mapping[str, set[str]]


def modules(root: Path = ROOT) -> dict[str, Path]:
    """Return the file of each module by its dotted name; a package's is that of the package."""
    files = [path for package in PACKAGES for path in sorted((root / package).rglob("*.py"))]
    names = [path.relative_to(root).with_suffix("").parts for path in files]
    return {
        ".".join(parts[:-1] if parts[-1] == "__init__" else parts): path
        for parts, path in zip(names, files, strict=True)
    }


def imports(files: Mapping[str, Path]) -> Graph:
    """Return which modules each imports."""
    graph: dict[str, set[str]] = defaultdict(set)
    for module, path in files.items():
        tree = ast.parse(path.read_text(encoding="utf-8"))
        graph[module] = {name for name in _imported(tree, files) if name != module}
    return graph


def _imported(tree: ast.AST, known: Mapping[str, Path]) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names if alias.name in known)
        elif isinstance(node, ast.ImportFrom) and node.module:
            for alias in node.names:
                whole = f"{node.module}.{alias.name}"
                if whole in known or node.module in known:
                    yield whole if whole in known else node.module


def circles(graph: Graph) -> list[list[str]]:
    """Return the modules that import each other, however indirectly, circle by circle."""
    reached = {module: _reached(module, graph) for module in graph}
    found = {
        tuple(sorted(each for each in reached[module] if module in reached.get(each, ())))
        for module in graph
        if module in reached[module]
    }
    return [list(each) for each in sorted(found)]


def _reached(module: str, graph: Graph) -> set[str]:
    found: set[str] = set()
    waiting = [*graph.get(module, ())]
    while waiting:
        name = waiting.pop()
        if name not in found:
            found.add(name)
            waiting += graph.get(name, ())
    return found


def upward(graph: Graph) -> list[str]:
    """Return the imports that go against the order of the rooms, or of the packages."""
    return [
        f"{module} -> {name}"
        for module in sorted(graph)
        for name in sorted(graph[module])
        if _is_upward(module, name)
    ]


def _is_upward(module: str, name: str) -> bool:
    one, other = _room(module), _room(name)
    if one is not None and other is not None:
        return other > one
    forbidden = {"registry": ("zoo", "bench"), "bench": ("zoo",)}
    return name.partition(".")[0] in forbidden.get(module.partition(".")[0], ())


def _room(module: str) -> int | None:
    package, _, rest = module.partition(".")
    room = rest.partition(".")[0]
    return ROOMS.index(room) if package == "bench" and room in ROOMS else None


def loose(files: Mapping[str, Path]) -> list[str]:
    """Return the modules of bench that lie in no room."""
    return [name for name in files if name.startswith("bench.") and _room(name) is None]


def twice(files: Mapping[str, Path]) -> list[str]:
    """Return the names that several modules of bench have."""
    names = [
        name.rpartition(".")[2]
        for name, path in files.items()
        if name.startswith("bench.") and path.name != "__init__.py"
    ]
    return sorted(name for name, count in Counter(names).items() if count > 1)


def long_files(files: Mapping[str, Path]) -> list[str]:
    """Return the files of more than 300 lines."""
    lines = {
        name: len(path.read_text(encoding="utf-8").splitlines()) for name, path in files.items()
    }
    return [f"{name} ({count})" for name, count in lines.items() if count > MOST_LINES]


def function_lines(files: Mapping[str, Path]) -> list[int]:
    """Return how many lines each function has, docstring and decorators left out."""
    return [
        (node.end_lineno or node.lineno) - node.body[_has_docstring(node)].lineno + 2
        for path in files.values()
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        and len(node.body) > _has_docstring(node)
    ]


def _has_docstring(node: ast.FunctionDef | ast.AsyncFunctionDef) -> bool:
    return ast.get_docstring(node, clean=False) is not None


def main() -> int:
    """Print the figures; return 1 where a rule is broken."""
    files = modules()
    graph = imports(files)
    broken = {
        "circles of imports": [" <-> ".join(each) for each in circles(graph)],
        "imports against the order of the rooms": upward(graph),
        "modules of bench in no room": loose(files),
        "module names that occur twice in bench": twice(files),
        f"files of more than {MOST_LINES} lines": long_files(files),
        f"names outside {' and '.join(ALLOWED)} that some system lacks": platform_names(),
        "texts without an encoding": bare_text(),
    }
    lines = function_lines(files)
    ninth = quantiles(lines, n=10)[-1]
    total = sum(len(path.read_text(encoding="utf-8").splitlines()) for path in files.values())
    print(f"{len(files)} modules, {sum(map(len, graph.values()))} imports, {total:,} lines")
    print(f"{len(lines)} functions: median {median(lines):g} lines, 90th percentile {ninth:g}")
    for what, found in broken.items():
        print(f"{len(found)} {what}{': ' if found else ''}{'; '.join(found)}")
    return 1 if any(broken.values()) or median(lines) > MOST_MEDIAN or ninth > MOST_NINTH else 0


if __name__ == "__main__":
    sys.exit(main())
