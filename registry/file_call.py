"""The name of a network in a file: `./mynet.py:MyNet`, or `./mynet.py:MyNet(image_size=64)`."""

from __future__ import annotations

import ast
import re
from dataclasses import dataclass
from typing import Any

from registry.errors import RegistryError

_PATTERN = re.compile(r"(?P<path>.+?\.py):(?P<name>[A-Za-z_]\w*)(?P<call>\(.*\))?", re.DOTALL)


@dataclass(frozen=True, slots=True, kw_only=True)
class FileCall:
    """A class or function in a file, and the text of its arguments.

    Attributes:
        path: the file as written.
        name: the class or function.
        arguments: keyword arguments, such as `depth=3,width=8`, in the order of their names.
    """

    path: str
    name: str
    arguments: str = ""

    @property
    def called(self) -> str:
        """Return the class or function, with its arguments if there are any."""
        return self.name + (f"({self.arguments})" if self.arguments else "")


def parse_file_call(text: str) -> FileCall:
    """Return the parts of `text`.

    Raises:
        RegistryError: no class follows the colon, or an argument is not a literal with a keyword.
    """
    found = _PATTERN.fullmatch(text)
    if found is None:
        raise RegistryError(f"{text!r} is not a class in a file: write ./mynet.py:MyNet")
    values = _keywords(text, found["call"] or "()")
    arguments = ",".join(f"{name}={values[name]!r}" for name in sorted(values))
    return FileCall(path=found["path"], name=found["name"], arguments=arguments)


def literal_arguments(text: str) -> dict[str, Any]:
    """Return the values of `FileCall.arguments`.

    Raises:
        RegistryError: an argument is not a literal with a keyword.
    """
    return _keywords(text, f"({text})")


def _keywords(text: str, call: str) -> dict[str, Any]:
    wanted = "write literal keyword arguments, such as ./mynet.py:MyNet(image_size=64)"
    try:
        parsed = ast.parse(f"_{call}", mode="eval").body
        if not isinstance(parsed, ast.Call) or parsed.args:
            raise ValueError("positional")
        values = {str(each.arg): ast.literal_eval(each.value) for each in parsed.keywords}
    except (ValueError, SyntaxError, TypeError, MemoryError, RecursionError) as error:
        raise RegistryError(f"{text!r} has arguments of another form: {wanted}") from error
    if "None" in values or len(values) != len(parsed.keywords):
        raise RegistryError(f"{text!r} has arguments of another form: {wanted}")
    if "num_classes" in values:
        raise RegistryError(f"{text!r}: num_classes comes from the data; leave it out")
    return values
