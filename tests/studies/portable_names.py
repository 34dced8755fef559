"""What depends on the system: names that only some have, and text without an encoding.

The names may stand in one room, `bench/system`. `registry` may import nothing of `bench`, so its
part lies in `registry/processes.py`.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

from foreign_system import LACKED, POSIX_MODULES
from paths import ROOT

ALLOWED = ("bench/system/", "registry/processes.py")
_CHECKED = ("registry/**/*.py", "zoo/**/*.py", "bench/**/*.py", "zoo_bench_*.py")
_MODULES = {*POSIX_MODULES, "select", "selectors", "ctypes"}
_NAMES = {f"{module}.{name}" for module, names in LACKED.items() for name in names} | {
    "os.name",
    "sys.platform",
}
_OPTIONS = {"preexec_fn", "start_new_session", "pass_fds", "process_group", "creationflags"}
_FOLDERS = ("/proc", "/dev/", "/sys/", "/tmp")
_WORDS = ("prctl", "mallopt")


def platform_names(root: Path = ROOT) -> list[str]:
    """Return `file:line: name` for each name outside the room that some system lacks."""
    return [
        f"{place}:{line}: {name}"
        for path in _files(root)
        if not (place := path.relative_to(root).as_posix()).startswith(ALLOWED)
        for line, name in sorted(_found(ast.parse(path.read_text(encoding="utf-8"))))
    ]


def bare_text(root: Path = ROOT) -> list[str]:
    """Return `file:line` for each text that is read or written in the system's own encoding."""
    return [
        f"{path.relative_to(root).as_posix()}:{node.lineno}"
        for path in _files(root)
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Call) and _is_bare(node)
    ]


def _is_bare(call: ast.Call) -> bool:
    given = {each.arg: each.value for each in call.keywords}
    if "encoding" in given or None in given:  # `**options` may have it
        return False
    mode = given.get("mode") or (call.args[1] if len(call.args) > 1 else ast.Constant("r"))
    is_text = isinstance(mode, ast.Constant) and "b" not in str(mode.value)
    match call.func:
        case ast.Attribute(attr="read_text"):
            return not call.args  # a file of `importlib.metadata`, which is UTF-8
        case ast.Attribute(attr="write_text"):
            return True
        case ast.Name(id="open"):
            return is_text
        case ast.Attribute(value=ast.Name(id="os"), attr="fdopen"):
            return is_text
    return isinstance(said := given.get("text"), ast.Constant) and said.value is True


def _files(root: Path) -> list[Path]:
    return [path for each in _CHECKED for path in sorted(root.glob(each))]


def _found(tree: ast.Module) -> Iterator[tuple[int, str]]:
    said = {id(each) for node in ast.walk(tree) if (each := _docstring(node))}
    for node in ast.walk(tree):
        match node:
            case ast.Import(names=names):
                yield from ((node.lineno, n.name) for n in names if n.name in _MODULES)
            case ast.ImportFrom(module=str(module), names=names):
                found = [module] if module in _MODULES else [f"{module}.{n.name}" for n in names]
                yield from ((node.lineno, name) for name in found if name in _NAMES | _MODULES)
            case ast.Attribute(value=ast.Name(id=module), attr=name):
                if f"{module}.{name}" in _NAMES:
                    yield node.lineno, f"{module}.{name}"
            case ast.Call(
                func=ast.Name(id="hasattr" | "getattr"),
                args=[ast.Name(id=module), ast.Constant(value=name), *_],
            ):
                if f"{module}.{name}" in _NAMES:
                    yield node.lineno, f"{module}.{name}"
            case ast.keyword(arg=str(name)) if name in _OPTIONS:
                yield node.value.lineno, name
            case ast.Constant(value=str(text)) if id(node) not in said:
                if text.startswith(_FOLDERS) or text in _WORDS:
                    yield node.lineno, repr(text)


def _docstring(node: ast.AST) -> ast.Constant | None:
    match node:
        case (
            ast.Module(body=[ast.Expr(value=ast.Constant() as text), *_])
            | ast.ClassDef(body=[ast.Expr(value=ast.Constant() as text), *_])
            | ast.FunctionDef(body=[ast.Expr(value=ast.Constant() as text), *_])
        ):
            return text
    return None
